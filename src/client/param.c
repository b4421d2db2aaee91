/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/param.h"

#include <inttypes.h>

#include "rpc/params.h"

static void param_free(void *data) {
        Param *param = data;

        g_free(param->field);
        g_free(param->text);
        g_free(param);
}

GPtrArray *params_new(void) {
        return g_ptr_array_new_with_free_func(param_free);
}

static Param *add(GPtrArray *params, const char *field) {
        Param *param = g_new0(Param, 1);

        param->field = g_strdup(field);
        g_ptr_array_add(params, param);
        return param;
}

void params_add_number(GPtrArray *params, const char *field, uint64_t value) {
        Param *param = add(params, field);

        param->number = value;
        param->text = g_strdup_printf("%" PRIu64, value);
}

static char *value_text(const remote_typed_param_value *value) {
        switch (value->type) {
        case RPC_PARAM_INT:
                return g_strdup_printf("%d", value->remote_typed_param_value_u.i);
        case RPC_PARAM_UINT:
                return g_strdup_printf("%u", value->remote_typed_param_value_u.ui);
        case RPC_PARAM_I64:
                return g_strdup_printf("%" PRId64, value->remote_typed_param_value_u.l);
        case RPC_PARAM_U64:
                return g_strdup_printf("%" PRIu64, value->remote_typed_param_value_u.ul);
        case RPC_PARAM_DOUBLE:
                return g_strdup_printf("%f", value->remote_typed_param_value_u.d);
        case RPC_PARAM_BOOL:
                return g_strdup(value->remote_typed_param_value_u.b ? "yes" : "no");
        default:
                return g_strdup(value->remote_typed_param_value_u.s);
        }
}

static uint64_t value_number(const remote_typed_param_value *value) {
        if (value->type == RPC_PARAM_UINT)
                return value->remote_typed_param_value_u.ui;
        return value->type == RPC_PARAM_U64 ? value->remote_typed_param_value_u.ul : 0;
}

void params_add_wire(GPtrArray *params, const remote_typed_param *list, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                Param *param = add(params, list[i].field);

                param->text = value_text(&list[i].value);
                param->number = value_number(&list[i].value);
        }
}

const Param *params_find(const GPtrArray *params, const char *field) {
        for (unsigned i = 0; i < params->len; i++) {
                const Param *param = params->pdata[i];

                if (g_str_equal(param->field, field))
                        return param;
        }
        return NULL;
}

uint64_t params_number(const GPtrArray *params, const char *field) {
        const Param *param = params_find(params, field);

        return param ? param->number : 0;
}
