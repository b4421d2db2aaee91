/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asks polkit whether a process may do something, over the system bus
 * (org.freedesktop.PolicyKit1.Authority, CheckAuthorization). polkit may ask a person, so an answer
 * takes its time; nothing waits for it here.
 *
 *         r = polkit_check(polkit, &subject, POLKIT_MANAGE, on_verdict, call, &check, &err);
 *
 * The bus is connected to when the first check needs it, and again after it was lost. */

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "base/err.h"
#include "daemon/polkit-subject.h"

/* data/org.airlock.unix.policy has these. */
#define POLKIT_MANAGE  "org.airlock.unix.manage"
#define POLKIT_MONITOR "org.airlock.unix.monitor"

/* Checks that polkit works on at a time, all and of one user; further ones wait for their turn. A
 * connection of dbus-daemon may wait for 128 answers. */
#define POLKIT_CHECKS_MAX      64u
#define POLKIT_USER_CHECKS_MAX 8u
/* A person who is asked for a password has this long. */
#define POLKIT_DEADLINE_SEC UINT64_C(120)

typedef struct Polkit Polkit;
typedef struct PolkitCheck PolkitCheck;

/* err: NULL when it is allowed. Comes once, unless the check was cancelled; the check is gone then.
 */
typedef void (*PolkitFunc)(void *userdata, const Err *err);

Polkit *polkit_new(sd_event *event);
/* The checks that are under way are cancelled. */
void polkit_free(Polkit *polkit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Polkit, polkit_free)

/* subject is taken over, also on failure. action: a constant. On failure func is not called. */
int polkit_check_consume(Polkit *polkit, PolkitSubject *subject, const char *action,
                         PolkitFunc func, void *userdata, PolkitCheck **ret, Err *err);
/* polkit takes the question back from whom it asks. NULL: does nothing. */
void polkit_check_cancel(PolkitCheck *check);

/* What the three parts of polkit's answer mean. The codes and the domain are libvirt's: its clients
 * start an agent by AUTH_UNAVAILABLE and try again after AUTH_FAILED. */
typedef struct PolkitAnswer {
        bool is_authorized;
        bool is_challenge; /* would be, if somebody could be asked */
        bool is_dismissed; /* somebody was asked and did not want to */
} PolkitAnswer;

int polkit_judge(const PolkitAnswer *answer, const char *action, Err *err);
