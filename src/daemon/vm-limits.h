/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a disk may do in a second (virDomainSetBlockIoTune and its getter), between parameters on
 * the wire and <iotune>. */

#include "daemon/vm-tune.h"
#include "rpc/params.h"

#define VM_LIMITS_PARAMS 20 /* of the getter */
#define VM_LIMITS_GROUP  128

/* What a client gave; the rest is not set. */
typedef struct VmLimits {
        DiskLimits bytes, iops;
        DomainNum size_iops;
        char group[VM_LIMITS_GROUP]; /* "": not given */
} VmLimits;

/* VIR_ERR_INVALID_ARG for a name that is none, or a value of another type. */
int vm_limits_read(const remote_typed_param *params, size_t n, VmLimits *ret, Err *err);

/* All of them, 0 for what has no limit. */
void vm_limits_add(RpcParams *params, const DomainDisk *disk, bool with_texts);

extern const VmTuneKind vm_tune_disk_limits; /* text: the disk; data: VmLimits */
