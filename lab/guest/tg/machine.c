/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "machine.h"

#include "irq.h"
#include "pci.h"
#include "port.h"
#include "serial.h"

#define Q35_HOST_BRIDGE 0x29c08086u

/* ACPI 6.5, section 4.8.3: offsets from the power management base. */
enum {
        PM1_STATUS = 0,
        PM1_ENABLE = 2,
        PM1_CONTROL = 4,
};
#define PM1_POWER_BUTTON 0x0100
#define PM1_SLEEP_OFF    0x2000 /* sleep type 0, which is S5 for QEMU */

#define GPE_PCI_HOTPLUG 0x02
#define DEBUG_EXIT      0xf4

/* What the firmware programs and QEMU fixes, for its two boards. */
static const struct Board {
        PciFunction power; /* function that holds the base of power management at register 0x40 */
        uint16_t gpe;      /* of general purpose event 0; below 0x100: from the power base */
        uint16_t hotplug;
} q35 = {0x1f << 3, 0x20, 0x0cc0}, pc = {1 << 3 | 3, 0xafe0, 0xae00};

static const struct Board *board;
static uint16_t power_base;
static uint16_t gpe_base;

void machine_init(void) {
        board = pci_read32(0, PCI_ID) == Q35_HOST_BRIDGE ? &q35 : &pc;
        power_base = pci_read16(board->power, 0x40) & 0xff80;
        gpe_base = board->gpe < 0x100 ? power_base + board->gpe : board->gpe;
        port_write16(power_base + PM1_ENABLE, PM1_POWER_BUTTON);
}

bool machine_poll_button(void) {
        if (!(port_read16(power_base + PM1_STATUS) & PM1_POWER_BUTTON))
                return false;
        port_write16(power_base + PM1_STATUS, PM1_POWER_BUTTON);
        return true;
}

bool machine_poll_hotplug(void) {
        if (!(port_read8(gpe_base) & GPE_PCI_HOTPLUG))
                return false;
        port_write8(gpe_base, GPE_PCI_HOTPLUG);
        return true;
}

uint16_t machine_hotplug_base(void) {
        return board->hotplug;
}

void machine_power_off(void) {
        say("off");
        port_write16(power_base + PM1_CONTROL, PM1_SLEEP_OFF);
        for (;;)
                irq_wait();
}

void machine_exit(uint8_t value) {
        port_write8(DEBUG_EXIT, value);
        machine_power_off();
}
