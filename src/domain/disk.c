/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "domain/kind.h"

/* ---- XML ---- */

static const char *const disk_types[] = {"file", NULL};
static const char *const disk_devices[] = {"disk", "cdrom", NULL};
static const char *const disk_formats[] = {"raw", "qcow2", NULL};
static const char *const disk_buses[] = {"virtio", "sata", "ide", NULL};
static const char *const disk_caches[] = {
        "default", "none", "writethrough", "writeback", "directsync", "unsafe", NULL};
static const char *const disk_ios[] = {"threads", "native", "io_uring", NULL};
static const char *const disk_discards[] = {"unmap", "ignore", NULL};
static const char *const disk_zeroes[] = {"off", "on", "unmap", NULL};

static const DomainField disk_driver_fields[] = {
        ATTR_STRING(DomainDisk, driver.name, "name"),
        ATTR_ENUM(DomainDisk, driver.type, "type", disk_formats),
        ATTR_ENUM(DomainDisk, driver.cache, "cache", disk_caches),
        ATTR_ENUM(DomainDisk, driver.io, "io", disk_ios),
        ATTR_ENUM(DomainDisk, driver.discard, "discard", disk_discards),
        ATTR_ENUM(DomainDisk, driver.detect_zeroes, "detect_zeroes", disk_zeroes),
        END,
};
static const DomainElement disk_driver = PART_OF(DomainDisk, driver, "driver", disk_driver_fields);

static const DomainField disk_source_fields[] = {
        ATTR_STRING(DomainDisk, source.file, "file"),
        END,
};
static const DomainElement disk_source = PART_OF(DomainDisk, source, "source", disk_source_fields);

static const DomainField disk_target_fields[] = {
        ATTR_STRING(DomainDisk, target.dev, "dev", .is_required = true),
        ATTR_ENUM(DomainDisk, target.bus, "bus", disk_buses),
        END,
};
static const DomainElement disk_target = PART_OF(DomainDisk, target, "target", disk_target_fields);

static const DomainElement readonly_flag = ELEMENT(DomainFlag, "readonly", domain_no_fields);

static const DomainField serial_fields[] = {
        TEXT_STRING(DomainText, text, .is_required = true),
        END,
};
static const DomainElement disk_serial = ELEMENT(DomainText, "serial", serial_fields);

static const DomainField disk_fields[] = {
        ATTR_ENUM(DomainDisk, type, "type", disk_types),
        ATTR_ENUM(DomainDisk, device, "device", disk_devices),
        PART("driver", disk_driver),
        PART("source", disk_source),
        PART("target", disk_target, .is_required = true),
        CHILD(DomainDisk, readonly, "readonly", readonly_flag),
        CHILD(DomainDisk, serial, "serial", disk_serial),
        DEVICE_BOOT,
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

/* ---- defaults ---- */

static int fill_disk_bus(DomainDisk *disk, Err *err) {
        if (disk->target.bus)
                return 0;
        if (g_str_has_prefix(disk->target.dev, "vd"))
                disk->target.bus = DISK_BUS_VIRTIO;
        else if (g_str_has_prefix(disk->target.dev, "hd"))
                disk->target.bus = DISK_BUS_IDE;
        else
                return fail_hint(
                        err,
                        fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                             "<target dev='%s'> at line %u without a bus means SCSI, which "
                             "is not served yet",
                             disk->target.dev, disk->target.node.line),
                        "name one, as bus='sata'");
        return 0;
}

static int fill_disk(DomainDef *def, DomainDevice *device, Err *err) {
        DomainDisk *disk = (DomainDisk *)device;

        FILL_ENUM(disk->type, DISK_TYPE_FILE);
        FILL_ENUM(disk->device, DISK_DEVICE_DISK);
        disk->driver.node.is_present = true;
        fill_text(&disk->driver.name, "qemu");
        FILL_ENUM(disk->driver.type, DISK_FORMAT_RAW);
        if (!disk->source.file && !disk->source.node.attrs && !disk->source.node.kept)
                disk->source.node.is_present = false;
        if (disk->device == DISK_DEVICE_CDROM)
                disk->readonly.node.is_present = true;
        return fill_disk_bus(disk, err);
}

/* ---- checks ---- */

#define TARGET_MAX_BYTES 8

