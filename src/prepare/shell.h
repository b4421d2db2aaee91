/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Finds the assignments of a variable in a shell-like file (/etc/default/grub) without running it.
 */

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "base/err.h"

typedef struct ShellAssignment {
        size_t start, end; /* of the value in the file, quotes included */
        bool adds;   /* "+=", or the value names the variable itself: what stood before stays */
        bool nested; /* inside an if, a loop, a case or a function: it may not count */
} ShellAssignment;

/* All assignments of name, in order, as a GArray of ShellAssignment. Fails for a file that is not
 * understood to its end: a quote that is not closed, a here-document. path is for the message. */
int shell_assignments(const char *path, const GString *text, const char *name, GArray **ret,
                      Err *err);
