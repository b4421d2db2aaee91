/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel's command line as the boot loader's files have it for the next boot: GRUB's menu, the
 * entries of the Boot Loader Specification, /etc/kernel/cmdline. Read only, and without a guess
 * which of several entries will be booted. */

#include <glib.h>

#include "base/sys.h"

typedef struct BootLine {
        char *file;   /* "/boot/grub/grub.cfg" */
        char **words; /* of the first entry that is no rescue entry */
} BootLine;

/* Of BootLine, one a file, those that exist. ret_r: 0, or why the first file that exists cannot be
 * read; ret_path then names it ("boot/grub/grub.cfg"; the caller's). */
GPtrArray *bootline_load(const Sys *sys, int *ret_r, char **ret_path);
