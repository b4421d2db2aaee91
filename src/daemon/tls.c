/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/tls.h"

#include <errno.h>
#include <fnmatch.h>
#include <time.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/util.h"

struct TlsContext {
        unsigned refs;
        gnutls_certificate_credentials_t credentials;
        gnutls_priority_t priority;
        bool any_client;
        GStrv allowed_dns;
};

typedef enum TlsState { TLS_HANDSHAKE, TLS_WELCOME, TLS_OPEN } TlsState;

struct TlsSession {
        TlsContext *context;
        gnutls_session_t gnutls;
        TlsState state;
        char *peer;
        Err refusal; /* of the client's certificate, from within the handshake */
};

/* ---- the context ---- */

TlsContext *tls_context_ref(TlsContext *context) {
        context->refs++;
        return context;
}

void tls_context_unref(TlsContext *context) {
        if (!context || --context->refs > 0)
                return;
        if (context->credentials)
                gnutls_certificate_free_credentials(context->credentials);
        if (context->priority)
                gnutls_priority_deinit(context->priority);
        g_strfreev(context->allowed_dns);
        g_free(context);
}

static int fail_gnutls(Err *err, int r, const char *what) {
        return fail(err, VIR_ERR_INVALID_ARG, "%s: %s", what, gnutls_strerror(r));
}

static int fail_file(Err *err, int r, const char *what, const char *path) {
        return fail(err, VIR_ERR_INVALID_ARG, "TLS: cannot use the %s '%s': %s", what, path,
                    r == GNUTLS_E_FILE_ERROR ? "it cannot be read" : gnutls_strerror(r));
}

static int check_validity(gnutls_x509_crt_t certificate, const char *path, Err *err) {
        time_t now = time(NULL);

        if (now < gnutls_x509_crt_get_activation_time(certificate))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "TLS: the server's certificate '%s' is not valid yet", path);
        if (now > gnutls_x509_crt_get_expiration_time(certificate))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "TLS: the server's certificate '%s' has expired", path);
        return 0;
}

/* Better no service than one whose clients turn away without saying why. */
static int check_own_certificate(TlsContext *context, const char *path, Err *err) {
        gnutls_x509_crt_t *list = NULL;
        unsigned n = 0;
        int r = gnutls_certificate_get_x509_crt(context->credentials, 0, &list, &n);

        if (r < 0)
                return fail_file(err, r, "certificate", path);
        r = n > 0 ? check_validity(list[0], path, err) : 0;
        for (unsigned i = 0; i < n; i++)
                gnutls_x509_crt_deinit(list[i]);
        gnutls_free(list);
        return r;
}

static int load_files(TlsContext *context, const TlsOptions *options, Err *err) {
        gnutls_certificate_credentials_t credentials = context->credentials;
        int r;

        r = gnutls_certificate_set_x509_trust_file(credentials, options->ca_file,
                                                   GNUTLS_X509_FMT_PEM);
        if (r < 0)
                return fail_file(err, r, "CA certificate", options->ca_file);
        r = gnutls_certificate_set_x509_key_file(credentials, options->cert_file, options->key_file,
                                                 GNUTLS_X509_FMT_PEM);
        if (r < 0)
                return fail_hint(err, fail_file(err, r, "certificate", options->cert_file),
                                 "its key is expected in '%s'", options->key_file);
        r = check_own_certificate(context, options->cert_file, err);
        if (r < 0 || !options->crl_file)
                return r;
        r = gnutls_certificate_set_x509_crl_file(credentials, options->crl_file,
                                                 GNUTLS_X509_FMT_PEM);
        return r < 0 ? fail_file(err, r, "revocation list", options->crl_file) : 0;
}

static int on_certificate(gnutls_session_t gnutls);

int tls_context_new(const TlsOptions *options, TlsContext **ret, Err *err) {
        g_autoptr(TlsContext) context = g_new0(TlsContext, 1);
        const char *position = NULL;
        int r;

        context->refs = 1;
        context->any_client = options->any_client;
        context->allowed_dns = g_strdupv((GStrv)(uintptr_t)options->allowed_dns);
        r = gnutls_certificate_allocate_credentials(&context->credentials);
        if (r < 0)
                return fail_gnutls(err, r, "TLS");
        r = gnutls_priority_init(&context->priority, options->priority, &position);
        if (r < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "TLS: wrong priorities, from '%s' on",
                            position ? position : options->priority);
        r = load_files(context, options, err);
        if (r < 0)
                return r;
        gnutls_certificate_set_verify_function(context->credentials, on_certificate);
        *ret = g_steal_pointer(&context);
        return 0;
}

/* ---- the client's certificate ---- */

static char *peer_dn(gnutls_session_t gnutls) {
        unsigned n = 0;
        const gnutls_datum_t *chain = gnutls_certificate_get_peers(gnutls, &n);
        gnutls_x509_crt_t certificate;
        gnutls_datum_t dn = {};
        char *text = NULL;

        if (!chain || n == 0 || gnutls_x509_crt_init(&certificate) < 0)
                return NULL;
        if (gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) >= 0 &&
            gnutls_x509_crt_get_dn2(certificate, &dn) >= 0)
                text = g_strndup((const char *)dn.data, dn.size);
        gnutls_free(dn.data);
        gnutls_x509_crt_deinit(certificate);
        return text;
}

static bool is_allowed(const TlsContext *context, const char *peer) {
        if (!context->allowed_dns)
                return true;
        STRV_FOREACH(pattern, context->allowed_dns)
                if (peer && fnmatch(pattern, peer, 0) == 0)
                        return true;
        return false;
}

static const char *name_of(const TlsSession *session) {
        return session->peer ? session->peer : "?";
}

