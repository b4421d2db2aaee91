/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A conversation with the agent in a guest (qemu-ga) over the socket of its virtio-serial channel:
 * one command at a time, each after a guest-sync, by which the answers to what an earlier daemon
 * asked, or the agent half wrote, are passed over (QEMU's docs/interop/qemu-ga.rst and
 * qga/qapi-schema.json).
 *
 * Behind the socket is a guest: it may answer late, never, or without sense. */

#include <jansson.h>
#include <systemd/sd-event.h>

#include <glib.h>

#include "base/err.h"

/* One answer; a guest that sends more without a line's end is cut off. */
#define AGENT_MESSAGE_MAX (16u << 20)
/* Commands that may wait for one guest. */
#define AGENT_QUEUE_MAX 32u

/* Seconds for an answer, as clients say it (virDomainQemuAgentCommandTimeoutValues). */
enum { AGENT_WAIT_FOREVER = -2, AGENT_WAIT_DEFAULT = -1, AGENT_NO_WAIT = 0 };
#define AGENT_SYNC_SECONDS 5

typedef struct Agent Agent;

/* Exactly one of result (borrowed: what "return" holds) and err is set. */
typedef void (*AgentReplyFunc)(json_t *result, const Err *err, void *userdata);

typedef struct AgentCommand {
        const char *name;
        json_t *arguments; /* NULL: none; taken over */
        json_t *message;   /* instead of both: a whole command object; taken over. result is then
                            * the whole answer */
        int timeout;       /* seconds, or AGENT_… */
        /* The agent answers an error only: agent_settle() or the end of the channel is success. */
        bool is_one_way;
} AgentCommand;

/* Takes over fd, a connected, non-blocking socket. */
int agent_new_consume_fd(sd_event *event, int fd, Agent **ret, Err *err);

/* What waits is answered with VIR_ERR_AGENT_UNRESPONSIVE. */
void agent_free(Agent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Agent, agent_free)

/* reply comes later, never from within, unless the call fails. */
int agent_send(Agent *agent, const AgentCommand *command, AgentReplyFunc reply, void *userdata,
               Err *err);

/* The guest has shut down, reset or gone to sleep: a one-way command has done what it was for. */
void agent_settle(Agent *agent);

/* The other end has closed the channel: this agent takes no command any more. */
bool agent_is_closed(const Agent *agent);
