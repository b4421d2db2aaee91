/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A change to the host as a list of reversible steps. The steps run in order; before each, its
 * intent with all that its undo needs is in the journal and on the disk. When a step fails, or the
 * plan is cancelled, the steps that were begun are undone from the end.
 *
 *         Plan *plan = handover_plan_new(h, "start guest1", "guest1", uuid);
 *
 *         r = handover_plan_take(h, plan, &request, err);
 *         plan_add(plan, &step_start_qemu, vm);      (the caller's own kinds go into the same plan)
 *         r = plan_run(plan, started, vm, err);      (later: started(plan, err, vm))
 *
 * A plan that was never run changes nothing. Freeing a running plan leaves the host as it is and
 * the journal open, as a crash would; the next handover_recover() takes it up. */

#include <stdbool.h>

#include <jansson.h>
#include <systemd/sd-event.h>

#include "base/err.h"
#include "pci/addr.h"

typedef struct Journal Journal;
typedef struct Plan Plan;
typedef struct Step Step;
typedef struct Worker Worker;

#define STEP_PENDING 1 /* from prepare, run and undo: step_finish() will be called later */

#define PLAN_WAITS 1 /* from PlanHost.begin */

typedef struct StepKind {
        const char *name; /* in the journal and in reports: "unbind" */

        /* Each may be NULL but run and describe.
         *
         * prepare reads what run and undo need, just before the intent is written. run and undo
         * return 0 when it is done, STEP_PENDING, or a negative errno with err set. Both can be
         * called for a step of which nobody knows whether it took effect (after a crash), so each
         * looks first. */
        int (*prepare)(Step *step, Err *err);
        int (*run)(Step *step, Err *err);
        int (*undo)(Step *step, Err *err);

        /* The plan is cancelled while run is pending: hurry, and call step_finish() nevertheless.
         */
        void (*cancel)(Step *step);

        /* What the step does, or what its undo does (NULL: nothing has to be undone); the caller's.
         */
        char *(*describe)(const Step *step, bool undo);

        /* What of the data run and undo need after a restart. A kind without to_json is not in the
         * journal: its effects end with the daemon. What from_json() has made so far when it fails
         * is freed by the step. */
        json_t *(*to_json)(const Step *step);
        int (*from_json)(const json_t *json, void **ret_data, Err *err);
        void (*free)(void *data);

        /* run does nothing, or writes to the journal alone: the intent needs no sync of its own,
         * the next one's makes it durable. */
        bool is_in_journal_only;
} StepKind;

/* What a plan needs of its surroundings; one for all plans of a hand-over. */
typedef struct PlanHost {
        sd_event *event;
        Journal *journal;
        void *userdata;

        /* Asked once before the first step; a failure ends the plan before anything was done.
         * PLAN_WAITS: not yet, plan_go() will be called. */
        int (*begin)(Plan *plan, void *userdata, Err *err);
        /* The undo of a step failed; the rest is undone nevertheless. */
        void (*undo_failed)(Step *step, const Err *err, void *userdata);
        /* The plan is over (or was freed while it ran), before the caller's callback. */
        void (*end)(Plan *plan, void *userdata);
} PlanHost;

typedef enum PlanState {
        PLAN_NEW,
        PLAN_RUNNING,
        PLAN_UNDOING,
        PLAN_DONE,
        PLAN_UNDONE, /* failed or cancelled, and all was undone as far as it could be */
        _PLAN_STATE_MAX,
} PlanState;

const char *plan_state_to_string(PlanState state);

/* Called from the event loop, never from within plan_run(). err is not set when all steps are done,
 * else it is what made the first one fail, with what could not be undone in its hint. The plan
 * belongs to who made it, and may be freed in the callback. */
typedef void (*PlanDone)(Plan *plan, const Err *err, void *userdata);

/* host is borrowed and outlives the plan. guest and uuid are for whom (NULL: nobody). */
Plan *plan_new(const PlanHost *host, unsigned number, const char *title, const char *guest,
               const char *uuid);
void plan_free(Plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plan, plan_free)

/* Appends a step; data is consumed (freed by the kind's free). addr NULL: it concerns no function.
 */
void plan_add(Plan *plan, const StepKind *kind, const PciAddr *addr, void *data);

/* A plan that gives devices back: after a crash it is finished rather than undone, and when a step
 * on a function fails, the steps of that function alone are undone and the others go on. */
void plan_set_forward(Plan *plan);

int plan_run(Plan *plan, PlanDone done, void *userdata, Err *err);

/* Lets a plan begin whose host had it wait. */
void plan_go(Plan *plan);

/* Ends a running plan with that error as soon as its current step lets go. */
void plan_cancel(Plan *plan, const Err *err);

unsigned plan_number(const Plan *plan);
const char *plan_title(const Plan *plan);
const char *plan_guest(const Plan *plan);
const char *plan_uuid(const Plan *plan);
PlanState plan_state(const Plan *plan);
size_t plan_length(const Plan *plan);
const Err *plan_error(const Plan *plan); /* what made it fail, so far */
bool plan_concerns(const Plan *plan, PciAddr addr);

/* The functions that the steps concern, each once, in the order of the steps. */
GArray *plan_addrs(const Plan *plan); /* of PciAddr; the caller's */

/* {"title", "guest", "state", "steps": [{"number": 1, "step": "unbind", "device": "0000:…", "text",
 * "undo" (null: nothing), "state"}]}. The caller's. */
json_t *plan_to_json(const Plan *plan);

/* For the kinds. */
void step_finish(Step *step, int r, const Err *err);
Plan *step_plan(const Step *step);
void *step_data(const Step *step);
const char *step_name(const Step *step);
const PciAddr *step_addr(const Step *step); /* NULL: none */
void *plan_host_data(const Plan *plan);     /* PlanHost.userdata */

/* The worker process of the plan, owned by it; NULL until one is set. Setting consumes, and does
 * not free the one before: plan_steal_worker() first. */
Worker *plan_worker(const Plan *plan);
void plan_set_worker(Plan *plan, Worker *worker);
Worker *plan_steal_worker(Plan *plan);

/* A plan that the journal shows without an end, to be gone on with or undone. Steps of a kind that
 * find(name) does not know have no undo. */
int plan_from_records(const PlanHost *host, const json_t *records,
                      const StepKind *(*find)(const char *name), Plan **ret, Err *err);
bool plan_is_forward(const Plan *plan);
/* Every step that find() knew is done: what is missing concerns the daemon alone. */
bool plan_is_complete(const Plan *plan);
bool plan_is_begun(const Plan *plan); /* an intent is in the journal */
int plan_resume(Plan *plan, PlanDone done, void *userdata,
                Err *err); /* forward, from the first step not done */
int plan_resume_undo(Plan *plan, PlanDone done, void *userdata, Err *err);
/* Writes the end that a crash cut off, without touching the host. */
int plan_close(Plan *plan, PlanState state, Err *err);
