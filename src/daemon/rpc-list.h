/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The five procedures by which a client lists the objects of a class (pools, networks): how many
 * are active, their names, the same of those that are not, and all that pass a filter. Their
 * results have the same bytes whatever they are called. */

#include "daemon/manager.h"
#include "rpc/remote_connect.h"

/* Of every class alike: virConnectListAll…Flags. */
enum {
        RPC_LIST_INACTIVE = 1 << 0,
        RPC_LIST_ACTIVE = 1 << 1,
        RPC_LIST_PERSISTENT = 1 << 2,
        RPC_LIST_TRANSIENT = 1 << 3,
        RPC_LIST_AUTOSTART = 1 << 4,
        RPC_LIST_NO_AUTOSTART = 1 << 5,
};

typedef struct RpcListState {
        bool is_active, is_persistent, autostart;
        unsigned more; /* further bits that the object has */
} RpcListState;

typedef struct RpcListClass {
        const char *function; /* "virConnectListAllNetworks" */
        unsigned more;        /* bits of the flags beyond those above: one group */

        GHashTable *(*objects)(const Manager *manager); /* name → object */
        RpcListState (*state)(const void *object);
        const uint8_t *(*uuid)(const void *object);
        const char *(*name)(const void *object);
} RpcListClass;

/* flags: RPC_LIST_ACTIVE or RPC_LIST_INACTIVE. */
int rpc_list_count(const Manager *manager, const RpcListClass *class, unsigned flags);
void rpc_list_names(const Manager *manager, const RpcListClass *class, unsigned flags, int max,
                    remote_connect_list_networks_ret *ret);
int rpc_list_all(const Manager *manager, const RpcListClass *class,
                 const remote_connect_list_all_networks_args *args,
                 remote_connect_list_all_networks_ret *ret, Err *err);
