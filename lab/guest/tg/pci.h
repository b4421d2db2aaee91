/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* PCI functions by configuration mechanism 1 (PCI Local Bus 3.0, section 3.2.2.3.2). */

#include <stdbool.h>
#include <stdint.h>

/* bus << 8 | device << 3 | function */
typedef uint32_t PciFunction;

#define PCI_ABSENT 0xffffffffu
#define PCI_BARS   6

/* Registers of the header; the bridge's after its bars. */
enum {
        PCI_ID = 0x00,
        PCI_COMMAND = 0x04,
        PCI_STATUS = 0x06,
        PCI_CLASS = 0x08, /* revision in the low byte */
        PCI_HEADER_TYPE = 0x0e,
        PCI_BAR0 = 0x10,
        PCI_SECONDARY_BUS = 0x19,
        PCI_SUBORDINATE_BUS = 0x1a,
        PCI_MEMORY_WINDOW =
                0x20, /* base, limit: upper 12 bits of each half are address bits 31:20 */
        PCI_SUBSYSTEM = 0x2c,
        PCI_ROM = 0x30,
        PCI_CAPABILITIES = 0x34,
        PCI_BRIDGE_ROM = 0x38,
};

#define PCI_COMMAND_IO         0x1
#define PCI_COMMAND_MEMORY     0x2
#define PCI_COMMAND_MASTER     0x4
#define PCI_CAPABILITY_MSI     0x05
#define PCI_CAPABILITY_EXPRESS 0x10

typedef enum {
        BAR_NONE,
        BAR_IO,
        BAR_MEMORY,
        BAR_MEMORY64,
} BarKind;

typedef struct {
        BarKind kind;
        bool prefetchable;
        uint64_t address; /* 0: not assigned */
        uint32_t size;
} Bar;

typedef struct {
        Bar bar[PCI_BARS]; /* a 64-bit one takes two: the second is BAR_NONE */
        uint32_t rom;      /* size of the ROM BAR; 0: none */
} Resources;

uint8_t pci_read8(PciFunction f, unsigned reg);
uint16_t pci_read16(PciFunction f, unsigned reg);
uint32_t pci_read32(PciFunction f, unsigned reg);
void pci_write16(PciFunction f, unsigned reg, uint16_t value);
void pci_write32(PciFunction f, unsigned reg, uint32_t value);

bool pci_is_bridge(PciFunction f);

/* Offset of the capability, or 0. */
unsigned pci_find_capability(PciFunction f, uint8_t id);

/* Sizes all that the function decodes; it decodes nothing meanwhile. */
Resources pci_probe(PciFunction f);

/* Calls visit for each function there is, bridges before what is behind them. */
void pci_walk(void (*visit)(PciFunction f));

/* Prints what the function is: one line. */
void pci_report_function(PciFunction f);

/* The same and what it decodes, a line each. */
void pci_report(PciFunction f);

/* Finds room in the window of the bridge above for every BAR without an address. */
void pci_place(PciFunction f);

/* The first memory BAR as registers, decoding and bus mastering on; NULL where it has no address
 * below 4 GB. */
volatile uint32_t *pci_map(PciFunction f);

/* Lets the function raise the vector by MSI. False where it has no MSI. */
bool pci_enable_msi(PciFunction f, uint8_t vector);
