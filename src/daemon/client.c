/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/dispatch.h"
#include "daemon/event.h"
#include "daemon/manager.h"
#include "daemon/stream.h"
#include "daemon/tls.h"
#include "daemon/transport.h"
#include "rpc/proto.h"

/* Messages of one client that are handled before the others get their turn. */
#define BATCH 16

struct Client {
        unsigned refs;
        Server *server; /* NULL: closed */
        uint64_t id;
        struct ucred peer;
        char *name; /* for the log: "pid 17", or the other host's address */
        Transport *transport;

        sd_event_source *io;
        sd_event_source *wake;     /* one more round without new input */
        sd_event_source *deadline; /* of the input that is due */
        sd_event_source *pinger;   /* NULL: the client does not speak keepalive */
        unsigned pings;            /* sent since something was received */
        bool deadline_armed;
        bool deadline_renewed; /* a message became whole: the next one has its own time */

        char *uri; /* NULL: not open */
        bool read_only;
        bool close_when_sent;

        ClientAccess access;
        PolkitSubject subject; /* of CLIENT_BY_POLKIT */
        PolkitCheck *check;    /* NULL: polkit is not being asked */
        PolkitFunc on_verdict;
        void *verdict_data;

        GPtrArray *calls;   /* of Call, borrowed */
        GPtrArray *streams; /* of Stream, owned */
};

static void client_pump(Client *client);
static void client_update(Client *client);

Client *client_ref(Client *client) {
        client->refs++;
        return client;
}

void client_unref(Client *client) {
        if (!client || --client->refs > 0)
                return;
        g_assert(!client->server);
        transport_free(client->transport);
        polkit_subject_done(&client->subject);
        g_ptr_array_unref(client->calls);
        g_ptr_array_unref(client->streams);
        g_free(client->uri);
        g_free(client->name);
        g_free(client);
}

/* ---- who it is ---- */

static const char *polkit_action(const Client *client) {
        return client->read_only ? POLKIT_MONITOR : POLKIT_MANAGE;
}

static void allow(Client *client) {
        client->access = CLIENT_ALLOWED;
        polkit_subject_done(&client->subject);
        if (!client->read_only)
                transport_set_max(client->transport, RPC_PACKET_MAX);
}

static void log_verdict(const Client *client, const Err *refusal) {
        g_autofree char *text = refusal ? err_text(refusal) : NULL;

        if (refusal)
                log_warning("client %" PRIu64 " (%s, uid %u) is refused %s: %s", client->id,
                            client->name, client->peer.uid, polkit_action(client), text);
        else
                log_info("client %" PRIu64 " (%s, uid %u) is allowed %s", client->id, client->name,
                         client->peer.uid, polkit_action(client));
}

static void on_verdict(void *userdata, const Err *refusal) {
        g_autoptr(Client) client = client_ref(userdata);

        client->check = NULL;
        log_verdict(client, refusal);
        if (!refusal)
                allow(client);
        client->on_verdict(client->verdict_data, refusal);
        client_wake(client);
}

static int start_check(Client *client, Err *err) {
        if (client->subject.pidfd < 0)
                return fail(err, VIR_ERR_AUTH_FAILED,
                            "polkit cannot be asked about the process that connected (pid %d): it "
                            "has ended, or is in another PID namespace",
                            client->peer.pid);
        return polkit_check_consume(server_polkit(client->server), &client->subject,
                                    polkit_action(client), on_verdict, client, &client->check, err);
}

int client_check(Client *client, PolkitFunc func, void *userdata, Err *err) {
        g_auto(Err) refusal = ERR_INIT;
        int r;

        if (client->check)
                return fail(err, VIR_ERR_RESOURCE_BUSY, "polkit is being asked already");
        client->on_verdict = func;
        client->verdict_data = userdata;
        log_debug("client %" PRIu64 " (%s): polkit is asked for %s", client->id, client->name,
                  polkit_action(client));
        r = start_check(client, &refusal);
        if (r < 0) {
                log_verdict(client, &refusal);
                err_move(err, &refusal);
        }
        return r;
}

ClientAccess client_access(const Client *client) {
        return client->access;
}

