/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Messages of libvirt's wire protocol, between bytes and values, in both directions. Knows no
 * socket.
 *
 * A message is a length word that counts itself, six header words, an optional count of descriptors
 * and a payload; all words are big endian. The payload is XDR (RFC 4506) except in a stream packet
 * with status CONTINUE, where it is raw bytes without padding. The descriptors of a message follow
 * it on the socket, one with each of as many NUL bytes.
 *
 * A receiver collects RPC_PACKET_LENGTH_SIZE bytes, asks rpc_packet_size() how many the message
 * has, collects these and calls rpc_packet_parse(). */

#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <rpc/rpc.h>

#include "base/err.h"

#define RPC_PACKET_LENGTH_SIZE 4u
#define RPC_PACKET_HEADER_SIZE 24u
#define RPC_PACKET_MIN         (RPC_PACKET_LENGTH_SIZE + RPC_PACKET_HEADER_SIZE)
/* libvirt's limit is 32 MiB without the length word. */
#define RPC_PACKET_MAX     (RPC_PACKET_LENGTH_SIZE + (32u << 20))
#define RPC_PACKET_FDS_MAX 32u
/* What libvirt's clients put into one stream packet at most. */
#define RPC_STREAM_CHUNK 262120u

typedef enum RpcType {
        RPC_TYPE_CALL,
        RPC_TYPE_REPLY,
        RPC_TYPE_MESSAGE, /* an event, or keepalive */
        RPC_TYPE_STREAM,
        RPC_TYPE_CALL_WITH_FDS,
        RPC_TYPE_REPLY_WITH_FDS,
        RPC_TYPE_STREAM_HOLE,
        _RPC_TYPE_MAX,
} RpcType;

typedef enum RpcStatus {
        RPC_STATUS_OK,
        RPC_STATUS_ERROR,    /* the payload is a remote_error */
        RPC_STATUS_CONTINUE, /* stream data */
        _RPC_STATUS_MAX,
} RpcStatus;

typedef struct RpcHeader {
        uint32_t program;
        uint32_t version;
        int32_t procedure;
        RpcType type;
        uint32_t serial; /* chosen by the caller, echoed in the reply; 0 in events */
        RpcStatus status;
} RpcHeader;

/* A parsed message; payload points into the bytes that were parsed. */
typedef struct RpcPacket {
        RpcHeader header;
        unsigned n_fds; /* descriptors that follow the message */
        const uint8_t *payload;
        size_t payload_size;
} RpcPacket;

/* The size of the whole message whose first word this is; -EBADMSG outside RPC_PACKET_MIN and
 * RPC_PACKET_MAX. */
int rpc_packet_size(const uint8_t word[static RPC_PACKET_LENGTH_SIZE], size_t *ret);

/* Reads a whole message. -EBADMSG: the length word is another than size, type or status are
 * unknown, or too many descriptors are announced. */
int rpc_packet_parse(const uint8_t *data, size_t size, RpcPacket *ret);

/* Decodes the payload into *ret, which is zeroed first; the caller frees it by xdr_free(). Bytes
 * that follow the value are no error, as in libvirt. On failure nothing is left to free. */
int rpc_packet_decode(const RpcPacket *packet, xdrproc_t xdr, void *ret, size_t ret_size, Err *err);

/* The bytes of a message, ready to be sent. xdr NULL: no payload. n_fds counts only for the types
 * WITH_FDS. -EMSGSIZE: it would be longer than RPC_PACKET_MAX; -EINVAL: the value does not encode
 * (a string that is NULL, a list that is too long). */
int rpc_packet_encode(const RpcHeader *header, unsigned n_fds, xdrproc_t xdr, const void *value,
                      GByteArray **ret, Err *err);

/* The same with a payload that is bytes already: stream data of at most RPC_STREAM_CHUNK. */
GByteArray *rpc_packet_encode_raw(const RpcHeader *header, const void *data, size_t size);

/* The message that answers header with err: a reply, or for a stream packet a stream packet. */
GByteArray *rpc_packet_encode_error(const RpcHeader *header, const Err *err);

/* The error in a message with status ERROR, as rpc_error_read() gives it. */
int rpc_packet_decode_error(const RpcPacket *packet, Err *ret);

/* "call", "reply with descriptors" …; for logs. */
const char *rpc_type_to_string(RpcType type);
