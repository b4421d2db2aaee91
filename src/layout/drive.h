/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Units of disks on IDE, SATA, SCSI, NVMe and floppy controllers, and ports of virtio-serial, with
 * the controllers that they need.
 */

#include "domain/device.h"

int layout_drive_assign(DomainDef *def, Err *err);

/* A unit for a disk, or a port for a virtio console or channel, that is plugged into the running
 * guest def (it is not in it), on the controllers that the guest has; a given address is checked
 * instead. Devices of other kinds have nothing to find. VIR_ERR_OPERATION_FAILED with the way out
 * when no unit is free. */
int layout_drive_find_free(const DomainDef *def, DomainDevice *device, Err *err);