static void cancel_check(Client *client) {
        g_auto(Err) err = ERR_INIT;

        if (!client->check)
                return;
        polkit_check_cancel(g_steal_pointer(&client->check));
        fail(&err, VIR_ERR_AUTH_CANCELLED, "the client has gone");
        client->on_verdict(client->verdict_data, &err);
}

bool client_is_closed(const Client *client) {
        return !client->server;
}

void client_close(Client *client, const char *why) {
        Server *server = client->server;

        if (!server)
                return;
        if (why)
                log_info("client %" PRIu64 " (%s): %s", client->id, client->name, why);
        client->server = NULL;
        client->io = sd_event_source_disable_unref(client->io);
        client->wake = sd_event_source_disable_unref(client->wake);
        client->deadline = sd_event_source_disable_unref(client->deadline);
        client->pinger = sd_event_source_disable_unref(client->pinger);
        for (guint i = 0; i < client->calls->len; i++)
                call_lose_client(client->calls->pdata[i]);
        g_ptr_array_set_size(client->calls, 0);
        cancel_check(client);
        while (client->streams->len > 0)
                stream_free(g_ptr_array_steal_index(client->streams, client->streams->len - 1));
        events_remove_client(server_manager(server)->events, client);
        server_remove_client(server, client);
}

static bool is_blocked_by_stream(const Client *client) {
        for (guint i = 0; i < client->streams->len; i++)
                if (stream_is_blocked(client->streams->pdata[i]))
                        return true;
        return false;
}

static bool can_read(const Client *client) {
        return client->server && transport_is_ready(client->transport) &&
               !client->close_when_sent && client->calls->len < CLIENT_CALLS_MAX &&
               transport_backlog(client->transport) < CLIENT_BACKLOG_HIGH &&
               !is_blocked_by_stream(client);
}

/* A client that has said goodbye is left to close its end first, for a moment: its answer to our
 * last ping may still be on the way, and would kill it by SIGPIPE.
 *
 * Input is due while the connection is not open yet (and polkit is not being asked) and while a
 * message is half there, unless it is we who do not read. */
