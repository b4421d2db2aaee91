/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/server.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/client.h"
#include "daemon/manager.h"

/* After a connection could not be accepted (no descriptor left), this long until the next try. */
#define ACCEPT_PAUSE_USEC (500 * 1000)

typedef struct Listener {
        Server *server;
        int fd;
        sd_event_source *io;
        char *path; /* file to remove at the end; NULL: it is systemd's */
        ino_t inode;
        dev_t device;
        bool read_only;
} Listener;

struct Server {
        Manager *manager;
        GPtrArray *listeners;
        GPtrArray *clients; /* of Client, one reference each */
        sd_event_source *resume;
        char *made_dir; /* libvirt's directory, where we had to make it */
        gid_t group;    /* of the read-write sockets; (gid_t)-1: none */
};

Manager *server_manager(const Server *server) {
        return server->manager;
}

unsigned server_n_clients(const Server *server) {
        return server->clients->len;
}

static void remove_file(const Listener *listener) {
        struct stat st;

        /* Another daemon may have put its own there since. */
        if (listener->path && lstat(listener->path, &st) == 0 && st.st_ino == listener->inode &&
            st.st_dev == listener->device)
                unlink(listener->path);
}

static void listener_free(Listener *listener) {
        sd_event_source_disable_unref(listener->io);
        closep(&listener->fd);
        remove_file(listener);
        g_free(listener->path);
        g_free(listener);
}

void server_free(Server *server) {
        if (!server)
                return;
        g_ptr_array_set_size(server->listeners, 0);
        sd_event_source_disable_unref(server->resume);
        while (server->clients->len > 0)
                client_close(server->clients->pdata[server->clients->len - 1], NULL);
        g_ptr_array_unref(server->listeners);
        g_ptr_array_unref(server->clients);
        if (server->made_dir)
                rmdir(server->made_dir); /* stays when others use it by now */
        g_free(server->made_dir);
        g_free(server);
}

static void enable_listeners(Server *server, bool enable) {
        for (guint i = 0; i < server->listeners->len; i++) {
                const Listener *listener = server->listeners->pdata[i];

                sd_event_source_set_enabled(listener->io, enable ? SD_EVENT_ON : SD_EVENT_OFF);
        }
}

void server_remove_client(Server *server, Client *client) {
        if (!g_ptr_array_remove_fast(server->clients, client))
                return;
        enable_listeners(server, true);
        client_unref(client);
}

static int on_resume(sd_event_source *source, uint64_t usec, void *userdata) {
        Server *server = userdata;

        enable_listeners(server, server->clients->len < SERVER_CLIENTS_MAX);
        return 0;
}

static void pause_accepting(Server *server, const char *why) {
        log_warning("no new clients for the moment: %s", why);
        enable_listeners(server, false);
        sd_event_source_set_time_relative(server->resume, ACCEPT_PAUSE_USEC);
        sd_event_source_set_enabled(server->resume, SD_EVENT_ONESHOT);
}

static void accept_client(Server *server, int fd, bool read_only) {
        g_auto(Err) err = ERR_INIT;
        Client *client;

        if (client_new_consume(server, fd, read_only, &client, &err) < 0) {
                log_err(&err, "cannot serve a client");
                return;
        }
        g_ptr_array_add(server->clients, client);
        /* Who is turned away waits in the kernel's queue until another has gone. */
        if (server->clients->len >= SERVER_CLIENTS_MAX)
                enable_listeners(server, false);
}

static bool is_of_this_connection(int error) {
        return error == EAGAIN || error == EINTR || error == ECONNABORTED;
}

static int on_connection(sd_event_source *source, int listen_fd, uint32_t events, void *userdata) {
        Listener *listener = userdata;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0)
                accept_client(listener->server, fd, listener->read_only);
        else if (!is_of_this_connection(errno))
                pause_accepting(listener->server, g_strerror(errno));
        return 0;
}

