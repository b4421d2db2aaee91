/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One call of a client, from its decoded arguments to its answer; and the table line that says how
 * a procedure is decoded, who may call it and what runs it.
 *
 * A handler gets decoded arguments and a zeroed result struct, and returns
 *   0           the result is filled: dispatch sends it and frees it by xdr_free;
 *   CALL_LATER  it called call_ref() and will answer with call_reply() or call_fail() from a later
 *               event; arguments are gone then (copy what is needed), call_ret() stays;
 *   negative    err says why; dispatch sends it.
 * A handler never blocks. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rpc/xdr.h>

#include "base/err.h"

typedef struct Call Call;
typedef struct Client Client;
typedef struct Manager Manager;

#define CALL_LATER 1

typedef int (*CallFunc)(Manager *manager, Call *call, const void *args, void *ret, Err *err);

typedef struct Procedure {
        int number;
        const char *name; /* as clients know it: "virDomainCreate" */
        xdrproc_t args;   /* NULL: no arguments */
        size_t args_size;
        xdrproc_t ret; /* NULL: no result */
        size_t ret_size;
        bool read_only;   /* a read-only connection may call it */
        bool before_open; /* allowed before CONNECT_OPEN */
        bool before_auth; /* and before it is known whether the client is allowed anything */
        CallFunc run;
} Procedure;

typedef struct ProcedureTable {
        uint32_t program;
        const Procedure *procedures;
        size_t n;
} ProcedureTable;

/* A line of a table whose types are named as rpcgen names them: PROC(DOMAIN_LOOKUP_BY_NAME,
 * "virDomainLookupByName", domain_lookup_by_name, …). */
#define PROC_ARGS(type) .args = (xdrproc_t)xdr_##type, .args_size = sizeof(type)
#define PROC_RET(type)  .ret = (xdrproc_t)xdr_##type, .ret_size = sizeof(type)

Call *call_ref(Call *call);
void call_unref(Call *call);

/* NULL: it has gone. */
Client *call_client(const Call *call);
bool call_is_read_only(const Call *call);

/* The result struct of the procedure, zeroed when the call began, owned by the call. */
void *call_ret(Call *call);

/* Answer a call that returned CALL_LATER and drop the handler's reference. A client that has gone
 * in the meantime gets nothing; the caller need not know. */
void call_reply(Call *call);
void call_fail(Call *call, const Err *err);

/* err when it is set, else the reply. */
void call_finish(Call *call, const Err *err);

/* The tables that dispatch serves, one an adapter file. */
extern const ProcedureTable rpc_connect_table;
extern const ProcedureTable rpc_nodedev_table;
extern const ProcedureTable rpc_domain_table;
extern const ProcedureTable rpc_airlock_table;
extern const ProcedureTable rpc_check_table;
