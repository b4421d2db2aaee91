/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From <interface type='network'> to what stands behind it on this host. */

#include "daemon/vm.h"

/* Enters the bridge of the network that net names into the live definition
 * (net->source.bridge). VIR_ERR_NO_NETWORK when there is none of that name. */
int vm_network_resolve(const Vm *vm, DomainInterface *net, Err *err);
