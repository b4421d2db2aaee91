/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>

#include "cli/table.h"

int report_parse(const char *text, json_t **ret, Err *err) {
        json_error_t error;
        json_t *doc = json_loads(text, JSON_REJECT_DUPLICATES, &error);

        if (!doc)
                return fail(err, VIR_ERR_RPC, "the daemon's answer is no JSON: %s", error.text);
        if (!json_is_object(doc)) {
                json_decref(doc);
                return fail(err, VIR_ERR_RPC, "the daemon's answer is no JSON object");
        }
        *ret = doc;
        return 0;
}

char *report_json(const json_t *doc) {
        char *text = json_dumps(doc, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        char *line = g_strconcat(text, "\n", NULL);

        free(text);
        return line;
}

static const char *text_of(const json_t *object, const char *key) {
        return json_string_value(json_object_get(object, key));
}

static bool is_true(const json_t *object, const char *key) {
        return json_is_true(json_object_get(object, key));
}

/* A number as text; NULL: there is none. */
static char *number_of(const json_t *object, const char *key) {
        const json_t *value = json_object_get(object, key);

        if (!json_is_integer(value))
                return NULL;
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

/* The first blocker without the words that name the device: the line does. */
static const char *blocker_text(const json_t *device) {
        const char *text = text_of(device, "first_blocker"), *address = text_of(device, "address");
        g_autofree char *prefix = g_strdup_printf("PCI device %s ", address ?: "");

        if (text && g_str_has_prefix(text, prefix))
                return text + strlen(prefix);
        return text;
}

static char *verdict_cell(const json_t *device) {
        const char *kind = text_of(device, "kind"), *blocker = blocker_text(device);
        json_int_t n = json_integer_value(json_object_get(device, "blockers"));

        if (is_true(device, "assignable"))
                return g_strdup("assignable");
        if (kind && !g_str_equal(kind, "endpoint"))
                return g_strdup_printf("stays with the host (%s)", kind);
        if (!blocker)
                return g_strdup("blocked");
        if (n > 1)
                return g_strdup_printf("blocked (%" JSON_INTEGER_FORMAT "): %s", n, blocker);
        return g_strdup_printf("blocked: %s", blocker);
}

/* "Intel Corporation 82576 …": what lspci shows behind the class. */
static char *product_cell(const json_t *device) {
        const char *vendor = text_of(device, "vendor"), *product = text_of(device, "product");

        if (vendor && product)
                return g_strdup_printf("%s %s", vendor, product);
        if (vendor || product)
                return g_strdup(vendor ?: product);
        return g_strdup_printf("%s:%s", text_of(device, "vendor_id") ?: "????",
                               text_of(device, "device_id") ?: "????");
}

char *report_devices(const json_t *doc, const ReportStyle *style) {
        static const char *const head[] = {"Address", "Class", "Name",    "Driver", "Group",
                                           "Side",    "Owner", "Verdict", NULL};
        g_autoptr(Table) table = table_new(head);
        size_t i;
        json_t *device;

        json_array_foreach(json_object_get(doc, "devices"), i, device) {
                g_autofree char *product = product_cell(device);
                g_autofree char *group = number_of(device, "group");
                g_autofree char *verdict = verdict_cell(device);

                table_add(table, (const char *[]){
                                         text_of(device, "address"),
                                         text_of(device, "class_name") ?: text_of(device, "class"),
                                         product,
                                         text_of(device, "driver"),
                                         group,
                                         text_of(device, "side"),
                                         text_of(device, "owner"),
                                         verdict,
                                 });
        }
        table_set_flexible(table, 1);
        table_set_flexible(table, 2);
        table_set_flexible(table, 7);
        return table_format(table, !style->quiet, style->width);
}

/* A group's number and whether it can be assigned stand in its first line only. */
static void add_group(Table *table, const json_t *group) {
        g_autofree char *number = number_of(group, "group");
        size_t i;
        json_t *member;

        json_array_foreach(json_object_get(group, "members"), i, member) {
                table_add(table, (const char *[]){
                                         i > 0 ? "" : number,
                                         i > 0 ? "" : (is_true(group, "viable") ? "yes" : "no"),
                                         text_of(member, "address"),
                                         text_of(member, "kind"),
                                         text_of(member, "product"),
                                         text_of(member, "driver"),
                                         text_of(member, "side"),
                                         text_of(member, "owner"),
                                 });
        }
}

char *report_groups(const json_t *doc, const ReportStyle *style) {
        static const char *const head[] = {"Group",  "Viable", "Address", "Kind", "Name",
                                           "Driver", "Side",   "Owner",   NULL};
        g_autoptr(Table) table = table_new(head);
        size_t i;
        json_t *group;

        json_array_foreach(json_object_get(doc, "groups"), i, group)
                add_group(table, group);
        table_set_flexible(table, 4);
        return table_format(table, !style->quiet, style->width);
}

static void append_corrections(GString *out, const json_t *corrections) {
        size_t i;
        json_t *correction;

        if (json_array_size(corrections) == 0)
                return;
        g_string_append(out, "\nCorrected at the start of the daemon:\n");
        json_array_foreach(corrections, i, correction)
                g_string_append_printf(out, " %s  %s\n", text_of(correction, "time") ?: "-",
                                       text_of(correction, "text") ?: "-");
}

char *report_ledger(const json_t *doc, const ReportStyle *style) {
        static const char *const head[] = {"Address",      "Side",  "Owner", "Driver", "Managed",
                                           "Companion of", "State", "Since", "Detail", NULL};
        g_autoptr(Table) table = table_new(head);
        g_autofree char *text = NULL;
        GString *out;
        size_t i;
        json_t *entry;

        json_array_foreach(json_object_get(doc, "entries"), i, entry) {
                table_add(table, (const char *[]){
                                         text_of(entry, "address"),
                                         text_of(entry, "side"),
                                         text_of(entry, "owner"),
                                         text_of(entry, "driver"),
                                         is_true(entry, "managed") ? "yes" : "no",
                                         text_of(entry, "companion_of"),
                                         text_of(entry, "state"),
                                         text_of(entry, "since"),
                                         text_of(entry, "detail"),
                                 });
        }
        table_set_flexible(table, 8);
        text = table_format(table, !style->quiet, style->width);
        out = g_string_new(text);
        append_corrections(out, json_object_get(doc, "corrections"));
        return g_string_free(out, FALSE);
}

/* Blockers or warnings, numbered. */
static void append_findings(GString *out, const char *title, const json_t *findings) {
        size_t i;
        json_t *finding;

        if (json_array_size(findings) == 0)
                return;
        g_string_append_printf(out, "%s:\n", title);
        json_array_foreach(findings, i, finding) {
                const char *way_out = text_of(finding, "way_out");

                g_string_append_printf(out, " %2zu. %s\n", i + 1,
                                       text_of(finding, "message") ?: "-");
                if (way_out)
                        g_string_append_printf(out, "     way out: %s\n", way_out);
        }
}

char *report_verdict(const json_t *doc, const ReportStyle *style) {
        const char *guest = text_of(doc, "guest"), *address = text_of(doc, "address");
        GString *out = g_string_new(NULL);

        if (is_true(doc, "assignable"))
                g_string_append_printf(out, "%s: %s%s can have it now\n", address ?: "-",
                                       guest ? "guest " : "a guest", guest ?: "");
        else
                g_string_append_printf(out, "%s: %s%s cannot have it now\n", address ?: "-",
                                       guest ? "guest " : "a guest", guest ?: "");
        append_findings(out, "Blockers", json_object_get(doc, "blockers"));
        append_findings(out, "Warnings", json_object_get(doc, "warnings"));
        return g_string_free(out, FALSE);
}

int report_is_assignable(const char *text, bool *ret, Err *err) {
        g_autoptr(json_t) doc = NULL;
        int r;

        r = report_parse(text, &doc, err);
        if (r < 0)
                return r;
        *ret = is_true(doc, "assignable");
        return 0;
}

static void append_step(GString *out, const json_t *step, size_t index) {
        g_autofree char *number = number_of(step, "number");
        const char *undo = text_of(step, "undo");

        if (number)
                g_string_append_printf(out, " %2s. ", number);
        else
                g_string_append_printf(out, " %2zu. ", index + 1);
        g_string_append_printf(out, "%s\n", text_of(step, "text") ?: "-");
        if (undo)
                g_string_append_printf(out, "     undo: %s\n", undo);
}

char *report_plan(const json_t *doc, const ReportStyle *style) {
        const char *kind = text_of(doc, "kind"), *guest = text_of(doc, "guest");
        const json_t *steps = json_object_get(doc, "steps");
        const json_t *verdict = json_object_get(doc, "verdict");
        GString *out = g_string_new(NULL);
        size_t i;
        json_t *step;

        if (!style->quiet)
                g_string_append_printf(out, "Plan: %s%s%s, %zu steps\n", kind ?: "-",
                                       guest ? " of guest " : "", guest ?: "",
                                       json_array_size(steps));
        json_array_foreach(steps, i, step)
                append_step(out, step, i);
        append_findings(out, "Blockers", json_object_get(verdict, "blockers"));
        append_findings(out, "Warnings", json_object_get(verdict, "warnings"));
        if (!style->quiet)
                g_string_append(out, "Nothing was changed.\n");
        return g_string_free(out, FALSE);
}
