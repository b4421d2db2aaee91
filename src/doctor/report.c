/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "doctor/check.h"

#define VERDICT_WIDTH 7
#define NAME_WIDTH    20

const char *doctor_verdict_to_string(DoctorVerdict verdict) {
        static const char *const names[] = {
                [DOCTOR_OK] = "ok",
                [DOCTOR_WARN] = "warn",
                [DOCTOR_FAIL] = "fail",
                [DOCTOR_SKIPPED] = "skipped",
        };

        G_STATIC_ASSERT(G_N_ELEMENTS(names) == _DOCTOR_VERDICT_MAX);
        return names[verdict];
}

static unsigned count(const Doctor *doctor, DoctorVerdict verdict) {
        unsigned n = 0;

        for (unsigned i = 0; i < doctor->findings->len; i++)
                if (((const DoctorFinding *)doctor->findings->pdata[i])->verdict == verdict)
                        n++;
        return n;
}

static const DoctorFinding *first_cause(const Doctor *doctor) {
        for (unsigned i = 0; i < doctor->findings->len; i++) {
                const DoctorFinding *finding = doctor->findings->pdata[i];

                if (finding->verdict == DOCTOR_FAIL && finding->check->is_vital)
                        return finding;
        }
        return NULL;
}

/* ": 1 failed, 2 warnings", as far as there are any. */
static void append_counts(GString *out, const Doctor *doctor) {
        unsigned fails = count(doctor, DOCTOR_FAIL), warnings = count(doctor, DOCTOR_WARN);
        unsigned skipped = count(doctor, DOCTOR_SKIPPED);

        g_string_append_printf(out, "%u ok", count(doctor, DOCTOR_OK));
        if (fails > 0)
                g_string_append_printf(out, ", %u failed", fails);
        if (warnings > 0)
                g_string_append_printf(out, ", %u warning%s", warnings, warnings == 1 ? "" : "s");
        if (skipped > 0)
                g_string_append_printf(out, ", %u skipped", skipped);
        if (doctor->unread > 0)
                g_string_append(out, " (root could read more)");
}

/* Vital checks that could not be made: without them "can be assigned" is a guess. The caller's;
 * NULL: there are none. */
static char *unknown_checks(const Doctor *doctor) {
        g_autoptr(GString) out = g_string_new(NULL);

        for (unsigned i = 0; i < doctor->findings->len; i++) {
                const DoctorFinding *finding = doctor->findings->pdata[i];

                if (finding->verdict == DOCTOR_SKIPPED && finding->check->is_vital)
                        g_string_append_printf(out, "%s%s", out->len > 0 ? ", " : "",
                                               finding->check->name);
        }
        return out->len > 0 ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}

static void append_ready(GString *out, const Doctor *doctor) {
        g_autofree char *unknown = unknown_checks(doctor);

        g_string_append_printf(out, "%u of %u devices can be assigned", doctor->ready,
                               doctor->endpoints);
        if (unknown)
                g_string_append_printf(out, ", provided that what is not known is well (%s)",
                                       unknown);
        g_string_append(out, ": ");
}

char *doctor_summary(const Doctor *doctor) {
        const DoctorFinding *cause = first_cause(doctor);
        g_autoptr(GString) out = g_string_new(NULL);

        if (cause) {
                g_string_append_printf(out, "No device of this host can be assigned: %s",
                                       cause->evidence);
        } else if (doctor->endpoints > 0) {
                append_ready(out, doctor);
                append_counts(out, doctor);
        } else {
                append_counts(out, doctor);
        }
        return g_string_free(g_steal_pointer(&out), FALSE);
}

/* One line, and no word to the terminal, whatever a device or a file put into it. */
static void append_plain(GString *out, const char *text) {
        g_autofree char *valid = g_utf8_make_valid(text, -1);

        for (char *c = valid; *c; c = g_utf8_next_char(c)) {
                gunichar character = g_utf8_get_char(c);

                g_string_append_unichar(out, g_unichar_isprint(character) ? character : ' ');
        }
}

/* Two blanks, and the text in a column. */
static void append_padded(GString *out, const char *text, size_t width) {
        size_t start;

        g_string_append(out, "  ");
        start = out->len;
        append_plain(out, text);
        while (out->len - start < width)
                g_string_append_c(out, ' ');
        if (width == NAME_WIDTH)
                g_string_append(out, "  ");
}

