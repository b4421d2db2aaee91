/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the guest is installed from: where it is, which system it has, and the kernel and initrd
 * that start its installer.
 *
 *         media_choose() → media_detect() → media_prepare()
 *
 * The first two change nothing on the host. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"
#include "install/fetch.h"

typedef struct GuestDef GuestDef;
typedef struct Os Os;
typedef struct Options Options;
typedef struct TreeInfo TreeInfo;

typedef enum MediaKind {
        MEDIA_NONE,
        MEDIA_URL,
        MEDIA_DIRECTORY,
        MEDIA_IMAGE,  /* of a CD, with a tree on it */
        MEDIA_KERNEL, /* --install kernel=,initrd= */
} MediaKind;

typedef struct Media {
        MediaKind kind;
        char *location;        /* without a '/' at its end */
        char *kernel, *initrd; /* in the tree, or as they were given */
        char *args;            /* --install kernel_args=; NULL */
        bool args_alone;       /* … instead of all others */
        TreeInfo *info;        /* NULL: the tree has none */
        char *info_text;
        Fetch fetch;

        char *local_kernel, *local_initrd; /* once they are prepared */
        char *cloud_init;                  /* image with the first boot's answers; NULL */
} Media;

void media_done(Media *media);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Media, media_done)

/* From the options: fills def->method, too. */
int media_choose(Media *media, GuestDef *def, Err *err);

/* Reads what the tree says; *ret NULL: what system it is is not known. */
int media_detect(Media *media, GuestDef *def, const Os **ret, Err *err);

/* Where that guest's kernel and initrd will be. */
void media_plan(Media *media, const char *guest);

/* Fetches or copies them. What it leaves in part can be gone on with. */
int media_prepare(Media *media, const Options *options, Err *err);

/* The kernel's words; NULL: none. */
char *media_kernel_args(const Media *media, const GuestDef *def);

/* Removes what media_prepare() made. */
void media_clean(Media *media);
