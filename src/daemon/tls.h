/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The server's side of TLS on a non-blocking socket (GnuTLS). A context is what the files said when
 * they were read: each session keeps the one that it began with, so reading them again changes
 * nothing for who is there already.
 *
 *         while (tls_session_handshake(session, &err) > 0)
 *                 … wait for EPOLLIN, or EPOLLOUT where tls_session_wants_write() …
 *         … tls_session_recv(), tls_session_send() …
 */

#include <stdbool.h>
#include <sys/types.h>

#include <glib.h>

#include "base/err.h"

typedef struct TlsContext TlsContext;
typedef struct TlsSession TlsSession;

typedef struct TlsOptions {
        const char *ca_file, *cert_file, *key_file; /* PEM */
        const char *crl_file;                       /* NULL: none */
        const char *priority;                       /* GnuTLS priority string */
        bool any_client;                            /* clients need no certificate */
        /* Patterns (fnmatch(3)) of distinguished names in the order of gnutls_x509_crt_get_dn(),
         * as in libvirtd.conf; NULL: whoever has a certificate of the CA. */
        char *const *allowed_dns;
} TlsOptions;

/* Reads the files. Fails, naming the file, when one cannot be used or the server's certificate is
 * not valid now. */
int tls_context_new(const TlsOptions *options, TlsContext **ret, Err *err);
TlsContext *tls_context_ref(TlsContext *context);
void tls_context_unref(TlsContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TlsContext, tls_context_unref)

/* fd is borrowed, for as long as the session lives. */
int tls_session_new(TlsContext *context, int fd, TlsSession **ret, Err *err);
/* Says goodbye as far as the socket takes it now. */
void tls_session_free(TlsSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TlsSession, tls_session_free)

/* Goes on with the handshake, the check of the client's certificate and the byte 1 that tells the
 * client that it was accepted (the remote protocol wants it ahead of the first message). 0: done;
 * 1: it goes on when the socket is ready. On failure the client has been sent an alert. */
int tls_session_handshake(TlsSession *session, Err *err);
bool tls_session_wants_write(const TlsSession *session);

/* Whom the client's certificate names; NULL: it showed none. */
const char *tls_session_peer(const TlsSession *session);

/* As recv(2) and send(2), but with negative errnos. After -EAGAIN the same bytes are sent again. */
ssize_t tls_session_recv(TlsSession *session, void *data, size_t size);
ssize_t tls_session_send(TlsSession *session, const void *data, size_t size);

/* Bytes that are here already, and which the socket tells nothing about. */
bool tls_session_has_pending(const TlsSession *session);
