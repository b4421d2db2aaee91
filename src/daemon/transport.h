/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Messages over a non-blocking socket, plain or under TLS: an input buffer that grows with what
 * arrives (not with what a length word announces), an output queue, and the descriptors that travel
 * behind messages.
 *
 *         while ((r = transport_receive(transport, &packet)) > 0) {
 *                 … packet, transport_take_fd() …
 *                 transport_release(transport);
 *         }
 */

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "rpc/packet.h"

/* Input is read in pieces of this size; most messages are far smaller. */
#define TRANSPORT_CHUNK 65536u

typedef struct TlsSession TlsSession; /* daemon/tls.h */
typedef struct Transport Transport;

/* max_message: a longer one is refused as it begins; at most RPC_PACKET_MAX. */
Transport *transport_new_consume(int fd, size_t max_message);
/* Over TLS, which carries no descriptors; takes over the session too. Nothing but
 * transport_handshake() works until that has returned 0. */
Transport *transport_new_tls_consume(int fd, TlsSession *session, size_t max_message);
void transport_free(Transport *transport);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Transport, transport_free)

int transport_fd(const Transport *transport);

/* 0: messages can be exchanged now; 1: the peer must be heard first. A plain socket needs none. */
int transport_handshake(Transport *transport, Err *err);
bool transport_is_ready(const Transport *transport);
/* The peer is trusted with longer messages from now on. */
void transport_set_max(Transport *transport, size_t max_message);
/* What epoll(7) is to wait for, for the handshake to go on. */
uint32_t transport_handshake_events(const Transport *transport);
/* Descriptors can be passed. */
bool transport_has_fds(const Transport *transport);
/* Whom the peer's certificate names; NULL: there is none. */
const char *transport_peer(const Transport *transport);

/* 1: a whole message with its descriptors is there, *ret is valid until transport_release(). 0:
 * more must arrive first. -ECONNRESET: the peer has gone; -EBADMSG: what it sent is no message;
 * other errno of the socket. The socket is read once at most, so that one busy peer does not keep
 * the others waiting; messages that are in the buffer already come without reading. */
int transport_receive(Transport *transport, RpcPacket *ret);

/* Drops the message, and those of its descriptors that nobody took. */
void transport_release(Transport *transport);

/* The next descriptor of the message, which the caller then owns; -1: no further. */
int transport_take_fd(Transport *transport);

/* True while a message has begun to arrive and is not complete. */
bool transport_has_partial(const Transport *transport);

/* Queues a message (which it takes over) and duplicates of the descriptors that follow it; a
 * negative errno when one cannot be duplicated, and nothing is queued then. */
int transport_send_consume(Transport *transport, GByteArray *bytes, const int *fds, size_t n_fds);

/* Sends what the socket takes. 0: all of it, 1: some is left, or a negative errno. */
int transport_flush(Transport *transport);

/* Bytes that are queued and not sent. */
size_t transport_backlog(const Transport *transport);
