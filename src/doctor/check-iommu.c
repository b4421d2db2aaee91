/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/util.h"
#include "doctor/check.h"

#define GROUPS "sys/kernel/iommu_groups"
#define UNITS  "sys/class/iommu"
#define UNSAFE "allow_unsafe_interrupts"

#define ECAP_REMAPPING (1u << 3) /* VT-d specification, Extended Capability Register, IR */

/* Why the kernel has no groups although the firmware may describe an IOMMU. */
static void no_groups(Doctor *d) {
        const DoctorFacts *facts = d->facts;
        const char *off = words_iommu_off(facts->cmdline);
        g_autofree char *way_out = words_without(off);
        const char *value = facts_option(facts, "intel_iommu");

        if (off)
                doctor_fail(d, way_out, "/" GROUPS " is empty: '%s' is on the command line", off);
        else if (facts_has_table(facts, "DMAR") && !(value && g_str_has_prefix(value, "on")))
                doctor_fail(d, "boot with 'intel_iommu=on' (airlock prepare)",
                            "/" GROUPS " is empty: VT-d is on in the firmware (ACPI table DMAR), "
                            "but 'intel_iommu=on' is not on the command line");
        else if (facts_has_table(facts, "DMAR") || facts_has_table(facts, "IVRS"))
                doctor_fail(d, "dmesg | grep -e DMAR -e AMD-Vi tells what went wrong",
                            "/" GROUPS " is empty, although the firmware describes an IOMMU and "
                            "nothing on the command line turns it off");
        else
                doctor_fail(d, NULL, "/" GROUPS " is empty: there is no IOMMU to use");
}

/* VFIO's no-IOMMU mode makes groups of its own (Documentation/driver-api/vfio.rst). */
static bool is_noiommu(const DoctorFacts *facts) {
        g_auto(GStrv) groups = NULL;

        if (sys_list(facts->sys, GROUPS, &groups) < 0)
                return false;
        STRV_FOREACH(group, groups) {
                g_autofree char *path = g_build_filename(GROUPS, group, "name", NULL);
                g_autofree char *name = facts_read(facts, path, NULL);

                if (g_strcmp0(name, "vfio-noiommu") == 0)
                        return true;
        }
        return false;
}

void check_iommu(Doctor *d) {
        g_auto(GStrv) units = NULL;
        g_autofree char *names = NULL;

        if (!sys_exists(d->facts->sys, "sys/bus/pci")) {
                doctor_skip(d, "not known: there is no /sys/bus/pci");
                return;
        }
        if (d->facts->n_groups == 0) {
                no_groups(d);
                return;
        }
        if (is_noiommu(d->facts)) {
                doctor_fail(d, "boot without vfio.enable_unsafe_noiommu_mode, and use the IOMMU",
                            "the groups are of VFIO's no-IOMMU mode, which protects nothing, and "
                            "QEMU takes none of them");
                return;
        }
        if (sys_list(d->facts->sys, UNITS, &units) >= 0 && units[0])
                names = g_strjoinv(" ", units);
        doctor_ok(d, "%zu groups, %s%s", d->facts->n_groups,
                  names ? "units " : "no unit in /" UNITS, names ? names : "");
}

static int compare_types(const void *a, const void *b, void *userdata) {
        return strcmp(a, b);
}

/* "12 identity, 2 DMA-FQ", ascending by name. NULL: no group tells; the caller's. */
static char *count_types(const DoctorFacts *facts, char **groups) {
        g_autoptr(GTree) counts = g_tree_new_full(compare_types, NULL, g_free, NULL);
        g_autoptr(GString) out = g_string_new(NULL);

        STRV_FOREACH(group, groups) {
                g_autofree char *path = g_build_filename(GROUPS, group, "type", NULL);
                g_autofree char *type = facts_read(facts, path, NULL);
                unsigned n = type ? GPOINTER_TO_UINT(g_tree_lookup(counts, type)) : 0;

                if (type)
                        g_tree_insert(counts, g_steal_pointer(&type), GUINT_TO_POINTER(n + 1));
        }
        for (GTreeNode *node = g_tree_node_first(counts); node; node = g_tree_node_next(node))
                g_string_append_printf(out, "%s%u %s", out->len > 0 ? ", " : "",
                                       GPOINTER_TO_UINT(g_tree_node_value(node)),
                                       (const char *)g_tree_node_key(node));
        return out->len > 0 ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}

void check_domains(Doctor *d) {
        g_auto(GStrv) groups = NULL;
        g_autofree char *types = NULL;

        if (sys_list(d->facts->sys, GROUPS, &groups) < 0 || !groups[0]) {
                doctor_skip(d, "there are no IOMMU groups");
                return;
        }
        types = count_types(d->facts, groups);
        if (types)
                doctor_ok(d,
                          "%s (/" GROUPS "/*/type; identity: the host's own DMA goes past the "
                          "IOMMU, as iommu=pt has it)",
                          types);
        else
                doctor_skip(d, "not known: no file /" GROUPS "/*/type (kernel before 5.11)");
}

