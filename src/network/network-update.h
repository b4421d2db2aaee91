/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A change of one part of a network's definition: an entry of a list is added, replaced or removed
 * (virNetworkUpdate). Pure: who calls it makes the running network follow. */

#include "network/network-def.h"

/* Numbers of virNetworkUpdateCommand. */
typedef enum NetworkChange {
        NETWORK_CHANGE_NONE,
        NETWORK_MODIFY,
        NETWORK_DELETE,
        NETWORK_ADD_LAST,
        NETWORK_ADD_FIRST,
        _NETWORK_CHANGE_MAX,
} NetworkChange;

/* Numbers of virNetworkUpdateSection. */
typedef enum NetworkSection {
        NETWORK_SECTION_NONE,
        NETWORK_SECTION_BRIDGE,
        NETWORK_SECTION_DOMAIN,
        NETWORK_SECTION_IP,
        NETWORK_SECTION_IP_DHCP_HOST,
        NETWORK_SECTION_IP_DHCP_RANGE,
        NETWORK_SECTION_FORWARD,
        NETWORK_SECTION_FORWARD_INTERFACE,
        NETWORK_SECTION_FORWARD_PF,
        NETWORK_SECTION_PORTGROUP,
        NETWORK_SECTION_DNS_HOST,
        NETWORK_SECTION_DNS_TXT,
        NETWORK_SECTION_DNS_SRV,
        _NETWORK_SECTION_MAX,
} NetworkSection;

typedef struct NetworkUpdate {
        NetworkChange change;
        NetworkSection section;
        int parent; /* which <ip>, from 0; -1: the first that gives addresses, else the first */
        const char *xml; /* the entry; what it does not say matches any when one is removed */
} NetworkUpdate;

/* VIR_ERR_OPERATION_UNSUPPORTED for sections that cannot be changed alone,
 * VIR_ERR_OPERATION_INVALID where the entry is there already, or is not. def may be half-changed
 * after a failure: give a copy. */
int network_def_update(NetworkDef *def, const NetworkUpdate *update, Err *err);
