/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout/assign.h"

#include "domain/defaults.h"
#include "layout/bridge.h"
#include "layout/drive.h"
#include "layout/usb.h"

/* First slot of bus 0 where the display is looked for. */
#define VIDEO_SLOT_PC  0x02
#define VIDEO_SLOT_Q35 0x01

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

/* ---- what waits for a place ---- */

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

static bool is_first_of_card(const DomainDef *def, const DomainDevice *device) {
        g_autoptr(GPtrArray) card = NULL;

        if (device->kind != DOMAIN_HOSTDEV)
                return true;
        card = find_card(def, (const DomainHostdev *)device);
        return card->pdata[0] == device;
}

/* Slots that the unplaced devices will take, by their home. */
typedef struct Wanted {
        unsigned n[_LAYOUT_HOME_MAX];
} Wanted;

static Wanted count_wanted(const DomainDef *def) {
        Wanted wanted = {};

        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        if (is_unplaced(def, device) && is_first_of_card(def, device))
                                wanted.n[layout_bus_home(def, device)]++;
                }
        }
        return wanted;
}

/* ---- one slot for a device, or for a card's functions ---- */

/* Root ports that devices may take: what is at home on bus 0 keeps its slots, and one port waits
 * for the bridge to conventional slots, where there is none yet. */
static unsigned count_ports(const LayoutMap *map, const Wanted *wanted) {
        unsigned ports = layout_bridge_count_ports(map, wanted->n[LAYOUT_HOME_BOARD]);

        if (layout_bridge_has_bus(map, LAYOUT_BUS_PCI))
                return ports;
        return ports > 0 ? ports - 1 : 0;
}

static int place_conventional(LayoutMap *map, DomainDef *def, DomainDevice *device, Err *err) {
        if (domain_def_is_q35(def) && layout_bridge_count_free(map, LAYOUT_BUS_PCI) == 0) {
                int r = layout_bridge_add_conventional(map, def, err);

                if (r < 0)
                        return r;
        }
        return layout_bridge_take_slot(map, device, LAYOUT_BUS_PCI, err);
}

/* A device that finds no port goes where the conventional ones are: it works there as well. */
static int place_express(LayoutMap *map, DomainDef *def, DomainDevice *device, Err *err) {
        if (layout_bridge_count_free(map, LAYOUT_BUS_PORT) == 0) {
                Wanted wanted = count_wanted(def);
                int r;

                if (count_ports(map, &wanted) == 0)
                        return place_conventional(map, def, device, err);
                r = layout_bridge_add_root_port(map, def, err);
                if (r < 0)
                        return r;
        }
        return layout_bridge_take_slot(map, device, LAYOUT_BUS_PORT, err);
}

static int place(LayoutMap *map, DomainDef *def, DomainDevice *device, Err *err) {
        const DomainController *controller = (const DomainController *)device;

        switch (layout_bus_home(def, device)) {
        case LAYOUT_HOME_EXPRESS:
                return place_express(map, def, device, err);
        case LAYOUT_HOME_CONVENTIONAL:
                return place_conventional(map, def, device, err);
        case LAYOUT_HOME_DOWNSTREAM:
                return layout_bridge_take_slot(map, device, LAYOUT_BUS_SWITCH, err);
        default:
                if (device->kind == DOMAIN_CONTROLLER &&
                    controller->model == PCI_MODEL_PCIE_ROOT_PORT)
                        return layout_bridge_place_root_port(map, device, err);
                return layout_bridge_take_slot(map, device, LAYOUT_BUS_PCIE_ROOT, err);
        }
}

/* ---- functions of one host card ---- */

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
        const DomainController *controller = (const DomainController *)device;
        bool is_bus = device->kind == DOMAIN_CONTROLLER && controller->type == CONTROLLER_PCI;
        g_autofree char *what = NULL;

        if (!is_bus || device->address.bus.value < controller->index.value)
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

/* Conventional slots for all that needs one, made before the last of them goes: on pc all devices,
 * on q35 the conventional ones and those that find no root port. */
