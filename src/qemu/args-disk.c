/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A drive is a chain of block nodes and a device on top. Each image has two nodes: file-vda speaks
 * with where its bytes are, node-vda knows its format; those of the n-th image below it are
 * file-vda-n and node-vda-n. Copy-on-read is a node above all of them, cor-vda. */
#include "qemu/args-part.h"

#include <string.h>

/* ---- block nodes ---- */

static char *node_name(const char *prefix, const DomainDisk *disk, unsigned layer) {
        return layer == 0 ? g_strdup_printf("%s-%s", prefix, disk->target.dev)
                          : g_strdup_printf("%s-%s-%u", prefix, disk->target.dev, layer);
}

char *qemu_args_disk_node(const DomainDisk *disk, unsigned layer) {
        return node_name("node", disk, layer);
}

static char *top_node(const DomainDisk *disk) {
        return node_name(disk->driver.copy_on_read == DOMAIN_SWITCH_ON ? "cor" : "node", disk, 0);
}

/* A shared disk must not be cached: another host's writes would not be seen. */
static DiskCache disk_cache(const DomainDisk *disk) {
        DiskCache cache = disk->driver.cache;

        return cache <= DISK_CACHE_DEFAULT && disk->shareable.node.is_present ? DISK_CACHE_NONE
                                                                              : cache;
}

/* How the host's cache is used; NULL: as QEMU does by itself (writeback). */
static json_t *cache_options(DiskCache cache) {
        bool is_direct = cache == DISK_CACHE_NONE || cache == DISK_CACHE_DIRECTSYNC;

        if (cache <= DISK_CACHE_DEFAULT)
                return NULL;
        return json_pack("{s:b, s:b}", "direct", is_direct, "no-flush", cache == DISK_CACHE_UNSAFE);
}

static json_t *local_node(const DomainSource *source) {
        return json_pack("{s:s, s:s}", "driver", source->file ? "file" : "host_device", "filename",
                         domain_source_path(source));
}

static json_t *nbd_node(const DomainSource *source) {
        const SourceHost *host = source->hosts->pdata[0];
        g_autofree char *port = g_strdup_printf("%u", (unsigned)host->port.value);
        json_t *server = host->transport == SOURCE_UNIX
                                 ? json_pack("{s:s, s:s}", "type", "unix", "path", host->socket)
                                 : json_pack("{s:s, s:s, s:s}", "type", "inet", "host", host->name,
                                             "port", port);
        json_t *node = json_pack("{s:s, s:o}", "driver", "nbd", "server", server);

        qemu_args_set_optional(node, "export", json_string(source->name));
        if (source->reconnect.node.is_present)
                SET_INT(node, "reconnect-delay", source->reconnect.delay.value);
        return node;
}

static json_t *url_node(const DomainSource *source) {
        const SourceHost *host = source->hosts->pdata[0];
        const char *scheme = source->protocol == SOURCE_HTTPS ? "https" : "http";
        bool is_ipv6 = strchr(host->name, ':') != NULL;
        g_autofree char *url = g_strdup_printf(
                "%s://%s%s%s:%u%s%s%s%s", scheme, is_ipv6 ? "[" : "", host->name,
                is_ipv6 ? "]" : "", (unsigned)host->port.value, source->name[0] == '/' ? "" : "/",
                source->name, source->query ? "?" : "", source->query ? source->query : "");
        json_t *node = json_pack("{s:s, s:s}", "driver", scheme, "url", url);

        if (source->ssl.verify && source->protocol == SOURCE_HTTPS)
                SET_BOOL(node, "sslverify", source->ssl.verify == DOMAIN_SWITCH_ON);
        if (source->readahead.node.is_present)
                SET_INT(node, "readahead", source->readahead.size.value);
        if (source->timeout.node.is_present)
                SET_INT(node, "timeout", source->timeout.seconds.value);
        return node;
}

