/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"

/* Connections that the kernel holds for us while we do other things. */
#define LISTEN_BACKLOG 128

static int make_address(const char *path, struct sockaddr_un *ret, Err *err) {
        *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
        if (strlen(path) >= sizeof(ret->sun_path))
                return fail(err, VIR_ERR_INVALID_ARG, "the socket path '%s' is too long", path);
        memcpy(ret->sun_path, path, strlen(path));
        return 0;
}

/* Whether the kernel lists a socket that listens at path. Asking here first keeps us from waking a
 * daemon that systemd would start for a connection. */
static bool kernel_lists(const char *path) {
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        if (!g_file_get_contents("/proc/net/unix", &text, NULL, NULL))
                return false;
        lines = g_strsplit(text, "\n", -1);
        STRV_FOREACH(line, lines) {
                unsigned long flags;
                const char *name = strchr(line, '/');
                g_auto(GStrv) fields = g_strsplit(line, " ", 5);

                if (!name || !g_str_equal(name, path) || g_strv_length(fields) < 4)
                        continue;
                flags = strtoul(fields[3], NULL, 16);
                if (flags & (1ul << 16)) /* __SO_ACCEPTCON */
                        return true;
        }
        return false;
}

/* Whether somebody answers at path. */
bool listen_is_live(const char *path) {
        struct sockaddr_un address;
        _cleanup_(closep) int fd = -1;

        if (access(path, F_OK) < 0 || make_address(path, &address, NULL) < 0)
                return false;
        if (kernel_lists(path))
                return true;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return true; /* not known: leave it alone */
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
                return true;
        return errno != ECONNREFUSED && errno != ENOENT;
}

bool listen_is_open(int fd, const char *path) {
        struct sockaddr_un address = {};
        socklen_t length = sizeof(address) - 1; /* the path keeps its end */
        struct stat st;

        if (!path && getsockname(fd, (struct sockaddr *)&address, &length) == 0)
                path = address.sun_path;
        /* What has no file, everyone can connect to. */
        return !path || *path != '/' || stat(path, &st) < 0 || (st.st_mode & S_IWOTH);
}

/* Moves the listening socket to its place, where a stale file may lie. */
static int move_into_place(const char *made, const char *path, Err *err) {
        int r;

        if (unlink(path) < 0 && errno != ENOENT)
                return fail_errno(err, neg_errno(), "cannot remove the old socket '%s'", path);
        /* A daemon that began to listen there since we looked keeps its place. */
        if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
                return 0;
        r = neg_errno();
        return fail_errno(err, r, "cannot make the socket '%s'", path);
}

static int set_access(const char *path, const ListenOptions *options, Err *err) {
        bool has_group = !options->is_open && options->group != (gid_t)-1;
        mode_t mode = options->is_open ? 0666 : has_group ? 0660 : 0600;

        if (has_group && chown(path, (uid_t)-1, options->group) < 0)
                return fail_errno(err, neg_errno(), "cannot give the socket '%s' to its group",
                                  path);
        if (chmod(path, mode) < 0)
                return fail_errno(err, neg_errno(), "cannot set the mode of the socket '%s'", path);
        return 0;
}

static int bind_socket(int fd, const char *path, Err *err) {
        struct sockaddr_un address;
        mode_t mask;
        int r;

        r = make_address(path, &address, err);
        if (r < 0)
                return r;
        unlink(path); /* of a start that was cut off; nobody else uses this name */
        mask = umask(0177);
        r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? neg_errno() : 0;
        umask(mask);
        if (r < 0)
                return fail_errno(err, r, "cannot make the socket '%s'", path);
        return 0;
}

int listen_at(const char *path, const ListenOptions *options, int *ret, Err *err) {
        g_autofree char *made = g_strconcat(path, ".new", NULL);
        _cleanup_(closep) int fd = -1;
        int r;

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return fail_errno(err, neg_errno(), "cannot make a socket");
        r = bind_socket(fd, made, err);
        if (r < 0)
                return r;
        if (listen(fd, LISTEN_BACKLOG) < 0)
                r = fail_errno(err, neg_errno(), "cannot listen on '%s'", path);
        if (r >= 0)
                r = set_access(made, options, err);
        if (r >= 0)
                r = move_into_place(made, path, err);
        if (r < 0) {
                unlink(made);
                return r;
        }
        *ret = steal_fd(&fd);
        return 0;
}

/* ---- TCP ---- */

static int bind_tcp(int fd, const struct addrinfo *address) {
        static const int one = 1;

        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
                return neg_errno();
        /* IPv4 has a socket of its own. */
        if (address->ai_family == AF_INET6 &&
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0)
                return neg_errno();
        if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
                return neg_errno();
        return 0;
}

static int listen_address(const struct addrinfo *address, int *ret) {
        _cleanup_(closep) int fd =
                socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int r;

        if (fd < 0)
                return neg_errno();
        r = bind_tcp(fd, address);
        if (r < 0)
                return r;
        *ret = steal_fd(&fd);
        return 0;
}

/* A machine without IPv6 has its wildcard address all the same: one that works is enough. */
static int listen_any(const struct addrinfo *addresses, int *fds, size_t *ret_n) {
        size_t n = 0;
        int r = -EADDRNOTAVAIL;

        for (const struct addrinfo *a = addresses; a && n < LISTEN_TCP_MAX; a = a->ai_next) {
                int result = listen_address(a, &fds[n]);

                n += result == 0;
                /* Somebody else's port is no matter of what the machine has. */
                if (result < 0 && r != -EADDRINUSE)
                        r = result;
        }
        if (n == 0 || r == -EADDRINUSE) {
                for (size_t i = 0; i < n; i++)
                        close(fds[i]);
                return r;
        }
        *ret_n = n;
        return 0;
}

int listen_tcp(const char *host, unsigned port, int fds[static LISTEN_TCP_MAX], size_t *ret_n,
               Err *err) {
        static const struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
        const char *name = host ? host : "every address";
        g_autofree char *service = g_strdup_printf("%u", port);
        struct addrinfo *addresses = NULL;
        int r = getaddrinfo(host, service, &hints, &addresses);

        if (r != 0)
                return fail(err, VIR_ERR_INVALID_ARG, "cannot listen on '%s': %s", name,
                            gai_strerror(r));
        r = listen_any(addresses, fds, ret_n);
        freeaddrinfo(addresses);
        if (r < 0)
                return fail_errno(err, r, "cannot listen on TCP port %u of %s", port, name);
        return 0;
}
