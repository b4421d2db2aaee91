/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/event.h"

#include <string.h>

#include "client/conn.h"
#include "client/guest.h"
#include "client/network.h"
#include "client/storage.h"
#include "rpc/packet.h"
#include "rpc/remote_event.h"

struct EventKind {
        const char *name;
        int id;        /* eventID of a subscription */
        int procedure; /* of the message */

        int (*read)(const RpcPacket *packet, Event *event);
};

/* Decodes packet as type into a variable, runs the statement and frees what was decoded. */
#define READ_AS(type, packet, message, statement)                                     \
        do {                                                                          \
                type message;                                                         \
                int _r = rpc_packet_decode((packet), (xdrproc_t)xdr_##type, &message, \
                                           sizeof(message), NULL);                    \
                                                                                      \
                if (_r < 0)                                                           \
                        return _r;                                                    \
                statement;                                                            \
                xdr_free((xdrproc_t)xdr_##type, &message);                            \
                return 0;                                                             \
        } while (0)

#define WORDS_MAX 10

static const char *word(const char *const words[], size_t n, int i) {
        return i >= 0 && (size_t)i < n && words[i] ? words[i] : "unknown";
}

static char *lifecycle_text(int event, int detail) {
        static const struct {
                const char *event;
                const char *details[WORDS_MAX];
        } moves[] = {
                {"Defined", {"Added", "Updated", "Renamed", "Snapshot"}},
                {"Undefined", {"Removed", "Renamed"}},
                {"Started", {"Booted", "Migrated", "Restored", "Snapshot", "Event wakeup"}},
                {"Suspended",
                 {"Paused", "Migrated", "I/O Error", "Watchdog", "Restored", "Snapshot",
                  "API error", "Post-copy", "Post-copy Error"}},
                {"Resumed", {"Unpaused", "Migrated", "Snapshot", "Post-copy"}},
                {"Stopped",
                 {"Shutdown", "Destroyed", "Crashed", "Migrated", "Saved", "Failed", "Snapshot"}},
                {"Shutdown",
                 {"Finished", "Finished after guest request", "Finished after host request"}},
                {"PMSuspended", {"Memory", "Disk"}},
                {"Crashed", {"Panicked", "Crashloaded"}},
        };

        if (event < 0 || (size_t)event >= G_N_ELEMENTS(moves))
                return g_strdup("unknown unknown");
        return g_strdup_printf("%s %s", moves[event].event,
                               word(moves[event].details, WORDS_MAX, detail));
}

static int read_guest_only(const RpcPacket *packet, Event *event) {
        READ_AS(remote_domain_event_callback_reboot_msg, packet, m,
                event->object = g_strdup(m.msg.dom.name));
}

static int read_lifecycle(const RpcPacket *packet, Event *event) {
        READ_AS(remote_domain_event_callback_lifecycle_msg, packet, m, {
                event->object = g_strdup(m.msg.dom.name);
                event->detail = lifecycle_text(m.msg.event, m.msg.detail);
        });
}

static int read_rtc_change(const RpcPacket *packet, Event *event) {
        READ_AS(remote_domain_event_callback_rtc_change_msg, packet, m, {
                event->object = g_strdup(m.msg.dom.name);
                event->detail = g_strdup_printf("%lld", (long long)m.msg.offset);
        });
}

static int read_watchdog(const RpcPacket *packet, Event *event) {
        static const char *const doings[] = {
                "none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi",
        };

        READ_AS(remote_domain_event_callback_watchdog_msg, packet, m, {
                event->object = g_strdup(m.msg.dom.name);
                event->detail = g_strdup(word(doings, G_N_ELEMENTS(doings), m.msg.action));
        });
}

static const char *const io_doings[] = {"none", "pause", "report"};

static int read_io_error(const RpcPacket *packet, Event *event) {
        READ_AS(remote_domain_event_callback_io_error_msg, packet, m, {
                event->object = g_strdup(m.msg.dom.name);
                event->detail =
                        g_strdup_printf("%s (%s) %s", m.msg.srcPath, m.msg.devAlias,
                                        word(io_doings, G_N_ELEMENTS(io_doings), m.msg.action));
        });
}

static int read_io_error_reason(const RpcPacket *packet, Event *event) {
        READ_AS(remote_domain_event_callback_io_error_reason_msg, packet, m, {
                event->object = g_strdup(m.msg.dom.name);
                event->detail = g_strdup_printf(
                        "%s (%s) %s due to %s", m.msg.srcPath, m.msg.devAlias,
                        word(io_doings, G_N_ELEMENTS(io_doings), m.msg.action), m.msg.reason);
        });
}

static int read_tray_change(const RpcPacket *packet, Event *event) {
        static const char *const moves[] = {"opened", "closed"};

        READ_AS(remote_domain_event_callback_tray_change_msg, packet, m, {
                event->object = g_strdup(m.msg.dom.name);
                event->detail = g_strdup_printf("disk %s: %s", m.msg.devAlias,
                                                word(moves, G_N_ELEMENTS(moves), m.msg.reason));
        });
}

static int read_pm(const RpcPacket *packet, Event *event) {
        READ_AS(remote_domain_event_callback_pmsuspend_msg, packet, m,
                event->object = g_strdup(m.msg.dom.name));
}

static int read_balloon(const RpcPacket *packet, Event *event) {
        READ_AS(remote_domain_event_callback_balloon_change_msg, packet, m, {
                event->object = g_strdup(m.msg.dom.name);
                event->detail = g_strdup_printf("%lluKiB", (unsigned long long)m.msg.actual);
        });
}

static int read_device_removed(const RpcPacket *packet, Event *event) {
        READ_AS(remote_domain_event_callback_device_removed_msg, packet, m, {
                event->object = g_strdup(m.msg.dom.name);
                event->detail = g_strdup(m.msg.devAlias);
        });
}

static int read_agent(const RpcPacket *packet, Event *event) {
        static const char *const states[] = {"unknown", "connected", "disconnected"};
        static const char *const reasons[] = {"unknown", "domain started", "channel event"};

        READ_AS(remote_domain_event_callback_agent_lifecycle_msg, packet, m, {
                event->object = g_strdup(m.dom.name);
                event->detail = g_strdup_printf("state: '%s' reason: '%s'",
                                                word(states, G_N_ELEMENTS(states), m.state),
                                                word(reasons, G_N_ELEMENTS(reasons), m.reason));
        });
}

/* device-added and device-removal-failed: a guest and the device's alias. */
static int read_alias(const RpcPacket *packet, Event *event) {
        READ_AS(remote_domain_event_callback_device_added_msg, packet, m, {
                event->object = g_strdup(m.dom.name);
                event->detail = g_strdup(m.devAlias);
        });
}

static int read_nodedev_lifecycle(const RpcPacket *packet, Event *event) {
        static const char *const moves[] = {"Created", "Deleted", "Defined", "Undefined"};

        READ_AS(remote_node_device_event_lifecycle_msg, packet, m, {
                event->object = g_strdup(m.dev.name);
                event->detail = g_strdup(word(moves, G_N_ELEMENTS(moves), m.event));
        });
}

static int read_nodedev_update(const RpcPacket *packet, Event *event) {
        READ_AS(remote_node_device_event_update_msg, packet, m,
                event->object = g_strdup(m.dev.name));
}

static int read_network_lifecycle(const RpcPacket *packet, Event *event) {
        static const char *const moves[] = {"Defined", "Undefined", "Started", "Stopped"};

        READ_AS(remote_network_event_lifecycle_msg, packet, m, {
                event->object = g_strdup(m.net.name);
                event->detail = g_strdup(word(moves, G_N_ELEMENTS(moves), m.event));
        });
}

static int read_network_metadata(const RpcPacket *packet, Event *event) {
        static const char *const types[] = {"description", "title", "element"};

        READ_AS(remote_network_event_callback_metadata_change_msg, packet, m, {
                event->object = g_strdup(m.net.name);
                event->detail =
                        g_strdup_printf("type %s, uri %s", word(types, G_N_ELEMENTS(types), m.type),
                                        m.nsuri ? *m.nsuri : "<null>");
        });
}

static int read_pool_lifecycle(const RpcPacket *packet, Event *event) {
        static const char *const moves[] = {"Defined", "Undefined", "Started",
                                            "Stopped", "Created",   "Deleted"};

        READ_AS(remote_storage_pool_event_lifecycle_msg, packet, m, {
                event->object = g_strdup(m.pool.name);
                event->detail = g_strdup(word(moves, G_N_ELEMENTS(moves), m.event));
        });
}

static int read_pool_refresh(const RpcPacket *packet, Event *event) {
        READ_AS(remote_storage_pool_event_refresh_msg, packet, m,
                event->object = g_strdup(m.pool.name));
}

#define CALLBACK(name) REMOTE_PROC_DOMAIN_EVENT_CALLBACK_##name

static const EventKind guest_kinds[] = {
        {"lifecycle", 0, CALLBACK(LIFECYCLE), read_lifecycle},
        {"reboot", 1, CALLBACK(REBOOT), read_guest_only},
        {"rtc-change", 2, CALLBACK(RTC_CHANGE), read_rtc_change},
        {"watchdog", 3, CALLBACK(WATCHDOG), read_watchdog},
        {"io-error", 4, CALLBACK(IO_ERROR), read_io_error},
        {"graphics", 5, CALLBACK(GRAPHICS), read_guest_only},
        {"io-error-reason", 6, CALLBACK(IO_ERROR_REASON), read_io_error_reason},
        {"control-error", 7, CALLBACK(CONTROL_ERROR), read_guest_only},
        {"block-job", 8, CALLBACK(BLOCK_JOB), read_guest_only},
        {"disk-change", 9, CALLBACK(DISK_CHANGE), read_guest_only},
        {"tray-change", 10, CALLBACK(TRAY_CHANGE), read_tray_change},
        {"pm-wakeup", 11, CALLBACK(PMWAKEUP), read_pm},
        {"pm-suspend", 12, CALLBACK(PMSUSPEND), read_pm},
        {"balloon-change", 13, CALLBACK(BALLOON_CHANGE), read_balloon},
        {"pm-suspend-disk", 14, CALLBACK(PMSUSPEND_DISK), read_pm},
        {"device-removed", 15, CALLBACK(DEVICE_REMOVED), read_device_removed},
        {"block-job-2", 16, REMOTE_PROC_DOMAIN_EVENT_BLOCK_JOB_2, read_guest_only},
        {"tunable", 17, CALLBACK(TUNABLE), read_guest_only},
        {"agent-lifecycle", 18, CALLBACK(AGENT_LIFECYCLE), read_agent},
        {"device-added", 19, CALLBACK(DEVICE_ADDED), read_alias},
        {"migration-iteration", 20, CALLBACK(MIGRATION_ITERATION), read_guest_only},
        {"job-completed", 21, CALLBACK(JOB_COMPLETED), read_guest_only},
        {"device-removal-failed", 22, CALLBACK(DEVICE_REMOVAL_FAILED), read_alias},
        {"metadata-change", 23, CALLBACK(METADATA_CHANGE), read_guest_only},
        {"block-threshold", 24, REMOTE_PROC_DOMAIN_EVENT_BLOCK_THRESHOLD, read_guest_only},
        {"memory-failure", 25, REMOTE_PROC_DOMAIN_EVENT_MEMORY_FAILURE, read_guest_only},
        {"memory-device-size-change", 26, REMOTE_PROC_DOMAIN_EVENT_MEMORY_DEVICE_SIZE_CHANGE,
         read_guest_only},
        {"nic-mac-change", 27, REMOTE_PROC_DOMAIN_EVENT_NIC_MAC_CHANGE, read_guest_only},
};

static const EventKind nodedev_kinds[] = {
        {"lifecycle", 0, REMOTE_PROC_NODE_DEVICE_EVENT_LIFECYCLE, read_nodedev_lifecycle},
        {"update", 1, REMOTE_PROC_NODE_DEVICE_EVENT_UPDATE, read_nodedev_update},
};

static const EventKind network_kinds[] = {
        {"lifecycle", 0, REMOTE_PROC_NETWORK_EVENT_LIFECYCLE, read_network_lifecycle},
        {"metadata-change", 1, REMOTE_PROC_NETWORK_EVENT_CALLBACK_METADATA_CHANGE,
         read_network_metadata},
};

static const EventKind pool_kinds[] = {
        {"lifecycle", 0, REMOTE_PROC_STORAGE_POOL_EVENT_LIFECYCLE, read_pool_lifecycle},
        {"refresh", 1, REMOTE_PROC_STORAGE_POOL_EVENT_REFRESH, read_pool_refresh},
};

static const struct {
        const EventKind *kinds;
        size_t n;
} objects[_EVENT_OBJECT_MAX] = {
        [EVENT_OF_GUEST] = {guest_kinds, G_N_ELEMENTS(guest_kinds)},
        [EVENT_OF_NODEDEV] = {nodedev_kinds, G_N_ELEMENTS(nodedev_kinds)},
        [EVENT_OF_NETWORK] = {network_kinds, G_N_ELEMENTS(network_kinds)},
        [EVENT_OF_POOL] = {pool_kinds, G_N_ELEMENTS(pool_kinds)},
};

void event_done(Event *event) {
        g_clear_pointer(&event->object, g_free);
        g_clear_pointer(&event->detail, g_free);
}

size_t event_kind_count(EventObject object) {
        return objects[object].n;
}

const EventKind *event_kind_at(EventObject object, size_t i) {
        return &objects[object].kinds[i];
}

const EventKind *event_kind_find(EventObject object, const char *name) {
        for (size_t i = 0; i < objects[object].n; i++)
                if (g_str_equal(objects[object].kinds[i].name, name))
                        return &objects[object].kinds[i];
        return NULL;
}

const char *event_kind_name(const EventKind *kind) {
        return kind->name;
}

static int subscribe(Conn *conn, ConnCall call, int *ret_id, Err *err) {
        remote_connect_domain_event_callback_register_any_ret answer;
        int r;

        call.ret_xdr = (xdrproc_t)xdr_remote_connect_domain_event_callback_register_any_ret;
        call.ret = &answer;
        call.ret_size = sizeof(answer);
        r = conn_call(conn, &call, err);
        if (r < 0)
                return r;
        if (ret_id)
                *ret_id = answer.callbackID;
        return 0;
}

int event_subscribe(Conn *conn, const EventKind *kind, const Guest *guest, int *ret_id, Err *err) {
        remote_domain dom = {};
        remote_connect_domain_event_callback_register_any_args args = {
                .eventID = kind->id,
                .dom = guest ? &dom : NULL,
        };

        if (guest) {
                dom = (remote_domain){.name = guest->name, .id = guest->id};
                memcpy(dom.uuid, guest->uuid, sizeof(dom.uuid));
        }
        return subscribe(
                conn,
                CONN_REMOTE(
                        CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY,
                        CONN_ARGS(remote_connect_domain_event_callback_register_any_args, &args)),
                ret_id, err);
}

int event_subscribe_nodedev(Conn *conn, const EventKind *kind, const char *device, int *ret_id,
                            Err *err) {
        remote_node_device dev = {.name = (char *)(uintptr_t)device};
        remote_connect_node_device_event_register_any_args args = {
                .eventID = kind->id,
                .dev = device ? &dev : NULL,
        };

        return subscribe(
                conn,
                CONN_REMOTE(CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY,
                            CONN_ARGS(remote_connect_node_device_event_register_any_args, &args)),
                ret_id, err);
}

int event_subscribe_net(Conn *conn, const EventKind *kind, const Net *net, int *ret_id, Err *err) {
        remote_network handle = {};
        remote_connect_network_event_register_any_args args = {.eventID = kind->id,
                                                               .net = net ? &handle : NULL};

        if (net) {
                handle.name = net->name;
                memcpy(handle.uuid, net->uuid, sizeof(handle.uuid));
        }
        return subscribe(
                conn,
                CONN_REMOTE(CONNECT_NETWORK_EVENT_REGISTER_ANY,
                            CONN_ARGS(remote_connect_network_event_register_any_args, &args)),
                ret_id, err);
}

int event_subscribe_pool(Conn *conn, const EventKind *kind, const StoragePool *pool, int *ret_id,
                         Err *err) {
        remote_storage_pool handle = {};
        remote_connect_storage_pool_event_register_any_args args = {.eventID = kind->id,
                                                                    .pool = pool ? &handle : NULL};

        if (pool) {
                handle.name = pool->name;
                memcpy(handle.uuid, pool->uuid, sizeof(handle.uuid));
        }
        return subscribe(
                conn,
                CONN_REMOTE(CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY,
                            CONN_ARGS(remote_connect_storage_pool_event_register_any_args, &args)),
                ret_id, err);
}

int event_unsubscribe(Conn *conn, EventObject object, int id, Err *err) {
        static const int procedures[_EVENT_OBJECT_MAX] = {
                [EVENT_OF_GUEST] = REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY,
                [EVENT_OF_NODEDEV] = REMOTE_PROC_CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY,
                [EVENT_OF_NETWORK] = REMOTE_PROC_CONNECT_NETWORK_EVENT_DEREGISTER_ANY,
                [EVENT_OF_POOL] = REMOTE_PROC_CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY,
        };
        remote_connect_domain_event_callback_deregister_any_args args = {.callbackID = id};
        ConnCall call = {
                .program = REMOTE_PROGRAM,
                .procedure = procedures[object],
                CONN_ARGS(remote_connect_domain_event_callback_deregister_any_args, &args),
        };

        return conn_call(conn, &call, err);
}

static const EventKind *kind_of_procedure(int procedure) {
        for (size_t object = 0; object < _EVENT_OBJECT_MAX; object++)
                for (size_t i = 0; i < objects[object].n; i++)
                        if (objects[object].kinds[i].procedure == procedure)
                                return &objects[object].kinds[i];
        return NULL;
}

bool event_take(Conn *conn, Event *ret) {
        ConnEvent message;

        while (conn_take_event(conn, &message)) {
                g_autoptr(GByteArray) bytes = message.bytes;
                Event event = {.kind = kind_of_procedure(message.procedure)};
                RpcPacket packet;

                if (message.program != REMOTE_PROGRAM || !event.kind)
                        continue;
                if (rpc_packet_parse(bytes->data, bytes->len, &packet) < 0 ||
                    event.kind->read(&packet, &event) < 0)
                        continue;
                *ret = event;
                return true;
        }
        return false;
}
