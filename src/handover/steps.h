/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kinds of steps of which hand-overs are made. The ones on a function share what the first of
 * them, `save`, finds out about it. */

#include "handover/ledger.h"
#include "handover/plan.h"

extern const StepKind step_load; /* the module vfio-pci */
extern const StepKind
        step_save; /* reads driver, override, settings and identity; undo: back on the driver */
extern const StepKind step_override; /* writes driver_override */
extern const StepKind step_unbind;   /* from whatever driver has it */
extern const StepKind step_bind;     /* has the kernel probe, and looks who took it */
extern const StepKind step_settings; /* restores power settings */
extern const StepKind step_claim;    /* the function gets an owner */
extern const StepKind step_release;  /* the owner lets go: parked */
extern const StepKind step_forget;   /* the host has it again: no entry any more */
extern const StepKind step_reset;

const StepKind *step_kind_find(const char *name);

/* What was found before a function was moved; all texts NULL where there was none. */
typedef struct Saved {
        unsigned refs;
        bool is_read;
        char *driver, *override, *power, *d3cold;
        PciIdentity *identity;
} Saved;

Saved *saved_new(void);
Saved *saved_ref(Saved *saved);
void saved_unref(Saved *saved);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Saved, saved_unref)

/* Enters what was found as what has to be given back; nothing where nothing was read. */
void saved_enter(const Saved *saved, LedgerEntry *entry);

/* The data of every kind here. */
typedef struct Move {
        PciAddr addr;
        char *driver;   /* to unbind from, to bind to (NULL: whoever takes it), or the override */
        char *previous; /* override to give back */
        Saved *saved;   /* NULL: nothing was found that has to be kept */
        LedgerEntry *before, *after;              /* of the ledger's steps; NULL: no entry */
        GHashTable *nodes;                        /* by which it can be held; NULL: not looked */
        int (*next)(Step *step, int r, Err *err); /* after the write that is under way */
} Move;

Move *move_new(PciAddr addr, const char *driver, Saved *saved);
