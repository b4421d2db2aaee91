/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout/bus.h"

/* Functions of the board that no XML names: host bridge, ISA bridge, SMBus and ACPI (QEMU's
 * hw/i386/pc_piix.c and pc_q35.c). Slot 1 of q35 and slot 2 of pc wait for the first display, so
 * that one that comes later finds its usual place; layout_bus_map leaves them out of first_slot. */
static const struct {
        bool is_q35;
        unsigned slot, function;
} board[] = {
        {false, 0x00, 0}, {false, 0x01, 0}, {false, 0x01, 3},
        {true, 0x00, 0},  {true, 0x1f, 0},  {true, 0x1f, 3},
};

/* One line a model of PCI controller: the bus behind it. */
static const struct {
        LayoutBusKind kind;
        unsigned first_slot, last_slot;
        bool is_hotpluggable;
} models[] = {
        [PCI_MODEL_ROOT] = {LAYOUT_BUS_PCI, 0x03, 31, true},
        [PCI_MODEL_BRIDGE] = {LAYOUT_BUS_PCI, 1, 31, true},
        [PCI_MODEL_EXPANDER] = {LAYOUT_BUS_PCI, 0, 31, false},
        [PCI_MODEL_DMI_TO_PCI] = {LAYOUT_BUS_PCI, 1, 31, false},
        [PCI_MODEL_PCIE_ROOT] = {LAYOUT_BUS_PCIE_ROOT, 0x02, 31, false},
        [PCI_MODEL_PCIE_EXPANDER] = {LAYOUT_BUS_PCIE_ROOT, 0, 31, false},
        [PCI_MODEL_PCIE_ROOT_PORT] = {LAYOUT_BUS_PORT, 0, 0, true},
        [PCI_MODEL_PCIE_SWITCH_UP] = {LAYOUT_BUS_SWITCH, 0, 31, false},
        [PCI_MODEL_PCIE_SWITCH_DOWN] = {LAYOUT_BUS_PORT, 0, 0, true},
        [PCI_MODEL_PCIE_TO_PCI] = {LAYOUT_BUS_PCI, 1, 31, true},
};

void layout_bus_add(LayoutMap *map, const DomainController *controller) {
        LayoutBus *bus = &map->bus[controller->index.value];

        g_assert(controller->model > 0 && controller->model < G_N_ELEMENTS(models));
        bus->controller = controller;
        bus->kind = models[controller->model].kind;
        bus->first_slot = models[controller->model].first_slot;
        bus->last_slot = models[controller->model].last_slot;
        bus->is_hotpluggable = models[controller->model].is_hotpluggable &&
                               controller->target.hotplug != DOMAIN_SWITCH_OFF;
}

LayoutMap *layout_bus_map(const DomainDef *def) {
        LayoutMap *map = g_new0(LayoutMap, 1);

        map->def = def;
        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER) {
                if (controller->type == CONTROLLER_PCI)
                        layout_bus_add(map, controller);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(board); i++) {
                if (board[i].is_q35 == domain_def_is_q35(def))
                        map->bus[0].is_board[board[i].slot][board[i].function] = true;
        }
        return map;
}

bool layout_bus_is_behind_expander(const LayoutMap *map, unsigned number) {
        while (number > 0 && map->bus[number].kind != LAYOUT_BUS_NONE) {
                const DomainController *controller = map->bus[number].controller;
                const DomainAddress *address = &controller->base.address;

                if (layout_bus_is_expander(controller))
                        return true;
                if (!address->node.is_present || address->bus.value >= number)
                        return false;
                number = (unsigned)address->bus.value;
        }
        return false;
}

/* ---- where a device is at home ---- */