/* "dmar1": a unit of Intel's whose capability register has no interrupt remapping; the caller's. */
static char *find_unable(const DoctorFacts *facts) {
        g_auto(GStrv) units = NULL;

        if (sys_list(facts->sys, UNITS, &units) < 0)
                return NULL;
        STRV_FOREACH(unit, units) {
                g_autofree char *path = g_build_filename(UNITS, unit, "intel-iommu/ecap", NULL);
                uint64_t ecap;

                if (sys_read_uint(facts->sys, path, 16, UINT64_MAX, &ecap) == 0 &&
                    !(ecap & ECAP_REMAPPING))
                        return g_strdup(unit);
        }
        return NULL;
}

static void no_remapping(Doctor *d) {
        g_autofree char *unit = find_unable(d->facts);
        g_autofree char *cause = unit ? g_strdup_printf("unit %s cannot (ecap, bit 3)", unit)
                                      : g_strdup("no IR- interrupt chip in /proc/interrupts");

        if (survey_platform(d->facts->survey)->accepts_unsafe)
                doctor_warn(d, "assign devices to trusted guests only",
                            "interrupts are not remapped: %s. " UNSAFE " accepts that a guest can "
                            "forge interrupts",
                            cause);
        else
                doctor_fail(d,
                            "turn it on in the firmware's setup and boot without intremap=off; or "
                            "accept that guests can forge interrupts: airlock prepare "
                            "--unsafe-interrupts",
                            "interrupts are not remapped: %s, and " UNSAFE " is off", cause);
}

void check_remapping(Doctor *d) {
        const Platform *platform = survey_platform(d->facts->survey);

        if (d->facts->n_groups == 0)
                doctor_skip(d, "there is no IOMMU in use that could remap them");
        else if (platform->remapping == REMAPPING_UNKNOWN)
                doctor_unread(d, "proc/interrupts", platform->remapping_r);
        else if (platform->remapping == REMAPPING_ON)
                doctor_ok(d, "IR- interrupt chips in /proc/interrupts");
        else if (platform->remapping == REMAPPING_NOT_NEEDED)
                doctor_ok(d, "no IO-APIC in /proc/interrupts: not needed on this machine");
        else
                no_remapping(d);
}

static bool is_remapped(const DoctorFacts *facts) {
        return survey_platform(facts->survey)->remapping == REMAPPING_ON;
}

/* Whoever accepts what is not there any more leaves a door open for the day when it is. */
static void unsafe_on(Doctor *d, const char *where) {
        if (is_remapped(d->facts))
                doctor_warn(d, "remove it: interrupts are remapped here",
                            "on, in %s, and not needed", where);
        else
                doctor_warn(d, NULL,
                            "on, in %s: a guest with a device can forge interrupts of the host",
                            where);
}

void check_unsafe_interrupts(Doctor *d) {
        const Platform *platform = survey_platform(d->facts->survey);
        const char *text = platform->unsafe_now, *configured = platform->unsafe_in;
        bool now = facts_is_true(text);

        if (now && !configured && d->facts->modprobe_r == 0 && !is_remapped(d->facts))
                doctor_warn(d, "airlock prepare --unsafe-interrupts always, if it shall last",
                            "on, but only until the next boot: no file of modprobe.d has it");
        else if (text && !now && configured)
                doctor_warn(d, "load VFIO again, or reboot", "off in force, though %s turns it on",
                            configured);
        else if (configured)
                unsafe_on(d, configured);
        else if (now)
                unsafe_on(d, "/" PLATFORM_UNSAFE);
        else if (d->facts->modprobe_r < 0)
                doctor_unread(d, "etc/modprobe.d", d->facts->modprobe_r);
        else
                doctor_ok(d, "off%s", text ? "" : " (VFIO is not loaded, and nothing turns it on)");
}

/* The number of a group's directory. */
static int group_number(const char *name) {
        uint64_t number;

        return str_to_uint(name, 10, INT_MAX, &number) < 0 ? -1 : (int)number;
}

static void tell_reserved(Doctor *d, const char *group, const char *region) {
        g_autofree char *object = g_strdup_printf("group %s", group);

        doctor_about(d, object);
        doctor_warn(d,
                    "turn off what uses it in the firmware's setup (legacy USB, the management "
                    "controller's shared port)",
                    "firmware keeps %s mapped (RMRR): the kernel assigns no device of it", region);
}

void check_reserved(Doctor *d) {
        g_auto(GStrv) groups = NULL;
        unsigned found = 0, told = 0;
        int r = 0;

        if (sys_list(d->facts->sys, GROUPS, &groups) < 0 || !groups[0]) {
                doctor_skip(d, "there are no IOMMU groups");
                return;
        }
        STRV_FOREACH(group, groups) {
                int read;
                g_autofree char *region = facts_direct_region(d->facts, group_number(group), &read);

                if (region)
                        tell_reserved(d, group, region);
                found += region ? 1 : 0;
                told += read >= 0 ? 1 : 0;
                r = read < 0 ? read : r;
        }
        if (told == 0)
                doctor_unread(d, GROUPS "/*/reserved_regions", r);
        else if (found == 0)
                doctor_ok(d, "none that keeps a device with the host (%u groups read)", told);
}
