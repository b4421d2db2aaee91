/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-network.h"

int vm_network_resolve(const Vm *vm, DomainInterface *net, Err *err) {
        return fail_hint(err,
                         fail(err, VIR_ERR_NO_NETWORK, "no network with matching name '%s'",
                              net->source.network),
                         "define and start it, or use <interface type='bridge'>");
}
