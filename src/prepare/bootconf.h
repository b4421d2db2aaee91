/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What starts this host, and which words it will give the kernel at the next boot, as configured:
 * /etc/default/grub and its snippets, entries of the Boot Loader Specification (grubby's and
 * systemd-boot's), grubenv, /etc/kernel/cmdline. Reading only; prepare/prepare.h changes it. */

#include "base/err.h"
#include "base/sys.h"

typedef struct BootConf {
        const char *loader; /* "grub-debian", "systemd-boot" …; static. "unknown": none was found */
        const char *title; /* for people: "GRUB with /etc/default/grub.d" */
        char *by_hand;     /* why prepare leaves it alone and what a person can do; NULL: it can */
        char **words;      /* of the normal entry; a word that is not known before the loader runs
                              stands as written ("$tuned_params"). Empty where by_hand is set */
        char **files;      /* where they stand: "/etc/default/grub" */
} BootConf;

/* Fails where a file that is there cannot be read or makes no sense (the message names it). */
int bootconf_load(const Sys *sys, BootConf **ret, Err *err);
void bootconf_free(BootConf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BootConf, bootconf_free)

/* True where word is among the words, as the kernel compares: '-' and '_' in names are the same,
 * and "intel_iommu=on" is found in "intel_iommu=sm_on,on". */
bool bootconf_has(const BootConf *conf, const char *word);
