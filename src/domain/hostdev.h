/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices of the host's that a guest is given: PCI functions and USB devices. */

#include "domain/node.h"

typedef enum HostdevMode { HOSTDEV_MODE_UNSET, HOSTDEV_SUBSYSTEM } HostdevMode;
typedef enum HostdevType { HOSTDEV_TYPE_UNSET, HOSTDEV_PCI, HOSTDEV_USB } HostdevType;
typedef enum HostdevDriver { HOSTDEV_DRIVER_UNSET, HOSTDEV_DRIVER_VFIO } HostdevDriver;

/* What a guest's start does when a USB device is not there. */
typedef enum HostdevPolicy {
        HOSTDEV_POLICY_UNSET,
        HOSTDEV_MANDATORY,
        HOSTDEV_REQUISITE, /* as mandatory: the difference is about migration */
        HOSTDEV_OPTIONAL,
} HostdevPolicy;

typedef enum HostdevReset {
        HOSTDEV_RESET_UNSET,
        HOSTDEV_RESET_OFF,
        HOSTDEV_RESET_UNINITIALIZED, /* only while it has no address on its bus */
        HOSTDEV_RESET_ON,
} HostdevReset;

typedef enum TeamingType { TEAMING_UNSET, TEAMING_PERSISTENT, TEAMING_TRANSIENT } TeamingType;

typedef struct DomainHostdevId {
        DomainNode node;
        DomainNum id; /* 16 bits */
} DomainHostdevId;

typedef struct DomainHostdev {
        DomainDevice base;
        HostdevMode mode;
        HostdevType type;
        DomainSwitch managed;  /* not set: no */
        DomainFlag origstates; /* what old versions of libvirt noted here: read, and dropped */
        struct {
                DomainNode node;
                HostdevDriver name;
                char *model; /* a driver of vfio's family: "mlx5_vfio_pci"; NULL: vfio-pci */
        } driver;
        struct {
                DomainNode node;
                TeamingType type;
                char *persistent; /* alias of the interface that stays when this goes */
        } teaming;
        struct {
                DomainNode node;
                struct {
                        DomainNode node;
                        DomainAddressType type; /* some write it; it says nothing and is dropped */
                        DomainNum domain, bus, slot, function;
                } address; /* pci */

                /* usb: by its ids, by its place, or both */
                HostdevPolicy policy;
                HostdevReset reset;
                DomainHostdevId vendor, product;
                struct {
                        DomainNode node;
                        DomainNum bus, device;
                } place;
        } source;
        /* From the host's inventory, set by the caller before layout: a card that has no PCI
         * Express capability belongs on a conventional bus. */
        bool is_conventional;
        uint64_t window; /* likewise: bytes of its 64-bit prefetchable BARs */
        bool is_missing; /* live: an optional USB device that was not there at the start */
} DomainHostdev;

static inline bool domain_hostdev_is_pci(const DomainHostdev *hostdev) {
        return hostdev->type == HOSTDEV_PCI;
}
