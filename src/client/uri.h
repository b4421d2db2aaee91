/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a connection goes. Forms:
 *
 *         NULL or ""                            Airlock's own socket
 *         qemu:///system, airlock:///system     the same
 *         qemu:///system?socket=PATH            that socket, as libvirt's clients write it
 *         /run/airlock/airlock-sock             the path alone
 *
 * AIRLOCK_SOCKET replaces the default path. Other hosts are not served and are refused by name. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"

#define URI_SOCKET_DEFAULT           "/run/airlock/airlock-sock"
#define URI_SOCKET_DEFAULT_READ_ONLY "/run/airlock/airlock-sock-ro"

typedef struct Uri {
        char *name;   /* what the daemon is asked to open: "qemu:///system"; "": its own choice */
        char *socket; /* absolute path */
} Uri;

/* read_only chooses the default socket; a given path serves both. VIR_ERR_INVALID_ARG for text that
 * is none of the forms above. */
int uri_parse(const char *text, bool read_only, Uri *ret, Err *err);
void uri_done(Uri *uri);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Uri, uri_done)
