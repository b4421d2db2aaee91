/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest of some hundred PCI devices needs, found by starting QEMU 7.2 and 10.0 with them:
 *
 * - While QEMU makes the devices of its command line it frees none of its maps of the address space
 *   (they go by RCU, which the main loop lets run). Each virtio device has a map of its own, and
 *   each new device makes all of them anew: 200 devices take 3 GB, 900 would take 60. Devices that
 *   are plugged in by QMP before the guest's first instruction take nothing.
 * - A map has room for 4096 sections (system/physmem.c, phys_section_add) and QEMU ends when they
 *   are used up. A virtio device takes seven, three of them for MSI-X.
 * - SeaBIOS has 36 KB of I/O ports for windows of bridges, 4 KB each (src/fw/pciinit.c), and halts
 *   when these are used up. A bridge that announces hot-plug by SHPC gets a window although nothing
 *   behind it has I/O ports; a PCI Express port gets one for a device that has some.
 *
 * All of this hangs on addresses alone, so that a guest that grows keeps the hardware it has. */
#include "qemu/args-part.h"

#include <string.h>

/* Devices on the command line; those behind them come by QMP. */
#define EARLY_DEVICES 48

/* Sections that are handed out: the rest is for memory, the board and what is plugged in later. */
#define SECTIONS        3600
#define SECTIONS_MAX    4000 /* over that the guest's firmware would end QEMU */
#define SECTIONS_DEVICE 4    /* of a virtio device without MSI-X */
#define SECTIONS_MSIX   3    /* a PCI Express port takes these only */

/* Bridges that have a window for I/O ports. */
#define IO_BRIDGES 7

/* A guest as one of its devices sees it. */
typedef struct Crowd {
        unsigned devices, bridges;
        unsigned devices_before, bridges_before; /* of a lower address, of a lower bus number */
} Crowd;

static bool is_bridge(const DomainDevice *device) {
        return device->kind == DOMAIN_CONTROLLER &&
               ((const DomainController *)device)->type == CONTROLLER_PCI;
}

static uint64_t place(const DomainAddress *address) {
        return address->bus.value << 8 | address->slot.value << 3 | address->function.value;
}

/* bus: a bridge counts as before when its own number is lower. */
static Crowd count_crowd(const DomainDef *def, const DomainDevice *device, uint64_t bus) {
        Crowd crowd = {};

        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, other, def, kind) {
                        if (!domain_device_is_pci(def, other))
                                continue;
                        if (is_bridge(other)) {
                                crowd.bridges++;
                                crowd.bridges_before +=
                                        ((DomainController *)other)->index.value < bus;
                        } else {
                                crowd.devices++;
                                crowd.devices_before +=
                                        place(&other->address) < place(&device->address);
                        }
                }
        }
        return crowd;
}

/* ---- sections and I/O ports ---- */

static bool has_room_for_msix(const Crowd *crowd) {
        unsigned taken = crowd->devices * SECTIONS_DEVICE + crowd->bridges * SECTIONS_MSIX;

        return taken < SECTIONS && crowd->devices_before < (SECTIONS - taken) / SECTIONS_MSIX;
}

static bool is_conventional(const DomainDef *def, unsigned bus) {
        const DomainController *controller = domain_def_find_bus(def, bus);

        return controller && controller->model != PCI_MODEL_PCIE_ROOT_PORT &&
               controller->model != PCI_MODEL_PCIE_SWITCH_DOWN;
}

static void suit_virtio(const DomainDef *def, const DomainDevice *device, json_t *object) {
        unsigned bus = (unsigned)device->address.bus.value;
        Crowd crowd = count_crowd(def, device, bus);
        const char *driver = json_string_value(json_object_get(object, "driver"));

        if (!has_room_for_msix(&crowd) && !json_object_get(object, "vectors"))
                SET_INT(object, "vectors", 0);
        if (crowd.bridges_before >= IO_BRIDGES && is_conventional(def, bus) &&
            !strstr(driver, "transitional") && !json_object_get(object, "disable-legacy"))
                SET_STRING(object, "disable-legacy", "on");
}

