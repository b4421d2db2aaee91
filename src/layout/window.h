/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Room for the large BARs of assigned functions (DomainHostdev.window): 64-bit prefetchable memory
 * lies above the guest's memory, in windows of the bridges before it, and below the end of what the
 * guest's CPU can address. Firmware lays it out, and leaves a card without memory where it does not
 * fit: so it is reckoned before QEMU starts. */

#include "domain/device.h"

/* What the functions behind bus need of the bridge to it, in bytes: whole MiB, as bridges count
 * (PCI-to-PCI Bridge 1.2, 3.2.5.9). 0: nothing. */
uint64_t layout_window_of_bus(const DomainDef *def, unsigned bus);

/* What all buses need together, however firmware orders them, in bytes; a power of two. */
uint64_t layout_window_hole(const DomainDef *def);

/* The <pcihole64> that is given (0: no such window), else what is needed where QEMU's own (2 GiB on
 * pc, 32 GiB on q35: hw/pci-host/i440fx.c, q35.c) is too small; in KiB. False: QEMU's own. */
bool layout_window_hole_kib(const DomainDef *def, uint64_t *ret);

/* Refuses a guest whose CPU cannot address it. host_bits: physical address bits of the host's CPU;
 * 0: not known. */
int layout_window_check(const DomainDef *def, unsigned host_bits, Err *err);
