/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a guest's machine needs of the host when it starts: its firmware's variables, a place for
 * its memory, a QEMU and a processor that can do what is asked. */

#include "daemon/vm.h"
#include "qemu/args.h"

/* Where guests' variables of UEFI are kept; the caller frees it. */
char *vm_nvram_dir(const Paths *paths);

/* Makes what the live definition names and is not there yet, and refuses what this host or its QEMU
 * has not, by its name. */
int vm_machine_prepare(Vm *vm, const DomainDef *live, Err *err);

/* What the arguments have of this host and moment; strings live as long as the machine. */
typedef struct VmMachine {
        char *memory_dir;
        DomainSysinfo *sysinfo; /* NULL: the guest does not want the host's */
} VmMachine;

void vm_machine_read(const Vm *vm, const DomainDef *live, VmMachine *ret);
void vm_machine_clear(VmMachine *machine);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VmMachine, vm_machine_clear)

void vm_machine_fill_runtime(const VmMachine *machine, QemuRuntime *runtime);
