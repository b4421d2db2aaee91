/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sockets that the daemon listens on, and the clients that came in over them.
 *
 * TCP, where it is asked for, speaks nothing but TLS (daemon/tls.h), and who has shown a
 * certificate there may do all that root may.
 *
 * Own sockets: DIR/airlock-sock (read-write) and DIR/airlock-sock-ro. Beside them the names at
 * which libvirt's clients look (libvirt-sock, virtqemud-sock and their -ro), all of them or, when
 * any is listened on by somebody else, none: clients would be split between two daemons otherwise.
 * A socket is made under another name, listens and is then moved to its place, because clients take
 * a file that exists for a daemon that answers. At the end each file that is still ours is removed.
 */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"
#include "daemon/call.h"

/* libvirtd's limit. */
#define SERVER_CLIENTS_MAX 5000u
/* Connections of one user other than root, so that nobody keeps the others out. All that come over
 * TLS count as one. */
#define SERVER_USER_CLIENTS_MAX 200u
/* Connections over TLS whose certificate was not seen yet; further ones wait in the kernel's queue.
 * libvirtd's limit of anonymous clients. */
#define SERVER_UNVERIFIED_MAX 20u

typedef struct Polkit Polkit; /* daemon/polkit.h */
typedef struct Server Server;
typedef struct TlsOptions TlsOptions; /* daemon/tls.h */

typedef struct ServerOptions {
        const char *socket_dir;
        const char *libvirt_dir; /* "/run/libvirt"; NULL: stay away from libvirt's names */
        const char *group;       /* may use the read-write sockets; NULL: only root may */
        bool has_polkit;       /* which is asked about others than root; the sockets are for all */
        const TlsOptions *tls; /* NULL: not over TCP */
        const char *tls_address; /* a name or number of this machine; NULL: all of them */
        unsigned tls_port;
} ServerOptions;

/* Listens, on sockets inherited from systemd too (sd_listen_fds(3); names that end in "-ro" are
 * read-only). A live daemon on our own path is an error, one on libvirt's is not. */
int server_new(Manager *manager, const ServerOptions *options, Server **ret, Err *err);

/* Closes every client and socket, and removes the files. */
void server_free(Server *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Server, server_free)

/* Reads the files anew for the connections to come; those that are there stay. On failure nothing
 * has changed. Does nothing in a server without TLS. */
int server_reload_tls(Server *server, const TlsOptions *options, Err *err);

/* NULL: who can connect gets in. */
Polkit *server_polkit(const Server *server);

Manager *server_manager(const Server *server);
unsigned server_n_clients(const Server *server);

/* From client.c: the client has closed itself; its certificate was seen. */
void server_remove_client(Server *server, Client *client);
void server_client_verified(Server *server);
