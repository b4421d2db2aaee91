/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

#include "domain/defaults.h"

/* ---- XML ---- */

static const char *const controller_types[] = {"usb", "ide", "sata", "virtio-serial", "pci", NULL};
static const char *const controller_models[] = {
        "pci-root",
        "pci-bridge",
        "dmi-to-pci-bridge",
        "pcie-root",
        "pcie-root-port",
        "pcie-switch-upstream-port",
        "pcie-switch-downstream-port",
        "pcie-to-pci-bridge",
        "piix3-uhci",
        "piix4-uhci",
        "ehci",
        "ich9-ehci1",
        "ich9-uhci1",
        "ich9-uhci2",
        "ich9-uhci3",
        "nec-xhci",
        "qemu-xhci",
        "none",
        NULL,
};
G_STATIC_ASSERT(G_N_ELEMENTS(controller_models) == USB_MODEL_NONE + 1);

static bool has_ports(const void *object) {
        const DomainController *controller = object;

        return controller->type == CONTROLLER_USB || controller->type == CONTROLLER_VIRTIO_SERIAL;
}

static bool is_pci_controller(const void *object) {
        return ((const DomainController *)object)->type == CONTROLLER_PCI;
}

static bool is_usb_controller(const void *object) {
        return ((const DomainController *)object)->type == CONTROLLER_USB;
}

static const DomainField model_name_fields[] = {
        ATTR_STRING(DomainText, text, "name", .is_required = true),
        END,
};
const DomainElement domain_text_model_element = ELEMENT(DomainText, "model", model_name_fields);

static const DomainField controller_target_fields[] = {
        ATTR_NUM(DomainController, target.chassis_nr, "chassisNr", .max = UINT8_MAX),
        ATTR_NUM(DomainController, target.chassis, "chassis", .max = UINT8_MAX),
        ATTR_HEX(DomainController, target.port, "port", 1, .max = UINT8_MAX),
        ATTR_ON(DomainController, target.hotplug, "hotplug"),
        END,
};
static const DomainElement controller_target =
        PART_OF(DomainController, target, "target", controller_target_fields);

static const DomainField master_fields[] = {
        ATTR_NUM(DomainController, master.startport, "startport", .max = 14),
        END,
};
static const DomainElement master = PART_OF(DomainController, master, "master", master_fields);

static const DomainField controller_fields[] = {
        ATTR_ENUM(DomainController, type, "type", controller_types, .is_required = true),
        ATTR_NUM(DomainController, index, "index", .max = UINT8_MAX),
        ATTR_ENUM(DomainController, model, "model", controller_models),
        ATTR_NUM(DomainController, ports, "ports", .when = has_ports, .max = 255),
        CHILD(DomainController, model_name, "model", domain_text_model_element,
              .when = is_pci_controller),
        PART("target", controller_target, .when = is_pci_controller),
        DEVICE_ALIAS,
        PART("master", master, .when = is_usb_controller),
        DEVICE_ADDRESS,
        END,
};

/* ---- defaults ---- */

/* ICH9's UHCI controllers are companions of the EHCI that is named before them: one bus, one index.
 */
static bool find_companion(const DomainDef *def, const DomainController *controller,
                           unsigned *ret) {
        bool is_found = false;

        if (controller->model < USB_MODEL_ICH9_UHCI1 || controller->model > USB_MODEL_ICH9_UHCI3)
                return false;
        DOMAIN_FOREACH(DomainController, other, def, DOMAIN_CONTROLLER) {
                if (other == controller)
                        break;
                if (other->model != USB_MODEL_ICH9_EHCI1 || !other->index.is_set)
                        continue;
                *ret = (unsigned)other->index.value;
                is_found = true;
        }
        return is_found;
}

unsigned domain_controller_next_index(const DomainDef *def, const DomainController *controller) {
        unsigned index = 0;

        if (find_companion(def, controller, &index))
                return index;
        while (domain_def_find_controller(def, controller->type, index))
                index++;
        return index;
}

ControllerModel domain_root_model(const DomainDef *def) {
        return domain_def_is_q35(def) ? PCI_MODEL_PCIE_ROOT : PCI_MODEL_ROOT;
}

