/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A program that works beside QEMU for one device of a guest: swtpm, virtiofsd, passt. It is
 * started by a step of the plan that brings the device, outlives the daemon as QEMU does, and is
 * ended when the device is released. Its socket, process number and what it prints stand in the
 * guest's run directory and log:
 *
 *         path = vm_sidecar_path(vm, alias, "sock")           in .fill, for the live definition
 *         vm_sidecar_add_step(vm, plan, &spec)                in .plan
 *         vm_sidecar_end(vm, alias)                           in .release */

#include "daemon/vm.h"

/* Stands in the arguments for the number of the listening socket. */
#define SIDECAR_FD "{fd}"

typedef struct SidecarSpec {
        const char *alias; /* of the device */
        const char *what;  /* for messages: "TPM emulator" */

        /* Program (absolute) and its arguments, NULL-terminated; copied. A program that is not
         * there makes the step fail with hint as the way out. */
        char *const *argv;
        const char *hint; /* "install it: apt install swtpm"; NULL: none */

        /* Where QEMU finds it: we make the listening socket there and pass it on, so that QEMU may
         * connect before the program serves. NULL: it has none of ours. */
        const char *socket;

        /* The program goes to the background once it serves, after it wrote its number to
         * vm_sidecar_path(vm, alias, "pid"): the step waits for that. false: it stays ours. */
        bool is_daemon;
} SidecarSpec;

/* RUN/guests/NAME/ALIAS.ENDING; the caller's. */
char *vm_sidecar_path(const Vm *vm, const char *alias, const char *ending);

/* The first of a NULL-terminated list of absolute paths that can be executed; NULL: none. */
const char *vm_sidecar_find_program(const char *const *paths);

void vm_sidecar_add_step(Vm *vm, Plan *plan, const SidecarSpec *spec);

/* Ends the program and removes its socket; one that is gone is no error. */
void vm_sidecar_end(Vm *vm, const char *alias);
