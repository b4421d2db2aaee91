/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout/assign.h"

#include "domain/defaults.h"
#include "layout/bus.h"
#include "layout/drive.h"

/* First slot of bus 0 where the display is looked for. */
#define VIDEO_SLOT_PC  0x02
#define VIDEO_SLOT_Q35 0x01

static int fail_full(const LayoutMap *map, const DomainDevice *device, Err *err) {
        g_autofree char *what = domain_device_describe(device);

        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "guest '%s' has no place left on its PCI buses for %s", map->def->name, what);
}

/* ---- places that a machine gives some devices ---- */

typedef struct Usual {
        bool is_q35;
        ControllerType type;
        ControllerModel model;
        unsigned slot, function;
        bool is_board; /* a part of the machine: nowhere else */
} Usual;

static const Usual usuals[] = {
        {true, CONTROLLER_SATA, CONTROLLER_MODEL_UNSET, 0x1f, 2, true},
        {false, CONTROLLER_IDE, CONTROLLER_MODEL_UNSET, 0x01, 1, true},
        {false, CONTROLLER_USB, USB_MODEL_PIIX3_UHCI, 0x01, 2, false},
        {true, CONTROLLER_USB, USB_MODEL_ICH9_EHCI1, 0x1d, 7, false},
        {true, CONTROLLER_USB, USB_MODEL_ICH9_UHCI1, 0x1d, 0, false},
        {true, CONTROLLER_USB, USB_MODEL_ICH9_UHCI2, 0x1d, 1, false},
        {true, CONTROLLER_USB, USB_MODEL_ICH9_UHCI3, 0x1d, 2, false},
};

static const Usual *find_usual(const DomainDef *def, const DomainController *controller) {
        for (size_t i = 0; i < G_N_ELEMENTS(usuals); i++) {
                if (usuals[i].is_q35 == domain_def_is_q35(def) &&
                    usuals[i].type == controller->type && usuals[i].model == controller->model &&
                    controller->index.value == 0)
                        return &usuals[i];
        }
        return NULL;
}

static bool is_taken(const LayoutMap *map, unsigned slot, unsigned function) {
        return map->bus[0].holder[slot][function] || map->bus[0].is_board[slot][function];
}

static int check_board(const DomainDevice *device, const Usual *usual, Err *err) {
        const DomainAddress *address = &device->address;

        if (address->bus.value == 0 && address->slot.value == usual->slot &&
            address->function.value == usual->function)
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "<controller> at line %u is a part of the machine, at 0000:00:%02x.%x",
                    device->node.line, usual->slot, usual->function);
}

static int place_usual(LayoutMap *map, DomainController *controller, Err *err) {
        const Usual *usual = find_usual(map->def, controller);
        DomainDevice *device = &controller->base;

        if (!usual)
                return 0;
        if (device->address.node.is_present)
                return usual->is_board ? check_board(device, usual, err) : 0;
        if (is_taken(map, usual->slot, usual->function) && !usual->is_board)
                return 0;
        layout_bus_set_address(device, 0, usual->slot, usual->function);
        if (usual->function == 0)
                device->address.multifunction = DOMAIN_SWITCH_ON;
        return layout_bus_reserve(map, device, err);
}

static int place_usuals(LayoutMap *map, Err *err) {
        const GPtrArray *videos = map->def->devices.list[DOMAIN_VIDEO];
        unsigned slot = domain_def_is_q35(map->def) ? VIDEO_SLOT_Q35 : VIDEO_SLOT_PC;
        DomainDevice *video = videos->len > 0 ? videos->pdata[0] : NULL;

        DOMAIN_FOREACH(DomainController, controller, map->def, DOMAIN_CONTROLLER) {
                int r = place_usual(map, controller, err);

                if (r < 0)
                        return r;
        }
        if (!video || !domain_device_is_pci(map->def, video) || video->address.node.is_present ||
            !layout_bus_is_free(&map->bus[0], slot))
                return 0;
        layout_bus_set_address(video, 0, slot, 0);
        return layout_bus_reserve(map, video, err);
}

