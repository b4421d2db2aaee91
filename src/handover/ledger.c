/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/ledger.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <glib.h>

#include "handover/journal.h"

struct Ledger {
        Journal *journal;    /* borrowed; NULL while it is replayed */
        GHashTable *entries; /* pci_addr_key() → LedgerEntry, which it owns */
        json_t *corrections; /* array, oldest first */
};

static const char *const side_names[] = {
        [SIDE_HOST] = "host",
        [SIDE_PARKED] = "parked",
        [SIDE_GUEST] = "guest",
};
G_STATIC_ASSERT(G_N_ELEMENTS(side_names) == _SIDE_MAX);

const char *side_to_string(Side side) {
        return side_names[side];
}

int side_from_string(const char *text, Side *ret) {
        for (unsigned i = 0; i < _SIDE_MAX; i++)
                if (g_strcmp0(text, side_names[i]) == 0) {
                        *ret = (Side)i;
                        return 0;
                }
        return -EINVAL;
}

LedgerEntry *ledger_entry_new(PciAddr addr, Side side) {
        LedgerEntry *entry = g_new0(LedgerEntry, 1);

        entry->addr = addr;
        entry->side = side;
        entry->since = g_get_real_time();
        return entry;
}

/* The texts and flags of an entry: one line each for JSON, copy and free. */
static const struct TextField {
        const char *name;
        size_t offset;
} text_fields[] = {
        {"guest", offsetof(LedgerEntry, guest)},
        {"uuid", offsetof(LedgerEntry, uuid)},
        {"host_driver", offsetof(LedgerEntry, host_driver)},
        {"driver_override", offsetof(LedgerEntry, override)},
        {"power", offsetof(LedgerEntry, power)},
        {"d3cold", offsetof(LedgerEntry, d3cold)},
        {"taken_despite", offsetof(LedgerEntry, despite)},
        {"quarantine", offsetof(LedgerEntry, quarantine)},
        {"stuck", offsetof(LedgerEntry, stuck)},
};

static const struct FlagField {
        const char *name;
        size_t offset;
} flag_fields[] = {
        {"managed", offsetof(LedgerEntry, managed)},
        {"was_parked", offsetof(LedgerEntry, was_parked)},
        {"is_companion", offsetof(LedgerEntry, is_companion)},
};

static char **text_of(LedgerEntry *entry, size_t i) {
        return (char **)(void *)((char *)entry + text_fields[i].offset);
}

static const char *const_text_of(const LedgerEntry *entry, size_t i) {
        return *(const char *const *)(const void *)((const char *)entry + text_fields[i].offset);
}

void ledger_entry_free(LedgerEntry *entry) {
        if (!entry)
                return;
        for (size_t i = 0; i < G_N_ELEMENTS(text_fields); i++)
                g_free(*text_of(entry, i));
        pci_identity_free(entry->identity);
        g_free(entry);
}

LedgerEntry *ledger_entry_copy(const LedgerEntry *entry) {
        LedgerEntry *copy = g_new(LedgerEntry, 1);

        *copy = *entry;
        for (size_t i = 0; i < G_N_ELEMENTS(text_fields); i++)
                *text_of(copy, i) = g_strdup(const_text_of(entry, i));
        copy->identity = entry->identity ? pci_identity_copy(entry->identity) : NULL;
        return copy;
}

json_t *ledger_entry_to_json(const LedgerEntry *entry) {
        json_t *json = json_pack("{s:s, s:s, s:I}", "address", PCI_ADDR_TEXT(entry->addr), "side",
                                 side_to_string(entry->side), "since", (json_int_t)entry->since);

        for (size_t i = 0; i < G_N_ELEMENTS(text_fields); i++)
                if (const_text_of(entry, i))
                        json_object_set_new(json, text_fields[i].name,
                                            json_string(const_text_of(entry, i)));
        for (size_t i = 0; i < G_N_ELEMENTS(flag_fields); i++)
                json_object_set_new(
                        json, flag_fields[i].name,
                        json_boolean(*(const bool *)((const char *)entry + flag_fields[i].offset)));
        if (entry->is_companion)
                json_object_set_new(json, "companion_of",
                                    json_string(PCI_ADDR_TEXT(entry->companion_of)));
        if (entry->identity)
                json_object_set_new(json, "identity", pci_identity_to_json(entry->identity));
        return json;
}

