/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "doctor/check.h"
#include "doctor/menu.h"
#include "prepare/bootconf.h"

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
        g_autofree char *way_out = words_without(off);
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

static void judge_next(Doctor *d, char *const *words, const char *file) {
        g_autofree char *now = words_relevant(d->facts->cmdline);
        g_autofree char *next = words_relevant(words);

        if (d->facts->cmdline_r >= 0 && strcmp(now, next) != 0 && !words_iommu_off(words) &&
            has_needed(d->facts, words))
                doctor_warn(d, "reboot to have it in force, if that is what you want",
                            "%s has '%s', in force is '%s'", file, next, now);
        else
                judge(d, words, file, next);
}

/* What GRUB was configured to do counts when its menu has been made anew. */
static void judge_menu(Doctor *d, const BootConf *conf) {
        g_autofree char *path = NULL, *configured = NULL, *made = NULL;
        g_auto(GStrv) words = NULL;
        int r = menu_load(d->facts->sys, &words, &path);

        if (r < 0 && r != -ENOENT)
                doctor_unread(d, path + 1, r);
        if (r < 0)
                return;
        configured = words_relevant(conf->words);
        made = words_relevant(words);
        if (strcmp(configured, made) != 0)
                doctor_warn(d, "update-grub (grub2-mkconfig -o), if that is what you want",
                            "%s has '%s', though %s says '%s'", path, made,
                            conf->files[0] ? conf->files[0] : conf->title, configured);
}

void check_cmdline_next(Doctor *d) {
        g_autoptr(BootConf) conf = NULL;
        g_auto(Err) err = ERR_INIT;
        int r;

        r = bootconf_load(d->facts->sys, &conf, &err);
        if (r < 0) {
                d->unread += r == -EACCES ? 1 : 0;
                doctor_skip(d, "not known: %s", err.message);
        } else if (conf->by_hand) {
                doctor_skip(d, "not known (%s): %s", conf->title, conf->by_hand);
        } else {
                judge_next(d, conf->words, conf->files[0] ? conf->files[0] : conf->title);
                judge_menu(d, conf);
        }
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
