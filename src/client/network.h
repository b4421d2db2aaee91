/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Virtual networks as a client sees them. A Net is the daemon's handle: a copy of its name at the
 * time of the answer. Flags are libvirt's public ones. Errors are the daemon's. */

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/err.h"

typedef struct Conn Conn;

typedef struct Net {
        char *name;
        uint8_t uuid[16];
} Net;

/* A lease of DHCP; what is not known is NULL. */
typedef struct NetLease {
        int64_t expiry; /* seconds since 1970 */
        bool is_v6;
        char *mac, *address, *host, *client;
        unsigned prefix;
} NetLease;

typedef enum NetAction {
        NET_START,
        NET_STOP,
        NET_UNDEFINE,
        _NET_ACTION_MAX,
} NetAction;

typedef enum NetQuestion {
        NET_IS_ACTIVE,
        NET_IS_PERSISTENT,
        NET_HAS_AUTOSTART,
        _NET_QUESTION_MAX,
} NetQuestion;

/* virNetworkUpdate: numbers of its commands and sections. */
typedef struct NetUpdate {
        unsigned command, section;
        int parent; /* -1: whichever fits */
        const char *xml;
        unsigned flags; /* 1 live, 2 configured */
} NetUpdate;

typedef struct NetMetadata {
        int type; /* 0 description, 1 title, 2 element */
        const char *text, *key, *uri;
        unsigned flags; /* as above */
} NetMetadata;

void net_free(Net *net);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Net, net_free)

int net_lookup(Conn *conn, const char *name, Net **ret, Err *err);
int net_lookup_uuid(Conn *conn, const uint8_t uuid[16], Net **ret, Err *err);

/* flags: libvirt's, 0: all. *ret holds Net * and frees them. */
int net_list(Conn *conn, unsigned flags, GPtrArray **ret, Err *err);

int net_define(Conn *conn, const char *xml, unsigned flags, Net **ret, Err *err);
int net_create(Conn *conn, const char *xml, unsigned flags, Net **ret, Err *err);
int net_act(Conn *conn, const Net *net, NetAction action, Err *err);
int net_ask(Conn *conn, const Net *net, NetQuestion question, bool *ret, Err *err);
int net_set_autostart(Conn *conn, const Net *net, bool on, Err *err);
int net_xml(Conn *conn, const Net *net, unsigned flags, char **ret, Err *err);
int net_bridge(Conn *conn, const Net *net, char **ret, Err *err);
int net_update(Conn *conn, const Net *net, const NetUpdate *update, Err *err);

int net_set_metadata(Conn *conn, const Net *net, const NetMetadata *metadata, Err *err);
/* text is not looked at. */
int net_metadata(Conn *conn, const Net *net, const NetMetadata *metadata, char **ret, Err *err);

/* mac NULL: of all. *ret holds NetLease * and frees them. */
int net_leases(Conn *conn, const Net *net, const char *mac, GPtrArray **ret, Err *err);

/* UUIDs as text, NULL-terminated. */
int net_ports(Conn *conn, const Net *net, char ***ret, Err *err);
