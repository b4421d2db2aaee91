/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A running guest's power: the buttons that clients press, and what follows when the guest powers
 * off, resets, sleeps or panics by itself (on_poweroff, on_reboot, on_crash). */

#include "daemon/vm.h"

/* virDomainShutdownFlagValues, of which virDomainRebootFlagValues are the same numbers: neither is
 * the agent where it listens, else the power button; both are the same order. */
typedef enum VmPowerMode { VM_POWER_ACPI = 1, VM_POWER_AGENT = 2 } VmPowerMode;

int vm_shutdown(Vm *vm, unsigned modes, Call *call, Err *err);
int vm_reboot(Vm *vm, unsigned modes, Call *call, Err *err);
int vm_reset(Vm *vm, Call *call, Err *err);
int vm_suspend(Vm *vm, Call *call, Err *err);
int vm_resume(Vm *vm, Call *call, Err *err);
int vm_inject_nmi(Vm *vm, Call *call, Err *err);
int vm_pm_wakeup(Vm *vm, Call *call, Err *err);

/* Numbers of virNodeSuspendTarget. */
typedef enum VmSleep { VM_SLEEP_MEM, VM_SLEEP_DISK, VM_SLEEP_HYBRID, _VM_SLEEP_MAX } VmSleep;
int vm_pm_suspend(Vm *vm, VmSleep target, Call *call, Err *err);

/* Tells QEMU what the live definition says is to follow an end. */
void vm_apply_lifecycle(Vm *vm);

/* A guest that crashed, or powered off to be started again, is reset and runs. */
void vm_reset_and_run(Vm *vm, int reason);

/* ---- events of QEMU ---- */

void vm_on_stop(Vm *vm, json_t *data);
void vm_on_resume(Vm *vm, json_t *data);
void vm_on_shutdown(Vm *vm, json_t *data);
void vm_on_reset(Vm *vm, json_t *data);
void vm_on_panic(Vm *vm, json_t *data);
void vm_on_sleep(Vm *vm, json_t *data);
void vm_on_sleep_disk(Vm *vm, json_t *data);
void vm_on_wakeup(Vm *vm, json_t *data);
