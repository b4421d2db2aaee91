/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/util.h"
#include "domain/kind.h"
#include "domain/source-part.h"

/* ---- XML ---- */

static const char *const disk_devices[] = {"disk", "cdrom", "floppy", NULL};
static const char *const disk_buses[] = {"virtio", "sata", "ide",  "scsi",
                                         "usb",    "fdc",  "nvme", NULL};
G_STATIC_ASSERT(G_N_ELEMENTS(disk_buses) == _DISK_BUS_MAX);
static const char *const disk_caches[] = {
        "default", "none", "writethrough", "writeback", "directsync", "unsafe", NULL};
static const char *const disk_ios[] = {"threads", "native", "io_uring", NULL};
static const char *const disk_discards[] = {"unmap", "ignore", NULL};
static const char *const disk_zeroes[] = {"off", "on", "unmap", NULL};
static const char *const disk_policies[] = {"stop", "report", "ignore", "enospace", NULL};
static const char *const disk_trays[] = {"open", "closed", NULL};
static const char *const disk_snapshots[] = {"no", "internal", "external", "manual", NULL};
static const char *const disk_translations[] = {"none", "auto", "lba", NULL};

static bool is_virtio(const void *object) {
        return ((const DomainDisk *)object)->target.bus == DISK_BUS_VIRTIO;
}

static const DomainField max_size_fields[] = {
        ATTR_(DomainDisk, driver.metadata_cache.max_size.kib, NULL, FIELD_KIB, .place = PLACE_TEXT,
              .is_required = true),
        END,
};
static const DomainElement max_size =
        PART_OF(DomainDisk, driver.metadata_cache.max_size, "max_size", max_size_fields);

static const DomainField metadata_cache_fields[] = {
        PART("max_size", max_size),
        END,
};
static const DomainElement metadata_cache =
        PART_OF(DomainDisk, driver.metadata_cache, "metadata_cache", metadata_cache_fields);

static const DomainField disk_driver_fields[] = {
        ATTR_STRING(DomainDisk, driver.name, "name"),
        ATTR_ENUM(DomainDisk, driver.type, "type", domain_disk_formats),
        ATTR_ENUM(DomainDisk, driver.cache, "cache", disk_caches),
        ATTR_ENUM(DomainDisk, driver.error_policy, "error_policy", disk_policies),
        ATTR_ENUM(DomainDisk, driver.rerror_policy, "rerror_policy", disk_policies),
        ATTR_ENUM(DomainDisk, driver.io, "io", disk_ios),
        ATTR_ON(DomainDisk, driver.ioeventfd, "ioeventfd"),
        ATTR_ON(DomainDisk, driver.event_idx, "event_idx"),
        ATTR_ON(DomainDisk, driver.copy_on_read, "copy_on_read"),
        ATTR_ENUM(DomainDisk, driver.discard, "discard", disk_discards),
        ATTR_NUM(DomainDisk, driver.iothread, "iothread"),
        ATTR_ENUM(DomainDisk, driver.detect_zeroes, "detect_zeroes", disk_zeroes),
        ATTR_ON(DomainDisk, driver.discard_no_unref, "discard_no_unref"),
        ATTR_NUM(DomainDisk, driver.queues, "queues", .max = UINT16_MAX),
        ATTR_NUM(DomainDisk, driver.queue_size, "queue_size", .max = 1024),
        ATTR_ON(DomainDisk, driver.virtio.iommu, "iommu"),
        ATTR_ON(DomainDisk, driver.virtio.ats, "ats"),
        ATTR_ON(DomainDisk, driver.virtio.packed, "packed"),
        ATTR_ON(DomainDisk, driver.virtio.page_per_vq, "page_per_vq"),
        PART("metadata_cache", metadata_cache),
        END,
};
static const DomainElement disk_driver = PART_OF(DomainDisk, driver, "driver", disk_driver_fields);

