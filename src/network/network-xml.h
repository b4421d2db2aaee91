/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The tables of a network's XML, shared by what reads whole definitions (network-def.c) and what
 * changes a part of one (network-update.c). */

#include "domain/element.h"
#include "network/network-def.h"

extern const DomainElement network_element;

/* Elements that stand in lists. */
extern const DomainElement network_host_element;
extern const DomainElement network_range_element;
extern const DomainElement network_forward_interface_element;
extern const DomainElement network_portgroup_element;
extern const DomainElement network_dns_host_element;
extern const DomainElement network_txt_element;
extern const DomainElement network_srv_element;
