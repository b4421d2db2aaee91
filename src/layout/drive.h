/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Units of disks on IDE and SATA, and ports of virtio-serial, with the controllers that they need.
 */

#include "domain/device.h"

int layout_drive_assign(DomainDef *def, Err *err);
