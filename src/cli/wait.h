/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Waiting for events: until one is the one, until time is over, or until the user interrupts. */

#include <stdbool.h>

#include "base/err.h"
#include "client/event.h"

typedef struct Conn Conn;

#define WAIT_DONE        0
#define WAIT_TIMEOUT     1
#define WAIT_INTERRUPTED 2

/* Calls each for every event; true ends the waiting. seconds 0: no limit. Returns WAIT_*; negative
 * when the connection fails. */
int wait_event(Conn *conn, unsigned seconds, bool (*each)(const Event *event, void *data),
               void *data, Err *err);
