/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a disk image on the host says of itself, for a guest that is off. */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

typedef struct ImageInfo {
        uint64_t capacity;  /* bytes that the guest sees */
        uint64_t size;      /* of the file or block device */
        uint64_t allocated; /* bytes that the file takes on its file system */
} ImageInfo;

/* is_qcow2: the capacity stands in the header (QEMU's docs/interop/qcow2.rst), else it is the size.
 */
int image_read_info(const char *path, bool is_qcow2, ImageInfo *ret, Err *err);
