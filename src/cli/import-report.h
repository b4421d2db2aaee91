/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What import-libvirt tells: an object a line as it is done, with what is to be said below it; or
 * one JSON document at the end. */

#include "cli/import-object.h"

typedef struct ImportReport ImportReport;

ImportReport *import_report_new(const ImportRun *run, bool is_json);
void import_report_add(ImportReport *report, const ImportObject *object,
                       const ImportOutcome *outcome);
/* What stays behind: ImportNote *. */
void import_report_notes(ImportReport *report, const GPtrArray *notes);
/* The last lines, or the document. */
void import_report_end(ImportReport *report);
unsigned import_report_count(const ImportReport *report, ImportResult result);
void import_report_free(ImportReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImportReport, import_report_free)
