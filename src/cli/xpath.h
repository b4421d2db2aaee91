/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options --xpath and --wrap of commands that print XML. */

#include "base/err.h"
#include "cli/args.h"

/* Prints xml, or what the options select of it. */
int xpath_print(const Args *args, const char *xml, Err *err);

/* The nodes that expression selects, one after the other, each on its own line; inside of <nodes>
 * when wrap is set. VIR_ERR_INVALID_ARG for what is no such expression. */
int xpath_select(const char *xml, const char *expression, bool wrap, char **ret, Err *err);
