/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bytes between a client's stream and a descriptor, both ways: the terminal of a guest's console,
 * or a child process that reads or writes a file (file-stream.h).
 *
 * Nothing on the wire says how much the other end can take. Towards the client, the descriptor is
 * read only while little waits to be sent; from the client, its socket is not read while the
 * descriptor does not take what came. So neither side makes the daemon grow. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"
#include "daemon/call.h"
#include "rpc/packet.h"

/* Bytes from the client that wait for the descriptor before its socket is left alone. */
#define STREAM_BUFFER_MAX RPC_STREAM_CHUNK

/* How bytes lie in the descriptor. */
typedef enum StreamKind {
        STREAM_PLAIN, /* one after the other */
        STREAM_FRAMED /* messages of a SOCK_SEQPACKET socket, each with a StreamFrame ahead */
} StreamKind;

/* First byte of a message. */
typedef enum StreamFrame {
        STREAM_FRAME_DATA = 'D',   /* bytes follow, at most STREAM_FRAME_MAX */
        STREAM_FRAME_HOLE = 'H',   /* a uint64_t follows: so many bytes that are none */
        STREAM_FRAME_RESULT = 'R', /* of the other end, its last: an int32_t follows (0, or a
                                      negative errno), then words that say more */
} StreamFrame;

#define STREAM_FRAME_MAX 65536u

typedef struct Stream Stream;

/* The stream has ended, whoever ended it; it is gone after this call. */
typedef void (*StreamFunc)(void *userdata);

/* Opens a stream on the call, which the handler then answers without delay, and takes over fd,
 * which must be non-blocking and pollable. ended may be NULL. The stream belongs to the client and
 * ends with it; *ret (may be NULL) is for stream_fail() only and valid until ended runs. */
int stream_open_consume(Call *call, int fd, StreamFunc ended, void *userdata, Stream **ret,
                        Err *err);
int stream_open_framed_consume(Call *call, int fd, StreamFunc ended, void *userdata, Err *err);

/* Ends the stream from our side and tells the client why. */
void stream_fail(Stream *stream, const Err *err);

/* For client.c. */
const RpcHeader *stream_header(const Stream *stream);
bool stream_is_for(const Stream *stream, const RpcHeader *header);
/* A packet of the client; may be the end of the stream. */
void stream_receive(Stream *stream, const RpcPacket *packet);
/* The client's socket is to be left alone. */
bool stream_is_blocked(const Stream *stream);
/* The client has taken what waited for it. */
void stream_update(Stream *stream);
/* The client has gone, or the stream is at its end. */
void stream_free(Stream *stream);
