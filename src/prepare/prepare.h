/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* airlock prepare: what a host needs so that its devices can be assigned, worked out as changes of
 * files and commands before anything is touched.
 *
 *         r = prepare_plan(sys, &wish, &plan, &err);      reads only
 *         text = prepare_diff(plan);                      what --dry-run shows
 *         r = apply_edits(host, PREPARE_RECORD, &plan->edits, plan->commands, NULL, &err); */

#include "prepare/edits.h"
#include "prepare/line.h"
#include "prepare/loader.h"

#define PREPARE_RECORD "state"

/* What an administrator says who allows unsafe interrupts. */
#define PREPARE_RISK "a guest can attack this host with interrupts"

typedef struct PrepareWish {
        bool iommu;         /* the kernel command line is to be seen to */
        const char *vendor; /* "auto", "intel", "amd" */
        LineSwitch passthrough;
        bool unsafe_now, unsafe_always;
        char *const *early;      /* devices; NULL or empty: none */
        const char *const *more; /* words of a trial; NULL: none */
} PrepareWish;

typedef struct PreparePlan {
        const Loader *loader;
        Edits edits;
        GPtrArray *commands; /* char ** */
        GPtrArray *notes;    /* char *: what a person should know */
        bool unsafe_now;     /* the running kernel's switch is to be set */
        bool is_risky;       /* it allows unsafe interrupts: PREPARE_RISK has to be said */
} PreparePlan;

int prepare_plan(const Sys *sys, const PrepareWish *wish, PreparePlan **ret, Err *err);
void prepare_plan_free(PreparePlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PreparePlan, prepare_plan_free)

/* Unified differences of all changed files, one after the other; "" where there are none. */
char *prepare_diff(const Edits *edits);

/* The running kernel's switch, of the module vfio_iommu_type1. */
int prepare_set_unsafe(const Sys *sys, bool on, Err *err);

/* The words that a wish comes to on this host's line. */
int prepare_line_wish(const Sys *sys, const PrepareWish *wish, LineWish *ret, Err *err);
