/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/guest-agent.h"

#include "client/conn.h"
#include "client/guest-call.h"
#include "client/param.h"
#include "rpc/remote_domain_agent.h"
#include "rpc/remote_domain_save.h"

int guest_time(Conn *conn, const Guest *guest, GuestTime *ret, Err *err) {
        GuestFlagsArgs args = {.dom = guest_handle(guest)};
        remote_domain_get_time_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_TIME, CONN_ARGS(GuestFlagsArgs, &args),
                                   CONN_RET(remote_domain_get_time_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = (GuestTime){.seconds = answer.seconds, .nanoseconds = answer.nseconds};
        return 0;
}

int guest_set_time(Conn *conn, const Guest *guest, const GuestTime *time, unsigned flags,
                   Err *err) {
        remote_domain_set_time_args args = {
                .dom = guest_handle(guest),
                .seconds = time->seconds,
                .nseconds = time->nanoseconds,
                .flags = flags,
        };

        return conn_call(
                conn, &CONN_REMOTE(DOMAIN_SET_TIME, CONN_ARGS(remote_domain_set_time_args, &args)),
                err);
}

int guest_hostname(Conn *conn, const Guest *guest, unsigned source, char **ret, Err *err) {
        GuestFlagsArgs args = {.dom = guest_handle(guest), .flags = source};

        return conn_call_text(
                conn, CONN_REMOTE(DOMAIN_GET_HOSTNAME, CONN_ARGS(GuestFlagsArgs, &args)), ret, err);
}

static void fs_free(void *data) {
        GuestFs *fs = data;

        g_free(fs->mountpoint);
        g_free(fs->name);
        g_free(fs->type);
        g_free(fs->targets);
        g_free(fs);
}

static GuestFs *fs_new(const remote_domain_fsinfo *info) {
        GString *targets = g_string_new(NULL);
        GuestFs *fs = g_new0(GuestFs, 1);

        for (unsigned i = 0; i < info->dev_aliases.dev_aliases_len; i++)
                g_string_append_printf(targets, "%s%s", i > 0 ? "," : "",
                                       info->dev_aliases.dev_aliases_val[i]);
        *fs = (GuestFs){
                .mountpoint = g_strdup(info->mountpoint),
                .name = g_strdup(info->name),
                .type = g_strdup(info->fstype),
                .targets = g_string_free(targets, FALSE),
        };
        return fs;
}

int guest_filesystems(Conn *conn, const Guest *guest, GPtrArray **ret, Err *err) {
        GuestFlagsArgs args = {.dom = guest_handle(guest)};
        remote_domain_get_fsinfo_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_FSINFO, CONN_ARGS(GuestFlagsArgs, &args),
                                   CONN_RET(remote_domain_get_fsinfo_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = g_ptr_array_new_with_free_func(fs_free);
        for (unsigned i = 0; i < answer.info.info_len; i++)
                g_ptr_array_add(*ret, fs_new(&answer.info.info_val[i]));
        xdr_free((xdrproc_t)xdr_remote_domain_get_fsinfo_ret, &answer);
        return 0;
}

/* Freezing and thawing have the same arguments and the same answer. */
static int call_for_mountpoints(Conn *conn, const Guest *guest, char *const *mountpoints,
                                ConnCall call, int *ret, Err *err) {
        remote_domain_fsfreeze_args args = {.dom = guest_handle(guest)};
        remote_domain_fsfreeze_ret answer;
        int r;

        args.mountpoints.mountpoints_len = g_strv_length((char **)(uintptr_t)mountpoints);
        args.mountpoints.mountpoints_val = (char **)(uintptr_t)mountpoints;
        call.args_xdr = (xdrproc_t)xdr_remote_domain_fsfreeze_args;
        call.args = &args;
        call.ret_xdr = (xdrproc_t)xdr_remote_domain_fsfreeze_ret;
        call.ret = &answer;
        call.ret_size = sizeof(answer);
        r = conn_call(conn, &call, err);
        if (r < 0)
                return r;
        *ret = answer.filesystems;
        return 0;
}

int guest_freeze(Conn *conn, const Guest *guest, char *const *mountpoints, int *ret, Err *err) {
        return call_for_mountpoints(conn, guest, mountpoints, CONN_REMOTE(DOMAIN_FSFREEZE), ret,
                                    err);
}

int guest_thaw(Conn *conn, const Guest *guest, char *const *mountpoints, int *ret, Err *err) {
        return call_for_mountpoints(conn, guest, mountpoints, CONN_REMOTE(DOMAIN_FSTHAW), ret, err);
}

int guest_trim(Conn *conn, const Guest *guest, const char *mountpoint, uint64_t minimum, Err *err) {
        remote_string text = wire_text(mountpoint);
        remote_domain_fstrim_args args = {
                .dom = guest_handle(guest),
                .mountPoint = text ? &text : NULL,
                .minimum = minimum,
        };

        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_FSTRIM, CONN_ARGS(remote_domain_fstrim_args, &args)),
                         err);
}

