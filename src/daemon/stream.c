/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/stream.h"

#include <errno.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/client.h"
#include "daemon/dispatch.h"
#include "daemon/manager.h"

/* Bytes for the client that may wait before the descriptor is left alone; one read at a time, so
 * that Ctrl-C does not come behind megabytes. */
#define READ_SIZE    16384u
#define CLIENT_LIMIT 65536u

struct Stream {
        Client *client; /* borrowed: owns the stream */
        RpcHeader header;
        int fd;
        sd_event_source *io;
        GByteArray *buffer; /* from the client, for the descriptor */
        bool eof;           /* the descriptor has nothing more; the client has been told */
        bool finishing;     /* the client has nothing more; what is buffered is still written */
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
        return stream->buffer->len >= STREAM_BUFFER_MAX;
}

void stream_free(Stream *stream) {
        if (!stream)
                return;
        sd_event_source_disable_unref(stream->io);
        closep(&stream->fd);
        g_byte_array_unref(stream->buffer);
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
        bool want_read =
                !stream->eof && !stream->finishing && client_backlog(stream->client) < CLIENT_LIMIT;
        uint32_t events = (want_read ? EPOLLIN : 0) | (stream->buffer->len > 0 ? EPOLLOUT : 0);

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

static bool read_fd(Stream *stream) {
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

static bool write_fd(Stream *stream) {
        ssize_t n = write(stream->fd, stream->buffer->data, stream->buffer->len);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return true;
        if (n < 0 && !is_end(n)) {
                stream_fail_errno(stream, neg_errno(), "write");
                return false;
        }
        if (n < 0)
                g_byte_array_set_size(stream->buffer, 0); /* nobody is there to take it */
        else
                g_byte_array_remove_range(stream->buffer, 0, (guint)n);
        return true;
}

/* The client asked for the end and all that it sent is written. */
static bool finish_if_done(Stream *stream) {
        g_autoptr(Client) client = client_ref(stream->client);

        if (!stream->finishing || stream->buffer->len > 0)
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

        if (stream->buffer->len > 0 && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) &&
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

void stream_receive(Stream *stream, const RpcPacket *packet) {
        if (packet->header.type == RPC_TYPE_STREAM_HOLE) {
                g_auto(Err) err = ERR_INIT;

                fail(&err, VIR_ERR_OPERATION_INVALID, "this stream has no holes");
                err_in_domain(&err, VIR_FROM_STREAMS, 0);
                stream_fail(stream, &err);
                return;
        }
        switch (packet->header.status) {
        case RPC_STATUS_CONTINUE:
                if (!stream->finishing)
                        g_byte_array_append(stream->buffer, packet->payload,
                                            (guint)packet->payload_size);
                break;
        case RPC_STATUS_OK:
                stream->finishing = true;
                break;
        default: /* the client wants no more of it, written or not */
                g_byte_array_set_size(stream->buffer, 0);
                stream->finishing = true;
        }
        if ((stream->buffer->len == 0 || write_fd(stream)) && finish_if_done(stream))
                stream_update(stream);
}

int stream_open_consume(Call *call, int fd, StreamFunc ended, void *userdata, Stream **ret,
                        Err *err) {
        Client *client = call_client(call);
        Stream *stream;
        int r;

        if (!client) {
                closep(&fd);
                return fail(err, VIR_ERR_OPERATION_ABORTED, "the client has gone");
        }
        stream = g_new0(Stream, 1);
        stream->client = client;
        stream->fd = fd;
        stream->header = *call_header(call);
        stream->header.type = RPC_TYPE_STREAM;
        stream->buffer = g_byte_array_new();
        r = sd_event_add_io(client_manager(client)->event, &stream->io, fd, EPOLLIN, on_io, stream);
        if (r < 0)
                fail_errno(err, r, "cannot watch the descriptor of a stream");
        else
                r = client_add_stream(client, stream, err);
        if (r < 0) {
                stream_free(stream);
                return r;
        }
        stream->ended = ended;
        stream->userdata = userdata;
        if (ret)
                *ret = stream;
        return 0;
}
