/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "daemon/dispatch.h"
#include "daemon/rpc-agent.h"
#include "rpc/proto.h"
#include "rpc/remote_domain.h"
#include "rpc/remote_domain_agent.h"

#define NSEC_PER_SEC INT64_C(1000000000)

enum { HOSTNAME_LEASE = 1, HOSTNAME_AGENT = 2 };
enum { TIME_SYNC = 1 };
enum { PASSWORD_ENCRYPTED = 1 };
enum { SSH_KEYS_APPEND = 1, SSH_KEYS_REMOVE = 2 };

/* ---- asking ---- */

typedef struct Ask {
        Vm *vm;
        Call *call;
        RpcAgentFill fill;
} Ask;

static void on_answer(json_t *result, const Err *err, void *userdata) {
        g_autofree Ask *ask = userdata;
        g_autoptr(Vm) vm = ask->vm;
        g_auto(Err) problem = ERR_INIT;

        if (!err && ask->fill && ask->fill(vm, result, call_ret(ask->call), &problem) < 0)
                err = &problem;
        call_finish(ask->call, err);
}

int rpc_ask_agent(Manager *manager, Call *call, const remote_domain *dom,
                  const AgentCommand *command, RpcAgentFill fill, Err *err) {
        g_autofree Ask *ask = g_new0(Ask, 1);
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, dom, &vm, err);

        if (r < 0) {
                json_decref(command->arguments);
                json_decref(command->message);
                return r;
        }
        *ask = (Ask){vm, call, fill};
        r = vm_agent_send(vm, command, on_answer, ask, err);
        if (r < 0)
                return r;
        vm_ref(vm);
        call_ref(call);
        g_steal_pointer(&ask);
        return CALL_LATER;
}

int rpc_agent_nonsense(const char *command, Err *err) {
        return fail(err, VIR_ERR_INTERNAL_ERROR, "malformed data in the guest agent's answer to %s",
                    command);
}

json_t *rpc_json_strings(const remote_string *list, size_t n) {
        json_t *array = json_array();

        for (size_t i = 0; i < n; i++)
                json_array_append_new(array, json_string(list[i]));
        return array;
}

/* Commands whose answers say no more than that they were obeyed. */
static AgentCommand command_of(const char *name, json_t *arguments) {
        return (AgentCommand){.name = name, .arguments = arguments, .timeout = AGENT_WAIT_FOREVER};
}

/* ---- time and name ---- */

static int fill_time(const Vm *vm, json_t *result, void *data, Err *err) {
        remote_domain_get_time_ret *ret = data;
        json_int_t now = json_integer_value(result);

        if (!json_is_integer(result) || now < 0)
                return rpc_agent_nonsense("guest-get-time", err);
        ret->seconds = now / NSEC_PER_SEC;
        ret->nseconds = (u_int)(now % NSEC_PER_SEC);
        return 0;
}

static int get_time(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_time_args *args = data;
        AgentCommand command = command_of("guest-get-time", NULL);
        int r = flags_check(args->flags, 0, "virDomainGetTime", err);

        return r < 0 ? r : rpc_ask_agent(manager, call, &args->dom, &command, fill_time, err);
}

static int set_time(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_set_time_args *args = data;
        AgentCommand command = command_of("guest-set-time", NULL);
        int r = flags_check(args->flags, TIME_SYNC, "virDomainSetTime", err);

        if (r < 0)
                return r;
        if (args->seconds < 0 || args->seconds >= INT64_MAX / NSEC_PER_SEC ||
            args->nseconds >= NSEC_PER_SEC)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "the time of %" G_GINT64_FORMAT " s and %u ns cannot be set",
                            (gint64)args->seconds, args->nseconds);
        if (!(args->flags & TIME_SYNC)) /* else the guest reads its clock */
                command.arguments = json_pack(
                        "{s:I}", "time", (json_int_t)args->seconds * NSEC_PER_SEC + args->nseconds);
        return rpc_ask_agent(manager, call, &args->dom, &command, NULL, err);
}

static int fill_hostname(const Vm *vm, json_t *result, void *data, Err *err) {
        remote_domain_get_hostname_ret *ret = data;
        const char *name = json_string_value(json_object_get(result, "host-name"));

        if (!name)
                return rpc_agent_nonsense("guest-get-host-name", err);
        ret->hostname = rpc_text(name);
        return 0;
}

