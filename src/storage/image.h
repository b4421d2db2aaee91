/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a disk image says of itself in its first bytes, and the arguments with which qemu-img makes
 * and changes one. The bytes are a guest's own: nothing that they say is followed here.
 *
 * Sources: QEMU's docs/interop/qcow2.rst; ECMA-119 for ISO images. */

#include <stdbool.h>
#include <stdint.h>

#include "storage/pool-def.h"

typedef struct ImageHead {
        VolumeFormat format;  /* raw where nothing else is told */
        uint64_t capacity;    /* bytes that a guest sees; of raw images: the file's size */
        char *backing;        /* as it stands in the image; NULL: none */
        char *backing_format; /* NULL: the image does not say */
        unsigned version;     /* of qcow2: 2 or 3 */
        unsigned cluster_size;
        bool lazy_refcounts, extended_l2;
} ImageHead;

void image_head_done(ImageHead *head);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImageHead, image_head_done)

/* Tells a file's format by its first bytes. A damaged header makes it raw. -errno where it cannot
 * be read. */
int image_read_head(int fd, uint64_t size, ImageHead *ret);

/* The image's backing file as a path: relative ones begin where the image is; NULL: none, or one
 * that is no file ("nbd:…", "json:…"). */
char *image_backing_path(const ImageHead *head, const char *path);

/* What qemu-img is to do; argv without the program's name and without the image's path, which is
 * appended by the caller (it may be a temporary one). Free with g_strfreev(). */
char **image_create_args(const VolumeDef *def);
char **image_convert_args(const VolumeDef *def, VolumeFormat from);
char **image_resize_args(const VolumeDef *def, uint64_t capacity, bool shrink, bool preallocate);
