/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers of a guest: out of what QEMU answered (vm-ask.h), what the kernel counts and what the
 * definition says. */

#include "daemon/proc.h"
#include "daemon/vm-ask.h"
#include "rpc/params.h"

/* virDomainStatsTypes. */
enum {
        VM_STATS_STATE = 1 << 0,
        VM_STATS_CPU = 1 << 1,
        VM_STATS_BALLOON = 1 << 2,
        VM_STATS_VCPU = 1 << 3,
        VM_STATS_INTERFACE = 1 << 4,
        VM_STATS_BLOCK = 1 << 5,
        VM_STATS_PERF = 1 << 6,
        VM_STATS_IOTHREAD = 1 << 7,
        VM_STATS_MEMORY = 1 << 8,
        VM_STATS_DIRTYRATE = 1 << 9,
        VM_STATS_VM = 1 << 10,
        VM_STATS_ALL = (1 << 11) - 1,
};

/* The questions (VM_ASK) that the groups need. */
unsigned vm_stats_questions(unsigned groups);

/* Adds the fields of the groups as virConnectGetAllDomainStats names them; what QEMU did not answer
 * is left out. */
void vm_stats_add(RpcParams *params, const VmAnswer *answer, unsigned groups, bool with_backing);

/* An integer of a JSON object; false: there is none, or it is QEMU's "not known" (all ones). */
bool vm_json_u64(const json_t *object, const char *key, uint64_t *ret);

/* The member of a list whose "qdev" is the disk's device (query-block, query-blockstats); NULL. */
json_t *vm_find_block(json_t *list, const DomainDisk *disk);

/* A disk by its target ("vda") or its source; NULL: there is none such. */
DomainDisk *vm_find_disk(const DomainDef *def, const char *name);

/* Where the disk's image is on the host; NULL: it is empty, or somewhere else. */
const char *vm_disk_path(const DomainDisk *disk);

/* virDomainBlockInfo: bytes. */
typedef struct VmBlockInfo {
        uint64_t allocation, capacity, physical;
} VmBlockInfo;

/* From QEMU's answers (VM_ASK(BLOCK), VM_ASK(BLOCK_STATS)). False: the drive is empty. */
bool vm_block_info(const VmAnswer *answer, const DomainDisk *disk, VmBlockInfo *ret);

/* Counters of a disk's device, by their names in QEMU's BlockDeviceStats; 0 where there is none. */
uint64_t vm_block_count(const json_t *entry, const char *name);

/* virDomainMemoryStatTags with their values, in libvirt's order. */
typedef struct VmMemoryStat {
        int tag;
        uint64_t value;
} VmMemoryStat;

#define VM_MEMORY_STATS_MAX 13u
size_t vm_memory_stats(const VmAnswer *answer, VmMemoryStat ret[static VM_MEMORY_STATS_MAX]);

/* The thread of a virtual CPU in query-cpus-fast; 0: it is not there. */
pid_t vm_vcpu_thread(json_t *cpus, unsigned vcpu);

/* Numbers of a tap device as the guest sees them: what the host receives, the guest has sent. */
int vm_net_stats(const Vm *vm, const DomainInterface *net, ProcNet *ret);
