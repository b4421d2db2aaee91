/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout/drive.h"

#include <string.h>

#include "domain/defaults.h"

#define SERIAL_PORTS 31 /* of virtio-serial in QEMU, unless given */
#define FIRST_PORT   1  /* port 0 is kept for a console */

/* Indices of controllers are bytes. */
#define LAYOUT_CONTROLLERS_MAX 256

/* ---- controllers ---- */

static ControllerModel scsi_model(const DomainDef *def, unsigned index) {
        const DomainController *controller =
                domain_def_find_controller(def, CONTROLLER_SCSI, index);

        if (!controller)
                controller = domain_def_find_controller(def, CONTROLLER_SCSI, 0);
        return controller ? controller->model : SCSI_MODEL_LSILOGIC;
}

/* A further SCSI controller is like the first. */
static int need_controller(DomainDef *def, ControllerType type, unsigned index, Err *err) {
        DomainController *controller;

        if (domain_def_find_controller(def, type, index))
                return 0;
        controller = (DomainController *)domain_device_new(DOMAIN_CONTROLLER);
        controller->type = type;
        controller->index = DOMAIN_NUM(index);
        if (type == CONTROLLER_SCSI)
                controller->model = scsi_model(def, index);
        g_ptr_array_add(def->devices.list[DOMAIN_CONTROLLER], controller);
        return domain_defaults_fill_device(def, &controller->base, err);
}

/* ---- drives ---- */

/* The drives that a controller takes. Names count units through all controllers of a kind: sda to
 * sdg are the units of SCSI controller 0. */
typedef struct DriveBus {
        ControllerType type;
        unsigned controllers;
        unsigned buses, targets, units; /* that an address may name */
        unsigned step;                  /* names that one controller takes */
} DriveBus;

static const DriveBus ide = {CONTROLLER_IDE, 1, 2, 1, 2, 4};
static const DriveBus sata = {CONTROLLER_SATA, LAYOUT_CONTROLLERS_MAX, 1, 1, 6, 6};
static const DriveBus fdc = {CONTROLLER_FDC, 1, 1, 1, 2, 2};
static const DriveBus nvme = {CONTROLLER_NVME, LAYOUT_CONTROLLERS_MAX, 1, 1, 256, 0};

/* QEMU's limits: scsi_bus_info of each model. */
static const DriveBus scsi_narrow = {CONTROLLER_SCSI, LAYOUT_CONTROLLERS_MAX, 1, 1, 7, 7};
static const DriveBus scsi_virtio = {CONTROLLER_SCSI, LAYOUT_CONTROLLERS_MAX, 1, 256, 16384, 7};
static const DriveBus scsi_megasas = {CONTROLLER_SCSI, LAYOUT_CONTROLLERS_MAX, 1, 64, 256, 7};
static const DriveBus scsi_mptsas = {CONTROLLER_SCSI, LAYOUT_CONTROLLERS_MAX, 1, 8, 1, 7};
static const DriveBus scsi_pvscsi = {CONTROLLER_SCSI, LAYOUT_CONTROLLERS_MAX, 1, 64, 1, 7};

static const DriveBus *scsi_bus(ControllerModel model) {
        switch (model) {
        case SCSI_MODEL_LSISAS1068:
                return &scsi_mptsas;
        case SCSI_MODEL_LSISAS1078:
                return &scsi_megasas;
        case SCSI_MODEL_VMPVSCSI:
                return &scsi_pvscsi;
        case SCSI_MODEL_VIRTIO:
        case VIRTIO_MODEL_TRANSITIONAL:
        case VIRTIO_MODEL_NON_TRANSITIONAL:
                return &scsi_virtio;
        default:
                return &scsi_narrow;
        }
}

/* NULL: the disk is no drive of a controller. */
static const DriveBus *find_bus(const DomainDef *def, const DomainDisk *disk, unsigned controller) {
        switch (disk->target.bus) {
        case DISK_BUS_IDE:
                return &ide;
        case DISK_BUS_SATA:
                return &sata;
        case DISK_BUS_SCSI:
                return scsi_bus(scsi_model(def, controller));
        case DISK_BUS_FDC:
                return &fdc;
        case DISK_BUS_NVME:
                return &nvme;
        default:
                return NULL;
        }
}

static bool is_drive(const DomainDevice *device) {
        DiskBus bus = ((const DomainDisk *)device)->target.bus;

        return bus != DISK_BUS_VIRTIO && bus != DISK_BUS_USB;
}

