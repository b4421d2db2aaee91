/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ctrl-C: it never ends the program by itself. What takes long looks for it, and returns -EINTR, so
 * that what was done can be undone. */

#include <stdbool.h>

#include "base/err.h"

/* *ret: the descriptor that tells; for the others. SIGTERM and SIGHUP count as well. */
int interrupt_open(int *ret, Err *err);

/* Once pressed, it stays. fd -1: never. */
bool interrupt_is_set(int fd);

/* Sleeps until fd or other (-1: none) is readable, or the time is over. */
void interrupt_wait(int fd, int other, int milliseconds);

/* For return: -EINTR, with an Err that says so. */
int interrupt_fail(Err *err);
