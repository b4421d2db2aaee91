/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/node.h"

typedef enum ControllerType {
        CONTROLLER_UNSET,
        CONTROLLER_USB,
        CONTROLLER_IDE,
        CONTROLLER_SATA,
        CONTROLLER_VIRTIO_SERIAL,
        CONTROLLER_PCI,
} ControllerType;

typedef enum ControllerModel {
        CONTROLLER_MODEL_UNSET,
        PCI_MODEL_ROOT,             /* pci-root: i440fx's bus 0 */
        PCI_MODEL_BRIDGE,           /* pci-bridge */
        PCI_MODEL_DMI_TO_PCI,       /* dmi-to-pci-bridge */
        PCI_MODEL_PCIE_ROOT,        /* pcie-root: q35's bus 0 */
        PCI_MODEL_PCIE_ROOT_PORT,   /* pcie-root-port */
        PCI_MODEL_PCIE_SWITCH_UP,   /* pcie-switch-upstream-port */
        PCI_MODEL_PCIE_SWITCH_DOWN, /* pcie-switch-downstream-port */
        PCI_MODEL_PCIE_TO_PCI,      /* pcie-to-pci-bridge */
        USB_MODEL_PIIX3_UHCI,
        USB_MODEL_PIIX4_UHCI,
        USB_MODEL_EHCI,
        USB_MODEL_ICH9_EHCI1,
        USB_MODEL_ICH9_UHCI1,
        USB_MODEL_ICH9_UHCI2,
        USB_MODEL_ICH9_UHCI3,
        USB_MODEL_NEC_XHCI,
        USB_MODEL_QEMU_XHCI,
        USB_MODEL_NONE,
} ControllerModel;

typedef struct DomainController {
        DomainDevice base;
        ControllerType type;
        DomainNum index; /* bus number in the addresses of devices behind it */
        ControllerModel model;
        DomainNum ports; /* usb, virtio-serial */
        struct {
                DomainNode node;
                DomainNum startport;
        } master;              /* an ich9 UHCI companion's place */
        DomainText model_name; /* <model name='pcie-root-port'/>: what QEMU calls it */
        struct {
                DomainNode node;
                DomainNum chassis_nr, chassis, port; /* ports and bridges: what the guest reads */
                DomainSwitch hotplug;
        } target;
} DomainController;
