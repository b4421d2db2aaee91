/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/conn.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/util.h"
#include "client/link.h"
#include "client/polkit-agent.h"
#include "client/uri.h"
#include "rpc/packet.h"
#include "rpc/remote_connect.h"

/* libvirt's clients ping at this pace and give up after as many pings without any message. */
#define PING_INTERVAL_MS 5000
#define PINGS_MAX        6

/* Events that are not taken: more than this, and the oldest is dropped. */
#define EVENTS_MAX 65536

/* How much one recv(2) takes, and how many a conn_process() makes: a daemon that never stops to
 * send must not keep the caller from its other work. */
#define READ_SIZE 65536
#define READS_MAX 16

#define OPEN_READ_ONLY 1u
#define PASSWORD_TRIES 3u

/* auth_type of the protocol; 1, SASL, is not spoken. */
enum { TYPE_NONE = 0, TYPE_POLKIT = 2 };

typedef enum StreamState {
        STREAM_NONE,
        STREAM_OPEN,
        STREAM_ENDED,   /* the daemon sent its last byte */
        STREAM_CLOSING, /* we said that we are done */
        STREAM_CLOSED,
} StreamState;

typedef struct Stream {
        StreamState state;
        int procedure;
        uint32_t serial;
        GByteArray *data;
        GArray *holes; /* of ConnHole; NULL: the stream has none */
        Err err;
} Stream;

struct Conn {
        Link *link;
        char *uri;
        bool is_lost;
        uint32_t serial; /* of the next call */
        GByteArray *in;  /* bytes that are no whole message yet */
        bool is_sending; /* a message has gone in part: no other may come between */
        bool owes_pong;

        bool is_waiting;
        uint32_t awaited;  /* serial */
        GByteArray *reply; /* NULL: it has not come */

        GQueue events; /* of ConnEvent * */
        Stream stream;
};

static void event_free(void *data) {
        ConnEvent *event = data;

        if (event->bytes)
                g_byte_array_unref(event->bytes);
        g_free(event);
}

static void stream_reset(Stream *stream) {
        g_clear_pointer(&stream->data, g_byte_array_unref);
        g_clear_pointer(&stream->holes, g_array_unref);
        err_clear(&stream->err);
        *stream = (Stream){};
}

/* Everything after this fails at once, with the reason that the first failure got. */
static int lose(Conn *conn, int r) {
        conn->is_lost = true;
        return r;
}

static int fail_protocol(Conn *conn, Err *err, const char *what) {
        return lose(conn, fail(err, VIR_ERR_RPC, "the daemon broke the protocol: %s", what));
}

static int check_connected(const Conn *conn, Err *err) {
        if (conn->is_lost)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "client socket is closed");
        return 0;
}

static int send_keepalive(Conn *conn, KeepaliveProcedure procedure, Err *err);

static int send_whole(Conn *conn, const GByteArray *bytes, Err *err) {
        size_t sent = 0;

        while (sent < bytes->len) {
                struct pollfd p = {.fd = link_fd(conn->link), .events = POLLIN | POLLOUT};
                ssize_t n;
                int r;

                if (poll(&p, 1, -1) < 0 && errno != EINTR)
                        return lose(conn, fail_errno(err, neg_errno(), "cannot poll the daemon"));
                /* The daemon may be as stuck with what it has to tell as we are. */
                r = p.revents & POLLIN ? conn_process(conn, err) : 0;
                if (r < 0)
                        return r;
                n = link_send(conn->link, bytes->data + sent, bytes->len - sent);
                if (n < 0 && n != -EAGAIN && n != -EINTR)
                        return lose(conn, fail_errno(err, (int)n, "cannot write to the daemon"));
                sent += n > 0 ? (size_t)n : 0;
        }
        return 0;
}

static int send_bytes(Conn *conn, const GByteArray *bytes, Err *err) {
        int r;

        conn->is_sending = true;
        r = send_whole(conn, bytes, err);
        conn->is_sending = false;
        if (r < 0 || !conn->owes_pong)
                return r;
        conn->owes_pong = false;
        return send_keepalive(conn, KEEPALIVE_PROC_PONG, err);
}

static int send_keepalive(Conn *conn, KeepaliveProcedure procedure, Err *err) {
        g_autoptr(GByteArray) bytes = NULL;
        int r;

        r = rpc_packet_encode(&(RpcHeader){.program = KEEPALIVE_PROGRAM,
                                           .version = RPC_PROGRAM_VERSION,
                                           .procedure = procedure,
                                           .type = RPC_TYPE_MESSAGE},
                              0, NULL, NULL, &bytes, err);
        if (r < 0)
                return r;
        return send_bytes(conn, bytes, err);
}