static int refuse_status(TlsSession *session, unsigned status) {
        gnutls_datum_t text = {};

        if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0)
                text = (gnutls_datum_t){};
        fail(&session->refusal, VIR_ERR_AUTH_FAILED, "the certificate of '%s' is refused: %s",
             name_of(session), text.data ? g_strstrip((char *)text.data) : "it is not trusted");
        gnutls_free(text.data);
        return GNUTLS_E_CERTIFICATE_ERROR;
}

/* Within the handshake, so that the client gets an alert. */
static int on_certificate(gnutls_session_t gnutls) {
        static char purpose_oid[] = GNUTLS_KP_TLS_WWW_CLIENT;
        TlsSession *session = gnutls_session_get_ptr(gnutls);
        gnutls_typed_vdata_st purpose = {
                .type = GNUTLS_DT_KEY_PURPOSE_OID,
                .data = (unsigned char *)purpose_oid,
        };
        unsigned status = 0;
        int r;

        session->peer = peer_dn(gnutls);
        if (session->context->any_client)
                return 0;
        r = gnutls_certificate_verify_peers(gnutls, &purpose, 1, &status);
        if (r < 0) {
                fail_gnutls(&session->refusal, r, "its certificate cannot be checked");
                return GNUTLS_E_CERTIFICATE_ERROR;
        }
        if (status != 0)
                return refuse_status(session, status);
        if (is_allowed(session->context, session->peer))
                return 0;
        fail(&session->refusal, VIR_ERR_AUTH_FAILED,
             "'%s' is not among the names of tls_allowed_dn_list", name_of(session));
        return GNUTLS_E_CERTIFICATE_ERROR;
}

/* ---- a session ---- */

static int prepare(TlsSession *session) {
        const TlsContext *context = session->context;
        int r = gnutls_priority_set(session->gnutls, context->priority);

        if (r >= 0)
                r = gnutls_credentials_set(session->gnutls, GNUTLS_CRD_CERTIFICATE,
                                           context->credentials);
        gnutls_session_set_ptr(session->gnutls, session);
        gnutls_certificate_server_set_request(
                session->gnutls, context->any_client ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_REQUIRE);
        return r;
}

int tls_session_new(TlsContext *context, int fd, TlsSession **ret, Err *err) {
        g_autoptr(TlsSession) session = g_new0(TlsSession, 1);
        int r;

        session->context = tls_context_ref(context);
        r = gnutls_init(&session->gnutls, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
        if (r >= 0)
                r = prepare(session);
        if (r < 0)
                return fail_gnutls(err, r, "cannot begin a TLS session");
        gnutls_transport_set_int(session->gnutls, fd);
        *ret = g_steal_pointer(&session);
        return 0;
}

void tls_session_free(TlsSession *session) {
        if (!session)
                return;
        if (session->gnutls && session->state == TLS_OPEN)
                gnutls_bye(session->gnutls, GNUTLS_SHUT_WR);
        if (session->gnutls)
                gnutls_deinit(session->gnutls);
        tls_context_unref(session->context);
        err_clear(&session->refusal);
        g_free(session->peer);
        g_free(session);
}

static bool is_later(ssize_t r) {
        return r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
}

static int fail_handshake(TlsSession *session, int r, Err *err) {
        gnutls_alert_send_appropriate(session->gnutls, r);
        if (err_is_set(&session->refusal))
                err_move(err, &session->refusal);
        else if (r == GNUTLS_E_NO_CERTIFICATE_FOUND || r == GNUTLS_E_CERTIFICATE_REQUIRED)
                fail(err, VIR_ERR_AUTH_FAILED, "it has no certificate");
        else if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
                fail(err, VIR_ERR_AUTH_FAILED, "it ended the TLS handshake: %s",
                     gnutls_alert_get_name(gnutls_alert_get(session->gnutls)));
        else
                fail(err, VIR_ERR_AUTH_FAILED, "the TLS handshake failed: %s", gnutls_strerror(r));
        return -EACCES;
}

int tls_session_handshake(TlsSession *session, Err *err) {
        static const char welcome = 1;
        ssize_t r = 0;

        while (session->state != TLS_OPEN) {
                if (session->state == TLS_HANDSHAKE)
                        r = gnutls_handshake(session->gnutls);
                else
                        r = gnutls_record_send(session->gnutls, &welcome, sizeof(welcome));
                if (is_later(r))
                        return 1;
                if (r < 0 && gnutls_error_is_fatal((int)r))
                        return fail_handshake(session, (int)r, err);
                if (r >= 0)
                        session->state++;
        }
        return 0;
}

bool tls_session_wants_write(const TlsSession *session) {
        return gnutls_record_get_direction(session->gnutls) == 1;
}

const char *tls_session_peer(const TlsSession *session) {
        return session->peer;
}

/* A peer that ends without goodbye has ended all the same. */
static ssize_t to_errno(ssize_t r) {
        if (r >= 0)
                return r;
        if (is_later(r) || !gnutls_error_is_fatal((int)r))
                return -EAGAIN;
        if (r == GNUTLS_E_PREMATURE_TERMINATION)
                return 0;
        return r == GNUTLS_E_PUSH_ERROR || r == GNUTLS_E_PULL_ERROR ? -ECONNRESET : -EBADMSG;
}

ssize_t tls_session_recv(TlsSession *session, void *data, size_t size) {
        ssize_t r = gnutls_record_recv(session->gnutls, data, size);

        /* A second handshake would be a second identity. */
        return r == GNUTLS_E_REHANDSHAKE ? -EBADMSG : to_errno(r);
}

ssize_t tls_session_send(TlsSession *session, const void *data, size_t size) {
        return to_errno(gnutls_record_send(session->gnutls, data, size));
}

bool tls_session_has_pending(const TlsSession *session) {
        return gnutls_record_check_pending(session->gnutls) > 0;
}
