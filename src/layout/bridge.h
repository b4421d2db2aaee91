/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Room on a guest's buses, and the ports and bridges that make more of it. */

#include "layout/bus.h"

/* Root ports that bus 0 can still take, eight to a slot; slots: that are kept for others. */
unsigned layout_bridge_count_ports(const LayoutMap *map, unsigned slots);

/* Free slots of the buses of a kind that devices are given by themselves. */
unsigned layout_bridge_count_free(const LayoutMap *map, LayoutBusKind kind);
bool layout_bridge_has_bus(const LayoutMap *map, LayoutBusKind kind);

/* The first free slot for a device; is_hotplug: of buses that take one while the guest runs. */
bool layout_bridge_find_slot(const LayoutMap *map, const DomainDevice *device, LayoutBusKind kind,
                             bool is_hotplug, DomainAddress *ret);

/* Gives the device the first free slot of its kind of bus. */
int layout_bridge_take_slot(LayoutMap *map, DomainDevice *device, LayoutBusKind kind, Err *err);

/* Root ports share slots of bus 0, eight to one, so that 200 and more fit. */
int layout_bridge_place_root_port(LayoutMap *map, DomainDevice *device, Err *err);
int layout_bridge_add_root_port(LayoutMap *map, DomainDef *def, Err *err);

/* q35: a PCIe-to-PCI bridge behind a root port of its own. */
int layout_bridge_add_conventional(LayoutMap *map, DomainDef *def, Err *err);

/* PCI bridges until more than n conventional slots are free: one always is, for the next bridge. */
int layout_bridge_make_room(LayoutMap *map, DomainDef *def, unsigned n, Err *err);