static int take_message(Conn *conn, const RpcPacket *packet, GByteArray *bytes, Err *err) {
        ConnEvent *event = NULL;

        if (packet->header.program == KEEPALIVE_PROGRAM) {
                if (packet->header.procedure != KEEPALIVE_PROC_PING)
                        return 0;
                conn->owes_pong = conn->is_sending;
                return conn->owes_pong ? 0 : send_keepalive(conn, KEEPALIVE_PROC_PONG, err);
        }
        if (g_queue_get_length(&conn->events) == EVENTS_MAX)
                event_free(g_queue_pop_head(&conn->events));
        event = g_new0(ConnEvent, 1);
        event->program = packet->header.program;
        event->procedure = packet->header.procedure;
        event->bytes = g_byte_array_ref(bytes);
        g_queue_push_tail(&conn->events, event);
        return 0;
}

static int take_reply(Conn *conn, const RpcPacket *packet, GByteArray *bytes, Err *err) {
        if (!conn->is_waiting || packet->header.serial != conn->awaited)
                return fail_protocol(conn, err, "a reply that nobody waits for");
        conn->is_waiting = false;
        conn->reply = g_byte_array_ref(bytes);
        return 0;
}

static void take_stream(Conn *conn, const RpcPacket *packet) {
        Stream *stream = &conn->stream;

        /* Packets of a stream that was closed in the meantime are no error. */
        if (stream->state == STREAM_NONE || packet->header.serial != stream->serial)
                return;
        if (packet->header.status == RPC_STATUS_ERROR) {
                rpc_packet_decode_error(packet, &stream->err);
                stream->state = STREAM_CLOSED;
        } else if (packet->header.status == RPC_STATUS_OK) {
                stream->state = STREAM_CLOSED;
        } else if (packet->payload_size == 0) {
                stream->state = stream->state == STREAM_OPEN ? STREAM_ENDED : stream->state;
        } else {
                g_byte_array_append(stream->data, packet->payload, (unsigned)packet->payload_size);
        }
}

static int take_hole(Conn *conn, const RpcPacket *packet, Err *err) {
        Stream *stream = &conn->stream;
        remote_stream_hole hole = {};
        ConnHole taken;
        int r;

        if (stream->state == STREAM_NONE || packet->header.serial != stream->serial)
                return 0;
        if (!stream->holes)
                return fail_protocol(conn, err, "a hole in a stream that has none");
        r = rpc_packet_decode(packet, (xdrproc_t)xdr_remote_stream_hole, &hole, sizeof(hole), err);
        if (r < 0 || hole.length < 0)
                return fail_protocol(conn, err, "a malformed hole");
        taken = (ConnHole){stream->data->len, (uint64_t)hole.length};
        g_array_append_val(stream->holes, taken);
        return 0;
}

static int take_packet(Conn *conn, GByteArray *bytes, Err *err) {
        RpcPacket packet;
        int r;

        r = rpc_packet_parse(bytes->data, bytes->len, &packet);
        if (r < 0 || packet.n_fds > 0)
                return fail_protocol(conn, err, "a malformed message");
        switch (packet.header.type) {
        case RPC_TYPE_REPLY:
                return take_reply(conn, &packet, bytes, err);
        case RPC_TYPE_MESSAGE:
                return take_message(conn, &packet, bytes, err);
        case RPC_TYPE_STREAM:
                take_stream(conn, &packet);
                return 0;
        case RPC_TYPE_STREAM_HOLE:
                return take_hole(conn, &packet, err);
        default:
                return fail_protocol(conn, err, rpc_type_to_string(packet.header.type));
        }
}