/* ---- new buses ---- */

static int add_bus(LayoutMap *map, DomainDef *def, ControllerModel model, DomainController **ret,
                   Err *err) {
        DomainController *controller;
        unsigned index = 0;
        int r;

        while (index < LAYOUT_BUSES && map->bus[index].kind != LAYOUT_BUS_NONE)
                index++;
        if (index == LAYOUT_BUSES)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "guest '%s' has %d PCI buses already",
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

/* A function in a slot of bus 0 that holds root ports of ours and has room; -1: none. */
static int find_port_function(const LayoutMap *map, unsigned slot) {
        const LayoutBus *root = &map->bus[0];
        const DomainController *first = (const DomainController *)root->holder[slot][0];

        if (!first || first->base.kind != DOMAIN_CONTROLLER ||
            first->model != PCI_MODEL_PCIE_ROOT_PORT ||
            first->base.address.multifunction != DOMAIN_SWITCH_ON)
                return -1;
        for (int function = 1; function < LAYOUT_FUNCTIONS; function++) {
                if (!root->holder[slot][function])
                        return function;
        }
        return -1;
}

/* Root ports share slots of bus 0, eight to one, so that 200 and more fit. */
static int place_root_port(LayoutMap *map, DomainDevice *device, Err *err) {
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

static int add_root_port(LayoutMap *map, DomainDef *def, Err *err) {
        DomainController *port = NULL;
        int r = add_bus(map, def, PCI_MODEL_PCIE_ROOT_PORT, &port, err);

        return r < 0 ? r : place_root_port(map, &port->base, err);
}

/* ---- one slot for a device, or for a card's functions ---- */

/* A bridge stands on a bus of a lower number: QEMU makes them in this order. */
static unsigned buses_for(const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;

        if (device->kind == DOMAIN_CONTROLLER && controller->type == CONTROLLER_PCI)
                return (unsigned)controller->index.value;
        return LAYOUT_BUSES;
}

static bool find_slot(const LayoutMap *map, const DomainDevice *device, LayoutBusKind kind,
                      bool is_hotplug, unsigned *ret_bus, unsigned *ret_slot) {
        for (unsigned i = 0; i < buses_for(device); i++) {
                const LayoutBus *bus = &map->bus[i];
                int slot;

                if (bus->kind != kind || (is_hotplug && !bus->is_hotpluggable))
                        continue;
                slot = layout_bus_free_slot(bus);
                if (slot < 0)
                        continue;
                *ret_bus = i;
                *ret_slot = (unsigned)slot;
                return true;
        }
        return false;
}

static int take_slot(LayoutMap *map, DomainDevice *device, LayoutBusKind kind, Err *err) {
        unsigned bus, slot;

        if (!find_slot(map, device, kind, false, &bus, &slot))
                return fail_full(map, device, err);
        layout_bus_set_address(device, bus, slot, 0);
        return layout_bus_reserve(map, device, err);
}

static int place_express(LayoutMap *map, DomainDef *def, DomainDevice *device, Err *err) {
        unsigned bus, slot;

        if (!find_slot(map, device, LAYOUT_BUS_PORT, false, &bus, &slot)) {
                int r = add_root_port(map, def, err);

                if (r < 0)
                        return r;
        }
        return take_slot(map, device, LAYOUT_BUS_PORT, err);
}

/* The port comes first, so that the bridge finds it on a bus of a lower number. */
static int add_conventional_bus(LayoutMap *map, DomainDef *def, Err *err) {
        DomainController *bridge = NULL;
        int r;

        r = add_root_port(map, def, err);
        if (r < 0)
                return r;
        r = add_bus(map, def, PCI_MODEL_PCIE_TO_PCI, &bridge, err);
        return r < 0 ? r : take_slot(map, &bridge->base, LAYOUT_BUS_PORT, err);
}

static int place_conventional(LayoutMap *map, DomainDef *def, DomainDevice *device, Err *err) {
        unsigned bus, slot;

        if (domain_def_is_q35(def) && !find_slot(map, device, LAYOUT_BUS_PCI, false, &bus, &slot)) {
                int r = add_conventional_bus(map, def, err);

                if (r < 0)
                        return r;
        }
        return take_slot(map, device, LAYOUT_BUS_PCI, err);
}

static int place(LayoutMap *map, DomainDef *def, DomainDevice *device, Err *err) {
        const DomainController *controller = (const DomainController *)device;

        switch (layout_bus_home(def, device)) {
        case LAYOUT_HOME_EXPRESS:
                return place_express(map, def, device, err);
        case LAYOUT_HOME_CONVENTIONAL:
                return place_conventional(map, def, device, err);
        case LAYOUT_HOME_DOWNSTREAM:
                return take_slot(map, device, LAYOUT_BUS_SWITCH, err);
        default:
                if (device->kind == DOMAIN_CONTROLLER &&
                    controller->model == PCI_MODEL_PCIE_ROOT_PORT)
                        return place_root_port(map, device, err);
                return take_slot(map, device, LAYOUT_BUS_PCIE_ROOT, err);
        }
}

/* ---- functions of one host card ---- */

static bool is_unplaced(const DomainDef *def, const DomainDevice *device) {
        return domain_device_is_pci(def, device) && !device->address.node.is_present;
}

static bool is_same_card(const DomainHostdev *a, const DomainHostdev *b) {
        PciAddr first = domain_hostdev_addr(a), second = domain_hostdev_addr(b);

        first.function = second.function = 0;
        return pci_addr_is_equal(first, second);
}

static int compare_functions(gconstpointer a, gconstpointer b) {
        return pci_addr_compare(domain_hostdev_addr(*(DomainHostdev *const *)a),
                                domain_hostdev_addr(*(DomainHostdev *const *)b));
}

/* The functions of hostdev's card that want a place, in the host's order. */
static GPtrArray *find_card(const DomainDef *def, const DomainHostdev *hostdev) {
        GPtrArray *card = g_ptr_array_new();

        DOMAIN_FOREACH(DomainHostdev, other, def, DOMAIN_HOSTDEV) {
                if (is_unplaced(def, &other->base) && is_same_card(other, hostdev))
                        g_ptr_array_add(card, other);
        }
        g_ptr_array_sort(card, compare_functions);
        return card;
}

static int place_hostdev(LayoutMap *map, DomainDef *def, DomainHostdev *hostdev, Err *err) {
        g_autoptr(GPtrArray) card = find_card(def, hostdev);
        DomainDevice *first = card->pdata[0];
        int r;

        r = place(map, def, first, err);
        if (r < 0 || card->len == 1)
                return r;
        first->address.multifunction = DOMAIN_SWITCH_ON;
        for (guint i = 1; i < card->len; i++) {
                DomainDevice *device = card->pdata[i];

                layout_bus_set_address(device, (unsigned)first->address.bus.value,
                                       (unsigned)first->address.slot.value, i);
                r = layout_bus_reserve(map, device, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the whole guest ---- */

/* Buses that an address names and no controller makes. */
static int add_named_buses(DomainDef *def, Err *err) {
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        DomainController *controller;
                        int r;

                        if (device->address.type != DOMAIN_ADDRESS_PCI ||
                            device->address.bus.value == 0 ||
                            domain_def_find_bus(def, (unsigned)device->address.bus.value))
                                continue;
                        controller = (DomainController *)domain_device_new(DOMAIN_CONTROLLER);
                        controller->type = CONTROLLER_PCI;
                        controller->index = device->address.bus;
                        g_ptr_array_add(def->devices.list[DOMAIN_CONTROLLER], controller);
                        r = domain_defaults_fill_device(def, &controller->base, err);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int check_given(const DomainDef *def, const DomainDevice *device, Err *err) {
        g_autofree char *what = NULL;

        if (device->address.bus.value < buses_for(device))
                return 0;
        what = domain_device_describe(device);
        return fail(err, VIR_ERR_XML_ERROR,
                    "PCI %s of guest '%s' is on bus %u: a bridge stands on a bus of a lower number "
                    "than its own",
                    what, def->name, (unsigned)device->address.bus.value);
}

static int reserve_given(LayoutMap *map, Err *err) {
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, map->def, kind) {
                        int r;

                        if (!domain_device_is_pci(map->def, device) ||
                            !device->address.node.is_present)
                                continue;
                        if (device->address.type != DOMAIN_ADDRESS_PCI)
                                return fail(err, VIR_ERR_XML_ERROR,
                                            "<%s> at line %u needs an address of type 'pci'",
                                            domain_device_kind_to_string(kind), device->node.line);
                        r = check_given(map->def, device, err);
                        if (r < 0)
                                return r;
                        r = layout_bus_reserve(map, device, err);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* Slots that the unplaced devices of a pc guest will take. */
static unsigned count_wanted(const DomainDef *def) {
        unsigned n = 0;

        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        g_autoptr(GPtrArray) card = NULL;

                        if (!is_unplaced(def, device))
                                continue;
                        if (kind == DOMAIN_HOSTDEV)
                                card = find_card(def, (const DomainHostdev *)device);
                        n += !card || card->pdata[0] == device;
                }
        }
        return n;
}

static unsigned count_free(const LayoutMap *map, LayoutBusKind kind) {
        unsigned n = 0;

        for (unsigned i = 0; i < LAYOUT_BUSES; i++) {
                const LayoutBus *bus = &map->bus[i];

                for (unsigned slot = bus->first_slot; bus->kind == kind && slot <= bus->last_slot;
                     slot++)
                        n += layout_bus_is_free(bus, slot);
        }
        return n;
}

/* On pc, a bridge needs a slot of the bus before it: all are made before the last slot goes. */
static int add_bridges(LayoutMap *map, DomainDef *def, Err *err) {
        while (count_free(map, LAYOUT_BUS_PCI) < count_wanted(def)) {
                DomainController *bridge = NULL;
                int r = add_bus(map, def, PCI_MODEL_BRIDGE, &bridge, err);

                if (r < 0)
                        return r;
                r = take_slot(map, &bridge->base, LAYOUT_BUS_PCI, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int place_kind(LayoutMap *map, DomainDef *def, DomainDeviceKind kind, Err *err) {
        DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                int r;

                if (!is_unplaced(def, device))
                        continue;
                r = kind == DOMAIN_HOSTDEV ? place_hostdev(map, def, (DomainHostdev *)device, err)
                                           : place(map, def, device, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Controllers that are buses come before the devices that sit on them. */
static int place_buses(LayoutMap *map, DomainDef *def, Err *err) {
        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER) {
                int r;

                if (controller->type != CONTROLLER_PCI || !is_unplaced(def, &controller->base))
                        continue;
                r = place(map, def, &controller->base, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int place_all(LayoutMap *map, DomainDef *def, Err *err) {
        static const DomainDeviceKind order[] = {
                DOMAIN_INTERFACE,  DOMAIN_SOUND, DOMAIN_CONTROLLER, DOMAIN_DISK,  DOMAIN_HOSTDEV,
                DOMAIN_MEMBALLOON, DOMAIN_RNG,   DOMAIN_VIDEO,      DOMAIN_INPUT, DOMAIN_WATCHDOG,
        };
        int r;

        r = place_buses(map, def, err);
        if (r < 0)
                return r;
        r = domain_def_is_q35(def) ? 0 : add_bridges(map, def, err);
        for (size_t i = 0; i < G_N_ELEMENTS(order) && r == 0; i++)
                r = place_kind(map, def, order[i], err);
        return r;
}

static bool has_root_ports(const DomainDef *def) {
        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER) {
                if (controller->model == PCI_MODEL_PCIE_ROOT_PORT)
                        return true;
        }
        return false;
}

static int add_spares(LayoutMap *map, DomainDef *def, Err *err) {
        while (count_free(map, LAYOUT_BUS_PORT) < LAYOUT_SPARE_PORTS) {
                int r = add_root_port(map, def, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* The guest reads a port's number from its capabilities; within a root complex it is unique. */
static void number_ports(DomainDef *def) {
        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER) {
                const DomainAddress *address = &controller->base.address;

                if (controller->target.port.is_set)
                        continue;
                if (controller->model == PCI_MODEL_PCIE_ROOT_PORT)
                        controller->target.port =
                                DOMAIN_NUM(address->slot.value << 3 | address->function.value);
                else if (controller->model == PCI_MODEL_PCIE_SWITCH_DOWN)
                        controller->target.port = address->slot;
        }
}

/* The first of several functions in a slot says that there are more. */
static void mark_multifunction(LayoutMap *map, DomainDef *def) {
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        const DomainAddress *address = &device->address;

                        if (address->type != DOMAIN_ADDRESS_PCI || address->function.value != 0 ||
                            address->multifunction)
                                continue;
                        for (int function = 1; function < LAYOUT_FUNCTIONS; function++) {
                                if (map->bus[address->bus.value]
                                            .holder[address->slot.value][function])
                                        device->address.multifunction = DOMAIN_SWITCH_ON;
                        }
                }
        }
}

int layout_assign(DomainDef *def, Err *err) {
        bool wants_spares = domain_def_is_q35(def) && !has_root_ports(def);
        g_autofree LayoutMap *map = NULL;
        int r;

        r = layout_drive_assign(def, err);
        if (r < 0)
                return r;
        r = add_named_buses(def, err);
        if (r < 0)
                return r;
        map = layout_bus_map(def);
        r = reserve_given(map, err);
        if (r < 0)
                return r;
        r = place_usuals(map, err);
        if (r < 0)
                return r;
        r = place_all(map, def, err);
        if (r < 0)
                return r;
        r = wants_spares ? add_spares(map, def, err) : 0;
        if (r < 0)
                return r;
        number_ports(def);
        mark_multifunction(map, def);
        return 0;
}

/* ---- hot-plug ---- */

static int check_plug(LayoutMap *map, const DomainDevice *device, Err *err) {
        const DomainAddress *address = &device->address;
        int r = layout_bus_reserve(map, device, err);

        if (r < 0)
                return r;
        if (!map->bus[address->bus.value].is_hotpluggable)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "bus %u of guest '%s' takes no device while the guest runs",
                            (unsigned)address->bus.value, map->def->name);
        if (address->function.value != 0)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "a device is plugged in as function 0 of a slot, not %u",
                            (unsigned)address->function.value);
        return 0;
}

int layout_find_free(const DomainDef *def, DomainDevice *device, Err *err) {
        g_autofree LayoutMap *map = layout_bus_map(def);
        bool is_express = layout_bus_home(def, device) == LAYOUT_HOME_EXPRESS;
        g_autofree char *what = domain_device_describe(device);
        unsigned bus, slot;
        int r;

        if (!domain_device_is_pci(def, device))
                return 0;
        r = reserve_given(map, err);
        if (r < 0)
                return r;
        if (device->address.node.is_present)
                return check_plug(map, device, err);
        /* A conventional device works in a root port too, which is where q35 has room to spare. */
        if (!(!is_express && find_slot(map, device, LAYOUT_BUS_PCI, true, &bus, &slot)) &&
            !find_slot(map, device, LAYOUT_BUS_PORT, true, &bus, &slot))
                return fail_hint(
                        err,
                        fail(err, VIR_ERR_OPERATION_FAILED, "guest '%s' has no free %s for %s",
                             def->name, is_express ? "PCI Express port" : "PCI slot", what),
                        "add it to the configuration (--config): the next start has a place "
                        "for it");
        layout_bus_set_address(device, bus, slot, 0);
        return 0;
}
