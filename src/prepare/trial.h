/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A trial boot: an entry of its own with the new line, chosen for the next boot alone. When that
 * boot was good, airlock-confirm-boot.service makes the change for good; else the boot after it is
 * the old one, and the trial is cleared away. */

#include <jansson.h>

#include "prepare/apply.h"
#include "prepare/prepare.h"

#define TRIAL_RECORD "trial"

/* The entry as changes of edits, and the command (char **) that chooses it once. *ret_extra is for
 * the record: what trial_read() wants back. Refused where the loader cannot, or cannot forget its
 * choice (GRUB on a volume that it only reads). */
int trial_plan(const Sys *sys, const PrepareWish *wish, Edits *edits, GPtrArray *commands,
               json_t **ret_extra, Err *err);

typedef enum TrialState {
        TRIAL_WAITS, /* its boot has not come yet */
        TRIAL_RUNS,  /* this is it */
        TRIAL_LOST,  /* another boot came: it did not get this far */
} TrialState;

/* What a trial's record says. wish borrows from it. *ret_early is the caller's (g_free) and what
 * wish->early is. */
int trial_read(const Sys *sys, const Record *record, PrepareWish *wish, char ***ret_early,
               TrialState *ret, Err *err);
