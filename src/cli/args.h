/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options that one command was given. Asking for an option that the command's table does not
 * have is a bug and ends the program. */

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/err.h"
#include "cli/command.h"

/* Takes a command and words, NULL-terminated, without the command's own name. "--" ends the
 * options. On success every required option is there. */
int args_parse(const Command *command, char *const *words, Args **ret, Err *err);
void args_free(Args *args);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Args, args_free)

const Command *args_command(const Args *args);

bool args_flag(const Args *args, const char *name);

/* The value; NULL: the option was not given. Borrowed. */
const char *args_text(const Args *args, const char *name);

/* A number from 1 to max. *ret keeps its value when the option was not given. */
int args_number(const Args *args, const char *name, unsigned max, unsigned *ret, Err *err);

/* The same with a number from 0 on. */
int args_count(const Args *args, const char *name, uint64_t max, uint64_t *ret, Err *err);

/* A size in bytes: "512MiB", "1g", "64KB"; a bare number counts units of scale bytes. */
int args_size(const Args *args, const char *name, uint64_t scale, uint64_t *ret, Err *err);

/* The same of a text; false: it is no size. */
bool args_parse_size(const char *text, uint64_t scale, uint64_t *ret);

/* An option that becomes a bit of a call. */
typedef struct ArgsBit {
        const char *name;
        unsigned bit;
} ArgsBit;

/* The bits of the options that were given; options that the command has not are passed over. bits
 * ends with a line without a name; NULL: none. */
unsigned args_bits(const Args *args, const ArgsBit *bits);

/* --live, --config and --current as GuestAffectFlags; the last goes with neither of the others. */
int args_affect(const Args *args, unsigned *ret, Err *err);

/* The words of the OPTION_REST option: NULL-terminated, never NULL, borrowed. */
char *const *args_rest(const Args *args);

/* Refuses a command line that has both options. */
int args_exclusive(const Args *args, const char *a, const char *b, Err *err);