static void update_deadline(Client *client) {
        bool due = client->close_when_sent || !transport_is_ready(client->transport) ||
                   (can_read(client) &&
                    (transport_has_partial(client->transport) || (!client->uri && !client->check)));

        if (due == client->deadline_armed && !client->deadline_renewed)
                return;
        client->deadline_armed = due;
        client->deadline_renewed = false;
        if (due)
                sd_event_source_set_time_relative(
                        client->deadline,
                        G_USEC_PER_SEC * (client->close_when_sent ? CLIENT_LINGER_SEC
                                                                  : CLIENT_INPUT_DEADLINE_SEC));
        sd_event_source_set_enabled(client->deadline, due ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* Brings the event sources in line with the state; the end of every entry from the loop. */
static void client_update(Client *client) {
        uint32_t events;

        if (!client->server)
                return;
        if (!transport_is_ready(client->transport))
                events = transport_handshake_events(client->transport);
        else
                events = (can_read(client) ? EPOLLIN : 0) |
                         (transport_backlog(client->transport) > 0 ? EPOLLOUT : 0);
        sd_event_source_set_io_events(client->io, events);
        update_deadline(client);
}

void client_wake(Client *client) {
        if (client->server)
                sd_event_source_set_enabled(client->wake, SD_EVENT_ONESHOT);
}

/* Streams read their descriptors only while the client takes what it has. */
static void update_streams(Client *client) {
        for (guint i = 0; client->server && i < client->streams->len; i++)
                stream_update(client->streams->pdata[i]);
}

static void client_flush(Client *client) {
        int r = transport_flush(client->transport);

        if (r < 0)
                client_close(client, r == -EPIPE || r == -ECONNRESET ? NULL : g_strerror(-r));
        else if (r == 0)
                update_streams(client);
}

static const char *client_certificate(const Client *client) {
        const char *peer = transport_peer(client->transport);

        return peer ? peer : "somebody without a certificate";
}

/* True: messages can be exchanged. */
static bool shake_hands(Client *client) {
        g_auto(Err) err = ERR_INIT;
        int r;

        if (transport_is_ready(client->transport))
                return true;
        r = transport_handshake(client->transport, &err);
        if (r < 0)
                client_close(client, err.message);
        if (r != 0)
                return false;
        log_info("client %" PRIu64 " (%s) is %s", client->id, client->name,
                 client_certificate(client));
        client->deadline_renewed = true;
        server_client_verified(client->server);
        return true;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        g_autoptr(Client) client = client_ref(userdata);

        if (!shake_hands(client)) {
                client_update(client);
                return 0;
        }
        if (events & EPOLLOUT)
                client_flush(client);
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                /* While nothing is read, only this tells that the peer has gone. */
                if ((events & (EPOLLHUP | EPOLLERR)) && !can_read(client))
                        client_close(client, NULL);
                client_pump(client);
        }
        client_update(client);
        return 0;
}

static int on_wake(sd_event_source *source, void *userdata) {
        g_autoptr(Client) client = client_ref(userdata);

        client_pump(client);
        client_update(client);
        return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        g_autoptr(Client) client = client_ref(userdata);

        if (client->close_when_sent)
                client_close(client, NULL);
        if (!transport_is_ready(client->transport))
                client_close(client, "closed: its TLS handshake took too long");
        client_close(client, client->uri ? "closed: its message did not become whole in time"
                                         : "closed: it did not open the connection in time");
        return 0;
}

static void send_keepalive(Client *client, int procedure) {
        RpcHeader header = {
                .program = KEEPALIVE_PROGRAM,
                .version = RPC_PROGRAM_VERSION,
                .procedure = procedure,
                .type = RPC_TYPE_MESSAGE,
        };

        client_send_consume(client, rpc_packet_encode_raw(&header, NULL, 0));
}

static int on_pinger(sd_event_source *source, uint64_t usec, void *userdata) {
        g_autoptr(Client) client = client_ref(userdata);

        if (client->pings >= CLIENT_PINGS_MAX) {
                client_close(client, "closed: it does not answer keepalive");
                return 0;
        }
        /* Its answer would not be read, and its silence means nothing, while we hold it back. */
        if (can_read(client)) {
                client->pings++;
                send_keepalive(client, KEEPALIVE_PROC_PING);
        }
        if (!client->server)
                return 0;
        sd_event_source_set_time_relative(source, CLIENT_PING_INTERVAL_SEC * G_USEC_PER_SEC);
        sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        client_update(client);
        return 0;
}

static void handle_stream(Client *client, const RpcPacket *packet) {
        for (guint i = 0; i < client->streams->len; i++)
                if (stream_is_for(client->streams->pdata[i], &packet->header)) {
                        stream_receive(client->streams->pdata[i], packet);
                        return;
                }
        /* What was under way when the stream ended. */
        log_debug("client %" PRIu64 ": packet for no stream", client->id);
}

static void handle_message(Client *client, const RpcPacket *packet) {
        if (packet->header.program == KEEPALIVE_PROGRAM &&
            packet->header.procedure == KEEPALIVE_PROC_PING)
                send_keepalive(client, KEEPALIVE_PROC_PONG);
}

static void handle_packet(Client *client, const RpcPacket *packet) {
        client->pings = 0;
        switch (packet->header.type) {
        case RPC_TYPE_CALL:
        case RPC_TYPE_CALL_WITH_FDS:
                dispatch_call(client, packet);
                break;
        case RPC_TYPE_STREAM:
        case RPC_TYPE_STREAM_HOLE:
                handle_stream(client, packet);
                break;
        case RPC_TYPE_MESSAGE:
                handle_message(client, packet);
                break;
        default:
                client_close(client, "closed: it sent a reply");
        }
}

static void close_for_input(Client *client, int r) {
        g_autofree char *why = NULL;

        if (r == -EBADMSG)
                why = g_strdup("closed: it sent what is no message of the protocol");
        else if (r != -ECONNRESET)
                why = g_strdup_printf("closed: %s", g_strerror(-r));
        client_close(client, why);
}

static void client_pump(Client *client) {
        RpcPacket packet;
        unsigned n;

        for (n = 0; n < BATCH && can_read(client); n++) {
                int r = transport_receive(client->transport, &packet);

                if (r < 0)
                        close_for_input(client, r);
                if (r <= 0)
                        return;
                client->deadline_renewed = client->uri != NULL;
                handle_packet(client, &packet);
                transport_release(client->transport);
        }
        if (n == BATCH)
                client_wake(client);
}

/* Everything that may fail; client_close() takes back what was made. */
static int add_sources(Client *client, sd_event *event) {
        int fd = transport_fd(client->transport);
        int r;

        r = sd_event_add_io(event, &client->io, fd, EPOLLIN, on_io, client);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &client->wake, on_wake, client);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(client->wake, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(event, &client->deadline, CLOCK_MONOTONIC,
                                       G_USEC_PER_SEC * (transport_is_ready(client->transport)
                                                                 ? CLIENT_INPUT_DEADLINE_SEC
                                                                 : CLIENT_HANDSHAKE_DEADLINE_SEC),
                                       G_USEC_PER_SEC, on_deadline, client);
        if (r < 0)
                return r;
        client->deadline_armed = true;
        return 0;
}

/* At once: the longer it takes, the likelier is another process with the same number. */
static void pin_process(Client *client, int fd) {
        g_auto(Err) err = ERR_INIT;

        if (polkit_subject_load(fd, &client->subject, &err) < 0)
                log_debug("client %" PRIu64 ": %s", client->id, err.message);
}

static int identify_process(Client *client, const ClientSocket *socket, Err *err) {
        socklen_t length = sizeof(client->peer);

        if (getsockopt(socket->fd, SOL_SOCKET, SO_PEERCRED, &client->peer, &length) < 0)
                return fail_errno(err, neg_errno(), "cannot ask who connected");
        client->name = g_strdup_printf("pid %d", client->peer.pid);
        client->access = socket->access;
        if (client->peer.uid == 0)
                allow(client);
        else if (client->access == CLIENT_BY_POLKIT)
                pin_process(client, socket->fd);
        return 0;
}

/* Nobody of this host, whatever the address says. */
static void identify_host(Client *client, int fd) {
        struct sockaddr_storage address = {};
        socklen_t length = sizeof(address);
        char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";

        client->peer = (struct ucred){.uid = (uid_t)-1, .gid = (gid_t)-1};
        if (getpeername(fd, (struct sockaddr *)&address, &length) == 0)
                getnameinfo((struct sockaddr *)&address, length, host, sizeof(host), port,
                            sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
        client->name = g_strdup_printf("%s port %s", host, port);
}

/* Messages are small and answered at once; a host that is gone must be noticed. */
static void tune_tcp(int fd) {
        static const int one = 1;

        if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) < 0)
                log_debug("cannot tune a socket: %s", g_strerror(errno));
}

