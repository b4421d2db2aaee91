/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of devices in the running guest: what QEMU gets as id, and what clients detach by. */
#include "domain/kind.h"

char *domain_def_next_alias(const DomainDef *def, const DomainDevice *device, const char *prefix) {
        guint n = 0;

        g_ptr_array_find(def->devices.list[device->kind], device, &n);
        for (;; n++) {
                g_autofree char *name = g_strdup_printf("%s%u", prefix, n);

                if (!domain_def_find_alias(def, name))
                        return g_steal_pointer(&name);
        }
}

void domain_def_assign_alias(const DomainDef *def, DomainDevice *device) {
        const DomainKind *kind = domain_kinds[device->kind];

        if (device->alias.name)
                return;
        if (kind->name)
                device->alias.name = kind->name(def, device);
        else if (kind->alias)
                device->alias.name = domain_def_next_alias(def, device, kind->alias);
        device->alias.node.is_present = device->alias.name != NULL;
}

void domain_def_assign_aliases(DomainDef *def) {
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind)
                        domain_def_assign_alias(def, device);
        }
}
