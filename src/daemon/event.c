/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/event.h"

#include <string.h>

#include "daemon/client.h"
#include "rpc/packet.h"
#include "rpc/proto.h"
#include "rpc/remote_domain_agent.h"
#include "rpc/remote_event.h"

/* virDomainEventID and virNodeDeviceEventID, as far as we send them. */
enum {
        ID_LIFECYCLE = 0,
        ID_REBOOT = 1,
        ID_RTC_CHANGE = 2,
        ID_WATCHDOG = 3,
        ID_IO_ERROR = 4,
        ID_GRAPHICS = 5,
        ID_CONTROL_ERROR = 7,
        ID_IO_ERROR_REASON = 8,
        ID_TRAY_CHANGE = 10,
        ID_PMWAKEUP = 11,
        ID_PMSUSPEND = 12,
        ID_BALLOON_CHANGE = 13,
        ID_PMSUSPEND_DISK = 14,
        ID_DEVICE_REMOVED = 15,
        ID_AGENT_LIFECYCLE = 18,
        ID_DEVICE_ADDED = 19,
        ID_JOB_COMPLETED = 21,
        ID_DEVICE_REMOVAL_FAILED = 22,
        ID_METADATA_CHANGE = 23,
        ID_MEMORY_FAILURE = 25,
        ID_MEMORY_DEVICE_SIZE_CHANGE = 26,
};
enum { ID_NODEDEV_LIFECYCLE = 0, ID_NODEDEV_UPDATE = 1 };
enum { ID_NETWORK_LIFECYCLE = 0, ID_NETWORK_METADATA_CHANGE = 1 };
enum { ID_POOL_LIFECYCLE = 0, ID_POOL_REFRESH = 1 };

#define OLD_EVENTS 16 /* 0 to 15 have an old kind */

/* How many events a class has: clients may register for each of them, sent here or not. */
static const int event_counts[] = {
        [EVENT_DOMAIN] = 28, [EVENT_NODEDEV] = 2, [EVENT_NETWORK] = 2,
        [EVENT_POOL] = 2,    [EVENT_SECRET] = 2,  [EVENT_MONITOR] = 1,
};
G_STATIC_ASSERT(G_N_ELEMENTS(event_counts) == _EVENT_CLASS_MAX);

typedef struct Registration {
        Client *client; /* borrowed: events_remove_client() */
        EventClass class;
        int event;
        int id;        /* -1: of the old kind */
        char *only;    /* key of an object; NULL: all */
        GRegex *names; /* of QEMU's events; NULL: all */
} Registration;

struct Events {
        GPtrArray *registrations;
        int next_id;
};

/* One message in both of its forms. callback_id lies in message and is filled for each receiver. */
typedef struct Message {
        EventClass class;
        int event;
        const char *key;  /* of the object */
        const char *name; /* of an event of QEMU */
        uint32_t program; /* 0: REMOTE_PROGRAM */
        int procedure, old_procedure;
        xdrproc_t xdr, old_xdr;
        const void *message, *old_message; /* old: NULL, there is no old kind */
        int *callback_id;
} Message;

static void registration_free(Registration *registration) {
        g_free(registration->only);
        g_clear_pointer(&registration->names, g_regex_unref);
        g_free(registration);
}

Events *events_new(void) {
        Events *events = g_new0(Events, 1);

        events->registrations = g_ptr_array_new_with_free_func((GDestroyNotify)registration_free);
        return events;
}

void events_free(Events *events) {
        if (!events)
                return;
        g_ptr_array_unref(events->registrations);
        g_free(events);
}

/* What objects of a class are compared by: a UUID as text, or the name. */
static char *make_key(EventClass class, const void *object) {
        const uint8_t *uuid = object;
        GString *text;

        if (!object)
                return NULL;
        if (class != EVENT_DOMAIN && class != EVENT_MONITOR)
                return g_strdup(object);
        text = g_string_sized_new(32);
        for (size_t i = 0; i < sizeof(remote_uuid); i++)
                g_string_append_printf(text, "%02x", uuid[i]);
        return g_string_free(text, FALSE);
}