static int get_hostname(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_hostname_args *args = data;
        AgentCommand command = command_of("guest-get-host-name", NULL);
        Vm *vm = NULL;
        int r = flags_check(args->flags, HOSTNAME_LEASE | HOSTNAME_AGENT, "virDomainGetHostname",
                            err);

        if (r == 0)
                r = rpc_find_vm(manager, &args->dom, &vm, err);
        if (r == 0 && (args->flags & HOSTNAME_LEASE)) {
                r = vm_check_active(vm, true, err);
                if (r == 0)
                        r = fail(err, VIR_ERR_NO_HOSTNAME, "no hostname found for domain %s",
                                 vm_name(vm));
        }
        return r < 0 ? r : rpc_ask_agent(manager, call, &args->dom, &command, fill_hostname, err);
}

/* ---- file systems ---- */

static int fill_freeze(const Vm *vm, json_t *result, void *data, Err *err) {
        remote_domain_fsfreeze_ret *ret = data; /* that of fsthaw is the same */

        if (!json_is_integer(result))
                return rpc_agent_nonsense("guest-fsfreeze", err);
        ret->filesystems = (int)json_integer_value(result);
        return 0;
}

static int fsfreeze(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_fsfreeze_args *args = data;
        AgentCommand command = command_of("guest-fsfreeze-freeze", NULL);
        int r = flags_check(args->flags, 0, "virDomainFSFreeze", err);

        if (r < 0)
                return r;
        if (args->mountpoints.mountpoints_len > 0)
                command =
                        command_of("guest-fsfreeze-freeze-list",
                                   json_pack("{s:o}", "mountpoints",
                                             rpc_json_strings(args->mountpoints.mountpoints_val,
                                                              args->mountpoints.mountpoints_len)));
        return rpc_ask_agent(manager, call, &args->dom, &command, fill_freeze, err);
}

static int fsthaw(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_fsthaw_args *args = data;
        AgentCommand command = command_of("guest-fsfreeze-thaw", NULL);
        int r = flags_check(args->flags, 0, "virDomainFSThaw", err);

        if (r < 0)
                return r;
        if (args->mountpoints.mountpoints_len > 0)
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                            "specifying mountpoints is not supported: all file systems are thawed "
                            "together");
        return rpc_ask_agent(manager, call, &args->dom, &command, fill_freeze, err);
}

static int fstrim(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_fstrim_args *args = data;
        AgentCommand command = command_of("guest-fstrim", NULL);
        int r = flags_check(args->flags, 0, "virDomainFSTrim", err);

        if (r < 0)
                return r;
        if (args->mountPoint)
                return fail(err, VIR_ERR_ARGUMENT_UNSUPPORTED,
                            "Specifying mount point is not supported for now");
        command.arguments = json_pack("{s:I}", "minimum", (json_int_t)args->minimum);
        return rpc_ask_agent(manager, call, &args->dom, &command, NULL, err);
}

/* ---- users ---- */

static int set_user_password(Manager *manager, Call *call, const void *data, void *result,
                             Err *err) {
        const remote_domain_set_user_password_args *args = data;
        AgentCommand command = command_of("guest-set-user-password", NULL);
        const char *password = args->password ? *args->password : "";
        g_autofree char *encoded = NULL;
        int r = flags_check(args->flags, PASSWORD_ENCRYPTED, "virDomainSetUserPassword", err);

        if (r < 0)
                return r;
        if (!args->user)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "user in virDomainSetUserPassword must not be NULL");
        encoded = g_base64_encode((const guchar *)password, strlen(password));
        command.arguments = json_pack("{s:s, s:s, s:b}", "username", *args->user, "password",
                                      encoded, "crypted", (args->flags & PASSWORD_ENCRYPTED) != 0);
        return rpc_ask_agent(manager, call, &args->dom, &command, NULL, err);
}

static int fill_keys(const Vm *vm, json_t *result, void *data, Err *err) {
        remote_domain_authorized_ssh_keys_get_ret *ret = data;
        json_t *keys = json_object_get(result, "keys"), *key;
        size_t i;

        if (!json_is_array(keys) || json_array_size(keys) > 2048)
                return rpc_agent_nonsense("guest-ssh-get-authorized-keys", err);
        ret->keys.keys_val = g_new0(remote_string, json_array_size(keys));
        json_array_foreach(keys, i, key)
                ret->keys.keys_val[ret->keys.keys_len++] = rpc_text(json_string_value(key));
        return 0;
}

