/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Carries changes out, each file whole or not at all, and takes them back. The record of it
 * (prepare/record.h) is on the disk first, so that after a crash at any moment the host boots, and
 * the same call, or the undo, finishes. */

#include "prepare/edits.h"
#include "prepare/record.h"

typedef struct ApplyHost {
        const char *root; /* directory of the host's tree: "/" */
        const Sys *sys;   /* the same */
        /* Runs a command, words up to NULL; NULL: commands are the caller's matter. */
        int (*run)(char *const *command, void *userdata, Err *err);
        /* Told of each file and command that is done; NULL: nobody wants to know. */
        void (*done)(const char *what, void *userdata);
        void *userdata;
} ApplyHost;

/* True where a run was cut off: apply_edits() has something to do even without a change. */
bool apply_is_unfinished(const ApplyHost *host, const char *name);

/* Makes the files what edits says, then runs the commands, and remembers all that under name
 * together with extra (borrowed, may be NULL). What was changed before under that name stays
 * undoable. When something fails, the files are put back and the failure is returned. */
int apply_edits(const ApplyHost *host, const char *name, const Edits *edits,
                const GPtrArray *commands, json_t *extra, Err *err);

/* Works out what an undo does, as changes of edits. Other people's changes since are kept where
 * they are in other places; where they are in the same ones this fails with -EEXIST, and
 * *ret_conflicts shows both differences. -ENOENT without an Err when nothing is to be undone.
 * ret_record: as read, with every result filled. */
int apply_plan_undo(const ApplyHost *host, const char *name, Edits *edits, Record **ret_record,
                    char **ret_conflicts, Err *err);

/* Carries it out, and forgets the record. */
int apply_undo(const ApplyHost *host, const char *name, Record *record, Err *err);
