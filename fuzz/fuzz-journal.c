/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes of a journal that a crash, a full disk or a person has been at: its records, the ledger
 * that they make, and the plans that they cut off. What is read is written again and must read the
 * same. */

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "handover/journal.h"
#include "handover/ledger.h"
#include "handover/plan.h"
#include "handover/steps.h"

typedef struct Replay {
        Ledger *ledger;
        json_t *plan; /* array: the records that the ledger does not know */
} Replay;

static void replay(const json_t *record, void *userdata) {
        Replay *r = userdata;
        json_t *copy;

        if (ledger_replay(r->ledger, record))
                return;
        copy = json_deep_copy(record);
        json_array_append_new(r->plan, copy);
}

static void check_ledger(const Ledger *ledger) {
        g_autoptr(Ledger) again = ledger_new();
        json_t *records = ledger_snapshot(ledger);
        json_t *a = ledger_to_json(ledger), *b;
        const json_t *record;
        size_t i;

        json_array_foreach(records, i, record)
                g_assert_true(ledger_replay(again, record));
        b = ledger_to_json(again);
        g_assert_true(json_equal(a, b));
        json_decref(records);
        json_decref(a);
        json_decref(b);
}

static void check_plan(const json_t *records) {
        const PlanHost host = {};
        g_autoptr(Plan) plan = NULL;
        g_auto(Err) err = ERR_INIT;

        if (plan_from_records(&host, records, step_kind_find, &plan, &err) == 0)
                json_decref(plan_to_json(plan));
        else
                g_assert_true(err_is_set(&err));
}

/* A line without a checksum is given its own, so that the fuzzer gets past it. */
static char *with_checksums(const uint8_t *data, size_t size, size_t *ret_size) {
        g_autofree char *text = g_strndup((const char *)data, size);
        g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
        g_autoptr(GString) out = g_string_new(NULL);

        for (char **line = lines; *line; line++) {
                g_autofree char *sum = NULL;

                if (**line != '{') {
                        g_string_append_printf(out, "%s\n", *line);
                        continue;
                }
                sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, *line, -1);
                g_string_append_printf(out, "%.16s %s\n", sum, *line);
        }
        *ret_size = out->len;
        return g_string_free(g_steal_pointer(&out), FALSE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autoptr(Ledger) ledger = ledger_new();
        Replay r = {.ledger = ledger, .plan = json_array()};
        g_autofree char *text = NULL;
        JournalReport report;
        size_t text_size;

        journal_parse((const char *)data, size, replay, &r, &report);
        text = with_checksums(data, size, &text_size);
        journal_parse(text, text_size, replay, &r, &report);
        check_ledger(ledger);
        check_plan(r.plan);
        json_decref(r.plan);
        return 0;
}