static void read_fields(LedgerEntry *entry, const json_t *json) {
        for (size_t i = 0; i < G_N_ELEMENTS(text_fields); i++)
                *text_of(entry, i) =
                        g_strdup(json_string_value(json_object_get(json, text_fields[i].name)));
        for (size_t i = 0; i < G_N_ELEMENTS(flag_fields); i++)
                *(bool *)((char *)entry + flag_fields[i].offset) =
                        json_is_true(json_object_get(json, flag_fields[i].name));
        entry->since = json_integer_value(json_object_get(json, "since"));
}

int ledger_entry_from_json(const json_t *json, LedgerEntry **ret, Err *err) {
        g_autoptr(LedgerEntry) entry = g_new0(LedgerEntry, 1);
        const char *addr = json_string_value(json_object_get(json, "address"));
        const char *side = json_string_value(json_object_get(json, "side"));
        const char *companion = json_string_value(json_object_get(json, "companion_of"));
        const json_t *identity = json_object_get(json, "identity");

        if (!addr || pci_addr_parse(addr, &entry->addr) < 0 ||
            side_from_string(side, &entry->side) < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "a ledger entry names no function and side");
        read_fields(entry, json);
        if (entry->is_companion && (!companion || pci_addr_parse(companion, &entry->companion_of)))
                return fail(err, VIR_ERR_INVALID_ARG, "companion %s of the ledger is of nobody",
                            addr);
        if (identity && pci_identity_from_json(identity, &entry->identity) < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "the identity of %s in the ledger is damaged",
                            addr);
        *ret = g_steal_pointer(&entry);
        return 0;
}

static void free_entry(void *entry) {
        ledger_entry_free(entry);
}

Ledger *ledger_new(void) {
        Ledger *ledger = g_new0(Ledger, 1);

        ledger->entries = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_entry);
        ledger->corrections = json_array();
        return ledger;
}

void ledger_free(Ledger *ledger) {
        if (!ledger)
                return;
        g_hash_table_unref(ledger->entries);
        json_decref(ledger->corrections);
        g_free(ledger);
}

void ledger_set_journal(Ledger *ledger, Journal *journal) {
        ledger->journal = journal;
}

static void keep(Ledger *ledger, LedgerEntry *entry) {
        uint64_t *key = g_new(uint64_t, 1);

        g_assert(entry);
        *key = pci_addr_key(entry->addr);
        g_hash_table_replace(ledger->entries, key, entry);
}

static void forget(Ledger *ledger, PciAddr addr) {
        uint64_t key = pci_addr_key(addr);

        g_hash_table_remove(ledger->entries, &key);
}

static void keep_correction(Ledger *ledger, json_t *correction) {
        json_array_append_new(ledger->corrections, correction);
        if (json_array_size(ledger->corrections) > LEDGER_CORRECTIONS_MAX)
                json_array_remove(ledger->corrections, 0);
}

static void replay_put(Ledger *ledger, const json_t *record) {
        g_auto(Err) err = ERR_INIT;
        LedgerEntry *entry = NULL;

        if (ledger_entry_from_json(json_object_get(record, "entry"), &entry, &err) == 0)
                keep(ledger, entry);
        else
                ledger_correct(ledger, NULL, "a record of the journal was passed over: %s",
                               err.message);
}

static void replay_drop(Ledger *ledger, const json_t *record) {
        const char *text = json_string_value(json_object_get(record, "address"));
        PciAddr addr;

        if (text && pci_addr_parse(text, &addr) == 0)
                forget(ledger, addr);
}

static void replay_correction(Ledger *ledger, const json_t *record) {
        const json_t *correction = json_object_get(record, "correction");

        if (json_is_string(json_object_get(correction, "text")))
                keep_correction(ledger, json_deep_copy(correction));
}

