/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An append-only file of JSON records, one a line behind the line's checksum:
 *
 *         5f1c0a2b44e0d913 {"record":"put","entry":{…}}
 *
 * It is how the ledger and a running plan survive kill -9, power loss and reboot. A torn last line
 * is what a crash leaves and is dropped; damage before it is reported, the file is kept aside under
 * another name, and every record that is intact is used. */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"

#define JOURNAL_FILE_MAX (64u << 20)  /* bytes; more is not ours */
#define JOURNAL_LONG     (256u << 10) /* bytes; worth a snapshot from here on */

typedef struct Journal Journal;

/* record is an object with a string "record", borrowed. */
typedef void (*JournalFunc)(const json_t *record, void *userdata);

typedef struct JournalReport {
        size_t records; /* intact ones */
        size_t damaged; /* lines that are not, the torn last one apart */
        bool torn;      /* the last line was incomplete */
} JournalReport;

/* Reads a journal's bytes; pure. Any bytes are allowed. */
void journal_parse(const char *data, size_t size, JournalFunc func, void *userdata,
                   JournalReport *ret);

/* Opens the journal at path, or makes an empty one, and tells func every intact record. ret_report
 * (may be NULL) is what a person has to know, NULL when all was well. */
int journal_open(const char *path, JournalFunc func, void *userdata, Journal **ret,
                 char **ret_report, Err *err);
void journal_free(Journal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Journal, journal_free)

/* Appends the record (consumed) as one write. It is on the disk when journal_append() returns 0;
 * journal_append_lazily() leaves that to the next append, for records whose loss only costs a step
 * that is done or undone twice. */
int journal_append(Journal *journal, json_t *record, Err *err);
int journal_append_lazily(Journal *journal, json_t *record, Err *err);

/* Replaces all records by those of the array (borrowed), whole or not at all. */
int journal_rewrite(Journal *journal, const json_t *records, Err *err);

bool journal_is_long(const Journal *journal);
