/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a run made on the host, and how each is taken back: noted before it is made or at once
 * after, undone from the end when the run fails or is interrupted, forgotten when the guest is
 * whole. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"

/* Takes one thing back. 1: it was not there (any more). */
typedef int (*UndoRun)(void *context, const char *name, Err *err);

typedef struct Undo {
        GPtrArray *steps;
        void *context; /* for every UndoRun */
} Undo;

void undo_init(Undo *undo, void *context);
void undo_done(Undo *undo);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Undo, undo_done)

/* what: in a sentence: "the volume". name is its name, for run and for people. */
void undo_add(Undo *undo, const char *what, const char *name, UndoRun run);

/* What was noted last was not made after all. */
void undo_drop_last(Undo *undo);

/* Takes all back and tells what, on stderr. False: something stays, and that was told. */
bool undo_all(Undo *undo);

/* All of it is wanted now. */
void undo_forget(Undo *undo);