static LayoutHome controller_home(const DomainController *controller) {
        switch (controller->model) {
        case PCI_MODEL_BRIDGE:
                return LAYOUT_HOME_CONVENTIONAL;
        case PCI_MODEL_DMI_TO_PCI:
        case PCI_MODEL_EXPANDER:
        case PCI_MODEL_PCIE_EXPANDER:
        case PCI_MODEL_PCIE_ROOT_PORT:
                return LAYOUT_HOME_BOARD;
        case PCI_MODEL_PCIE_SWITCH_DOWN:
                return LAYOUT_HOME_DOWNSTREAM;
        case PCI_MODEL_PCIE_SWITCH_UP:
        case PCI_MODEL_PCIE_TO_PCI:
        case USB_MODEL_NEC_XHCI:
        case USB_MODEL_QEMU_XHCI:
                return LAYOUT_HOME_EXPRESS;
        case USB_MODEL_PIIX3_UHCI:
        case USB_MODEL_PIIX4_UHCI:
        case USB_MODEL_EHCI:
        case USB_MODEL_PCI_OHCI:
        case SCSI_MODEL_LSILOGIC:
        case SCSI_MODEL_LSISAS1068:
        case SCSI_MODEL_LSISAS1078:
        case SCSI_MODEL_VMPVSCSI:
        case SCSI_MODEL_DC390:
        case SCSI_MODEL_AM53C974:
        case VIRTIO_MODEL_TRANSITIONAL:
                return LAYOUT_HOME_CONVENTIONAL;
        case SCSI_MODEL_VIRTIO:
        case VIRTIO_MODEL_NON_TRANSITIONAL:
                return LAYOUT_HOME_EXPRESS;
        case CONTROLLER_MODEL_UNSET:
                return controller->type == CONTROLLER_VIRTIO_SERIAL ||
                                       controller->type == CONTROLLER_NVME
                               ? LAYOUT_HOME_EXPRESS
                               : LAYOUT_HOME_BOARD;
        default: /* ICH9's USB */
                return LAYOUT_HOME_BOARD;
        }
}

static LayoutHome interface_home(const DomainInterface *net) {
        switch (net->model.type) {
        case NET_MODEL_E1000:
        case NET_MODEL_RTL8139:
        case NET_MODEL_VIRTIO_TRANSITIONAL:
        case NET_MODEL_NE2K_PCI:
        case NET_MODEL_PCNET:
        case NET_MODEL_VMXNET3:
                return LAYOUT_HOME_CONVENTIONAL;
        default:
                return net->is_conventional ? LAYOUT_HOME_CONVENTIONAL : LAYOUT_HOME_EXPRESS;
        }
}

static LayoutHome sound_home(const DomainSound *sound) {
        if (sound->model == SOUND_VIRTIO)
                return LAYOUT_HOME_EXPRESS;
        return sound->model == SOUND_ICH9 ? LAYOUT_HOME_BOARD : LAYOUT_HOME_CONVENTIONAL;
}

/* The old side of virtio needs I/O ports, which PCI Express ports are short of. */
static LayoutHome virtio_home(VirtioForm form) {
        return form == VIRTIO_FORM_TRANSITIONAL ? LAYOUT_HOME_CONVENTIONAL : LAYOUT_HOME_EXPRESS;
}

static LayoutHome express_machine_home(const DomainDevice *device) {
        switch (device->kind) {
        case DOMAIN_CONTROLLER:
                return controller_home((const DomainController *)device);
        case DOMAIN_DISK:
                return virtio_home(((const DomainDisk *)device)->model);
        case DOMAIN_FILESYSTEM:
                return virtio_home(((const DomainFilesystem *)device)->model);
        case DOMAIN_INTERFACE:
                return interface_home((const DomainInterface *)device);
        case DOMAIN_SOUND:
                return sound_home((const DomainSound *)device);
        case DOMAIN_VIDEO:
                return ((const DomainVideo *)device)->model.type == VIDEO_VIRTIO
                               ? LAYOUT_HOME_EXPRESS
                               : LAYOUT_HOME_CONVENTIONAL;
        case DOMAIN_HOSTDEV:
                return ((const DomainHostdev *)device)->is_conventional ? LAYOUT_HOME_CONVENTIONAL
                                                                        : LAYOUT_HOME_EXPRESS;
        case DOMAIN_RNG:
                return virtio_home(((const DomainRng *)device)->model);
        case DOMAIN_VSOCK:
                return virtio_home(((const DomainVsock *)device)->model);
        case DOMAIN_MEMBALLOON:
                return ((const DomainMemballoon *)device)->model == BALLOON_TRANSITIONAL
                               ? LAYOUT_HOME_CONVENTIONAL
                               : LAYOUT_HOME_EXPRESS;
        case DOMAIN_IOMMU:
        case DOMAIN_PANIC:
                return LAYOUT_HOME_BOARD;
        case DOMAIN_WATCHDOG:
        case DOMAIN_SHMEM:
        case DOMAIN_CRYPTO:
        case DOMAIN_PSTORE:
        case DOMAIN_SERIAL: /* pci-serial */
                return LAYOUT_HOME_CONVENTIONAL;
        default:
                return LAYOUT_HOME_EXPRESS;
        }
}

