/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout/bridge.h"

#include "domain/defaults.h"

/* ---- room ---- */

static const DomainController *find_ports(const LayoutMap *map, unsigned slot) {
        const DomainController *first = (const DomainController *)map->bus[0].holder[slot][0];

        if (!first || first->base.kind != DOMAIN_CONTROLLER ||
            first->model != PCI_MODEL_PCIE_ROOT_PORT ||
            first->base.address.multifunction != DOMAIN_SWITCH_ON)
                return NULL;
        return first;
}

/* A function in a slot of bus 0 that holds root ports of ours and has room; -1: none. */
static int find_port_function(const LayoutMap *map, unsigned slot) {
        if (!find_ports(map, slot))
                return -1;
        for (int function = 1; function < LAYOUT_FUNCTIONS; function++) {
                if (!map->bus[0].holder[slot][function])
                        return function;
        }
        return -1;
}

static unsigned count_port_functions(const LayoutMap *map, unsigned slot) {
        unsigned n = 0;

        if (!find_ports(map, slot))
                return 0;
        for (unsigned function = 1; function < LAYOUT_FUNCTIONS; function++)
                n += !map->bus[0].holder[slot][function];
        return n;
}

unsigned layout_bridge_count_ports(const LayoutMap *map, unsigned slots) {
        const LayoutBus *root = &map->bus[0];
        unsigned free_slots = 0, functions = 0, buses = 0;

        for (unsigned slot = root->first_slot; slot <= root->last_slot; slot++) {
                free_slots += layout_bus_is_free(root, slot);
                functions += count_port_functions(map, slot);
        }
        for (unsigned i = 1; i < LAYOUT_BUSES; i++)
                buses += map->bus[i].kind == LAYOUT_BUS_NONE;
        free_slots = free_slots > slots ? free_slots - slots : 0;
        return MIN(free_slots * LAYOUT_FUNCTIONS + functions, buses);
}

static bool is_ours(const LayoutMap *map, unsigned number, LayoutBusKind kind) {
        return map->bus[number].kind == kind && !layout_bus_is_behind_expander(map, number);
}

unsigned layout_bridge_count_free(const LayoutMap *map, LayoutBusKind kind) {
        unsigned n = 0;

        for (unsigned i = 0; i < LAYOUT_BUSES; i++) {
                const LayoutBus *bus = &map->bus[i];

                if (!is_ours(map, i, kind))
                        continue;
                for (unsigned slot = bus->first_slot; slot <= bus->last_slot; slot++)
                        n += layout_bus_is_free(bus, slot);
        }
        return n;
}

bool layout_bridge_has_bus(const LayoutMap *map, LayoutBusKind kind) {
        for (unsigned i = 0; i < LAYOUT_BUSES; i++) {
                if (is_ours(map, i, kind))
                        return true;
        }
        return false;
}

/* ---- slots ---- */

/* A bridge stands on a bus of a lower number: QEMU makes them in this order. */
static unsigned buses_for(const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;

        if (device->kind == DOMAIN_CONTROLLER && controller->type == CONTROLLER_PCI)
                return (unsigned)controller->index.value;
        return LAYOUT_BUSES;
}

static bool find_slot_below(const LayoutMap *map, unsigned buses, LayoutBusKind kind,
                            bool is_hotplug, DomainAddress *ret) {
        for (unsigned i = 0; i < buses; i++) {
                const LayoutBus *bus = &map->bus[i];
                int slot;

                if (!is_ours(map, i, kind) || (is_hotplug && !bus->is_hotpluggable))
                        continue;
                slot = layout_bus_free_slot(bus);
                if (slot < 0)
                        continue;
                ret->bus = DOMAIN_NUM(i);
                ret->slot = DOMAIN_NUM((unsigned)slot);
                return true;
        }
        return false;
}

bool layout_bridge_find_slot(const LayoutMap *map, const DomainDevice *device, LayoutBusKind kind,
                             bool is_hotplug, DomainAddress *ret) {
        return find_slot_below(map, buses_for(device), kind, is_hotplug, ret);
}

static int fail_full(const LayoutMap *map, const DomainDevice *device, Err *err) {
        g_autofree char *what = domain_device_describe(device);

        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "guest '%s' has no place left on its PCI buses for %s", map->def->name, what);
}

