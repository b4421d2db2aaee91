/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The PCI functions of the host that a guest is given, whichever element brings them: <hostdev>, or
 * <interface type='hostdev'>. */

#include "domain/device.h"

typedef struct DomainFunction {
        DomainDevice *device; /* of the guest */
        PciAddr addr;         /* on the host */
        bool is_managed;
} DomainFunction;

/* False: the device is no function of the host. ret may be NULL. */
bool domain_function_of(const DomainDevice *device, DomainFunction *ret);

/* All of the guest's, hostdevs first; an array of DomainFunction, the caller's. */
GArray *domain_functions(const DomainDef *def);

/* The device that holds a function; false: none does. */
bool domain_function_find(const DomainDef *def, PciAddr addr, DomainFunction *ret);

/* Notes whether the card is conventional PCI, which decides its place in the guest. */
void domain_function_set_conventional(const DomainFunction *function, bool is_conventional);
