/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* grubenv, the block in which GRUB keeps variables: lines "name=value", filled up with '#' to a
 * size that never changes, as GRUB writes it in place (GRUB manual, "Environment block"). GRUB and
 * the host's own services change it at every boot. */

#include <stdbool.h>

#include <glib.h>

bool env_is(const char *text);

/* Fills text up anew. False when it is too long. */
bool env_pad(GString *text);

/* As diff_merge(), by variables: base became a and, apart from that, b. NULL where both changed the
 * same variable, or where there is no room. */
char *env_merge(const char *base, const char *a, const char *b);
