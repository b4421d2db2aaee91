/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line of `airlock install`: which options there are, and what was given. The names are
 * virt-install's; a name may be shortened as long as it stays clear. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"

typedef struct Options Options;

/* argv[0] is skipped. Refuses unknown options with the nearest name, and options that are known and
 * not served by their name. */
int options_parse(int argc, char *const *argv, Options **ret, Err *err);
void options_free(Options *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Options, options_free)

/* Asking for an option that there is not is a bug. */
bool options_has(const Options *options, const char *name);

/* The last value; NULL: the option was not given, "" without a value. Borrowed. */
const char *options_text(const Options *options, const char *name);

/* All values in order, NULL-terminated; borrowed. */
char *const *options_list(const Options *options, const char *name);

/* The name of an option that has sub-options and was given as "--NAME help" or "?"; NULL: none. */
const char *options_asks_for_help(const Options *options);

/* The text of --help. */
char *options_help(void);

/* The same for the completion of shells: name, what to offer for the value ("": there is none,
 * "text": nothing is known), help, with tabs between them. */
char *options_rows(void);

/* The options for the manual page, in roff. */
char *options_manual(void);