static int add_transport(Client *client, const ClientSocket *socket, Err *err) {
        size_t max = socket->read_only || socket->access != CLIENT_ALLOWED
                             ? CLIENT_READ_ONLY_MESSAGE_MAX
                             : RPC_PACKET_MAX;
        TlsSession *session = NULL;
        int r;

        if (!socket->tls) {
                client->transport = transport_new_consume(socket->fd, max);
                return identify_process(client, socket, err);
        }
        r = tls_session_new(socket->tls, socket->fd, &session, err);
        if (r < 0) {
                close(socket->fd);
                return r;
        }
        tune_tcp(socket->fd);
        identify_host(client, socket->fd);
        client->transport = transport_new_tls_consume(socket->fd, session, max);
        return 0;
}

int client_new_consume(Server *server, const ClientSocket *socket, Client **ret, Err *err) {
        static uint64_t last_id;
        Client *client = g_new0(Client, 1);
        int r;

        client->refs = 1;
        client->id = ++last_id;
        client->read_only = socket->read_only;
        client->subject = (PolkitSubject)POLKIT_SUBJECT_INIT;
        client->calls = g_ptr_array_new();
        client->streams = g_ptr_array_new();
        r = add_transport(client, socket, err);
        if (r < 0) {
                client_unref(client);
                return r;
        }
        r = add_sources(client, server_manager(server)->event);
        if (r < 0) {
                fail_errno(err, r, "cannot watch the connection of a client");
                client->io = sd_event_source_disable_unref(client->io);
                client->wake = sd_event_source_disable_unref(client->wake);
                client_unref(client);
                return r;
        }
        client->server = server;
        log_debug("client %" PRIu64 ": %s, uid %u%s", client->id, client->name, client->peer.uid,
                  socket->read_only ? ", read-only" : "");
        *ret = client;
        return 0;
}

Manager *client_manager(const Client *client) {
        return server_manager(client->server);
}

uint64_t client_id(const Client *client) {
        return client->id;
}