/* Cuts whole messages off the front of what was read. */
static int take_packets(Conn *conn, Err *err) {
        while (conn->in->len >= RPC_PACKET_LENGTH_SIZE) {
                g_autoptr(GByteArray) bytes = NULL;
                size_t size;
                int r;

                r = rpc_packet_size(conn->in->data, &size);
                if (r < 0)
                        return fail_protocol(conn, err, "a message of an impossible length");
                if (conn->in->len < size)
                        return 0;
                bytes = g_byte_array_sized_new((unsigned)size);
                g_byte_array_append(bytes, conn->in->data, (unsigned)size);
                g_byte_array_remove_range(conn->in, 0, (unsigned)size);
                r = take_packet(conn, bytes, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int conn_process(Conn *conn, Err *err) {
        for (unsigned reads = 0; reads < READS_MAX; reads++) {
                unsigned before = conn->in->len;
                ssize_t n;
                int r;

                r = check_connected(conn, err);
                if (r < 0)
                        return r;
                g_byte_array_set_size(conn->in, before + READ_SIZE);
                n = link_recv(conn->link, conn->in->data + before, READ_SIZE);
                r = n < 0 ? (int)n : 0;
                g_byte_array_set_size(conn->in, before + (n > 0 ? (unsigned)n : 0));
                if (r == -EAGAIN)
                        return 0;
                if (r == -EINTR)
                        continue;
                if (r < 0)
                        return lose(conn, fail_errno(err, r, "cannot read from the daemon"));
                if (n == 0)
                        return lose(conn,
                                    fail_errno(err, -EPIPE, "the daemon closed the connection"));
                r = take_packets(conn, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Waits for one message at most as long as a silent daemon may take; pings meanwhile. */
static int wait_input(Conn *conn, Err *err) {
        for (unsigned pings = 0;; pings++) {
                struct pollfd p = {.fd = link_fd(conn->link), .events = POLLIN};
                int n = poll(&p, 1, PING_INTERVAL_MS), r;

                if (n > 0)
                        return conn_process(conn, err);
                if (n < 0 && errno != EINTR)
                        return lose(conn, fail_errno(err, neg_errno(), "cannot poll the daemon"));
                if (n < 0)
                        continue;
                if (pings == PINGS_MAX)
                        return lose(conn, fail(err, VIR_ERR_INTERNAL_ERROR,
                                               "the daemon was silent for %d seconds",
                                               PINGS_MAX * PING_INTERVAL_MS / 1000));
                r = send_keepalive(conn, KEEPALIVE_PROC_PING, err);
                if (r < 0)
                        return r;
        }
}

static int send_call(Conn *conn, const ConnCall *call, uint32_t serial, Err *err) {
        g_autoptr(GByteArray) bytes = NULL;
        int r;

        r = rpc_packet_encode(&(RpcHeader){.program = call->program,
                                           .version = RPC_PROGRAM_VERSION,
                                           .procedure = call->procedure,
                                           .type = RPC_TYPE_CALL,
                                           .serial = serial},
                              0, call->args_xdr, call->args, &bytes, err);
        if (r < 0)
                return r;
        return send_bytes(conn, bytes, err);
}

static int read_reply(const ConnCall *call, const GByteArray *reply, Err *err) {
        g_auto(Err) refusal = ERR_INIT;
        RpcPacket packet;
        int r;

        r = rpc_packet_parse(reply->data, reply->len, &packet);
        if (r < 0)
                return fail(err, VIR_ERR_RPC, "the daemon's reply is malformed");
        if (packet.header.program != call->program || packet.header.procedure != call->procedure)
                return fail(err, VIR_ERR_RPC, "the daemon's reply belongs to another call");
        if (packet.header.status == RPC_STATUS_ERROR) {
                rpc_packet_decode_error(&packet, &refusal);
                err_move(err, &refusal);
                return -EIO;
        }
        if (!call->ret_xdr)
                return 0;
        return rpc_packet_decode(&packet, call->ret_xdr, call->ret, call->ret_size, err);
}

int conn_call(Conn *conn, const ConnCall *call, Err *err) {
        g_auto(Err) trouble = ERR_INIT;
        g_autoptr(GByteArray) reply = NULL;
        int r;

        r = check_connected(conn, err);
        if (r < 0)
                return r;
        conn->awaited = conn->serial++;
        conn->is_waiting = true;
        r = send_call(conn, call, conn->awaited, &trouble);
        while (r >= 0 && !conn->reply)
                r = wait_input(conn, &trouble);
        conn->is_waiting = false;
        reply = g_steal_pointer(&conn->reply);
        /* An answer counts even if the daemon left right behind it. */
        if (reply)
                return read_reply(call, reply, err);
        err_move(err, &trouble);
        return r;
}

int conn_call_text(Conn *conn, ConnCall call, char **ret, Err *err) {
        remote_string answer;
        int r;

        call.ret_xdr = (xdrproc_t)xdr_remote_string;
        call.ret = &answer;
        call.ret_size = sizeof(answer);
        r = conn_call(conn, &call, err);
        if (r < 0)
                return r;
        *ret = g_strdup(answer);
        xdr_free((xdrproc_t)xdr_remote_string, &answer);
        return 0;
}

/* The daemon asks polkit, which may ask a person. */
static int ask_polkit(Conn *conn, Err *err) {
        remote_auth_polkit_ret ret;
        int r;

        r = conn_call(conn, &CONN_REMOTE(AUTH_POLKIT, CONN_RET(remote_auth_polkit_ret, &ret)), err);
        if (r < 0)
                return r;
        if (!ret.complete)
                return fail(err, VIR_ERR_AUTH_FAILED, "the daemon does not end authentication");
        return 0;
}

/* A daemon without the call asks for no authentication. */
static int check_auth(Conn *conn, Err *err) {
        g_auto(Err) refusal = ERR_INIT;
        remote_auth_list_ret ret;
        int type, r;

        r = conn_call(conn, &CONN_REMOTE(AUTH_LIST, CONN_RET(remote_auth_list_ret, &ret)),
                      &refusal);
        if (r < 0 && !conn->is_lost && refusal.code == VIR_ERR_NO_SUPPORT)
                return 0;
        if (r < 0) {
                err_move(err, &refusal);
                return r;
        }
        type = ret.types.types_len > 0 ? ret.types.types_val[0] : TYPE_NONE;
        xdr_free((xdrproc_t)xdr_remote_auth_list_ret, &ret);
        if (type == TYPE_POLKIT)
                return ask_polkit(conn, err);
        if (type != TYPE_NONE)
                return fail(err, VIR_ERR_AUTH_FAILED,
                            "the daemon asks for authentication of type %d, which airlock has not",
                            type);
        return 0;
}

static int ask_uri(Conn *conn, Err *err) {
        remote_connect_get_uri_ret ret;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(CONNECT_GET_URI, CONN_RET(remote_connect_get_uri_ret, &ret)),
                      err);
        if (r < 0)
                return r;
        conn->uri = g_strdup(ret.uri);
        xdr_free((xdrproc_t)xdr_remote_connect_get_uri_ret, &ret);
        return 0;
}

static int shake_hands(Conn *conn, Uri *uri, bool read_only, Err *err) {
        remote_connect_open_args args = {
                .name = &uri->name,
                .flags = read_only ? OPEN_READ_ONLY : 0,
        };
        int r;

        /* Whom the daemon refuses it does not hear any more, not even to say goodbye. */
        r = check_auth(conn, err);
        if (r < 0)
                return lose(conn, r);
        return conn_call(
                conn, &CONN_REMOTE(CONNECT_OPEN, CONN_ARGS(remote_connect_open_args, &args)), err);
}

static int open_uri(const char *text, Uri *uri, Conn **ret, Err *err) {
        g_autoptr(Conn) conn = g_new0(Conn, 1);
        int r;

        conn->in = g_byte_array_new();
        g_queue_init(&conn->events);
        r = link_open(uri, &conn->link, err);
        if (r < 0)
                return r;
        r = shake_hands(conn, uri, uri->read_only, err);
        if (r < 0)
                return r;
        if (*uri->name)
                conn->uri = g_strdup(text);
        else
                r = ask_uri(conn, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&conn);
        return 0;
}

/* polkit would let us in if it had somebody to ask. Looking is not worth a password; and on another
 * host it is the process of ssh that is judged, which has no terminal. */
static bool wants_agent(const Uri *uri, const Err *err) {
        return uri->transport == URI_UNIX && !uri->read_only && err->domain == VIR_FROM_POLKIT &&
               err->code == VIR_ERR_AUTH_UNAVAILABLE;
}

/* A password that was mistyped is asked for again, on a connection of its own. */
static int open_with_agent(const char *text, Uri *uri, Conn **ret, Err *err) {
        for (unsigned tries = 1;; tries++) {
                g_auto(Err) refusal = ERR_INIT;
                int r = open_uri(text, uri, ret, &refusal);

                if (r >= 0)
                        return r;
                if (tries < PASSWORD_TRIES && refusal.domain == VIR_FROM_POLKIT &&
                    refusal.code == VIR_ERR_AUTH_FAILED)
                        continue;
                err_move(err, &refusal);
                return r;
        }
}

int conn_open(const char *text, bool read_only, Conn **ret, Err *err) {
        g_autoptr(PolkitAgent) agent = NULL;
        g_auto(Err) refusal = ERR_INIT;
        g_auto(Uri) uri = {};
        int r;

        r = uri_parse(text, read_only, &uri, err);
        if (r < 0)
                return r;
        r = open_uri(text, &uri, ret, &refusal);
        if (r >= 0)
                return r;
        if (!wants_agent(&uri, &refusal) || polkit_agent_start(&agent) < 0) {
                err_move(err, &refusal);
                return r;
        }
        return open_with_agent(text, &uri, ret, err);
}

void conn_free(Conn *conn) {
        if (!conn)
                return;
        if (conn->link && !conn->is_lost)
                conn_call(conn, &CONN_REMOTE(CONNECT_CLOSE), NULL);
        link_free(conn->link);
        g_byte_array_unref(conn->in);
        g_clear_pointer(&conn->reply, g_byte_array_unref);
        g_queue_clear_full(&conn->events, event_free);
        stream_reset(&conn->stream);
        g_free(conn->uri);
        g_free(conn);
}

const char *conn_uri(const Conn *conn) {
        return conn->uri;
}

bool conn_is_lost(const Conn *conn) {
        return conn->is_lost;
}

int conn_fd(const Conn *conn) {
        return link_fd(conn->link);
}

bool conn_take_event(Conn *conn, ConnEvent *ret) {
        g_autofree ConnEvent *event = g_queue_pop_head(&conn->events);

        if (!event)
                return false;
        *ret = *event;
        return true;
}

static int open_stream(Conn *conn, const ConnCall *call, bool is_sparse, Err *err) {
        int r;

        /* Data can follow the reply in the same read: the stream is known before the call. */
        stream_reset(&conn->stream);
        conn->stream = (Stream){
                .state = STREAM_OPEN,
                .procedure = call->procedure,
                .serial = conn->serial,
                .data = g_byte_array_new(),
                .holes = is_sparse ? g_array_new(FALSE, FALSE, sizeof(ConnHole)) : NULL,
        };
        r = conn_call(conn, call, err);
        if (r < 0)
                stream_reset(&conn->stream);
        return r;
}

int conn_stream_open(Conn *conn, const ConnCall *call, Err *err) {
        return open_stream(conn, call, false, err);
}

int conn_stream_open_sparse(Conn *conn, const ConnCall *call, Err *err) {
        return open_stream(conn, call, true, err);
}

GByteArray *conn_stream_take(Conn *conn) {
        GByteArray *data = conn->stream.data;

        conn->stream.data = g_byte_array_new();
        return data;
}

GByteArray *conn_stream_take_sparse(Conn *conn, GArray **ret_holes) {
        *ret_holes = conn->stream.holes;
        conn->stream.holes = g_array_new(FALSE, FALSE, sizeof(ConnHole));
        return conn_stream_take(conn);
}

bool conn_stream_is_ended(const Conn *conn) {
        return conn->stream.state != STREAM_OPEN;
}

static RpcHeader stream_header(const Conn *conn, RpcType type, RpcStatus status) {
        return (RpcHeader){
                .program = REMOTE_PROGRAM,
                .version = RPC_PROGRAM_VERSION,
                .procedure = conn->stream.procedure,
                .type = type,
                .serial = conn->stream.serial,
                .status = status,
        };
}

static int send_stream(Conn *conn, RpcStatus status, const void *data, size_t size, Err *err) {
        RpcHeader header = stream_header(conn, RPC_TYPE_STREAM, status);
        g_autoptr(GByteArray) bytes = rpc_packet_encode_raw(&header, data, size);

        return send_bytes(conn, bytes, err);
}

int conn_stream_send(Conn *conn, const void *data, size_t size, Err *err) {
        const uint8_t *p = data;

        while (size > 0) {
                size_t part = MIN(size, RPC_STREAM_CHUNK);
                int r;

                r = send_stream(conn, RPC_STATUS_CONTINUE, p, part, err);
                if (r < 0)
                        return r;
                p += part;
                size -= part;
        }
        return 0;
}

int conn_stream_send_hole(Conn *conn, uint64_t length, Err *err) {
        RpcHeader header = stream_header(conn, RPC_TYPE_STREAM_HOLE, RPC_STATUS_CONTINUE);
        remote_stream_hole hole = {.length = (quad_t)length};
        g_autoptr(GByteArray) bytes = NULL;
        int r = rpc_packet_encode(&header, 0, (xdrproc_t)xdr_remote_stream_hole, &hole, &bytes,
                                  err);

        return r < 0 ? r : send_bytes(conn, bytes, err);
}

int conn_stream_close(Conn *conn, Err *err) {
        int r = 0;

        if (conn->stream.state == STREAM_OPEN || conn->stream.state == STREAM_ENDED) {
                conn->stream.state = STREAM_CLOSING;
                r = send_stream(conn, RPC_STATUS_OK, NULL, 0, err);
        }
        while (r >= 0 && conn->stream.state == STREAM_CLOSING)
                r = wait_input(conn, err);
        if (r >= 0 && err_is_set(&conn->stream.err)) {
                r = -EIO;
                err_move(err, &conn->stream.err);
        }
        stream_reset(&conn->stream);
        return r;
}