static ControllerModel default_pci_model(const DomainDef *def, unsigned index) {
        if (index == 0)
                return domain_root_model(def);
        return domain_def_is_q35(def) ? PCI_MODEL_PCIE_ROOT_PORT : PCI_MODEL_BRIDGE;
}

/* What QEMU calls each model of PCI controller; NULL: it is a part of the machine. */
static const char *pci_model_name(ControllerModel model) {
        static const char *const names[] = {
                [PCI_MODEL_BRIDGE] = "pci-bridge",
                [PCI_MODEL_DMI_TO_PCI] = "i82801b11-bridge",
                [PCI_MODEL_PCIE_ROOT_PORT] = "pcie-root-port",
                [PCI_MODEL_PCIE_SWITCH_UP] = "x3130-upstream",
                [PCI_MODEL_PCIE_SWITCH_DOWN] = "xio3130-downstream",
                [PCI_MODEL_PCIE_TO_PCI] = "pcie-pci-bridge",
        };

        return (size_t)model < G_N_ELEMENTS(names) ? names[model] : NULL;
}

static void fill_pci_controller(DomainDef *def, DomainController *controller) {
        const char *name;

        FILL_ENUM(controller->model, default_pci_model(def, (unsigned)controller->index.value));
        name = pci_model_name(controller->model);
        if (!name)
                return;
        controller->model_name.node.is_present = true;
        fill_text(&controller->model_name.text, name);
        controller->target.node.is_present = true;
        if (controller->model == PCI_MODEL_BRIDGE)
                fill_num(&controller->target.chassis_nr, controller->index.value);
        else if (controller->model == PCI_MODEL_PCIE_ROOT_PORT ||
                 controller->model == PCI_MODEL_PCIE_SWITCH_DOWN)
                fill_num(&controller->target.chassis, controller->index.value);
        else if (!controller->target.hotplug)
                controller->target.node.is_present = controller->target.node.line > 0;
}

static int fill_controller(DomainDef *def, DomainDevice *device, Err *err) {
        DomainController *controller = (DomainController *)device;

        if (!controller->index.is_set)
                fill_num(&controller->index, domain_controller_next_index(def, controller));
        if (controller->type == CONTROLLER_PCI)
                fill_pci_controller(def, controller);
        if (controller->type == CONTROLLER_USB)
                FILL_ENUM(controller->model,
                          domain_def_is_q35(def) ? USB_MODEL_QEMU_XHCI : USB_MODEL_PIIX3_UHCI);
        return 0;
}

/* ---- checks ---- */

typedef struct ModelRange {
        ControllerType type;
        ControllerModel first, last;
} ModelRange;

static int check_controller_model(const DomainController *controller, Err *err) {
        static const ModelRange ranges[] = {
                {CONTROLLER_PCI, PCI_MODEL_ROOT, PCI_MODEL_PCIE_TO_PCI},
                {CONTROLLER_USB, USB_MODEL_PIIX3_UHCI, USB_MODEL_NONE},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
                if (controller->type == ranges[i].type && controller->model >= ranges[i].first &&
                    controller->model <= ranges[i].last)
                        return 0;
        }
        if (controller->model == CONTROLLER_MODEL_UNSET)
                return 0;
        return fail(err, VIR_ERR_XML_ERROR, "<controller> at line %u has a model of another type",
                    controller->base.node.line);
}

static int check_pci_controller(const DomainDef *def, const DomainController *controller,
                                Err *err) {
        bool is_q35 = domain_def_is_q35(def);
        bool is_root =
                controller->model == PCI_MODEL_ROOT || controller->model == PCI_MODEL_PCIE_ROOT;
        bool is_express = controller->model >= PCI_MODEL_DMI_TO_PCI;
        unsigned index = (unsigned)controller->index.value;

        if (is_root != (index == 0))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "PCI controller %u: index 0 is for the root bus and for nothing else",
                            index);
        if ((is_express && !is_q35) || (controller->model == PCI_MODEL_ROOT && is_q35))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "PCI controller %u: machine '%s' has no place for this model", index,
                            def->os.type.machine);
        return 0;
}