static bool is_same_unit(const DomainAddress *a, const DomainAddress *b) {
        return a->controller.value == b->controller.value && a->bus.value == b->bus.value &&
               a->target.value == b->target.value && a->unit.value == b->unit.value;
}

static const DomainDisk *find_unit(const DomainDef *def, const DomainDisk *disk,
                                   const DomainAddress *address) {
        DOMAIN_FOREACH(DomainDisk, other, def, DOMAIN_DISK) {
                if (other != disk && other->target.bus == disk->target.bus &&
                    other->base.address.node.is_present &&
                    is_same_unit(&other->base.address, address))
                        return other;
        }
        return NULL;
}

static int check_drive(const DomainDef *def, const DomainDisk *disk, Err *err) {
        const DomainAddress *address = &disk->base.address;
        const DriveBus *bus = find_bus(def, disk, (unsigned)address->controller.value);
        const DomainDisk *other;

        if (address->type != DOMAIN_ADDRESS_DRIVE)
                return fail(err, VIR_ERR_XML_ERROR, "disk %s needs an address of type 'drive'",
                            disk->target.dev);
        if (address->controller.value >= bus->controllers || address->bus.value >= bus->buses ||
            address->target.value >= bus->targets || address->unit.value >= bus->units)
                return fail(err, VIR_ERR_XML_ERROR, "disk %s: there is no such unit on its bus",
                            disk->target.dev);
        other = find_unit(def, disk, address);
        if (other)
                return fail(err, VIR_ERR_XML_ERROR, "disk %s: its unit is held by disk %s",
                            disk->target.dev, other->target.dev);
        return 0;
}

/* The number-th place on all of a disk's controllers. */
static DomainAddress numbered(const DomainDef *def, const DomainDisk *disk, unsigned number) {
        const DriveBus *bus = find_bus(def, disk, 0);
        unsigned controller = number / bus->step, unit = number % bus->step;
        DomainAddress address = {
                .node.is_present = true,
                .type = DOMAIN_ADDRESS_DRIVE,
                .controller = DOMAIN_NUM(controller),
                .bus = DOMAIN_NUM(0),
                .target = DOMAIN_NUM(0),
        };

        bus = find_bus(def, disk, controller);
        if (bus->buses > 1)
                address.bus = DOMAIN_NUM(unit / bus->units);
        if (bus->units == 1)
                address.target = DOMAIN_NUM(unit);
        address.unit = DOMAIN_NUM(unit % bus->units);
        return address;
}

/* nvme1n2 is namespace 2 of controller 1: the name is the place. */
static int assign_nvme(const DomainDef *def, DomainDisk *disk, Err *err) {
        DomainAddress address = {.node.is_present = true, .type = DOMAIN_ADDRESS_DRIVE};
        unsigned controller = 0, number = 1;
        const DomainDisk *other;

        domain_disk_parse_nvme(disk->target.dev, &controller, &number);
        address.controller = DOMAIN_NUM(controller);
        address.bus = address.target = DOMAIN_NUM(0);
        address.unit = DOMAIN_NUM(number - 1);
        other = find_unit(def, disk, &address);
        if (other)
                return fail(err, VIR_ERR_XML_ERROR, "disk %s: its unit is held by disk %s",
                            disk->target.dev, other->target.dev);
        disk->base.address = address;
        return 0;
}

/* Beginning with the place of its name. has_controllers: the guest runs, so that only the
 * controllers that it has are looked at. */
static int assign_drive(const DomainDef *def, DomainDisk *disk, bool has_controllers, Err *err) {
        const DriveBus *bus = find_bus(def, disk, 0);
        unsigned number = domain_disk_target_index(disk->target.dev);
        unsigned n = bus->controllers * bus->step;

        if (disk->target.bus == DISK_BUS_NVME)
                return assign_nvme(def, disk, err);
        for (unsigned i = 0; i < n; i++) {
                DomainAddress address = numbered(def, disk, (number + i) % n);
                unsigned controller = (unsigned)address.controller.value;

                if (find_unit(def, disk, &address) ||
                    (has_controllers && !domain_def_find_controller(def, bus->type, controller)))
                        continue;
                disk->base.address = address;
                return 0;
        }
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "disk %s: its bus takes %u drives, all are there", disk->target.dev, n);
}

static int place_drive(DomainDef *def, DomainDisk *disk, Err *err) {
        bool is_given = disk->base.address.node.is_present;
        int r = is_given ? check_drive(def, disk, err) : assign_drive(def, disk, false, err);
        unsigned controller = (unsigned)disk->base.address.controller.value;

        if (r < 0)
                return r;
        return need_controller(def, find_bus(def, disk, controller)->type, controller, err);
}

