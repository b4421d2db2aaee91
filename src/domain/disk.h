/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/source.h"
#include "domain/virtio.h"

typedef enum DiskDevice {
        DISK_DEVICE_UNSET,
        DISK_DEVICE_DISK,
        DISK_DEVICE_CDROM,
        DISK_DEVICE_FLOPPY,
} DiskDevice;
typedef enum DiskBus {
        DISK_BUS_UNSET,
        DISK_BUS_VIRTIO,
        DISK_BUS_SATA,
        DISK_BUS_IDE,
        DISK_BUS_SCSI,
        DISK_BUS_USB,
        DISK_BUS_FDC,
        DISK_BUS_NVME,
        _DISK_BUS_MAX,
} DiskBus;
typedef enum DiskCache {
        DISK_CACHE_UNSET,
        DISK_CACHE_DEFAULT,
        DISK_CACHE_NONE,
        DISK_CACHE_WRITETHROUGH,
        DISK_CACHE_WRITEBACK,
        DISK_CACHE_DIRECTSYNC,
        DISK_CACHE_UNSAFE,
} DiskCache;
typedef enum DiskDiscard {
        DISK_DISCARD_UNSET,
        DISK_DISCARD_UNMAP,
        DISK_DISCARD_IGNORE
} DiskDiscard;
typedef enum DiskIo { DISK_IO_UNSET, DISK_IO_THREADS, DISK_IO_NATIVE, DISK_IO_URING } DiskIo;
typedef enum DiskZeroes {
        DISK_ZEROES_UNSET,
        DISK_ZEROES_OFF,
        DISK_ZEROES_ON,
        DISK_ZEROES_UNMAP
} DiskZeroes;
typedef enum DiskPolicy { /* what an error does to the guest */
                          DISK_POLICY_UNSET,
                          DISK_POLICY_STOP,
                          DISK_POLICY_REPORT,
                          DISK_POLICY_IGNORE,
                          DISK_POLICY_ENOSPACE, /* of writes: stop when the host is full, else
                                                   report */
} DiskPolicy;
typedef enum DiskTray { DISK_TRAY_UNSET, DISK_TRAY_OPEN, DISK_TRAY_CLOSED } DiskTray;
typedef enum DiskSnapshot {
        DISK_SNAPSHOT_UNSET,
        DISK_SNAPSHOT_NO,
        DISK_SNAPSHOT_INTERNAL,
        DISK_SNAPSHOT_EXTERNAL,
        DISK_SNAPSHOT_MANUAL,
} DiskSnapshot;
typedef enum DiskTranslation {
        DISK_TRANSLATION_UNSET,
        DISK_TRANSLATION_NONE,
        DISK_TRANSLATION_AUTO,
        DISK_TRANSLATION_LBA,
} DiskTranslation;

/* Places in the limits. */
enum { DISK_TOTAL, DISK_READ, DISK_WRITE, _DISK_WAYS };

/* Of bytes or of requests, a second; bursts may reach max for length seconds. 0 is no limit. */
typedef struct DiskLimits {
        DomainNum rate[_DISK_WAYS], max[_DISK_WAYS], length[_DISK_WAYS];
} DiskLimits;

typedef struct DomainDisk {
        DomainDevice base;
        DiskType type;
        DiskDevice device;
        VirtioForm model; /* bus virtio */
        DiskSnapshot snapshot;
        struct {
                DomainNode node;
                char *name; /* "qemu" */
                DiskFormat type;
                DiskCache cache;
                DiskPolicy error_policy, rerror_policy;
                DiskIo io;
                DiskDiscard discard;
                DiskZeroes detect_zeroes;
                DomainSwitch copy_on_read;
                DomainSwitch discard_no_unref;
                /* bus virtio */
                DomainSwitch ioeventfd, event_idx;
                DomainNum iothread, queues, queue_size;
                DomainVirtio virtio;
                struct {
                        DomainNode node;
                        struct {
                                DomainNode node;
                                uint64_t kib;
                        } max_size;
                } metadata_cache; /* qcow2 */
        } driver;
        DomainSource source; /* not set: an empty drive */
        GPtrArray *backing;  /* DomainBacking, one at most; NULL: not told */
        struct {
                DomainNode node;
                DomainNum cyls, heads, secs;
                DiskTranslation trans;
        } geometry;
        struct {
                DomainNode node;
                DomainNum logical, physical, discard; /* bytes */
        } blockio;
        struct {
                DomainNode node;
                char *dev; /* "vda": orders the disks and is their key */
                DiskBus bus;
                DiskTray tray;
                DomainSwitch removable;
                DomainNum rotation_rate; /* a minute; 1: none */
        } target;
        struct {
                DomainNode node;
                DiskLimits bytes, iops;
                DomainNum size_iops; /* bytes that count as one request */
                char *group_name;    /* disks of one name share the limits */
        } iotune;
        DomainFlag readonly, shareable;
        DomainText serial;
        char *wwn;              /* 16 hexadecimal digits */
        char *vendor, *product; /* bus scsi */
} DomainDisk;

/* The place that a target names: vda is 0, vdz 25, vdaa 26. The target is valid. */
unsigned domain_disk_target_index(const char *target);

/* Controller and namespace (from 1) of "nvme0n1"; false: it is no such name. */
bool domain_disk_parse_nvme(const char *target, unsigned *ret_controller, unsigned *ret_namespace);

/* Takes the medium and all that is below it out of the drive. */
void domain_disk_eject(DomainDisk *disk);

/* The disk has a medium: an image or a device of the host. */
static inline bool domain_disk_has_source(const DomainDisk *disk) {
        return domain_source_is_set(&disk->source);
}
