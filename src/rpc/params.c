/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/params.h"

#include <string.h>

#define FIELD_MAX 79u

struct RpcParams {
        GArray *list; /* of remote_typed_param */
};

RpcParams *rpc_params_new(void) {
        RpcParams *params = g_new0(RpcParams, 1);

        params->list = g_array_new(false, true, sizeof(remote_typed_param));
        return params;
}

void rpc_params_free(RpcParams *params) {
        if (!params)
                return;
        for (guint i = 0; i < params->list->len; i++)
                xdr_free((xdrproc_t)xdr_remote_typed_param,
                         &g_array_index(params->list, remote_typed_param, i));
        g_array_unref(params->list);
        g_free(params);
}

/* The value union of a new parameter; valid until the next one is added. */
static remote_typed_param_value *append(RpcParams *params, const char *field, RpcParamType type) {
        remote_typed_param *param;

        g_assert(strlen(field) <= FIELD_MAX);
        g_array_set_size(params->list, params->list->len + 1);
        param = &g_array_index(params->list, remote_typed_param, params->list->len - 1);
        param->field = g_strdup(field);
        param->value.type = (int)type;
        return &param->value;
}

void rpc_params_add_int(RpcParams *params, const char *field, int value) {
        append(params, field, RPC_PARAM_INT)->remote_typed_param_value_u.i = value;
}

void rpc_params_add_uint(RpcParams *params, const char *field, unsigned value) {
        append(params, field, RPC_PARAM_UINT)->remote_typed_param_value_u.ui = value;
}

void rpc_params_add_i64(RpcParams *params, const char *field, int64_t value) {
        append(params, field, RPC_PARAM_I64)->remote_typed_param_value_u.l = value;
}

void rpc_params_add_u64(RpcParams *params, const char *field, uint64_t value) {
        append(params, field, RPC_PARAM_U64)->remote_typed_param_value_u.ul = value;
}

void rpc_params_add_double(RpcParams *params, const char *field, double value) {
        append(params, field, RPC_PARAM_DOUBLE)->remote_typed_param_value_u.d = value;
}

void rpc_params_add_bool(RpcParams *params, const char *field, bool value) {
        append(params, field, RPC_PARAM_BOOL)->remote_typed_param_value_u.b = value;
}

void rpc_params_add_string(RpcParams *params, const char *field, const char *value) {
        append(params, field, RPC_PARAM_STRING)->remote_typed_param_value_u.s = g_strdup(value);
}

void rpc_params_steal(RpcParams *params, u_int *ret_n, remote_typed_param **ret) {
        *ret_n = params->list->len;
        *ret = (remote_typed_param *)(void *)g_array_steal(params->list, NULL);
}

const remote_typed_param *rpc_params_find(const remote_typed_param *list, size_t n,
                                          const char *field) {
        for (size_t i = 0; i < n; i++)
                if (g_str_equal(list[i].field, field))
                        return &list[i];
        return NULL;
}
