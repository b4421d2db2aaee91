/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor/doctor.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "doctor/check.h"

#define CPU      "Processor"
#define FIRMWARE "Firmware"
#define KERNEL   "Kernel"
#define IOMMU    "IOMMU"
#define VFIO     "VFIO"
#define LIMITS   "Limits and security"
#define DEVICES  "Devices"
#define EMULATOR "QEMU"

/* The order is that of causes: the first vital check that fails is why nothing works. */
static const DoctorCheck checks[] = {
        {"cpu-virtualization", CPU, check_virtualization, "the processor can run guests"},
        {"kvm", CPU, check_kvm, "the kernel's KVM"},
        {"kvm-nested", CPU, check_nested, "guests that run guests"},

        {"iommu-firmware", FIRMWARE, check_iommu_firmware,
         "the firmware describes an IOMMU (ACPI tables DMAR, IVRS)", .is_vital = true},
        {"iommu-firmware-flags", FIRMWARE, check_firmware_flags,
         "what those tables say of interrupt remapping and DMA protection"},
        {"secure-boot", FIRMWARE, check_secure_boot, "UEFI secure boot"},
        {"lockdown", FIRMWARE, check_lockdown, "the kernel's lockdown, and what it forbids"},

        {"cmdline", KERNEL, check_cmdline, "the kernel's command line that is in force"},
        {"cmdline-next", KERNEL, check_cmdline_next, "the command line of the next boot"},
        {"acs-override", KERNEL, check_acs_override, "groups split by pcie_acs_override"},

        {"iommu", IOMMU, check_iommu, "the kernel uses the IOMMU", .is_vital = true},
        {"iommu-domains", IOMMU, check_domains, "how the host's own DMA is translated"},
        {"interrupt-remapping", IOMMU, check_remapping, "interrupts of devices are remapped",
         .is_vital = true},
        {"unsafe-interrupts", IOMMU, check_unsafe_interrupts,
         "allow_unsafe_interrupts, in force and configured"},
        {"reserved-regions", IOMMU, check_reserved, "memory that firmware keeps for devices"},
        {"groups", IOMMU, check_groups, "IOMMU groups, and why they are as large as they are"},

        {"vfio-module", VFIO, check_vfio_module, "the kernel has vfio-pci", .is_vital = true},
        {"vfio-blacklist", VFIO, check_vfio_blacklist, "nothing keeps VFIO from being loaded"},
        {"vfio-ids", VFIO, check_vfio_ids, "devices that vfio-pci takes by their ids"},
        {"vfio-early", VFIO, check_vfio_early, "vfio-pci is loaded early enough for them"},
        {"vfio-drivers", VFIO, check_vfio_drivers, "drivers that were faster, and softdeps"},
        {"vfio-nodes", VFIO, check_vfio_nodes, "device nodes below /dev/vfio"},

        {"memlock", LIMITS, check_memlock, "limit of locked memory"},
        {"cgroup", LIMITS, check_cgroup, "control groups that limit memory"},
        {"hugepages", LIMITS, check_hugepages, "huge pages"},
        {"lsm", LIMITS, check_lsm, "security modules: AppArmor, SELinux"},

        {"bars", DEVICES, check_bars, "large BARs, and BARs without an address"},
        {"power", DEVICES, check_power, "devices that sleep too deeply (D3cold)"},
        {"reset", DEVICES, check_reset, "how each device can be reset"},
        {"device", DEVICES, check_devices, "each device: can it be assigned?"},

        {"qemu", EMULATOR, check_qemu, "QEMU, its version and abilities"},
};

const DoctorCheck *doctor_checks(size_t *ret_n) {
        *ret_n = G_N_ELEMENTS(checks);
        return checks;
}

static void finding_free(void *data) {
        DoctorFinding *finding = data;

        g_free(finding->object);
        g_free(finding->evidence);
        g_free(finding->way_out);
        g_free(finding);
}

