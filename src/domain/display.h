/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/node.h"

typedef enum GraphicsType { GRAPHICS_UNSET, GRAPHICS_VNC } GraphicsType;
typedef enum ListenType {
        LISTEN_UNSET,
        LISTEN_ADDRESS,
        LISTEN_SOCKET,
        LISTEN_NONE,
} ListenType;

typedef struct DomainListen {
        DomainNode node;
        ListenType type;
        char *address;
        char *socket;
} DomainListen;

typedef struct DomainGraphics {
        DomainDevice base;
        GraphicsType type;
        DomainNum port; /* TCP port, 5900 and up; not set: chosen at start */
        DomainSwitch autoport;
        char *listen_address; /* the old attribute; agrees with the first <listen> */
        char *socket;
        char *keymap;
        char *passwd;       /* formatted with DOMAIN_FORMAT_SECURE only */
        GPtrArray *listens; /* DomainListen; at most one */
} DomainGraphics;

typedef enum VideoModel {
        VIDEO_UNSET,
        VIDEO_VGA,
        VIDEO_VIRTIO,
        VIDEO_BOCHS,
        VIDEO_NONE,
} VideoModel;

typedef struct DomainVideo {
        DomainDevice base;
        struct {
                DomainNode node;
                VideoModel type;
                DomainNum vram; /* KiB */
                DomainNum heads;
                DomainSwitch primary;
        } model;
} DomainVideo;
