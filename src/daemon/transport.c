/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/tls.h"

/* What one recvmsg() brings at most: the kernel attaches the descriptors of one send. */
#define FDS_PER_READ RPC_PACKET_FDS_MAX

typedef struct Outgoing {
        GByteArray *bytes;
        size_t sent; /* of bytes, then of the descriptors' NUL bytes */
        int fds[RPC_PACKET_FDS_MAX];
        size_t n_fds, fds_sent;
} Outgoing;

struct Transport {
        int fd;
        TlsSession *tls; /* NULL: a plain socket */
        bool is_ready;
        size_t max_message;

        uint8_t *in;
        size_t in_start, in_end, in_capacity;
        size_t current; /* size of the message that was handed out, descriptor bytes included */
        int in_fds[RPC_PACKET_FDS_MAX];
        size_t n_in_fds;      /* received, of this message and those behind it */
        size_t n_current_fds; /* first ones, which belong to the message handed out; taken: -1 */

        GQueue out; /* of Outgoing */
        size_t backlog;
};

static void outgoing_free(Outgoing *outgoing) {
        for (size_t i = outgoing->fds_sent; i < outgoing->n_fds; i++)
                close(outgoing->fds[i]);
        g_byte_array_unref(outgoing->bytes);
        g_free(outgoing);
}

Transport *transport_new_consume(int fd, size_t max_message) {
        Transport *transport = g_new0(Transport, 1);

        transport->fd = fd;
        transport->is_ready = true;
        transport->max_message = max_message;
        g_queue_init(&transport->out);
        return transport;
}

void transport_set_max(Transport *transport, size_t max_message) {
        transport->max_message = max_message;
}

Transport *transport_new_tls_consume(int fd, TlsSession *session, size_t max_message) {
        Transport *transport = transport_new_consume(fd, max_message);

        transport->tls = session;
        transport->is_ready = false;
        return transport;
}

static void drop_in_fds(Transport *transport, size_t n) {
        for (size_t i = 0; i < n; i++)
                closep(&transport->in_fds[i]);
        transport->n_in_fds -= n;
        memmove(transport->in_fds, transport->in_fds + n,
                transport->n_in_fds * sizeof(transport->in_fds[0]));
}

void transport_free(Transport *transport) {
        if (!transport)
                return;
        drop_in_fds(transport, transport->n_in_fds);
        g_queue_clear_full(&transport->out, (GDestroyNotify)outgoing_free);
        g_free(transport->in);
        tls_session_free(transport->tls);
        closep(&transport->fd);
        g_free(transport);
}

int transport_fd(const Transport *transport) {
        return transport->fd;
}

int transport_handshake(Transport *transport, Err *err) {
        int r = transport->is_ready ? 0 : tls_session_handshake(transport->tls, err);

        transport->is_ready = r == 0;
        return r;
}

bool transport_is_ready(const Transport *transport) {
        return transport->is_ready;
}

uint32_t transport_handshake_events(const Transport *transport) {
        return tls_session_wants_write(transport->tls) ? EPOLLOUT : EPOLLIN;
}

bool transport_has_fds(const Transport *transport) {
        return !transport->tls;
}

const char *transport_peer(const Transport *transport) {
        return transport->tls ? tls_session_peer(transport->tls) : NULL;
}

static size_t buffered(const Transport *transport) {
        return transport->in_end - transport->in_start;
}

/* 1: *ret is the message at the start of the buffer, whole and with its descriptors. */
static int parse_next(Transport *transport, RpcPacket *ret) {
        const uint8_t *data = transport->in + transport->in_start;
        RpcPacket packet;
        size_t size;
        int r;

        if (buffered(transport) < RPC_PACKET_LENGTH_SIZE)
                return 0;
        r = rpc_packet_size(data, &size);
        if (r < 0)
                return r;
        if (size > transport->max_message)
                return -EBADMSG;
        if (buffered(transport) < size)
                return 0;
        r = rpc_packet_parse(data, size, &packet);
        if (r < 0)
                return r;
        if (buffered(transport) < size + packet.n_fds)
                return 0;
        /* The bytes came without their descriptors. */
        if (transport->n_in_fds < packet.n_fds)
                return -EBADMSG;
        transport->current = size + packet.n_fds;
        transport->n_current_fds = packet.n_fds;
        *ret = packet;
        return 1;
}

static void make_room(Transport *transport) {
        size_t used = buffered(transport);

        if (transport->in_start > 0) {
                memmove(transport->in, transport->in + transport->in_start, used);
                transport->in_start = 0;
                transport->in_end = used;
        }
        if (used < transport->in_capacity)
                return;
        transport->in_capacity = MAX(TRANSPORT_CHUNK, transport->in_capacity * 2);
        transport->in = g_realloc(transport->in, transport->in_capacity);
}

/* Takes over the descriptors of one control message; more than a message can have are not kept. */
static int keep_fds(Transport *transport, const struct cmsghdr *cmsg) {
        size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        int fds[FDS_PER_READ];
        size_t room = RPC_PACKET_FDS_MAX - transport->n_in_fds;

        n = MIN(n, G_N_ELEMENTS(fds));
        memcpy(fds, CMSG_DATA(cmsg), n * sizeof(int));
        if (n > room) {
                for (size_t i = 0; i < n; i++)
                        close(fds[i]);
                return -EBADMSG;
        }
        memcpy(transport->in_fds + transport->n_in_fds, fds, n * sizeof(int));
        transport->n_in_fds += n;
        return 0;
}