static json_t *storage_node(const DomainDisk *disk, const DomainSource *source, unsigned layer) {
        static const char *const ios[] = {NULL, "threads", "native", "io_uring"};
        g_autofree char *name = node_name("file", disk, layer);
        json_t *node = !source->protocol                ? local_node(source)
                       : source->protocol == SOURCE_NBD ? nbd_node(source)
                                                        : url_node(source);

        SET_STRING(node, "node-name", name);
        SET_BOOL(node, "auto-read-only", true);
        SET_STRING(node, "discard", "unmap");
        if (!source->protocol)
                qemu_args_set_optional(node, "aio", json_string(ios[disk->driver.io]));
        qemu_args_set_optional(node, "cache", cache_options(disk_cache(disk)));
        return node;
}

static void set_qcow2_options(json_t *node, const DomainDisk *disk) {
        const typeof(disk->driver) *driver = &disk->driver;

        if (driver->metadata_cache.max_size.node.is_present)
                SET_INT(node, "cache-size", driver->metadata_cache.max_size.kib * 1024);
        if (driver->discard_no_unref)
                SET_BOOL(node, "discard-no-unref", driver->discard_no_unref == DOMAIN_SWITCH_ON);
}

/* list is what the XML says of the images below. Where it says nothing, QEMU reads the image's own
 * header; the daemon has looked there before it lets a guest start. */
static void set_backing(json_t *node, const DomainDisk *disk, const GPtrArray *list,
                        unsigned layer) {
        g_autofree char *below = node_name("node", disk, layer + 1);

        if (domain_backing_of(list))
                SET_STRING(node, "backing", below);
        else if (list && list->len > 0)
                json_object_set_new(node, "backing", json_null());
}

static json_t *format_node(const DomainDisk *disk, DiskFormat format, const GPtrArray *list,
                           unsigned layer) {
        static const char *const discards[] = {NULL, "unmap", "ignore"};
        static const char *const zeroes[] = {NULL, "off", "on", "unmap"};
        g_autofree char *file = node_name("file", disk, layer);
        g_autofree char *name = node_name("node", disk, layer);
        bool is_read_only = layer > 0 || disk->readonly.node.is_present;
        json_t *node = json_pack("{s:s, s:s, s:s, s:b}", "driver",
                                 format == DISK_FORMAT_QCOW2 ? "qcow2" : "raw", "file", file,
                                 "node-name", name, "read-only", is_read_only);

        qemu_args_set_optional(node, "discard", json_string(discards[disk->driver.discard]));
        if (layer == 0)
                qemu_args_set_optional(node, "detect-zeroes",
                                       json_string(zeroes[disk->driver.detect_zeroes]));
        if (format == DISK_FORMAT_QCOW2) {
                set_qcow2_options(node, disk);
                set_backing(node, disk, list, layer);
        }
        qemu_args_set_optional(node, "cache", cache_options(disk_cache(disk)));
        return node;
}

/* From the lowest image to the disk's own: each is there before another names it. */
static void add_layers(const DomainDisk *disk, const GPtrArray *list, unsigned layer,
                       json_t *commands) {
        const DomainBacking *backing = domain_backing_of(list);

        if (!backing)
                return;
        add_layers(disk, backing->backing, layer + 1, commands);
        qemu_args_append_command(commands, "blockdev-add",
                                 storage_node(disk, &backing->source, layer));
        qemu_args_append_command(commands, "blockdev-add",
                                 format_node(disk, backing->format.type, backing->backing, layer));
}

static json_t *copy_on_read_node(const DomainDisk *disk) {
        g_autofree char *name = node_name("cor", disk, 0);
        g_autofree char *below = node_name("node", disk, 0);

        return json_pack("{s:s, s:s, s:s, s:s}", "driver", "copy-on-read", "node-name", name,
                         "file", below, "discard", "unmap");
}

static int disk_backend(const QemuContext *context, const DomainDevice *device, json_t *commands,
                        Err *err) {
        const DomainDisk *disk = (const DomainDisk *)device;
        if (!domain_disk_has_source(disk))
                return 0;
        add_layers(disk, disk->backing, 1, commands);
        qemu_args_append_command(commands, "blockdev-add", storage_node(disk, &disk->source, 0));
        qemu_args_append_command(commands, "blockdev-add",
                                 format_node(disk, disk->driver.type, disk->backing, 0));
        if (disk->driver.copy_on_read == DOMAIN_SWITCH_ON)
                qemu_args_append_command(commands, "blockdev-add", copy_on_read_node(disk));
        return 0;
}

