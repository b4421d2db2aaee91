/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One piece of work that may block in the kernel for long (fsync of a guest's memory), in a child
 * process; the loop goes on meanwhile. The child ends with the daemon. */

#include <systemd/sd-event.h>

#include "base/err.h"

/* In the child: 0 or a negative errno. It has a copy of everything, and must change nothing but
 * what it is for. */
typedef int (*ChoreFunc)(void *data);

/* r: what the chore returned; -EIO where it was killed. */
typedef void (*ChoreDone)(int r, void *userdata);

/* done comes from the event loop, never from within. data is used during the call only. */
int chore_run(sd_event *event, ChoreFunc func, void *data, ChoreDone done, void *userdata,
              Err *err);