int layout_bridge_take_slot(LayoutMap *map, DomainDevice *device, LayoutBusKind kind, Err *err) {
        DomainAddress place;

        if (!layout_bridge_find_slot(map, device, kind, false, &place))
                return fail_full(map, device, err);
        layout_bus_set_address(device, (unsigned)place.bus.value, (unsigned)place.slot.value, 0);
        return layout_bus_reserve(map, device, err);
}

/* ---- ports and bridges ---- */

/* The lowest number that no bus has, above the bus that the bridge will be on. */
static int add_bus(LayoutMap *map, DomainDef *def, ControllerModel model, unsigned above,
                   DomainController **ret, Err *err) {
        DomainController *controller;
        unsigned index = above + 1;
        int r;

        while (index < LAYOUT_BUSES && map->bus[index].kind != LAYOUT_BUS_NONE)
                index++;
        if (index >= LAYOUT_BUSES)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "guest '%s' needs more than the %d PCI buses that a guest has",
                            def->name, LAYOUT_BUSES);
        controller = (DomainController *)domain_device_new(DOMAIN_CONTROLLER);
        controller->type = CONTROLLER_PCI;
        controller->model = model;
        controller->index = DOMAIN_NUM(index);
        g_ptr_array_add(def->devices.list[DOMAIN_CONTROLLER], controller);
        r = domain_defaults_fill_device(def, &controller->base, err);
        if (r < 0)
                return r;
        layout_bus_add(map, controller);
        *ret = controller;
        return 0;
}

int layout_bridge_place_root_port(LayoutMap *map, DomainDevice *device, Err *err) {
        int slot;

        for (unsigned s = map->bus[0].first_slot; s <= map->bus[0].last_slot; s++) {
                int function = find_port_function(map, s);

                if (function > 0) {
                        layout_bus_set_address(device, 0, s, (unsigned)function);
                        return layout_bus_reserve(map, device, err);
                }
        }
        slot = layout_bus_free_slot(&map->bus[0]);
        if (slot < 0)
                return fail_full(map, device, err);
        layout_bus_set_address(device, 0, (unsigned)slot, 0);
        device->address.multifunction = DOMAIN_SWITCH_ON;
        return layout_bus_reserve(map, device, err);
}

int layout_bridge_add_root_port(LayoutMap *map, DomainDef *def, Err *err) {
        DomainController *port = NULL;
        int r = add_bus(map, def, PCI_MODEL_PCIE_ROOT_PORT, 0, &port, err);

        return r < 0 ? r : layout_bridge_place_root_port(map, &port->base, err);
}

/* The port comes first, so that the bridge finds it on a bus of a lower number. */
int layout_bridge_add_conventional(LayoutMap *map, DomainDef *def, Err *err) {
        DomainController *bridge = NULL;
        DomainAddress place;
        int r = layout_bridge_add_root_port(map, def, err);

        if (r < 0)
                return r;
        if (!find_slot_below(map, LAYOUT_BUSES, LAYOUT_BUS_PORT, false, &place))
                return fail(err, VIR_ERR_INTERNAL_ERROR, "guest '%s' has no free PCI Express port",
                            def->name);
        r = add_bus(map, def, PCI_MODEL_PCIE_TO_PCI, (unsigned)place.bus.value, &bridge, err);
        return r < 0 ? r : layout_bridge_take_slot(map, &bridge->base, LAYOUT_BUS_PORT, err);
}

static int add_bridge(LayoutMap *map, DomainDef *def, Err *err) {
        DomainController *bridge = NULL;
        DomainAddress place;
        int r;

        if (!find_slot_below(map, LAYOUT_BUSES, LAYOUT_BUS_PCI, false, &place))
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "guest '%s' needs a PCI bridge, and no conventional slot is "
                                      "free for it",
                                      def->name),
                                 "take the <address> of one device out of the configuration, so "
                                 "that it moves behind the bridge");
        r = add_bus(map, def, PCI_MODEL_BRIDGE, (unsigned)place.bus.value, &bridge, err);
        return r < 0 ? r : layout_bridge_take_slot(map, &bridge->base, LAYOUT_BUS_PCI, err);
}

int layout_bridge_make_room(LayoutMap *map, DomainDef *def, unsigned n, Err *err) {
        while (layout_bridge_count_free(map, LAYOUT_BUS_PCI) <= n) {
                int r = add_bridge(map, def, err);

                if (r < 0)
                        return r;
        }
        return 0;
}