static const DomainField geometry_fields[] = {
        ATTR_NUM(DomainDisk, geometry.cyls, "cyls", .is_required = true, .max = UINT16_MAX),
        ATTR_NUM(DomainDisk, geometry.heads, "heads", .is_required = true, .max = 16),
        ATTR_NUM(DomainDisk, geometry.secs, "secs", .is_required = true, .max = 255),
        ATTR_ENUM(DomainDisk, geometry.trans, "trans", disk_translations),
        END,
};
static const DomainElement geometry = PART_OF(DomainDisk, geometry, "geometry", geometry_fields);

static const DomainField blockio_fields[] = {
        ATTR_NUM(DomainDisk, blockio.logical, "logical_block_size"),
        ATTR_NUM(DomainDisk, blockio.physical, "physical_block_size"),
        ATTR_NUM(DomainDisk, blockio.discard, "discard_granularity"),
        END,
};
static const DomainElement blockio = PART_OF(DomainDisk, blockio, "blockio", blockio_fields);

static const DomainField disk_target_fields[] = {
        ATTR_STRING(DomainDisk, target.dev, "dev", .is_required = true),
        ATTR_ENUM(DomainDisk, target.bus, "bus", disk_buses),
        ATTR_ENUM(DomainDisk, target.tray, "tray", disk_trays),
        ATTR_ON(DomainDisk, target.removable, "removable"),
        ATTR_NUM(DomainDisk, target.rotation_rate, "rotation_rate", .max = UINT16_MAX),
        END,
};
static const DomainElement disk_target = PART_OF(DomainDisk, target, "target", disk_target_fields);

#define LIMIT(f, xml) ATTR_NUM(DomainDisk, iotune.f, xml, .place = PLACE_LEAF, .max = LIMIT_MAX)
#define LIMIT_MAX     1000000000000000 /* of QEMU: THROTTLE_VALUE_MAX */

static const DomainField iotune_fields[] = {
        LIMIT(bytes.rate[DISK_TOTAL], "total_bytes_sec"),
        LIMIT(bytes.rate[DISK_READ], "read_bytes_sec"),
        LIMIT(bytes.rate[DISK_WRITE], "write_bytes_sec"),
        LIMIT(iops.rate[DISK_TOTAL], "total_iops_sec"),
        LIMIT(iops.rate[DISK_READ], "read_iops_sec"),
        LIMIT(iops.rate[DISK_WRITE], "write_iops_sec"),
        LIMIT(bytes.max[DISK_TOTAL], "total_bytes_sec_max"),
        LIMIT(bytes.max[DISK_READ], "read_bytes_sec_max"),
        LIMIT(bytes.max[DISK_WRITE], "write_bytes_sec_max"),
        LIMIT(iops.max[DISK_TOTAL], "total_iops_sec_max"),
        LIMIT(iops.max[DISK_READ], "read_iops_sec_max"),
        LIMIT(iops.max[DISK_WRITE], "write_iops_sec_max"),
        LIMIT(size_iops, "size_iops_sec"),
        LEAF_STRING(DomainDisk, iotune.group_name, "group_name"),
        LIMIT(bytes.length[DISK_TOTAL], "total_bytes_sec_max_length"),
        LIMIT(bytes.length[DISK_READ], "read_bytes_sec_max_length"),
        LIMIT(bytes.length[DISK_WRITE], "write_bytes_sec_max_length"),
        LIMIT(iops.length[DISK_TOTAL], "total_iops_sec_max_length"),
        LIMIT(iops.length[DISK_READ], "read_iops_sec_max_length"),
        LIMIT(iops.length[DISK_WRITE], "write_iops_sec_max_length"),
        END,
};
static const DomainElement iotune = PART_OF(DomainDisk, iotune, "iotune", iotune_fields);

static const DomainElement readonly_flag = ELEMENT(DomainFlag, "readonly", domain_no_fields);
static const DomainElement shareable_flag = ELEMENT(DomainFlag, "shareable", domain_no_fields);

static const DomainField serial_fields[] = {
        TEXT_STRING(DomainText, text, .is_required = true),
        END,
};
static const DomainElement disk_serial = ELEMENT(DomainText, "serial", serial_fields);