static int check_disk_target(const DomainDisk *disk, Err *err) {
        const char *dev = disk->target.dev;
        bool is_good = strlen(dev) > 2 && strlen(dev) <= TARGET_MAX_BYTES &&
                       strchr("hsv", dev[0]) && dev[1] == 'd';

        for (const char *s = dev + 2; is_good && *s; s++)
                is_good = g_ascii_islower(*s);
        if (!is_good)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<target dev='%s'> at line %u is no disk's name", dev,
                            disk->target.node.line);
        return 0;
}

static int check_disk(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainDisk *disk = (const DomainDisk *)device;
        const char *dev = disk->target.dev;
        bool is_cdrom = disk->device == DISK_DEVICE_CDROM;
        int r;

        r = check_disk_target(disk, err);
        if (r < 0)
                return r;
        if (disk->driver.name && !g_str_equal(disk->driver.name, "qemu"))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "disk %s: the driver '%s' is not served", dev, disk->driver.name);
        if (!is_cdrom && !disk->source.file)
                return fail(err, VIR_ERR_XML_ERROR, "disk %s has no source file", dev);
        if (is_cdrom && disk->target.bus == DISK_BUS_VIRTIO)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "disk %s: a CD-ROM drive cannot be on bus 'virtio'", dev);
        if (disk->target.bus == DISK_BUS_IDE && domain_def_is_q35(def))
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "disk %s: machine '%s' has no IDE", dev,
                                      def->os.type.machine),
                                 "use bus='sata'");
        if (!is_cdrom && disk->readonly.node.is_present && disk->target.bus != DISK_BUS_VIRTIO)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "disk %s: a disk on IDE or SATA cannot be read-only", dev);
        if (disk->driver.io == DISK_IO_NATIVE && disk->driver.cache != DISK_CACHE_NONE &&
            disk->driver.cache != DISK_CACHE_DIRECTSYNC)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "disk %s: io='native' needs cache='none' or 'directsync'", dev);
        if (disk->driver.detect_zeroes == DISK_ZEROES_UNMAP &&
            disk->driver.discard != DISK_DISCARD_UNMAP)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "disk %s: detect_zeroes='unmap' needs discard='unmap'", dev);
        return domain_check_path(disk->source.file, "source", disk->source.node.line, err);
}

/* ---- the kind ---- */

static char *disk_key(const DomainDevice *device) {
        return g_strdup_printf("disk target '%s'", ((const DomainDisk *)device)->target.dev);
}

static char *describe_disk(const DomainDevice *device) {
        return g_strdup_printf("disk %s", ((const DomainDisk *)device)->target.dev);
}

static bool is_same_disk(const DomainDevice *device, const DomainDevice *wanted) {
        return g_str_equal(((const DomainDisk *)device)->target.dev,
                           ((const DomainDisk *)wanted)->target.dev);
}

static bool is_pci_disk(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainDisk *)device)->target.bus == DISK_BUS_VIRTIO;
}

/* The place that a target names: vda is 0, vdz 25, vdaa 26. */
static unsigned target_index(const char *target) {
        unsigned index = 0;

        for (const char *at = target + 2; *at >= 'a' && *at <= 'z'; at++)
                index = index * 26 + (unsigned)(*at - 'a') + 1;
        return index > 0 ? index - 1 : 0;
}

static char *disk_name(const DomainDef *def, const DomainDevice *device) {
        const DomainDisk *disk = (const DomainDisk *)device;
        const DomainAddress *address = &disk->base.address;

        if (disk->target.bus == DISK_BUS_VIRTIO) {
                g_autofree char *name =
                        g_strdup_printf("virtio-disk%u", target_index(disk->target.dev));

                /* Taken where one disk is called sda and another vda. */
                return domain_def_find_alias(def, name)
                               ? domain_def_next_alias(def, &disk->base, "virtio-disk")
                               : g_steal_pointer(&name);
        }
        return g_strdup_printf("%s%u-%u-%u", disk->target.bus == DISK_BUS_SATA ? "sata" : "ide",
                               (unsigned)address->controller.value, (unsigned)address->bus.value,
                               (unsigned)address->unit.value);
}

const DomainKind domain_disk_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_DISK, DomainDisk, "disk", disk_fields),
        .name = disk_name,
        .fill = fill_disk,
        .check = check_disk,
        .key = disk_key,
        .describe = describe_disk,
        .is_same = is_same_disk,
        .is_pci = is_pci_disk,
};
