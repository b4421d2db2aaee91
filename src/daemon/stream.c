/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/client.h"
#include "daemon/dispatch.h"
#include "daemon/manager.h"
#include "rpc/remote_types.h"

/* Bytes for the client that may wait before the descriptor is left alone; one read at a time, so
 * that Ctrl-C does not come behind megabytes. */
#define READ_SIZE    16384u
#define CLIENT_LIMIT 65536u

struct Stream {
        Client *client; /* borrowed: owns the stream */
        RpcHeader header;
        StreamKind kind;
        int fd;
        sd_event_source *io;
        GQueue chunks;   /* of GByteArray: from the client, for the descriptor */
        size_t buffered; /* bytes in them */
        bool eof;        /* the descriptor has nothing more; the client has been told */
        bool finishing;  /* the client has nothing more; what is buffered is still written */
        bool is_shut;    /* framed: the other end knows that nothing more comes */
        bool is_whole;   /* framed: the other end said that all went well */
        StreamFunc ended;
        void *userdata;
};

const RpcHeader *stream_header(const Stream *stream) {
        return &stream->header;
}

bool stream_is_for(const Stream *stream, const RpcHeader *header) {
        return stream->header.program == header->program &&
               stream->header.procedure == header->procedure &&
               stream->header.serial == header->serial;
}

bool stream_is_blocked(const Stream *stream) {
        return stream->buffered >= STREAM_BUFFER_MAX;
}

static void drop_chunks(Stream *stream) {
        GByteArray *chunk;

        while ((chunk = g_queue_pop_head(&stream->chunks)))
                g_byte_array_unref(chunk);
        stream->buffered = 0;
}

void stream_free(Stream *stream) {
        if (!stream)
                return;
        sd_event_source_disable_unref(stream->io);
        closep(&stream->fd);
        drop_chunks(stream);
        if (stream->ended)
                stream->ended(stream->userdata);
        g_free(stream);
}

static void stream_end(Stream *stream) {
        client_remove_stream(stream->client, stream);
        stream_free(stream);
}

static void send_packet(Stream *stream, RpcStatus status, const void *data, size_t size) {
        RpcHeader header = stream->header;

        header.status = status;
        client_send_consume(stream->client, rpc_packet_encode_raw(&header, data, size));
}

/* A client that is closed while it is sent something takes its streams with it. */
void stream_fail(Stream *stream, const Err *err) {
        g_autoptr(Client) client = client_ref(stream->client);

        client_send_consume(client, rpc_packet_encode_error(&stream->header, err));
        if (!client_is_closed(client))
                stream_end(stream);
}

