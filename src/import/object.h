/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One definition of libvirt's, and what its other files say about the object. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"

typedef struct ImportSource ImportSource;

/* In the order in which they are imported: guests need the others. */
typedef enum ImportKind {
        IMPORT_POOL,
        IMPORT_NETWORK,
        IMPORT_GUEST,
        _IMPORT_KIND_MAX,
} ImportKind;

typedef struct ImportObject {
        ImportKind kind;
        char *file; /* path of the definition */
        char *name; /* as the XML has it; of a file that cannot be read, as the file has it */
        char *uuid; /* as the XML has it; NULL: it has none */
        char *xml;  /* NULL: problem says why */
        Err problem;
        bool autostart;

        char *bridge; /* of a network: the one that it makes, when that exists now; NULL */
        unsigned pid; /* of a guest that runs under libvirt; 0: it does not */
        char *saved;  /* its managed save image; NULL: none */
        char **networks, **pools; /* names that the guest's devices need; NULL: none */
        unsigned snapshots, checkpoints;
} ImportObject;

/* "pool", "network", "guest". */
const char *import_kind_to_string(ImportKind kind);

/* Appends those of a kind to source->objects. */
int import_objects_read(ImportSource *source, ImportKind kind, Err *err);
void import_object_free(ImportObject *object);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImportObject, import_object_free)
