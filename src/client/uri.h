/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a connection goes. Forms:
 *
 *         NULL or ""                            Airlock's own socket
 *         qemu:///system, airlock:///system     the same
 *         qemu:///system?socket=PATH            that socket, as libvirt's clients write it
 *         /run/airlock/airlock-sock             the path alone
 *         qemu+ssh://USER@HOST:PORT/system      the same on another host, through its sshd
 *         qemu+tls://HOST:PORT/system           over TLS; qemu://HOST/system too
 *
 * AIRLOCK_SOCKET replaces the default path on this host. The parameters behind '?' have libvirt's
 * names and meaning: socket, mode; keyfile, known_hosts, command, netcat, proxy, no_verify and
 * no_tty of ssh; pkipath, no_verify and tls_priority of TLS. Any other is refused by name. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"

#define URI_SOCKET_DEFAULT           "/run/airlock/airlock-sock"
#define URI_SOCKET_DEFAULT_READ_ONLY "/run/airlock/airlock-sock-ro"
#define URI_TLS_PORT                 16514u

typedef enum UriTransport { URI_UNIX, URI_SSH, URI_TLS } UriTransport;

/* What ssh runs on the other host. */
typedef enum UriProxy {
        URI_PROXY_AUTO,
        URI_PROXY_NETCAT,
        URI_PROXY_NATIVE, /* a program that knows where the socket is */
} UriProxy;

typedef struct Uri {
        UriTransport transport;
        char *name;   /* what the daemon is asked to open: "qemu:///system"; "": its own choice */
        char *socket; /* absolute path; URI_SSH: NULL unless given; URI_TLS: NULL */
        bool read_only;

        char *host, *user; /* NULL: nothing given */
        unsigned port;     /* 0: the transport's own */
        char *keyfile;     /* each NULL: nothing given */
        char *known_hosts;
        char *command; /* in the place of "ssh" */
        char *netcat;  /* in the place of "nc" */
        char *pkipath;
        char *tls_priority;
        UriProxy proxy;
        bool no_verify; /* of the other host's key or certificate */
        bool no_tty;    /* ask nobody for a password */
} Uri;

/* read_only chooses the default socket; a given path serves both. VIR_ERR_INVALID_ARG for text that
 * is none of the forms above. */
int uri_parse(const char *text, bool read_only, Uri *ret, Err *err);
void uri_done(Uri *uri);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Uri, uri_done)
