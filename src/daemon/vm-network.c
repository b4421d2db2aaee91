/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-network.h"

#include "daemon/network.h"

int vm_network_resolve(const Vm *vm, DomainInterface *net, Err *err) {
        g_autofree char *bridge = NULL;
        int r = network_bridge(vm->manager, net->source.network, &bridge, err);

        if (r < 0)
                return r;
        g_free(net->source.bridge);
        net->source.bridge = g_steal_pointer(&bridge);
        return 0;
}