static const struct Replayer {
        const char *record;
        void (*replay)(Ledger *ledger, const json_t *record);
} replayers[] = {
        {"put", replay_put},
        {"drop", replay_drop},
        {"correction", replay_correction},
};

bool ledger_replay(Ledger *ledger, const json_t *record) {
        const char *name = json_string_value(json_object_get(record, "record"));

        for (size_t i = 0; i < G_N_ELEMENTS(replayers); i++)
                if (g_strcmp0(name, replayers[i].record) == 0) {
                        replayers[i].replay(ledger, record);
                        return true;
                }
        return false;
}

static json_t *put_record(const LedgerEntry *entry) {
        return json_pack("{s:s, s:o}", "record", "put", "entry", ledger_entry_to_json(entry));
}

static json_t *correction_record(const json_t *correction) {
        return json_pack("{s:s, s:o}", "record", "correction", "correction",
                         json_deep_copy(correction));
}

json_t *ledger_snapshot(const Ledger *ledger) {
        size_t n, i;
        g_autofree const LedgerEntry **entries = ledger_list(ledger, &n);
        json_t *records = json_array();
        const json_t *correction;

        for (i = 0; i < n; i++)
                json_array_append_new(records, put_record(entries[i]));
        json_array_foreach(ledger->corrections, i, correction)
                json_array_append_new(records, correction_record(correction));
        return records;
}

const LedgerEntry *ledger_find(const Ledger *ledger, PciAddr addr) {
        uint64_t key = pci_addr_key(addr);

        return g_hash_table_lookup(ledger->entries, &key);
}

static int compare_entries(const void *a, const void *b) {
        return pci_addr_compare((*(LedgerEntry *const *)a)->addr, (*(LedgerEntry *const *)b)->addr);
}

const LedgerEntry **ledger_list(const Ledger *ledger, size_t *ret_n) {
        const LedgerEntry **list =
                g_new0(const LedgerEntry *, g_hash_table_size(ledger->entries) + 1);
        GHashTableIter iter;
        void *entry;
        size_t n = 0;

        g_hash_table_iter_init(&iter, ledger->entries);
        while (g_hash_table_iter_next(&iter, NULL, &entry))
                list[n++] = entry;
        qsort(list, n, sizeof(*list), compare_entries);
        *ret_n = n;
        return list;
}

int ledger_put_consume(Ledger *ledger, LedgerEntry *entry, Err *err) {
        int r = ledger->journal ? journal_append(ledger->journal, put_record(entry), err) : 0;

        if (r < 0) {
                ledger_entry_free(entry);
                return r;
        }
        keep(ledger, entry);
        return 0;
}

int ledger_drop(Ledger *ledger, PciAddr addr, Err *err) {
        int r = 0;

        if (!ledger_find(ledger, addr))
                return 0;
        if (ledger->journal)
                r = journal_append(
                        ledger->journal,
                        json_pack("{s:s, s:s}", "record", "drop", "address", PCI_ADDR_TEXT(addr)),
                        err);
        if (r == 0)
                forget(ledger, addr);
        return r;
}

void ledger_correct(Ledger *ledger, const PciAddr *addr, const char *format, ...) {
        g_autofree char *text = NULL;
        json_t *correction;
        va_list ap;

        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);
        correction = json_pack("{s:I, s:s%}", "time", (json_int_t)g_get_real_time(), "text", text,
                               strlen(text));
        if (!correction)
                return; /* text of another's making that is not UTF-8 */
        if (addr)
                json_object_set_new(correction, "address", json_string(PCI_ADDR_TEXT(*addr)));
        /* What cannot be written down is still shown until the daemon ends. */
        if (ledger->journal)
                journal_append_lazily(ledger->journal, correction_record(correction), NULL);
        keep_correction(ledger, correction);
}

json_t *ledger_to_json(const Ledger *ledger) {
        size_t n;
        g_autofree const LedgerEntry **entries = ledger_list(ledger, &n);
        json_t *list = json_array();

        for (size_t i = 0; i < n; i++)
                json_array_append_new(list, ledger_entry_to_json(entries[i]));
        return json_pack("{s:o, s:o}", "entries", list, "corrections",
                         json_deep_copy(ledger->corrections));
}
