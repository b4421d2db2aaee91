/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lists of typed parameters: how statistics and tunables travel.
 *
 *         g_autoptr(RpcParams) params = rpc_params_new();
 *
 *         rpc_params_add_u64(params, "cpu.time", ns);
 *         rpc_params_steal(params, &record->params.params_len, &record->params.params_val);
 */

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "rpc/remote_types.h"

/* The type word of a parameter (virTypedParameterType). */
typedef enum RpcParamType {
        RPC_PARAM_INT = 1,
        RPC_PARAM_UINT,
        RPC_PARAM_I64,
        RPC_PARAM_U64,
        RPC_PARAM_DOUBLE,
        RPC_PARAM_BOOL,
        RPC_PARAM_STRING,
} RpcParamType;

typedef struct RpcParams RpcParams;

RpcParams *rpc_params_new(void);
void rpc_params_free(RpcParams *params);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RpcParams, rpc_params_free)

/* field: "balloon.current", at most 79 characters, which libvirt's clients demand. */
void rpc_params_add_int(RpcParams *params, const char *field, int value);
void rpc_params_add_uint(RpcParams *params, const char *field, unsigned value);
void rpc_params_add_i64(RpcParams *params, const char *field, int64_t value);
void rpc_params_add_u64(RpcParams *params, const char *field, uint64_t value);
void rpc_params_add_double(RpcParams *params, const char *field, double value);
void rpc_params_add_bool(RpcParams *params, const char *field, bool value);
/* Only where the caller may send strings: statistics, job statistics, events, guest information, or
 * with flag 4 (VIR_TYPED_PARAM_STRING_OKAY) in the call. */
void rpc_params_add_string(RpcParams *params, const char *field, const char *value);

/* Moves the list into a result struct, which xdr_free() frees; params is empty afterwards. */
void rpc_params_steal(RpcParams *params, u_int *ret_n, remote_typed_param **ret);

/* NULL: the list has no such field. */
const remote_typed_param *rpc_params_find(const remote_typed_param *list, size_t n,
                                          const char *field);
