/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Airlock's own calls (rpc/airlock.x). Each answers with a JSON document whose shape
 * docs/protocol.md gives; it is text here, as programs that pass it on want it. A daemon that is no
 * airlockd refuses with VIR_ERR_RPC. */

#include <glib.h>

#include "base/err.h"

typedef struct Conn Conn;

int assign_devices(Conn *conn, char **ret, Err *err);
int assign_groups(Conn *conn, char **ret, Err *err);
int assign_ledger(Conn *conn, char **ret, Err *err);

/* guest NULL: to any guest. */
int assign_verdict(Conn *conn, const char *device, const char *guest, char **ret, Err *err);

/* What would become of a definition if it were stored now; kind: guest, network, pool. flags are
 * AIRLOCK_CHECK_… of rpc/airlock.x. A definition that would be refused is refused. */
int assign_check(Conn *conn, const char *kind, const char *xml, unsigned flags, char **ret,
                 Err *err);

/* The doctor's report of the daemon's host. checks: names, all of them when there are none. */
int assign_doctor(Conn *conn, char *const *checks, char **ret, Err *err);

/* What a hand-over is about; flags are AIRLOCK_WITH_COMPANIONS … of rpc/airlock.x. */
typedef struct AssignPlan {
        const char *kind;    /* start, attach, detach, detach-host, reattach-host, reset */
        const char *guest;   /* NULL: none */
        const char *subject; /* a device's name or XML; NULL: none */
        unsigned flags;
} AssignPlan;

/* Shows the steps and changes nothing. */
int assign_plan(Conn *conn, const AssignPlan *plan, char **ret, Err *err);

/* Takes the steps; returns when all are done or undone. */
int assign_run(Conn *conn, const AssignPlan *plan, char **ret, Err *err);
