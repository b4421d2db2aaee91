/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A line of the shell as words: 'single' and "double" quotes, backslash, # to the end of the line,
 * and ; or a line's end between commands. Quotes can begin and end inside a word, as in a shell. */

#include <glib.h>

#include "base/err.h"

/* *ret: one NULL-terminated char ** for each command that has a word. */
int words_split(const char *line, GPtrArray **ret, Err *err);

/* Splits what stands before the cursor for completion: an open quote or a last backslash is no
 * error. *ret has the words of the last command; the last of them is the one being typed, and ""
 * when the cursor stands after a space. */
void words_split_partial(const char *line, char ***ret);

/* text so that words_split() and a POSIX shell read it as one word. Free with g_free(). */
char *words_quote(const char *text);
