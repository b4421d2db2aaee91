/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What tells a card from its twin and from another card that got its address: ids, serial number
 * and slot path. Stored with a guest's assignment and in the ledger, compared before a hand-over.
 */

#include <jansson.h>

#include "pci/device.h"

typedef struct PciIdentity {
        uint16_t vendor, device, subsystem_vendor, subsystem_device;
        char *serial; /* "dsn:00-a0-c9-…", "vpd:…", "nvme:…", "mac:…"; NULL: it shows none */
        char *slot_path; /* addresses from the root bus down: "0000:00:01.0/0000:01:00.0" */
} PciIdentity;

/* Sources of the serial, first that is there: device serial number capability (PCIe, 0x0003), VPD
 * "SN", NVMe serial, MAC address of its network interface. Readable only while the host can see it.
 */
int pci_identity_load(const Sys *sys, const PciDevice *dev, PciIdentity **ret, Err *err);
void pci_identity_free(PciIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PciIdentity, pci_identity_free)
PciIdentity *pci_identity_copy(const PciIdentity *identity);

/* Same card: equal ids, and equal serials where both show one of the same kind. */
bool pci_identity_matches(const PciIdentity *a, const PciIdentity *b);

json_t *pci_identity_to_json(const PciIdentity *identity);
int pci_identity_from_json(const json_t *json, PciIdentity **ret);
