/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the adapters of guests share: from a client's handle to the Vm, and back. */

#include "daemon/call.h"
#include "daemon/vm.h"
#include "rpc/remote_types.h"

/* Reading (rpc-domain.c), configuration and power (rpc-domain-life.c), memory that is kept in files
 * (rpc-domain-save.c), words about a guest and its name (rpc-domain-text.c), devices
 * (rpc-domain-device.c). */
extern const ProcedureTable rpc_domain_life_table;
extern const ProcedureTable rpc_domain_save_table;
extern const ProcedureTable rpc_domain_text_table;
extern const ProcedureTable rpc_domain_device_table;
/* Numbers (rpc-domain-stats.c), and changing them (rpc-domain-tune.c). */
extern const ProcedureTable rpc_domain_stats_table;
extern const ProcedureTable rpc_domain_tune_table;
/* Disks and memory as they are (rpc-domain-block.c). */
extern const ProcedureTable rpc_domain_block_table;
/* Processors of the host, and I/O threads (rpc-domain-pin.c). */
extern const ProcedureTable rpc_domain_pin_table;
/* Display and keys (rpc-domain-screen.c), the command line of QEMU (rpc-domain-native.c). */
extern const ProcedureTable rpc_domain_screen_table;
extern const ProcedureTable rpc_domain_native_table;

/* The flag by which a client takes texts in lists of parameters (VIR_TYPED_PARAM_STRING_OKAY). */
#define RPC_STRING_OKAY 4u

/* The guests that pass the flags of virConnectListAllDomains, by name; the caller frees the list.
 */
GPtrArray *rpc_list_vms(Manager *manager, unsigned flags);

/* The guest of a handle, by its UUID; VIR_ERR_NO_DOMAIN. */
int rpc_find_vm(Manager *manager, const remote_domain *handle, Vm **ret, Err *err);

/* A definition from a client as it would be stored: with its defaults and addresses. What the
 * schema does not know is in its warnings. */
int rpc_parse_config(Manager *manager, const char *xml, bool validate, DomainDef **ret, Err *err);

/* The guest that def means: same name and same UUID. *ret NULL: a new one. */
int rpc_find_same(Manager *manager, const DomainDef *def, Vm **ret, Err *err);

/* Fills a handle of a result; xdr_free() frees it. */
void rpc_fill_domain(const Vm *vm, remote_domain *ret);

/* malloc'd copy for a result, as xdr_free() wants it. */
char *rpc_text(const char *text);

/* Runs a plan that is all that a call does, and answers the call when it has ended; the common end
 * of a handler: CALL_LATER, or the failure. */
int rpc_run_plan_consume(Call *call, Plan *plan, Err *err);

/* Table lines: of a procedure that changes something and has no result, of one that has, and of one
 * that a read-only connection may call. */
#define DOES(proc, function, type, func) \
        { .number = REMOTE_PROC_##proc, .name = (function), PROC_ARGS(type##_args), .run = (func) }
#define GIVES(proc, function, type, func)                                                 \
        {                                                                                 \
                .number = REMOTE_PROC_##proc, .name = (function), PROC_ARGS(type##_args), \
                PROC_RET(type##_ret), .run = (func)                                       \
        }
#define READS(proc, function, type, func)                                                 \
        {                                                                                 \
                .number = REMOTE_PROC_##proc, .name = (function), PROC_ARGS(type##_args), \
                PROC_RET(type##_ret), .read_only = true, .run = (func)                    \
        }
