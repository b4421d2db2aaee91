/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sockets that the daemon listens on, and the clients that came in over them.
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
/* Connections of one user other than root, so that nobody keeps the others out. */
#define SERVER_USER_CLIENTS_MAX 200u

typedef struct Server Server;

typedef struct ServerOptions {
        const char *socket_dir;
        const char *libvirt_dir; /* "/run/libvirt"; NULL: stay away from libvirt's names */
        const char *group;       /* may use the read-write sockets; NULL: only root may */
} ServerOptions;

/* Listens, on sockets inherited from systemd too (sd_listen_fds(3); names that end in "-ro" are
 * read-only). A live daemon on our own path is an error, one on libvirt's is not. */
int server_new(Manager *manager, const ServerOptions *options, Server **ret, Err *err);

/* Closes every client and socket, and removes the files. */
void server_free(Server *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Server, server_free)

Manager *server_manager(const Server *server);
unsigned server_n_clients(const Server *server);

/* From client.c: the client has closed itself. */
void server_remove_client(Server *server, Client *client);
