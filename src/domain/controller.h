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
        CONTROLLER_SCSI,
        CONTROLLER_FDC,
        CONTROLLER_NVME,
        _CONTROLLER_MAX,
} ControllerType;

typedef enum ControllerModel {
        CONTROLLER_MODEL_UNSET,
        PCI_MODEL_ROOT,             /* pci-root: i440fx's bus 0 */
        PCI_MODEL_BRIDGE,           /* pci-bridge */
        PCI_MODEL_EXPANDER,         /* pci-expander-bus: a further root bus of i440fx */
        PCI_MODEL_DMI_TO_PCI,       /* dmi-to-pci-bridge */
        PCI_MODEL_PCIE_ROOT,        /* pcie-root: q35's bus 0 */
        PCI_MODEL_PCIE_EXPANDER,    /* pcie-expander-bus: a further root bus of q35 */
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
        USB_MODEL_PCI_OHCI,
        USB_MODEL_NONE,
        SCSI_MODEL_AUTO, /* lsilogic */
        SCSI_MODEL_LSILOGIC,
        SCSI_MODEL_LSISAS1068,
        SCSI_MODEL_LSISAS1078,
        SCSI_MODEL_VMPVSCSI,
        SCSI_MODEL_DC390,
        SCSI_MODEL_AM53C974,
        SCSI_MODEL_VIRTIO,
        VIRTIO_MODEL_TRANSITIONAL, /* scsi and virtio-serial */
        VIRTIO_MODEL_NON_TRANSITIONAL,
} ControllerModel;

typedef struct DomainController {
        DomainDevice base;
        ControllerType type;
        DomainNum index; /* bus number in the addresses of devices behind it */
        ControllerModel model;
        DomainNum ports;   /* usb, virtio-serial */
        DomainNum vectors; /* virtio-serial: of MSI-X */
        struct {
                DomainNode node;
                DomainNum queues, cmd_per_lun, max_sectors; /* virtio-scsi */
                DomainSwitch ioeventfd;
                DomainNum iothread;
                DomainSwitch iommu, ats, packed, page_per_vq; /* any virtio */
        } driver;
        struct {
                DomainNode node;
                DomainNum startport;
        } master;              /* an ich9 UHCI companion's place */
        DomainText model_name; /* <model name='pcie-root-port'/>: what QEMU calls it */
        DomainText serial;     /* nvme: of the controller, its namespaces have none */
        struct {
                DomainNode node;
                DomainNum chassis_nr, chassis, port; /* ports and bridges: what the guest reads */
                DomainNum bus_nr;                    /* of an expander, in the guest: 1 to 254 */
                DomainNum numa; /* of an expander: the guest's NUMA node that it belongs to */
                DomainSwitch hotplug;
        } target;
        struct {
                DomainNode node;
                uint64_t kib; /* 0: the root bus has none */
        } pcihole64;          /* of the root bus: window for 64-bit BARs */
} DomainController;

/* The controller is one of virtio's devices. */
bool domain_controller_is_virtio(const DomainController *controller);

/* A SCSI controller whose bus has units 0 to 7 and no targets with units of their own. */
bool domain_controller_is_narrow(const DomainController *controller);
