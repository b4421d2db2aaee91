/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Texts of pci.ids, through libpci: what lspci prints. */

#include <stdint.h>

#include "pci/device.h"

typedef struct PciNames PciNames;

PciNames *pci_names_new(void);
void pci_names_free(PciNames *names);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PciNames, pci_names_free)

/* Each is NULL when pci.ids does not know it. Owned by names. */
const char *pci_names_vendor(PciNames *names, uint16_t vendor);
const char *pci_names_product(PciNames *names, uint16_t vendor, uint16_t device);
const char *pci_names_class(PciNames *names, uint32_t class);
