/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "daemon/client.h"
#include "daemon/dispatch.h"
#include "daemon/event.h"
#include "daemon/rpc-agent.h"
#include "rpc/proto.h"
#include "rpc/remote_domain_agent.h"

/* libvirt's QEMU program: QEMU's monitor and the guest's agent as they are, for who knows what he
 * does. Only the socket that may write takes these. */

enum { MONITOR_COMMAND_HMP = 1 };

/* virConnectDomainQemuMonitorEventRegisterFlags. */
enum { MONITOR_EVENT_REGEX = 1, MONITOR_EVENT_NOCASE = 2 };

/* ---- the monitor ---- */

static void on_hmp(json_t *result, const Err *err, void *userdata) {
        Call *call = userdata;
        qemu_domain_monitor_command_ret *ret = call_ret(call);

        if (!err)
                ret->result = rpc_text(json_string_value(result));
        call_finish(call, err);
}

static void on_qmp(json_t *result, const Err *err, void *userdata) {
        Call *call = userdata;
        qemu_domain_monitor_command_ret *ret = call_ret(call);

        if (!err)
                ret->result = json_dumps(result, JSON_COMPACT);
        call_finish(call, err);
}

static int parse_command(const char *text, json_t **ret, Err *err) {
        json_error_t problem;
        json_t *message = json_loads(text, 0, &problem);

        if (!message)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "failed to parse JSON: %s", problem.text);
        if (!json_is_object(message)) {
                json_decref(message);
                return fail(err, VIR_ERR_INVALID_ARG, "a command is an object");
        }
        *ret = message;
        return 0;
}

static int send_qmp(Vm *vm, const char *text, Call *call, Err *err) {
        json_t *message = NULL;
        int r = parse_command(text, &message, err);

        if (r != 0)
                return r;
        qmp_send_raw(vm->qmp, message, on_qmp, call_ref(call));
        json_decref(message);
        return CALL_LATER;
}

static int monitor_command(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const qemu_domain_monitor_command_args *args = data;
        Vm *vm = NULL;
        int r = flags_check(args->flags, MONITOR_COMMAND_HMP, "virDomainQemuMonitorCommand", err);

        if (r == 0)
                r = rpc_find_vm(manager, &args->dom, &vm, err);
        if (r == 0)
                r = vm_check_active(vm, true, err);
        if (r == 0 && !vm->qmp)
                r = fail(err, VIR_ERR_OPERATION_FAILED, "QEMU of guest '%s' has ended",
                         vm_name(vm));
        if (r != 0)
                return r;
        if (!(args->flags & MONITOR_COMMAND_HMP))
                return send_qmp(vm, args->cmd, call, err);
        qmp_send(vm->qmp, "human-monitor-command", json_pack("{s:s}", "command-line", args->cmd),
                 on_hmp, call_ref(call));
        return CALL_LATER;
}

static int attach(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        return fail(err, VIR_ERR_NO_SUPPORT, "virDomainQemuAttach");
}

/* ---- the agent ---- */

static int fill_agent(const Vm *vm, json_t *result, void *data, Err *err) {
        qemu_domain_agent_command_ret *ret = data;

        ret->result = g_new0(char *, 1);
        *ret->result = json_dumps(result, JSON_COMPACT);
        return 0;
}

/* Commands that an agent which obeys them does not answer. */
static bool is_one_way(const char *name) {
        return strcmp(name, "guest-shutdown") == 0 || g_str_has_prefix(name, "guest-suspend-");
}

static int agent_command(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const qemu_domain_agent_command_args *args = data;
        AgentCommand command = {.timeout = args->timeout};
        int r = flags_check(args->flags, 0, "virDomainQemuAgentCommand", err);

        if (r == 0 && args->timeout < AGENT_WAIT_FOREVER)
                r = fail(err, VIR_ERR_INVALID_ARG,
                         "guest agent timeout '%d' is less than the minimum '%d'", args->timeout,
                         AGENT_WAIT_FOREVER);
        if (r == 0)
                r = parse_command(args->cmd, &command.message, err);
        if (r < 0)
                return r;
        command.name = json_string_value(json_object_get(command.message, "execute"));
        if (!command.name)
                command.name = "";
        if (!is_one_way(command.name))
                return rpc_ask_agent(manager, call, &args->dom, &command, fill_agent, err);
        command.is_one_way = true;
        return rpc_ask_agent(manager, call, &args->dom, &command, NULL, err);
}

/* ---- events ---- */

static int event_register(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const qemu_connect_domain_monitor_event_register_args *args = data;
        qemu_connect_domain_monitor_event_register_ret *ret = result;
        EventMonitorFilter filter = {
                .only = args->dom ? (const uint8_t *)args->dom->uuid : NULL,
                .name = args->event ? *args->event : NULL,
                .is_regex = args->flags & MONITOR_EVENT_REGEX,
                .ignores_case = args->flags & MONITOR_EVENT_NOCASE,
        };
        int r = flags_check(args->flags, MONITOR_EVENT_REGEX | MONITOR_EVENT_NOCASE,
                            "virConnectDomainQemuMonitorEventRegister", err);

        if (r == 0)
                r = events_register_monitor(manager->events, call_client(call), &filter, err);
        if (r < 0)
                return r;
        ret->callbackID = r;
        return 0;
}

static int event_deregister(Manager *manager, Call *call, const void *data, void *result,
                            Err *err) {
        const qemu_connect_domain_monitor_event_deregister_args *args = data;

        return events_deregister(manager->events, call_client(call), EVENT_MONITOR,
                                 args->callbackID, err);
}

/* ---- the table ---- */

static const Procedure procedures[] = {
        {.number = QEMU_PROC_DOMAIN_MONITOR_COMMAND,
         .name = "virDomainQemuMonitorCommand",
         PROC_ARGS(qemu_domain_monitor_command_args),
         PROC_RET(qemu_domain_monitor_command_ret),
         .run = monitor_command},
        {.number = QEMU_PROC_DOMAIN_ATTACH,
         .name = "virDomainQemuAttach",
         PROC_ARGS(qemu_domain_attach_args),
         PROC_RET(qemu_domain_attach_ret),
         .run = attach},
        {.number = QEMU_PROC_DOMAIN_AGENT_COMMAND,
         .name = "virDomainQemuAgentCommand",
         PROC_ARGS(qemu_domain_agent_command_args),
         PROC_RET(qemu_domain_agent_command_ret),
         .run = agent_command},
        {.number = QEMU_PROC_CONNECT_DOMAIN_MONITOR_EVENT_REGISTER,
         .name = "virConnectDomainQemuMonitorEventRegister",
         PROC_ARGS(qemu_connect_domain_monitor_event_register_args),
         PROC_RET(qemu_connect_domain_monitor_event_register_ret),
         .run = event_register},
        {.number = QEMU_PROC_CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER,
         .name = "virConnectDomainQemuMonitorEventDeregister",
         PROC_ARGS(qemu_connect_domain_monitor_event_deregister_args),
         .run = event_deregister},
};

const ProcedureTable rpc_qemu_table = {QEMU_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
