/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* Reads commands until quit or the end of input: from a terminal with line editing, history and
 * completion, else line by line. Returns the exit status of the last command; after quit, 0. */
int shell_run(Cli *cli);