int qemu_args_disk_medium(const DomainDef *def, const DomainDisk *disk, const QemuRuntime *runtime,
                          json_t **ret_commands, char **ret_node, Err *err) {
        const QemuContext context = {def, runtime};
        json_t *commands = json_array();
        int r = disk_backend(&context, &disk->base, commands, err);

        if (r < 0) {
                json_decref(commands);
                return r;
        }
        *ret_commands = commands;
        *ret_node = domain_disk_has_source(disk) ? top_node(disk) : NULL;
        return 0;
}

/* The file's node stands inside: nobody asks for it by name. */
json_t *qemu_args_flash_node(const char *name, const char *path, FlashFormat format,
                             bool is_read_only) {
        return json_pack("{s:s, s:s, s:b, s:{s:s, s:s}}", "driver",
                         format == FLASH_QCOW2 ? "qcow2" : "raw", "node-name", name, "read-only",
                         is_read_only, "file", "driver", "file", "filename", path);
}

/* ---- the device on its bus ---- */

static const DomainController *find_controller(const DomainDef *def, const DomainDisk *disk) {
        static const ControllerType types[_DISK_BUS_MAX] = {
                [DISK_BUS_SATA] = CONTROLLER_SATA, [DISK_BUS_IDE] = CONTROLLER_IDE,
                [DISK_BUS_SCSI] = CONTROLLER_SCSI, [DISK_BUS_FDC] = CONTROLLER_FDC,
                [DISK_BUS_NVME] = CONTROLLER_NVME,
        };
        ControllerType type = types[disk->target.bus];
        unsigned index = (unsigned)disk->base.address.controller.value;
        const DomainController *controller =
                type ? domain_def_find_controller(def, type, index) : NULL;

        return controller && controller->base.alias.name ? controller : NULL;
}

static void set_bus(json_t *object, const char *controller, const char *separator,
                    DomainNum number) {
        json_object_set_new(object, "bus",
                            json_sprintf("%s%s%u", controller, separator, (unsigned)number.value));
}

static void fill_ata(const DomainDisk *disk, const char *controller, json_t *object) {
        const DomainAddress *address = &disk->base.address;
        bool is_sata = disk->target.bus == DISK_BUS_SATA;

        SET_STRING(object, "driver", disk->device == DISK_DEVICE_CDROM ? "ide-cd" : "ide-hd");
        set_bus(object, controller, ".", is_sata ? address->unit : address->bus);
        if (!is_sata)
                SET_INT(object, "unit", address->unit.value);
}

static void fill_scsi(const DomainDisk *disk, const DomainController *controller, json_t *object) {
        const DomainAddress *address = &disk->base.address;

        SET_STRING(object, "driver", disk->device == DISK_DEVICE_CDROM ? "scsi-cd" : "scsi-hd");
        set_bus(object, controller->base.alias.name, ".", DOMAIN_NUM(0));
        if (domain_controller_is_narrow(controller)) {
                SET_INT(object, "scsi-id", address->unit.value);
        } else {
                SET_INT(object, "channel", address->bus.value);
                SET_INT(object, "scsi-id", address->target.value);
                SET_INT(object, "lun", address->unit.value);
        }
        /* Part of the disk's name in a guest that was installed under libvirt. */
        json_object_set_new(object, "device_id", json_sprintf("drive-%s", disk->base.alias.name));
}

static void set_num(json_t *object, const char *key, DomainNum num) {
        if (num.is_set)
                SET_INT(object, key, num.value);
}

static void set_switch(json_t *object, const char *key, DomainSwitch value) {
        if (value)
                SET_BOOL(object, key, value == DOMAIN_SWITCH_ON);
}

