/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One run at a time on a host, or on a tree: a lock on a file beside the records. */

#include <glib.h>

#include "base/err.h"

typedef struct PrepareLock PrepareLock;

/* VIR_ERR_RESOURCE_BUSY with the process that has it. */
int prepare_lock_new(const char *root, PrepareLock **ret, Err *err);

/* Takes the file away, and the directories when it made them and nothing else is in them. */
void prepare_lock_free(PrepareLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PrepareLock, prepare_lock_free)
