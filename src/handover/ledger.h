/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For every function that Airlock moved: its side, its owner, and what has to be given back. Kept
 * in memory, every change in the journal before the caller goes on; a function without an entry is
 * where its driver says. Entries are read-only to everybody but the steps of a plan. */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "pci/addr.h"
#include "pci/identity.h"

typedef struct Journal Journal;
typedef struct Ledger Ledger;

typedef enum Side {
        SIDE_HOST,   /* on a host driver, or on none by itself */
        SIDE_PARKED, /* held by vfio-pci, in no guest */
        SIDE_GUEST,
        _SIDE_MAX,
} Side;

const char *side_to_string(Side side);
int side_from_string(const char *text, Side *ret);

typedef struct LedgerEntry {
        PciAddr addr;
        Side side;         /* SIDE_HOST only with a quarantine or a stuck step to remember */
        char *guest;       /* owner, or whom it is parked for; NULL: the host's administrator */
        char *uuid;        /* of guest; NULL where guest is */
        char *host_driver; /* to give back; NULL: it had none */
        char *override;    /* driver_override to give back; NULL: none was set */
        char *power;       /* power/control to give back; NULL: not known */
        char *d3cold;      /* d3cold_allowed to give back; NULL: not known */
        bool managed;      /* goes back to the host when its guest lets go */
        bool was_parked;   /* was on vfio-pci before its guest came, and stays there after it */
        bool is_companion; /* parked because companion_of is in the guest */
        PciAddr companion_of;
        PciIdentity *identity; /* NULL: unreadable */
        int64_t since;         /* microseconds since 1970 */
        char *despite;         /* what the host used it for when it was taken; NULL: nothing */
        char *quarantine;      /* why no guest gets it; NULL: none */
        char *stuck;           /* the step that the kernel has not finished; NULL: none */
} LedgerEntry;

LedgerEntry *ledger_entry_new(PciAddr addr, Side side);
void ledger_entry_free(LedgerEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LedgerEntry, ledger_entry_free)
LedgerEntry *ledger_entry_copy(const LedgerEntry *entry);
json_t *ledger_entry_to_json(const LedgerEntry *entry);

/* -EINVAL (with an Err) for what is no entry. */
int ledger_entry_from_json(const json_t *json, LedgerEntry **ret, Err *err);

/* Changes stay in memory until a journal (borrowed) is set, which is after its replay. */
Ledger *ledger_new(void);
void ledger_free(Ledger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ledger, ledger_free)
void ledger_set_journal(Ledger *ledger, Journal *journal);

/* Takes a record of the journal in; false: it is not one of the ledger's. */
bool ledger_replay(Ledger *ledger, const json_t *record);

/* The records from which ledger_replay() makes this ledger again; one array, the caller's. */
json_t *ledger_snapshot(const Ledger *ledger);

/* NULL: no entry. Valid until the entry is put or dropped. */
const LedgerEntry *ledger_find(const Ledger *ledger, PciAddr addr);

/* All entries, ascending by address; the caller frees the array (g_free). */
const LedgerEntry **ledger_list(const Ledger *ledger, size_t *ret_n);

/* Replaces the entry of that address; consumes entry on success and failure. */
int ledger_put_consume(Ledger *ledger, LedgerEntry *entry, Err *err);
int ledger_drop(Ledger *ledger, PciAddr addr, Err *err);

/* What was put right without being asked, for `airlock ledger`; the newest LEDGER_CORRECTIONS_MAX
 * are kept. addr NULL: it concerns no single function. */
#define LEDGER_CORRECTIONS_MAX 64
void ledger_correct(Ledger *ledger, const PciAddr *addr, const char *format, ...)
        G_GNUC_PRINTF(3, 4);

/* {"entries": [{"address", "side", "guest", …}], "corrections": [{"time", "address", "text"}]}; the
 * times are microseconds since 1970. The caller's. */
json_t *ledger_to_json(const Ledger *ledger);
