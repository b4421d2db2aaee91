/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/client.h"
#include "rpc/airlock.h"
#include "rpc/proto.h"

struct Call {
        unsigned refs;
        Client *client; /* borrowed; NULL: it has gone */
        const Procedure *procedure;
        RpcHeader header;
        void *ret;
        bool answered;
        int fds[RPC_PACKET_FDS_MAX];
        unsigned n_fds;
};

Call *call_ref(Call *call) {
        g_assert(call->refs > 0);
        call->refs++;
        return call;
}

static void call_free(Call *call) {
        if (call->procedure->ret)
                xdr_free(call->procedure->ret, call->ret);
        for (unsigned i = 0; i < call->n_fds; i++)
                close(call->fds[i]);
        g_free(call->ret);
        g_free(call);
}

static void answer_consume(Call *call, GByteArray *bytes) {
        Client *client = call->client;

        call->answered = true;
        call->client = NULL;
        if (!client) {
                g_byte_array_unref(bytes);
                return;
        }
        client_remove_call(client, call);
        client_send_fds_consume(client, bytes, call->fds, call->n_fds);
}

static void answer_error(Call *call, const Err *err) {
        if (call->answered)
                return;
        for (; call->n_fds > 0; call->n_fds--)
                close(call->fds[call->n_fds - 1]);
        answer_consume(call, rpc_packet_encode_error(&call->header, err));
}

void call_unref(Call *call) {
        if (!call)
                return;
        if (call->refs == 1 && !call->answered) {
                g_auto(Err) err = ERR_INIT;

                /* Somebody gave up without a word, as at the end of the daemon. */
                fail(&err, VIR_ERR_OPERATION_ABORTED, "%s was not finished", call->procedure->name);
                answer_error(call, &err);
        }
        if (--call->refs == 0)
                call_free(call);
}

Client *call_client(const Call *call) {
        return call->client;
}

void call_lose_client(Call *call) {
        call->client = NULL;
}

bool call_is_read_only(const Call *call) {
        return !call->client || client_is_read_only(call->client);
}

void *call_ret(Call *call) {
        return call->ret;
}

const RpcHeader *call_header(const Call *call) {
        return &call->header;
}

int call_add_reply_fd(Call *call, int fd, Err *err) {
        int copy;

        if (call->client && !client_has_fds(call->client))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "%s passes a descriptor, which a connection over TLS does not carry",
                            call->procedure->name);
        if (call->n_fds == RPC_PACKET_FDS_MAX)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "too many descriptors for one reply");
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
                return fail_errno(err, neg_errno(), "cannot duplicate a descriptor");
        call->fds[call->n_fds++] = copy;
        return 0;
}

static void answer_reply(Call *call) {
        RpcHeader header = call->header;
        g_auto(Err) err = ERR_INIT;
        GByteArray *bytes = NULL;
        int r;

        if (call->answered)
                return;
        header.type = call->n_fds > 0 ? RPC_TYPE_REPLY_WITH_FDS : RPC_TYPE_REPLY;
        header.status = RPC_STATUS_OK;
        r = rpc_packet_encode(&header, call->n_fds, call->procedure->ret, call->ret, &bytes, &err);
        if (r < 0)
                answer_error(call, &err);
        else
                answer_consume(call, bytes);
}

void call_reply(Call *call) {
        answer_reply(call);
        call_unref(call);
}

void call_fail(Call *call, const Err *err) {
        answer_error(call, err);
        call_unref(call);
}

void call_finish(Call *call, const Err *err) {
        if (err_is_set(err))
                call_fail(call, err);
        else
                call_reply(call);
}

int flags_check(uint32_t flags, uint32_t allowed, const char *function, Err *err) {
        if ((flags & ~allowed) == 0)
                return 0;
        return fail(err, VIR_ERR_INVALID_ARG, "unsupported flags (0x%x) in function %s",
                    flags & ~allowed, function);
}

