/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "doctor/acpi.h"
#include "doctor/check.h"
#include "handover/modprobe.h"

#define TABLES      "sys/firmware/acpi/tables"
#define SECURE_BOOT "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

typedef struct Table {
        const char *name, *path;
        int (*parse)(const void *table, size_t size, AcpiIommu **ret);
} Table;

static const Table tables[] = {
        {"DMAR", TABLES "/DMAR", acpi_dmar_parse},
        {"IVRS", TABLES "/IVRS", acpi_ivrs_parse},
};

static const Table *find_table(const DoctorFacts *facts) {
        for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
                if (sys_exists(facts->sys, tables[i].path))
                        return &tables[i];
        return NULL;
}

static int load_table(const DoctorFacts *facts, const Table *table, AcpiIommu **ret) {
        g_autofree char *bytes = NULL;
        size_t size;
        int r = sys_read(facts->sys, table->path, &bytes, &size);

        return r < 0 ? r : table->parse(bytes, size, ret);
}

static const char *setting(const DoctorFacts *facts) {
        switch (facts->vendor) {
        case CPU_INTEL:
                return "turn on VT-d (Intel Virtualization Technology for Directed I/O) in the "
                       "firmware's setup";
        case CPU_AMD:
                return "set IOMMU to Enabled (not Auto) in the firmware's setup";
        default:
                return "turn on VT-d or AMD-Vi (IOMMU) in the firmware's setup";
        }
}

static void no_table(Doctor *d) {
        const DoctorFacts *facts = d->facts;

        if (facts->n_groups > 0)
                doctor_ok(d, "neither DMAR nor IVRS, but the kernel has found an IOMMU by other "
                             "means (/sys/kernel/iommu_groups)");
        else if (!sys_exists(facts->sys, TABLES))
                doctor_skip(d, "not known: there is no /" TABLES);
        else if (facts_is_virtual(facts))
                doctor_fail(d,
                            "give this virtual machine a virtual IOMMU (<iommu model='intel'/> "
                            "with interrupt remapping in its definition)",
                            "this is a virtual machine, and its host gives it no IOMMU (no ACPI "
                            "table DMAR or IVRS)");
        else
                doctor_fail(d, setting(facts),
                            "the firmware describes no IOMMU (no ACPI table DMAR or IVRS): it is "
                            "turned off there, or the machine has none");
}

void check_iommu_firmware(Doctor *d) {
        const Table *table = find_table(d->facts);
        g_autoptr(AcpiIommu) iommu = NULL;
        int r;

        if (!table) {
                no_table(d);
                return;
        }
        r = load_table(d->facts, table, &iommu);
        if (r == -EBADMSG)
                doctor_warn(d, "update the firmware", "ACPI table %s is broken", table->name);
        else if (r < 0)
                doctor_ok(d, "ACPI table %s is there (what it says: %s)", table->name,
                          g_strerror(-r));
        else
                doctor_ok(d, "ACPI table %s: %u unit%s, %u bits of DMA address", table->name,
                          iommu->units, iommu->units == 1 ? "" : "s", iommu->width);
}

/* What stands behind the flags: devices for which firmware keeps memory. The caller's. */
static char *list_regions(const AcpiIommu *iommu) {
        g_autoptr(GString) out = g_string_new(NULL);

        for (unsigned i = 0; i < iommu->regions->len; i++) {
                const AcpiRegion *region = &g_array_index(iommu->regions, AcpiRegion, i);

                g_string_append_printf(out, "%s%s (%#" PRIx64 "-%#" PRIx64 ")",
                                       i == 0 ? "; memory is kept for " : ", ",
                                       *region->devices ? region->devices : "all devices",
                                       region->start, region->end);
        }
        return g_string_free(g_steal_pointer(&out), FALSE);
}

