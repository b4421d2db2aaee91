/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/server.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/client.h"
#include "daemon/listen.h"
#include "daemon/manager.h"
#include "daemon/polkit.h"
#include "daemon/tls.h"

/* After libvirt's sockets have gone, this long until ours are there: a libvirt daemon that starts
 * removes files before it makes its own. */
#define RETAKE_USEC UINT64_C(3000000)
/* After a connection could not be accepted (no descriptor left), this long until the next try. */
#define ACCEPT_PAUSE_USEC UINT64_C(500000)

typedef struct Listener {
        Server *server;
        int fd;
        sd_event_source *io;
        char *path; /* file to remove at the end; NULL: it is systemd's */
        ino_t inode;
        dev_t device;
        bool read_only;
        bool is_libvirt; /* one of libvirt's names */
        bool is_tls;
} Listener;

struct Server {
        Manager *manager;
        GPtrArray *listeners;
        GPtrArray *clients; /* of Client, one reference each */
        sd_event_source *resume;
        char *libvirt_dir; /* NULL: stay away from libvirt's names */
        sd_event_source *libvirt_watch;
        sd_event_source *retake;
        bool made_dir;   /* libvirt's directory, which was not there */
        gid_t group;     /* of the read-write sockets; (gid_t)-1: none */
        Polkit *polkit;  /* NULL: who can connect gets in */
        TlsContext *tls; /* of the connections to come; NULL: there is no TLS */
        bool is_paused;  /* nobody is accepted for a moment */
};

Polkit *server_polkit(const Server *server) {
        return server->polkit;
}

Manager *server_manager(const Server *server) {
        return server->manager;
}

unsigned server_n_clients(const Server *server) {
        return server->clients->len;
}

/* Another daemon may have put its own file there since. */
static bool has_its_file(const Listener *listener) {
        struct stat st;

        return listener->path && lstat(listener->path, &st) == 0 && st.st_ino == listener->inode &&
               st.st_dev == listener->device;
}

static void listener_free(Listener *listener) {
        sd_event_source_disable_unref(listener->io);
        closep(&listener->fd);
        if (has_its_file(listener))
                unlink(listener->path);
        g_free(listener->path);
        g_free(listener);
}

void server_free(Server *server) {
        if (!server)
                return;
        g_ptr_array_set_size(server->listeners, 0);
        sd_event_source_disable_unref(server->resume);
        sd_event_source_disable_unref(server->libvirt_watch);
        sd_event_source_disable_unref(server->retake);
        while (server->clients->len > 0)
                client_close(server->clients->pdata[server->clients->len - 1], NULL);
        g_ptr_array_unref(server->listeners);
        g_ptr_array_unref(server->clients);
        tls_context_unref(server->tls);
        polkit_free(server->polkit);
        if (server->made_dir)
                rmdir(server->libvirt_dir); /* stays when others use it by now */
        g_free(server->libvirt_dir);
        g_free(server);
}

static bool has_unverified_max(const Server *server) {
        unsigned n = 0;

        for (guint i = 0; server->tls && i < server->clients->len; i++)
                n += !client_is_verified(server->clients->pdata[i]);
        return n >= SERVER_UNVERIFIED_MAX;
}

/* Who is not let in waits in the kernel's queue until another has gone. */
static void update_listeners(Server *server) {
        bool has_room = !server->is_paused && server->clients->len < SERVER_CLIENTS_MAX;
        bool has_tls_room = has_room && !has_unverified_max(server);

        for (guint i = 0; i < server->listeners->len; i++) {
                const Listener *listener = server->listeners->pdata[i];
                bool enable = listener->is_tls ? has_tls_room : has_room;

                sd_event_source_set_enabled(listener->io, enable ? SD_EVENT_ON : SD_EVENT_OFF);
        }
}

void server_remove_client(Server *server, Client *client) {
        if (!g_ptr_array_remove_fast(server->clients, client))
                return;
        server->is_paused = false;
        update_listeners(server);
        client_unref(client);
}

void server_client_verified(Server *server) {
        update_listeners(server);
}

static int on_resume(sd_event_source *source, uint64_t usec, void *userdata) {
        Server *server = userdata;

        server->is_paused = false;
        update_listeners(server);
        return 0;
}

static void pause_accepting(Server *server, const char *why) {
        log_warning("no new clients for the moment: %s", why);
        server->is_paused = true;
        update_listeners(server);
        sd_event_source_set_time_relative(server->resume, ACCEPT_PAUSE_USEC);
        sd_event_source_set_enabled(server->resume, SD_EVENT_ONESHOT);
}

static bool user_has_too_many(const Server *server, uid_t uid) {
        unsigned n = 0;

        for (guint i = 0; uid != 0 && i < server->clients->len; i++)
                n += client_uid(server->clients->pdata[i]) == uid;
        return n > SERVER_USER_CLIENTS_MAX;
}

