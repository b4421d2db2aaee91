/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's board, q35 or pc: ACPI fixed hardware, power, exit. */

#include <stdbool.h>
#include <stdint.h>

/* Values for machine_exit(); QEMU ends with twice the value plus one. */
#define MACHINE_EXIT_DONE   0
#define MACHINE_EXIT_BROKEN 0x3f

void machine_init(void);

/* Has the power button been pressed since the last time? */
bool machine_poll_button(void);

/* Has ACPI announced a change of the PCI slots since the last time? */
bool machine_poll_hotplug(void);

/* Base of QEMU's ACPI PCI hot-plug registers (docs/specs/acpi_pci_hotplug.rst of QEMU). */
uint16_t machine_hotplug_base(void);

_Noreturn void machine_power_off(void);

/* By QEMU's isa-debug-exit at 0xf4; where there is none, off. */
_Noreturn void machine_exit(uint8_t value);