static int ssh_keys_get(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_authorized_ssh_keys_get_args *args = data;
        AgentCommand command = command_of("guest-ssh-get-authorized-keys", NULL);
        int r = flags_check(args->flags, 0, "virDomainAuthorizedSSHKeysGet", err);

        if (r < 0)
                return r;
        command.arguments = json_pack("{s:s}", "username", args->user);
        return rpc_ask_agent(manager, call, &args->dom, &command, fill_keys, err);
}

static int ssh_keys_set(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_authorized_ssh_keys_set_args *args = data;
        bool removes = args->flags & SSH_KEYS_REMOVE;
        AgentCommand command = command_of(removes ? "guest-ssh-remove-authorized-keys"
                                                  : "guest-ssh-add-authorized-keys",
                                          NULL);
        int r = flags_check(args->flags, SSH_KEYS_APPEND | SSH_KEYS_REMOVE,
                            "virDomainAuthorizedSSHKeysSet", err);

        if (r != 0)
                return r;
        if (removes && (args->flags & SSH_KEYS_APPEND))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "Flags 'VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND' and "
                            "'VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE' are mutually exclusive");
        command.arguments = json_pack("{s:s, s:o}", "username", args->user, "keys",
                                      rpc_json_strings(args->keys.keys_val, args->keys.keys_len));
        if (!removes)
                json_object_set_new(command.arguments, "reset",
                                    json_boolean(!(args->flags & SSH_KEYS_APPEND)));
        return rpc_ask_agent(manager, call, &args->dom, &command, NULL, err);
}

/* ---- how long to wait ---- */

static int set_response_timeout(Manager *manager, Call *call, const void *data, void *result,
                                Err *err) {
        const remote_domain_agent_set_response_timeout_args *args = data;
        Vm *vm = NULL;
        int r = flags_check(args->flags, 0, "virDomainAgentSetResponseTimeout", err);

        if (r == 0)
                r = rpc_find_vm(manager, &args->dom, &vm, err);
        if (r == 0)
                r = vm_check_active(vm, true, err);
        if (r != 0)
                return r;
        if (args->timeout < AGENT_WAIT_FOREVER)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "guest agent timeout '%d' is less than the minimum '%d'", args->timeout,
                            AGENT_WAIT_FOREVER);
        vm->agent_timeout = args->timeout;
        return 0;
}

/* ---- the table ---- */

static const Procedure procedures[] = {
        GIVES(DOMAIN_GET_TIME, "virDomainGetTime", remote_domain_get_time, get_time),
        DOES(DOMAIN_SET_TIME, "virDomainSetTime", remote_domain_set_time, set_time),
        GIVES(DOMAIN_GET_HOSTNAME, "virDomainGetHostname", remote_domain_get_hostname,
              get_hostname),
        GIVES(DOMAIN_FSFREEZE, "virDomainFSFreeze", remote_domain_fsfreeze, fsfreeze),
        GIVES(DOMAIN_FSTHAW, "virDomainFSThaw", remote_domain_fsthaw, fsthaw),
        DOES(DOMAIN_FSTRIM, "virDomainFSTrim", remote_domain_fstrim, fstrim),
        DOES(DOMAIN_SET_USER_PASSWORD, "virDomainSetUserPassword", remote_domain_set_user_password,
             set_user_password),
        GIVES(DOMAIN_AUTHORIZED_SSH_KEYS_GET, "virDomainAuthorizedSSHKeysGet",
              remote_domain_authorized_ssh_keys_get, ssh_keys_get),
        DOES(DOMAIN_AUTHORIZED_SSH_KEYS_SET, "virDomainAuthorizedSSHKeysSet",
             remote_domain_authorized_ssh_keys_set, ssh_keys_set),
        GIVES(DOMAIN_AGENT_SET_RESPONSE_TIMEOUT, "virDomainAgentSetResponseTimeout",
              remote_domain_agent_set_response_timeout, set_response_timeout),
};

const ProcedureTable rpc_domain_agent_table = {REMOTE_PROGRAM, procedures,
                                               G_N_ELEMENTS(procedures)};
