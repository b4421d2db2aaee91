/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-agent.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"
#include "domain/chardev.h"

/* virConnectDomainEventAgentLifecycleState and its reasons. */
enum { AGENT_CONNECTED = 1, AGENT_DISCONNECTED = 2 };
enum { AGENT_REASON_CHANNEL = 2 };

static DomainChar *find_channel(const Vm *vm) {
        DOMAIN_FOREACH(DomainChar, channel, vm->live, DOMAIN_CHANNEL)
                if (channel->type == CHAR_TYPE_UNIX &&
                    g_strcmp0(channel->target.name, VM_AGENT_CHANNEL) == 0)
                        return channel;
        return NULL;
}

bool vm_agent_is_connected(const Vm *vm) {
        return vm->live && vm->is_agent_connected;
}

int vm_agent_check(const Vm *vm, Err *err) {
        int r = vm_check_active(vm, true, err);

        if (r < 0)
                return r;
        if (!find_channel(vm))
                return fail(err, VIR_ERR_ARGUMENT_UNSUPPORTED,
                            "QEMU guest agent is not configured");
        if (!vm->is_agent_connected)
                return fail(err, VIR_ERR_AGENT_UNRESPONSIVE, "QEMU guest agent is not connected");
        return 0;
}

/* ---- the connection ---- */

/* The path may be longer than a socket's address: the address goes through the directory. */
static int connect_channel(const char *path, Err *err) {
        g_autofree char *dir = g_path_get_dirname(path), *name = g_path_get_basename(path);
        _cleanup_(closep) int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int n;

        if (dir_fd < 0)
                return fail_errno(err, neg_errno(), "cannot open '%s'", dir);
        n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir_fd,
                     name);
        if (n >= (int)sizeof(address.sun_path))
                return fail(err, VIR_ERR_INVALID_ARG, "the path '%s' of the agent is too long",
                            path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return fail_errno(err, neg_errno(), "cannot connect to the guest agent at '%s'",
                                  path);
        return steal_fd(&fd);
}

static int connect_agent(Vm *vm, Err *err) {
        const DomainChar *channel = find_channel(vm);
        int r;

        if (vm->agent && !agent_is_closed(vm->agent))
                return 0;
        g_clear_pointer(&vm->agent, agent_free);
        if (!channel || !channel->source.path)
                return fail(err, VIR_ERR_ARGUMENT_UNSUPPORTED,
                            "QEMU guest agent is not configured");
        r = connect_channel(channel->source.path, err);
        return r < 0 ? r : agent_new_consume_fd(vm->manager->event, r, &vm->agent, err);
}

int vm_agent_send(Vm *vm, const AgentCommand *command, AgentReplyFunc reply, void *userdata,
                  Err *err) {
        AgentCommand timed = *command;
        int r = vm_agent_check(vm, err);

        if (r == 0)
                r = connect_agent(vm, err);
        if (r < 0) {
                json_decref(command->arguments);
                json_decref(command->message);
                return r;
        }
        if (timed.timeout == AGENT_WAIT_FOREVER)
                timed.timeout = vm->agent_timeout;
        return agent_send(vm->agent, &timed, reply, userdata, err);
}

static void on_one_way(json_t *result, const Err *err, void *userdata) {
        call_finish(userdata, err);
}

int vm_agent_one_way(Vm *vm, const char *name, json_t *arguments, Call *call, Err *err) {
        AgentCommand command = {.name = name,
                                .arguments = arguments,
                                .timeout = AGENT_WAIT_FOREVER,
                                .is_one_way = true};
        int r = vm_agent_send(vm, &command, on_one_way, call, err);

        if (r < 0)
                return r;
        call_ref(call);
        return CALL_LATER;
}

int vm_agent_power(Vm *vm, const char *mode, Call *call, Err *err) {
        return vm_agent_one_way(vm, "guest-shutdown", json_pack("{s:s}", "mode", mode), call, err);
}

/* ---- what the watch tells ---- */

static void set_connected(Vm *vm, bool is_connected) {
        DomainRef ref = vm_domain_ref(vm);

        if (vm->is_agent_connected == is_connected)
                return;
        vm->is_agent_connected = is_connected;
        if (!is_connected)
                g_clear_pointer(&vm->agent, agent_free);
        event_domain_agent_lifecycle(vm->manager, &ref,
                                     is_connected ? AGENT_CONNECTED : AGENT_DISCONNECTED,
                                     AGENT_REASON_CHANNEL);
}

static void set_port(Vm *vm, DomainChar *channel, bool is_open) {
        if (channel->target.type != CHAR_TARGET_VIRTIO)
                return;
        channel->target.state = is_open ? CHAR_STATE_CONNECTED : CHAR_STATE_DISCONNECTED;
        if (channel == find_channel(vm))
                set_connected(vm, is_open);
}

static void set_port_by_alias(Vm *vm, const char *alias, bool is_open) {
        DOMAIN_FOREACH(DomainChar, channel, vm->live, DOMAIN_CHANNEL)
                if (g_strcmp0(channel->base.alias.name, alias) == 0)
                        set_port(vm, channel, is_open);
}

void vm_agent_port(Vm *vm, json_t *data) {
        const char *alias = json_string_value(json_object_get(data, "id"));

        if (alias && vm->live)
                set_port_by_alias(vm, alias, json_is_true(json_object_get(data, "open")));
}

void vm_agent_resync(Vm *vm, json_t *chardevs) {
        size_t i;
        json_t *item;

        json_array_foreach(chardevs, i, item) {
                const char *label = json_string_value(json_object_get(item, "label"));

                if (label && g_str_has_prefix(label, "char"))
                        set_port_by_alias(vm, label + strlen("char"),
                                          json_is_true(json_object_get(item, "frontend-open")));
        }
}

void vm_agent_settle(Vm *vm) {
        if (vm->agent)
                agent_settle(vm->agent);
}

void vm_agent_ended(Vm *vm) {
        vm_agent_settle(vm);
        vm->is_agent_connected = false;
        g_clear_pointer(&vm->agent, agent_free);
}
