/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-list.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/dispatch.h"
#include "daemon/rpc-domain.h"

#define COMMON_FLAGS ((1u << 6) - 1)

/* Bits of one group OR together, the groups AND. */
static bool passes(const RpcListClass *class, const void *object, unsigned flags) {
        const unsigned groups[] = {
                RPC_LIST_INACTIVE | RPC_LIST_ACTIVE,
                RPC_LIST_PERSISTENT | RPC_LIST_TRANSIENT,
                RPC_LIST_AUTOSTART | RPC_LIST_NO_AUTOSTART,
                class->more,
        };
        RpcListState state = class->state(object);
        unsigned bits = state.more;

        bits |= state.is_active ? RPC_LIST_ACTIVE : RPC_LIST_INACTIVE;
        bits |= state.is_persistent ? RPC_LIST_PERSISTENT : RPC_LIST_TRANSIENT;
        bits |= state.autostart ? RPC_LIST_AUTOSTART : RPC_LIST_NO_AUTOSTART;
        for (size_t i = 0; i < G_N_ELEMENTS(groups); i++)
                if ((flags & groups[i]) && !(flags & groups[i] & bits))
                        return false;
        return true;
}

static int compare_names(const void *a, const void *b, void *data) {
        const RpcListClass *class = data;

        return strcmp(class->name(*(void *const *)a), class->name(*(void *const *)b));
}

/* Those that pass, by name. */
static GPtrArray *list(const Manager *manager, const RpcListClass *class, unsigned flags) {
        GPtrArray *objects = g_ptr_array_new();
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, class->objects(manager));
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (passes(class, value, flags))
                        g_ptr_array_add(objects, value);
        g_ptr_array_sort_with_data(objects, compare_names, (void *)(uintptr_t) class);
        return objects;
}

int rpc_list_count(const Manager *manager, const RpcListClass *class, unsigned flags) {
        g_autoptr(GPtrArray) objects = list(manager, class, flags);

        return (int)objects->len;
}

void rpc_list_names(const Manager *manager, const RpcListClass *class, unsigned flags, int max,
                    remote_connect_list_networks_ret *ret) {
        g_autoptr(GPtrArray) objects = list(manager, class, flags);
        guint n = MIN(objects->len, (guint)MAX(max, 0));

        ret->names.names_val = calloc(n + 1, sizeof(remote_string));
        ret->names.names_len = n;
        for (guint i = 0; i < n; i++)
                ret->names.names_val[i] = rpc_text(class->name(objects->pdata[i]));
}

int rpc_list_all(const Manager *manager, const RpcListClass *class,
                 const remote_connect_list_all_networks_args *args,
                 remote_connect_list_all_networks_ret *ret, Err *err) {
        g_autoptr(GPtrArray) objects = NULL;
        int r = flags_check(args->flags, COMMON_FLAGS | class->more, class->function, err);

        if (r < 0)
                return r;
        objects = list(manager, class, args->flags);
        ret->ret = objects->len;
        if (!args->need_results)
                return 0;
        ret->nets.nets_val = calloc(objects->len + 1, sizeof(remote_network));
        ret->nets.nets_len = objects->len;
        for (guint i = 0; i < objects->len; i++) {
                remote_network *handle = &ret->nets.nets_val[i];

                handle->name = rpc_text(class->name(objects->pdata[i]));
                memcpy(handle->uuid, class->uuid(objects->pdata[i]), sizeof(handle->uuid));
        }
        return 0;
}
