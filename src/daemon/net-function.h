/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Interfaces of type 'hostdev': before the guest gets the virtual function, the physical one is
 * told its MAC address and VLAN, which the guest cannot change (Documentation/networking and
 * IFLA_VF_INFO of rtnetlink). */

#include "daemon/vm.h"

/* Appends it, with its undo. Fails for what is no virtual function of a network card. */
int net_function_add_step(Manager *manager, Plan *plan, const DomainInterface *net, Err *err);

/* The physical function forgets both. */
void net_function_release(Manager *manager, const DomainInterface *net);
