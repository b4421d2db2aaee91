/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The documents of Airlock's own calls (docs/protocol.md gives their shapes) as a person reads
 * them. A member that is missing, null or of another type shows as "-": a newer daemon may say more
 * and less than we know. */

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>
#include <jansson.h>

#include "base/err.h"
#include "cli/table.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

typedef struct ReportStyle {
        bool quiet;   /* without heads of tables and without explanations */
        size_t width; /* of the terminal; 0: there is none */
} ReportStyle;

/* VIR_ERR_RPC for what is no JSON object. */
int report_parse(const char *text, json_t **ret, Err *err);

/* Indented, in the daemon's order, with a final newline. */
char *report_json(const json_t *doc);

/* Each returns text to print; free with g_free(). */
char *report_devices(const json_t *doc, const ReportStyle *style);
char *report_groups(const json_t *doc, const ReportStyle *style);
char *report_ledger(const json_t *doc, const ReportStyle *style);
char *report_verdict(const json_t *doc, const ReportStyle *style);
char *report_plan(const json_t *doc, const ReportStyle *style);

/* What a verdict says, from its text. */
int report_is_assignable(const char *text, bool *ret, Err *err);
