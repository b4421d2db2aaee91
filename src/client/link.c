/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"
#include "client/link-tls.h"
#include "client/remote-shell.h"

/* A host that does not answer. */
#define CONNECT_MS 30000

struct Link {
        int fd;
        LinkTls *tls; /* NULL: none */
};

int link_fd(const Link *link) {
        return link->fd;
}

void link_free(Link *link) {
        if (!link)
                return;
        link_tls_free(link->tls);
        closep(&link->fd);
        g_free(link);
}

ssize_t link_recv(Link *link, void *data, size_t size) {
        ssize_t n;

        if (link->tls)
                return link_tls_recv(link->tls, data, size);
        n = recv(link->fd, data, size, MSG_DONTWAIT);
        return n < 0 ? neg_errno() : n;
}

ssize_t link_send(Link *link, const void *data, size_t size) {
        ssize_t n;

        if (link->tls)
                return link_tls_send(link->tls, data, size);
        n = send(link->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        return n < 0 ? neg_errno() : n;
}

/* ---- a UNIX socket ---- */

static int dial_unix(const char *path, int *ret, Err *err) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_(closep) int fd = -1;

        if (strlen(path) >= sizeof(address.sun_path))
                return fail(err, VIR_ERR_INVALID_ARG, "the socket's path '%s' is too long", path);
        memcpy(address.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return fail_errno(err, neg_errno(), "cannot create a socket");
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return fail_errno(err, neg_errno(), "Failed to connect socket to '%s'", path);
        *ret = steal_fd(&fd);
        return 0;
}

/* ---- ssh ---- */

G_NORETURN static void run_ssh(int socket, char *const *arguments) {
        if (dup2(socket, STDIN_FILENO) < 0 || dup2(socket, STDOUT_FILENO) < 0)
                _exit(126);
        /* The terminal's Ctrl-C is for the command that uses the connection. */
        setpgid(0, 0);
        signal(SIGPIPE, SIG_DFL);
        execvp(arguments[0], arguments);
        dprintf(STDERR_FILENO, "cannot run %s: %s\n", arguments[0], g_strerror(errno));
        _exit(127);
}

static int dial_ssh(const Uri *uri, int *ret, Err *err) {
        g_auto(GStrv) arguments = remote_shell_arguments(uri);
        _cleanup_(closep) int ours = -1, theirs = -1;
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return fail_errno(err, neg_errno(), "cannot create a socket");
        ours = pair[0];
        theirs = pair[1];
        r = fork_detached();
        if (r == 0) /* ends with its socket */
                run_ssh(theirs, arguments);
        if (r < 0)
                return fail_errno(err, r, "cannot start ssh");
        *ret = steal_fd(&ours);
        return 0;
}

/* ---- TCP ---- */

static int wait_connected(int fd) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        int error = 0, n;
        socklen_t length = sizeof(error);

        do
                n = poll(&p, 1, CONNECT_MS);
        while (n < 0 && errno == EINTR);
        if (n <= 0)
                return n == 0 ? -ETIMEDOUT : neg_errno();
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
                return neg_errno();
        return -error;
}

static int connect_address(const struct addrinfo *address, int *ret) {
        static const int one = 1;
        _cleanup_(closep) int fd =
                socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int r = 0;

        if (fd < 0)
                return neg_errno();
        if (connect(fd, address->ai_addr, address->ai_addrlen) < 0)
                r = errno == EINPROGRESS ? wait_connected(fd) : neg_errno();
        if (r < 0)
                return r;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        *ret = steal_fd(&fd);
        return 0;
}

static int dial_tcp(const Uri *uri, int *ret, Err *err) {
        static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
        unsigned port = uri->port > 0 ? uri->port : URI_TLS_PORT;
        g_autofree char *service = g_strdup_printf("%u", port);
        struct addrinfo *addresses = NULL;
        int r = getaddrinfo(uri->host, service, &hints, &addresses);

        if (r != 0)
                return fail(err, VIR_ERR_SYSTEM_ERROR, "cannot find the host '%s': %s", uri->host,
                            gai_strerror(r));
        r = -EADDRNOTAVAIL;
        for (const struct addrinfo *a = addresses; a && r < 0; a = a->ai_next)
                r = connect_address(a, ret);
        freeaddrinfo(addresses);
        if (r < 0)
                return fail_errno(err, r, "cannot connect to port %u of '%s'", port, uri->host);
        return 0;
}

/* ---- all ---- */

int link_open(const Uri *uri, Link **ret, Err *err) {
        g_autoptr(Link) link = g_new0(Link, 1);
        int r;

        link->fd = -1;
        if (uri->transport == URI_SSH)
                r = dial_ssh(uri, &link->fd, err);
        else if (uri->transport == URI_TLS)
                r = dial_tcp(uri, &link->fd, err);
        else
                r = dial_unix(uri->socket, &link->fd, err);
        if (r == 0 && uri->transport == URI_TLS)
                r = link_tls_open(uri, link->fd, &link->tls, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&link);
        return 0;
}
