/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a function says about itself in its configuration space (PCI Local Bus 3.0 chapter 6, PCI
 * Express Base 5.0 chapter 7). The bytes are the device's: any of them may be nonsense, so each
 * list is followed once, inside the space, and what does not fit is left at "none".
 *
 * The space is asked for piece by piece, because each four bytes cost an access to the hardware:
 * the first 256 bytes, then the headers of the extended list and the capabilities that are known
 * here. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pci/device.h"

#define PCI_CONFIG_SIZE          256
#define PCI_CONFIG_EXTENDED_SIZE 4096

typedef enum PciHeader {
        PCI_HEADER_NORMAL = 0,
        PCI_HEADER_BRIDGE = 1,
        PCI_HEADER_CARDBUS = 2,
} PciHeader;

/* Device/Port Type of the PCI Express capability, 7.5.3.2. */
typedef enum PciExpressType {
        PCI_EXPRESS_ENDPOINT = 0x0,
        PCI_EXPRESS_LEGACY_ENDPOINT = 0x1,
        PCI_EXPRESS_ROOT_PORT = 0x4,
        PCI_EXPRESS_UPSTREAM_PORT = 0x5,
        PCI_EXPRESS_DOWNSTREAM_PORT = 0x6,
        PCI_EXPRESS_TO_PCI_BRIDGE = 0x7,
        PCI_EXPRESS_FROM_PCI_BRIDGE = 0x8,
        PCI_EXPRESS_ROOT_ENDPOINT = 0x9, /* in the root complex: it has no link */
        PCI_EXPRESS_EVENT_COLLECTOR = 0xa,
} PciExpressType;

/* Bits of the ACS capability and control registers that keep devices apart, 7.7.8.2. */
enum {
        PCI_ACS_SOURCE_VALIDATION = 1 << 0,
        PCI_ACS_REQUEST_REDIRECT = 1 << 2,
        PCI_ACS_COMPLETION_REDIRECT = 1 << 3,
        PCI_ACS_UPSTREAM_FORWARDING = 1 << 4,
};

typedef struct PciConfig {
        bool responds; /* false: the header reads as ones; nothing else is valid */
        uint8_t header, revision;

        bool is_express, has_link;
        PciExpressType express_type; /* valid where is_express */
        PciLink link_cap, link_now;

        bool has_flr, has_msi, has_msix, has_ari;
        bool has_pm_reset;          /* it loses its state on the way from D3hot to D0 */
        bool has_acs;               /* Access Control Services, 7.7.8 */
        uint16_t acs_can, acs_does; /* PCI_ACS_…: what it can, and what of that is switched on */
        unsigned vfs_max;           /* TotalVFs of SR-IOV; 0: no such capability */
        uint64_t serial_number;     /* 64 bits of the Device Serial Number; 0: none */
} PciConfig;

/* Reads up to size bytes from offset on: returns their number, fewer only at the end of the space
 * (64 bytes for a user who is not root), or a negative errno. */
typedef int (*PciConfigRead)(void *userdata, unsigned offset, void *buffer, size_t size);

/* Fails only with what read returned. */
int pci_config_load(PciConfigRead read, void *userdata, PciConfig *ret);

/* The same over bytes in memory, as in a file of sysfs. */
void pci_config_parse(const void *bytes, size_t size, PciConfig *ret);