static int read_plain(Transport *transport) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(FDS_PER_READ * sizeof(int))];
        } control;
        struct iovec iov;
        struct msghdr message = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t n;

        make_room(transport);
        iov.iov_base = transport->in + transport->in_end;
        iov.iov_len = transport->in_capacity - transport->in_end;
        do
                n = recvmsg(transport->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? 0 : neg_errno();
        if (n == 0)
                return -ECONNRESET;
        transport->in_end += (size_t)n;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
                    keep_fds(transport, c) < 0)
                        return -EBADMSG;
        return 0;
}

/* One record at least, whole: what stayed in the session would wake nobody. */
static int read_tls(Transport *transport) {
        do {
                ssize_t n;

                make_room(transport);
                n = tls_session_recv(transport->tls, transport->in + transport->in_end,
                                     transport->in_capacity - transport->in_end);
                if (n == -EAGAIN)
                        return 0;
                if (n <= 0)
                        return n == 0 ? -ECONNRESET : (int)n;
                transport->in_end += (size_t)n;
        } while (tls_session_has_pending(transport->tls));
        return 0;
}

static int read_socket(Transport *transport) {
        return transport->tls ? read_tls(transport) : read_plain(transport);
}

int transport_receive(Transport *transport, RpcPacket *ret) {
        int r;

        g_assert(transport->current == 0);
        r = parse_next(transport, ret);
        if (r != 0)
                return r;
        r = read_socket(transport);
        if (r < 0)
                return r;
        return parse_next(transport, ret);
}

void transport_release(Transport *transport) {
        transport->in_start += transport->current;
        transport->current = 0;
        drop_in_fds(transport, transport->n_current_fds);
        transport->n_current_fds = 0;
        if (buffered(transport) > 0)
                return;
        transport->in_start = transport->in_end = 0;
        /* A large message's buffer is not kept for the small ones that follow. */
        if (transport->in_capacity > TRANSPORT_CHUNK) {
                g_clear_pointer(&transport->in, g_free);
                transport->in_capacity = 0;
        }
}

int transport_take_fd(Transport *transport) {
        for (size_t i = 0; i < transport->n_current_fds; i++)
                if (transport->in_fds[i] >= 0)
                        return steal_fd(&transport->in_fds[i]);
        return -1;
}

bool transport_has_partial(const Transport *transport) {
        return transport->current == 0 && buffered(transport) > 0;
}

int transport_send_consume(Transport *transport, GByteArray *bytes, const int *fds, size_t n_fds) {
        Outgoing *outgoing = g_new0(Outgoing, 1);

        g_assert(n_fds <= RPC_PACKET_FDS_MAX && (n_fds == 0 || transport_has_fds(transport)));
        outgoing->bytes = bytes;
        for (size_t i = 0; i < n_fds; i++) {
                int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);

                if (fd < 0) {
                        int r = neg_errno();

                        outgoing_free(outgoing);
                        return r;
                }
                outgoing->fds[outgoing->n_fds++] = fd;
        }
        g_queue_push_tail(&transport->out, outgoing);
        transport->backlog += bytes->len + n_fds;
        return 0;
}

/* -errno, unlike send(2). */
static ssize_t send_bytes(const Transport *transport, const Outgoing *outgoing) {
        const uint8_t *data = outgoing->bytes->data + outgoing->sent;
        size_t size = outgoing->bytes->len - outgoing->sent;
        ssize_t n;

        if (transport->tls)
                return tls_session_send(transport->tls, data, size);
        n = send(transport->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        return n < 0 ? neg_errno() : n;
}

/* One NUL byte with one descriptor. */
static ssize_t send_fd(int fd, const Outgoing *outgoing) {
        char nul = '\0';
        struct iovec iov = {.iov_base = &nul, .iov_len = 1};
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct msghdr message = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t n;

        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &outgoing->fds[outgoing->fds_sent], sizeof(int));
        n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        return n < 0 ? neg_errno() : n;
}

/* 1: the message has gone whole. */
static int send_some(Transport *transport, Outgoing *outgoing) {
        bool is_bytes = outgoing->sent < outgoing->bytes->len;
        ssize_t n;

        do
                n = is_bytes ? send_bytes(transport, outgoing) : send_fd(transport->fd, outgoing);
        while (n == -EINTR);
        if (n < 0)
                return (int)n;
        transport->backlog -= (size_t)n;
        if (is_bytes)
                outgoing->sent += (size_t)n;
        else
                close(outgoing->fds[outgoing->fds_sent++]);
        return outgoing->sent == outgoing->bytes->len && outgoing->fds_sent == outgoing->n_fds;
}

int transport_flush(Transport *transport) {
        Outgoing *outgoing;

        while ((outgoing = g_queue_peek_head(&transport->out))) {
                int r = send_some(transport, outgoing);

                if (r == -EAGAIN)
                        return 1;
                if (r < 0)
                        return r;
                if (r > 0)
                        outgoing_free(g_queue_pop_head(&transport->out));
        }
        return 0;
}

size_t transport_backlog(const Transport *transport) {
        return transport->backlog;
}
