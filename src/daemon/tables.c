/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/dispatch.h"

const ProcedureTable *const dispatch_tables[] = {
        &rpc_connect_table, &rpc_host_table, &rpc_event_table, &rpc_absent_table, NULL,
};
