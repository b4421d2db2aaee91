/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options that stand before a command. The command line, its help, the completion and the
 * manual page work from this table. */

#include <stdbool.h>

typedef struct GlobalOption {
        const char *name;  /* NULL: it has a letter alone; in the last line: with letter 0 */
        char letter;       /* 0: it has a name alone */
        const char *value; /* what stands behind it; NULL: nothing */
        bool value_is_optional;
        const char *help;
} GlobalOption;

extern const GlobalOption global_options[];

#define GLOBAL_OPTION_FOREACH(option) \
        for (const GlobalOption *option = global_options; option->name || option->letter; option++)

/* "-c, --connect <URI>", as help shows it. The caller's. */
char *global_option_form(const GlobalOption *option);

/* The option that word is: "-c", "--connect", or "--connect=URI" with the value behind the '='
 * (*ret_value is left alone otherwise). NULL: none. */
const GlobalOption *global_option_find(const char *word, const char **ret_value);
