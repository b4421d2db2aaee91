/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/node.h"

typedef enum HostdevMode { HOSTDEV_MODE_UNSET, HOSTDEV_SUBSYSTEM } HostdevMode;
typedef enum HostdevType { HOSTDEV_TYPE_UNSET, HOSTDEV_PCI } HostdevType;
typedef enum HostdevDriver { HOSTDEV_DRIVER_UNSET, HOSTDEV_DRIVER_VFIO } HostdevDriver;

typedef struct DomainHostdev {
        DomainDevice base;
        HostdevMode mode;
        HostdevType type;
        DomainSwitch managed; /* not set: no */
        struct {
                DomainNode node;
                HostdevDriver name;
        } driver;
        struct {
                DomainNode node;
                struct {
                        DomainNode node;
                        DomainAddressType type; /* some write it; it says nothing and is dropped */
                        DomainNum domain, bus, slot, function;
                } address;
        } source;
        /* From the host's inventory, set by the caller before layout: a card that has no PCI
         * Express capability belongs on a conventional bus. */
        bool is_conventional;
} DomainHostdev;