static const DomainField disk_fields[] = {
        ATTR_ENUM(DomainDisk, type, "type", domain_disk_types),
        ATTR_ENUM(DomainDisk, device, "device", disk_devices),
        ATTR_ENUM(DomainDisk, model, "model", domain_virtio_forms),
        ATTR_ENUM(DomainDisk, snapshot, "snapshot", disk_snapshots),
        PART("driver", disk_driver),
        CHILD(DomainDisk, source, "source", domain_source_element),
        LIST(DomainDisk, backing, "backingStore", domain_backing_element),
        PART("geometry", geometry),
        PART("blockio", blockio),
        PART("target", disk_target, .is_required = true),
        PART("iotune", iotune),
        CHILD(DomainDisk, readonly, "readonly", readonly_flag),
        CHILD(DomainDisk, shareable, "shareable", shareable_flag),
        CHILD(DomainDisk, serial, "serial", disk_serial),
        LEAF_STRING(DomainDisk, wwn, "wwn"),
        LEAF_STRING(DomainDisk, vendor, "vendor"),
        LEAF_STRING(DomainDisk, product, "product"),
        DEVICE_BOOT,
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

/* ---- targets ---- */

unsigned domain_disk_target_index(const char *target) {
        unsigned index = 0;

        for (const char *at = target + 2; *at >= 'a' && *at <= 'z'; at++)
                index = index * 26 + (unsigned)(*at - 'a') + 1;
        return index > 0 ? index - 1 : 0;
}

#define NVME_NAMESPACES_MAX 256 /* of a controller in QEMU */

bool domain_disk_parse_nvme(const char *target, unsigned *ret_controller, unsigned *ret_namespace) {
        g_auto(GStrv) parts = g_strsplit(target, "n", 3); /* "", "vme0", "1" */
        uint64_t controller, number;

        if (!g_str_has_prefix(target, "nvme") || g_strv_length(parts) != 3 ||
            str_to_uint(parts[1] + strlen("vme"), 10, UINT8_MAX, &controller) < 0 ||
            str_to_uint(parts[2], 10, NVME_NAMESPACES_MAX, &number) < 0 || number == 0)
                return false;
        *ret_controller = (unsigned)controller;
        *ret_namespace = (unsigned)number;
        return true;
}

void domain_disk_eject(DomainDisk *disk) {
        domain_element_clear(&domain_source_element, &disk->source);
        domain_backing_free(disk->backing);
        disk->backing = NULL;
}

/* ---- defaults ---- */

static const struct {
        const char *prefix;
        DiskBus bus;
} buses_by_name[] = {
        {"vd", DISK_BUS_VIRTIO}, {"hd", DISK_BUS_IDE},    {"sd", DISK_BUS_SCSI},
        {"fd", DISK_BUS_FDC},    {"nvme", DISK_BUS_NVME},
};

static void fill_bus(DomainDisk *disk) {
        if (disk->device == DISK_DEVICE_FLOPPY)
                FILL_ENUM(disk->target.bus, DISK_BUS_FDC);
        for (size_t i = 0; i < G_N_ELEMENTS(buses_by_name) && !disk->target.bus; i++)
                if (g_str_has_prefix(disk->target.dev, buses_by_name[i].prefix))
                        disk->target.bus = buses_by_name[i].bus;
}

/* 0 says the same as nothing. */
static void drop_zero(DomainNum *num) {
        if (num->value == 0)
                *num = (DomainNum){};
}

static void fill_limits(DiskLimits *limits) {
        for (int way = 0; way < _DISK_WAYS; way++) {
                drop_zero(&limits->rate[way]);
                drop_zero(&limits->max[way]);
                drop_zero(&limits->length[way]);
        }
}

static bool has_limits(const DiskLimits *limits) {
        for (int way = 0; way < _DISK_WAYS; way++)
                if (limits->rate[way].is_set || limits->max[way].is_set)
                        return true;
        return false;
}

static void fill_iotune(DomainDisk *disk) {
        fill_limits(&disk->iotune.bytes);
        fill_limits(&disk->iotune.iops);
        drop_zero(&disk->iotune.size_iops);
        if (!has_limits(&disk->iotune.bytes) && !has_limits(&disk->iotune.iops) &&
            !disk->iotune.size_iops.is_set && !disk->iotune.group_name &&
            !disk->iotune.node.attrs && !disk->iotune.node.kept)
                disk->iotune.node.is_present = false;
}

static int fill_disk(DomainDef *def, DomainDevice *device, Err *err) {
        DomainDisk *disk = (DomainDisk *)device;

        FILL_ENUM(disk->type, DISK_TYPE_FILE);
        FILL_ENUM(disk->device, DISK_DEVICE_DISK);
        domain_source_fill(&disk->source);
        domain_backing_fill(disk->backing);
        disk->driver.node.is_present = true;
        fill_text(&disk->driver.name, "qemu");
        FILL_ENUM(disk->driver.type, DISK_FORMAT_RAW);
        if (disk->device == DISK_DEVICE_CDROM)
                disk->readonly.node.is_present = true;
        fill_iotune(disk);
        fill_bus(disk);
        return 0;
}

/* ---- checks ---- */

#define TARGET_MAX_BYTES 8

static int check_target(const DomainDisk *disk, Err *err) {
        const char *dev = disk->target.dev;
        unsigned controller, number;
        bool is_good = strlen(dev) > 2 && strlen(dev) <= TARGET_MAX_BYTES &&
                       strchr("hsvf", dev[0]) && dev[1] == 'd';

        for (const char *s = dev + 2; is_good && *s; s++)
                is_good = g_ascii_islower(*s);
        if (!is_good && !domain_disk_parse_nvme(dev, &controller, &number))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<target dev='%s'> at line %u is no disk's name", dev,
                            disk->target.node.line);
        if ((disk->target.bus == DISK_BUS_NVME) != g_str_has_prefix(dev, "nvme"))
                return fail(err, VIR_ERR_XML_ERROR,
                            "disk %s: disks of bus 'nvme', and no others, are called nvme0n1 and "
                            "so on: controller and namespace",
                            dev);
        if (disk->target.bus == DISK_BUS_FDC && domain_disk_target_index(dev) > 1)
                return fail(err, VIR_ERR_XML_ERROR,
                            "disk %s: a floppy controller has two drives, fda and fdb", dev);
        return 0;
}

