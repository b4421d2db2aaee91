/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The client's side of TLS (GnuTLS). The server's certificate must be of the CA and name the host,
 * unless the URI has no_verify=1. Files: PKIPATH/cacert.pem, clientcert.pem, clientkey.pem and,
 * where it is there, cacrl.pem; without pkipath= those of ~/.pki/libvirt, /etc/airlock/tls or
 * libvirt's own places below /etc/pki, the first where there is a clientcert.pem. */

#include <sys/types.h>

#include <glib.h>

#include "base/err.h"
#include "client/uri.h"

typedef struct LinkTls LinkTls;

/* fd: connected, non-blocking and borrowed. Waits until the server has accepted us. */
int link_tls_open(const Uri *uri, int fd, LinkTls **ret, Err *err);
void link_tls_free(LinkTls *tls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LinkTls, link_tls_free)

ssize_t link_tls_recv(LinkTls *tls, void *data, size_t size);
ssize_t link_tls_send(LinkTls *tls, const void *data, size_t size);