static int check_event(EventClass class, int event, int count, Err *err) {
        if (event >= 0 && event < count)
                return 0;
        return fail(err, VIR_ERR_INTERNAL_ERROR, "unsupported event ID %d", event);
}

static int check_room(const Events *events, const Client *client, Err *err) {
        unsigned n = 0;

        for (guint i = 0; i < events->registrations->len; i++) {
                const Registration *registration = events->registrations->pdata[i];

                n += registration->client == client;
        }
        if (n < EVENT_REGISTRATIONS_MAX)
                return 0;
        return fail(err, VIR_ERR_RESOURCE_BUSY, "this connection has %u event registrations", n);
}

static void add(Events *events, const Registration *registration) {
        g_ptr_array_add(events->registrations, g_memdup2(registration, sizeof(*registration)));
}

int events_register(Events *events, Client *client, EventClass class, int event, const void *only,
                    Err *err) {
        Registration registration = {.client = client, .class = class, .event = event};
        int r;

        r = check_event(class, event, event_counts[class], err);
        if (r < 0)
                return r;
        r = check_room(events, client, err);
        if (r < 0)
                return r;
        registration.id = events->next_id;
        registration.only = make_key(class, only);
        events->next_id = events->next_id == INT_MAX ? 0 : events->next_id + 1;
        add(events, &registration);
        return registration.id;
}

/* A plain name is a pattern of itself. */
static int compile_names(const EventMonitorFilter *filter, GRegex **ret, Err *err) {
        g_autofree char *plain = filter->name ? g_regex_escape_string(filter->name, -1) : NULL;
        g_autofree char *whole = g_strdup_printf("^%s$", plain);
        g_autoptr(GError) problem = NULL;

        if (!filter->name)
                return 0;
        *ret = g_regex_new(filter->is_regex ? filter->name : whole,
                           filter->ignores_case ? G_REGEX_CASELESS : 0, 0, &problem);
        if (*ret)
                return 0;
        return fail(err, VIR_ERR_INVALID_ARG, "failed to compile regex '%.200s': %s", filter->name,
                    problem->message);
}

int events_register_monitor(Events *events, Client *client, const EventMonitorFilter *filter,
                            Err *err) {
        GRegex *names = NULL;
        Registration *added;
        int r = compile_names(filter, &names, err);

        if (r == 0)
                r = events_register(events, client, EVENT_MONITOR, 0, filter->only, err);
        if (r < 0) {
                g_clear_pointer(&names, g_regex_unref);
                return r;
        }
        added = events->registrations->pdata[events->registrations->len - 1];
        added->names = names;
        return r;
}

int events_deregister(Events *events, Client *client, EventClass class, int id, Err *err) {
        for (guint i = 0; id >= 0 && i < events->registrations->len; i++) {
                const Registration *registration = events->registrations->pdata[i];

                if (registration->client != client || registration->class != class ||
                    registration->id != id)
                        continue;
                g_ptr_array_remove_index_fast(events->registrations, i);
                return 0;
        }
        return fail(err, VIR_ERR_INVALID_ARG, "no event callback with id %d is registered", id);
}

static bool find_old(const Events *events, const Client *client, int event, guint *ret) {
        for (guint i = 0; i < events->registrations->len; i++) {
                const Registration *registration = events->registrations->pdata[i];

                if (registration->client == client && registration->id < 0 &&
                    registration->event == event) {
                        *ret = i;
                        return true;
                }
        }
        return false;
}

int events_register_old(Events *events, Client *client, int event, Err *err) {
        Registration registration = {
                .client = client, .class = EVENT_DOMAIN, .event = event, .id = -1};
        guint i;
        int r;

        r = check_event(EVENT_DOMAIN, event, OLD_EVENTS, err);
        if (r < 0)
                return r;
        if (find_old(events, client, event, &i))
                return fail(err, VIR_ERR_INTERNAL_ERROR, "domain event %d already registered",
                            event);
        add(events, &registration);
        return 0;
}

