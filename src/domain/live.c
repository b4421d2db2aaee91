/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/live.h"

#include "domain/element.h"

/* Aliases that begin so are the user's own. */
#define USER_ALIAS "ua-"

/* Tap devices that we name. */
#define TAP_PREFIX "vnet"

static void strip_char(DomainDevice *device) {
        DomainChar *chardev = (DomainChar *)device;
        g_autofree char *base = NULL;

        g_clear_pointer(&chardev->tty, g_free);
        chardev->target.state = CHAR_STATE_UNSET;
        if (chardev->source.path)
                base = g_path_get_basename(chardev->source.path);
        /* A channel's socket is made below the guest's own directory, by the channel's name. */
        if (chardev->type == CHAR_TYPE_PTY ||
            (chardev->target.name && g_strcmp0(base, chardev->target.name) == 0))
                g_clear_pointer(&chardev->source.path, g_free);
        if (chardev->type == CHAR_TYPE_PTY)
                chardev->source.node.is_present = false;
}

static void strip_interface(DomainDevice *device) {
        DomainInterface *net = (DomainInterface *)device;

        if (!net->target.dev || !g_str_has_prefix(net->target.dev, TAP_PREFIX))
                return;
        g_clear_pointer(&net->target.dev, g_free);
        net->target.node.is_present = false;
}

static void strip_graphics(DomainDevice *device) {
        DomainGraphics *graphics = (DomainGraphics *)device;

        if (graphics->autoport == DOMAIN_SWITCH_ON)
                graphics->port = (DomainNum){};
}

void domain_live_strip_device(DomainDevice *device) {
        static void (*const strip[_DOMAIN_DEVICE_MAX])(DomainDevice *) = {
                [DOMAIN_INTERFACE] = strip_interface, [DOMAIN_SERIAL] = strip_char,
                [DOMAIN_CONSOLE] = strip_char,        [DOMAIN_CHANNEL] = strip_char,
                [DOMAIN_GRAPHICS] = strip_graphics,
        };

        if (device->alias.name && !g_str_has_prefix(device->alias.name, USER_ALIAS))
                domain_element_clear(&domain_alias_element, &device->alias);
        if (strip[device->kind])
                strip[device->kind](device);
}

void domain_live_strip(DomainDef *def) {
        def->id = (DomainNum){};
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind)
                        domain_live_strip_device(device);
        }
}