static int find_free_unit(const DomainDef *def, DomainDevice *device, Err *err) {
        DomainDisk *disk = (DomainDisk *)device;
        const DriveBus *bus;
        int r;

        r = device->address.node.is_present ? check_drive(def, disk, err)
                                            : assign_drive(def, disk, true, NULL);
        bus = find_bus(def, disk, (unsigned)device->address.controller.value);
        if (device->address.node.is_present &&
            (r < 0 || domain_def_find_controller(def, bus->type,
                                                 (unsigned)device->address.controller.value)))
                return r;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_FAILED,
                              "guest '%s' has no controller with a free unit for disk %s",
                              def->name, disk->target.dev),
                         "attach a <controller type='scsi' model='virtio-scsi'/> first");
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

static uint64_t count_ports(const DomainDef *def, unsigned index) {
        const DomainController *controller =
                domain_def_find_controller(def, CONTROLLER_VIRTIO_SERIAL, index);

        return controller ? domain_num_or(controller->ports, SERIAL_PORTS) : SERIAL_PORTS;
}

static int check_port(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainAddress *address = &device->address;
        g_autofree char *what = domain_device_describe(device);

        if (address->type != DOMAIN_ADDRESS_VIRTIO_SERIAL)
                return fail(err, VIR_ERR_XML_ERROR,
                            "%s at line %u needs an address of type "
                            "'virtio-serial'",
                            what, device->node.line);
        if (!address->port.is_set ||
            address->port.value >= count_ports(def, (unsigned)address->controller.value) ||
            address->bus.value != 0 || address->controller.value >= LAYOUT_CONTROLLERS_MAX)
                return fail(err, VIR_ERR_XML_ERROR, "%s at line %u: there is no such port", what,
                            device->node.line);
        if (find_port(def, device, address->controller.value, address->port.value))
                return fail(err, VIR_ERR_XML_ERROR, "%s at line %u: its port is taken", what,
                            device->node.line);
        return 0;
}

/* The first free port, of the first controller that has one, or that may be added. */
static int assign_port(DomainDevice *device, const DomainDef *def, Err *err) {
        DomainAddress *address = &device->address;

        for (unsigned index = 0; index < LAYOUT_CONTROLLERS_MAX; index++) {
                uint64_t port = FIRST_PORT;

                while (find_port(def, device, index, port))
                        port++;
                if (port >= count_ports(def, index))
                        continue;
                address->node.is_present = true;
                address->type = DOMAIN_ADDRESS_VIRTIO_SERIAL;
                address->controller = DOMAIN_NUM(index);
                address->bus = DOMAIN_NUM(0);
                address->port = DOMAIN_NUM(port);
                return 0;
        }
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "all ports of %d virtio-serial controllers are taken", LAYOUT_CONTROLLERS_MAX);
}

static int place_port(DomainDef *def, DomainDevice *device, Err *err) {
        int r = device->address.node.is_present ? check_port(def, device, err)
                                                : assign_port(device, def, err);

        if (r < 0)
                return r;
        return need_controller(def, CONTROLLER_VIRTIO_SERIAL,
                               (unsigned)device->address.controller.value, err);
}

static int find_free_port(const DomainDef *def, DomainDevice *device, Err *err) {
        int r = device->address.node.is_present ? check_port(def, device, err)
                                                : assign_port(device, def, err);

        if (r < 0 || domain_def_find_controller(def, CONTROLLER_VIRTIO_SERIAL,
                                                (unsigned)device->address.controller.value))
                return r;
        return fail_hint(err,
                         fail(err, VIR_ERR_INTERNAL_ERROR,
                              "no virtio-serial controllers are available in guest '%s'",
                              def->name),
                         "attach a <controller type='virtio-serial'/> first");
}

int layout_drive_find_free(const DomainDef *def, DomainDevice *device, Err *err) {
        if (is_port(device))
                return find_free_port(def, device, err);
        return device->kind == DOMAIN_DISK && is_drive(device) ? find_free_unit(def, device, err)
                                                               : 0;
}

/* Given places first, so that the others find what is left. */
static int place(DomainDef *def, bool is_given, Err *err) {
        int r = 0;

        DOMAIN_FOREACH(DomainDisk, disk, def, DOMAIN_DISK) {
                if (is_drive(&disk->base) && disk->base.address.node.is_present == is_given &&
                    r == 0)
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
