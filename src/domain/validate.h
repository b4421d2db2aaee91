/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a device must be by itself, and beside the guest's other devices; everything that QEMU would
 * only tell when the guest starts is told when it is defined. */

#include "domain/device.h"

/* One device by itself. */
int domain_validate_device(const DomainDef *def, const DomainDevice *device, Err *err);

/* No two of the guest's devices claim the same key (target, source, alias, boot order, …). */
int domain_validate_unique(const DomainDef *def, Err *err);

/* All but the devices: validate-machine.c; its memory and threads: validate-tuning.c. */
int domain_validate_machine(const DomainDef *def, Err *err);
int domain_validate_tuning(const DomainDef *def, Err *err);
