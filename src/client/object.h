/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What networks and pools have in common for clients. */

#include <stdint.h>

#include <glib.h>

/* "11111111-2222-3333-4444-555555555555"; the caller's. */
static inline char *object_uuid_text(const uint8_t uuid[16]) {
        GString *text = g_string_new(NULL);

        for (unsigned i = 0; i < 16; i++)
                g_string_append_printf(
                        text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
        return g_string_free(text, FALSE);
}
