/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* passt(1) beside QEMU: a user network that looks like the host's, with forwarded ports. */

#include "daemon/vm-sidecar.h"

/* Appends its start; net->source.path is where it serves. */
int passt_add_step(Vm *vm, Plan *plan, const DomainInterface *net, Err *err);

/* The arguments, NULL-terminated; the caller's. */
char **passt_arguments(const DomainInterface *net, const char *program, const char *pid_file);