/* By the mode of a file that is open to everyone nobody was chosen. */
static ClientAccess find_access(const Listener *listener) {
        if (listener->is_tls)
                return CLIENT_ALLOWED;
        if (listener->server->polkit)
                return CLIENT_BY_POLKIT;
        return !listener->read_only && listen_is_open(listener->fd, listener->path)
                       ? CLIENT_REFUSED
                       : CLIENT_ALLOWED;
}

static void accept_client(const Listener *listener, int fd) {
        Server *server = listener->server;
        const ClientSocket socket = {
                .fd = fd,
                .read_only = listener->read_only,
                .access = find_access(listener),
                .tls = listener->is_tls ? server->tls : NULL,
        };
        g_auto(Err) err = ERR_INIT;
        Client *client;

        if (client_new_consume(server, &socket, &client, &err) < 0) {
                log_err(&err, "cannot serve a client");
                return;
        }
        g_ptr_array_add(server->clients, client);
        if (user_has_too_many(server, client_uid(client))) {
                client_close(client, "closed: its user has too many connections");
                return;
        }
        if (listener->is_tls || server->clients->len >= SERVER_CLIENTS_MAX)
                update_listeners(server);
}

static bool is_of_this_connection(int error) {
        return error == EAGAIN || error == EINTR || error == ECONNABORTED;
}

static int on_connection(sd_event_source *source, int listen_fd, uint32_t events, void *userdata) {
        Listener *listener = userdata;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0)
                accept_client(listener, fd);
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

/* ---- TLS ---- */

static int listen_tls(Server *server, const ServerOptions *options, Err *err) {
        int fds[LISTEN_TCP_MAX];
        size_t n = 0;
        int r;

        if (!options->tls)
                return 0;
        r = tls_context_new(options->tls, &server->tls, err);
        if (r >= 0)
                r = listen_tcp(options->tls_address, options->tls_port, fds, &n, err);
        for (size_t i = 0; i < n; i++) {
                Listener *listener;
                int result = add_listener_consume(server, fds[i], false, NULL, err);

                listener = server->listeners->pdata[server->listeners->len - 1];
                listener->is_tls = true;
                r = MIN(r, result);
        }
        if (r >= 0)
                log_info("serving TLS on TCP port %u", options->tls_port);
        return r;
}

int server_reload_tls(Server *server, const TlsOptions *options, Err *err) {
        TlsContext *fresh = NULL;
        int r;

        if (!server->tls)
                return 0;
        r = tls_context_new(options, &fresh, err);
        if (r < 0)
                return r;
        tls_context_unref(server->tls);
        server->tls = fresh;
        return 0;
}

/* ---- what systemd passed ---- */

static bool is_inherited(const Server *server, const char *path) {
        for (guint i = 0; i < server->listeners->len; i++) {
                const Listener *listener = server->listeners->pdata[i];

                if (sd_is_socket_unix(listener->fd, SOCK_STREAM, 1, path, 0) > 0)
                        return true;
        }
        return false;
}

