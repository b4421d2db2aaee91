/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that a guest writes while it runs and that libvirt owns: its UEFI variables, its TPM's
 * memory. Airlock's guest gets a copy, and libvirt's stay as they are. What is there already is
 * never replaced: it may be newer. A copy is there whole or not at all. */

#include <stdbool.h>

#include "base/err.h"
#include "base/sys.h"

typedef struct ImportCopy {
        const char *what; /* "UEFI variables" */
        char *from;       /* absolute, below the host's root */
        char *to;         /* absolute */
        bool is_dir;      /* with directories of files in it, as a TPM's */
} ImportCopy;

typedef enum ImportCopyState {
        IMPORT_COPY_MISSING, /* there is nothing to copy */
        IMPORT_COPY_WANTED,
        IMPORT_COPY_DONE, /* the same is there */
} ImportCopyState;

/* VIR_ERR_OPERATION_FAILED where something else is there. */
int import_copy_judge(const Sys *host, const ImportCopy *copy, ImportCopyState *ret, Err *err);
int import_copy_make(const Sys *host, const ImportCopy *copy, Err *err);
/* Takes a copy away that was made just now. */
void import_copy_undo(const Sys *host, const ImportCopy *copy);
void import_copy_free(ImportCopy *copy);
