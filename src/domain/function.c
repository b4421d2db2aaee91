/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/function.h"

static bool of_hostdev(const DomainHostdev *hostdev, DomainFunction *ret) {
        if (hostdev->type != HOSTDEV_PCI)
                return false;
        ret->addr = domain_hostdev_addr(hostdev);
        ret->is_managed = hostdev->managed == DOMAIN_SWITCH_ON;
        return true;
}

static bool of_interface(const DomainInterface *net, DomainFunction *ret) {
        if (net->type != NET_TYPE_HOSTDEV)
                return false;
        ret->addr = domain_interface_function(net);
        ret->is_managed = net->managed == DOMAIN_SWITCH_ON;
        return true;
}

bool domain_function_of(const DomainDevice *device, DomainFunction *ret) {
        DomainFunction function = {.device = (DomainDevice *)(uintptr_t)device};
        bool is_function = false;

        if (device->kind == DOMAIN_HOSTDEV)
                is_function = of_hostdev((const DomainHostdev *)device, &function);
        else if (device->kind == DOMAIN_INTERFACE)
                is_function = of_interface((const DomainInterface *)device, &function);
        if (is_function && ret)
                *ret = function;
        return is_function;
}

GArray *domain_functions(const DomainDef *def) {
        static const DomainDeviceKind kinds[] = {DOMAIN_HOSTDEV, DOMAIN_INTERFACE};
        GArray *functions = g_array_new(FALSE, FALSE, sizeof(DomainFunction));

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kinds[i]) {
                        DomainFunction function;

                        if (domain_function_of(device, &function))
                                g_array_append_val(functions, function);
                }
        }
        return functions;
}

bool domain_function_find(const DomainDef *def, PciAddr addr, DomainFunction *ret) {
        g_autoptr(GArray) functions = domain_functions(def);

        for (guint i = 0; i < functions->len; i++) {
                const DomainFunction *function = &g_array_index(functions, DomainFunction, i);

                if (!pci_addr_is_equal(function->addr, addr))
                        continue;
                *ret = *function;
                return true;
        }
        return false;
}

void domain_function_set_conventional(const DomainFunction *function, bool is_conventional) {
        if (function->device->kind == DOMAIN_HOSTDEV)
                ((DomainHostdev *)function->device)->is_conventional = is_conventional;
        else
                ((DomainInterface *)function->device)->is_conventional = is_conventional;
}
