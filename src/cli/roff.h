/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manual pages are written by hand but for what tables know better: a line
 *
 *         .\"@WORDS
 *
 * of a page stands for what the program that builds the page makes of WORDS. */

#include <stdbool.h>

#include <glib.h>

/* text for roff: nothing in it is a request or an escape, and a dash is the one that is typed. */
char *roff_text(const char *text);

/* The same as a sentence: with a capital and a full stop. */
char *roff_sentence(const char *text);

/* Prints the page in the file, with what fill() appends for each such line; fill() returns false
 * for words that it does not know. Returns the exit status. */
int roff_print(const char *path, bool (*fill)(GString *out, char *const *words));
