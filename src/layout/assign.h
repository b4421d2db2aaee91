/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The places of a guest's devices on its buses. Given addresses are honoured, or refused with what
 * holds them; the others get one, once: it is stored in the definition and never moves by itself.
 *
 * q35: every device that is at home on PCI Express gets a root port of its own, eight ports to a
 * slot of bus 0, and some more wait for devices that are plugged in later; conventional devices,
 * and those that find no port any more, sit behind a PCIe-to-PCI bridge. pc: slots of bus 0. Where
 * conventional slots run out PCI bridges are added, of 31 slots each, the last free slot always
 * left for the next one. Functions of one host card go to functions of one slot, function 0 with
 * multifunction on. Expander buses and what is behind them take only what is addressed there. Disks
 * on IDE and SATA and ports of virtio-serial get their units and numbers too. */

#include "domain/device.h"

#define LAYOUT_SPARE_PORTS 4

typedef struct LayoutOptions {
        unsigned spare_ports; /* of a new guest of q35 */
} LayoutOptions;

/* Completes a definition, adding controllers where they are needed. New guests of q35 get spare
 * ports; one that lists root ports of its own keeps these. options may be NULL: LAYOUT_SPARE_PORTS.
 */
int layout_assign(DomainDef *def, const LayoutOptions *options, Err *err);

/* A place for a device that is plugged into the running guest def (device is not in it): a free
 * root port of q35, a free slot of a pc bus. Fills device->address; a given address is checked
 * instead. A disk on a controller gets a unit there. VIR_ERR_OPERATION_FAILED with the way out when
 * nothing is free: a bus is only added while the guest is off. */
int layout_find_free(const DomainDef *def, DomainDevice *device, Err *err);
