/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names with parents as the tree that virsh draws: each root followed by its children, deeper by
 * one mark, and an empty line behind every last child. */

#include <glib.h>

/* names and parents: NULL-terminated and equally long; parents[i] is "" or no name of the list for
 * a root. Free with g_free(). */
char *tree_format(char *const *names, char *const *parents);