int events_deregister_old(Events *events, Client *client, int event, Err *err) {
        guint i;
        int r;

        r = check_event(EVENT_DOMAIN, event, OLD_EVENTS, err);
        if (r < 0)
                return r;
        if (!find_old(events, client, event, &i))
                return fail(err, VIR_ERR_INTERNAL_ERROR, "domain event %d not registered", event);
        g_ptr_array_remove_index_fast(events->registrations, i);
        return 0;
}

void events_remove_client(Events *events, Client *client) {
        for (guint i = events ? events->registrations->len : 0; i > 0; i--) {
                const Registration *registration = events->registrations->pdata[i - 1];

                if (registration->client == client)
                        g_ptr_array_remove_index_fast(events->registrations, i - 1);
        }
}

static void send_to(Client *client, int id, const Message *message) {
        RpcHeader header = {
                .program = message->program ? message->program : REMOTE_PROGRAM,
                .version = RPC_PROGRAM_VERSION,
                .procedure = id < 0 ? message->old_procedure : message->procedure,
                .type = RPC_TYPE_MESSAGE,
        };

        if (id < 0) {
                client_send_event(client, &header, message->old_xdr, message->old_message);
                return;
        }
        *message->callback_id = id;
        client_send_event(client, &header, message->xdr, message->message);
}

static bool wants(const Registration *registration, const Message *message) {
        return registration->class == message->class && registration->event == message->event &&
               (!registration->only || g_str_equal(registration->only, message->key)) &&
               (registration->id >= 0 || message->old_message) &&
               (!registration->names || g_regex_match(registration->names, message->name, 0, NULL));
}

/* A client that is closed while it is sent something takes its registrations out of the list, so
 * the receivers are picked first. */
static void emit(const Events *events, const Message *message) {
        g_autoptr(GPtrArray) clients = g_ptr_array_new_with_free_func((GDestroyNotify)client_unref);
        g_autoptr(GArray) ids = g_array_new(false, false, sizeof(int));

        for (guint i = 0; i < events->registrations->len; i++) {
                const Registration *registration = events->registrations->pdata[i];

                if (!wants(registration, message))
                        continue;
                g_ptr_array_add(clients, client_ref(registration->client));
                g_array_append_val(ids, registration->id);
        }
        for (guint i = 0; i < clients->len; i++)
                send_to(clients->pdata[i], g_array_index(ids, int, i), message);
}

/* The handle borrows the name, which XDR only reads. */
static remote_domain domain_handle(const DomainRef *domain) {
        remote_domain handle = {.name = (char *)(uintptr_t)domain->name, .id = domain->id};

        memcpy(handle.uuid, domain->uuid, sizeof(handle.uuid));
        return handle;
}

static void emit_domain(Manager *manager, const DomainRef *domain, Message *message) {
        g_autofree char *key = make_key(EVENT_DOMAIN, domain->uuid);

        message->class = EVENT_DOMAIN;
        message->key = key;
        emit(manager->events, message);
}

/* Events up to 15: the new message wraps the old one. NAME in small and in capital letters, as the
 * protocol has it; what follows are the fields of the old message behind dom. */
#define EMIT_WRAPPED(small, capital, ...)                                                 \
        do {                                                                              \
                remote_domain_event_callback_##small##_msg _event = {                     \
                        .msg = {.dom = domain_handle(domain), __VA_ARGS__}};              \
                Message _message = {                                                      \
                        .event = ID_##capital,                                            \
                        .procedure = REMOTE_PROC_DOMAIN_EVENT_CALLBACK_##capital,         \
                        .old_procedure = REMOTE_PROC_DOMAIN_EVENT_##capital,              \
                        .xdr = (xdrproc_t)xdr_remote_domain_event_callback_##small##_msg, \
                        .old_xdr = (xdrproc_t)xdr_remote_domain_event_##small##_msg,      \
                        .message = &_event,                                               \
                        .old_message = &_event.msg,                                       \
                        .callback_id = &_event.callbackID,                                \
                };                                                                        \
                if (manager->events)                                                      \
                        emit_domain(manager, domain, &_message);                          \
        } while (0)

