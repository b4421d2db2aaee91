/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The address of a PCI function, "0000:01:00.1" as sysfs and lspci -D write it. A plain value. */

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

typedef struct PciAddr {
        uint32_t domain; /* PCI segment; over 0xffff on VMD and Hyper-V */
        uint8_t bus;
        uint8_t slot;     /* 0 to 31 */
        uint8_t function; /* 0 to 7 */
} PciAddr;

/* "DDDD:BB:SS.F" and a NUL, domains of up to eight digits included. */
#define PCI_ADDR_TEXT_MAX 17

/* Reads "0000:01:00.1" or lspci's short "01:00.1" (domain 0). -EINVAL for anything else. */
int pci_addr_parse(const char *text, PciAddr *ret);

/* Reads "pci_0000_01_00_1", the name of a node device. */
int pci_addr_parse_name(const char *name, PciAddr *ret);

/* Fills text and returns it. */
const char *pci_addr_format(PciAddr addr, char text[static PCI_ADDR_TEXT_MAX]);

/* "0000:01:00.1" for one expression: the text lives as long as the enclosing block. */
#define PCI_ADDR_TEXT(addr) pci_addr_format((addr), (char[PCI_ADDR_TEXT_MAX]){0})

/* "pci_0000_01_00_1". */
char *pci_addr_node_name(PciAddr addr);

int pci_addr_compare(PciAddr a, PciAddr b);
static inline bool pci_addr_is_equal(PciAddr a, PciAddr b) {
        return pci_addr_compare(a, b) == 0;
}

/* An address as a key of a GHashTable: one 64-bit number. */
uint64_t pci_addr_key(PciAddr addr);
