/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

static const char *const input_types[] = {"tablet", "mouse", "keyboard", NULL};
static const char *const input_buses[] = {"ps2", "usb", "virtio", NULL};

static const DomainField input_fields[] = {
        ATTR_ENUM(DomainInput, type, "type", input_types, .is_required = true),
        ATTR_ENUM(DomainInput, bus, "bus", input_buses),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static int fill_input(DomainDef *def, DomainDevice *device, Err *err) {
        DomainInput *input = (DomainInput *)device;

        FILL_ENUM(input->bus, input->type == INPUT_TABLET ? INPUT_BUS_USB : INPUT_BUS_PS2);
        return 0;
}

static bool has_usb(const DomainDef *def) {
        DomainController *usb = domain_def_find_controller(def, CONTROLLER_USB, 0);

        return usb && usb->model != USB_MODEL_NONE;
}

static int check_input(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainInput *input = (const DomainInput *)device;

        if (input->bus == INPUT_BUS_PS2 && input->type == INPUT_TABLET)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<input type='tablet' bus='ps2'> at line %u: there is no such device",
                            device->node.line);
        if (input->bus == INPUT_BUS_USB && !has_usb(def))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<input bus='usb'> at line %u: the guest has no USB controller",
                            device->node.line);
        return 0;
}

static bool is_same_input(const DomainDevice *device, const DomainDevice *wanted) {
        const DomainInput *a = (const DomainInput *)device, *b = (const DomainInput *)wanted;

        return a->type == b->type && a->bus == b->bus;
}

static bool is_pci_input(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainInput *)device)->bus == INPUT_BUS_VIRTIO;
}

const DomainKind domain_input_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_INPUT, DomainInput, "input", input_fields),
        .alias = "input",
        .fill = fill_input,
        .check = check_input,
        .is_same = is_same_input,
        .is_pci = is_pci_input,
};
