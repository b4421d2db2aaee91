/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calls that a guest's agent answers: one command, and its answer as the call's result. */

#include "daemon/rpc-domain.h"
#include "daemon/vm-agent.h"

/* Fills the result struct from what the agent returned; what a guest says may be anything. */
typedef int (*RpcAgentFill)(const Vm *vm, json_t *result, void *ret, Err *err);

/* Finds the guest and asks; fill NULL: the call has no result. CALL_LATER or the failure. Takes
 * over what the command holds. */
int rpc_ask_agent(Manager *manager, Call *call, const remote_domain *dom,
                  const AgentCommand *command, RpcAgentFill fill, Err *err);

/* VIR_ERR_INTERNAL_ERROR: the agent's answer to this command is not what it should be. */
int rpc_agent_nonsense(const char *command, Err *err);

/* An agent's list of a client's texts; the caller owns it. */
json_t *rpc_json_strings(const remote_string *list, size_t n);

extern const ProcedureTable rpc_domain_agent_table; /* rpc-domain-agent.c */
extern const ProcedureTable rpc_domain_guest_table; /* rpc-domain-guest.c */
extern const ProcedureTable rpc_qemu_table;         /* rpc-qemu.c */
