/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all devices have: their place on PCI, option ROM, boot order. */
#include "qemu/args-part.h"

static const char *bus_name(const DomainDef *def, unsigned bus) {
        const DomainController *controller = domain_def_find_bus(def, bus);

        /* The root bus is the machine's: it has QEMU's name, whatever its alias. */
        if (bus == 0)
                return domain_def_is_q35(def) ? "pcie.0" : "pci.0";
        return controller ? controller->base.alias.name : NULL;
}

int qemu_args_set_pci_address(json_t *object, const DomainDef *def, const DomainDevice *device,
                              Err *err) {
        const DomainAddress *address = &device->address;
        const char *bus = bus_name(def, (unsigned)address->bus.value);
        g_autofree char *place = NULL;

        if (address->type != DOMAIN_ADDRESS_PCI || !bus)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "device %s has no address on a PCI bus",
                            device->alias.name);
        place = address->function.value > 0
                        ? g_strdup_printf("0x%x.0x%x", (unsigned)address->slot.value,
                                          (unsigned)address->function.value)
                        : g_strdup_printf("0x%x", (unsigned)address->slot.value);
        SET_STRING(object, "bus", bus);
        SET_STRING(object, "addr", place);
        if (address->multifunction == DOMAIN_SWITCH_ON)
                SET_BOOL(object, "multifunction", true);
        if (device->acpi.index.is_set)
                SET_INT(object, "acpi-index", device->acpi.index.value);
        return 0;
}

int qemu_args_set_usb_address(json_t *object, const DomainDef *def, const DomainDevice *device,
                              Err *err) {
        const DomainAddress *address = &device->address;
        bool is_given = address->type == DOMAIN_ADDRESS_USB;
        const DomainController *usb = domain_def_find_controller(
                def, CONTROLLER_USB, is_given ? (unsigned)address->bus.value : 0);
        g_autofree char *bus = NULL;

        if (!usb || !usb->base.alias.name)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s: there is no such USB bus",
                            device->alias.name);
        bus = g_strdup_printf("%s.0", usb->base.alias.name);
        SET_STRING(object, "bus", bus);
        if (is_given && address->usb_port)
                SET_STRING(object, "port", address->usb_port);
        return 0;
}

void qemu_args_set_rom(json_t *object, const DomainRom *rom) {
        bool is_disabled = rom->enabled == DOMAIN_SWITCH_OFF;

        if (rom->bar || is_disabled)
                SET_INT(object, "rombar", !is_disabled && rom->bar == DOMAIN_SWITCH_ON);
        if (rom->file || is_disabled)
                SET_STRING(object, "romfile", is_disabled ? "" : rom->file);
}

/* The n-th boot device of the <os>: the first of its kind. */
static const DomainDevice *boot_device(const DomainDef *def, BootDev dev) {
        static const DiskDevice devices[] = {[BOOT_HD] = DISK_DEVICE_DISK,
                                             [BOOT_CDROM] = DISK_DEVICE_CDROM,
                                             [BOOT_FD] = DISK_DEVICE_FLOPPY};
        const GPtrArray *nets = def->devices.list[DOMAIN_INTERFACE];

        if (dev == BOOT_NETWORK)
                return nets->len > 0 ? nets->pdata[0] : NULL;
        DOMAIN_FOREACH(DomainDisk, disk, def, DOMAIN_DISK) {
                if (disk->device == devices[dev])
                        return &disk->base;
        }
        return NULL;
}

unsigned qemu_args_boot_index(const DomainDef *def, const DomainDevice *device) {
        const GPtrArray *boot = def->os.boot;

        if (device->boot.node.is_present)
                return (unsigned)device->boot.order.value;
        for (guint i = 0; boot && i < boot->len; i++) {
                if (boot_device(def, ((const DomainBootDev *)boot->pdata[i])->dev) == device)
                        return i + 1;
        }
        return 0;
}

void qemu_args_set_boot(json_t *object, const DomainDef *def, const DomainDevice *device) {
        unsigned index = qemu_args_boot_index(def, device);

        if (index > 0)
                SET_INT(object, "bootindex", index);
}

char *qemu_args_backend_name(const char *prefix, const DomainDevice *device) {
        return g_strdup_printf("%s%s", prefix, device->alias.name);
}

void qemu_args_set_optional(json_t *object, const char *key, json_t *value) {
        if (value)
                json_object_set_new(object, key, value);
}
