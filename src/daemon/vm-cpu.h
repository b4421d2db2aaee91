/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A guest's <cpu> at its start: host-model becomes a named model, what the host cannot give is
 * refused by name before anything is touched, and what QEMU gave in the end stands in the live
 * definition. */

#include <jansson.h>

#include "daemon/vm.h"

/* The definition cannot be started without knowing QEMU's CPU models (daemon/cpu-store.h). */
bool vm_cpu_needs_models(const DomainDef *def);

/* Works out live's <cpu>; nothing happens where the models are not known. */
int vm_cpu_prepare(const Vm *vm, DomainDef *live, Err *err);

/* Where QEMU has the first processor's object, from its answer to query-cpus-fast (borrowed);
 * NULL: it does not say. */
const char *vm_cpu_path(const json_t *cpus);

/* Is it of interest which features the processor was to have and has not? */
bool vm_cpu_wants_missing(const DomainDef *live);

/* QEMU has told which features the processor was to have and has not (unavailable-features): fails
 * where the definition insists on one, else notes them in the live definition. */
int vm_cpu_take_missing(Vm *vm, const json_t *missing, Err *err);
