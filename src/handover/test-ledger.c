/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/ledger.h"

#include "base/test.h"

static LedgerEntry *sample(void) {
        LedgerEntry *entry = ledger_entry_new((PciAddr){.bus = 1, .function = 1}, SIDE_GUEST);

        entry->guest = g_strdup("guest1");
        entry->uuid = g_strdup("11111111-2222-3333-4444-555555555555");
        entry->host_driver = g_strdup("igb");
        entry->managed = true;
        entry->is_companion = true;
        entry->companion_of = (PciAddr){.bus = 1};
        entry->identity = g_new0(PciIdentity, 1);
        entry->identity->vendor = 0x8086;
        entry->identity->slot_path = g_strdup("0000:00:01.0/0000:01:00.1");
        return entry;
}

static void an_entry_survives_json(void **state) {
        g_autoptr(LedgerEntry) entry = sample(), back = NULL;
        json_t *json = ledger_entry_to_json(entry);
        json_t *again;

        assert_int_equal(ledger_entry_from_json(json, &back, NULL), 0);
        again = ledger_entry_to_json(back);
        assert_true(json_equal(json, again));
        assert_int_equal(back->companion_of.bus, 1);
        assert_int_equal(back->identity->vendor, 0x8086);
        assert_null(back->quarantine);
        json_decref(json);
        json_decref(again);
}

static void what_is_no_entry_is_refused(void **state) {
        static const char *const bad[] = {
                "{}",
                "[]",
                "{\"address\": \"0000:01:00.0\"}",
                "{\"address\": \"0000:01:00.0\", \"side\": \"moon\"}",
                "{\"address\": \"01:00\", \"side\": \"host\"}",
                "{\"address\": \"0000:01:00.0\", \"side\": \"parked\", \"is_companion\": true}",
                "{\"address\": \"0000:01:00.0\", \"side\": \"host\", \"identity\": 3}",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_auto(Err) err = ERR_INIT;
                json_t *json = json_loads(bad[i], 0, NULL);
                LedgerEntry *entry = NULL;

                assert_int_equal(ledger_entry_from_json(json, &entry, &err), -EINVAL);
                assert_true(err_is_set(&err));
                assert_null(entry);
                json_decref(json);
        }
}

static void a_snapshot_replayed_is_the_same_ledger(void **state) {
        g_autoptr(Ledger) ledger = ledger_new(), copy = ledger_new();
        PciAddr gone = {.bus = 9};
        json_t *records, *a, *b;
        const json_t *record;
        size_t i;

        assert_int_equal(ledger_put_consume(ledger, sample(), NULL), 0);
        ledger_put_consume(ledger, ledger_entry_new(gone, SIDE_PARKED), NULL);
        assert_int_equal(ledger_drop(ledger, gone, NULL), 0);
        assert_int_equal(ledger_drop(ledger, gone, NULL), 0);
        ledger_correct(ledger, &gone, "it had gone");
        records = ledger_snapshot(ledger);
        json_array_foreach(records, i, record)
                assert_true(ledger_replay(copy, record));
        a = ledger_to_json(ledger);
        b = ledger_to_json(copy);
        assert_true(json_equal(a, b));
        assert_int_equal(json_array_size(json_object_get(a, "entries")), 1);
        assert_non_null(ledger_find(copy, (PciAddr){.bus = 1, .function = 1}));
        json_decref(records);
        json_decref(a);
        json_decref(b);
}

static void corrections_are_bounded(void **state) {
        g_autoptr(Ledger) ledger = ledger_new();
        json_t *json, *list;

        for (int i = 0; i < LEDGER_CORRECTIONS_MAX + 5; i++)
                ledger_correct(ledger, NULL, "number %d", i);
        json = ledger_to_json(ledger);
        list = json_object_get(json, "corrections");
        assert_int_equal(json_array_size(list), LEDGER_CORRECTIONS_MAX);
        assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "text")),
                            "number 5");
        json_decref(json);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_entry_survives_json),
                cmocka_unit_test(what_is_no_entry_is_refused),
                cmocka_unit_test(a_snapshot_replayed_is_the_same_ledger),
                cmocka_unit_test(corrections_are_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
