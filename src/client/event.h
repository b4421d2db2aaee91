/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Events of guests and of node devices: their names, subscriptions and texts (the names and words
 * that virsh shows, which scripts look for).
 *
 *         r = event_subscribe(conn, event_kind_find(EVENT_OF_GUEST, "lifecycle"), NULL, &err);
 *         …
 *         while (conn_process(conn, &err) == 0)
 *                 while (event_take(conn, &event)) … */

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "base/err.h"

typedef struct Conn Conn;
typedef struct Guest Guest;

typedef enum EventObject {
        EVENT_OF_GUEST,
        EVENT_OF_NODEDEV,
        EVENT_OF_NETWORK,
        EVENT_OF_POOL,
        _EVENT_OBJECT_MAX,
} EventObject;

typedef struct EventKind EventKind;

typedef struct Event {
        const EventKind *kind;
        char *object; /* the name of the guest or device */
        char *detail; /* "Started Booted", "hostdev0"; NULL: the name of the event says it all */
} Event;

void event_done(Event *event);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Event, event_done)

/* All kinds of that object, in the order of libvirt's numbers. */
size_t event_kind_count(EventObject object);
const EventKind *event_kind_at(EventObject object, size_t i);

/* NULL: there is none of that name. */
const EventKind *event_kind_find(EventObject object, const char *name);

const char *event_kind_name(const EventKind *kind);

/* guest NULL: of all guests. Subscriptions end with the connection or with event_unsubscribe(). */
int event_subscribe(Conn *conn, const EventKind *kind, const Guest *guest, int *ret_id, Err *err);

/* device NULL: of all. */
int event_subscribe_nodedev(Conn *conn, const EventKind *kind, const char *device, int *ret_id,
                            Err *err);

typedef struct Net Net;
typedef struct StoragePool StoragePool;

/* NULL: of all. */
int event_subscribe_net(Conn *conn, const EventKind *kind, const Net *net, int *ret_id, Err *err);
int event_subscribe_pool(Conn *conn, const EventKind *kind, const StoragePool *pool, int *ret_id,
                         Err *err);

int event_unsubscribe(Conn *conn, EventObject object, int id, Err *err);

/* The next event that was received and is known; false: there is none. */
bool event_take(Conn *conn, Event *ret);