int doctor_new(const char *root, Doctor **ret, Err *err) {
        g_autoptr(Doctor) doctor = g_new0(Doctor, 1);
        int r;

        doctor->findings = g_ptr_array_new_with_free_func(finding_free);
        doctor->devices = json_array();
        r = facts_load(root, &doctor->facts, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&doctor);
        return 0;
}

void doctor_free(Doctor *doctor) {
        if (!doctor)
                return;
        facts_free(doctor->facts);
        g_ptr_array_unref(doctor->findings);
        json_decref(doctor->devices);
        g_free(doctor->object);
        g_free(doctor);
}

static bool is_check(const char *name) {
        for (size_t i = 0; i < G_N_ELEMENTS(checks); i++)
                if (strcmp(checks[i].name, name) == 0)
                        return true;
        return false;
}

static bool is_wanted(char *const *names, const char *name) {
        return !*names || g_strv_contains((const char *const *)names, name);
}

int doctor_check_names(char *const *names, Err *err) {
        for (char *const *name = names; *name; name++)
                if (!is_check(*name))
                        return fail_hint(
                                err,
                                fail(err, VIR_ERR_INVALID_ARG, "there is no check '%.80s'", *name),
                                "airlock doctor --list names them all");
        return 0;
}

int doctor_run(Doctor *doctor, char *const *names, Err *err) {
        int r = doctor_check_names(names, err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
                if (!is_wanted(names, checks[i].name))
                        continue;
                doctor->check = &checks[i];
                doctor_about(doctor, NULL);
                checks[i].run(doctor);
        }
        return 0;
}

void doctor_about(Doctor *d, const char *text) {
        g_free(d->object);
        d->object = g_strdup(text);
}

static void add(Doctor *d, DoctorVerdict verdict, const char *way_out, char *evidence) {
        DoctorFinding *finding = g_new0(DoctorFinding, 1);

        *finding = (DoctorFinding){
                .check = d->check,
                .object = g_strdup(d->object),
                .verdict = verdict,
                .evidence = evidence,
                .way_out = g_strdup(way_out),
        };
        g_ptr_array_add(d->findings, finding);
}

void doctor_ok(Doctor *d, const char *format, ...) {
        va_list args;

        va_start(args, format);
        add(d, DOCTOR_OK, NULL, g_strdup_vprintf(format, args));
        va_end(args);
}

void doctor_skip(Doctor *d, const char *format, ...) {
        va_list args;

        va_start(args, format);
        add(d, DOCTOR_SKIPPED, NULL, g_strdup_vprintf(format, args));
        va_end(args);
}

void doctor_warn(Doctor *d, const char *way_out, const char *format, ...) {
        va_list args;

        va_start(args, format);
        add(d, DOCTOR_WARN, way_out, g_strdup_vprintf(format, args));
        va_end(args);
}

void doctor_fail(Doctor *d, const char *way_out, const char *format, ...) {
        va_list args;

        va_start(args, format);
        add(d, DOCTOR_FAIL, way_out, g_strdup_vprintf(format, args));
        va_end(args);
}

void doctor_unread(Doctor *d, const char *path, int r) {
        bool is_forbidden = r == -EACCES || r == -EPERM;

        if (is_forbidden)
                d->unread++;
        add(d, DOCTOR_SKIPPED, is_forbidden ? "run it as root" : NULL,
            r == -ENOENT
                    ? g_strdup_printf("not known: there is no /%s", path)
                    : g_strdup_printf("not known: /%s cannot be read: %s", path, g_strerror(-r)));
}

const DoctorFinding *const *doctor_findings(const Doctor *doctor, size_t *ret_n) {
        *ret_n = doctor->findings->len;
        return (const DoctorFinding *const *)doctor->findings->pdata;
}

DoctorVerdict doctor_worst(const Doctor *doctor) {
        DoctorVerdict worst = DOCTOR_OK;

        for (unsigned i = 0; i < doctor->findings->len; i++) {
                const DoctorFinding *finding = doctor->findings->pdata[i];

                if (finding->verdict != DOCTOR_SKIPPED)
                        worst = MAX(worst, finding->verdict);
        }
        return worst;
}
