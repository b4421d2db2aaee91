/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* airlock-ssh-helper [-r] [URI]: what ssh runs on this host for a client on another one. Copies
 * bytes between its standard streams and the socket that the URI leads to, and ends with the
 * socket. It takes the arguments of libvirt's virt-ssh-helper and can stand in its place. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "client/link.h"

#define BUFFER_SIZE 65536u

/* Bytes on their way in one direction. */
typedef struct Pipe {
        int from, to;
        size_t start, end; /* of what waits in data */
        bool eof;
        char data[BUFFER_SIZE];
} Pipe;

static bool wants_read(const Pipe *pipe) {
        return !pipe->eof && pipe->start == pipe->end;
}

static int take(Pipe *pipe) {
        ssize_t n = read(pipe->from, pipe->data, sizeof(pipe->data));

        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 0 : neg_errno();
        pipe->start = 0;
        pipe->end = (size_t)n;
        pipe->eof = n == 0;
        return 0;
}

static int give(Pipe *pipe) {
        ssize_t n = write(pipe->to, pipe->data + pipe->start, pipe->end - pipe->start);

        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 0 : neg_errno();
        pipe->start += (size_t)n;
        return 0;
}

/* One of the two: what is there goes out before more comes in. */
static struct pollfd poll_of(const Pipe *pipe) {
        if (wants_read(pipe))
                return (struct pollfd){.fd = pipe->from, .events = POLLIN};
        if (pipe->start < pipe->end)
                return (struct pollfd){.fd = pipe->to, .events = POLLOUT};
        return (struct pollfd){.fd = -1};
}

static int move(Pipe *pipe, const struct pollfd *p) {
        if (p->fd < 0 || p->revents == 0)
                return 0;
        return wants_read(pipe) ? take(pipe) : give(pipe);
}

/* Until the daemon has closed its end and all of it has gone out. */
static int copy(int socket, Err *err) {
        g_autofree Pipe *up = g_new0(Pipe, 1), *down = g_new0(Pipe, 1);
        bool is_shut = false;

        up->from = STDIN_FILENO;
        up->to = down->from = socket;
        down->to = STDOUT_FILENO;
        while (!down->eof) {
                struct pollfd p[] = {poll_of(up), poll_of(down)};
                int r;

                if (poll(p, G_N_ELEMENTS(p), -1) < 0 && errno != EINTR)
                        return fail_errno(err, neg_errno(), "cannot wait");
                r = move(up, &p[0]);
                if (r == 0)
                        r = move(down, &p[1]);
                if (r < 0 && r != -EPIPE && r != -ECONNRESET)
                        return fail_errno(err, r, "the connection broke");
                if (r < 0)
                        return 0;
                if (up->eof && !is_shut)
                        shutdown(socket, SHUT_WR);
                is_shut = up->eof;
        }
        return 0;
}

static int serve(int argc, char **argv, Err *err) {
        bool read_only = argc > 1 && g_str_equal(argv[1], "-r");
        const char *text = argv[1 + read_only];
        g_autoptr(Link) link = NULL;
        g_auto(Uri) uri = {};
        int r;

        if (argc > 2 + read_only || (text && text[0] == '-'))
                return fail(err, VIR_ERR_INVALID_ARG, "usage: airlock-ssh-helper [-r] [URI]");
        r = uri_parse(text, read_only, &uri, err);
        if (r < 0)
                return r;
        if (uri.transport != URI_UNIX)
                return fail(err, VIR_ERR_INVALID_ARG, "'%s' does not lead to this host", text);
        r = link_open(&uri, &link, err);
        return r < 0 ? r : copy(link_fd(link), err);
}

int main(int argc, char **argv) {
        g_auto(Err) err = ERR_INIT;
        g_autofree char *text = NULL;

        signal(SIGPIPE, SIG_IGN);
        if (serve(argc, argv, &err) == 0)
                return EXIT_SUCCESS;
        text = err_text(&err);
        fprintf(stderr, "airlock-ssh-helper: %s\n", text);
        return EXIT_FAILURE;
}
