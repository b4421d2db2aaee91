/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Our own files (/etc/airlock, /var/lib/airlock, /run/airlock). A write is whole or not at all:
 * temporary file, fsync, rename, fsync of the directory. */

#include <stddef.h>

#include <glib.h>

#include "base/err.h"

/* Replaces the file at path (mode 0600) by size bytes of data. */
int file_write_atomic(const char *path, const void *data, size_t size, Err *err);

/* The same for a file that is not ours alone: one that is there keeps its mode, owner and SELinux
 * label, a new one gets mode. */
int file_replace_atomic(const char *path, const void *data, size_t size, unsigned mode, Err *err);

/* Removes what a crash in the middle of such a write of this file left beside it. Only for who
 * knows that nobody writes it now. */
void file_remove_leftovers(const char *path);

/* Reads at most max bytes; -ENOENT without an Err where the file is absent. ret is NUL-terminated.
 */
int file_read(const char *path, size_t max, char **ret, size_t *ret_size, Err *err);

/* Removes the file durably; an absent one is no error. */
int file_remove(const char *path, Err *err);

/* Creates the directory (mode 0755 unless given) and those above it. */
int file_mkdir_p(const char *path, unsigned mode, Err *err);

/* fsyncs the directory that holds path, after a rename or an unlink in it. */
int file_sync_parent(const char *path);