#define MASK(x) (1u << (x))

/* What stands on each bus. */
static const unsigned bus_devices[_DISK_BUS_MAX] = {
        [DISK_BUS_VIRTIO] = MASK(DISK_DEVICE_DISK),
        [DISK_BUS_SATA] = MASK(DISK_DEVICE_DISK) | MASK(DISK_DEVICE_CDROM),
        [DISK_BUS_IDE] = MASK(DISK_DEVICE_DISK) | MASK(DISK_DEVICE_CDROM),
        [DISK_BUS_SCSI] = MASK(DISK_DEVICE_DISK) | MASK(DISK_DEVICE_CDROM),
        [DISK_BUS_USB] = MASK(DISK_DEVICE_DISK) | MASK(DISK_DEVICE_CDROM),
        [DISK_BUS_FDC] = MASK(DISK_DEVICE_FLOPPY),
        [DISK_BUS_NVME] = MASK(DISK_DEVICE_DISK),
};

static int check_bus(const DomainDef *def, const DomainDisk *disk, Err *err) {
        static const char *const devices[] = {NULL, "disk", "CD-ROM drive", "floppy drive"};
        const char *dev = disk->target.dev;
        bool is_ata = disk->target.bus == DISK_BUS_IDE || disk->target.bus == DISK_BUS_SATA;

        if (!(bus_devices[disk->target.bus] & MASK(disk->device)))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "disk %s: a %s cannot be on bus '%s'",
                            dev, devices[disk->device], disk_buses[disk->target.bus - 1]);
        if (disk->target.bus == DISK_BUS_IDE && domain_def_is_q35(def))
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "disk %s: machine '%s' has no IDE", dev,
                                      def->os.type.machine),
                                 "use bus='sata'");
        if (is_ata && disk->device == DISK_DEVICE_DISK && disk->readonly.node.is_present)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "disk %s: a disk on IDE or SATA cannot be read-only", dev);
        return 0;
}

