/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a definition gets where it says nothing, as libvirt's users know it. Filled once, when a
 * definition is taken in, and stored: a later Airlock does not change a guest. */

#include "domain/device.h"

int domain_defaults_fill(DomainDef *def, const DomainDefaults *defaults, Err *err);
int domain_defaults_fill_device(DomainDef *def, DomainDevice *device, Err *err);

/* defaults-machine.c: all but the devices. */
int domain_defaults_fill_machine(DomainDef *def, const DomainDefaults *defaults, Err *err);

/* controller.c: the lowest free index of a controller's type, and the model of the machine's bus 0.
 */
unsigned domain_controller_next_index(const DomainDef *def, const DomainController *controller);
ControllerModel domain_root_model(const DomainDef *def);