LayoutHome layout_bus_home(const DomainDef *def, const DomainDevice *device) {
        if (!domain_device_is_pci(def, device))
                return LAYOUT_HOME_NONE;
        return domain_def_is_q35(def) ? express_machine_home(device) : LAYOUT_HOME_CONVENTIONAL;
}

/* ---- places ---- */

bool layout_bus_is_free(const LayoutBus *bus, unsigned slot) {
        for (unsigned function = 0; function < LAYOUT_FUNCTIONS; function++) {
                if (bus->holder[slot][function] || bus->is_board[slot][function])
                        return false;
        }
        return true;
}

int layout_bus_free_slot(const LayoutBus *bus) {
        if (bus->kind == LAYOUT_BUS_NONE)
                return -1;
        for (unsigned slot = bus->first_slot; slot <= bus->last_slot; slot++) {
                if (layout_bus_is_free(bus, slot))
                        return (int)slot;
        }
        return -1;
}

char *layout_bus_address_text(const DomainAddress *address) {
        return g_strdup_printf("%04x:%02x:%02x.%x", (unsigned)address->domain.value,
                               (unsigned)address->bus.value, (unsigned)address->slot.value,
                               (unsigned)address->function.value);
}

/* Bus 0 takes given addresses in the slots that we keep for the display, too. */
static bool is_slot_of(const LayoutBus *bus, unsigned number, unsigned slot) {
        return slot >= (number == 0 ? 1 : bus->first_slot) && slot <= bus->last_slot;
}

/* What stands on a bus of one kind only. */
static const struct BusRule {
        ControllerModel model;
        LayoutBusKind kind;
        const char *place;
} rules[] = {
        {PCI_MODEL_PCIE_ROOT_PORT, LAYOUT_BUS_PCIE_ROOT, "on a root bus"},
        {PCI_MODEL_DMI_TO_PCI, LAYOUT_BUS_PCIE_ROOT, "on a root bus"},
        {PCI_MODEL_PCIE_SWITCH_UP, LAYOUT_BUS_PORT, "behind a port"},
        {PCI_MODEL_PCIE_SWITCH_DOWN, LAYOUT_BUS_SWITCH, "behind an upstream port"},
};

static const struct BusRule *find_rule(const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;

        for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
                if (device->kind == DOMAIN_CONTROLLER && rules[i].model == controller->model)
                        return &rules[i];
        return NULL;
}

static int check_kind(const LayoutMap *map, const DomainDevice *device, const char *text,
                      Err *err) {
        const LayoutBus *bus = &map->bus[device->address.bus.value];
        const struct BusRule *rule = find_rule(device);
        g_autofree char *what = domain_device_describe(device);

        if (bus->kind == LAYOUT_BUS_SWITCH && (!rule || rule->kind != LAYOUT_BUS_SWITCH))
                return fail(err, VIR_ERR_XML_ERROR,
                            "the guest's PCI address %s of %s is behind an upstream port, which "
                            "takes downstream ports only",
                            text, what);
        if (rule && rule->kind != bus->kind)
                return fail(err, VIR_ERR_XML_ERROR, "the guest's PCI address %s of %s is not %s",
                            text, what, rule->place);
        if (device->kind == DOMAIN_CONTROLLER && device->address.bus.value > 0 &&
            layout_bus_is_expander((const DomainController *)device))
                return fail(err, VIR_ERR_XML_ERROR,
                            "the guest's PCI address %s of %s: an expander bus is on bus 0", text,
                            what);
        return 0;
}

