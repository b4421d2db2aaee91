/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/link-tls.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <gnutls/gnutls.h>

#include "base/util.h"

/* For the whole handshake, the server's look at our certificate included. */
#define HANDSHAKE_USEC (INT64_C(30) * G_USEC_PER_SEC)

struct LinkTls {
        int fd;
        gnutls_certificate_credentials_t credentials;
        gnutls_session_t session;
};

/* ---- files ---- */

typedef struct Files {
        char *ca, *cert, *key, *crl;
} Files;

static void files_done(Files *files) {
        g_free(files->ca);
        g_free(files->cert);
        g_free(files->key);
        g_free(files->crl);
}

static Files files_in(const char *dir) {
        return (Files){
                .ca = g_build_filename(dir, "cacert.pem", NULL),
                .cert = g_build_filename(dir, "clientcert.pem", NULL),
                .key = g_build_filename(dir, "clientkey.pem", NULL),
                .crl = g_build_filename(dir, "cacrl.pem", NULL),
        };
}

static Files find_files(const Uri *uri) {
        g_autofree char *home = g_build_filename(g_get_home_dir(), ".pki/libvirt", NULL);
        const char *const dirs[] = {home, "/etc/airlock/tls"};

        if (uri->pkipath)
                return files_in(uri->pkipath);
        for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++) {
                Files files = files_in(dirs[i]);

                if (g_file_test(files.cert, G_FILE_TEST_EXISTS))
                        return files;
                files_done(&files);
        }
        return (Files){
                .ca = g_strdup("/etc/pki/CA/cacert.pem"),
                .cert = g_strdup("/etc/pki/libvirt/clientcert.pem"),
                .key = g_strdup("/etc/pki/libvirt/private/clientkey.pem"),
                .crl = g_strdup("/etc/pki/CA/cacrl.pem"),
        };
}

static int fail_file(const char *what, const char *path, int r, Err *err) {
        return fail(err, VIR_ERR_SYSTEM_ERROR, "cannot use the %s '%s': %s", what, path,
                    r == GNUTLS_E_FILE_ERROR ? "it cannot be read" : gnutls_strerror(r));
}

/* A server may let in who has no certificate. */
static int load(LinkTls *tls, const Uri *uri, Err *err) {
        _cleanup_(files_done) Files files = find_files(uri);
        int r = gnutls_certificate_allocate_credentials(&tls->credentials);

        if (r < 0)
                return fail(err, VIR_ERR_SYSTEM_ERROR, "TLS: %s", gnutls_strerror(r));
        r = gnutls_certificate_set_x509_trust_file(tls->credentials, files.ca, GNUTLS_X509_FMT_PEM);
        if (r < 0 && !uri->no_verify)
                return fail_file("CA certificate", files.ca, r, err);
        if (g_file_test(files.crl, G_FILE_TEST_EXISTS)) {
                r = gnutls_certificate_set_x509_crl_file(tls->credentials, files.crl,
                                                         GNUTLS_X509_FMT_PEM);
                if (r < 0)
                        return fail_file("revocation list", files.crl, r, err);
        }
        if (!g_file_test(files.cert, G_FILE_TEST_EXISTS))
                return 0;
        r = gnutls_certificate_set_x509_key_file(tls->credentials, files.cert, files.key,
                                                 GNUTLS_X509_FMT_PEM);
        return r < 0 ? fail_file("certificate", files.cert, r, err) : 0;
}

/* ---- the handshake ---- */

static bool is_later(ssize_t r) {
        return r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
}

static int wait_ready(const LinkTls *tls, gint64 deadline) {
        bool writes = gnutls_record_get_direction(tls->session) == 1;
        struct pollfd p = {.fd = tls->fd, .events = writes ? POLLOUT : POLLIN};
        gint64 left = deadline - g_get_monotonic_time();
        int n = left > 0 ? poll(&p, 1, (int)(left / 1000) + 1) : 0;

        if (n < 0)
                return errno == EINTR ? 0 : neg_errno();
        return n == 0 ? -ETIMEDOUT : 0;
}

