/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/err.h"

typedef struct Cli Cli;

/* Becomes the program that makes guests, with these words and the connection of cli. Returns only
 * when that fails. */
int install_exec(const Cli *cli, char *const *words, Err *err);
