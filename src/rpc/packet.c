/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/packet.h"

#include <errno.h>
#include <string.h>

#include "rpc/error.h"
#include "rpc/remote_types.h"

#define WORD_SIZE 4u

static const char *const type_names[] = {
        [RPC_TYPE_CALL] = "call",
        [RPC_TYPE_REPLY] = "reply",
        [RPC_TYPE_MESSAGE] = "message",
        [RPC_TYPE_STREAM] = "stream",
        [RPC_TYPE_CALL_WITH_FDS] = "call with descriptors",
        [RPC_TYPE_REPLY_WITH_FDS] = "reply with descriptors",
        [RPC_TYPE_STREAM_HOLE] = "stream hole",
};
G_STATIC_ASSERT(G_N_ELEMENTS(type_names) == _RPC_TYPE_MAX);

const char *rpc_type_to_string(RpcType type) {
        return (unsigned)type < _RPC_TYPE_MAX ? type_names[type] : "unknown";
}

static uint32_t read_word(const uint8_t *data) {
        uint32_t word;

        memcpy(&word, data, sizeof(word));
        return GUINT32_FROM_BE(word);
}

static void append_word(GByteArray *bytes, uint32_t value) {
        uint32_t word = GUINT32_TO_BE(value);

        g_byte_array_append(bytes, (const uint8_t *)&word, sizeof(word));
}

static bool type_has_fds(RpcType type) {
        return type == RPC_TYPE_CALL_WITH_FDS || type == RPC_TYPE_REPLY_WITH_FDS;
}

int rpc_packet_size(const uint8_t word[static RPC_PACKET_LENGTH_SIZE], size_t *ret) {
        uint32_t size = read_word(word);

        if (size < RPC_PACKET_MIN || size > RPC_PACKET_MAX)
                return -EBADMSG;
        *ret = size;
        return 0;
}

static int parse_fds(RpcPacket *packet) {
        if (!type_has_fds(packet->header.type))
                return 0;
        if (packet->payload_size < WORD_SIZE)
                return -EBADMSG;
        packet->n_fds = read_word(packet->payload);
        if (packet->n_fds > RPC_PACKET_FDS_MAX)
                return -EBADMSG;
        packet->payload += WORD_SIZE;
        packet->payload_size -= WORD_SIZE;
        return 0;
}

int rpc_packet_parse(const uint8_t *data, size_t size, RpcPacket *ret) {
        RpcPacket packet = {};
        uint32_t words[RPC_PACKET_MIN / WORD_SIZE];
        int r;

        if (size < RPC_PACKET_MIN)
                return -EBADMSG;
        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                words[i] = read_word(data + i * WORD_SIZE);
        if (words[0] != size || words[4] >= _RPC_TYPE_MAX || words[6] >= _RPC_STATUS_MAX)
                return -EBADMSG;
        packet.header = (RpcHeader){
                .program = words[1],
                .version = words[2],
                .procedure = (int32_t)words[3],
                .type = words[4],
                .serial = words[5],
                .status = words[6],
        };
        packet.payload = data + RPC_PACKET_MIN;
        packet.payload_size = size - RPC_PACKET_MIN;
        r = parse_fds(&packet);
        if (r < 0)
                return r;
        *ret = packet;
        return 0;
}

int rpc_packet_decode(const RpcPacket *packet, xdrproc_t xdr, void *ret, size_t ret_size,
                      Err *err) {
        XDR stream;
        bool ok;

        memset(ret, 0, ret_size);
        /* A stream that decodes only reads its memory, although it takes it without const. */
        xdrmem_create(&stream, (char *)(uintptr_t)packet->payload, (u_int)packet->payload_size,
                      XDR_DECODE);
        ok = xdr(&stream, ret);
        xdr_destroy(&stream);
        if (ok)
                return 0;
        xdr_free(xdr, ret);
        memset(ret, 0, ret_size);
        fail(err, VIR_ERR_RPC, "Unable to decode the payload of procedure %d",
             packet->header.procedure);
        return -EBADMSG;
}

static GByteArray *packet_begin(const RpcHeader *header, unsigned n_fds, size_t payload_size) {
        GByteArray *bytes =
                g_byte_array_sized_new((guint)(RPC_PACKET_MIN + WORD_SIZE + payload_size));
        bool has_fds = type_has_fds(header->type);

        append_word(bytes, (uint32_t)(RPC_PACKET_MIN + (has_fds ? WORD_SIZE : 0) + payload_size));
        append_word(bytes, header->program);
        append_word(bytes, header->version);
        append_word(bytes, (uint32_t)header->procedure);
        append_word(bytes, header->type);
        append_word(bytes, header->serial);
        append_word(bytes, header->status);
        if (has_fds)
                append_word(bytes, n_fds);
        return bytes;
}

int rpc_packet_encode(const RpcHeader *header, unsigned n_fds, xdrproc_t xdr, const void *value,
                      GByteArray **ret, Err *err) {
        g_autoptr(GByteArray) bytes = NULL;
        void *borrowed = (void *)(uintptr_t)value; /* XDR has one signature for both directions */
        size_t size = xdr ? xdr_sizeof(xdr, borrowed) : 0;
        XDR stream;
        guint start;
        bool ok;

        if (size > RPC_PACKET_MAX - RPC_PACKET_MIN - WORD_SIZE) {
                fail(err, VIR_ERR_RPC, "the message is larger than the protocol allows");
                return -EMSGSIZE;
        }
        bytes = packet_begin(header, n_fds, size);
        if (!xdr) {
                *ret = g_steal_pointer(&bytes);
                return 0;
        }
        start = bytes->len;
        g_byte_array_set_size(bytes, start + (guint)size);
        xdrmem_create(&stream, (char *)bytes->data + start, (u_int)size, XDR_ENCODE);
        ok = xdr(&stream, borrowed);
        xdr_destroy(&stream);
        if (!ok) {
                fail(err, VIR_ERR_RPC, "Unable to encode the payload of procedure %d",
                     header->procedure);
                return -EINVAL;
        }
        *ret = g_steal_pointer(&bytes);
        return 0;
}

GByteArray *rpc_packet_encode_raw(const RpcHeader *header, const void *data, size_t size) {
        GByteArray *bytes;

        g_assert(size <= RPC_STREAM_CHUNK);
        bytes = packet_begin(header, 0, size);
        if (size > 0)
                g_byte_array_append(bytes, data, (guint)size);
        return bytes;
}

GByteArray *rpc_packet_encode_error(const RpcHeader *header, const Err *err) {
        RpcHeader answer = *header;
        GByteArray *bytes = NULL;
        remote_error error = {};
        int r;

        answer.type = header->type == RPC_TYPE_STREAM || header->type == RPC_TYPE_STREAM_HOLE
                              ? RPC_TYPE_STREAM
                              : RPC_TYPE_REPLY;
        answer.status = RPC_STATUS_ERROR;
        rpc_error_fill(err, &error);
        r = rpc_packet_encode(&answer, 0, (xdrproc_t)xdr_remote_error, &error, &bytes, NULL);
        g_assert(r >= 0); /* rpc_error_fill() keeps the texts within the limit */
        xdr_free((xdrproc_t)xdr_remote_error, &error);
        return bytes;
}

int rpc_packet_decode_error(const RpcPacket *packet, Err *ret) {
        remote_error error;
        int r;

        r = rpc_packet_decode(packet, (xdrproc_t)xdr_remote_error, &error, sizeof(error), ret);
        if (r < 0)
                return r;
        rpc_error_read(&error, ret);
        xdr_free((xdrproc_t)xdr_remote_error, &error);
        return 0;
}
