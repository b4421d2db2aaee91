/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/platform.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "handover/modprobe.h"

#define UNSAFE "allow_unsafe_interrupts"

void platform_free(Platform *platform) {
        if (!platform)
                return;
        g_free(platform->acpi_table);
        g_free(platform->off_by);
        g_free(platform->unsafe_now);
        g_free(platform->unsafe_in);
        g_free(platform->kernel);
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

/* The kernel's words of its command line: what stands behind "--" is the init's. */
static char **load_words(const Sys *sys) {
        g_autofree char *line = read_or_empty(sys, "proc/cmdline");
        char *end = strstr(line, " -- ");

        if (end)
                *end = '\0';
        return g_strsplit_set(line, " \n", 0);
}

/* A word of the kernel's command line that has option's name; the caller's. */
static char *find_option(const Sys *sys, const char *const *options) {
        g_auto(GStrv) words = load_words(sys);

        STRV_FOREACH(word, words)
                if (g_strv_contains(options, word))
                        return g_strdup(word);
        return NULL;
}

/* With remapping the kernel puts "IR-" before the names of the interrupt chips (IR-IO-APIC,
 * IR-PCI-MSI), for Intel and for AMD; sysfs has no file that would say it. */
static Remapping find_remapping(const Sys *sys, int *ret_r) {
        g_autofree char *text = NULL;

        *ret_r = sys_read_text(sys, "proc/interrupts", &text);
        if (*ret_r < 0)
                return REMAPPING_UNKNOWN;
        if (strstr(text, " IR-"))
                return REMAPPING_ON;
        return strstr(text, "IO-APIC") ? REMAPPING_OFF : REMAPPING_NOT_NEEDED;
}

/* As the kernel reads truth. */
static bool is_true(const char *text) {
        static const char *const yes[] = {"Y", "y", "1", "on", NULL};

        return g_strv_contains(yes, text);
}

/* "allow_unsafe_interrupts=1", or the bare name. */
static bool is_unsafe_word(const char *word) {
        if (!g_str_has_prefix(word, UNSAFE))
                return false;
        word += strlen(UNSAFE);
        return !*word || (*word == '=' && is_true(word + 1));
}

/* On the command line, the module's name stands before it. */
static bool is_unsafe_on_line(const Sys *sys) {
        static const char *const modules[] = {"vfio_iommu_type1.", "vfio-iommu-type1."};
        g_auto(GStrv) words = load_words(sys);

        STRV_FOREACH(word, words)
                for (size_t i = 0; i < G_N_ELEMENTS(modules); i++)
                        if (g_str_has_prefix(word, modules[i]) &&
                            is_unsafe_word(word + strlen(modules[i])))
                                return true;
        return false;
}

/* "/etc/modprobe.d/vfio.conf", the file that accepts it; NULL: none. The caller's. */
static char *find_unsafe_file(const Sys *sys) {
        int r;
        g_autoptr(GPtrArray) lines = modprobe_load(sys, &r);
        const ModprobeLine *line;
        unsigned pos = 0;

        while ((line = modprobe_next(lines, "options", "vfio_iommu_type1", &pos)))
                STRV_FOREACH(word, line->words + 2)
                        if (is_unsafe_word(word))
                                return g_strdup(line->file);
        return NULL;
}

/* What holds now where VFIO is loaded, else what will hold when it is. */
static void load_unsafe(Platform *platform, const Sys *sys) {
        if (sys_read_text(sys, PLATFORM_UNSAFE, &platform->unsafe_now) < 0)
                platform->unsafe_now = NULL;
        platform->unsafe_in =
                is_unsafe_on_line(sys) ? g_strdup("/proc/cmdline") : find_unsafe_file(sys);
        platform->accepts_unsafe =
                platform->unsafe_now ? is_true(platform->unsafe_now) : platform->unsafe_in != NULL;
}

/* Where the lists of modules cannot be read nobody knows, and modprobe will tell. IOMMUFD can stand
 * in for VFIO's own containers (CONFIG_IOMMUFD_VFIO_CONTAINER). */
static void load_modules(Platform *platform, const Sys *sys) {
        static const struct {
                const char *name, *instead;
        } modules[] = {{"vfio", NULL}, {"vfio_iommu_type1", "iommufd"}, {"vfio_pci", NULL}};

        platform->kernel = read_or_empty(sys, "proc/sys/kernel/osrelease");
        platform->is_vfio_loaded = sys_exists(sys, "sys/bus/pci/drivers/vfio-pci");
        for (size_t i = 0; i < G_N_ELEMENTS(modules) && !platform->is_vfio_loaded; i++) {
                const char *instead = modules[i].instead;

                if (module_state(sys, platform->kernel, modules[i].name) != MODULE_ABSENT ||
                    (instead && module_state(sys, platform->kernel, instead) != MODULE_ABSENT))
                        continue;
                platform->missing_module = modules[i].name;
                return;
        }
}

Platform *platform_load(const Sys *sys) {
        static const char *const off[] = {"intel_iommu=off", "amd_iommu=off", "iommu=off",
                                          "noiommu", NULL};
        Platform *platform = g_new0(Platform, 1);

        platform->has_groups = has_entries(sys, "sys/kernel/iommu_groups");
        platform->acpi_table = find_acpi_table(sys);
        platform->off_by = find_option(sys, off);
        platform->remapping = find_remapping(sys, &platform->remapping_r);
        load_unsafe(platform, sys);
        load_modules(platform, sys);
        return platform;
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
               "echo 1 > /" PLATFORM_UNSAFE ", and for every boot a file in /etc/modprobe.d with "
               "'options vfio_iommu_type1 allow_unsafe_interrupts=1'";
}