/* Text of files can be anything; JSON is UTF-8. */
static json_t *text_json(const char *text) {
        g_autofree char *valid = text ? g_utf8_make_valid(text, -1) : NULL;

        return valid ? json_string(valid) : json_null();
}

static json_t *finding_json(const DoctorFinding *finding) {
        return json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o}", "name", finding->check->name,
                         "group", finding->check->group, "title", finding->check->title, "object",
                         text_json(finding->object), "verdict",
                         doctor_verdict_to_string(finding->verdict), "evidence",
                         text_json(finding->evidence), "way_out", text_json(finding->way_out));
}

json_t *doctor_to_json(const Doctor *doctor) {
        g_autofree char *summary = doctor_summary(doctor);
        json_t *list = json_array(), *counts = json_object();

        for (unsigned i = 0; i < doctor->findings->len; i++)
                json_array_append_new(list, finding_json(doctor->findings->pdata[i]));
        for (DoctorVerdict v = 0; v < _DOCTOR_VERDICT_MAX; v++)
                json_object_set_new(counts, doctor_verdict_to_string(v),
                                    json_integer(count(doctor, v)));
        return json_pack("{s:i, s:s, s:o, s:b, s:b, s:o, s:o, s:O}", "version", 1, "verdict",
                         doctor_verdict_to_string(doctor_worst(doctor)), "summary",
                         text_json(summary), "usable", first_cause(doctor) == NULL, "complete",
                         doctor->unread == 0, "counts", counts, "checks", list, "devices",
                         doctor->devices);
}

/* The text of a report's member; a report can come from a daemon that is newer, or is none. */
static const char *text_of(const json_t *object, const char *key) {
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

static void append_finding(GString *out, const json_t *finding) {
        const char *object = text_of(finding, "object"), *way_out = text_of(finding, "way_out");

        append_padded(out, text_of(finding, "verdict"), VERDICT_WIDTH);
        append_padded(out, text_of(finding, "name"), NAME_WIDTH);
        if (*object) {
                append_plain(out, object);
                g_string_append(out, ": ");
        }
        append_plain(out, text_of(finding, "evidence"));
        if (*way_out) {
                g_string_append(out, " -> ");
                append_plain(out, way_out);
        }
        g_string_append_c(out, '\n');
}

static bool is_well(const json_t *finding) {
        const char *verdict = text_of(finding, "verdict");

        return !g_str_equal(verdict, "warn") && !g_str_equal(verdict, "fail");
}

char *doctor_report_text(const json_t *report, bool quiet) {
        g_autoptr(GString) out = g_string_new(NULL);
        const char *group = NULL;
        const json_t *finding;
        size_t i;

        append_plain(out, text_of(report, "summary"));
        g_string_append_c(out, '\n');
        json_array_foreach(json_object_get(report, "checks"), i, finding) {
                if (quiet && is_well(finding))
                        continue;
                if (g_strcmp0(group, text_of(finding, "group")) != 0) {
                        g_string_append_c(out, '\n');
                        append_plain(out, text_of(finding, "group"));
                        g_string_append_c(out, '\n');
                }
                group = text_of(finding, "group");
                append_finding(out, finding);
        }
        return g_string_free(g_steal_pointer(&out), FALSE);
}

char *doctor_text(const Doctor *doctor, bool quiet) {
        json_t *report = doctor_to_json(doctor);
        char *text = doctor_report_text(report, quiet);

        json_decref(report);
        return text;
}

int doctor_report_worst(const json_t *report, DoctorVerdict *ret) {
        const char *name = text_of(report, "verdict");

        for (DoctorVerdict v = 0; v < _DOCTOR_VERDICT_MAX; v++)
                if (g_str_equal(name, doctor_verdict_to_string(v))) {
                        *ret = v;
                        return 0;
                }
        return -EINVAL;
}

char *doctor_list(void) {
        g_autoptr(GString) out = g_string_new(NULL);
        const char *group = NULL;
        size_t n;
        const DoctorCheck *checks = doctor_checks(&n);

        for (size_t i = 0; i < n; i++) {
                if (g_strcmp0(group, checks[i].group) != 0)
                        g_string_append_printf(out, "%s%s\n", group ? "\n" : "", checks[i].group);
                group = checks[i].group;
                g_string_append_printf(out, "  %-*s  %s\n", NAME_WIDTH, checks[i].name,
                                       checks[i].title);
        }
        return g_string_free(g_steal_pointer(&out), FALSE);
}
