/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of devices in the running guest: what QEMU gets as id, and what clients detach by. */
#include "domain/device.h"

#include <string.h>

#include "base/util.h"

static const char *const prefixes[_DOMAIN_DEVICE_MAX] = {
        [DOMAIN_INTERFACE] = "net",     [DOMAIN_SERIAL] = "serial",
        [DOMAIN_CONSOLE] = "console",   [DOMAIN_CHANNEL] = "channel",
        [DOMAIN_INPUT] = "input",       [DOMAIN_SOUND] = "sound",
        [DOMAIN_VIDEO] = "video",       [DOMAIN_HOSTDEV] = "hostdev",
        [DOMAIN_WATCHDOG] = "watchdog", [DOMAIN_MEMBALLOON] = "balloon",
        [DOMAIN_RNG] = "rng",
};

/* "PREFIXn" with the device's place among its kind as n, or the next that is free; a device that is
 * not in the guest yet gets the lowest. */
static char *next_name(const DomainDef *def, const DomainDevice *device, const char *prefix) {
        guint n = 0;

        g_ptr_array_find(def->devices.list[device->kind], device, &n);
        for (;; n++) {
                g_autofree char *name = g_strdup_printf("%s%u", prefix, n);

                if (!domain_def_find_alias(def, name))
                        return g_steal_pointer(&name);
        }
}

/* The place that a target names: vda is 0, vdz 25, vdaa 26. */
static unsigned target_index(const char *target) {
        unsigned index = 0;

        for (const char *at = target + 2; *at >= 'a' && *at <= 'z'; at++)
                index = index * 26 + (unsigned)(*at - 'a') + 1;
        return index > 0 ? index - 1 : 0;
}

static char *disk_name(const DomainDef *def, const DomainDisk *disk) {
        const DomainAddress *address = &disk->base.address;

        if (disk->target.bus == DISK_BUS_VIRTIO) {
                g_autofree char *name =
                        g_strdup_printf("virtio-disk%u", target_index(disk->target.dev));

                /* Taken where one disk is called sda and another vda. */
                return domain_def_find_alias(def, name) ? next_name(def, &disk->base, "virtio-disk")
                                                        : g_steal_pointer(&name);
        }
        return g_strdup_printf("%s%u-%u-%u", disk->target.bus == DISK_BUS_SATA ? "sata" : "ide",
                               (unsigned)address->controller.value, (unsigned)address->bus.value,
                               (unsigned)address->unit.value);
}

static char *controller_name(const DomainController *controller, bool is_q35) {
        unsigned index = (unsigned)controller->index.value;

        switch (controller->type) {
        case CONTROLLER_PCI:
                return g_strdup_printf(
                        controller->model == PCI_MODEL_PCIE_ROOT ? "pcie.%u" : "pci.%u", index);
        case CONTROLLER_USB:
                return index == 0 ? g_strdup("usb") : g_strdup_printf("usb%u", index);
        case CONTROLLER_SATA:
                /* The machine's own controller has this name in QEMU. */
                return index == 0 && is_q35 ? g_strdup("ide") : g_strdup_printf("sata%u", index);
        case CONTROLLER_IDE:
                return index == 0 ? g_strdup("ide") : g_strdup_printf("ide%u", index);
        default:
                return g_strdup_printf("virtio-serial%u", index);
        }
}

/* The members of an ICH9 EHCI and its companions share an index. */
static char *usb_companion_name(const DomainController *controller) {
        return g_strdup_printf("usb%u-uhci%d", (unsigned)controller->index.value,
                               controller->model - USB_MODEL_ICH9_UHCI1 + 1);
}

static char *make_name(const DomainDef *def, const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;

        switch (device->kind) {
        case DOMAIN_DISK:
                return disk_name(def, (const DomainDisk *)device);
        case DOMAIN_CONTROLLER:
                if (controller->model >= USB_MODEL_ICH9_UHCI1 &&
                    controller->model <= USB_MODEL_ICH9_UHCI3)
                        return usb_companion_name(controller);
                return controller_name(controller, domain_def_is_q35(def));
        default:
                return prefixes[device->kind] ? next_name(def, device, prefixes[device->kind])
                                              : NULL;
        }
}

/* The first console is the first serial port, under its name. */
static const DomainDevice *mirrored(const DomainDef *def, const DomainDevice *device) {
        const DomainChar *console = (const DomainChar *)device;
        const GPtrArray *serials = def->devices.list[DOMAIN_SERIAL];

        if (device->kind != DOMAIN_CONSOLE || console->target.type != CHAR_TARGET_SERIAL ||
            serials->len == 0)
                return NULL;
        return serials->pdata[0];
}

void domain_def_assign_alias(const DomainDef *def, DomainDevice *device) {
        const DomainDevice *serial = mirrored(def, device);

        if (device->alias.name)
                return;
        device->alias.name = serial ? g_strdup(serial->alias.name) : make_name(def, device);
        device->alias.node.is_present = device->alias.name != NULL;
}

void domain_def_assign_aliases(DomainDef *def) {
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind)
                        domain_def_assign_alias(def, device);
        }
}
