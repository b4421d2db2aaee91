/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One connection: its transport, the calls in flight on it, its streams and its keepalive. What
 * goes wrong with a client's input ends that client and nobody else.
 *
 * Reading stops (and the kernel's socket buffer fills up, which slows the peer down) while
 * CLIENT_CALLS_MAX calls are in flight, while more than CLIENT_BACKLOG_HIGH bytes wait to be read
 * by the peer, or while a stream's descriptor does not take what came for it. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

#include "daemon/call.h"
#include "daemon/polkit.h"
#include "daemon/server.h"
#include "rpc/packet.h"

/* Calls that one client may have in flight; libvirtd's number. */
#define CLIENT_CALLS_MAX 5u
/* Bytes for a client that does not read: from HIGH on its calls wait, over MAX (events of a whole
 * host, and the answers to the calls in flight) it is closed. */
#define CLIENT_BACKLOG_HIGH (1u << 20)
#define CLIENT_BACKLOG_MAX  ((size_t)CLIENT_CALLS_MAX * RPC_PACKET_MAX)
/* And over this one no event is queued for it any more, but it is closed. */
#define CLIENT_BACKLOG_EVENTS (16u << 20)
#define CLIENT_STREAMS_MAX    64u
/* The read-only sockets are open to everyone: no reading call needs a longer message. Nor does a
 * client that is not allowed yet. */
#define CLIENT_READ_ONLY_MESSAGE_MAX (1u << 20)
/* The handshake of TLS, with the client's certificate, takes at most so long. */
#define CLIENT_HANDSHAKE_DEADLINE_SEC UINT64_C(10)
/* A connection that was not opened, or a message that has begun, may take this long. */
#define CLIENT_INPUT_DEADLINE_SEC UINT64_C(30)
/* What a client gets to close the connection after its goodbye was answered. */
#define CLIENT_LINGER_SEC UINT64_C(1)
/* Our pings to a client that speaks keepalive, and how many of them may stay without any sign of
 * it; libvirtd's numbers. */
#define CLIENT_PING_INTERVAL_SEC UINT64_C(5)
#define CLIENT_PINGS_MAX         5u

typedef struct Stream Stream;
typedef struct TlsContext TlsContext; /* daemon/tls.h */

/* What has to be before a client is served. Root is always. */
typedef enum ClientAccess {
        CLIENT_ALLOWED,
        CLIENT_BY_POLKIT, /* not yet: polkit has to allow it */
        CLIENT_REFUSED,   /* it came in where nobody but root is served */
} ClientAccess;

/* What a client came in over. */
typedef struct ClientSocket {
        int fd;
        bool read_only;
        ClientAccess access; /* of others than root */
        TlsContext *tls;     /* NULL: a UNIX socket; else TCP, and this is spoken on it */
} ClientSocket;

/* Takes over the descriptor. The client belongs to the server, which it tells when it is closed. */
int client_new_consume(Server *server, const ClientSocket *socket, Client **ret, Err *err);

Client *client_ref(Client *client);
void client_unref(Client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Client, client_unref)

/* Ends the connection now: streams, registrations and calls in flight lose it. why (for the log)
 * may be NULL. Harmless on one that is closed. */
void client_close(Client *client, const char *why);
bool client_is_closed(const Client *client);

Manager *client_manager(const Client *client);
uint64_t client_id(const Client *client);
/* False: TLS has not got as far as to say who it is. */
bool client_is_verified(const Client *client);
/* Descriptors can travel with its messages. */
bool client_has_fds(const Client *client);
/* Of the process that connected; from another host, -1 and 0. */
uid_t client_uid(const Client *client);
pid_t client_pid(const Client *client);

ClientAccess client_access(const Client *client);
/* Asks polkit about the process that connected: about monitoring where the connection is read-only,
 * else about managing. func gets the verdict unless the client goes first, which takes the question
 * back; then it gets an error all the same. Only for CLIENT_BY_POLKIT; RESOURCE_BUSY while a check
 * is under way. On failure func is not called. */
int client_check(Client *client, PolkitFunc func, void *userdata, Err *err);

/* CONNECT_OPEN. uri is what the client gave or the daemon's own where it gave none. */
bool client_is_open(const Client *client);
const char *client_uri(const Client *client);
void client_set_open(Client *client, const char *uri, bool read_only);
bool client_is_read_only(const Client *client);

/* The client answers pings, so it may be sent some. Harmless when called again. */
void client_enable_keepalive(Client *client);
/* CONNECT_CLOSE: nothing is read any more, and the connection ends when the client closes it or
 * CLIENT_LINGER_SEC later. */
void client_close_when_sent(Client *client);

/* Queues a message. fds: duplicated. A client that does not read is closed here. */
void client_send_consume(Client *client, GByteArray *bytes);
void client_send_fds_consume(Client *client, GByteArray *bytes, const int *fds, size_t n_fds);
/* The same for an event. */
void client_send_event(Client *client, const RpcHeader *header, xdrproc_t xdr, const void *message);
size_t client_backlog(const Client *client);

/* dispatch.c tells which calls are in flight. Removing one that is not among them does nothing. */
void client_add_call(Client *client, Call *call);
void client_remove_call(Client *client, Call *call);

/* A descriptor that came with the call that is being dispatched; -1: no further. */
int client_take_fd(Client *client);

/* stream.c: streams are found by the procedure and serial of the call that opened them. -EBUSY over
 * CLIENT_STREAMS_MAX, or when a stream with that serial is open. */
int client_add_stream(Client *client, Stream *stream, Err *err);
void client_remove_stream(Client *client, Stream *stream);

/* Something that stopped the reading may have ended: looks again in the next round of the loop. */
void client_wake(Client *client);
