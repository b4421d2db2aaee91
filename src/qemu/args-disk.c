/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

/* ---- block nodes ---- */

static char *node_name(const DomainDisk *disk) {
        return g_strdup_printf("node-%s", disk->target.dev);
}

/* How the host's cache is used; NULL: as QEMU does by itself (writeback). */
static json_t *cache_options(DiskCache cache) {
        bool is_direct = cache == DISK_CACHE_NONE || cache == DISK_CACHE_DIRECTSYNC;

        if (cache <= DISK_CACHE_DEFAULT)
                return NULL;
        return json_pack("{s:b, s:b}", "direct", is_direct, "no-flush", cache == DISK_CACHE_UNSAFE);
}

static json_t *file_node(const char *name, const char *path) {
        return json_pack("{s:s, s:s, s:s, s:b, s:s}", "driver", "file", "filename", path,
                         "node-name", name, "auto-read-only", true, "discard", "unmap");
}

static json_t *format_node(const char *name, const char *file, bool is_qcow2, bool is_read_only) {
        return json_pack("{s:s, s:s, s:s, s:b}", "driver", is_qcow2 ? "qcow2" : "raw", "file", file,
                         "node-name", name, "read-only", is_read_only);
}

static int disk_backend(const QemuContext *context, const DomainDevice *device, json_t *commands,
                        Err *err) {
        static const char *const ios[] = {NULL, "threads", "native", "io_uring"};
        static const char *const discards[] = {NULL, "unmap", "ignore"};
        static const char *const zeroes[] = {NULL, "off", "on", "unmap"};
        const DomainDisk *disk = (const DomainDisk *)device;
        g_autofree char *name = node_name(disk);
        g_autofree char *file_name = g_strdup_printf("file-%s", disk->target.dev);
        json_t *file, *format;

        if (!disk->source.file)
                return 0;
        file = file_node(file_name, disk->source.file);
        qemu_args_set_optional(file, "aio", json_string(ios[disk->driver.io]));
        qemu_args_set_optional(file, "cache", cache_options(disk->driver.cache));
        format = format_node(name, file_name, disk->driver.type == DISK_FORMAT_QCOW2,
                             disk->readonly.node.is_present);
        qemu_args_set_optional(format, "discard", json_string(discards[disk->driver.discard]));
        qemu_args_set_optional(format, "detect-zeroes",
                               json_string(zeroes[disk->driver.detect_zeroes]));
        qemu_args_set_optional(format, "cache", cache_options(disk->driver.cache));
        qemu_args_append_command(commands, "blockdev-add", file);
        qemu_args_append_command(commands, "blockdev-add", format);
        return 0;
}

/* The file's node stands inside: nobody asks for it by name. */
json_t *qemu_args_flash_node(const char *name, const char *path, FlashFormat format,
                             bool is_read_only) {
        return json_pack("{s:s, s:s, s:b, s:{s:s, s:s}}", "driver",
                         format == FLASH_QCOW2 ? "qcow2" : "raw", "node-name", name, "read-only",
                         is_read_only, "file", "driver", "file", "filename", path);
}

/* ---- the device ---- */

static int fill_disk(const QemuContext *context, const DomainDevice *device, json_t *object,
                     Err *err) {
        const DomainDisk *disk = (const DomainDisk *)device;
        const DomainAddress *address = &device->address;
        g_autofree char *node = node_name(disk);
        bool is_cdrom = disk->device == DISK_DEVICE_CDROM;
        bool is_write_through = disk->driver.cache == DISK_CACHE_WRITETHROUGH ||
                                disk->driver.cache == DISK_CACHE_DIRECTSYNC;

        if (disk->target.bus == DISK_BUS_VIRTIO) {
                SET_STRING(object, "driver", "virtio-blk-pci");
        } else {
                const DomainController *controller = domain_def_find_controller(
                        context->def,
                        disk->target.bus == DISK_BUS_SATA ? CONTROLLER_SATA : CONTROLLER_IDE,
                        (unsigned)address->controller.value);
                bool is_sata = disk->target.bus == DISK_BUS_SATA;
                g_autofree char *bus = NULL;

                if (!controller || !controller->base.alias.name)
                        return fail(err, VIR_ERR_INTERNAL_ERROR, "disk %s has no controller",
                                    disk->target.dev);
                bus = g_strdup_printf("%s.%u", controller->base.alias.name,
                                      (unsigned)(is_sata ? address->unit : address->bus).value);
                SET_STRING(object, "driver", is_cdrom ? "ide-cd" : "ide-hd");
                SET_STRING(object, "bus", bus);
                if (!is_sata)
                        SET_INT(object, "unit", address->unit.value);
        }
        if (disk->source.file)
                SET_STRING(object, "drive", node);
        if (disk->serial.text)
                SET_STRING(object, "serial", disk->serial.text);
        if (disk->driver.cache > DISK_CACHE_DEFAULT && !is_cdrom)
                SET_STRING(object, "write-cache", is_write_through ? "off" : "on");
        qemu_args_set_boot(object, context->def, device);
        return 0;
}

static bool disk_can_plug(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainDisk *)device)->target.bus == DISK_BUS_VIRTIO;
}

const QemuKind qemu_disk_kind = {
        .backend = disk_backend,
        .device = fill_disk,
        .can_plug = disk_can_plug,
};
