/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What libosinfo knows about guest systems: what they want and which devices they can drive. */

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/err.h"

typedef struct OsDb OsDb;
typedef struct Os Os;

/* Devices that decide how a guest is built. */
typedef enum OsDevice {
        OS_VIRTIO_DISK,
        OS_VIRTIO_NET,
        OS_VIRTIO_1,
        OS_VIRTIO_SCSI,
        OS_VIRTIO_RNG,
        OS_VIRTIO_GPU,
        OS_VIRTIO_BALLOON,
        OS_VIRTIO_SERIAL,
        OS_USB3,
        OS_Q35,
        _OS_DEVICE_MAX,
} OsDevice;

/* Reads the system's, the host's and the user's own data. */
int os_db_load(OsDb **ret, Err *err);
void os_db_free(OsDb *db);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OsDb, os_db_free)

/* By short id ("rhel7.0") or whole id ("http://redhat.com/rhel/7.0"); "generic" is a system that
 * nothing is known of. Refuses others with the nearest name. The Os lives as long as the
 * database. */
int os_db_find(OsDb *db, const char *name, const Os **ret, Err *err);

/* The system that is on this image of a CD; NULL: not known. */
const Os *os_db_guess_image(OsDb *db, const char *path);

/* treeinfo: the text of a tree's .treeinfo, which is at url. */
const Os *os_db_guess_tree(OsDb *db, const char *treeinfo, const char *url);

/* All short ids, sorted; NULL-terminated. */
char **os_db_names(OsDb *db);

const char *os_id(const Os *os);
const char *os_short_id(const Os *os);
bool os_is_windows(const Os *os);

/* Takes the device, or one that it was derived from. */
bool os_supports(const Os *os, OsDevice device);

/* "virtio", "e1000", …: the first network card of the system's that QEMU has; NULL: none. */
const char *os_net_model(const Os *os);

/* Has no boot by BIOS any more. */
bool os_needs_uefi(const Os *os);

/* Bytes, bytes and number, 0: not known. */
uint64_t os_memory(const Os *os);
uint64_t os_storage(const Os *os);
unsigned os_vcpus(const Os *os);
/* Bytes that an installation from the network needs; 0: not known. */
uint64_t os_network_memory(const Os *os);

/* The installer's word for its source: "inst.repo"; NULL: none. */
const char *os_url_argument(const Os *os);
