/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the header of a qcow2 image says of other files (QEMU's docs/interop/qcow2.rst). The bytes
 * are a guest's: nothing in them is believed before it is bounded. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/err.h"

/* The header, its extensions and the backing file's name are in the first cluster; what is beyond
 * these bytes no tool writes. */
#define QCOW2_HEAD_MAX 65536

typedef struct Qcow2Head {
        uint64_t capacity;     /* bytes that the guest sees */
        char *backing;         /* as it is written there; NULL: the image stands alone */
        char *backing_format;  /* "qcow2"; NULL: not said */
        unsigned version;      /* 2 or 3 */
        unsigned cluster_size; /* bytes */
        bool lazy_refcounts, extended_l2;
        bool has_data_file; /* the guest's bytes are in a file that the header names */
        bool is_encrypted;
} Qcow2Head;

/* bytes: the first QCOW2_HEAD_MAX of the image, or all. VIR_ERR_OPERATION_INVALID when they are
 * none of qcow2's, or say what cannot be. name is for messages. */
int qcow2_parse(const char *name, const uint8_t *bytes, size_t size, Qcow2Head *ret, Err *err);
void qcow2_clear(Qcow2Head *head);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Qcow2Head, qcow2_clear)

/* The file that a backing name means: relative ones are beside the image. -EINVAL for what is no
 * plain path ("json:…", "nbd://…"). */
int qcow2_backing_path(const char *image, const char *backing, char **ret);
