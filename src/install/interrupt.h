/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ctrl-C: it never ends the program by itself. What takes long looks for it, and returns -EINTR, so
 * that what was done can be undone. */

#include <stdbool.h>

#include "base/err.h"

/* *ret: the descriptor that tells; for the others. SIGTERM and SIGHUP count as well. A reader of
 * our output that goes away ends nothing. */
int interrupt_open(int *ret, Err *err);

/* From here on what was begun goes on without us: SIGHUP ends this program and no more. */
void interrupt_let_hang_up(int fd);

/* For g_spawn…(): the child is to hear signals. */
void interrupt_in_child(void *unused);

/* Once pressed, it stays. fd -1: never. */
bool interrupt_is_set(int fd);

/* Sleeps until fd or other (-1: none) is readable, or the time is over. */
void interrupt_wait(int fd, int other, int milliseconds);

/* For return: -EINTR, with an Err that says so. */
int interrupt_fail(Err *err);