static int make_room(LayoutMap *map, DomainDef *def, Err *err) {
        Wanted wanted = count_wanted(def);
        unsigned n = wanted.n[LAYOUT_HOME_CONVENTIONAL], ports;

        if (domain_def_is_q35(def)) {
                ports = count_ports(map, &wanted) + layout_bridge_count_free(map, LAYOUT_BUS_PORT);
                if (wanted.n[LAYOUT_HOME_EXPRESS] > ports)
                        n += wanted.n[LAYOUT_HOME_EXPRESS] - ports;
                if (n > 0 && !layout_bridge_has_bus(map, LAYOUT_BUS_PCI)) {
                        int r = n < LAYOUT_SLOTS - 1
                                        ? 0
                                        : layout_bridge_add_conventional(map, def, err);

                        if (r < 0 || n < LAYOUT_SLOTS - 1)
                                return r;
                }
        }
        return n > 0 ? layout_bridge_make_room(map, def, n, err) : 0;
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
                DOMAIN_FILESYSTEM, DOMAIN_INTERFACE, DOMAIN_SOUND,      DOMAIN_CONTROLLER,
                DOMAIN_DISK,       DOMAIN_HOSTDEV,   DOMAIN_MEMBALLOON, DOMAIN_RNG,
                DOMAIN_VIDEO,      DOMAIN_INPUT,     DOMAIN_WATCHDOG,   DOMAIN_SHMEM,
                DOMAIN_PANIC,      DOMAIN_CRYPTO,    DOMAIN_IOMMU,      DOMAIN_VSOCK,
                DOMAIN_PSTORE,     DOMAIN_SERIAL,
        };
        int r;

        r = place_buses(map, def, err);
        if (r < 0)
                return r;
        r = make_room(map, def, err);
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

static int add_spares(LayoutMap *map, DomainDef *def, unsigned n, Err *err) {
        static const Wanted nothing;

        while (layout_bridge_count_free(map, LAYOUT_BUS_PORT) < n && count_ports(map, &nothing)) {
                int r = layout_bridge_add_root_port(map, def, err);

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

int layout_assign(DomainDef *def, const LayoutOptions *options, Err *err) {
        unsigned spares = options ? options->spare_ports : LAYOUT_SPARE_PORTS;
        bool wants_spares = domain_def_is_q35(def) && !has_root_ports(def);
        g_autofree LayoutMap *map = NULL;
        int r;

        r = layout_drive_assign(def, err);
        if (r < 0)
                return r;
        r = layout_usb_assign(def, err);
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
        r = wants_spares ? add_spares(map, def, spares, err) : 0;
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

/* The last conventional slot is for the bridge that the next start may need. */
static bool find_plug_slot(const LayoutMap *map, const DomainDevice *device, bool is_express,
                           DomainAddress *ret) {
        /* A conventional device works in a root port too, which is where q35 has room to spare. */
        if (!is_express && layout_bridge_count_free(map, LAYOUT_BUS_PCI) > 1 &&
            layout_bridge_find_slot(map, device, LAYOUT_BUS_PCI, true, ret))
                return true;
        return layout_bridge_find_slot(map, device, LAYOUT_BUS_PORT, true, ret);
}

int layout_find_free(const DomainDef *def, DomainDevice *device, Err *err) {
        g_autofree LayoutMap *map = layout_bus_map(def);
        bool is_express = layout_bus_home(def, device) == LAYOUT_HOME_EXPRESS;
        g_autofree char *what = domain_device_describe(device);
        DomainAddress place;
        int r;

        if (domain_device_is_usb(device))
                return layout_usb_find_free(def, device, err);
        if (!domain_device_is_pci(def, device))
                return layout_drive_find_free(def, device, err);
        r = reserve_given(map, err);
        if (r < 0)
                return r;
        if (device->address.node.is_present)
                return check_plug(map, device, err);
        if (!find_plug_slot(map, device, is_express, &place))
                return fail_hint(
                        err,
                        fail(err, VIR_ERR_OPERATION_FAILED, "guest '%s' has no free %s for %s",
                             def->name, is_express ? "PCI Express port" : "PCI slot", what),
                        "add it to the configuration (--config): the next start has a place "
                        "for it");
        layout_bus_set_address(device, (unsigned)place.bus.value, (unsigned)place.slot.value, 0);
        return 0;
}
