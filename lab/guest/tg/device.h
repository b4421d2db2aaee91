/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the guest can prove on devices that it knows. */

#include "pci.h"

/* Exercises the function if it is known, and prints a line for each fact; otherwise does nothing.
 */
void device_prove(PciFunction f);