#define BUS(x) MASK(DISK_BUS_##x)

/* What only some buses' devices have in QEMU. */
static int check_bus_options(const DomainDisk *disk, Err *err) {
        const typeof(disk->driver) *driver = &disk->driver;
        const typeof(driver->virtio) *virtio = &driver->virtio;
        const struct {
                bool is_set;
                unsigned buses;
                const char *what;
        } options[] = {
                {driver->queues.is_set || driver->queue_size.is_set, BUS(VIRTIO), "queues"},
                {driver->iothread.is_set, BUS(VIRTIO), "iothread"},
                {driver->ioeventfd || driver->event_idx, BUS(VIRTIO), "ioeventfd and event_idx"},
                {virtio->iommu || virtio->ats || virtio->packed || virtio->page_per_vq, BUS(VIRTIO),
                 "virtio's switches"},
                {disk->model != VIRTIO_FORM_UNSET, BUS(VIRTIO), "a model"},
                {driver->error_policy || driver->rerror_policy, ~(BUS(FDC) | BUS(NVME)),
                 "an error policy"},
                {disk->serial.node.is_present, ~(BUS(FDC) | BUS(NVME)), "a serial number"},
                {disk->blockio.node.is_present, ~BUS(FDC), "<blockio>"},
                {disk->iotune.node.is_present, ~BUS(USB), "<iotune>"},
                {disk->wwn != NULL, BUS(SCSI) | BUS(SATA) | BUS(IDE), "a WWN"},
                {disk->vendor || disk->product, BUS(SCSI), "vendor and product"},
                {disk->target.rotation_rate.is_set, BUS(SCSI) | BUS(SATA) | BUS(IDE),
                 "a rotation rate"},
                {disk->target.removable != 0, BUS(USB) | BUS(SCSI), "'removable'"},
                {disk->geometry.trans != 0, BUS(IDE), "a translation of its geometry"},
                {disk->geometry.node.is_present, ~(BUS(USB) | BUS(FDC) | BUS(NVME)), "<geometry>"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
                if (options[i].is_set && !(options[i].buses & MASK(disk->target.bus)))
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "disk %s: %s: not on bus '%s'",
                                    disk->target.dev, options[i].what,
                                    disk_buses[disk->target.bus - 1]);
        }
        return 0;
}

static int check_source(const DomainDisk *disk, Err *err) {
        const char *dev = disk->target.dev;
        bool is_url = disk->source.protocol == SOURCE_HTTP || disk->source.protocol == SOURCE_HTTPS;
        int r;

        if (disk->device == DISK_DEVICE_DISK && !domain_disk_has_source(disk))
                return fail(err, VIR_ERR_XML_ERROR, "disk %s has no source", dev);
        if (is_url && !disk->readonly.node.is_present)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "disk %s: what comes over HTTP can only be read", dev),
                                 "add <readonly/>");
        r = domain_source_check(&disk->source, disk->type, err);
        if (r < 0)
                return r;
        if (disk->driver.type == DISK_FORMAT_RAW && domain_backing_of(disk->backing))
                return fail(err, VIR_ERR_XML_ERROR, "disk %s: a raw image has no backing image",
                            dev);
        return domain_backing_check(disk->backing, err);
}

