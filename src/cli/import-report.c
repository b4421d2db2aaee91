/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/import-report.h"

#include <stdio.h>

#include "cli/report.h"
#include "cli/table.h"
#include "import/note.h"

struct ImportReport {
        const ImportRun *run;
        bool is_json;
        unsigned counts[_IMPORT_RESULT_MAX];
        json_t *objects, *left;
};

ImportReport *import_report_new(const ImportRun *run, bool is_json) {
        ImportReport *report = g_new0(ImportReport, 1);

        report->run = run;
        report->is_json = is_json;
        report->objects = json_array();
        report->left = json_array();
        return report;
}

void import_report_free(ImportReport *report) {
        json_decref(report->objects);
        json_decref(report->left);
        g_free(report);
}

unsigned import_report_count(const ImportReport *report, ImportResult result) {
        return report->counts[result];
}

/* ---- as text ---- */

/* What was done, and what a dry run says of it. */
static const char *const sentences[_IMPORT_RESULT_MAX][2] = {
        [IMPORT_IMPORTED] = {"imported", "would be imported"},
        [IMPORT_REPLACED] = {"replaced", "would be replaced"},
        [IMPORT_UNCHANGED] = {"is here already", "is here already"},
        [IMPORT_DIFFERENT] = {"is here and differs: left alone, --replace takes libvirt's",
                              "is here and differs: left alone, --replace takes libvirt's"},
        [IMPORT_REFUSED] = {"refused", "would be refused"},
};

/* Names and texts are libvirt's files': they must not speak to the terminal. */
static void print_line(const char *before, const char *text) {
        g_autofree char *clean = table_clean(text);

        printf("%s%s\n", before, clean);
}

/* An error that says what stands where in the file. */
static bool is_of_definition(const Err *reason) {
        return reason->code == VIR_ERR_XML_ERROR || reason->code == VIR_ERR_XML_DETAIL ||
               reason->code == VIR_ERR_CONFIG_UNSUPPORTED;
}

static void print_object(const ImportReport *report, const ImportObject *object,
                         const ImportOutcome *outcome) {
        g_autofree char *line =
                g_strdup_printf("%s %s: %s%s%s%s", import_kind_to_string(object->kind),
                                object->name, sentences[outcome->result][report->run->dry],
                                outcome->autostart ? ", starts with the host" : "",
                                outcome->reason.message ? ": " : "",
                                outcome->reason.message ? outcome->reason.message : "");

        print_line("", line);
        if (outcome->reason.hint)
                print_line("    -> ", outcome->reason.hint);
        if (is_of_definition(&outcome->reason))
                print_line("    in ", object->file);
        for (guint i = 0; i < outcome->remarks->len; i++)
                print_line("    - ", outcome->remarks->pdata[i]);
        fflush(stdout);
}

/* ---- as JSON ---- */

/* A name that is no UTF-8 cannot stand in JSON as it is. */
static json_t *json_text(const char *text) {
        g_autofree char *valid = text ? g_utf8_make_valid(text, -1) : NULL;

        return valid ? json_string(valid) : json_null();
}

static json_t *describe(const ImportObject *object, const ImportOutcome *outcome) {
        json_t *remarks = json_array();

        for (guint i = 0; i < outcome->remarks->len; i++)
                json_array_append_new(remarks, json_text(outcome->remarks->pdata[i]));
        return json_pack("{s:s, s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:o}", "kind",
                         import_kind_to_string(object->kind), "name", json_text(object->name),
                         "uuid", json_text(object->uuid), "file", json_text(object->file), "result",
                         import_result_to_string(outcome->result), "autostart", outcome->autostart,
                         "message", json_text(outcome->reason.message), "way_out",
                         json_text(outcome->reason.hint), "remarks", remarks);
}

/* ---- both ---- */

void import_report_add(ImportReport *report, const ImportObject *object,
                       const ImportOutcome *outcome) {
        report->counts[outcome->result]++;
        if (report->is_json)
                json_array_append_new(report->objects, describe(object, outcome));
        else
                print_object(report, object, outcome);
}

void import_report_notes(ImportReport *report, const GPtrArray *notes) {
        for (guint i = 0; i < notes->len; i++) {
                const ImportNote *note = notes->pdata[i];
                g_autofree char *line = g_strdup_printf("%s: %s", note->what, note->text);

                if (report->is_json)
                        json_array_append_new(report->left,
                                              json_pack("{s:o, s:o}", "what", json_text(note->what),
                                                        "text", json_text(note->text)));
                else
                        print_line("left behind: ", line);
        }
}

static void end_json(const ImportReport *report) {
        g_autoptr(json_t) json = json_pack("{s:b, s:O, s:O}", "dry_run", report->run->dry,
                                           "objects", report->objects, "left", report->left);
        g_autofree char *text = NULL;

        for (ImportResult result = 0; result < _IMPORT_RESULT_MAX; result++)
                json_object_set_new(json, import_result_to_string(result),
                                    json_integer(report->counts[result]));
        text = report_json(json);
        fputs(text, stdout);
}

void import_report_end(ImportReport *report) {
        const char *separator = "";

        if (report->is_json) {
                end_json(report);
                return;
        }
        for (ImportResult result = 0; result < _IMPORT_RESULT_MAX; result++) {
                if (report->counts[result] == 0)
                        continue;
                cli_say(report->run->cli, "%s%u %s", separator, report->counts[result],
                        import_result_to_string(result));
                separator = ", ";
        }
        cli_say(report->run->cli, "%s%s\n", *separator ? "" : "there is nothing to import",
                report->run->dry ? " (nothing was changed)" : "");
}
