/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a message to the handler of its procedure and back: finds it in the tables (daemon/call.h),
 * decodes, checks what the connection may do, answers. */

#include "daemon/call.h"
#include "rpc/packet.h"

/* Beside those of daemon/call.h. */
extern const ProcedureTable rpc_auth_table;
extern const ProcedureTable rpc_host_table;
extern const ProcedureTable rpc_host_cpu_table;
extern const ProcedureTable rpc_host_memory_table;
extern const ProcedureTable rpc_host_pages_table;
extern const ProcedureTable rpc_event_table;
extern const ProcedureTable rpc_absent_table;

/* What the daemon serves, NULL at the end. Defined in tables.c rather than in dispatch.c, so that a
 * test can link procedures of its own. */
extern const ProcedureTable *const dispatch_tables[];

/* A message of type CALL or CALL_WITH_FDS. Answers in any case, now or later. */
void dispatch_call(Client *client, const RpcPacket *packet);

/* Refuses flags outside allowed as every function of libvirt does: INVALID_ARG, "unsupported flags
 * (0x80) in function virDomainX". */
int flags_check(uint32_t flags, uint32_t allowed, const char *function, Err *err);

/* A descriptor that goes out with the reply, duplicated now. For procedures whose reply carries
 * some; at most RPC_PACKET_FDS_MAX. */
int call_add_reply_fd(Call *call, int fd, Err *err);

/* The header of the call, which its stream shares. */
const RpcHeader *call_header(const Call *call);

/* From client.c: the connection is gone, the answer will be dropped. */
void call_lose_client(Call *call);
