/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pci.h"

#include <stddef.h>

#include "port.h"
#include "serial.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  0x80000000u

#define HEADER_KIND          0x7f
#define HEADER_BRIDGE        1
#define HEADER_MULTIFUNCTION 0x80
#define STATUS_CAPABILITIES  0x10
#define CAPABILITIES_MAX     48
#define DEVICES              32
#define FUNCTIONS            8

#define BAR_IS_IO           0x1
#define BAR_KIND            0x6
#define BAR_IS_64           0x4
#define BAR_IS_PREFETCHABLE 0x8
#define ROM_ADDRESS         0xfffff800u

#define MSI_CONTROL      2
#define MSI_CONTROL_ON   0x0001
#define MSI_CONTROL_MANY 0x0070
#define MSI_CONTROL_64   0x0080
#define MSI_TO_FIRST_CPU 0xfee00000u

static void select_register(PciFunction f, unsigned reg) {
        port_write32(CONFIG_ADDRESS, CONFIG_ENABLE | f << 8 | (reg & 0xfcu));
}

uint32_t pci_read32(PciFunction f, unsigned reg) {
        select_register(f, reg);
        return port_read32(CONFIG_DATA);
}

uint16_t pci_read16(PciFunction f, unsigned reg) {
        return (uint16_t)(pci_read32(f, reg) >> (reg & 2) * 8);
}

uint8_t pci_read8(PciFunction f, unsigned reg) {
        return (uint8_t)(pci_read32(f, reg) >> (reg & 3) * 8);
}

void pci_write16(PciFunction f, unsigned reg, uint16_t value) {
        select_register(f, reg);
        port_write16((uint16_t)(CONFIG_DATA + (reg & 2)), value);
}

void pci_write32(PciFunction f, unsigned reg, uint32_t value) {
        select_register(f, reg);
        port_write32(CONFIG_DATA, value);
}

bool pci_is_bridge(PciFunction f) {
        return (pci_read8(f, PCI_HEADER_TYPE) & HEADER_KIND) == HEADER_BRIDGE;
}

unsigned pci_find_capability(PciFunction f, uint8_t id) {
        unsigned at;

        if (!(pci_read16(f, PCI_STATUS) & STATUS_CAPABILITIES))
                return 0;
        at = pci_read8(f, PCI_CAPABILITIES) & ~3u;
        for (unsigned n = 0; at != 0 && n < CAPABILITIES_MAX; n++) {
                uint32_t head = pci_read32(f, at);

                if ((head & 0xff) == id)
                        return at;
                at = head >> 8 & 0xfc;
        }
        return 0;
}

/* What of the register can be written: for a BAR, the bits above its size. */
static uint32_t writable_bits(PciFunction f, unsigned reg) {
        uint32_t value = pci_read32(f, reg);
        uint32_t bits;

        pci_write32(f, reg, 0xffffffff);
        bits = pci_read32(f, reg);
        pci_write32(f, reg, value);
        return bits;
}

static Bar probe_bar(PciFunction f, unsigned index) {
        unsigned reg = PCI_BAR0 + index * 4;
        uint32_t value = pci_read32(f, reg), bits = writable_bits(f, reg);

        if (bits == 0)
                return (Bar){.kind = BAR_NONE};
        if (bits & BAR_IS_IO)
                return (Bar){BAR_IO, false, value & 0xfffc, (~(bits & ~3u) + 1) & 0xffff};

        Bar bar = {BAR_MEMORY, bits & BAR_IS_PREFETCHABLE, value & ~15u, ~(bits & ~15u) + 1};

        if ((bits & BAR_KIND) == BAR_IS_64) {
                bar.kind = BAR_MEMORY64;
                bar.address |= (uint64_t)pci_read32(f, reg + 4) << 32;
        }
        return bar;
}

/* Decoding goes off once for all: each change of it makes the host map or unmap an assigned device.
 */