static bool program_is_known(uint32_t program, uint32_t version) {
        if (version != RPC_PROGRAM_VERSION)
                return false;
        return program == REMOTE_PROGRAM || program == QEMU_PROGRAM || program == AIRLOCK_PROGRAM;
}

static const Procedure *find_procedure(uint32_t program, int number) {
        for (const ProcedureTable *const *table = dispatch_tables; *table; table++) {
                if ((*table)->program != program)
                        continue;
                for (size_t i = 0; i < (*table)->n; i++)
                        if ((*table)->procedures[i].number == number)
                                return &(*table)->procedures[i];
        }
        return NULL;
}

/* Why there is no handler, in the words by which clients choose their fallbacks. */
static void fail_unknown(const RpcHeader *header, Err *err) {
        g_autofree char *function = NULL;

        if (header->program == REMOTE_PROGRAM)
                function = rpc_proto_function(header->procedure);
        if (!program_is_known(header->program, header->version))
                fail(err, VIR_ERR_RPC, "Cannot find program %u version %u", header->program,
                     header->version);
        else if (function)
                fail(err, VIR_ERR_NO_SUPPORT, "%s", function);
        else
                fail(err, VIR_ERR_RPC, "unknown procedure: %d", header->procedure);
}

/* Clients say by the domain what kind of object was touched. */
static ErrDomain object_domain(const char *function) {
        if (g_str_has_prefix(function, "virDomain"))
                return VIR_FROM_DOMAIN;
        return g_str_has_prefix(function, "virNodeDevice") ? VIR_FROM_NODEDEV : VIR_FROM_NONE;
}

static int check_access(const Client *client, const Procedure *procedure, Err *err) {
        if (client_access(client) != CLIENT_ALLOWED && !procedure->before_auth)
                return fail(err, VIR_ERR_RPC, "authentication required");
        if (!client_is_open(client) && !procedure->before_open)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "hypervisor connection not open");
        if (client_is_open(client) && client_is_read_only(client) && !procedure->read_only &&
            !procedure->before_open)
                return err_in_domain(err, object_domain(procedure->name),
                                     fail(err, VIR_ERR_OPERATION_DENIED,
                                          "read only access prevents %s", procedure->name));
        return 0;
}

static Call *call_new(Client *client, const Procedure *procedure, const RpcHeader *header) {
        Call *call = g_new0(Call, 1);

        call->refs = 1;
        call->client = client;
        call->procedure = procedure;
        call->header = *header;
        call->ret = g_malloc0(MAX(procedure->ret_size, 1));
        client_add_call(client, call);
        return call;
}

/* Decodes, runs and, unless the answer comes later, answers. */
static void run_call(Client *client, const Procedure *procedure, const RpcPacket *packet) {
        g_autofree void *args = g_malloc0(MAX(procedure->args_size, 1));
        g_auto(Err) err = ERR_INIT;
        Call *call = call_new(client, procedure, &packet->header);
        int r = 0;

        if (procedure->args)
                r = rpc_packet_decode(packet, procedure->args, args, procedure->args_size, &err);
        if (r >= 0)
                r = procedure->run(client_manager(client), call, args, call->ret, &err);
        if (procedure->args)
                xdr_free(procedure->args, args);
        if (r < 0)
                answer_error(call, &err);
        else if (r != CALL_LATER)
                answer_reply(call);
        call_unref(call);
}

void dispatch_call(Client *client, const RpcPacket *packet) {
        const RpcHeader *header = &packet->header;
        const Procedure *procedure = NULL;
        g_auto(Err) err = ERR_INIT;

        if (program_is_known(header->program, header->version))
                procedure = find_procedure(header->program, header->procedure);
        if (!procedure)
                fail_unknown(header, &err);
        else if (check_access(client, procedure, &err) == 0) {
                run_call(client, procedure, packet);
                return;
        }
        client_send_consume(client, rpc_packet_encode_error(header, &err));
}
