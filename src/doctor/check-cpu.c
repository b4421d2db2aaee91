/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/util.h"
#include "doctor/check.h"
#include "handover/modprobe.h"

typedef struct Virtualization {
        CpuVendor vendor;
        const char *flag, *module, *setting; /* of the processor, of KVM, in the firmware's setup */
} Virtualization;

static const Virtualization kinds[] = {
        {CPU_INTEL, "vmx", "kvm_intel", "Intel Virtualization Technology (VT-x)"},
        {CPU_AMD, "svm", "kvm_amd", "SVM mode (AMD-V)"},
};

static const Virtualization *find_kind(const DoctorFacts *facts) {
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                if (kinds[i].vendor == facts->vendor)
                        return &kinds[i];
        return NULL;
}

void check_virtualization(Doctor *d) {
        const DoctorFacts *facts = d->facts;
        const Virtualization *kind = find_kind(facts);
        g_autofree char *way_out = NULL;

        if (facts->cpu_r < 0) {
                doctor_unread(d, "proc/cpuinfo", facts->cpu_r);
        } else if (!kind) {
                doctor_skip(d, "not known: /proc/cpuinfo names neither Intel nor AMD");
        } else if (facts_has_flag(facts, kind->flag)) {
                doctor_ok(d, "flag '%s' in /proc/cpuinfo, %u bits of physical address%s",
                          kind->flag, facts->phys_bits,
                          facts_is_virtual(facts) ? "; this is a virtual machine" : "");
        } else if (facts_is_virtual(facts)) {
                way_out = g_strdup_printf("give this virtual machine's processor '%s' (cpu mode "
                                          "host-passthrough, and nested KVM on its host)",
                                          kind->flag);
                doctor_fail(d, way_out, "this is a virtual machine without flag '%s'", kind->flag);
        } else {
                way_out = g_strdup_printf("turn on %s in the firmware's setup", kind->setting);
                doctor_fail(d, way_out,
                            "no flag '%s' in /proc/cpuinfo: turned off in the firmware, or the "
                            "processor has none",
                            kind->flag);
        }
}

static void no_kvm(Doctor *d, const Virtualization *kind, const char *name) {
        const DoctorFacts *facts = d->facts;
        ModuleState state = module_state(facts->sys, facts->kernel, name);
        g_autofree char *way_out = g_strdup_printf("modprobe %s, and look at dmesg", name);

        if (kind && !facts_has_flag(facts, kind->flag))
                doctor_fail(d, NULL, "no /dev/kvm, as the processor has no '%s'", kind->flag);
        else if (state == MODULE_ABSENT)
                doctor_fail(d, "install the kernel's complete set of modules",
                            "no /dev/kvm, and kernel %s has no module %s", facts->kernel, name);
        else if (facts->cpu_r < 0)
                doctor_skip(d, "not known: no /dev/kvm, and no /proc/cpuinfo");
        else
                doctor_fail(d, way_out, "no /dev/kvm; module %s: %s", name,
                            module_state_to_string(state));
}

/* The node alone proves nothing: it can be static, or of another machine. */
static int open_kvm(const DoctorFacts *facts) {
        _cleanup_(closep) int fd =
                sys_open(facts->sys, "dev/kvm", sys_is_live(facts->sys) ? O_RDWR : O_PATH);

        return MIN(fd, 0);
}

void check_kvm(Doctor *d) {
        const Virtualization *kind = find_kind(d->facts);
        const char *name = kind ? kind->module : "kvm";
        int r = open_kvm(d->facts);

        if (r == -ENOENT)
                no_kvm(d, kind, name);
        else if (r == -EACCES || r == -EPERM)
                doctor_unread(d, "dev/kvm", r);
        else if (r < 0)
                doctor_fail(d, "look into dmesg", "/dev/kvm cannot be opened: %s", g_strerror(-r));
        else
                doctor_ok(d, "/dev/kvm %s",
                          sys_is_live(d->facts->sys) ? "can be opened" : "is there");
}

void check_nested(Doctor *d) {
        const Virtualization *kind = find_kind(d->facts);
        g_autofree char *path = NULL, *text = NULL;
        int r;

        if (!kind) {
                doctor_skip(d, "not known: neither kvm_intel nor kvm_amd fits this processor");
                return;
        }
        path = g_strdup_printf("sys/module/%s/parameters/nested", kind->module);
        text = facts_read(d->facts, path, &r);
        if (!text)
                doctor_unread(d, path, r);
        else if (facts_is_true(text))
                doctor_ok(d, "on: guests can run guests (/%s: %s)", path, text);
        else
                doctor_ok(d, "off: guests run no guests; devices do not mind (/%s: %s)", path,
                          text);
}
