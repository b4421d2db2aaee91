/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Differences of texts by lines: shown as a unified diff, and put together three ways. */

#include <stdbool.h>

#include <glib.h>

/* As `diff -u`, with names "/PATH" in its head, /dev/null for a text that is NULL. "" when both are
 * equal. */
char *diff_unified(const char *path, const char *before, const char *after);

/* base became a and, apart from that, b: the text with both changes. NULL where they touch the same
 * lines differently. */
char *diff_merge(const char *base, const char *a, const char *b);
