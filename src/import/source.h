/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What libvirt keeps on a host, as `airlock import-libvirt` takes it over. Nothing is changed and
 * no daemon is asked: libvirt's files say it all (its own "daemon configuration" layout: one XML
 * file an object, links in autostart/ beside them).
 *
 *         r = import_source_open(&(ImportPlace){.root = NULL}, &source, &err);
 *         source->objects                                 in the order in which they are imported
 *         import_notes(source)                            what stays behind
 */

#include "base/err.h"
#include "base/sys.h"

#define IMPORT_FILE_MAX (64u << 20) /* bytes of a file that is copied: UEFI variables, a TPM */

typedef struct ImportPlace {
        const char *root; /* the host's; NULL: this one */
        const char *from; /* the directory of configuration; NULL: etc/libvirt below the root */
} ImportPlace;

typedef struct ImportSource {
        Sys *host;
        Sys *etc;
        char *etc_dir;      /* libvirt's directory, below the root of etc: "etc/libvirt" */
        char *etc_path;     /* the same as a person finds it: "/etc/libvirt" */
        GPtrArray *objects; /* ImportObject *: pools, networks, guests; each by name */
} ImportSource;

/* VIR_ERR_OPERATION_FAILED where there is no libvirt, or its files may not be read. */
int import_source_open(const ImportPlace *place, ImportSource **ret, Err *err);
void import_source_free(ImportSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImportSource, import_source_free)

/* A regular file of at most max bytes, NUL-terminated; -EINVAL for what is none (a FIFO is not
 * waited for), -EFBIG. */
int import_read_file(const Sys *sys, const char *path, size_t max, char **ret, size_t *ret_size);

/* The unit of one of these daemons (NULL-terminated: "libvirtd") that is started with the host, or
 * by the first client after that: "virtqemud.socket". NULL: none. The caller's. */
char *import_boot_unit(const Sys *host, const char *const *daemons);
