/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The images of a guest's disks on this host. */

#include "daemon/vm.h"

/* Disks whose image is not there and whose startupPolicy is 'optional': drives lose the medium,
 * disks are left out of the live definition. */
void vm_image_drop_missing(const Vm *vm, DomainDef *live);
