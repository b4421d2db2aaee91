/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Questions to the monitors of several guests at once, answered together: all are sent before the
 * first answer is read, and a guest whose QEMU does not answer in time holds up nobody.
 *
 *         vm_ask(manager, vms, VM_ASK(BLOCK_STATS) | VM_ASK(CPUS), usec, done, userdata);
 *
 * A guest that does not run, or whose QEMU is not ready, has no results. */

#include "daemon/vm.h"

typedef enum VmQuestion {
        VM_Q_BALLOON_STATS, /* {"stats", "last-update"} of the virtio balloon's driver */
        VM_Q_BLOCK_STATS,   /* query-blockstats */
        VM_Q_BLOCK,         /* query-block */
        VM_Q_CPUS,          /* query-cpus-fast */
        VM_Q_IOTHREADS,     /* query-iothreads */
        _VM_Q_MAX,
} VmQuestion;

#define VM_ASK(question) (1u << VM_Q_##question)

/* What the monitor of a guest that does nothing unusual needs by far, and what is given to a caller
 * who does not want to wait. */
#define VM_ASK_USEC        (5 * UINT64_C(1000000))
#define VM_ASK_NOWAIT_USEC (UINT64_C(250000))

typedef struct VmAnswer {
        Vm *vm;                     /* held */
        json_t *results[_VM_Q_MAX]; /* NULL: not asked, refused, or not in time */
        bool is_late;               /* the time was over before QEMU had answered */
} VmAnswer;

/* answers: as many as guests, in their order; borrowed. */
typedef void (*VmAskFunc)(const VmAnswer *answers, size_t n, void *userdata);

/* done is called once: within vm_ask when there is nobody to ask, else later. */
void vm_ask(Manager *manager, Vm *const *vms, size_t n, unsigned questions, uint64_t usec,
            VmAskFunc done, void *userdata);
