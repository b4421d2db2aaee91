/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout/drive.h"

#include <string.h>

#define IDE_BUSES    2 /* of the one controller, with two units each */
#define IDE_UNITS    2
#define SATA_UNITS   6  /* of an AHCI controller in QEMU */
#define SERIAL_PORTS 31 /* of virtio-serial in QEMU, unless given */
#define FIRST_PORT   1  /* port 0 is kept for a console */

/* Indices of controllers are bytes. */
#define LAYOUT_CONTROLLERS_MAX 256

static void need_controller(DomainDef *def, ControllerType type, unsigned index) {
        DomainController *controller;

        if (domain_def_find_controller(def, type, index))
                return;
        controller = (DomainController *)domain_device_new(DOMAIN_CONTROLLER);
        controller->type = type;
        controller->index = DOMAIN_NUM(index);
        g_ptr_array_add(def->devices.list[DOMAIN_CONTROLLER], controller);
}

/* The place in a name: 0 for "sda", 26 for "sdaa". */
static unsigned name_index(const char *dev) {
        unsigned index = 0;

        for (const char *s = dev + 2; *s && index < LAYOUT_CONTROLLERS_MAX * SATA_UNITS; s++)
                index = index * 26 + (unsigned)(*s - 'a') + 1;
        return index - 1;
}

/* A drive's number among all that its bus can have, and back. */
static unsigned unit_number(const DomainDisk *disk) {
        const DomainAddress *address = &disk->base.address;

        if (disk->target.bus == DISK_BUS_IDE)
                return (unsigned)(address->bus.value * IDE_UNITS + address->unit.value);
        return (unsigned)(address->controller.value * SATA_UNITS + address->unit.value);
}

static void set_unit(DomainDisk *disk, unsigned number) {
        bool is_ide = disk->target.bus == DISK_BUS_IDE;
        DomainAddress *address = &disk->base.address;

        address->node.is_present = true;
        address->type = DOMAIN_ADDRESS_DRIVE;
        address->controller = DOMAIN_NUM(is_ide ? 0 : number / SATA_UNITS);
        address->bus = DOMAIN_NUM(is_ide ? number / IDE_UNITS : 0);
        address->target = DOMAIN_NUM(0);
        address->unit = DOMAIN_NUM(number % (is_ide ? IDE_UNITS : SATA_UNITS));
}

static const DomainDisk *find_unit(const DomainDef *def, const DomainDisk *disk, unsigned number) {
        DOMAIN_FOREACH(DomainDisk, other, def, DOMAIN_DISK) {
                if (other != disk && other->target.bus == disk->target.bus &&
                    other->base.address.node.is_present && unit_number(other) == number)
                        return other;
        }
        return NULL;
}

static unsigned bus_units(const DomainDisk *disk) {
        return disk->target.bus == DISK_BUS_IDE ? IDE_BUSES * IDE_UNITS
                                                : LAYOUT_CONTROLLERS_MAX * SATA_UNITS;
}

static int check_drive(const DomainDef *def, const DomainDisk *disk, Err *err) {
        const DomainAddress *address = &disk->base.address;
        bool is_ide = disk->target.bus == DISK_BUS_IDE;
        const DomainDisk *other;

        if (address->type != DOMAIN_ADDRESS_DRIVE)
                return fail(err, VIR_ERR_XML_ERROR, "disk %s needs an address of type 'drive'",
                            disk->target.dev);
        if (address->target.value != 0 ||
            address->unit.value >= (is_ide ? IDE_UNITS : SATA_UNITS) ||
            address->bus.value >= (is_ide ? IDE_BUSES : 1) ||
            address->controller.value >= (is_ide ? 1 : LAYOUT_CONTROLLERS_MAX))
                return fail(err, VIR_ERR_XML_ERROR, "disk %s: there is no such unit on its bus",
                            disk->target.dev);
        other = find_unit(def, disk, unit_number(disk));
        if (other)
                return fail(err, VIR_ERR_XML_ERROR, "disk %s: its unit is held by disk %s",
                            disk->target.dev, other->target.dev);
        return 0;
}

