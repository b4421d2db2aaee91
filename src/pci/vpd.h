/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Vital product data (PCI Local Bus 3.0, appendix I): tagged fields that a card's maker wrote. Slow
 * to read, and the device's word, so it is followed tag by tag to the field that is wanted. */

#include "pci/config.h"

/* The serial number, field "SN" of the read-only part; printable ASCII. *ret stays NULL where there
 * is none or the data makes no sense. Fails only with what read returned. */
int pci_vpd_serial(PciConfigRead read, void *userdata, char **ret);
