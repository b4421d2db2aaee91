/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/candidates.h"

/* What the last of words can become: commands, options, and the live names of guests, devices,
 * networks, pools and volumes. words: NULL-terminated. The result is sorted; the caller frees it by
 * g_strfreev(). A daemon that does not answer offers nothing. */
char **complete_words(Cli *cli, char *const *words);

/* The same for the line of a shell up to the cursor, which begins with the program's name and may
 * choose the daemon by -c. Each candidate says what it is. *ret_file: the shell completes the name
 * of a file. *ret: Candidate *, sorted, and freed with it. */
void complete_line(Cli *cli, const char *line, GPtrArray **ret, bool *ret_file);