static void fill_virtio(const DomainDisk *disk, json_t *object) {
        const typeof(disk->driver) *driver = &disk->driver;

        qemu_args_set_virtio_driver(object, "virtio-blk", disk->model);
        qemu_args_set_virtio(object, &driver->virtio);
        if (driver->iothread.is_set)
                json_object_set_new(object, "iothread",
                                    json_sprintf("iothread%u", (unsigned)driver->iothread.value));
        set_switch(object, "ioeventfd", driver->ioeventfd);
        set_switch(object, "event_idx", driver->event_idx);
        set_num(object, "num-queues", driver->queues);
        set_num(object, "queue-size", driver->queue_size);
}

static int fill_bus(const QemuContext *context, const DomainDisk *disk, json_t *object, Err *err) {
        const DomainController *controller = find_controller(context->def, disk);

        if (disk->target.bus == DISK_BUS_VIRTIO) {
                fill_virtio(disk, object);
                return 0;
        }
        if (disk->target.bus == DISK_BUS_USB) {
                SET_STRING(object, "driver", "usb-storage");
                SET_BOOL(object, "removable", disk->target.removable == DOMAIN_SWITCH_ON);
                return qemu_args_set_usb_address(object, context->def, &disk->base, err);
        }
        if (!controller)
                return fail(err, VIR_ERR_OPERATION_FAILED, "disk %s has no controller %u",
                            disk->target.dev, (unsigned)disk->base.address.controller.value);
        switch (disk->target.bus) {
        case DISK_BUS_SCSI:
                fill_scsi(disk, controller, object);
                break;
        case DISK_BUS_FDC:
                SET_STRING(object, "driver", "floppy");
                SET_INT(object, "unit", disk->base.address.unit.value);
                break;
        case DISK_BUS_NVME:
                SET_STRING(object, "driver", "nvme-ns");
                SET_STRING(object, "bus", controller->base.alias.name);
                SET_INT(object, "nsid", disk->base.address.unit.value + 1);
                break;
        default:
                fill_ata(disk, controller->base.alias.name, object);
        }
        return 0;
}

/* ---- what all of them have ---- */

static void set_policies(const DomainDisk *disk, json_t *object) {
        static const char *const policies[] = {NULL, "stop", "report", "ignore", "enospc"};
        DiskPolicy on_write = disk->driver.error_policy, on_read = disk->driver.rerror_policy;

        if (!on_read && on_write != DISK_POLICY_ENOSPACE)
                on_read = on_write;
        qemu_args_set_optional(object, "werror", json_string(policies[on_write]));
        qemu_args_set_optional(object, "rerror", json_string(policies[on_read]));
}

static void set_geometry(const DomainDisk *disk, json_t *object) {
        static const char *const translations[] = {NULL, "none", "auto", "lba"};

        if (!disk->geometry.node.is_present)
                return;
        set_num(object, "cyls", disk->geometry.cyls);
        set_num(object, "heads", disk->geometry.heads);
        set_num(object, "secs", disk->geometry.secs);
        qemu_args_set_optional(object, "bios-chs-trans",
                               json_string(translations[disk->geometry.trans]));
}

static void set_identity(const DomainDisk *disk, json_t *object) {
        uint64_t wwn = disk->wwn ? g_ascii_strtoull(disk->wwn, NULL, 16) : 0;

        qemu_args_set_optional(object, "serial", json_string(disk->serial.text));
        qemu_args_set_optional(object, "vendor", json_string(disk->vendor));
        qemu_args_set_optional(object, "product", json_string(disk->product));
        if (wwn)
                SET_INT(object, "wwn", wwn);
        set_num(object, "rotation_rate", disk->target.rotation_rate);
        if (disk->target.bus == DISK_BUS_SCSI)
                set_switch(object, "removable", disk->target.removable);
}

static void set_cache(const DomainDisk *disk, json_t *object) {
        DiskCache cache = disk_cache(disk);
        bool is_write_through = cache == DISK_CACHE_WRITETHROUGH || cache == DISK_CACHE_DIRECTSYNC;

        if (cache > DISK_CACHE_DEFAULT && disk->device == DISK_DEVICE_DISK)
                SET_STRING(object, "write-cache", is_write_through ? "off" : "on");
}

