/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/client.h"
#include "daemon/dispatch.h"
#include "daemon/event.h"
#include "daemon/manager.h"
#include "rpc/proto.h"
#include "rpc/remote_event.h"

/* Registrations for events. */

static int register_domain(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_connect_domain_event_callback_register_any_args *a = args;
        remote_connect_domain_event_callback_register_any_ret *answer = ret;
        int r;

        r = events_register(manager->events, call_client(call), EVENT_DOMAIN, a->eventID,
                            a->dom ? a->dom->uuid : NULL, err);
        if (r < 0)
                return r;
        answer->callbackID = r;
        return 0;
}

static int deregister_domain(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_connect_domain_event_callback_deregister_any_args *a = args;

        return events_deregister(manager->events, call_client(call), EVENT_DOMAIN, a->callbackID,
                                 err);
}

static int register_all(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        remote_connect_domain_event_register_ret *answer = ret;

        answer->cb_registered = 1;
        return events_register_old(manager->events, call_client(call), 0, err);
}

static int deregister_all(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        return events_deregister_old(manager->events, call_client(call), 0, err);
}

static int register_old(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_connect_domain_event_register_any_args *a = args;

        return events_register_old(manager->events, call_client(call), a->eventID, err);
}

static int deregister_old(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_connect_domain_event_deregister_any_args *a = args;

        return events_deregister_old(manager->events, call_client(call), a->eventID, err);
}

/* The other classes differ in the type of the object that is asked for; the name is enough, since
 * node devices are named by it and nothing happens to the rest. */
#define REGISTER(small, event_class, object)                                                     \
        static int register_##small(Manager *manager, Call *call, const void *args, void *ret,   \
                                    Err *err) {                                                  \
                const remote_connect_##small##_event_register_any_args *a = args;                \
                remote_connect_##small##_event_register_any_ret *answer = ret;                   \
                int r;                                                                           \
                                                                                                 \
                r = events_register(manager->events, call_client(call), event_class, a->eventID, \
                                    (object), err);                                              \
                if (r < 0)                                                                       \
                        return r;                                                                \
                answer->callbackID = r;                                                          \
                return 0;                                                                        \
        }                                                                                        \
                                                                                                 \
        static int deregister_##small(Manager *manager, Call *call, const void *args, void *ret, \
                                      Err *err) {                                                \
                const remote_connect_##small##_event_deregister_any_args *a = args;              \
                                                                                                 \
                return events_deregister(manager->events, call_client(call), event_class,        \
                                         a->callbackID, err);                                    \
        }

REGISTER(node_device, EVENT_NODEDEV, a->dev ? a->dev->name : NULL)
REGISTER(network, EVENT_NETWORK, a->net ? a->net->name : NULL)
REGISTER(storage_pool, EVENT_POOL, a->pool ? a->pool->name : NULL)
REGISTER(secret, EVENT_SECRET, a->secret ? a->secret->usageID : NULL)

#define REGISTER_PROCEDURES(capital, small, function)                                             \
        {.number = REMOTE_PROC_CONNECT_##capital##_EVENT_REGISTER_ANY,                            \
         .name = "virConnect" function "EventRegisterAny",                                        \
         PROC_ARGS(remote_connect_##small##_event_register_any_args),                             \
         PROC_RET(remote_connect_##small##_event_register_any_ret),                               \
         .read_only = true,                                                                       \
         .run = register_##small},                                                                \
        {                                                                                         \
                .number = REMOTE_PROC_CONNECT_##capital##_EVENT_DEREGISTER_ANY,                   \
                .name = "virConnect" function "EventDeregisterAny",                               \
                PROC_ARGS(remote_connect_##small##_event_deregister_any_args), .read_only = true, \
                .run = deregister_##small                                                         \
        }

static const Procedure procedures[] = {
        {.number = REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY,
         .name = "virConnectDomainEventRegisterAny",
         PROC_ARGS(remote_connect_domain_event_callback_register_any_args),
         PROC_RET(remote_connect_domain_event_callback_register_any_ret),
         .read_only = true,
         .run = register_domain},
        {.number = REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY,
         .name = "virConnectDomainEventDeregisterAny",
         PROC_ARGS(remote_connect_domain_event_callback_deregister_any_args),
         .read_only = true,
         .run = deregister_domain},
        {.number = REMOTE_PROC_CONNECT_DOMAIN_EVENT_REGISTER,
         .name = "virConnectDomainEventRegister",
         PROC_RET(remote_connect_domain_event_register_ret),
         .read_only = true,
         .run = register_all},
        {.number = REMOTE_PROC_CONNECT_DOMAIN_EVENT_DEREGISTER,
         .name = "virConnectDomainEventDeregister",
         PROC_RET(remote_connect_domain_event_deregister_ret),
         .read_only = true,
         .run = deregister_all},
        {.number = REMOTE_PROC_CONNECT_DOMAIN_EVENT_REGISTER_ANY,
         .name = "virConnectDomainEventRegisterAny",
         PROC_ARGS(remote_connect_domain_event_register_any_args),
         .read_only = true,
         .run = register_old},
        {.number = REMOTE_PROC_CONNECT_DOMAIN_EVENT_DEREGISTER_ANY,
         .name = "virConnectDomainEventDeregisterAny",
         PROC_ARGS(remote_connect_domain_event_deregister_any_args),
         .read_only = true,
         .run = deregister_old},
        REGISTER_PROCEDURES(NODE_DEVICE, node_device, "NodeDevice"),
        REGISTER_PROCEDURES(NETWORK, network, "Network"),
        REGISTER_PROCEDURES(STORAGE_POOL, storage_pool, "StoragePool"),
        REGISTER_PROCEDURES(SECRET, secret, "Secret"),
};

const ProcedureTable rpc_event_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
