/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The first serial port: facts go out, commands come in, one a line. */

#include <stdbool.h>

void serial_init(void);

/* Takes %s, %u, %x, %2x (any one digit: at least so many), %c and %b (PciFunction, as bb:dd.f). */
void say(const char *format, ...);

/* Collects what was typed; returns a whole line without its end, or NULL. */
const char *serial_poll_line(void);
