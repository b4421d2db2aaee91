/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ports of the guest's USB devices: "2" is the second of a controller, "1.3" the third of the hub
 * in its first. As on PCI, given ones are honoured and the others get one that never moves; hubs
 * are added when the controllers have too few ports. */

#include "domain/device.h"

int layout_usb_assign(DomainDef *def, Err *err);

/* A port for a device that is plugged into the running guest def (device is not in it); a given one
 * is checked instead. */
int layout_usb_find_free(const DomainDef *def, DomainDevice *device, Err *err);
