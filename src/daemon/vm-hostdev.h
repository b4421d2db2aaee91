/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A guest's assigned functions: which cards they are, what taking them needs, how much memory QEMU
 * may lock for them. */

#include "daemon/vm.h"
#include "domain/function.h"

/* VFIO pins the guest's memory; what devices and QEMU itself need comes on top. */
#define VM_LOCKED_MEMORY_EXTRA (UINT64_C(1) << 30)

typedef struct VmTake {
        bool with_companions, take_host_devices;
} VmTake;

/* Appends the steps that bring the functions of def to the guest; only: just this one of them, the
 * others are there already (NULL: all). */
int vm_plan_take(Vm *vm, Plan *plan, const DomainDef *def, const DomainDevice *only,
                 const VmTake *take, Err *err);

/* Bytes that QEMU must be able to lock for this definition; 0: no more than it may. */
uint64_t vm_locked_memory(const DomainDef *def);

/* True for a device that is a PCI function of the host. */
static inline bool vm_is_function(const DomainDevice *device) {
        return domain_function_of(device, NULL);
}

/* The functions that the devices of def name; an array of PciAddr, the caller's. */
GArray *vm_functions(const DomainDef *def);

/* Notes for each function, or for one device if it is one, whether the card is conventional PCI,
 * which decides its place in the guest. */
void vm_note_conventional(const Manager *manager, DomainDef *def);
void vm_note_card_conventional(const Manager *manager, const DomainDevice *device);

/* Notes what the guest's functions are on this host, and refuses a guest that cannot address their
 * BARs (layout/window.h). */
int vm_check_window(const Manager *manager, DomainDef *live, Err *err);

/* The identity of the cards that were configured (rule: never another card). Update reads those
 * that are new in the configuration and drops those that left it; load takes what was stored. */
void vm_cards_load(Vm *vm);
int vm_cards_update(Vm *vm, Err *err);