static const char *flags_text(const Table *table, const AcpiIommu *iommu) {
        if (iommu->x2apic_opt_out)
                return "interrupt remapping, but no x2APIC (X2APIC_OPT_OUT)";
        if (strcmp(table->name, "DMAR") == 0)
                return "interrupt remapping (INTR_REMAP)";
        return iommu->has_extended ? "extended features are described (EFRSup)"
                                   : "no extended features are described";
}

static void judge_flags(Doctor *d, const Table *table, const AcpiIommu *iommu) {
        g_autofree char *regions = list_regions(iommu);

        if (!iommu->has_remapping)
                doctor_warn(d, "look for interrupt remapping in the firmware's setup, update it",
                            "DMAR: flag INTR_REMAP is off, the kernel will not remap interrupts%s",
                            regions);
        else
                doctor_ok(d, "%s: %s%s%s", table->name, flags_text(table, iommu),
                          iommu->dma_protection
                                  ? "; DMA is kept out from the start, and the kernel "
                                    "asked to go on with that"
                                  : "",
                          regions);
}

void check_firmware_flags(Doctor *d) {
        const Table *table = find_table(d->facts);
        g_autoptr(AcpiIommu) iommu = NULL;
        int r;

        if (!table) {
                doctor_skip(d, "there is no ACPI table DMAR or IVRS to read");
                return;
        }
        r = load_table(d->facts, table, &iommu);
        if (r == -EBADMSG)
                doctor_skip(d, "not known: ACPI table %s is broken", table->name);
        else if (r < 0)
                doctor_unread(d, table->path, r);
        else
                judge_flags(d, table, iommu);
}

/* The variable is four bytes of attributes and one of value (UEFI 2.10, 3.3; efivarfs). */
static int read_secure_boot(const DoctorFacts *facts, bool *ret) {
        g_autofree char *bytes = NULL;
        size_t size;
        int r = sys_read(facts->sys, SECURE_BOOT, &bytes, &size);

        if (r < 0)
                return r;
        *ret = size >= 5 && bytes[4] == 1;
        return 0;
}

void check_secure_boot(Doctor *d) {
        bool on = false;
        int r;

        if (!sys_exists(d->facts->sys, "sys/firmware/efi")) {
                if (sys_exists(d->facts->sys, "sys/firmware"))
                        doctor_ok(d, "booted without UEFI: there is no secure boot");
                else
                        doctor_skip(d, "not known: there is no /sys/firmware");
                return;
        }
        r = read_secure_boot(d->facts, &on);
        if (r == -ENOENT)
                doctor_skip(d, "not known: the firmware has no variable SecureBoot, or efivarfs is "
                               "not mounted");
        else if (r < 0)
                doctor_unread(d, SECURE_BOOT, r);
        else if (on)
                doctor_ok(d, "on: only signed kernels and modules are loaded; VFIO's own are");
        else
                doctor_ok(d, "off");
}

/* "none [integrity] confidentiality": the one in brackets; the caller's. */
static char *bracketed(const char *text) {
        const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;

        return close ? g_strndup(open + 1, (size_t)(close - open - 1)) : NULL;
}

void check_lockdown(Doctor *d) {
        static const char path[] = "sys/kernel/security/lockdown";
        g_autofree char *mode = NULL, *text = NULL;
        bool wants_foreign = module_state(d->facts->sys, "", "vendor_reset") == MODULE_LOADED;
        int r;

        text = facts_read(d->facts, path, &r);
        if (!text) {
                doctor_unread(d, path, r);
                return;
        }
        mode = bracketed(text);
        if (g_strcmp0(mode, "none") == 0)
                doctor_ok(d, "none");
        else if (wants_foreign)
                doctor_warn(d, "sign it with a key of your own (mokutil --import)",
                            "%s: vendor-reset needs an own signature", mode);
        else
                doctor_ok(d,
                          "%s: unsigned modules (vendor-reset), writes to configuration space "
                          "through sysfs (setpci) and /dev/mem are refused; VFIO is not",
                          mode ? mode : text);
}
