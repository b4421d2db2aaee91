/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file in which a guest's memory is kept (save, managed save). All numbers are little-endian.
 *
 *     offset  bytes  what
 *          0     16  magic: "AIRLOCK-SAVE", newline, 0x1a, 0, 0
 *         16      4  version: 1
 *         20      4  flags: bit 0: the guest runs when it is restored, else it pauses
 *         24      4  slot: which of the two places has the XML, 0 or 1
 *         28      4  room: bytes of each place, a multiple of 4096
 *         32      4  size of the XML in bytes
 *         36      4  0
 *         40      8  FNV-1a (64 bits) of the bytes before and of the XML
 *       4096   room  first place of the XML
 *  + room      room  second place
 *  + room       ...  QEMU's migration stream
 *
 * The XML is the guest's definition in libvirt's format. It is replaced by writing the other place
 * first and then the header, so that a crash leaves the old one or the new one. A file gets its
 * name when it is whole: until then it is NAME.partial-UUID beside it. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"

typedef struct SaveFile {
        int fd; /* at the first byte of the stream */
        bool is_running;
        char *xml;
} SaveFile;

void save_file_done(SaveFile *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SaveFile, save_file_done)

#define SAVE_FILE_INIT \
        { .fd = -1 }

/* Makes a file (which must not be anything but a regular one) up to where the stream begins. */
int save_file_create(const char *path, const char *xml, bool is_running, int *ret_fd, Err *err);

/* VIR_ERR_OPERATION_FAILED for what is no such file. */
int save_file_open(const char *path, SaveFile *ret, Err *err);

/* Replaces the XML, and says how the guest is to be restored. */
int save_file_rewrite(const char *path, const char *xml, bool is_running, Err *err);
