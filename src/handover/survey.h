/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A host judged by its files alone, without a ledger, plans and guests: the verdict that the daemon
 * would give if nobody had anything. For the doctor, which works without the daemon and on trees of
 * other hosts. What cannot be known there (interrupt remapping, device nodes) blocks nothing. */

#include "base/err.h"
#include "handover/platform.h"
#include "handover/verdict.h"
#include "pci/tree.h"

typedef struct Survey Survey;

/* tree is borrowed and outlives it. */
Survey *survey_new(PciTree *tree);
void survey_free(Survey *survey);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Survey, survey_free)

const Platform *survey_platform(const Survey *survey);

/* Can the function go to a guest, which is free to take its companions along? They are warnings,
 * unless the host stands on one. Fails where the host cannot be read. */
int survey_ask(const Survey *survey, PciAddr addr, Verdict **ret, Err *err);
