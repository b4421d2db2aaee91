/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands of a change, each in a process group of its own. SIGINT, SIGTERM and SIGHUP end the
 * command that runs and not this program, which has to put back what it changed; it does that
 * undisturbed, however often it is told to end. */

#include <signal.h>
#include <stdbool.h>

#include "base/err.h"

typedef struct Runner {
        int signals;        /* signalfd; 0: not at work */
        sigset_t before;    /* the mask outside */
        int interrupted_by; /* the first signal that came; 0: none */
} Runner;

/* From here to runner_done() signals wait. */
int runner_init(Runner *runner, Err *err);

/* A signal that nothing has answered ends the program now. */
void runner_done(Runner *runner);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Runner, runner_done)

/* Runs a command, words up to NULL, to its end; its output is ours. The first signal ends it and
 * fails this call; all later calls run through. */
int runner_run(Runner *runner, char *const *command, Err *err);
