/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-network.h"

#include <string.h>

#include "daemon/network.h"

/* The name of the port that the interface has in the network: the same whenever this guest has that
 * address in it, so that a daemon that comes later knows it. */
static char *port_id(const Vm *vm, const DomainInterface *net) {
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
        char text[DOMAIN_UUID_TEXT_MAX];
        uint8_t digest[20];
        gsize size = sizeof(digest);

        g_checksum_update(sum, vm->config->uuid, 16);
        g_checksum_update(sum, (const guchar *)net->source.network, -1);
        g_checksum_update(sum, (const guchar *)(net->mac.address ? net->mac.address : ""), -1);
        g_checksum_get_digest(sum, digest, &size);
        digest[6] = (digest[6] & 0x0f) | 0x50; /* RFC 9562: made of names, by SHA-1 */
        digest[8] = (digest[8] & 0x3f) | 0x80;
        return g_strdup(domain_uuid_format(digest, text));
}

int vm_network_resolve(const Vm *vm, DomainInterface *net, Err *err) {
        g_autofree char *bridge = NULL;
        int r = network_bridge(vm->manager, net->source.network, &bridge, err);

        if (r < 0)
                return r;
        g_free(net->source.bridge);
        net->source.bridge = g_steal_pointer(&bridge);
        g_free(net->source.portid);
        net->source.portid = port_id(vm, net);
        return 0;
}