static int check_version(const QemuContext *context, const DomainDisk *disk, Err *err) {
        if (!disk->driver.discard_no_unref || context->runtime->version >= QEMU_VERSION(8, 1, 0))
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "disk %s: discard_no_unref needs QEMU 8.1",
                    disk->target.dev);
}

static int fill_disk(const QemuContext *context, const DomainDevice *device, json_t *object,
                     Err *err) {
        const DomainDisk *disk = (const DomainDisk *)device;
        g_autofree char *node = top_node(disk);
        int r = check_version(context, disk, err);

        if (r == 0)
                r = fill_bus(context, disk, object, err);
        if (r < 0)
                return r;
        if (domain_disk_has_source(disk))
                SET_STRING(object, "drive", node);
        if (disk->shareable.node.is_present)
                SET_BOOL(object, "share-rw", true);
        set_identity(disk, object);
        set_geometry(disk, object);
        set_num(object, "logical_block_size", disk->blockio.logical);
        set_num(object, "physical_block_size", disk->blockio.physical);
        set_num(object, "discard_granularity", disk->blockio.discard);
        set_policies(disk, object);
        set_cache(disk, object);
        if (disk->device != DISK_DEVICE_FLOPPY)
                qemu_args_set_boot(object, context->def, device);
        return 0;
}

/* ---- limits ---- */

typedef struct LimitNames {
        const char *rate[_DISK_WAYS], *max[_DISK_WAYS], *length[_DISK_WAYS];
} LimitNames;

static const LimitNames byte_names = {
        {"bps", "bps_rd", "bps_wr"},
        {"bps_max", "bps_rd_max", "bps_wr_max"},
        {"bps_max_length", "bps_rd_max_length", "bps_wr_max_length"},
};
static const LimitNames request_names = {
        {"iops", "iops_rd", "iops_wr"},
        {"iops_max", "iops_rd_max", "iops_wr_max"},
        {"iops_max_length", "iops_rd_max_length", "iops_wr_max_length"},
};

static void set_limits(json_t *arguments, const DiskLimits *limits, const LimitNames *names) {
        for (int way = 0; way < _DISK_WAYS; way++) {
                SET_INT(arguments, names->rate[way], limits->rate[way].value);
                set_num(arguments, names->max[way], limits->max[way]);
                set_num(arguments, names->length[way], limits->length[way]);
        }
}

json_t *qemu_args_disk_throttle(const DomainDisk *disk) {
        /* virtio-blk-pci is only the shell of what has the image. */
        json_t *arguments =
                json_pack("{s:o}", "id",
                          disk->target.bus == DISK_BUS_VIRTIO
                                  ? json_sprintf("/machine/peripheral/%s/virtio-backend",
                                                 disk->base.alias.name)
                                  : json_string(disk->base.alias.name));

        set_limits(arguments, &disk->iotune.bytes, &byte_names);
        set_limits(arguments, &disk->iotune.iops, &request_names);
        set_num(arguments, "iops_size", disk->iotune.size_iops);
        qemu_args_set_optional(arguments, "group", json_string(disk->iotune.group_name));
        return json_pack("{s:s, s:o}", "execute", "block_set_io_throttle", "arguments", arguments);
}

static void disk_ready(const DomainDevice *device, json_t *commands) {
        const DomainDisk *disk = (const DomainDisk *)device;

        if (disk->iotune.node.is_present)
                json_array_append_new(commands, qemu_args_disk_throttle(disk));
        if (disk->target.tray == DISK_TRAY_OPEN)
                qemu_args_append_command(commands, "blockdev-open-tray",
                                         json_pack("{s:s}", "id", disk->base.alias.name));
}

static bool disk_can_plug(const DomainDef *def, const DomainDevice *device) {
        DiskBus bus = ((const DomainDisk *)device)->target.bus;

        return bus == DISK_BUS_VIRTIO || bus == DISK_BUS_SCSI || bus == DISK_BUS_USB;
}

const QemuKind qemu_disk_kind = {
        .backend = disk_backend,
        .device = fill_disk,
        .ready = disk_ready,
        .can_plug = disk_can_plug,
};
