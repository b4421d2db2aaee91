/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Guests as a client sees them. A Guest is the daemon's handle: a copy of name, UUID and id at the
 * time of the answer; the daemon goes by the UUID. Flags and numbers are libvirt's public ones,
 * which travel on the wire. Errors are the daemon's. */

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/err.h"

typedef struct Conn Conn;

#define GUEST_UUID_SIZE 16

typedef struct Guest {
        char *name;
        uint8_t uuid[GUEST_UUID_SIZE];
        int id; /* -1: not running */
} Guest;

typedef enum GuestState {
        GUEST_STATE_NONE,
        GUEST_STATE_RUNNING,
        GUEST_STATE_IDLE,
        GUEST_STATE_PAUSED,
        GUEST_STATE_IN_SHUTDOWN,
        GUEST_STATE_SHUT_OFF,
        GUEST_STATE_CRASHED,
        GUEST_STATE_PMSUSPENDED,
        _GUEST_STATE_MAX,
} GuestState;

typedef enum GuestListFlags {
        GUEST_LIST_ACTIVE = 1 << 0,
        GUEST_LIST_INACTIVE = 1 << 1,
        GUEST_LIST_PERSISTENT = 1 << 2,
        GUEST_LIST_TRANSIENT = 1 << 3,
        GUEST_LIST_RUNNING = 1 << 4,
        GUEST_LIST_PAUSED = 1 << 5,
        GUEST_LIST_SHUTOFF = 1 << 6,
        GUEST_LIST_OTHER = 1 << 7,
        GUEST_LIST_MANAGED_SAVE = 1 << 8,
        GUEST_LIST_NO_MANAGED_SAVE = 1 << 9,
        GUEST_LIST_AUTOSTART = 1 << 10,
        GUEST_LIST_NO_AUTOSTART = 1 << 11,
        GUEST_LIST_SNAPSHOT = 1 << 12,
        GUEST_LIST_NO_SNAPSHOT = 1 << 13,
        GUEST_LIST_CHECKPOINT = 1 << 14,
        GUEST_LIST_NO_CHECKPOINT = 1 << 15,
} GuestListFlags;

typedef enum GuestXmlFlags {
        GUEST_XML_SECURE = 1 << 0,
        GUEST_XML_INACTIVE = 1 << 1,
        GUEST_XML_UPDATE_CPU = 1 << 2,
        GUEST_XML_MIGRATABLE = 1 << 3,
} GuestXmlFlags;

typedef enum GuestCreateFlags {
        GUEST_CREATE_PAUSED = 1 << 0,
        GUEST_CREATE_AUTODESTROY = 1 << 1,
        GUEST_CREATE_BYPASS_CACHE = 1 << 2,
        GUEST_CREATE_FORCE_BOOT = 1 << 3,
        GUEST_CREATE_VALIDATE = 1 << 4,
        GUEST_CREATE_RESET_NVRAM = 1 << 5,
} GuestCreateFlags;

#define GUEST_DEFINE_VALIDATE     1u
#define GUEST_DESTROY_GRACEFUL    1u
#define GUEST_DESTROY_REMOVE_LOGS 2u

typedef enum GuestAffectFlags {
        GUEST_AFFECT_CURRENT = 0,
        GUEST_AFFECT_LIVE = 1 << 0,
        GUEST_AFFECT_CONFIG = 1 << 1,
} GuestAffectFlags;

/* What is done to a guest by a word. */
typedef enum GuestAction {
        GUEST_CREATE, /* flags: GuestCreateFlags */
        GUEST_DESTROY,
        GUEST_SHUTDOWN, /* flags: 1 ACPI, 2 agent, 4 initctl, 8 signal, 16 paravirt */
        GUEST_REBOOT,   /* the same */
        GUEST_RESET,
        GUEST_SUSPEND,
        GUEST_RESUME,
        GUEST_UNDEFINE,
        GUEST_MANAGED_SAVE,        /* flags: GuestSaveFlags */
        GUEST_MANAGED_SAVE_REMOVE, /* forgets what was saved */
        GUEST_INJECT_NMI,
        GUEST_WAKE_UP,
        GUEST_ABORT_JOB,
        _GUEST_ACTION_MAX,
} GuestAction;

