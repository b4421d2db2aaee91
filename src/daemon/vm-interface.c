/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest's interfaces need of the host: a tap or macvtap device, passt beside QEMU, or the
 * set-up of a virtual function. */
#include <linux/if_link.h>
#include <string.h>

#include "daemon/link.h"
#include "daemon/macvtap.h"
#include "daemon/net-function.h"
#include "daemon/passt.h"
#include "daemon/tap.h"
#include "daemon/vm-kind.h"
#include "daemon/vm-network.h"
#include "domain/function.h"

/* Devices that a host may have from us. */
#define NAMES_MAX 65536

/* ---- names ---- */

static bool has_name(const DomainDef *def, const char *name) {
        DOMAIN_FOREACH(DomainInterface, net, def, DOMAIN_INTERFACE)
                if (g_strcmp0(net->target.dev, name) == 0)
                        return true;
        return false;
}

/* Given to a guest that runs, or is about to. */
static bool is_given(Manager *manager, const DomainDef *live, const char *name) {
        GHashTableIter iter;
        gpointer value;

        if (has_name(live, name))
                return true;
        g_hash_table_iter_init(&iter, manager->vms_by_id);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (((const Vm *)value)->live && has_name(((const Vm *)value)->live, name))
                        return true;
        return false;
}

static int choose_name(Vm *vm, const DomainDef *live, DomainInterface *net, Err *err) {
        const char *prefix = net->type == NET_TYPE_DIRECT ? "macvtap" : "vnet";

        if (net->target.dev)
                return 0;
        for (unsigned i = 0; i < NAMES_MAX; i++) {
                g_autofree char *name = g_strdup_printf("%s%u", prefix, i);

                if (link_exists(name) || is_given(vm->manager, live, name))
                        continue;
                net->target.node.is_present = true;
                net->target.dev = g_steal_pointer(&name);
                return 0;
        }
        return fail(err, VIR_ERR_OPERATION_FAILED, "no name is free for a tap device of '%s'",
                    vm_name(vm));
}

/* ---- the three moments ---- */

static int fill(Vm *vm, DomainDef *live, DomainDevice *device, Err *err) {
        DomainInterface *net = (DomainInterface *)device;
        int r = 0;

        if (net->type == NET_TYPE_NETWORK)
                r = vm_network_resolve(vm, net, err);
        if (r < 0)
                return r;
        if (domain_interface_is_passt(net)) {
                g_free(net->source.path);
                net->source.path = vm_sidecar_path(vm, device->alias.name, "sock");
        }
        /* A device that is there is the host's own: it is used, and left. */
        if (net->type == NET_TYPE_ETHERNET && net->target.dev && link_exists(net->target.dev))
                net->target.managed = DOMAIN_SWITCH_OFF;
        return domain_interface_has_tap(net) || net->type == NET_TYPE_DIRECT
                       ? choose_name(vm, live, net, err)
                       : 0;
}

static unsigned queues_of(const DomainInterface *net) {
        return domain_interface_is_virtio(net) ? (unsigned)domain_num_or(net->driver.queues, 1) : 1;
}

static void plan_tap(Plan *plan, const DomainInterface *net) {
        const TapSpec spec = {
                .name = net->target.dev,
                .bridge = net->source.bridge,
                .queues = queues_of(net),
                .mtu = (unsigned)domain_num_or(net->mtu.size, 0),
                .is_isolated = net->port.isolated == DOMAIN_SWITCH_ON,
                .rx_frames = (unsigned)domain_num_or(net->coalesce.rx.frames.max, 0),
        };

        tap_add_step(plan, &spec);
}

static void plan_macvtap(Vm *vm, Plan *plan, const DomainInterface *net) {
        static const uint32_t modes[] = {
                [NET_DIRECT_VEPA] = MACVLAN_MODE_VEPA,
                [NET_DIRECT_BRIDGE] = MACVLAN_MODE_BRIDGE,
                [NET_DIRECT_PRIVATE] = MACVLAN_MODE_PRIVATE,
                [NET_DIRECT_PASSTHROUGH] = MACVLAN_MODE_PASSTHRU,
        };
        const MacvtapSpec spec = {
                .name = net->target.dev,
                .lower = net->source.dev,
                .mac = net->mac.address,
                .mode = modes[net->source.direct],
                .alias = net->base.alias.name,
                .queues = queues_of(net),
                .mtu = (unsigned)domain_num_or(net->mtu.size, 0),
        };

        macvtap_add_step(vm, plan, &spec);
}

/* True for a device of the host that is ours to make and to remove. */
static bool is_made(const DomainInterface *net) {
        return net->target.dev && net->target.managed != DOMAIN_SWITCH_OFF &&
               (domain_interface_has_tap(net) || net->type == NET_TYPE_DIRECT);
}

static int plan_interface(Vm *vm, Plan *plan, const DomainDef *live, const DomainDevice *device,
                          Err *err) {
        const DomainInterface *net = (const DomainInterface *)device;

        if (domain_interface_is_passt(net))
                return passt_add_step(vm, plan, net, err);
        if (net->type == NET_TYPE_HOSTDEV)
                return net_function_add_step(vm->manager, plan, net, err);
        if (!is_made(net))
                return 0;
        if (net->type == NET_TYPE_DIRECT)
                plan_macvtap(vm, plan, net);
        else
                plan_tap(plan, net);
        return 0;
}

static void release(Vm *vm, const DomainDevice *device) {
        const DomainInterface *net = (const DomainInterface *)device;

        if (is_made(net))
                link_remove(net->target.dev, NULL);
        if (domain_interface_is_passt(net))
                vm_sidecar_end(vm, device->alias.name);
        if (net->type == NET_TYPE_HOSTDEV)
                net_function_release(vm->manager, net);
}

const VmKind vm_interface_kind = {
        .fill = fill,
        .plan = plan_interface,
        .release = release,
};