static int check_place(const LayoutMap *map, const DomainDevice *device, const char *text,
                       Err *err) {
        const DomainAddress *address = &device->address;
        const LayoutBus *bus = &map->bus[address->bus.value];
        g_autofree char *what = domain_device_describe(device);

        if (address->domain.value != 0)
                return fail(err, VIR_ERR_XML_ERROR,
                            "the guest's PCI address %s of %s: a guest has domain 0 only", text,
                            what);
        if (bus->kind == LAYOUT_BUS_NONE)
                return fail_hint(err,
                                 fail(err, VIR_ERR_XML_ERROR,
                                      "the guest's PCI address %s of %s: there is no bus %u", text,
                                      what, (unsigned)address->bus.value),
                                 "add a <controller type='pci' index='%u' …/>",
                                 (unsigned)address->bus.value);
        if (!is_slot_of(bus, (unsigned)address->bus.value, (unsigned)address->slot.value))
                return fail(err, VIR_ERR_XML_ERROR,
                            "the guest's PCI address %s of %s: bus %u has slots %u to %u", text,
                            what, (unsigned)address->bus.value, bus->first_slot, bus->last_slot);
        return check_kind(map, device, text, err);
}

/* A slot with several functions needs function 0 to say so. */
static int check_multifunction(const LayoutBus *bus, const DomainDevice *device, const char *text,
                               Err *err) {
        unsigned slot = (unsigned)device->address.slot.value;
        const DomainDevice *zero =
                device->address.function.value == 0 ? device : bus->holder[slot][0];
        bool is_multi = device->address.function.value > 0;

        for (unsigned function = 1; function < LAYOUT_FUNCTIONS; function++)
                is_multi |= bus->holder[slot][function] != NULL;
        if (!is_multi || !zero || zero->address.multifunction != DOMAIN_SWITCH_OFF)
                return 0;
        return fail(err, VIR_ERR_XML_ERROR,
                    "the guest's PCI address %s: function 0 of the slot has multifunction='off'",
                    text);
}

int layout_bus_reserve(LayoutMap *map, const DomainDevice *device, Err *err) {
        const DomainAddress *address = &device->address;
        g_autofree char *text = layout_bus_address_text(address);
        g_autofree char *what = domain_device_describe(device);
        g_autofree char *other = NULL;
        const DomainDevice **holder;
        LayoutBus *bus;
        int r;

        r = check_place(map, device, text, err);
        if (r < 0)
                return r;
        bus = &map->bus[address->bus.value];
        holder = &bus->holder[address->slot.value][address->function.value];
        if (bus->is_board[address->slot.value][address->function.value])
                return fail(err, VIR_ERR_XML_ERROR,
                            "the guest's PCI address %s of %s belongs to the machine itself", text,
                            what);
        if (*holder) {
                other = domain_device_describe(*holder);
                return fail(err, VIR_ERR_XML_ERROR,
                            "the guest's PCI address %s of %s is held by %s", text, what, other);
        }
        r = check_multifunction(bus, device, text, err);
        if (r < 0)
                return r;
        *holder = device;
        return 0;
}

void layout_bus_set_address(DomainDevice *device, unsigned bus, unsigned slot, unsigned function) {
        DomainAddress *address = &device->address;

        address->node.is_present = true;
        address->type = DOMAIN_ADDRESS_PCI;
        address->domain = DOMAIN_NUM(0);
        address->bus = DOMAIN_NUM(bus);
        address->slot = DOMAIN_NUM(slot);
        address->function = DOMAIN_NUM(function);
}
