/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What of a host's libvirt is no definition and is not taken over: settings of its daemons, hooks,
 * secrets, filters, containers; and what runs there without one. */

#include <glib.h>

typedef struct ImportSource ImportSource;

typedef struct ImportNote {
        char *what; /* "qemu.conf: vnc_listen" */
        char *text; /* what that means, and the way out */
} ImportNote;

/* ImportNote *, the caller's. */
GPtrArray *import_notes(const ImportSource *source);
void import_note_free(ImportNote *note);