Resources pci_probe(PciFunction f) {
        Resources found = {0};
        bool bridge = pci_is_bridge(f);
        uint16_t command = pci_read16(f, PCI_COMMAND);
        uint32_t rom;

        pci_write16(f, PCI_COMMAND, command & (uint16_t) ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
        for (unsigned i = 0; i < (bridge ? 2 : PCI_BARS); i++) {
                found.bar[i] = probe_bar(f, i);
                if (found.bar[i].kind == BAR_MEMORY64)
                        i++;
        }
        rom = writable_bits(f, bridge ? PCI_BRIDGE_ROM : PCI_ROM) & ROM_ADDRESS;
        found.rom = rom ? ~rom + 1 : 0;
        pci_write16(f, PCI_COMMAND, command);
        return found;
}

static bool is_present(PciFunction f) {
        uint32_t id = pci_read32(f, PCI_ID);

        return id != PCI_ABSENT && id != 0;
}

static void walk_bus(uint8_t bus, void (*visit)(PciFunction f)) {
        for (PciFunction slot = (PciFunction)bus << 8; slot < (bus + 1u) << 8; slot += FUNCTIONS) {
                unsigned functions = 1;

                if (!is_present(slot))
                        continue;
                if (pci_read8(slot, PCI_HEADER_TYPE) & HEADER_MULTIFUNCTION)
                        functions = FUNCTIONS;
                for (PciFunction f = slot; f < slot + functions; f++) {
                        if (!is_present(f))
                                continue;
                        visit(f);
                        if (pci_is_bridge(f) && pci_read8(f, PCI_SECONDARY_BUS) > bus)
                                walk_bus(pci_read8(f, PCI_SECONDARY_BUS), visit);
                }
        }
}

void pci_walk(void (*visit)(PciFunction f)) {
        walk_bus(0, visit);
}

static void report_resources(PciFunction f) {
        static const char *const kinds[] = {
                [BAR_IO] = "io", [BAR_MEMORY] = "memory", [BAR_MEMORY64] = "memory64"};
        Resources found = pci_probe(f);

        for (unsigned i = 0; i < PCI_BARS; i++) {
                const Bar *bar = &found.bar[i];

                if (bar->kind != BAR_NONE)
                        say("bar %b index=%u kind=%s%s size=%x address=%8x%8x", f, i,
                            kinds[bar->kind], bar->prefetchable ? "-prefetchable" : "", bar->size,
                            (uint32_t)(bar->address >> 32), (uint32_t)bar->address);
        }
        if (found.rom > 0)
                say("rom %b size=%x", f, found.rom);
        else
                say("rom %b none", f);
}

void pci_report_function(PciFunction f) {
        uint32_t id = pci_read32(f, PCI_ID), class = pci_read32(f, PCI_CLASS) >> 8;

        if (pci_is_bridge(f)) {
                say("pci %b id=%4x:%4x class=%6x bridge=%2x-%2x", f, id & 0xffff, id >> 16, class,
                    pci_read8(f, PCI_SECONDARY_BUS), pci_read8(f, PCI_SUBORDINATE_BUS));
        } else {
                uint32_t subsystem = pci_read32(f, PCI_SUBSYSTEM);

                say("pci %b id=%4x:%4x class=%6x subsystem=%4x:%4x", f, id & 0xffff, id >> 16,
                    class, subsystem & 0xffff, subsystem >> 16);
        }
}

void pci_report(PciFunction f) {
        pci_report_function(f);
        report_resources(f);
}

/* The bridge that leads to the bus, or PCI_ABSENT. */
static PciFunction bridge_of;
static uint8_t bus_sought;

static void match_bridge(PciFunction f) {
        if (pci_is_bridge(f) && pci_read8(f, PCI_SECONDARY_BUS) == bus_sought)
                bridge_of = f;
}

static PciFunction find_bridge(uint8_t bus) {
        bridge_of = PCI_ABSENT;
        bus_sought = bus;
        pci_walk(match_bridge);
        return bridge_of;
}

/* If something on the bus lies in [start, start + size), the first address behind it; otherwise
 * start. */
static uint32_t behind_collision(uint8_t bus, uint32_t start, uint32_t size) {
        for (PciFunction f = (PciFunction)bus << 8; f < (bus + 1u) << 8; f++) {
                if (!is_present(f))
                        continue;

                Resources found = pci_probe(f);

                for (const Bar *bar = found.bar; bar < found.bar + PCI_BARS; bar++) {
                        if (bar->kind < BAR_MEMORY || bar->address == 0 || bar->address >> 32)
                                continue;
                        if (bar->address < start + size && start < bar->address + bar->size)
                                return (uint32_t)bar->address + bar->size;
                }
        }
        return start;
}

static uint32_t find_room(PciFunction bridge, uint8_t bus, uint32_t size) {
        uint32_t window = pci_read32(bridge, PCI_MEMORY_WINDOW);
        uint32_t start = (window & 0xfff0) << 16, end = (window & 0xfff00000) | 0xfffff;

        while (start < end && end - start >= size - 1) {
                uint32_t next = behind_collision(bus, start, size);

                if (next == start)
                        return start;
                start = (next + size - 1) & ~(size - 1);
        }
        return 0;
}

void pci_place(PciFunction f) {
        uint8_t bus = (uint8_t)(f >> 8);
        PciFunction bridge = find_bridge(bus);
        Resources wanted = pci_probe(f);

        if (bridge == PCI_ABSENT || pci_is_bridge(f))
                return;
        pci_write16(bridge, PCI_COMMAND,
                    pci_read16(bridge, PCI_COMMAND) | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
        for (unsigned i = 0; i < PCI_BARS; i++)
                if (wanted.bar[i].kind >= BAR_MEMORY && wanted.bar[i].address == 0)
                        pci_write32(f, PCI_BAR0 + i * 4,
                                    find_room(bridge, bus, wanted.bar[i].size));
}

volatile uint32_t *pci_map(PciFunction f) {
        for (unsigned i = 0; i < PCI_BARS; i++) {
                uint32_t value = pci_read32(f, PCI_BAR0 + i * 4);

                if (value == 0 || value & BAR_IS_IO)
                        continue;
                if ((value & BAR_KIND) == BAR_IS_64 && pci_read32(f, PCI_BAR0 + i * 4 + 4) != 0)
                        return NULL;
                pci_write16(f, PCI_COMMAND,
                            pci_read16(f, PCI_COMMAND) | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
                return value & ~15u ? (volatile uint32_t *)(value & ~15u) : NULL;
        }
        return NULL;
}

bool pci_enable_msi(PciFunction f, uint8_t vector) {
        unsigned at = pci_find_capability(f, PCI_CAPABILITY_MSI);
        uint16_t control;

        if (at == 0)
                return false;
        control = pci_read16(f, at + MSI_CONTROL);
        pci_write32(f, at + 4, MSI_TO_FIRST_CPU);
        if (control & MSI_CONTROL_64) {
                pci_write32(f, at + 8, 0);
                pci_write16(f, at + 12, vector);
        } else {
                pci_write16(f, at + 8, vector);
        }
        pci_write16(f, at + MSI_CONTROL, (control & (uint16_t)~MSI_CONTROL_MANY) | MSI_CONTROL_ON);
        return true;
}
