/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

static const char *const input_types[] = {"tablet",      "mouse", "keyboard",
                                          "passthrough", "evdev", NULL};
static const char *const input_buses[] = {"ps2", "usb", "virtio", NULL};
static const char *const grabs[] = {"all", NULL};
const char *const domain_input_grab_toggles[] = {
        "ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta", "scrolllock", "ctrl-scrolllock", NULL};

static InputType type_of(const void *object) {
        return ((const DomainInput *)object)->type;
}

static bool is_passthrough(const void *object) {
        return type_of(object) == INPUT_PASSTHROUGH;
}

static bool is_evdev(const void *object) {
        return type_of(object) == INPUT_EVDEV;
}

static bool has_source(const void *object) {
        return is_passthrough(object) || is_evdev(object);
}

static bool has_bus(const void *object) {
        return !is_evdev(object);
}

static const DomainField source_fields[] = {
        ATTR_STRING(DomainInput, source.evdev, "evdev", .is_required = true,
                    .when = is_passthrough),
        ATTR_STRING(DomainInput, source.dev, "dev", .is_required = true, .when = is_evdev),
        ATTR_ENUM(DomainInput, source.grab, "grab", grabs, .when = is_evdev),
        ATTR_ENUM(DomainInput, source.grab_toggle, "grabToggle", domain_input_grab_toggles,
                  .when = is_evdev),
        ATTR_ON(DomainInput, source.repeat, "repeat", .when = is_evdev),
        END,
};
static const DomainElement source = PART_OF(DomainInput, source, "source", source_fields);

static const DomainField input_fields[] = {
        ATTR_ENUM(DomainInput, type, "type", input_types, .is_required = true),
        ATTR_ENUM(DomainInput, bus, "bus", input_buses, .when = has_bus),
        ATTR_ENUM(DomainInput, model, "model", domain_virtio_forms, .when = has_bus),
        CHILD(DomainInput, driver, "driver", domain_virtio_element, .when = has_bus),
        PART("source", source, .is_required = true, .when = has_source),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static int fill_input(DomainDef *def, DomainDevice *device, Err *err) {
        static const InputBus buses[_INPUT_MAX] = {
                [INPUT_TABLET] = INPUT_BUS_USB,
                [INPUT_MOUSE] = INPUT_BUS_PS2,
                [INPUT_KEYBOARD] = INPUT_BUS_PS2,
                [INPUT_PASSTHROUGH] = INPUT_BUS_VIRTIO,
        };
        DomainInput *input = (DomainInput *)device;

        FILL_ENUM(input->bus, buses[input->type]);
        return 0;
}

static int fail_combination(const DomainInput *input, const char *why, Err *err) {
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "<input type='%s'%s%s%s> at line %u: %s",
                    input_types[input->type - 1], input->bus ? " bus='" : "",
                    input->bus ? input_buses[input->bus - 1] : "", input->bus ? "'" : "",
                    input->base.node.line, why);
}

static int check_virtio(const DomainInput *input, Err *err) {
        if (input->bus != INPUT_BUS_VIRTIO && (input->model || input->driver.node.is_present))
                return fail_combination(input, "model and <driver> are virtio's", err);
        if (input->model > VIRTIO_FORM_PLAIN)
                return fail_combination(input, "QEMU has it in one form, model='virtio'", err);
        return 0;
}

static int check_input(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainInput *input = (const DomainInput *)device;
        int r;

        if (input->bus == INPUT_BUS_PS2 && input->type == INPUT_TABLET)
                return fail_combination(input, "there is no such device", err);
        if (input->type == INPUT_PASSTHROUGH && input->bus != INPUT_BUS_VIRTIO)
                return fail_combination(input, "one of the host's is given as a virtio device",
                                        err);
        if (input->bus == INPUT_BUS_USB && !domain_def_has_usb(def))
                return fail_combination(input, "the guest has no USB controller", err);
        r = check_virtio(input, err);
        if (r < 0)
                return r;
        r = domain_check_path(input->source.dev, "source", input->source.node.line, err);
        if (r < 0)
                return r;
        return domain_check_path(input->source.evdev, "source", input->source.node.line, err);
}

/* One of the host's is grabbed: nobody else reads it then. */
static char *input_key(const DomainDevice *device) {
        const DomainInput *input = (const DomainInput *)device;
        const char *path = input->source.dev ? input->source.dev : input->source.evdev;

        return path ? g_strdup_printf("input device '%s'", path) : NULL;
}

static bool is_same_input(const DomainDevice *device, const DomainDevice *wanted) {
        const DomainInput *a = (const DomainInput *)device, *b = (const DomainInput *)wanted;

        return a->type == b->type && a->bus == b->bus &&
               g_strcmp0(a->source.dev, b->source.dev) == 0 &&
               g_strcmp0(a->source.evdev, b->source.evdev) == 0;
}

static bool is_pci_input(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainInput *)device)->bus == INPUT_BUS_VIRTIO;
}

static bool is_usb_input(const DomainDevice *device) {
        return ((const DomainInput *)device)->bus == INPUT_BUS_USB;
}

const DomainKind domain_input_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_INPUT, DomainInput, "input", input_fields),
        .alias = "input",
        .fill = fill_input,
        .check = check_input,
        .key = input_key,
        .is_same = is_same_input,
        .is_pci = is_pci_input,
        .is_usb = is_usb_input,
};

/* ---- hub ---- */

static const char *const hub_types[] = {"usb", NULL};

static const DomainField hub_fields[] = {
        ATTR_ENUM(DomainHub, type, "type", hub_types, .is_required = true),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static int check_hub(const DomainDef *def, const DomainDevice *device, Err *err) {
        if (domain_def_has_usb(def))
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "<hub> at line %u: the guest has no USB controller", device->node.line);
}

static bool is_usb_hub(const DomainDevice *device) {
        return true;
}

const DomainKind domain_hub_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_HUB, DomainHub, "hub", hub_fields),
        .alias = "hub",
        .check = check_hub,
        .is_usb = is_usb_hub,
};
