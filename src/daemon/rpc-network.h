/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/call.h"

/* Virtual networks (daemon/network.h) as clients see them. */
extern const ProcedureTable rpc_network_table;
