/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The doctor's report (doctor/doctor.h) for clients. A child process makes it, as files can hang
 * and QEMU is asked; one at a time, whoever asks for the same meanwhile shares it, and it is kept
 * for some seconds or until the host's devices change. */

#include <systemd/sd-event.h>

#include "daemon/call.h"

typedef struct Checkup Checkup;

Checkup *checkup_new(sd_event *event);
void checkup_free(Checkup *checkup);

/* Something of the host changed: the next one who asks gets a new report. */
void checkup_forget(Checkup *checkup);

/* Answers a call whose result is an airlock_json_ret. names: checks, all of them when there are
 * none. 0 or CALL_LATER, as a handler's. */
int checkup_answer(Checkup *checkup, Call *call, char *const *names, Err *err);
