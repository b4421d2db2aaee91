/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of Handover, for the files of this layer only. */

#include "handover/handover.h"
#include "handover/journal.h"
#include "handover/platform.h"
#include "handover/worker.h"

typedef struct Recovery Recovery; /* recover.c */

struct Handover {
        sd_event *event;
        PciTree *tree;  /* borrowed */
        const Sys *sys; /* the tree's */
        char *lock_path;
        uint64_t deadline; /* microseconds */
        const WorkerOps *ops;

        Journal *journal;
        Ledger *ledger;
        char *boot_id;   /* of the boot that the journal was last used in; NULL: a new journal */
        json_t *cut_off; /* array of the plans without an end: each an array of its records */
        char *report;    /* of journal_open(); NULL: all was well */

        PlanHost plan_host;
        unsigned next_plan;
        bool has_open_plan; /* one was freed while it ran: the journal must keep it */
        GPtrArray *running; /* of Plan, borrowed */
        GPtrArray *waiting; /* of Plan, borrowed: they begin when others have ended */
        GPtrArray *own;     /* of Plan: those that nobody asked for, see handover_send_home() */
        GPtrArray *stuck;   /* of StuckWork, see stuck.c */
        GArray *going_home; /* of PciAddr: freed functions that wait until no plan moves them */
        Recovery *recovery; /* NULL: not under way */

        HandoverChanged changed;
        void *userdata;
};

/* The ledger's changes, told to the callback. */
int handover_put_consume(Handover *h, LedgerEntry *entry, Err *err);
int handover_drop(Handover *h, PciAddr addr, Err *err);

/* The driver that has the function now, read from sysfs; NULL: none. -ENODEV (with an Err) when
 * there is no such function. */
int handover_read_driver(const Handover *h, PciAddr addr, char **ret, Err *err);

/* A driver that makes no group unviable. */
bool handover_is_harmless(const char *driver);

/* handover_verdict() on a platform that is known. */
int handover_judge(const Handover *h, const Platform *platform, const HandoverRequest *request,
                   Verdict **ret, Err *err);

/* Endpoints of the function's group beside it that are on a host driver, in no list of the request:
 * of PciAddr, the caller's. */
GArray *handover_companions(const Handover *h, const HandoverRequest *request, PciAddr addr);

/* An entry of a guest other than uuid that has the function, or is waiting to give it back. */
bool handover_is_others(const LedgerEntry *entry, const char *uuid);

/* A running worker for the step's plan. */
int handover_worker(Handover *h, Plan *plan, Worker **ret, Err *err);

/* The step's write is late: its worker is set apart and watched, the ledger says so, err tells pid,
 * wait channel and holders. */
int handover_step_stuck(Handover *h, Step *step, const char *what, Err *err);
void handover_stuck_free(void *data);

/* Gives the function back to its host driver by a plan of its own, as soon as no other moves it. */
void handover_send_home(Handover *h, PciAddr addr);
void handover_send_waiting_home(Handover *h);
void handover_send_orphans_home(Handover *h);

/* Lets those plans begin that nothing keeps waiting any more. */
void handover_start_waiting(Handover *h);

/* The plan that the recovery runs itself; NULL: none. */
const Plan *handover_recovery_plan(const Recovery *recovery);

/* Appends the steps that bring a function from vfio-pci (or from nowhere) to what entry says. What
 * does not arrive is parked again, in quarantine. */
void handover_plan_return(Plan *plan, const LedgerEntry *entry);

/* Makes the journal short again, when no plan needs what is in it. */
int handover_compact(Handover *h, Err *err);

void handover_recovery_free(Recovery *recovery);
