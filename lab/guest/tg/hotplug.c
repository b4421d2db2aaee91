/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hotplug.h"

#include <stdint.h>

#include "device.h"
#include "machine.h"
#include "pci.h"
#include "port.h"
#include "serial.h"

/* QEMU, docs/specs/acpi_pci_hotplug.rst: offsets from machine_hotplug_base(). */
enum {
        ACPI_UP = 0x00,
        ACPI_DOWN = 0x04,
        ACPI_EJECT = 0x08,
        ACPI_BUS = 0x10,
};
#define ACPI_BUSES 64

/* PCI Express Base 5.0, sections 7.5.3.2 and 7.5.3.9 to 7.5.3.11: offsets from the capability. */
enum {
        EXPRESS_FLAGS = 0x02,
        EXPRESS_SLOT = 0x14,
        EXPRESS_SLOT_CONTROL = 0x18,
        EXPRESS_SLOT_STATUS = 0x1a,
};
#define FLAGS_HAS_SLOT          0x0100
#define SLOT_HOTPLUG            0x40
#define CONTROL_INDICATOR       0x0300
#define CONTROL_INDICATOR_ON    0x0100
#define CONTROL_INDICATOR_OFF   0x0300
#define CONTROL_POWER_OFF       0x0400
#define STATUS_BUTTON           0x0001
#define STATUS_PRESENCE_CHANGED 0x0008
#define STATUS_PRESENT          0x0040

#define FUNCTIONS_MAX 512
#define PORTS_MAX     64

typedef struct {
        PciFunction function[FUNCTIONS_MAX];
        uint32_t id[FUNCTIONS_MAX];
        unsigned count;
} Inventory;

static Inventory known, seen;
static struct {
        PciFunction function;
        unsigned capability;
} ports[PORTS_MAX];
static unsigned port_count;
static bool acknowledge = true;

static void note(PciFunction f) {
        if (seen.count == FUNCTIONS_MAX)
                return;
        seen.function[seen.count] = f;
        seen.id[seen.count++] = pci_read32(f, PCI_ID);
}

static void note_port(PciFunction f) {
        unsigned at = pci_is_bridge(f) ? pci_find_capability(f, PCI_CAPABILITY_EXPRESS) : 0;

        if (at == 0 || port_count == PORTS_MAX)
                return;
        if (!(pci_read16(f, at + EXPRESS_FLAGS) & FLAGS_HAS_SLOT) ||
            !(pci_read32(f, at + EXPRESS_SLOT) & SLOT_HOTPLUG))
                return;
        ports[port_count].function = f;
        ports[port_count++].capability = at;
}

void hotplug_init(void) {
        seen.count = 0;
        pci_walk(note);
        known = seen;
        pci_walk(note_port);
}

void hotplug_set_acknowledge(bool value) {
        acknowledge = value;
        say("hotplug %s", value ? "acknowledged" : "ignored");
}

static bool contains(const Inventory *inventory, PciFunction f, uint32_t id) {
        for (unsigned i = 0; i < inventory->count; i++)
                if (inventory->function[i] == f && inventory->id[i] == id)
                        return true;
        return false;
}

/* Looks at the buses anew and tells what went and what came. */
static void tell_changes(const char *way) {
        seen.count = 0;
        pci_walk(note);
        for (unsigned i = 0; i < known.count; i++)
                if (!contains(&seen, known.function[i], known.id[i]))
                        say("removed %b by=%s id=%4x:%4x", known.function[i], way,
                            known.id[i] & 0xffff, known.id[i] >> 16);
        for (unsigned i = 0; i < seen.count; i++) {
                PciFunction f = seen.function[i];

                if (contains(&known, f, seen.id[i]))
                        continue;
                say("added %b by=%s id=%4x:%4x", f, way, seen.id[i] & 0xffff, seen.id[i] >> 16);
                pci_place(f);
                pci_report(f);
                device_prove(f);
        }
        known = seen;
}

static void eject_slots(uint16_t base, unsigned bus, uint32_t slots) {
        for (unsigned slot = 0; slot < 32; slot++) {
                if (!(slots & 1u << slot))
                        continue;
                say("request way=acpi bus=%u slot=%u %s", bus, slot,
                    acknowledge ? "granted" : "ignored");
                if (!acknowledge)
                        continue;
                port_write32(base + ACPI_BUS, bus);
                port_write32(base + ACPI_EJECT, 1u << slot);
        }
}

static void poll_acpi(void) {
        uint16_t base = machine_hotplug_base();
        bool changed = false;

        if (!machine_poll_hotplug())
                return;
        for (unsigned bus = 0; bus < ACPI_BUSES; bus++) {
                port_write32(base + ACPI_BUS, bus);

                uint32_t up = port_read32(base + ACPI_UP), down = port_read32(base + ACPI_DOWN);

                eject_slots(base, bus, down);
                changed = changed || up != 0 || down != 0;
        }
        if (changed)
                tell_changes("acpi");
}

static void set_power(PciFunction port, unsigned at, bool on) {
        uint16_t control = pci_read16(port, at + EXPRESS_SLOT_CONTROL);

        control &= (uint16_t) ~(CONTROL_INDICATOR | CONTROL_POWER_OFF);
        control |= on ? CONTROL_INDICATOR_ON : CONTROL_INDICATOR_OFF | CONTROL_POWER_OFF;
        pci_write16(port, at + EXPRESS_SLOT_CONTROL, control);
}

/* The button is pressed for an arrival and for a departure alike: the slot's power tells which. */
static void poll_port(PciFunction port, unsigned at) {
        uint16_t status = pci_read16(port, at + EXPRESS_SLOT_STATUS);
        bool powered = !(pci_read16(port, at + EXPRESS_SLOT_CONTROL) & CONTROL_POWER_OFF);

        status &= STATUS_BUTTON | STATUS_PRESENCE_CHANGED | STATUS_PRESENT;
        if (!(status & ~STATUS_PRESENT))
                return;
        /* Exactly what was read: QEMU takes a write of further bits for a mistake and ignores it.
         */
        pci_write16(port, at + EXPRESS_SLOT_STATUS, status & (uint16_t)~STATUS_PRESENT);
        if (powered && status & STATUS_BUTTON) {
                say("request way=native port=%b %s", port, acknowledge ? "granted" : "ignored");
                if (acknowledge)
                        set_power(port, at, false);
        } else if (!powered && status & STATUS_PRESENT) {
                set_power(port, at, true);
        }
        tell_changes("native");
}

void hotplug_poll(void) {
        poll_acpi();
        for (unsigned i = 0; i < port_count; i++)
                poll_port(ports[i].function, ports[i].capability);
}
