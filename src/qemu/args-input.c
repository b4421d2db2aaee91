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

        SET_STRING(object, "driver", drivers[input->type][input->bus == INPUT_BUS_VIRTIO]);
        return input->bus == INPUT_BUS_USB
                       ? qemu_args_set_usb_address(object, context->def, device, err)
                       : 0;
}

const QemuKind qemu_input_kind = {
        .is_built_in = is_ps2,
        .device = fill_input,
        .can_plug = qemu_kind_always,
};