/* Said at once and not only to the first who is refused. */
static void check_mode(const Server *server, int fd, const char *name) {
        if (!server->polkit && listen_is_open(fd, NULL))
                log_error("the socket '%s' of systemd is read-write and open to everyone, but "
                          "unix-auth is 'mode': nobody but root is served there; say unix-auth = "
                          "polkit in airlockd.conf, or set SocketMode=0660 and SocketGroup= in "
                          "its unit",
                          name);
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
                if (!read_only)
                        check_mode(server, fd, names[i]);
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

static int listen_name(Server *server, const char *path, bool read_only, bool is_libvirt,
                       Err *err) {
        bool is_open = read_only || (server->polkit && server->group == (gid_t)-1);
        const ListenOptions options = {.is_open = is_open, .group = server->group};
        Listener *listener;
        int fd = -1;
        int r;

        if (is_inherited(server, path))
                return 0;
        r = listen_at(path, &options, &fd, err);
        if (r >= 0)
                r = add_listener_consume(server, fd, read_only, path, err);
        if (r < 0)
                return r;
        listener = server->listeners->pdata[server->listeners->len - 1];
        listener->is_libvirt = is_libvirt;
        return 0;
}

static int listen_own(Server *server, const char *dir, Err *err) {
        for (size_t i = 0; i < G_N_ELEMENTS(own_names); i++) {
                g_autofree char *path = g_build_filename(dir, own_names[i].name, NULL);
                int r;

                if (!is_inherited(server, path) && listen_is_live(path))
                        return fail(err, VIR_ERR_OPERATION_FAILED, "another daemon listens on '%s'",
                                    path);
                r = listen_name(server, path, own_names[i].read_only, false, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the names of libvirt ---- */

typedef bool (*PathFunc)(const char *path);

static bool path_exists(const char *path) {
        return access(path, F_OK) == 0;
}

/* The first of libvirt's names of which func is true and that is not ours by inheritance. */
static char *find_libvirt(const Server *server, PathFunc func) {
        for (size_t i = 0; i < G_N_ELEMENTS(libvirt_names); i++) {
                g_autofree char *path =
                        g_build_filename(server->libvirt_dir, libvirt_names[i].name, NULL);

                if (!is_inherited(server, path) && func(path))
                        return g_steal_pointer(&path);
        }
        return NULL;
}

static void drop_libvirt(Server *server) {
        for (guint i = server->listeners->len; i > 0; i--) {
                const Listener *listener = server->listeners->pdata[i - 1];

                if (listener->is_libvirt)
                        g_ptr_array_remove_index(server->listeners, i - 1);
        }
}

/* All of them or none. */
static void listen_libvirt(Server *server) {
        g_auto(Err) err = ERR_INIT;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(libvirt_names); i++) {
                g_autofree char *path =
                        g_build_filename(server->libvirt_dir, libvirt_names[i].name, NULL);

                r = listen_name(server, path, libvirt_names[i].read_only, true, &err);
        }
        if (r >= 0)
                return;
        log_err(&err, "not at libvirt's sockets");
        drop_libvirt(server);
}

static bool holds_libvirt(const Server *server, bool *ret_whole) {
        bool holds = false;

        *ret_whole = true;
        for (guint i = 0; i < server->listeners->len; i++) {
                const Listener *listener = server->listeners->pdata[i];

                if (!listener->is_libvirt)
                        continue;
                holds = true;
                *ret_whole &= has_its_file(listener);
        }
        return holds;
}

/* A libvirt daemon that starts takes its names whether we are there or not; it gets them all. */
static int on_libvirt_dir(sd_event_source *source, const struct inotify_event *event,
                          void *userdata) {
        Server *server = userdata;
        bool is_whole;

        if (holds_libvirt(server, &is_whole) && !is_whole) {
                log_info("another daemon takes libvirt's sockets: they are left to it");
                drop_libvirt(server);
        }
        sd_event_source_set_time_relative(server->retake, RETAKE_USEC);
        sd_event_source_set_enabled(server->retake, SD_EVENT_ONESHOT);
        return 0;
}

/* Files that lie there may be a daemon that is only starting: only where there are none we go back.
 */
static int on_retake(sd_event_source *source, uint64_t usec, void *userdata) {
        Server *server = userdata;
        g_autofree char *path = find_libvirt(server, path_exists);
        bool is_whole;

        if (!path && !holds_libvirt(server, &is_whole)) {
                log_info("nobody is at libvirt's sockets any more");
                listen_libvirt(server);
        }
        return 0;
}

static int watch_libvirt(Server *server, Err *err) {
        int r;

        r = sd_event_add_inotify(server->manager->event, &server->libvirt_watch,
                                 server->libvirt_dir, IN_CREATE | IN_MOVED_TO | IN_DELETE,
                                 on_libvirt_dir, server);
        if (r >= 0)
                r = sd_event_add_time_relative(server->manager->event, &server->retake,
                                               CLOCK_MONOTONIC, RETAKE_USEC, 0, on_retake, server);
        if (r >= 0)
                r = sd_event_source_set_enabled(server->retake, SD_EVENT_OFF);
        if (r < 0)
                return fail_errno(err, r, "cannot watch '%s'", server->libvirt_dir);
        return 0;
}

static int open_libvirt(Server *server, Err *err) {
        g_autofree char *holder = find_libvirt(server, listen_is_live);
        int r;

        if (mkdir(server->libvirt_dir, 0755) == 0)
                server->made_dir = true;
        else if (errno != EEXIST)
                return fail_errno(err, neg_errno(), "cannot make '%s'", server->libvirt_dir);
        r = watch_libvirt(server, err);
        if (r < 0)
                return r;
        if (holder)
                log_info("a libvirt daemon listens on %s: its clients are left to it", holder);
        else
                listen_libvirt(server);
        return 0;
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
        if (r >= 0)
                r = listen_tls(server, options, err);
        if (r < 0)
                return r;
        r = file_mkdir_p(options->socket_dir, 0755, err);
        if (r < 0)
                return r;
        if (options->libvirt_dir) {
                server->libvirt_dir = g_strdup(options->libvirt_dir);
                /* Our own clients are served whatever comes of libvirt's names. */
                if (open_libvirt(server, &refused) < 0)
                        log_err(&refused, "not at libvirt's sockets");
        }
        /* Last: who finds our own socket finds the others too. */
        return listen_own(server, options->socket_dir, err);
}

int server_new(Manager *manager, const ServerOptions *options, Server **ret, Err *err) {
        g_autoptr(Server) server = g_new0(Server, 1);
        int r;

        server->manager = manager;
        if (options->has_polkit)
                server->polkit = polkit_new(manager->event);
        server->group = (gid_t)-1;
        server->listeners = g_ptr_array_new_with_free_func((GDestroyNotify)listener_free);
        server->clients = g_ptr_array_new();
        r = server_open(server, options, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&server);
        return 0;
}
