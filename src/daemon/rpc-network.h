/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the adapters of networks (rpc-network.c) and of their ports (rpc-network-port.c) share. */

#include "daemon/call.h"
#include "daemon/network.h"
#include "rpc/remote_types.h"

extern const ProcedureTable rpc_network_table;
extern const ProcedureTable rpc_network_port_table;

/* The network of a handle, by its UUID; VIR_ERR_NO_NETWORK. */
int rpc_find_network(Manager *manager, const remote_network *handle, Network **ret, Err *err);

/* Fills a handle of a result; xdr_free() frees it. */
void rpc_fill_network(const Network *network, remote_network *ret);
