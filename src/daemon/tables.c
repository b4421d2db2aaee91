/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/dispatch.h"
#include "daemon/rpc-agent.h"
#include "daemon/rpc-domain.h"
#include "daemon/rpc-network.h"
#include "daemon/rpc-storage.h"

const ProcedureTable *const dispatch_tables[] = {
        &rpc_auth_table,         &rpc_connect_table,       &rpc_host_table,
        &rpc_host_cpu_table,     &rpc_host_memory_table,   &rpc_host_pages_table,
        &rpc_event_table,        &rpc_nodedev_table,       &rpc_domain_table,
        &rpc_domain_life_table,  &rpc_domain_device_table, &rpc_domain_stats_table,
        &rpc_domain_tune_table,  &rpc_domain_screen_table, &rpc_domain_pin_table,
        &rpc_domain_block_table, &rpc_domain_native_table, &rpc_domain_save_table,
        &rpc_domain_text_table,  &rpc_network_table,       &rpc_network_port_table,
        &rpc_pool_table,         &rpc_volume_table,        &rpc_airlock_table,
        &rpc_domain_agent_table, &rpc_check_table,         &rpc_domain_guest_table,
        &rpc_qemu_table,         &rpc_absent_table,        NULL,
};
