/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/tap.h"
#include "daemon/vm-kind.h"

static bool has_tap(const DomainDevice *device) {
        return ((const DomainInterface *)device)->type == NET_TYPE_BRIDGE;
}

static int fill(Vm *vm, DomainDef *live, DomainDevice *device, Err *err) {
        DomainInterface *net = (DomainInterface *)device;

        if (!has_tap(device) || net->target.dev)
                return 0;
        net->target.node.is_present = true;
        net->target.dev = tap_free_name();
        return 0;
}

static int plan_tap(Vm *vm, Plan *plan, const DomainDef *live, const DomainDevice *device,
                    Err *err) {
        const DomainInterface *net = (const DomainInterface *)device;

        if (has_tap(device))
                tap_add_step(plan, net->target.dev, net->source.bridge);
        return 0;
}

static void release(Vm *vm, const DomainDevice *device) {
        const DomainInterface *net = (const DomainInterface *)device;

        if (has_tap(device) && net->target.dev)
                tap_remove(net->target.dev, NULL);
}

const VmKind vm_interface_kind = {
        .fill = fill,
        .plan = plan_tap,
        .release = release,
};
