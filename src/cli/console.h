/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/err.h"

typedef struct Cli Cli;
typedef struct Guest Guest;

/* Connects the terminal to a guest's console until the escape character is typed or the guest's end
 * is closed. device NULL: the first console. flags: GUEST_CONSOLE_*. */
int console_run(Cli *cli, const Guest *guest, const char *device, unsigned flags, Err *err);
