/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/node.h"

typedef enum CharType {
        CHAR_TYPE_UNSET,
        CHAR_TYPE_PTY,
        CHAR_TYPE_FILE,
        CHAR_TYPE_UNIX,
        CHAR_TYPE_NULL,
} CharType;
typedef enum CharMode { CHAR_MODE_UNSET, CHAR_MODE_BIND, CHAR_MODE_CONNECT } CharMode;
typedef enum CharTarget {
        CHAR_TARGET_UNSET,
        CHAR_TARGET_ISA_SERIAL, /* <serial> */
        CHAR_TARGET_SERIAL,     /* <console>: the first one mirrors the first <serial> */
        CHAR_TARGET_VIRTIO,     /* <console> and <channel> */
} CharTarget;
typedef enum CharState {
        CHAR_STATE_UNSET,
        CHAR_STATE_CONNECTED,
        CHAR_STATE_DISCONNECTED
} CharState;

/* <serial>, <console> and <channel>. */
typedef struct DomainChar {
        DomainDevice base;
        CharType type;
        char *tty; /* live, console: same as source.path */
        struct {
                DomainNode node;
                CharMode mode; /* unix */
                char *path;    /* pty: live only */
                DomainSwitch append;
        } source;
        struct {
                DomainNode node;
                CharTarget type;
                char *name;      /* channel: "org.qemu.guest_agent.0" */
                CharState state; /* live */
                DomainNum port;
                DomainText model; /* <model name='isa-serial'/> */
        } target;
} DomainChar;