/* What a disk's driver does, by itself and with the source that it has. */
static int check_driver(const DomainDisk *disk, Err *err) {
        const typeof(disk->driver) *driver = &disk->driver;
        bool is_qcow2 = driver->type == DISK_FORMAT_QCOW2;
        bool is_direct = driver->cache == DISK_CACHE_NONE || driver->cache == DISK_CACHE_DIRECTSYNC;
        const struct {
                bool is_bad;
                const char *what;
        } rules[] = {
                {driver->name && !g_str_equal(driver->name, "qemu"), "its driver is 'qemu'"},
                {driver->io == DISK_IO_NATIVE && !is_direct,
                 "io='native' needs cache='none' or 'directsync'"},
                {driver->io && disk->type == DISK_TYPE_NETWORK,
                 "'io' is for files and block devices"},
                {driver->detect_zeroes == DISK_ZEROES_UNMAP &&
                         driver->discard != DISK_DISCARD_UNMAP,
                 "detect_zeroes='unmap' needs discard='unmap'"},
                {driver->rerror_policy == DISK_POLICY_ENOSPACE,
                 "rerror_policy='enospace': reading needs no space"},
                {driver->queues.is_set && driver->queues.value == 0, "it has one queue at least"},
                {driver->queue_size.is_set &&
                         (driver->queue_size.value < 2 ||
                          (driver->queue_size.value & (driver->queue_size.value - 1)) != 0),
                 "queue_size is a power of 2, from 2 to 1024"},
                {driver->copy_on_read == DOMAIN_SWITCH_ON &&
                         (disk->readonly.node.is_present || disk->shareable.node.is_present),
                 "copy_on_read writes to the image, which is read-only or shared"},
                {(driver->discard_no_unref || driver->metadata_cache.node.is_present) && !is_qcow2,
                 "discard_no_unref and <metadata_cache> are for format 'qcow2'"},
                {disk->shareable.node.is_present && is_qcow2,
                 "<shareable/> needs format 'raw': two guests would ruin a qcow2 image"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
                if (rules[i].is_bad)
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "disk %s: %s",
                                    disk->target.dev, rules[i].what);
        }
        return 0;
}

static const char *limits_fault(const DiskLimits *limits) {
        if (limits->rate[DISK_TOTAL].is_set &&
            (limits->rate[DISK_READ].is_set || limits->rate[DISK_WRITE].is_set))
                return "a total limit stands beside one of reading or writing";
        if (limits->max[DISK_TOTAL].is_set &&
            (limits->max[DISK_READ].is_set || limits->max[DISK_WRITE].is_set))
                return "a total burst stands beside one of reading or writing";
        for (int way = 0; way < _DISK_WAYS; way++) {
                if (limits->max[way].is_set && !limits->rate[way].is_set)
                        return "a burst needs the limit that it goes beyond";
                if (limits->max[way].is_set && limits->max[way].value < limits->rate[way].value)
                        return "a burst is lower than its limit";
                if (limits->length[way].is_set && !limits->max[way].is_set)
                        return "the length of a burst needs the burst";
        }
        return NULL;
}

static int check_iotune(const DomainDisk *disk, Err *err) {
        const char *fault = limits_fault(&disk->iotune.bytes);

        fault = fault ? fault : limits_fault(&disk->iotune.iops);
        if (fault)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "disk %s: <iotune> at line %u: %s",
                            disk->target.dev, disk->iotune.node.line, fault);
        return domain_check_word(disk->iotune.group_name, "group_name", disk->iotune.node.line,
                                 err);
}

static bool is_plain(const char *text, size_t max) {
        size_t size = text ? strlen(text) : 0;

        for (size_t i = 0; i < size; i++)
                if (text[i] < ' ' || text[i] > '~')
                        return false;
        return size <= max;
}

static bool is_wwn(const char *wwn) {
        for (const char *s = wwn; s && *s; s++)
                if (!g_ascii_isxdigit(*s))
                        return false;
        return !wwn || strlen(wwn) == 16;
}

static bool is_block_size(DomainNum size) {
        return !size.is_set || (size.value >= 512 && size.value <= 2u << 20 &&
                                (size.value & (size.value - 1)) == 0);
}

