/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

static bool is_built_in(const DomainDef *def, const DomainDevice *device) {
        const DomainInput *input = (const DomainInput *)device;

        return input->bus == INPUT_BUS_PS2 || input->type == INPUT_EVDEV;
}

static int fill_input(const QemuContext *context, const DomainDevice *device, json_t *object,
                      Err *err) {
        static const char *const usb[_INPUT_MAX] = {
                [INPUT_TABLET] = "usb-tablet",
                [INPUT_MOUSE] = "usb-mouse",
                [INPUT_KEYBOARD] = "usb-kbd",
        };
        static const char *const virtio[_INPUT_MAX] = {
                [INPUT_TABLET] = "virtio-tablet",
                [INPUT_MOUSE] = "virtio-mouse",
                [INPUT_KEYBOARD] = "virtio-keyboard",
                [INPUT_PASSTHROUGH] = "virtio-input-host",
        };
        const DomainInput *input = (const DomainInput *)device;

        if (input->bus == INPUT_BUS_USB) {
                SET_STRING(object, "driver", usb[input->type]);
                return qemu_args_set_usb_address(object, context->def, device, err);
        }
        qemu_args_set_virtio_driver(object, virtio[input->type], input->model);
        if (input->source.evdev)
                SET_STRING(object, "evdev", input->source.evdev);
        qemu_args_set_virtio(object, &input->driver);
        return 0;
}

/* A device of the host's that feeds the guest's own is no device of the guest. */
static int input_options(const QemuContext *context, const DomainDevice *device, GPtrArray *args,
                         Err *err) {
        const DomainInput *input = (const DomainInput *)device;
        json_t *object;

        if (input->type != INPUT_EVDEV)
                return 0;
        object = json_pack("{s:s, s:s, s:s}", "qom-type", "input-linux", "id", device->alias.name,
                           "evdev", input->source.dev);
        if (input->source.repeat)
                SET_BOOL(object, "repeat", input->source.repeat == DOMAIN_SWITCH_ON);
        if (input->source.grab == INPUT_GRAB_ALL)
                SET_BOOL(object, "grab_all", true);
        if (input->source.grab_toggle)
                SET_STRING(object, "grab-toggle",
                           domain_input_grab_toggles[input->source.grab_toggle - 1]);
        qemu_args_add_json(args, "-object", object);
        return 0;
}

const QemuKind qemu_input_kind = {
        .is_built_in = is_built_in,
        .device = fill_input,
        .options = input_options,
        .can_plug = qemu_kind_always,
};

static int fill_hub(const QemuContext *context, const DomainDevice *device, json_t *object,
                    Err *err) {
        SET_STRING(object, "driver", "usb-hub");
        return qemu_args_set_usb_address(object, context->def, device, err);
}

const QemuKind qemu_hub_kind = {
        .device = fill_hub,
};
