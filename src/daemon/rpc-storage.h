/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the adapters of pools (rpc-pool.c) and volumes (rpc-volume.c) share. */

#include "daemon/call.h"
#include "daemon/pool.h"
#include "rpc/remote_types.h"

extern const ProcedureTable rpc_pool_table;
extern const ProcedureTable rpc_volume_table;

/* The pool of a handle, by its UUID; VIR_ERR_NO_STORAGE_POOL. */
int rpc_find_pool(Manager *manager, const remote_storage_pool *handle, Pool **ret, Err *err);

/* Fill a handle of a result; xdr_free() frees it. */
void rpc_fill_pool(const Pool *pool, remote_storage_pool *ret);
void rpc_fill_volume(const Volume *volume, remote_storage_vol *ret);
