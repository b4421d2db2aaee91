/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

static bool is_built_in(const DomainDef *def, const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;

        if (controller->type == CONTROLLER_SATA)
                return controller->index.value == 0 && domain_def_is_q35(def);
        return controller->type == CONTROLLER_IDE || controller->model == PCI_MODEL_ROOT ||
               controller->model == PCI_MODEL_PCIE_ROOT || controller->model == USB_MODEL_NONE;
}

static void fill_pci_controller(const DomainController *controller, json_t *object) {
        SET_STRING(object, "driver", controller->model_name.text);
        if (controller->target.chassis_nr.is_set)
                SET_INT(object, "chassis_nr", controller->target.chassis_nr.value);
        if (controller->target.chassis.is_set)
                SET_INT(object, "chassis", controller->target.chassis.value);
        if (controller->target.port.is_set)
                SET_INT(object, "port", controller->target.port.value);
        if (!controller->target.hotplug)
                return;
        SET_BOOL(object, controller->model == PCI_MODEL_BRIDGE ? "shpc" : "hotplug",
                 controller->target.hotplug == DOMAIN_SWITCH_ON);
}

static void fill_usb_controller(const DomainController *controller, json_t *object) {
        static const char *const drivers[] = {
                [USB_MODEL_PIIX3_UHCI] = "piix3-usb-uhci",
                [USB_MODEL_PIIX4_UHCI] = "piix4-usb-uhci",
                [USB_MODEL_EHCI] = "usb-ehci",
                [USB_MODEL_ICH9_EHCI1] = "ich9-usb-ehci1",
                [USB_MODEL_ICH9_UHCI1] = "ich9-usb-uhci1",
                [USB_MODEL_ICH9_UHCI2] = "ich9-usb-uhci2",
                [USB_MODEL_ICH9_UHCI3] = "ich9-usb-uhci3",
                [USB_MODEL_NEC_XHCI] = "nec-usb-xhci",
                [USB_MODEL_QEMU_XHCI] = "qemu-xhci",
        };
        unsigned index = (unsigned)controller->index.value;
        g_autofree char *master =
                index == 0 ? g_strdup("usb.0") : g_strdup_printf("usb%u.0", index);
        bool is_xhci =
                controller->model == USB_MODEL_NEC_XHCI || controller->model == USB_MODEL_QEMU_XHCI;

        SET_STRING(object, "driver", drivers[controller->model]);
        if (controller->ports.is_set && is_xhci) {
                SET_INT(object, "p2", controller->ports.value);
                SET_INT(object, "p3", controller->ports.value);
        }
        if (controller->master.node.is_present) {
                SET_STRING(object, "masterbus", master);
                SET_INT(object, "firstport", controller->master.startport.value);
        }
}

static int fill_controller(const QemuContext *context, const DomainDevice *device, json_t *object,
                           Err *err) {
        const DomainController *controller = (const DomainController *)device;

        switch (controller->type) {
        case CONTROLLER_PCI:
                fill_pci_controller(controller, object);
                break;
        case CONTROLLER_USB:
                fill_usb_controller(controller, object);
                break;
        case CONTROLLER_VIRTIO_SERIAL:
                SET_STRING(object, "driver", "virtio-serial-pci");
                if (controller->ports.is_set)
                        SET_INT(object, "max_ports", controller->ports.value);
                break;
        default:
                SET_STRING(object, "driver", "ich9-ahci");
        }
        return 0;
}

const QemuKind qemu_controller_kind = {
        .is_built_in = is_built_in,
        .device = fill_controller,
};