/* Events from 16 on have one flat message. */
#define EMIT_FLAT_AS(type, proc, capital, ...)                                           \
        do {                                                                             \
                remote_domain_event_##type##_msg _event = {.dom = domain_handle(domain), \
                                                           __VA_ARGS__};                 \
                Message _message = {                                                     \
                        .event = ID_##capital,                                           \
                        .procedure = REMOTE_PROC_DOMAIN_EVENT_##proc,                    \
                        .xdr = (xdrproc_t)xdr_remote_domain_event_##type##_msg,          \
                        .message = &_event,                                              \
                        .callback_id = &_event.callbackID,                               \
                };                                                                       \
                if (manager->events)                                                     \
                        emit_domain(manager, domain, &_message);                         \
        } while (0)
#define EMIT_FLAT(small, capital, ...) \
        EMIT_FLAT_AS(callback_##small, CALLBACK_##capital, capital, __VA_ARGS__)

#define BORROWED(text) ((char *)(uintptr_t)(text))

void event_domain_lifecycle(Manager *manager, const DomainRef *domain, int event, int detail) {
        EMIT_WRAPPED(lifecycle, LIFECYCLE, .event = event, .detail = detail);
}

void event_domain_reboot(Manager *manager, const DomainRef *domain) {
        EMIT_WRAPPED(reboot, REBOOT);
}

void event_domain_control_error(Manager *manager, const DomainRef *domain) {
        EMIT_WRAPPED(control_error, CONTROL_ERROR);
}

void event_domain_rtc_change(Manager *manager, const DomainRef *domain, int64_t offset) {
        EMIT_WRAPPED(rtc_change, RTC_CHANGE, .offset = offset);
}

void event_domain_watchdog(Manager *manager, const DomainRef *domain, int action) {
        EMIT_WRAPPED(watchdog, WATCHDOG, .action = action);
}

void event_domain_balloon_change(Manager *manager, const DomainRef *domain, uint64_t kib) {
        EMIT_WRAPPED(balloon_change, BALLOON_CHANGE, .actual = kib);
}

void event_domain_tray_change(Manager *manager, const DomainRef *domain, const char *alias,
                              int reason) {
        EMIT_WRAPPED(tray_change, TRAY_CHANGE, .devAlias = BORROWED(alias), .reason = reason);
}

void event_domain_device_removed(Manager *manager, const DomainRef *domain, const char *alias) {
        EMIT_WRAPPED(device_removed, DEVICE_REMOVED, .devAlias = BORROWED(alias));
}

void event_domain_device_added(Manager *manager, const DomainRef *domain, const char *alias) {
        EMIT_FLAT(device_added, DEVICE_ADDED, .devAlias = BORROWED(alias));
}

void event_domain_device_removal_failed(Manager *manager, const DomainRef *domain,
                                        const char *alias) {
        EMIT_FLAT(device_removal_failed, DEVICE_REMOVAL_FAILED, .devAlias = BORROWED(alias));
}

void event_domain_job_completed(Manager *manager, const DomainRef *domain, RpcParams *params) {
        remote_domain_event_callback_job_completed_msg list = {};

        rpc_params_steal(params, &list.params.params_len, &list.params.params_val);
        EMIT_FLAT(job_completed, JOB_COMPLETED, .params.params_len = list.params.params_len,
                  .params.params_val = list.params.params_val);
        xdr_free((xdrproc_t)xdr_remote_domain_event_callback_job_completed_msg, (char *)&list);
}

void event_domain_metadata_change(Manager *manager, const DomainRef *domain, int type,
                                  const char *uri) {
        char *text = BORROWED(uri);

        EMIT_FLAT(metadata_change, METADATA_CHANGE, .type = type, .nsuri = uri ? &text : NULL);
}

void event_domain_agent_lifecycle(Manager *manager, const DomainRef *domain, int state,
                                  int reason) {
        EMIT_FLAT(agent_lifecycle, AGENT_LIFECYCLE, .state = state, .reason = reason);
}

/* Two old messages that the new ones wrap with a reason beside them, which is always 0. */
void event_domain_pmwakeup(Manager *manager, const DomainRef *domain) {
        EMIT_WRAPPED(pmwakeup, PMWAKEUP);
}

void event_domain_pmsuspend(Manager *manager, const DomainRef *domain, bool to_disk) {
        if (to_disk)
                EMIT_WRAPPED(pmsuspend_disk, PMSUSPEND_DISK);
        else
                EMIT_WRAPPED(pmsuspend, PMSUSPEND);
}

void event_domain_io_error(Manager *manager, const DomainRef *domain, const char *path,
                           const char *alias, int action, const char *reason) {
        EMIT_WRAPPED(io_error, IO_ERROR, .srcPath = BORROWED(path), .devAlias = BORROWED(alias),
                     .action = action);
        EMIT_WRAPPED(io_error_reason, IO_ERROR_REASON, .srcPath = BORROWED(path),
                     .devAlias = BORROWED(alias), .action = action, .reason = BORROWED(reason));
}

void event_domain_memory_failure(Manager *manager, const DomainRef *domain, int recipient,
                                 int action, unsigned flags) {
        EMIT_FLAT_AS(memory_failure, MEMORY_FAILURE, MEMORY_FAILURE, .recipient = recipient,
                     .action = action, .flags = flags);
}

void event_domain_memory_device_size_change(Manager *manager, const DomainRef *domain,
                                            const char *alias, uint64_t kib) {
        EMIT_FLAT_AS(memory_device_size_change, MEMORY_DEVICE_SIZE_CHANGE,
                     MEMORY_DEVICE_SIZE_CHANGE, .alias = BORROWED(alias), .size = kib);
}

void event_domain_monitor(Manager *manager, const DomainRef *domain, const char *name,
                          const char *details) {
        gint64 now = g_get_real_time();
        char *text = BORROWED(details);
        qemu_domain_monitor_event_msg event = {
                .dom = domain_handle(domain),
                .event = BORROWED(name),
                .seconds = now / G_USEC_PER_SEC,
                .micros = (u_int)(now % G_USEC_PER_SEC),
                .details = details ? &text : NULL,
        };
        g_autofree char *key = make_key(EVENT_MONITOR, domain->uuid);

        if (!manager->events)
                return;
        emit(manager->events, &(Message){
                                      .class = EVENT_MONITOR,
                                      .key = key,
                                      .name = name,
                                      .program = QEMU_PROGRAM,
                                      .procedure = QEMU_PROC_DOMAIN_MONITOR_EVENT,
                                      .xdr = (xdrproc_t)xdr_qemu_domain_monitor_event_msg,
                                      .message = &event,
                                      .callback_id = &event.callbackID,
                              });
}

static remote_domain_event_graphics_address graphics_address(const EventGraphicsPeer *peer) {
        return (remote_domain_event_graphics_address){
                .family = peer->family,
                .node = BORROWED(peer->node),
                .service = BORROWED(peer->service),
        };
}

void event_domain_graphics(Manager *manager, const DomainRef *domain, int phase,
                           const EventGraphicsPeer *local, const EventGraphicsPeer *remote,
                           const char *auth) {
        EMIT_WRAPPED(graphics, GRAPHICS, .phase = phase, .local = graphics_address(local),
                     .remote = graphics_address(remote), .authScheme = BORROWED(auth));
}

void event_nodedev_lifecycle(Manager *manager, const char *name, int event, int detail) {
        remote_node_device_event_lifecycle_msg message = {
                .dev = {.name = BORROWED(name)}, .event = event, .detail = detail};

        if (!manager->events)
                return;
        emit(manager->events, &(Message){
                                      .class = EVENT_NODEDEV,
                                      .event = ID_NODEDEV_LIFECYCLE,
                                      .key = name,
                                      .procedure = REMOTE_PROC_NODE_DEVICE_EVENT_LIFECYCLE,
                                      .xdr = (xdrproc_t)xdr_remote_node_device_event_lifecycle_msg,
                                      .message = &message,
                                      .callback_id = &message.callbackID,
                              });
}

void event_nodedev_update(Manager *manager, const char *name) {
        remote_node_device_event_update_msg message = {.dev = {.name = BORROWED(name)}};

        if (!manager->events)
                return;
        emit(manager->events, &(Message){
                                      .class = EVENT_NODEDEV,
                                      .event = ID_NODEDEV_UPDATE,
                                      .key = name,
                                      .procedure = REMOTE_PROC_NODE_DEVICE_EVENT_UPDATE,
                                      .xdr = (xdrproc_t)xdr_remote_node_device_event_update_msg,
                                      .message = &message,
                                      .callback_id = &message.callbackID,
                              });
}

/* ---- pools ---- */

static void emit_pool(Manager *manager, const char *name, Message *message) {
        message->class = EVENT_POOL;
        message->key = name;
        if (manager->events)
                emit(manager->events, message);
}

void event_pool_lifecycle(Manager *manager, const char *name, const uint8_t uuid[16], int event) {
        remote_storage_pool_event_lifecycle_msg message = {.pool = {.name = BORROWED(name)},
                                                           .event = event};

        memcpy(message.pool.uuid, uuid, sizeof(message.pool.uuid));
        emit_pool(manager, name,
                  &(Message){
                          .event = ID_POOL_LIFECYCLE,
                          .procedure = REMOTE_PROC_STORAGE_POOL_EVENT_LIFECYCLE,
                          .xdr = (xdrproc_t)xdr_remote_storage_pool_event_lifecycle_msg,
                          .message = &message,
                          .callback_id = &message.callbackID,
                  });
}

void event_pool_refresh(Manager *manager, const char *name, const uint8_t uuid[16]) {
        remote_storage_pool_event_refresh_msg message = {.pool = {.name = BORROWED(name)}};

        memcpy(message.pool.uuid, uuid, sizeof(message.pool.uuid));
        emit_pool(manager, name,
                  &(Message){
                          .event = ID_POOL_REFRESH,
                          .procedure = REMOTE_PROC_STORAGE_POOL_EVENT_REFRESH,
                          .xdr = (xdrproc_t)xdr_remote_storage_pool_event_refresh_msg,
                          .message = &message,
                          .callback_id = &message.callbackID,
                  });
}

/* ---- networks ---- */

static void emit_network(Manager *manager, const char *name, Message *message) {
        if (!manager->events)
                return;
        message->class = EVENT_NETWORK;
        message->key = name;
        emit(manager->events, message);
}

void event_network_lifecycle(Manager *manager, const char *name, const uint8_t uuid[16],
                             int event) {
        remote_network_event_lifecycle_msg message = {.net = {.name = BORROWED(name)},
                                                      .event = event};

        memcpy(message.net.uuid, uuid, sizeof(message.net.uuid));
        emit_network(manager, name,
                     &(Message){
                             .event = ID_NETWORK_LIFECYCLE,
                             .procedure = REMOTE_PROC_NETWORK_EVENT_LIFECYCLE,
                             .xdr = (xdrproc_t)xdr_remote_network_event_lifecycle_msg,
                             .message = &message,
                             .callback_id = &message.callbackID,
                     });
}

void event_network_metadata_change(Manager *manager, const char *name, const uint8_t uuid[16],
                                   int type, const char *uri) {
        char *text = BORROWED(uri);
        remote_network_event_callback_metadata_change_msg message = {
                .net = {.name = BORROWED(name)}, .type = type, .nsuri = uri ? &text : NULL};

        memcpy(message.net.uuid, uuid, sizeof(message.net.uuid));
        emit_network(
                manager, name,
                &(Message){
                        .event = ID_NETWORK_METADATA_CHANGE,
                        .procedure = REMOTE_PROC_NETWORK_EVENT_CALLBACK_METADATA_CHANGE,
                        .xdr = (xdrproc_t)xdr_remote_network_event_callback_metadata_change_msg,
                        .message = &message,
                        .callback_id = &message.callbackID,
                });
}
