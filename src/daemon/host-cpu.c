/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/host-cpu.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

/* The value behind "NAME\t: " on a line of its own, of the first processor. */
static char *find_line(const char *text, const char *name) {
        size_t length = strlen(name);

        for (const char *line = text; line && *line;) {
                const char *end = strchrnul(line, '\n');
                const char *rest = line + length;

                if (strncmp(line, name, length) == 0 && rest[strspn(rest, " \t")] == ':') {
                        rest += strspn(rest, " \t") + 1;
                        return g_strstrip(g_strndup(rest, (gsize)MAX(end - rest, 0)));
                }
                line = *end ? end + 1 : end;
        }
        return NULL;
}

static unsigned find_number(const char *text, const char *name) {
        g_autofree char *value = find_line(text, name);
        uint64_t number = 0;

        return value && str_to_uint(value, 10, UINT32_MAX, &number) >= 0 ? (unsigned)number : 0;
}

/* "46 bits physical, 57 bits virtual" */
static unsigned find_phys_bits(const char *text) {
        g_autofree char *value = find_line(text, "address sizes");
        uint64_t bits = 0;

        if (!value)
                return 0;
        value[strcspn(value, " ")] = '\0';
        return str_to_uint(value, 10, 64, &bits) >= 0 ? (unsigned)bits : 0;
}

int host_cpu_load(const Sys *sys, HostCpu *ret, Err *err) {
        g_autofree char *text = NULL;
        g_autofree char *flags = NULL;
        int r = sys_read(sys, "proc/cpuinfo", &text, NULL);

        if (r < 0)
                return fail_errno(err, r, "cannot read /proc/cpuinfo");
        flags = find_line(text, "flags");
        *ret = (HostCpu){
                .vendor = find_line(text, "vendor_id"),
                .family = find_number(text, "cpu family"),
                .model = find_number(text, "model"),
                .stepping = find_number(text, "stepping"),
                .microcode = find_line(text, "microcode"),
                .phys_bits = find_phys_bits(text),
                .flags = g_strsplit(flags ? flags : "", " ", -1),
        };
        return 0;
}

void host_cpu_clear(HostCpu *cpu) {
        g_clear_pointer(&cpu->vendor, g_free);
        g_clear_pointer(&cpu->microcode, g_free);
        g_clear_pointer(&cpu->flags, g_strfreev);
}

/* Where the kernel's word is not QEMU's with '_' for '-' (arch/x86/include/asm/cpufeatures.h). */
static const struct Word {
        const char *kernel, *qemu;
} words[] = {
        {"sse4_1", "sse4.1"},
        {"sse4_2", "sse4.2"},
        {"tsc_deadline_timer", "tsc-deadline"},
        {"nonstop_tsc", "invtsc"},
        {"avx512_vnni", "avx512vnni"},
        {"avx512_vbmi2", "avx512vbmi2"},
        {"avx512_bitalg", "avx512bitalg"},
        {"tsxldtrk", "tsx-ldtrk"},
        {"cr8_legacy", "cr8legacy"},
        {"split_lock_detect", "core-capability"},
        {"virt_ssbd", "virt-ssbd"},
        {"ibrs_enhanced", "ibrs-all"},
};

static int find_flag(const CpuFacts *facts, const char *flag, bool is_intel) {
        g_autofree char *name = g_strdelimit(g_strdup(flag), "_", '-');

        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                if (g_str_equal(words[i].kernel, flag))
                        return cpu_facts_feature(facts, words[i].qemu);
        /* These three are the kernel's own words for one bit of Intel's and three of AMD's. */
        if (is_intel && (g_str_equal(flag, "ibrs") || g_str_equal(flag, "ibpb")))
                return cpu_facts_feature(facts, "spec-ctrl");
        if (!is_intel && (g_str_equal(flag, "stibp") || g_str_equal(flag, "ssbd"))) {
                g_autofree char *amd = g_strconcat("amd-", flag, NULL);

                return cpu_facts_feature(facts, amd);
        }
        return cpu_facts_feature(facts, name);
}

/* What stands in model-specific registers is no flag; KVM has read it. */
static void take_registers(const CpuFacts *facts, CpuSet *set) {
        const CpuHost *kvm = &facts->hosts[CPU_KVM];

        for (guint i = 0; i < facts->names->len; i++) {
                const char *name = facts->names->pdata[i];

                if (cpu_set_has(&kvm->features, i) &&
                    (g_str_has_suffix(name, "-no") || g_str_has_prefix(name, "vmx-")))
                        cpu_set_put(set, i, true);
        }
}

CpuHost host_cpu_as_host(const HostCpu *cpu, const CpuFacts *facts) {
        bool is_intel = g_strcmp0(cpu->vendor, "GenuineIntel") == 0;
        CpuHost host = {.is_known = true, .vendor = g_strdup(cpu->vendor)};

        host.blockers = g_hash_table_new(g_str_hash, g_str_equal);
        take_registers(facts, &host.features);
        STRV_FOREACH(flag, cpu->flags) {
                int number = find_flag(facts, flag, is_intel);

                if (number >= 0)
                        cpu_set_put(&host.features, (unsigned)number, true);
        }
        return host;
}

void host_cpu_done(CpuHost *host) {
        g_clear_pointer(&host->vendor, g_free);
        g_clear_pointer(&host->blockers, g_hash_table_unref);
}