/* What the guest reads of the disk. */
static int check_identity(const DomainDisk *disk, Err *err) {
        const char *what = NULL;

        if (!is_wwn(disk->wwn))
                what = "<wwn> has 16 hexadecimal digits";
        else if (!is_plain(disk->vendor, 8) || !is_plain(disk->product, 16))
                what = "<vendor> has at most 8 plain characters, <product> 16";
        else if (!is_plain(disk->serial.text, 64))
                what = "<serial> has at most 64 plain characters";
        else if (!is_block_size(disk->blockio.logical) || !is_block_size(disk->blockio.physical))
                what = "block sizes are powers of 2, from 512 to 2097152";
        else if (disk->target.tray && disk->device == DISK_DEVICE_DISK)
                what = "a tray is a part of CD-ROM and floppy drives";
        if (!what)
                return 0;
        return fail(err, VIR_ERR_XML_ERROR, "disk %s: %s", disk->target.dev, what);
}

static int check_disk(const DomainDef *def, const DomainDevice *device, Err *err) {
        static int (*const checks[])(const DomainDisk *, Err *) = {
                check_target, check_bus_options, check_driver,
                check_source, check_identity,    check_iotune,
        };
        const DomainDisk *disk = (const DomainDisk *)device;
        int r;

        if (!disk->target.bus)
                return check_target(disk, err);
        r = check_bus(def, disk, err);
        if (r == 0)
                r = domain_check_iothread(def, disk->driver.iothread, device, err);
        for (size_t i = 0; i < G_N_ELEMENTS(checks) && r == 0; i++)
                r = checks[i](disk, err);
        return r;
}

/* ---- the kind ---- */

static void strip_disk(DomainDevice *device) {
        DomainDisk *disk = (DomainDisk *)device;

        domain_source_strip(&disk->source, disk->backing);
}

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
        return is_virtio(device);
}

/* "virtio-disk0", unless that is taken: where one disk is called sda and another vda. */
static char *name_by_target(const DomainDef *def, const DomainDisk *disk, const char *prefix) {
        g_autofree char *name =
                g_strdup_printf("%s%u", prefix, domain_disk_target_index(disk->target.dev));

        return domain_def_find_alias(def, name) ? domain_def_next_alias(def, &disk->base, prefix)
                                                : g_steal_pointer(&name);
}

/* SCSI controllers with one bus of units, and those with targets that have units. */
static char *scsi_name(const DomainDef *def, const DomainDisk *disk) {
        const DomainAddress *address = &disk->base.address;
        const DomainController *controller = domain_def_find_controller(
                def, CONTROLLER_SCSI, (unsigned)address->controller.value);

        if (controller && domain_controller_is_narrow(controller))
                return g_strdup_printf("scsi%u-%u-%u", (unsigned)address->controller.value,
                                       (unsigned)address->bus.value, (unsigned)address->unit.value);
        return g_strdup_printf("scsi%u-%u-%u-%u", (unsigned)address->controller.value,
                               (unsigned)address->bus.value, (unsigned)address->target.value,
                               (unsigned)address->unit.value);
}

static char *disk_name(const DomainDef *def, const DomainDevice *device) {
        const DomainDisk *disk = (const DomainDisk *)device;
        const DomainAddress *address = &disk->base.address;

        switch (disk->target.bus) {
        case DISK_BUS_VIRTIO:
                return name_by_target(def, disk, "virtio-disk");
        case DISK_BUS_USB:
                return name_by_target(def, disk, "usb-disk");
        case DISK_BUS_SCSI:
                return scsi_name(def, disk);
        default:
                return g_strdup_printf("%s%u-%u-%u", disk_buses[disk->target.bus - 1],
                                       (unsigned)address->controller.value,
                                       (unsigned)address->bus.value, (unsigned)address->unit.value);
        }
}

static bool is_usb_disk(const DomainDevice *device) {
        return ((const DomainDisk *)device)->target.bus == DISK_BUS_USB;
}

const DomainKind domain_disk_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_DISK, DomainDisk, "disk", disk_fields),
        .name = disk_name,
        .fill = fill_disk,
        .check = check_disk,
        .strip = strip_disk,
        .key = disk_key,
        .describe = describe_disk,
        .is_same = is_same_disk,
        .is_pci = is_pci_disk,
        .is_usb = is_usb_disk,
};
