/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which processors of the host QEMU's threads may use, and how they are scheduled: those of the
 * virtual CPUs and the I/O threads each for itself, all others as the emulator. */

#include "daemon/vm.h"
#include "domain/cpuset.h"

/* Lets all threads of the running guest be where the live definition wants them; what the kernel
 * refuses is logged. */
void vm_pin_threads(Vm *vm);

/* The processors that a pin names; NULL or nothing pinned: all of the host. */
void vm_pin_set(const char *cpuset, DomainCpuset *ret);

/* The thread of an I/O thread in query-iothreads; 0: it is not there. */
pid_t vm_iothread_thread(json_t *iothreads, unsigned id);

/* The processors of the host: 0 to one below. */
unsigned vm_host_cpus(void);