typedef struct GuestInfo {
        GuestState state;
        uint64_t max_memory; /* KiB */
        uint64_t memory;     /* KiB */
        unsigned vcpus;
        uint64_t cpu_time; /* ns */
} GuestInfo;

void guest_free(Guest *guest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Guest, guest_free)

void guest_format_uuid(const Guest *guest, char ret[static 37]);

/* A UUID with or without its dashes; -EINVAL. */
int guest_parse_uuid(const char *text, uint8_t ret[static GUEST_UUID_SIZE]);

/* The kinds of name that guest_lookup() goes by, in this order. */
typedef enum GuestLookup {
        GUEST_BY_ID = 1 << 0,
        GUEST_BY_UUID = 1 << 1,
        GUEST_BY_NAME = 1 << 2,
        GUEST_BY_ANY = GUEST_BY_ID | GUEST_BY_UUID | GUEST_BY_NAME,
} GuestLookup;

int guest_lookup(Conn *conn, const char *text, GuestLookup by, Guest **ret, Err *err);

/* flags: GuestListFlags, 0: all. *ret holds Guest * and frees them. */
int guest_list(Conn *conn, unsigned flags, GPtrArray **ret, Err *err);

int guest_define(Conn *conn, const char *xml, unsigned flags, Guest **ret, Err *err);
int guest_create_xml(Conn *conn, const char *xml, unsigned flags, Guest **ret, Err *err);
int guest_act(Conn *conn, const Guest *guest, GuestAction action, unsigned flags, Err *err);

int guest_xml(Conn *conn, const Guest *guest, unsigned flags, char **ret, Err *err);

/* *ret_reason (may be NULL) is one of libvirt's numbers for that state. */
int guest_state(Conn *conn, const Guest *guest, GuestState *ret, int *ret_reason, Err *err);
int guest_info(Conn *conn, const Guest *guest, GuestInfo *ret, Err *err);
int guest_os_type(Conn *conn, const Guest *guest, char **ret, Err *err);

/* What the daemon has to say against the guest ("tainted: …"). */
int guest_messages(Conn *conn, const Guest *guest, char ***ret, Err *err);

/* How a running guest is confined; "" where it is not. */
int guest_security_label(Conn *conn, const Guest *guest, char **ret, bool *ret_enforcing, Err *err);

/* Answers that are yes or no. */
typedef enum GuestQuestion {
        GUEST_IS_ACTIVE,
        GUEST_IS_PERSISTENT,
        GUEST_HAS_AUTOSTART,
        GUEST_HAS_AUTOSTART_ONCE,
        GUEST_HAS_MANAGED_SAVE,
        _GUEST_QUESTION_MAX,
} GuestQuestion;

int guest_ask(Conn *conn, const Guest *guest, GuestQuestion question, bool *ret, Err *err);

int guest_set_autostart(Conn *conn, const Guest *guest, bool once, bool on, Err *err);

/* flags NULL: the old call without flags, which means "running and configured as it is now". */
int guest_attach(Conn *conn, const Guest *guest, const char *xml, const unsigned *flags, Err *err);
int guest_detach(Conn *conn, const Guest *guest, const char *xml, const unsigned *flags, Err *err);

int guest_update(Conn *conn, const Guest *guest, const char *xml, unsigned flags, Err *err);

#define GUEST_CONSOLE_FORCE 1u /* end the session of another client */
#define GUEST_CONSOLE_SAFE  2u /* only where the daemon can refuse two sessions */

/* Opens the connection's stream on a console; device NULL: the first one. */
int guest_open_console(Conn *conn, const Guest *guest, const char *device, unsigned flags,
                       Err *err);
