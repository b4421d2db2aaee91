/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/platform.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

#define UNSAFE_PARAMETER "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"

void platform_free(Platform *platform) {
        if (!platform)
                return;
        g_free(platform->acpi_table);
        g_free(platform->off_by);
        g_free(platform);
}

static bool has_entries(const Sys *sys, const char *path) {
        g_auto(GStrv) names = NULL;

        return sys_list(sys, path, &names) == 0 && names[0];
}

static char *find_acpi_table(const Sys *sys) {
        static const char *const tables[] = {"DMAR", "IVRS"};

        for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
                g_autofree char *path =
                        g_build_filename("sys/firmware/acpi/tables", tables[i], NULL);

                if (sys_exists(sys, path))
                        return g_strdup(tables[i]);
        }
        return NULL;
}

static char *read_or_empty(const Sys *sys, const char *path) {
        char *text = NULL;

        return sys_read_text(sys, path, &text) == 0 ? text : g_strdup("");
}

/* A word of the kernel's command line that has option's name; the caller's. */
static char *find_option(const Sys *sys, const char *const *options) {
        g_autofree char *line = read_or_empty(sys, "proc/cmdline");
        g_auto(GStrv) words = g_strsplit_set(line, " \n", 0);

        STRV_FOREACH(word, words)
                if (g_strv_contains(options, word))
                        return g_strdup(word);
        return NULL;
}

/* With remapping the kernel puts "IR-" before the names of the interrupt chips (IR-IO-APIC,
 * IR-PCI-MSI), for Intel and for AMD; sysfs has no file that would say it. */
static bool find_remapping(const Sys *sys, int *ret_r) {
        g_autofree char *text = NULL;

        *ret_r = sys_read_text(sys, "proc/interrupts", &text);
        if (*ret_r < 0)
                return false;
        return strstr(text, " IR-") || !strstr(text, "IO-APIC");
}

/* "options vfio_iommu_type1 allow_unsafe_interrupts=1" (modprobe.d(5)). */
static bool is_unsafe_option(const char *line) {
        g_auto(GStrv) words = g_strsplit_set(line, " \t", 0);
        static const char *const yes[] = {
                "allow_unsafe_interrupts=1",
                "allow_unsafe_interrupts=Y",
                "allow_unsafe_interrupts=y",
                "allow_unsafe_interrupts",
                NULL,
        };
        bool is_module = g_strv_contains((const char *const *)words, "vfio_iommu_type1");

        if (g_strcmp0(words[0], "options") != 0 || !is_module)
                return false;
        STRV_FOREACH(word, words)
                if (g_strv_contains(yes, word))
                        return true;
        return false;
}

static bool is_unsafe_configured(const Sys *sys) {
        static const char *const dirs[] = {"etc/modprobe.d", "run/modprobe.d",
                                           "usr/local/lib/modprobe.d", "usr/lib/modprobe.d"};

        for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++) {
                g_auto(GStrv) names = NULL;

                if (sys_list(sys, dirs[i], &names) < 0)
                        continue;
                STRV_FOREACH(name, names) {
                        g_autofree char *path = g_build_filename(dirs[i], name, NULL);
                        g_autofree char *text = read_or_empty(sys, path);
                        g_auto(GStrv) lines = g_strsplit(text, "\n", 0);

                        STRV_FOREACH(line, lines)
                                if (g_str_has_suffix(name, ".conf") && is_unsafe_option(line))
                                        return true;
                }
        }
        return false;
}

/* What holds now where VFIO is loaded, else what will hold when it is. */
static bool find_unsafe(const Sys *sys) {
        static const char *const options[] = {"vfio_iommu_type1.allow_unsafe_interrupts=1",
                                              "vfio_iommu_type1.allow_unsafe_interrupts=Y",
                                              "vfio_iommu_type1.allow_unsafe_interrupts", NULL};
        g_autofree char *value = NULL, *option = NULL;

        if (sys_read_text(sys, UNSAFE_PARAMETER, &value) == 0)
                return strcmp(value, "Y") == 0 || strcmp(value, "1") == 0;
        option = find_option(sys, options);
        return option || is_unsafe_configured(sys);
}

/* Where the lists of modules cannot be read nobody knows, and modprobe will tell. */
static bool find_vfio_module(const Sys *sys) {
        static const char *const lists[] = {"modules.dep", "modules.builtin"};
        g_autofree char *release = read_or_empty(sys, "proc/sys/kernel/osrelease");
        bool was_read = false;

        for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
                g_autofree char *path = g_build_filename("lib/modules", release, lists[i], NULL);
                g_autofree char *text = NULL;

                if (!*release || sys_read_text(sys, path, &text) < 0)
                        continue;
                was_read = true;
                if (strstr(text, "/vfio-pci.ko"))
                        return true;
        }
        return !was_read;
}

int platform_load(const Sys *sys, Platform **ret, Err *err) {
        static const char *const off[] = {"intel_iommu=off", "amd_iommu=off", "iommu=off",
                                          "noiommu", NULL};
        g_autoptr(Platform) platform = g_new0(Platform, 1);
        int r;

        platform->has_groups = has_entries(sys, "sys/kernel/iommu_groups");
        platform->acpi_table = find_acpi_table(sys);
        platform->off_by = find_option(sys, off);
        platform->has_remapping = find_remapping(sys, &r);
        if (r < 0)
                return fail_errno(err, r, "cannot read /proc/interrupts");
        platform->accepts_unsafe = find_unsafe(sys);
        platform->is_vfio_loaded = sys_exists(sys, "sys/bus/pci/drivers/vfio-pci");
        platform->has_vfio = platform->is_vfio_loaded || find_vfio_module(sys);
        *ret = g_steal_pointer(&platform);
        return 0;
}

char *platform_no_iommu_cause(const Platform *platform) {
        if (platform->has_groups)
                return g_strdup("no IOMMU of this host is in charge of it");
        if (!platform->acpi_table)
                return g_strdup("the host has no IOMMU (no ACPI table DMAR or IVRS)");
        if (platform->off_by)
                return g_strdup_printf(
                        "the host's IOMMU (ACPI table %s) is turned off by '%s' on the "
                        "kernel's command line",
                        platform->acpi_table, platform->off_by);
        return g_strdup_printf("the kernel does not use the host's IOMMU (ACPI table %s is there, "
                               "/sys/kernel/iommu_groups is empty)",
                               platform->acpi_table);
}

char *platform_no_iommu_way_out(const Platform *platform) {
        if (platform->has_groups)
                return NULL;
        if (!platform->acpi_table)
                return g_strdup("enable VT-d or AMD-Vi (IOMMU) in the firmware's setup");
        if (platform->off_by)
                return g_strdup_printf("boot without '%s'", platform->off_by);
        return g_strdup_printf("boot with '%s' on the kernel's command line",
                               strcmp(platform->acpi_table, "DMAR") == 0 ? "intel_iommu=on"
                                                                         : "amd_iommu=on");
}

const char *platform_no_remapping_way_out(void) {
        return "enable interrupt remapping (firmware setup: VT-d or AMD-Vi with interrupt "
               "remapping; "
               "kernel: no intremap=off), or accept that a guest can forge interrupts: "
               "echo 1 > /" UNSAFE_PARAMETER ", and for every boot a file in /etc/modprobe.d with "
               "'options vfio_iommu_type1 allow_unsafe_interrupts=1'";
}
