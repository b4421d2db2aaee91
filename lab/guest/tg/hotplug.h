/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * PCI hot-plug as a guest's operating system does it, in both ways: ACPI (QEMU's registers, what a
 * q35 guest has by default) and native (attention button, indicator and power of a root port).
 */

#include <stdbool.h>

/* Remembers which functions there are, so that arrivals and departures can be told. */
void hotplug_init(void);

/* Whether requests to let a device go are granted. An ignored one stays pending. */
void hotplug_set_acknowledge(bool acknowledge);

/* Handles what happened since the last time. */
void hotplug_poll(void);