static int check_model_name(const DomainController *controller, Err *err) {
        static const char *const names[] = {
                "pci-bridge",     "i82801b11-bridge",   "pcie-root-port",  "ioh3420",
                "x3130-upstream", "xio3130-downstream", "pcie-pci-bridge", NULL,
        };
        const char *name = controller->model_name.text;

        if (!name || g_strv_contains(names, name))
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "<model name='%s'> at line %u is not served yet", name,
                    controller->model_name.node.line);
}

static int check_controller(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainController *controller = (const DomainController *)device;
        int r;

        r = check_controller_model(controller, err);
        if (r < 0)
                return r;
        if (controller->type == CONTROLLER_IDE &&
            (controller->index.value > 0 || domain_def_is_q35(def)))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "machine '%s' has no IDE controller %u", def->os.type.machine,
                            (unsigned)controller->index.value);
        if (controller->type != CONTROLLER_PCI)
                return 0;
        r = check_pci_controller(def, controller, err);
        return r < 0 ? r : check_model_name(controller, err);
}

/* ---- the kind ---- */

static char *controller_key(const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;
        static const char *const types[] = {NULL, "USB", "IDE", "SATA", "virtio-serial", "PCI"};
        bool is_companion = controller->model >= USB_MODEL_ICH9_UHCI1 &&
                            controller->model <= USB_MODEL_ICH9_UHCI3;

        return g_strdup_printf(
                "%s controller %u%s", types[controller->type], (unsigned)controller->index.value,
                is_companion ? (char[]){' ', (char)('0' + controller->model), 0} : "");
}

static char *describe_controller(const DomainDevice *device) {
        return g_strdup_printf("controller %u",
                               (unsigned)((const DomainController *)device)->index.value);
}

static bool is_same_controller(const DomainDevice *device, const DomainDevice *wanted) {
        const DomainController *a = (const DomainController *)device;
        const DomainController *b = (const DomainController *)wanted;

        return a->type == b->type && a->index.value == b->index.value;
}

static bool is_on_pci(const DomainDef *def, const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;

        switch (controller->type) {
        case CONTROLLER_PCI:
                return controller->model != PCI_MODEL_ROOT &&
                       controller->model != PCI_MODEL_PCIE_ROOT;
        case CONTROLLER_USB:
                return controller->model != USB_MODEL_NONE;
        default:
                return true;
        }
}

static char *name_by_type(const DomainController *controller, bool is_q35) {
        unsigned index = (unsigned)controller->index.value;

        switch (controller->type) {
        case CONTROLLER_PCI:
                return g_strdup_printf(
                        controller->model == PCI_MODEL_PCIE_ROOT ? "pcie.%u" : "pci.%u", index);
        case CONTROLLER_USB:
                return index == 0 ? g_strdup("usb") : g_strdup_printf("usb%u", index);
        case CONTROLLER_SATA:
                /* The machine's own controller has this name in QEMU. */
                return index == 0 && is_q35 ? g_strdup("ide") : g_strdup_printf("sata%u", index);
        case CONTROLLER_IDE:
                return index == 0 ? g_strdup("ide") : g_strdup_printf("ide%u", index);
        default:
                return g_strdup_printf("virtio-serial%u", index);
        }
}

/* The members of an ICH9 EHCI and its companions share an index. */
static char *usb_companion_name(const DomainController *controller) {
        return g_strdup_printf("usb%u-uhci%d", (unsigned)controller->index.value,
                               controller->model - USB_MODEL_ICH9_UHCI1 + 1);
}

static char *controller_name(const DomainDef *def, const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;

        if (controller->model >= USB_MODEL_ICH9_UHCI1 && controller->model <= USB_MODEL_ICH9_UHCI3)
                return usb_companion_name(controller);
        return name_by_type(controller, domain_def_is_q35(def));
}

const DomainKind domain_controller_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_CONTROLLER, DomainController, "controller",
                                  controller_fields),
        .name = controller_name,
        .fill = fill_controller,
        .check = check_controller,
        .key = controller_key,
        .describe = describe_controller,
        .is_same = is_same_controller,
        .is_pci = is_on_pci,
};
