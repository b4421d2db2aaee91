/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* GRUB's generated menu: what will be booted, whatever the files say that it was made from. */

#include "base/sys.h"

/* The words for the kernel of the menu's first entry, and the file ("/boot/grub/grub.cfg"); both
 * the caller's. -ENOENT where there is no menu, or none with kernels of its own (entries of the
 * Boot Loader Specification stand elsewhere). ret_path is set wherever there is a file. */
int menu_load(const Sys *sys, char ***ret_words, char **ret_path);