static int add_listener_consume(Server *server, int fd, bool read_only, const char *path,
                                Err *err) {
        Listener *listener = g_new0(Listener, 1);
        struct stat st;
        int r;

        listener->server = server;
        listener->fd = fd;
        listener->read_only = read_only;
        g_ptr_array_add(server->listeners, listener);
        if (path && lstat(path, &st) == 0) {
                listener->path = g_strdup(path);
                listener->inode = st.st_ino;
                listener->device = st.st_dev;
        }
        r = sd_event_add_io(server->manager->event, &listener->io, fd, EPOLLIN, on_connection,
                            listener);
        if (r < 0)
                return fail_errno(err, r, "cannot watch the socket '%s'", path ? path : "");
        return 0;
}

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
        STRV_FOREACH (line, lines) {
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
static bool is_live(const char *path) {
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

static int set_access(const Server *server, const char *path, bool read_only, Err *err) {
        bool has_group = !read_only && server->group != (gid_t)-1;
        mode_t mode = read_only ? 0666 : has_group ? 0660 : 0600;

        if (has_group && chown(path, (uid_t)-1, server->group) < 0)
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

/* Binds, listens and only then appears at path. */
static int listen_at(Server *server, const char *path, bool read_only, Err *err) {
        g_autofree char *made = g_strconcat(path, ".new", NULL);
        _cleanup_(closep) int fd = -1;
        int r;

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return fail_errno(err, neg_errno(), "cannot make a socket");
        r = bind_socket(fd, made, err);
        if (r < 0)
                return r;
        if (listen(fd, SERVER_BACKLOG) < 0)
                r = fail_errno(err, neg_errno(), "cannot listen on '%s'", path);
        if (r >= 0)
                r = set_access(server, made, read_only, err);
        if (r >= 0)
                r = move_into_place(made, path, err);
        if (r < 0) {
                unlink(made);
                return r;
        }
        return add_listener_consume(server, steal_fd(&fd), read_only, path, err);
}

static bool is_inherited(const Server *server, const char *path) {
        for (guint i = 0; i < server->listeners->len; i++) {
                const Listener *listener = server->listeners->pdata[i];

                if (sd_is_socket_unix(listener->fd, SOCK_STREAM, 1, path, 0) > 0)
                        return true;
        }
        return false;
}

static int take_inherited(Server *server, Err *err) {
        g_auto(GStrv) names = NULL;
        int n = sd_listen_fds_with_names(true, &names);

        if (n < 0)
                return fail_errno(err, n, "cannot take over the sockets of systemd");
        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;
                bool read_only = g_str_has_suffix(names[i], "-ro") ||
                                 g_str_has_suffix(names[i], "-ro.socket");
                int r;

                if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) <= 0) {
                        close(fd);
                        return fail(err, VIR_ERR_INVALID_ARG,
                                    "'%s', inherited from systemd, is no listening UNIX socket",
                                    names[i]);
                }
                r = fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? neg_errno() : 0;
                if (r >= 0)
                        r = add_listener_consume(server, fd, read_only, NULL, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

typedef struct SocketName {
        const char *name;
        bool read_only;
} SocketName;

static const SocketName own_names[] = {{"airlock-sock", false}, {"airlock-sock-ro", true}};

/* Where clients of libvirt look, in this order (docs/protocol.md). */
static const SocketName libvirt_names[] = {
        {"libvirt-sock-ro", true},
        {"libvirt-sock", false},
        {"virtqemud-sock-ro", true},
        {"virtqemud-sock", false},
};

static int listen_own(Server *server, const char *dir, Err *err) {
        for (size_t i = 0; i < G_N_ELEMENTS(own_names); i++) {
                g_autofree char *path = g_build_filename(dir, own_names[i].name, NULL);
                int r;

                if (is_inherited(server, path))
                        continue;
                if (is_live(path))
                        return fail(err, VIR_ERR_OPERATION_FAILED, "another daemon listens on '%s'",
                                    path);
                r = listen_at(server, path, own_names[i].read_only, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* NULL: nobody; else the path that another daemon holds. */
static char *find_libvirt(const Server *server, const char *dir) {
        for (size_t i = 0; i < G_N_ELEMENTS(libvirt_names); i++) {
                g_autofree char *path = g_build_filename(dir, libvirt_names[i].name, NULL);

                if (!is_inherited(server, path) && is_live(path))
                        return g_steal_pointer(&path);
        }
        return NULL;
}

static int make_libvirt_dir(Server *server, const char *dir, Err *err) {
        if (mkdir(dir, 0755) == 0)
                server->made_dir = g_strdup(dir);
        else if (errno != EEXIST)
                return fail_errno(err, neg_errno(), "cannot make '%s'", dir);
        return 0;
}

static int listen_libvirt(Server *server, const char *dir, Err *err) {
        g_autofree char *holder = find_libvirt(server, dir);
        guint n_before = server->listeners->len;
        int r;

        if (holder) {
                log_info("a libvirt daemon listens on %s: its clients are left to it", holder);
                return 0;
        }
        r = make_libvirt_dir(server, dir, err);
        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(libvirt_names); i++) {
                g_autofree char *path = g_build_filename(dir, libvirt_names[i].name, NULL);

                if (!is_inherited(server, path))
                        r = listen_at(server, path, libvirt_names[i].read_only, err);
        }
        if (r < 0)
                g_ptr_array_set_size(server->listeners, (gint)n_before);
        return r;
}

static int find_group(const char *name, gid_t *ret, Err *err) {
        const struct group *group;

        errno = 0;
        group = getgrnam(name);
        if (!group)
                return fail(err, VIR_ERR_INVALID_ARG, "there is no group '%s'", name);
        *ret = group->gr_gid;
        return 0;
}

static int server_open(Server *server, const ServerOptions *options, Err *err) {
        g_auto(Err) refused = ERR_INIT;
        int r;

        if (options->group) {
                r = find_group(options->group, &server->group, err);
                if (r < 0)
                        return r;
        }
        r = sd_event_add_time_relative(server->manager->event, &server->resume, CLOCK_MONOTONIC, 0,
                                       0, on_resume, server);
        if (r < 0)
                return fail_errno(err, r, "cannot make a timer");
        r = take_inherited(server, err);
        if (r < 0)
                return r;
        r = file_mkdir_p(options->socket_dir, 0755, err);
        if (r < 0)
                return r;
        r = listen_own(server, options->socket_dir, err);
        if (r < 0 || !options->libvirt_dir)
                return r;
        /* Our own clients are served whatever comes of libvirt's names. */
        if (listen_libvirt(server, options->libvirt_dir, &refused) < 0)
                log_err(&refused, "not at libvirt's sockets");
        return 0;
}

int server_new(Manager *manager, const ServerOptions *options, Server **ret, Err *err) {
        g_autoptr(Server) server = g_new0(Server, 1);
        int r;

        server->manager = manager;
        server->group = (gid_t)-1;
        server->listeners = g_ptr_array_new_with_free_func((GDestroyNotify)listener_free);
        server->clients = g_ptr_array_new();
        r = server_open(server, options, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&server);
        return 0;
}
