/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Guests' memory in files, and what a guest is called and described by. Paths are the daemon's:
 * absolute. The states that the daemon keeps itself ("managed save") are made and forgotten by
 * guest_act(). */

#include "client/guest.h"

typedef enum GuestSaveFlags {
        GUEST_SAVE_BYPASS_CACHE = 1 << 0,
        GUEST_SAVE_RUNNING = 1 << 1,
        GUEST_SAVE_PAUSED = 1 << 2,
        GUEST_SAVE_RESET_NVRAM = 1 << 3,
} GuestSaveFlags;

typedef struct GuestImage {
        const char *path;
        const char *xml; /* the guest as it shall come back; NULL: as it is */
        unsigned flags;  /* GuestSaveFlags */
} GuestImage;

int guest_save(Conn *conn, const Guest *guest, const GuestImage *image, Err *err);
int guest_restore(Conn *conn, const GuestImage *image, Err *err);

/* The guest that a file, or the state that the daemon keeps, holds. flags: GuestXmlFlags. */
int guest_image_xml(Conn *conn, const char *path, unsigned flags, char **ret, Err *err);
int guest_managed_save_xml(Conn *conn, const Guest *guest, unsigned flags, char **ret, Err *err);

typedef enum GuestDumpFlags {
        GUEST_DUMP_CRASH = 1 << 0,
        GUEST_DUMP_LIVE = 1 << 1,
        GUEST_DUMP_BYPASS_CACHE = 1 << 2,
        GUEST_DUMP_RESET = 1 << 3,
        GUEST_DUMP_MEMORY_ONLY = 1 << 4,
} GuestDumpFlags;

typedef struct GuestDump {
        const char *path;
        unsigned format; /* 0: ELF, or what QEMU writes by itself */
        unsigned flags;  /* GuestDumpFlags */
} GuestDump;

int guest_dump(Conn *conn, const Guest *guest, const GuestDump *dump, Err *err);

int guest_rename(Conn *conn, const Guest *guest, const char *name, Err *err);

typedef enum GuestMetadataType {
        GUEST_DESCRIPTION,
        GUEST_TITLE,
        GUEST_ELEMENT,
} GuestMetadataType;

typedef struct GuestMetadata {
        GuestMetadataType type;
        const char *uri;   /* of GUEST_ELEMENT: its namespace */
        const char *key;   /* to set one: the prefix of the namespace */
        const char *value; /* to set it; NULL: to remove it */
        unsigned flags;    /* GuestAffectFlags */
} GuestMetadata;

/* VIR_ERR_NO_DOMAIN_METADATA where it has none. */
int guest_metadata(Conn *conn, const Guest *guest, const GuestMetadata *which, char **ret,
                   Err *err);
int guest_set_metadata(Conn *conn, const Guest *guest, const GuestMetadata *metadata, Err *err);

/* What becomes of a guest that powers off, reboots or crashes; numbers as libvirt's. */
typedef struct GuestLifecycle {
        unsigned type;
        unsigned action;
        unsigned flags; /* GuestAffectFlags */
} GuestLifecycle;

int guest_set_lifecycle(Conn *conn, const Guest *guest, const GuestLifecycle *what, Err *err);
