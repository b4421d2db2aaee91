/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The state of a guest's emulated TPM, in STATE/swtpm/UUID. It is made at the first start, and
 * belongs to the definition: it stays while the guest is off, and goes when the guest is undefined,
 * unless that says otherwise. */

#include "daemon/vm.h"

/* Whether the configured guest has such state, and its definition wants it kept for good. */
bool vm_tpm_has_state(const Vm *vm);
bool vm_tpm_is_persistent(const Vm *vm);

/* Where a guest of that definition has it; NULL: it has none that is ours. The caller's. */
char *vm_tpm_dir(const Manager *manager, const DomainDef *def);

/* Removes it; what is not there is no error. */
void vm_tpm_remove_state(const Vm *vm);
