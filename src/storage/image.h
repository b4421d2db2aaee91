/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a disk image says of itself in its first bytes, and the arguments with which qemu-img makes
 * and changes one. The bytes are a guest's own: nothing that they say is followed here.
 *
 * Source of the magic number of ISO images: ECMA-119. */

#include <stdbool.h>
#include <stdint.h>

#include "storage/pool-def.h"
#include "storage/qcow2.h"

typedef struct ImageHead {
        VolumeFormat format; /* raw where nothing else is told */
        uint64_t capacity;   /* bytes that a guest sees; of raw images: the file's size */
        Qcow2Head qcow2;     /* of that format */
} ImageHead;

void image_head_done(ImageHead *head);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImageHead, image_head_done)

/* Tells a file's format by its first bytes. A damaged header makes it raw. -errno where it cannot
 * be read. */
int image_read_head(int fd, uint64_t size, ImageHead *ret);

typedef struct ImageInfo {
        uint64_t capacity;  /* bytes that the guest sees */
        uint64_t size;      /* of the file or block device */
        uint64_t allocated; /* bytes that the file takes on its file system */
} ImageInfo;

/* Of an image whose format is known. is_qcow2: the capacity stands in its header, else it is the
 * size. */
int image_read_info(const char *path, bool is_qcow2, ImageInfo *ret, Err *err);

/* preallocate: the tables of a qcow2 image.
 *
 * What qemu-img is to do; argv without the program's name and without the image's path, which is
 * appended by the caller (it may be a temporary one). Free with g_strfreev(). */
char **image_create_args(const VolumeDef *def, bool preallocate);
char **image_convert_args(const VolumeDef *def, VolumeFormat from, bool preallocate);
char **image_resize_args(const VolumeDef *def, uint64_t capacity, bool shrink, bool preallocate);
