/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Events of QEMU that clients are told in libvirt's terms, and that change nothing but why the
 * guest pauses next (qapi: block-core.json, run-state.json, ui.json, misc-target.json, qdev.json).
 * data is the event's own, borrowed. */

#include "daemon/vm.h"

void vm_tell_io_error(Vm *vm, json_t *data);
void vm_tell_watchdog(Vm *vm, json_t *data);
void vm_tell_rtc(Vm *vm, json_t *data);
void vm_tell_tray(Vm *vm, json_t *data);
void vm_tell_memory_failure(Vm *vm, json_t *data);
void vm_tell_memory_device(Vm *vm, json_t *data);
void vm_tell_vnc_connected(Vm *vm, json_t *data);
void vm_tell_vnc_initialized(Vm *vm, json_t *data);
void vm_tell_vnc_disconnected(Vm *vm, json_t *data);

/* The monitor has closed while the process lives: nothing can be asked of QEMU any more. */
void vm_tell_control_error(Vm *vm);