int guest_facts(Conn *conn, const Guest *guest, unsigned types, GPtrArray **ret, Err *err) {
        remote_domain_get_guest_info_args args = {.dom = guest_handle(guest), .types = types};
        remote_domain_get_guest_info_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_GUEST_INFO,
                                   CONN_ARGS(remote_domain_get_guest_info_args, &args),
                                   CONN_RET(remote_domain_get_guest_info_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = params_new();
        params_add_wire(*ret, answer.params.params_val, answer.params.params_len);
        xdr_free((xdrproc_t)xdr_remote_domain_get_guest_info_ret, &answer);
        return 0;
}

int guest_set_password(Conn *conn, const Guest *guest, const GuestPassword *what, Err *err) {
        remote_string user = wire_text(what->user), password = wire_text(what->password);
        remote_domain_set_user_password_args args = {
                .dom = guest_handle(guest),
                .user = &user,
                .password = &password,
                .flags = what->encrypted,
        };

        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_SET_USER_PASSWORD,
                                      CONN_ARGS(remote_domain_set_user_password_args, &args)),
                         err);
}

int guest_pm_suspend(Conn *conn, const Guest *guest, unsigned target, uint64_t seconds, Err *err) {
        remote_domain_pm_suspend_for_duration_args args = {
                .dom = guest_handle(guest),
                .target = target,
                .duration = seconds,
        };

        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_PM_SUSPEND_FOR_DURATION,
                                      CONN_ARGS(remote_domain_pm_suspend_for_duration_args, &args)),
                         err);
}

int guest_monitor_command(Conn *conn, const Guest *guest, const char *command, unsigned flags,
                          char **ret, Err *err) {
        qemu_domain_monitor_command_args args = {guest_handle(guest), wire_text(command), flags};

        return conn_call_text(conn,
                              (ConnCall){.program = QEMU_PROGRAM,
                                         .procedure = QEMU_PROC_DOMAIN_MONITOR_COMMAND,
                                         CONN_ARGS(qemu_domain_monitor_command_args, &args)},
                              ret, err);
}

int guest_agent_command(Conn *conn, const Guest *guest, const char *command, int timeout,
                        char **ret, Err *err) {
        qemu_domain_agent_command_args args = {
                .dom = guest_handle(guest),
                .cmd = wire_text(command),
                .timeout = timeout,
        };
        qemu_domain_agent_command_ret answer;
        int r;

        r = conn_call(conn,
                      &(ConnCall){.program = QEMU_PROGRAM,
                                  .procedure = QEMU_PROC_DOMAIN_AGENT_COMMAND,
                                  CONN_ARGS(qemu_domain_agent_command_args, &args),
                                  CONN_RET(qemu_domain_agent_command_ret, &answer)},
                      err);
        if (r < 0)
                return r;
        *ret = answer.result ? g_strdup(*answer.result) : NULL;
        xdr_free((xdrproc_t)xdr_qemu_domain_agent_command_ret, &answer);
        return 0;
}
