/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The agent in a guest: whether it listens, and asking it (qemu/agent.h). */

#include "daemon/vm.h"
#include "qemu/agent.h"

#define VM_AGENT_CHANNEL "org.qemu.guest_agent.0"

/* Fails unless the guest runs, has the channel and the agent listens; in libvirt's words, by which
 * clients know. */
int vm_agent_check(const Vm *vm, Err *err);
bool vm_agent_is_connected(const Vm *vm);

/* Sends a command (agent_send()), over a connection that is made when it is needed. */
int vm_agent_send(Vm *vm, const AgentCommand *command, AgentReplyFunc reply, void *userdata,
                  Err *err);

/* A command that the agent does not answer when it obeys; the call is answered when the guest has
 * done it. CALL_LATER or the failure. */
int vm_agent_one_way(Vm *vm, const char *name, json_t *arguments, Call *call, Err *err);
/* mode: "powerdown" or "reboot". */
int vm_agent_power(Vm *vm, const char *mode, Call *call, Err *err);

/* ---- called by the watch ---- */

/* VSERPORT_CHANGE: the guest has opened or closed the channel with this alias. */
void vm_agent_port(Vm *vm, json_t *data);
/* What query-chardev says of a guest that was taken up. */
void vm_agent_resync(Vm *vm, json_t *chardevs);
/* The guest has shut down, reset or gone to sleep. */
void vm_agent_settle(Vm *vm);
/* QEMU has ended. */
void vm_agent_ended(Vm *vm);
