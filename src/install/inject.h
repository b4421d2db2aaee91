/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that are put into an initrd: Linux unpacks several archives, one behind the other (kernel
 * documentation: driver-api/early-userspace/buffer-format). */

#include <glib.h>

#include "base/err.h"

/* Adds one file to the archive (cpio, "newc"), under the last part of its path. */
int inject_add(GByteArray *archive, const char *path, Err *err);

/* Ends the archive. */
void inject_end(GByteArray *archive);

/* Appends the files, a NULL-terminated list of paths, to the initrd. */
int inject_files(const char *initrd, char *const *paths, Err *err);
