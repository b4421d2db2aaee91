/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/util.h"
#include "doctor/bootline.h"
#include "doctor/check.h"

/* The word that this host needs before its kernel uses the IOMMU; NULL: none. AMD's is used unless
 * it is turned off, Intel's unless the kernel was built so or the firmware asks for it. */
static const char *needed_word(const DoctorFacts *facts) {
        if (!facts_has_table(facts, "DMAR") || facts->n_groups > 0)
                return NULL;
        return "intel_iommu=on";
}

static bool has_needed(const DoctorFacts *facts, char *const *words) {
        const char *value = words_option(words, "intel_iommu");

        return !needed_word(facts) || (value && g_str_has_prefix(value, "on"));
}

/* What words do to the IOMMU, as one finding; where names the file. */
static void judge(Doctor *d, char *const *words, const char *where, const char *relevant) {
        const char *off = words_iommu_off(words), *remapping = words_option(words, "intremap");
        g_autofree char *way_out = off ? g_strdup_printf("boot without '%s'", off) : NULL;
        const char *shown = *relevant ? relevant : "nothing about PCI devices";

        if (off)
                doctor_fail(d, way_out, "%s: '%s' turns the IOMMU off", where, off);
        else if (!has_needed(d->facts, words))
                doctor_fail(d, "boot with 'intel_iommu=on' (airlock prepare)",
                            "%s: 'intel_iommu=on' is missing, and this kernel does not use VT-d "
                            "by itself",
                            where);
        else if (g_strcmp0(remapping, "off") == 0 || g_strcmp0(remapping, "nosid") == 0)
                doctor_warn(d, "boot without it", "%s: 'intremap=%s' weakens interrupt remapping",
                            where, remapping);
        else
                doctor_ok(d, "%s: %s", where, shown);
}

void check_cmdline(Doctor *d) {
        g_autofree char *relevant = words_relevant(d->facts->cmdline);

        if (d->facts->cmdline_r < 0)
                doctor_unread(d, "proc/cmdline", d->facts->cmdline_r);
        else
                judge(d, d->facts->cmdline, "/proc/cmdline", relevant);
}

static void judge_next(Doctor *d, const BootLine *line) {
        g_autofree char *now = words_relevant(d->facts->cmdline);
        g_autofree char *next = words_relevant(line->words);

        if (d->facts->cmdline_r >= 0 && strcmp(now, next) != 0 && !words_iommu_off(line->words) &&
            has_needed(d->facts, line->words))
                doctor_warn(d, "reboot to have it in force, if that is what you want",
                            "%s has '%s', in force is '%s'", line->file, next, now);
        else
                judge(d, line->words, line->file, next);
}

/* The same words in many entries are told once. */
void check_cmdline_next(Doctor *d) {
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GPtrArray) lines = NULL;
        g_autofree char *path = NULL;
        int r;

        lines = bootline_load(d->facts->sys, &r, &path);
        for (unsigned i = 0; i < lines->len; i++) {
                BootLine *line = lines->pdata[i];

                if (g_hash_table_add(seen, words_relevant(line->words)))
                        judge_next(d, line);
        }
        if (r < 0)
                doctor_unread(d, path, r);
        else if (lines->len == 0)
                doctor_skip(d, "not known: no GRUB menu, boot loader entry or /etc/kernel/cmdline "
                               "was found");
}

void check_acs_override(Doctor *d) {
        const char *value = facts_option(d->facts, "pcie_acs_override");

        if (d->facts->cmdline_r < 0)
                doctor_unread(d, "proc/cmdline", d->facts->cmdline_r);
        else if (value)
                doctor_warn(d, "boot without it where guests are not trusted",
                            "pcie_acs_override=%s: groups look smaller than they are, their "
                            "devices can still reach each other's memory behind the IOMMU",
                            value);
        else
                doctor_ok(d, "not used: groups are what the hardware isolates");
}
