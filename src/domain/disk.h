/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/node.h"

typedef enum DiskType { DISK_TYPE_UNSET, DISK_TYPE_FILE } DiskType;
typedef enum DiskDevice { DISK_DEVICE_UNSET, DISK_DEVICE_DISK, DISK_DEVICE_CDROM } DiskDevice;
typedef enum DiskFormat { DISK_FORMAT_UNSET, DISK_FORMAT_RAW, DISK_FORMAT_QCOW2 } DiskFormat;
typedef enum DiskBus { DISK_BUS_UNSET, DISK_BUS_VIRTIO, DISK_BUS_SATA, DISK_BUS_IDE } DiskBus;
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

typedef struct DomainDisk {
        DomainDevice base;
        DiskType type;
        DiskDevice device;
        struct {
                DomainNode node;
                char *name; /* "qemu" */
                DiskFormat type;
                DiskCache cache;
                DiskIo io;
                DiskDiscard discard;
                DiskZeroes detect_zeroes;
        } driver;
        struct {
                DomainNode node;
                char *file; /* absolute; NULL: an empty drive */
        } source;
        struct {
                DomainNode node;
                char *dev; /* "vda": orders the disks and is their key */
                DiskBus bus;
        } target;
        DomainFlag readonly;
        DomainText serial;
} DomainDisk;