/* The events that are wanted of the descriptor now. */
void stream_update(Stream *stream) {
        bool waits_for_result = stream->finishing && stream->kind == STREAM_FRAMED;
        bool want_read = !stream->eof && (!stream->finishing || waits_for_result) &&
                         client_backlog(stream->client) < CLIENT_LIMIT;
        uint32_t events = (want_read ? EPOLLIN : 0) | (stream->buffered > 0 ? EPOLLOUT : 0);

        sd_event_source_set_io_events(stream->io, events);
        /* A descriptor whose other end is gone would wake the loop for ever by EPOLLHUP. */
        sd_event_source_set_enabled(stream->io, events ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* The terminal of a guest that is gone answers EIO: an end like any other. */
static bool is_end(ssize_t n) {
        return n == 0 || errno == EIO || errno == ECONNRESET || errno == EPIPE;
}

static void stream_fail_errno(Stream *stream, int r, const char *what) {
        g_auto(Err) err = ERR_INIT;

        fail_errno(&err, r, "cannot %s the stream", what);
        err_in_domain(&err, VIR_FROM_STREAMS, 0);
        stream_fail(stream, &err);
}

/* Each of these returns false when the stream is gone. */

static bool read_plain(Stream *stream) {
        uint8_t data[READ_SIZE];
        ssize_t n = read(stream->fd, data, sizeof(data));

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return true;
        if (n <= 0 && !is_end(n)) {
                stream_fail_errno(stream, neg_errno(), "read");
                return false;
        }
        stream->eof = n <= 0;
        /* An empty packet is the end of the data. */
        send_packet(stream, RPC_STATUS_CONTINUE, data, n > 0 ? (size_t)n : 0);
        return true;
}

static void send_hole(Stream *stream, uint64_t length) {
        remote_stream_hole hole = {.length = (quad_t)length};
        RpcHeader header = stream->header;
        GByteArray *packet = NULL;

        header.type = RPC_TYPE_STREAM_HOLE;
        header.status = RPC_STATUS_CONTINUE;
        if (rpc_packet_encode(&header, 0, (xdrproc_t)xdr_remote_stream_hole, &hole, &packet,
                              NULL) == 0)
                client_send_consume(stream->client, packet);
}

/* The last word of the other end. */
static bool take_result(Stream *stream, const uint8_t *data, size_t size) {
        g_auto(Err) err = ERR_INIT;
        int32_t result = -EIO;

        if (size >= sizeof(result))
                memcpy(&result, data, sizeof(result));
        stream->eof = true;
        if (result >= 0) {
                stream->is_whole = true;
                if (!stream->finishing)
                        send_packet(stream, RPC_STATUS_CONTINUE, NULL, 0);
                return true;
        }
        fail_errno(&err, result, "%.*s", (int)(size - MIN(size, sizeof(result))),
                   (const char *)data + MIN(size, sizeof(result)));
        err_in_domain(&err, VIR_FROM_STREAMS, 0);
        stream_fail(stream, &err);
        return false;
}

static bool read_framed(Stream *stream) {
        uint8_t data[STREAM_FRAME_MAX + 1];
        ssize_t n = recv(stream->fd, data, sizeof(data), 0);
        uint64_t length = 0;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return true;
        if (n <= 0) { /* it died without a word */
                stream_fail_errno(stream, n < 0 ? neg_errno() : -EPIPE, "go on with");
                return false;
        }
        if (data[0] == STREAM_FRAME_RESULT)
                return take_result(stream, data + 1, (size_t)n - 1);
        if (data[0] == STREAM_FRAME_HOLE && (size_t)n > sizeof(length)) {
                memcpy(&length, data + 1, sizeof(length));
                send_hole(stream, length);
        } else if (data[0] == STREAM_FRAME_DATA) {
                send_packet(stream, RPC_STATUS_CONTINUE, data + 1, (size_t)n - 1);
        }
        return true;
}

static bool read_fd(Stream *stream) {
        return stream->kind == STREAM_FRAMED ? read_framed(stream) : read_plain(stream);
}

/* n bytes of the first chunk are where they belong. */
static void chunk_written(Stream *stream, size_t n) {
        GByteArray *chunk = g_queue_peek_head(&stream->chunks);

        stream->buffered -= n;
        if (n < chunk->len)
                g_byte_array_remove_range(chunk, 0, (guint)n);
        else
                g_byte_array_unref(g_queue_pop_head(&stream->chunks));
}

/* A framed stream that cannot be written to has been told why, or is about to be. */
static bool write_fd(Stream *stream) {
        const GByteArray *chunk = g_queue_peek_head(&stream->chunks);
        ssize_t n = stream->kind == STREAM_FRAMED
                            ? send(stream->fd, chunk->data, chunk->len, MSG_NOSIGNAL)
                            : write(stream->fd, chunk->data, chunk->len);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return true;
        if (n < 0 && !is_end(n)) {
                stream_fail_errno(stream, neg_errno(), "write");
                return false;
        }
        if (n < 0)
                drop_chunks(stream); /* nobody is there to take it */
        else
                chunk_written(stream, (size_t)n);
        return true;
}

/* Framed: the other end learns that nothing more comes, and answers when all is done. */
static bool is_done(Stream *stream) {
        if (!stream->finishing || stream->buffered > 0)
                return false;
        if (stream->kind == STREAM_PLAIN)
                return true;
        if (!stream->is_shut)
                shutdown(stream->fd, SHUT_WR);
        stream->is_shut = true;
        return stream->is_whole;
}

/* The client asked for the end and all that it sent is written. */
static bool finish_if_done(Stream *stream) {
        g_autoptr(Client) client = client_ref(stream->client);

        if (!is_done(stream))
                return true;
        send_packet(stream, RPC_STATUS_OK, NULL, 0);
        if (!client_is_closed(client))
                stream_end(stream);
        return false;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Stream *stream = userdata;
        g_autoptr(Client) client = client_ref(stream->client);
        bool was_blocked = stream_is_blocked(stream);

        if (stream->buffered > 0 && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) &&
            !write_fd(stream))
                return 0;
        if (!stream->eof && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !read_fd(stream))
                return 0;
        if (client_is_closed(client) || !finish_if_done(stream))
                return 0;
        if (was_blocked && !stream_is_blocked(stream))
                client_wake(client);
        stream_update(stream);
        return 0;
}

static void add_chunk(Stream *stream, StreamFrame frame, const void *data, size_t size) {
        GByteArray *chunk = g_byte_array_new();
        uint8_t tag = (uint8_t)frame;

        if (stream->kind == STREAM_FRAMED)
                g_byte_array_append(chunk, &tag, 1);
        g_byte_array_append(chunk, data, (guint)size);
        stream->buffered += chunk->len;
        g_queue_push_tail(&stream->chunks, chunk);
}

static void add_data(Stream *stream, const uint8_t *data, size_t size) {
        while (size > 0) {
                size_t n = MIN(size, STREAM_FRAME_MAX);

                add_chunk(stream, STREAM_FRAME_DATA, data, n);
                data += n;
                size -= n;
        }
}

/* True: taken; else the stream is gone. */
static bool take_hole(Stream *stream, const RpcPacket *packet) {
        remote_stream_hole hole = {};
        g_auto(Err) err = ERR_INIT;
        uint64_t length;

        if (stream->kind == STREAM_PLAIN)
                fail(&err, VIR_ERR_OPERATION_INVALID, "this stream has no holes");
        else if (rpc_packet_decode(packet, (xdrproc_t)xdr_remote_stream_hole, &hole, sizeof(hole),
                                   &err) == 0 &&
                 hole.length < 0)
                fail(&err, VIR_ERR_RPC, "a hole has less than no bytes");
        if (err_is_set(&err)) {
                err_in_domain(&err, VIR_FROM_STREAMS, 0);
                stream_fail(stream, &err);
                return false;
        }
        length = (uint64_t)hole.length;
        add_chunk(stream, STREAM_FRAME_HOLE, &length, sizeof(length));
        return true;
}

/* The client wants no more of it, written or not. */
static void take_abort(Stream *stream) {
        drop_chunks(stream);
        stream->finishing = true;
        stream->is_whole = true; /* whatever became of it */
}

void stream_receive(Stream *stream, const RpcPacket *packet) {
        bool is_data = packet->header.status == RPC_STATUS_CONTINUE && !stream->finishing;

        if (packet->header.type == RPC_TYPE_STREAM_HOLE) {
                if (is_data && !take_hole(stream, packet))
                        return;
        } else if (is_data) {
                add_data(stream, packet->payload, packet->payload_size);
        }
        if (packet->header.status == RPC_STATUS_OK)
                stream->finishing = true;
        else if (packet->header.status == RPC_STATUS_ERROR)
                take_abort(stream);
        if ((stream->buffered == 0 || write_fd(stream)) && finish_if_done(stream))
                stream_update(stream);
}

static int open_stream(Call *call, int fd, StreamKind kind, Stream **ret, Err *err) {
        Client *client = call_client(call);
        Stream *stream;
        int r;

        if (!client) {
                closep(&fd);
                fail(err, VIR_ERR_OPERATION_ABORTED, "the client has gone");
                return -ECANCELED;
        }
        stream = g_new0(Stream, 1);
        stream->client = client;
        stream->kind = kind;
        stream->fd = fd;
        stream->header = *call_header(call);
        stream->header.type = RPC_TYPE_STREAM;
        g_queue_init(&stream->chunks);
        r = sd_event_add_io(client_manager(client)->event, &stream->io, fd, EPOLLIN, on_io, stream);
        if (r != 0)
                fail_errno(err, r, "cannot watch the descriptor of a stream");
        else
                r = client_add_stream(client, stream, err);
        if (r != 0) {
                stream_free(stream);
                return r;
        }
        *ret = stream;
        return 0;
}

int stream_open_consume(Call *call, int fd, StreamFunc ended, void *userdata, Stream **ret,
                        Err *err) {
        Stream *stream = NULL;
        int r = open_stream(call, fd, STREAM_PLAIN, &stream, err);

        if (r != 0)
                return r;
        stream->ended = ended;
        stream->userdata = userdata;
        if (ret)
                *ret = stream;
        return 0;
}

int stream_open_framed_consume(Call *call, int fd, StreamFunc ended, void *userdata, Err *err) {
        Stream *stream = NULL;
        int r = open_stream(call, fd, STREAM_FRAMED, &stream, err);

        if (r != 0)
                return r;
        stream->ended = ended;
        stream->userdata = userdata;
        return 0;
}
