/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rule 3: what the host stands on is not taken. Each check reads the kernel's tree and tells what
 * of a function is in use, with its evidence. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"
#include "base/sys.h"
#include "pci/device.h"

typedef struct GuardHit {
        bool is_warning; /* worth knowing, no reason to refuse */
        char *owner;     /* what stands on it: "/mnt/data", "br0", "swap" */
        char *text;      /* "/dev/nvme0n1 is mounted at /mnt/data (ext4)" */
        char *way_out;   /* "unmount /mnt/data" */
} GuardHit;

/* Appends what is found to hits (of GuardHit, see guard_hits_new). A file that is absent means that
 * nothing of that kind is in use; one that cannot be read although it is there is a failure,
 * because a guard that cannot look must not say yes. */
int guard_check(const Sys *sys, const PciDevice *dev, GPtrArray *hits, Err *err);

GPtrArray *guard_hits_new(void);

/* The block devices that end in the function, "nvme0n1" and "nvme0n1p1": disks, partitions, the
 * multipath device of an NVMe path, and what is stacked on them (dm, md, bcache). Unsorted, each
 * once. The caller's (g_ptr_array_unref, frees the names). */
int guard_block_devices(const Sys *sys, const PciDevice *dev, GPtrArray **ret, Err *err);

/* The network interfaces of the function, and what stands above them (bridge, bond, VLAN). */
int guard_interfaces(const Sys *sys, const PciDevice *dev, GPtrArray **ret, Err *err);
