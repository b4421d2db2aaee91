/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor/facts.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "handover/modprobe.h"

char *facts_read(const DoctorFacts *facts, const char *path, int *ret_r) {
        char *text = NULL;
        int r = sys_read_text(facts->sys, path, &text);

        if (ret_r)
                *ret_r = r;
        return r < 0 ? NULL : text;
}

/* "flags\t\t: fpu vme …": what stands behind the first line of that name; the caller's. */
static char *cpuinfo_value(const char *text, const char *name) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", 0);

        STRV_FOREACH(line, lines) {
                const char *colon = strchr(line, ':');
                g_autofree char *key =
                        colon ? g_strchomp(g_strndup(line, (size_t)(colon - line))) : NULL;

                if (g_strcmp0(key, name) == 0)
                        return g_strdup(g_strstrip((char *)(uintptr_t)(colon + 1)));
        }
        return NULL;
}

static CpuVendor parse_vendor(const char *name) {
        static const struct {
                const char *name;
                CpuVendor vendor;
        } vendors[] = {
                {"GenuineIntel", CPU_INTEL},
                {"AuthenticAMD", CPU_AMD},
                {"HygonGenuine", CPU_AMD},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(vendors); i++)
                if (g_strcmp0(name, vendors[i].name) == 0)
                        return vendors[i].vendor;
        return CPU_UNKNOWN;
}

/* "39 bits physical, 48 bits virtual" */
static unsigned parse_phys_bits(const char *text) {
        g_auto(GStrv) words = g_strsplit(text ? text : "", " ", 2);
        uint64_t bits;

        return words[0] && str_to_uint(words[0], 10, 64, &bits) == 0 ? (unsigned)bits : 0;
}

static void load_cpu(DoctorFacts *facts) {
        g_autofree char *text = facts_read(facts, "proc/cpuinfo", &facts->cpu_r);
        g_autofree char *vendor = NULL, *flags = NULL, *sizes = NULL;

        if (text) {
                vendor = cpuinfo_value(text, "vendor_id");
                flags = cpuinfo_value(text, "flags");
                sizes = cpuinfo_value(text, "address sizes");
        }
        facts->vendor = parse_vendor(vendor);
        facts->phys_bits = parse_phys_bits(sizes);
        facts->cpu_flags = g_strsplit(flags ? flags : "", " ", 0);
}

static void load_cmdline(DoctorFacts *facts) {
        g_autofree char *text = facts_read(facts, "proc/cmdline", &facts->cmdline_r);

        facts->cmdline = g_strsplit_set(text ? text : "", " \n", 0);
        words_cut(facts->cmdline);
}

void words_cut(char **words) {
        while (*words && strcmp(*words, "--") != 0)
                words++;
        for (; *words; words++)
                g_clear_pointer(words, g_free);
}

static size_t count_names(const Sys *sys, const char *path) {
        g_auto(GStrv) names = NULL;

        return sys_list(sys, path, &names) < 0 ? 0 : g_strv_length(names);
}

int facts_load(const char *root, DoctorFacts **ret, Err *err) {
        g_autoptr(DoctorFacts) facts = g_new0(DoctorFacts, 1);
        int r;

        r = sys_new(root, &facts->sys);
        if (r < 0)
                return fail_errno(err, r, "cannot open the root '%s'", root ? root : "/");
        r = pci_tree_new(facts->sys, &facts->tree, err);
        if (r < 0)
                return r;
        facts->kernel = facts_read(facts, "proc/sys/kernel/osrelease", NULL);
        if (!facts->kernel)
                facts->kernel = g_strdup("");
        load_cmdline(facts);
        load_cpu(facts);
        facts->modprobe = modprobe_load(facts->sys, &facts->modprobe_r);
        facts->n_groups = count_names(facts->sys, "sys/kernel/iommu_groups");
        facts->survey = survey_new(facts->tree);
        *ret = g_steal_pointer(&facts);
        return 0;
}

void facts_free(DoctorFacts *facts) {
        if (!facts)
                return;
        g_clear_pointer(&facts->modprobe, g_ptr_array_unref);
        survey_free(facts->survey);
        pci_tree_free(facts->tree);
        sys_free(facts->sys);
        g_free(facts->kernel);
        g_strfreev(facts->cmdline);
        g_strfreev(facts->cpu_flags);
        g_free(facts);
}

bool facts_has_flag(const DoctorFacts *facts, const char *flag) {
        return g_strv_contains((const char *const *)facts->cpu_flags, flag);
}

bool facts_has_table(const DoctorFacts *facts, const char *name) {
        g_autofree char *path = g_build_filename("sys/firmware/acpi/tables", name, NULL);

        return sys_exists(facts->sys, path);
}

bool facts_is_virtual(const DoctorFacts *facts) {
        return facts_has_flag(facts, "hypervisor");
}

char *facts_direct_region(const DoctorFacts *facts, int group, int *ret_r) {
        g_autofree char *path =
                g_strdup_printf("sys/kernel/iommu_groups/%d/reserved_regions", group);
        g_autofree char *text = facts_read(facts, path, ret_r);
        g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", 0);

        STRV_FOREACH(line, lines)
                if (g_str_has_suffix(line, " direct"))
                        return g_strdup(line);
        return NULL;
}

bool facts_is_same_card(const PciDevice *a, const PciDevice *b) {
        return a->addr.domain == b->addr.domain && a->addr.bus == b->addr.bus &&
               a->addr.slot == b->addr.slot;
}

const char *words_option(char *const *words, const char *name) {
        const char *value = NULL;

        for (; words && *words; words++) {
                size_t length = strcspn(*words, "=");
                g_autofree char *key = g_strndup(*words, length);

                if (modprobe_is_same(key, name))
                        value = *words + length + ((*words)[length] == '=' ? 1 : 0);
        }
        return value;
}

const char *facts_option(const DoctorFacts *facts, const char *name) {
        return words_option(facts->cmdline, name);
}

/* Paths of disks and images contain anything. */
static bool is_about(const char *word, const char *const *parts, size_t n) {
        if (g_str_has_prefix(word, "root=") || g_str_has_prefix(word, "BOOT_IMAGE=") ||
            g_str_has_prefix(word, "initrd="))
                return false;
        for (size_t i = 0; i < n; i++)
                if (strstr(word, parts[i]))
                        return true;
        return false;
}

char *words_relevant(char *const *words) {
        static const char *const parts[] = {"iommu",    "vfio",      "intremap", "pci",
                                            "hugepage", "blacklist", "lockdown"};
        g_autoptr(GString) out = g_string_new(NULL);

        for (; words && *words; words++)
                if (is_about(*words, parts, G_N_ELEMENTS(parts)))
                        g_string_append_printf(out, "%s%s", out->len > 0 ? " " : "", *words);
        return g_string_free(g_steal_pointer(&out), FALSE);
}

const char *words_iommu_off(char *const *words) {
        static const char *const off[] = {"intel_iommu=off", "amd_iommu=off", "iommu=off",
                                          "noiommu", NULL};

        for (; words && *words; words++)
                if (g_strv_contains(off, *words))
                        return *words;
        return NULL;
}

/* `noiommu` is not one that prepare replaces. */
char *words_without(const char *off) {
        if (!off)
                return NULL;
        return g_strdup_printf("boot without '%s'%s", off,
                               g_str_has_suffix(off, "=off") ? " (airlock prepare)" : "");
}

bool facts_is_true(const char *text) {
        static const char *const yes[] = {"Y", "y", "1", "on", NULL};

        return text && g_strv_contains(yes, text);
}
