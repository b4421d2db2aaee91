/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* What the last of words can become: commands, options, and the live names of guests, devices,
 * networks, pools and volumes. words: NULL-terminated. The result is sorted; the caller frees it by
 * g_strfreev(). A daemon that does not answer offers nothing. */
char **complete_words(Cli *cli, char *const *words);