/* Why the server's certificate is none for us. */
static int fail_certificate(const LinkTls *tls, const Uri *uri, Err *err) {
        unsigned status = gnutls_session_get_verify_cert_status(tls->session);
        gnutls_datum_t text = {};
        int r;

        if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0)
                text = (gnutls_datum_t){};
        r = fail(err, VIR_ERR_AUTH_FAILED, "the certificate of '%s' is refused: %s", uri->host,
                 text.data ? g_strstrip((char *)text.data) : "it is not trusted");
        gnutls_free(text.data);
        return r;
}

static int fail_session(const LinkTls *tls, const Uri *uri, ssize_t r, Err *err) {
        if (r == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
                return fail_certificate(tls, uri, err);
        if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
                return fail(err, VIR_ERR_AUTH_FAILED, "'%s' refuses the connection: %s", uri->host,
                            gnutls_alert_get_name(gnutls_alert_get(tls->session)));
        return fail(err, VIR_ERR_SYSTEM_ERROR, "cannot speak TLS with '%s': %s", uri->host,
                    r == 0 ? "it refuses our certificate" : gnutls_strerror((int)r));
}

/* The handshake, then the byte 1 by which the server says that it has accepted our certificate. */
static int shake_hands(LinkTls *tls, const Uri *uri, Err *err) {
        gint64 deadline = g_get_monotonic_time() + HANDSHAKE_USEC;
        bool is_open = false;
        char welcome = 0;

        while (welcome != 1) {
                ssize_t r = is_open ? gnutls_record_recv(tls->session, &welcome, 1)
                                    : gnutls_handshake(tls->session);
                int w;

                if (is_later(r)) {
                        w = wait_ready(tls, deadline);
                        if (w < 0)
                                return fail_errno(err, w, "cannot shake hands with '%s'",
                                                  uri->host);
                } else if ((is_open && r == 0) || (r < 0 && gnutls_error_is_fatal((int)r))) {
                        return fail_session(tls, uri, r, err);
                } else if (is_open && r > 0 && welcome != 1) {
                        return fail(err, VIR_ERR_AUTH_FAILED, "'%s' refuses our certificate",
                                    uri->host);
                }
                is_open |= r == 0;
        }
        return 0;
}

static int prepare(LinkTls *tls, const Uri *uri) {
        const char *priority = uri->tls_priority ? uri->tls_priority : "NORMAL";
        int r = gnutls_init(&tls->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

        if (r >= 0)
                r = gnutls_priority_set_direct(tls->session, priority, NULL);
        if (r >= 0)
                r = gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
        if (r >= 0)
                r = gnutls_server_name_set(tls->session, GNUTLS_NAME_DNS, uri->host,
                                           strlen(uri->host));
        if (r < 0)
                return r;
        if (!uri->no_verify)
                gnutls_session_set_verify_cert(tls->session, uri->host, 0);
        gnutls_transport_set_int(tls->session, tls->fd);
        return 0;
}

int link_tls_open(const Uri *uri, int fd, LinkTls **ret, Err *err) {
        g_autoptr(LinkTls) tls = g_new0(LinkTls, 1);
        int r;

        tls->fd = fd;
        r = load(tls, uri, err);
        if (r < 0)
                return r;
        r = prepare(tls, uri);
        if (r < 0)
                return fail(err, VIR_ERR_SYSTEM_ERROR, "cannot begin TLS: %s", gnutls_strerror(r));
        r = shake_hands(tls, uri, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&tls);
        return 0;
}

void link_tls_free(LinkTls *tls) {
        if (!tls)
                return;
        if (tls->session) {
                gnutls_bye(tls->session, GNUTLS_SHUT_WR);
                gnutls_deinit(tls->session);
        }
        if (tls->credentials)
                gnutls_certificate_free_credentials(tls->credentials);
        g_free(tls);
}

static ssize_t to_errno(ssize_t r) {
        if (r >= 0)
                return r;
        if (!gnutls_error_is_fatal((int)r))
                return -EAGAIN;
        return r == GNUTLS_E_PREMATURE_TERMINATION ? 0 : -ECONNRESET;
}

ssize_t link_tls_recv(LinkTls *tls, void *data, size_t size) {
        return to_errno(gnutls_record_recv(tls->session, data, size));
}

ssize_t link_tls_send(LinkTls *tls, const void *data, size_t size) {
        return to_errno(gnutls_record_send(tls->session, data, size));
}
