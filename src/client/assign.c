/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/assign.h"

#include "client/conn.h"
#include "rpc/airlock.h"

static int call_for_json(Conn *conn, ConnCall call, char **ret, Err *err) {
        airlock_json_ret answer;
        int r;

        call.program = AIRLOCK_PROGRAM;
        call.ret_xdr = (xdrproc_t)xdr_airlock_json_ret;
        call.ret = &answer;
        call.ret_size = sizeof(answer);
        r = conn_call(conn, &call, err);
        if (r < 0)
                return r;
        *ret = g_strdup(answer.json);
        xdr_free((xdrproc_t)xdr_airlock_json_ret, &answer);
        return 0;
}

int assign_devices(Conn *conn, char **ret, Err *err) {
        return call_for_json(conn, (ConnCall){.procedure = AIRLOCK_PROC_DEVICES}, ret, err);
}

int assign_groups(Conn *conn, char **ret, Err *err) {
        return call_for_json(conn, (ConnCall){.procedure = AIRLOCK_PROC_GROUPS}, ret, err);
}

int assign_ledger(Conn *conn, char **ret, Err *err) {
        return call_for_json(conn, (ConnCall){.procedure = AIRLOCK_PROC_LEDGER}, ret, err);
}

int assign_verdict(Conn *conn, const char *device, const char *guest, char **ret, Err *err) {
        remote_string name = (char *)(uintptr_t)guest;
        airlock_verdict_args args = {
                .device = (char *)(uintptr_t)device,
                .guest = guest ? &name : NULL,
        };

        return call_for_json(conn,
                             (ConnCall){
                                     .procedure = AIRLOCK_PROC_VERDICT,
                                     CONN_ARGS(airlock_verdict_args, &args),
                             },
                             ret, err);
}

int assign_doctor(Conn *conn, char *const *checks, char **ret, Err *err) {
        airlock_doctor_args args = {
                .checks = {g_strv_length((char **)(uintptr_t)checks),
                           (remote_string *)(uintptr_t)checks},
        };

        return call_for_json(conn,
                             (ConnCall){
                                     .procedure = AIRLOCK_PROC_DOCTOR,
                                     CONN_ARGS(airlock_doctor_args, &args),
                             },
                             ret, err);
}

int assign_check(Conn *conn, const char *kind, const char *xml, unsigned flags, char **ret,
                 Err *err) {
        airlock_check_args args = {
                .kind = (char *)(uintptr_t)kind,
                .xml = (char *)(uintptr_t)xml,
                .flags = flags,
        };

        return call_for_json(conn,
                             (ConnCall){
                                     .procedure = AIRLOCK_PROC_CHECK,
                                     CONN_ARGS(airlock_check_args, &args),
                             },
                             ret, err);
}

static int call_with_plan(Conn *conn, int procedure, const AssignPlan *plan, char **ret, Err *err) {
        remote_string guest = (char *)(uintptr_t)plan->guest;
        remote_string subject = (char *)(uintptr_t)plan->subject;
        airlock_plan_args args = {
                .kind = (char *)(uintptr_t)plan->kind,
                .guest = guest ? &guest : NULL,
                .subject = subject ? &subject : NULL,
                .flags = plan->flags,
        };

        return call_for_json(conn,
                             (ConnCall){
                                     .procedure = procedure,
                                     CONN_ARGS(airlock_plan_args, &args),
                             },
                             ret, err);
}

int assign_plan(Conn *conn, const AssignPlan *plan, char **ret, Err *err) {
        return call_with_plan(conn, AIRLOCK_PROC_PLAN, plan, ret, err);
}

int assign_run(Conn *conn, const AssignPlan *plan, char **ret, Err *err) {
        return call_with_plan(conn, AIRLOCK_PROC_RUN, plan, ret, err);
}
