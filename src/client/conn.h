/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A connection to airlockd, or to any daemon that speaks libvirt's remote protocol, on this host or
 * another one (client/uri.h). It is blocking and belongs to one thread:
 *
 *         g_autoptr(Conn) conn = NULL;
 *         remote_connect_get_hostname_ret ret;
 *
 *         r = conn_open(NULL, false, &conn, &err);
 *         …
 *         r = conn_call(conn, &CONN_REMOTE(CONNECT_GET_HOSTNAME,
 *                                          CONN_RET(remote_connect_get_hostname_ret, &ret)), &err);
 *         …
 *         xdr_free((xdrproc_t)xdr_remote_connect_get_hostname_ret, &ret);
 *
 * Guests, node devices, the host and hand-overs have functions of their own (client/guest.h …);
 * programs use these and never see XDR.
 *
 * While a call waits, pings are sent and answered, and a daemon that is silent for 30 s ends the
 * connection; a call that takes longer than that is none. Events are queued; who waits for some
 * polls conn_fd(), calls conn_process() and takes them by conn_take_event(). After a failure of
 * the transport conn_is_lost() is true and every call fails. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <rpc/xdr.h>

#include "base/err.h"
#include "rpc/proto.h"

typedef struct Conn Conn;

typedef struct ConnCall {
        uint32_t program;
        int procedure;
        xdrproc_t args_xdr; /* NULL: no arguments */
        const void *args;
        xdrproc_t ret_xdr; /* NULL: no result */
        void *ret;         /* filled on success; the caller frees it by xdr_free() */
        size_t ret_size;
} ConnCall;

#define CONN_REMOTE(name, ...) \
        ((ConnCall){.program = REMOTE_PROGRAM, .procedure = REMOTE_PROC_##name, __VA_ARGS__})
#define CONN_ARGS(type, pointer) .args_xdr = (xdrproc_t)xdr_##type, .args = (pointer)
#define CONN_RET(type, pointer) \
        .ret_xdr = (xdrproc_t)xdr_##type, .ret = (pointer), .ret_size = sizeof(type)

/* A message that nobody called for: an event. */
typedef struct ConnEvent {
        uint32_t program;
        int procedure;
        GByteArray *bytes; /* the whole message, for rpc_packet_parse() */
} ConnEvent;

/* text: a URI, see client/uri.h. VIR_ERR_SYSTEM_ERROR where the socket cannot be reached. */
int conn_open(const char *text, bool read_only, Conn **ret, Err *err);

/* Says goodbye first; what the daemon answers to that does not matter. */
void conn_free(Conn *conn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Conn, conn_free)

/* The URI as it was given; the daemon's own where none was. */
const char *conn_uri(const Conn *conn);

bool conn_is_lost(const Conn *conn);

/* The daemon's error comes back in err as it was sent. */
int conn_call(Conn *conn, const ConnCall *call, Err *err);

/* A call that answers with one string; call.ret is not looked at. */
int conn_call_text(Conn *conn, ConnCall call, char **ret, Err *err);

int conn_fd(const Conn *conn);

/* Takes in what the socket has, a megabyte at most, without waiting. -EPIPE when the daemon closed
 * the connection. */
int conn_process(Conn *conn, Err *err);

/* False: none is queued. The caller frees ret->bytes. */
bool conn_take_event(Conn *conn, ConnEvent *ret);

/* A stream of bytes in both directions (a guest's console): opened by a call, one a connection.
 * conn_process() collects what the daemon sends. */
int conn_stream_open(Conn *conn, const ConnCall *call, Err *err);

/* The same for a stream of a file, in which holes travel as holes. */
int conn_stream_open_sparse(Conn *conn, const ConnCall *call, Err *err);

/* What has arrived, at most everything; empty: nothing yet. */
GByteArray *conn_stream_take(Conn *conn);

/* A hole in what arrived. */
typedef struct ConnHole {
        size_t at;       /* it stands before this byte of the data */
        uint64_t length; /* bytes */
} ConnHole;

/* The same of a sparse stream; *ret_holes: ConnHole, in order. */
GByteArray *conn_stream_take_sparse(Conn *conn, GArray **ret_holes);

/* The daemon has no more to send (the guest is gone, or the console was taken over by force). */
bool conn_stream_is_ended(const Conn *conn);

int conn_stream_send(Conn *conn, const void *data, size_t size, Err *err);

/* Only on a sparse stream. */
int conn_stream_send_hole(Conn *conn, uint64_t length, Err *err);

/* Ends it from our side. A failure that the daemon sent on the stream comes out here. */
int conn_stream_close(Conn *conn, Err *err);