/* Devices that may have I/O ports, on bus. */
static bool has_ports_behind(const DomainDef *def, uint64_t bus) {
        static const DomainDeviceKind kinds[] = {DOMAIN_HOSTDEV, DOMAIN_INTERFACE, DOMAIN_VIDEO};

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kinds[i])
                        if (domain_device_is_pci(def, device) && device->address.bus.value == bus)
                                return true;
        }
        return false;
}

static void suit_bridge(const DomainDef *def, const DomainController *controller, json_t *object) {
        Crowd crowd = count_crowd(def, &controller->base, controller->index.value);

        if (crowd.bridges_before < IO_BRIDGES)
                return;
        if (controller->model == PCI_MODEL_BRIDGE && !controller->target.hotplug)
                SET_BOOL(object, "shpc", false);
        if (g_strcmp0(controller->model_name.text, "pcie-root-port") == 0 &&
            has_ports_behind(def, controller->index.value))
                SET_INT(object, "io-reserve", 0);
}

void qemu_args_suit_crowd(const DomainDef *def, const DomainDevice *device, json_t *object) {
        const char *driver = json_string_value(json_object_get(object, "driver"));

        if (is_bridge(device))
                suit_bridge(def, (const DomainController *)device, object);
        else if (g_str_has_prefix(driver, "virtio-"))
                suit_virtio(def, device, object);
}

int qemu_args_check_crowd(const DomainDef *def, Err *err) {
        static const DomainDevice nobody;
        Crowd crowd = count_crowd(def, &nobody, 0);

        if (crowd.devices * SECTIONS_DEVICE + crowd.bridges * SECTIONS_MSIX <= SECTIONS_MAX)
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "guest '%s' has %u PCI devices behind %u ports and bridges, more than QEMU can "
                    "map into a guest's memory",
                    def->name, crowd.devices, crowd.bridges);
}

/* ---- before the guest's first instruction ---- */

static bool takes_plug(const DomainDef *def, unsigned bus) {
        const DomainController *controller = domain_def_find_bus(def, bus);

        if (!controller || controller->target.hotplug == DOMAIN_SWITCH_OFF)
                return false;
        switch (controller->model) {
        case PCI_MODEL_ROOT:
        case PCI_MODEL_BRIDGE:
        case PCI_MODEL_PCIE_ROOT_PORT:
        case PCI_MODEL_PCIE_SWITCH_DOWN:
        case PCI_MODEL_PCIE_TO_PCI:
                return true;
        default:
                return false;
        }
}

bool qemu_args_is_late(const DomainDef *def, const DomainDevice *device) {
        static const bool kinds[_DOMAIN_DEVICE_MAX] = {
                [DOMAIN_DISK] = true,
                [DOMAIN_INTERFACE] = true,
                [DOMAIN_RNG] = true,
        };
        const DomainAddress *address = &device->address;
        bool is_alone = address->function.value == 0 && address->multifunction != DOMAIN_SWITCH_ON;

        if (!kinds[device->kind] || !is_alone || !domain_device_is_pci(def, device) ||
            !takes_plug(def, (unsigned)address->bus.value))
                return false;
        return count_crowd(def, device, 0).devices_before >= EARLY_DEVICES;
}

/* What was plugged in counts as there from the start after a reset: ports have power, firmware's
 * list of boot devices is whole, and no request waits for the guest. */
void qemu_args_end_late(const DomainDef *def, json_t *commands) {
        bool ends_on_reset = def->on_reboot == LIFECYCLE_DESTROY;

        if (ends_on_reset)
                qemu_args_append_command(commands, "set-action",
                                         json_pack("{s:s}", "reboot", "reset"));
        qemu_args_append_command(commands, "system_reset", json_object());
        if (ends_on_reset)
                qemu_args_append_command(commands, "set-action",
                                         json_pack("{s:s}", "reboot", "shutdown"));
}
