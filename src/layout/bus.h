/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's PCI buses as its definition has them, and who sits where. A snapshot: it borrows the
 * definition's devices and is thrown away when the work is done. */

#include "domain/device.h"

#define LAYOUT_BUSES     256
#define LAYOUT_SLOTS     32
#define LAYOUT_FUNCTIONS 8

typedef enum LayoutBusKind {
        LAYOUT_BUS_NONE,
        LAYOUT_BUS_PCI,       /* conventional: pci-root, its expanders and all bridges to it */
        LAYOUT_BUS_PCIE_ROOT, /* pcie-root and its expanders: ports, bridges, the board's parts */
        LAYOUT_BUS_PORT,      /* below a root or downstream port: one slot */
        LAYOUT_BUS_SWITCH,    /* below an upstream port: downstream ports only */
} LayoutBusKind;

typedef struct LayoutBus {
        LayoutBusKind kind;
        const DomainController *controller; /* that makes it */
        unsigned first_slot, last_slot;     /* that devices may have */
        bool is_hotpluggable;
        const DomainDevice *holder[LAYOUT_SLOTS][LAYOUT_FUNCTIONS];
        bool is_board[LAYOUT_SLOTS][LAYOUT_FUNCTIONS]; /* held by the machine itself */
} LayoutBus;

typedef struct LayoutMap {
        const DomainDef *def;
        LayoutBus bus[LAYOUT_BUSES];
} LayoutMap;

/* Where a device is at home. */
typedef enum LayoutHome {
        LAYOUT_HOME_NONE,         /* not on PCI */
        LAYOUT_HOME_CONVENTIONAL, /* a slot of a conventional bus */
        LAYOUT_HOME_EXPRESS,      /* a port of its own on q35, any slot on pc */
        LAYOUT_HOME_BOARD,        /* a slot of bus 0 */
        LAYOUT_HOME_DOWNSTREAM,   /* a slot below an upstream port */
        _LAYOUT_HOME_MAX,
} LayoutHome;

LayoutHome layout_bus_home(const DomainDef *def, const DomainDevice *device);

/* Buses of the definition's controllers, with the board's own functions taken. */
LayoutMap *layout_bus_map(const DomainDef *def);

/* Adds the bus that a PCI controller makes. */
void layout_bus_add(LayoutMap *map, const DomainController *controller);

static inline bool layout_bus_is_expander(const DomainController *controller) {
        return controller->model == PCI_MODEL_EXPANDER ||
               controller->model == PCI_MODEL_PCIE_EXPANDER;
}

/* True for the bus of an expander and those below it: whoever wants a device there says so, as such
 * buses belong to a NUMA node or to some purpose of the guest's. */
bool layout_bus_is_behind_expander(const LayoutMap *map, unsigned number);

/* True when no function of the slot is held. */
bool layout_bus_is_free(const LayoutBus *bus, unsigned slot);

/* Takes device->address, or fails with what holds it, or why no device can be there. */
int layout_bus_reserve(LayoutMap *map, const DomainDevice *device, Err *err);

/* The lowest free slot of a bus; -1: none. */
int layout_bus_free_slot(const LayoutBus *bus);

/* "0000:00:1f.2" of the guest's side. */
char *layout_bus_address_text(const DomainAddress *address);

void layout_bus_set_address(DomainDevice *device, unsigned bus, unsigned slot, unsigned function);