bool client_is_verified(const Client *client) {
        return transport_is_ready(client->transport);
}

bool client_has_fds(const Client *client) {
        return transport_has_fds(client->transport);
}

uid_t client_uid(const Client *client) {
        return client->peer.uid;
}

pid_t client_pid(const Client *client) {
        return client->peer.pid;
}

bool client_is_open(const Client *client) {
        return client->uri != NULL;
}

const char *client_uri(const Client *client) {
        return client->uri;
}

void client_set_open(Client *client, const char *uri, bool read_only) {
        g_assert(!client->uri);
        client->uri = g_strdup(uri);
        client->read_only |= read_only;
}

bool client_is_read_only(const Client *client) {
        return client->read_only;
}

void client_enable_keepalive(Client *client) {
        int r;

        if (client->pinger || !client->server)
                return;
        r = sd_event_add_time_relative(client_manager(client)->event, &client->pinger,
                                       CLOCK_MONOTONIC, CLIENT_PING_INTERVAL_SEC * G_USEC_PER_SEC,
                                       G_USEC_PER_SEC, on_pinger, client);
        /* Without a timer a client that has gone silent is only noticed later. */
        if (r < 0)
                log_warning("client %" PRIu64 ": no keepalive: %s", client->id, g_strerror(-r));
}

void client_close_when_sent(Client *client) {
        client->close_when_sent = true;
        client->deadline_renewed = true;
        client->pinger = sd_event_source_disable_unref(client->pinger);
        client_wake(client);
}

void client_send_fds_consume(Client *client, GByteArray *bytes, const int *fds, size_t n_fds) {
        G_GNUC_UNUSED g_autoptr(Client) held = client_ref(client); /* it may be closed on the way */
        bool was_idle;
        int r;

        if (!client->server) {
                g_byte_array_unref(bytes);
                return;
        }
        was_idle = transport_backlog(client->transport) == 0;
        r = transport_send_consume(client->transport, bytes, fds, n_fds);
        if (r < 0)
                client_close(client, "closed: no descriptor is left for its answer");
        else if (transport_backlog(client->transport) > CLIENT_BACKLOG_MAX)
                client_close(client, "closed: it does not read its answers");
        else if (was_idle)
                client_flush(client);
        /* What the socket did not take waits for EPOLLOUT; and a call fewer may be in flight. */
        client_wake(client);
}

void client_send_consume(Client *client, GByteArray *bytes) {
        client_send_fds_consume(client, bytes, NULL, 0);
}

void client_send_event(Client *client, const RpcHeader *header, xdrproc_t xdr,
                       const void *message) {
        g_auto(Err) err = ERR_INIT;
        GByteArray *bytes = NULL;

        if (!client->server)
                return;
        if (transport_backlog(client->transport) > CLIENT_BACKLOG_EVENTS) {
                client_close(client, "closed: it does not read its events");
                return;
        }
        if (rpc_packet_encode(header, 0, xdr, message, &bytes, &err) < 0)
                log_err(&err, "event %d", header->procedure);
        else
                client_send_consume(client, bytes);
}

size_t client_backlog(const Client *client) {
        return transport_backlog(client->transport);
}

void client_add_call(Client *client, Call *call) {
        g_ptr_array_add(client->calls, call);
}

void client_remove_call(Client *client, Call *call) {
        g_ptr_array_remove_fast(client->calls, call);
}

int client_take_fd(Client *client) {
        return transport_take_fd(client->transport);
}

int client_add_stream(Client *client, Stream *stream, Err *err) {
        if (client->streams->len >= CLIENT_STREAMS_MAX)
                return fail(err, VIR_ERR_RESOURCE_BUSY,
                            "%u streams are open on this connection; close one of them",
                            CLIENT_STREAMS_MAX);
        for (guint i = 0; i < client->streams->len; i++)
                if (stream_is_for(client->streams->pdata[i], stream_header(stream)))
                        return fail(err, VIR_ERR_INVALID_ARG,
                                    "a stream with serial %u is open on this connection",
                                    stream_header(stream)->serial);
        g_ptr_array_add(client->streams, stream);
        return 0;
}

void client_remove_stream(Client *client, Stream *stream) {
        g_ptr_array_remove_fast(client->streams, stream);
        client_wake(client);
}
