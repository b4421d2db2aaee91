/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The bytes of a connection: a UNIX socket, a child process (ssh), or TCP under TLS. */

#include <sys/types.h>

#include <glib.h>

#include "base/err.h"
#include "client/uri.h"

typedef struct Link Link;

/* Blocks until the other end is there; for TLS, until it has accepted our certificate. What goes
 * wrong at the other end of ssh is seen as the end of the first read, and what ssh says of it is on
 * the standard error output. */
int link_open(const Uri *uri, Link **ret, Err *err);
void link_free(Link *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Link, link_free)

/* To be polled. */
int link_fd(const Link *link);

/* As recv(2) and send(2) that never wait, with negative errnos. size: 16 KiB at least, so that
 * nothing is left of what poll(2) told. After -EAGAIN the same bytes are sent again. */
ssize_t link_recv(Link *link, void *data, size_t size);
ssize_t link_send(Link *link, const void *data, size_t size);
