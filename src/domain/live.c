/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/live.h"

#include "domain/kind.h"

/* Aliases that begin so are the user's own. */
#define USER_ALIAS "ua-"

void domain_live_strip_device(DomainDevice *device) {
        const DomainKind *kind = domain_kinds[device->kind];

        if (device->alias.name && !g_str_has_prefix(device->alias.name, USER_ALIAS))
                domain_element_clear(&domain_alias_element, &device->alias);
        if (kind->strip)
                kind->strip(device);
}

void domain_live_strip(DomainDef *def) {
        def->id = (DomainNum){};
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind)
                        domain_live_strip_device(device);
        }
}
