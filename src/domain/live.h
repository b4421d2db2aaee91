/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What only a running guest has: its id, aliases that we made, paths of pseudo terminals, chosen
 * ports and tap devices. Clients send it back with a definition; it is no part of one. */

#include "domain/device.h"

void domain_live_strip(DomainDef *def);
void domain_live_strip_device(DomainDevice *device);
