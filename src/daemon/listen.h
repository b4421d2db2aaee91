/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sockets to listen on: UNIX sockets in the file system, and TCP. A file that is there counts as a
 * daemon for most clients, so one that nobody listens on must not stay, and one that somebody
 * listens on must not be touched. */

#include <stdbool.h>
#include <sys/types.h>

#include <glib.h>

#include "base/err.h"

typedef struct ListenOptions {
        bool is_open; /* to everyone (0666); else to root (0600) … */
        gid_t group;  /* … and to this group (0660); (gid_t)-1: to none */
} ListenOptions;

/* Whether every user can connect to a socket that listens, as far as its file's mode says: it may
 * be systemd's, of a unit that somebody has changed. path: where it lies by now; NULL: where it was
 * bound. */
bool listen_is_open(int fd, const char *path);

/* Whether somebody listens at path. Wakes no daemon that systemd would start for a connection. */
bool listen_is_live(const char *path);

/* A non-blocking socket that listens at path, in the place of a stale file. It is bound under
 * another name, listens and is then moved there. The caller has asked listen_is_live(); a daemon
 * that came in between keeps its place (-EEXIST). */
int listen_at(const char *path, const ListenOptions *options, int *ret, Err *err);

/* Non-blocking TCP sockets that listen at each address of host (a name or a number; NULL: every
 * address of this machine, IPv4 and IPv6). At most LISTEN_TCP_MAX; *ret_n of them, one at least. */
#define LISTEN_TCP_MAX 8u
int listen_tcp(const char *host, unsigned port, int fds[static LISTEN_TCP_MAX], size_t *ret_n,
               Err *err);
