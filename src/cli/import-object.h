/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Taking one object over from libvirt: the daemon judges its definition, what it needs beside that
 * is copied, it is defined and marked for autostart. Dry, all but the last three is done, so that
 * the verdict is the same. */

#include <stdbool.h>

#include "base/err.h"
#include "cli/cli.h"
#include "import/object.h"
#include "import/source.h"

typedef enum ImportResult {
        IMPORT_IMPORTED,
        IMPORT_REPLACED,  /* it was here and differed */
        IMPORT_UNCHANGED, /* the same is here */
        IMPORT_DIFFERENT, /* something else is here, and stays */
        IMPORT_REFUSED,
        _IMPORT_RESULT_MAX,
} ImportResult;

typedef enum ImportAutostart {
        IMPORT_AUTOSTART_SAFE, /* unless a daemon of libvirt's would start it too */
        IMPORT_AUTOSTART_ALWAYS,
        IMPORT_AUTOSTART_NEVER,
} ImportAutostart;

/* What all objects of one command share. */
typedef struct ImportRun {
        Cli *cli;
        const ImportSource *source;
        bool dry, replace;
        ImportAutostart autostart;
        char *boot_units[_IMPORT_KIND_MAX];  /* that start such objects too; NULL: none */
        GHashTable *names[_IMPORT_KIND_MAX]; /* taken over so far */
} ImportRun;

typedef struct ImportOutcome {
        ImportResult result;
        Err reason;         /* of IMPORT_REFUSED */
        bool autostart;     /* it was marked now */
        GPtrArray *remarks; /* char * */
} ImportOutcome;

/* "imported", "replaced", "unchanged", "different", "refused". */
const char *import_result_to_string(ImportResult result);

void import_run_init(ImportRun *run, Cli *cli, const ImportSource *source);
void import_run_done(ImportRun *run);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImportRun, import_run_done)

void import_outcome_done(ImportOutcome *outcome);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImportOutcome, import_outcome_done)

/* Fills *ret, which is zeroed; negative only where no other object can be taken over either. */
int import_object(ImportRun *run, const ImportObject *object, ImportOutcome *ret, Err *err);
