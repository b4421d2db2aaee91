/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

static bool is_ps2(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainInput *)device)->bus == INPUT_BUS_PS2;
}

static int fill_input(const QemuContext *context, const DomainDevice *device, json_t *object,
                      Err *err) {
        static const char *const drivers[][2] = {
                [INPUT_TABLET] = {"usb-tablet", "virtio-tablet-pci"},
                [INPUT_MOUSE] = {"usb-mouse", "virtio-mouse-pci"},
                [INPUT_KEYBOARD] = {"usb-kbd", "virtio-keyboard-pci"},
        };
        const DomainInput *input = (const DomainInput *)device;
        const DomainAddress *address = &device->address;
        const DomainController *usb;
        g_autofree char *bus = NULL;

        SET_STRING(object, "driver", drivers[input->type][input->bus == INPUT_BUS_VIRTIO]);
        if (input->bus != INPUT_BUS_USB)
                return 0;
        usb = domain_def_find_controller(
                context->def, CONTROLLER_USB,
                address->type == DOMAIN_ADDRESS_USB ? (unsigned)address->bus.value : 0);
        if (!usb || !usb->base.alias.name)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s: there is no such USB bus",
                            device->alias.name);
        bus = g_strdup_printf("%s.0", usb->base.alias.name);
        SET_STRING(object, "bus", bus);
        if (address->usb_port)
                SET_STRING(object, "port", address->usb_port);
        return 0;
}

const QemuKind qemu_input_kind = {
        .is_built_in = is_ps2,
        .device = fill_input,
        .can_plug = qemu_kind_always,
};