static int assign_drive(DomainDef *def, DomainDisk *disk, Err *err) {
        unsigned number = name_index(disk->target.dev);

        if (number >= bus_units(disk))
                number = 0;
        for (unsigned i = 0; i < bus_units(disk); i++, number = (number + 1) % bus_units(disk)) {
                if (!find_unit(def, disk, number)) {
                        set_unit(disk, number);
                        return 0;
                }
        }
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "disk %s: its bus takes %u drives, all are there", disk->target.dev,
                    bus_units(disk));
}

static int place_drive(DomainDef *def, DomainDisk *disk, Err *err) {
        int r = disk->base.address.node.is_present ? check_drive(def, disk, err)
                                                   : assign_drive(def, disk, err);

        if (r < 0)
                return r;
        need_controller(def, disk->target.bus == DISK_BUS_IDE ? CONTROLLER_IDE : CONTROLLER_SATA,
                        (unsigned)disk->base.address.controller.value);
        return 0;
}

/* ---- virtio-serial ---- */

static bool is_port(const DomainDevice *device) {
        return (device->kind == DOMAIN_CONSOLE || device->kind == DOMAIN_CHANNEL) &&
               ((const DomainChar *)device)->target.type == CHAR_TARGET_VIRTIO;
}

static const DomainDevice *find_port(const DomainDef *def, const DomainDevice *device,
                                     uint64_t controller, uint64_t port) {
        for (int kind = DOMAIN_CONSOLE; kind <= DOMAIN_CHANNEL; kind++) {
                DOMAIN_FOREACH(DomainDevice, other, def, kind) {
                        const DomainAddress *address = &other->address;

                        if (other != device && is_port(other) && address->port.is_set &&
                            address->controller.value == controller && address->port.value == port)
                                return other;
                }
        }
        return NULL;
}

static int check_port(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainAddress *address = &device->address;
        g_autofree char *what = domain_device_describe(device);

        if (address->type != DOMAIN_ADDRESS_VIRTIO_SERIAL)
                return fail(err, VIR_ERR_XML_ERROR,
                            "%s at line %u needs an address of type "
                            "'virtio-serial'",
                            what, device->node.line);
        if (!address->port.is_set || address->port.value >= SERIAL_PORTS ||
            address->bus.value != 0 || address->controller.value >= LAYOUT_CONTROLLERS_MAX)
                return fail(err, VIR_ERR_XML_ERROR, "%s at line %u: there is no such port", what,
                            device->node.line);
        if (find_port(def, device, address->controller.value, address->port.value))
                return fail(err, VIR_ERR_XML_ERROR, "%s at line %u: its port is taken", what,
                            device->node.line);
        return 0;
}

static int assign_port(DomainDevice *device, const DomainDef *def, Err *err) {
        DomainAddress *address = &device->address;
        uint64_t port = FIRST_PORT;

        while (find_port(def, device, 0, port))
                port++;
        if (port >= SERIAL_PORTS)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "a virtio-serial controller has %d ports, all are taken",
                            SERIAL_PORTS - FIRST_PORT);
        address->node.is_present = true;
        address->type = DOMAIN_ADDRESS_VIRTIO_SERIAL;
        address->controller = DOMAIN_NUM(0);
        address->bus = DOMAIN_NUM(0);
        address->port = DOMAIN_NUM(port);
        return 0;
}

static int place_port(DomainDef *def, DomainDevice *device, Err *err) {
        int r = device->address.node.is_present ? check_port(def, device, err)
                                                : assign_port(device, def, err);

        if (r < 0)
                return r;
        need_controller(def, CONTROLLER_VIRTIO_SERIAL, (unsigned)device->address.controller.value);
        return 0;
}

/* Given places first, so that the others find what is left. */
static int place(DomainDef *def, bool is_given, Err *err) {
        int r = 0;

        DOMAIN_FOREACH(DomainDisk, disk, def, DOMAIN_DISK) {
                if (disk->target.bus != DISK_BUS_VIRTIO &&
                    disk->base.address.node.is_present == is_given && r == 0)
                        r = place_drive(def, disk, err);
        }
        for (int kind = DOMAIN_CONSOLE; kind <= DOMAIN_CHANNEL; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        if (is_port(device) && device->address.node.is_present == is_given &&
                            r == 0)
                                r = place_port(def, device, err);
                }
        }
        return r;
}

int layout_drive_assign(DomainDef *def, Err *err) {
        int r = place(def, true, err);

        return r < 0 ? r : place(def, false, err);
}
