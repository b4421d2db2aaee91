/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files as they are and as they shall be: a layer over a host's tree (Sys) that takes changes in
 * and leaves the host alone. Paths are below the root, "etc/default/grub"; a symbolic link is
 * followed inside the root, and the file behind it is the one that is changed. */

#include "base/err.h"
#include "base/sys.h"

/* No configuration file is longer. */
#define EDIT_FILE_MAX (1u << 20) /* bytes */

typedef struct Edit {
        char *path;    /* of the file itself, symbolic links resolved */
        char *before;  /* NULL: there is none */
        GString *text; /* as it shall be; NULL: none */
        unsigned mode; /* of a file that is made; one that is there keeps its own */
} Edit;

typedef struct Edits {
        const Sys *sys;   /* borrowed */
        GPtrArray *files; /* Edit *, in the order in which they were opened */
} Edits;

void edits_init(Edits *edits, const Sys *sys);
void edits_done(Edits *edits);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Edits, edits_done)

/* The file at path, read at the first time. One that is absent has no text. */
int edits_open(Edits *edits, const char *path, Edit **ret, Err *err);

/* The file shall be this; text NULL: shall not be. mode counts for a new one. */
int edits_set(Edits *edits, const char *path, const char *text, unsigned mode, Err *err);

bool edit_is_changed(const Edit *edit);
