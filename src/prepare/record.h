/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was changed on a host, so that it can be undone after any crash: for each file the text
 * before and after, kept by their SHA-256 under /var/lib/airlock/prepare, and the commands that
 * make a change count. The record is on the disk before the first file is touched. */

#include <jansson.h>

#include "base/err.h"

#define RECORD_DIR "var/lib/airlock/prepare"

typedef enum RecordPhase {
        RECORD_APPLYING, /* files may be as before or as after; commands may not have run */
        RECORD_APPLIED,
        RECORD_UNDOING, /* files may be as after or as their result */
        _RECORD_PHASE_MAX,
} RecordPhase;

typedef struct RecordFile {
        char *path;           /* below the root */
        char *before, *after; /* texts; NULL: no file */
        char *result;         /* what an undo leaves; valid in RECORD_UNDOING */
        unsigned mode;        /* of a file that was made, or has to be made again */
} RecordFile;

typedef struct Record {
        RecordPhase phase;
        GPtrArray *files;    /* RecordFile * */
        GPtrArray *commands; /* char ** */
        json_t *extra;       /* what the caller keeps with it; NULL: nothing */
} Record;

Record *record_new(void);
void record_free(Record *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Record, record_free)

/* Reads the record of that name ("state"). -ENOENT without an Err when there is none. */
int record_load(const char *root, const char *name, Record **ret, Err *err);
int record_save(const char *root, const char *name, const Record *record, Err *err);
int record_remove(const char *root, const char *name, Err *err);

/* Removes what writes that a crash cut off left beside the files of the record, and of our own. */
void record_remove_leftovers(const char *root, const char *name);

/* NULL: the file is not in the record. */
RecordFile *record_find(const Record *record, const char *path);
RecordFile *record_add(Record *record, const char *path, const char *before, unsigned mode);

/* Adds a copy unless it is there. */
void record_add_command(Record *record, char *const *command);
