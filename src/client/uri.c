/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/uri.h"

#include <string.h>

#include "base/util.h"

/* Where libvirt's daemons listen, and we where there is none. */
#define LIBVIRT_DIR "/run/libvirt/"

/* ---- parameters ---- */

typedef enum ParameterKind {
        PARAMETER_TEXT,
        PARAMETER_PATH, /* absolute */
        PARAMETER_FLAG, /* a number; not 0 means yes */
        PARAMETER_PROXY,
        PARAMETER_MODE,
} ParameterKind;

typedef struct Parameter {
        const char *name;
        ParameterKind kind;
        size_t offset; /* in Uri */
} Parameter;

#define AT(member) offsetof(Uri, member)

static const Parameter parameters[] = {
        {"socket", PARAMETER_PATH, AT(socket)},
        {"mode", PARAMETER_MODE, AT(socket)},
        {"keyfile", PARAMETER_PATH, AT(keyfile)},
        {"known_hosts", PARAMETER_PATH, AT(known_hosts)},
        {"command", PARAMETER_TEXT, AT(command)},
        {"netcat", PARAMETER_TEXT, AT(netcat)},
        {"pkipath", PARAMETER_PATH, AT(pkipath)},
        {"tls_priority", PARAMETER_TEXT, AT(tls_priority)},
        {"proxy", PARAMETER_PROXY, AT(proxy)},
        {"no_verify", PARAMETER_FLAG, AT(no_verify)},
        {"no_tty", PARAMETER_FLAG, AT(no_tty)},
};

void uri_done(Uri *uri) {
        g_free(uri->name);
        g_free(uri->host);
        g_free(uri->user);
        for (size_t i = 0; i < G_N_ELEMENTS(parameters); i++)
                if (parameters[i].kind == PARAMETER_TEXT || parameters[i].kind == PARAMETER_PATH)
                        g_free(G_STRUCT_MEMBER(char *, uri, parameters[i].offset));
        *uri = (Uri){};
}

static int fail_parameter(const Parameter *parameter, const char *value, const char *wanted,
                          Err *err) {
        return fail(err, VIR_ERR_INVALID_ARG, "'%s' as '%s' in the URI is %s", value,
                    parameter->name, wanted);
}

static int set_text(Uri *uri, const Parameter *parameter, const char *value, Err *err) {
        char **member = &G_STRUCT_MEMBER(char *, uri, parameter->offset);

        if (parameter->kind == PARAMETER_PATH && value[0] != '/')
                return fail_parameter(parameter, value, "no absolute path", err);
        g_free(*member);
        *member = g_strdup(value);
        return 0;
}

static int set_flag(Uri *uri, const Parameter *parameter, const char *value, Err *err) {
        uint64_t number;

        if (str_to_uint(value, 10, UINT32_MAX, &number) < 0)
                return fail_parameter(parameter, value, "neither 0 nor 1", err);
        G_STRUCT_MEMBER(bool, uri, parameter->offset) = number != 0;
        return 0;
}

static int set_proxy(Uri *uri, const Parameter *parameter, const char *value, Err *err) {
        static const char *const names[] = {"auto", "netcat", "native"};

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                if (g_str_equal(value, names[i])) {
                        uri->proxy = (UriProxy)i;
                        return 0;
                }
        return fail_parameter(parameter, value, "none of auto, netcat and native", err);
}

/* Which of libvirt's daemons is meant; a socket that is named says it better. */
static int set_mode(Uri *uri, const Parameter *parameter, const char *value, Err *err) {
        static const struct {
                const char *mode, *socket;
        } modes[] = {
                {"auto", NULL},
                {"legacy", LIBVIRT_DIR "libvirt-sock"},
                {"direct", LIBVIRT_DIR "virtqemud-sock"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
                if (!g_str_equal(value, modes[i].mode))
                        continue;
                if (!uri->socket && modes[i].socket)
                        uri->socket =
                                g_strconcat(modes[i].socket, uri->read_only ? "-ro" : NULL, NULL);
                return 0;
        }
        return fail_parameter(parameter, value, "none of auto, legacy and direct", err);
}

static int set_parameter(Uri *uri, const Parameter *parameter, const char *value, Err *err) {
        switch (parameter->kind) {
        case PARAMETER_FLAG:
                return set_flag(uri, parameter, value, err);
        case PARAMETER_PROXY:
                return set_proxy(uri, parameter, value, err);
        case PARAMETER_MODE:
                return set_mode(uri, parameter, value, err);
        default:
                return set_text(uri, parameter, value, err);
        }
}

static int fail_name(const char *name, Err *err) {
        g_autoptr(GString) names = g_string_new(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(parameters); i++)
                g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", parameters[i].name);
        return fail(err, VIR_ERR_INVALID_ARG,
                    "'%s' is no parameter of a connection URI: there are %s", name, names->str);
}

/* text: "name=value" */
static int read_parameter(Uri *uri, const char *text, Err *err) {
        const char *equals = strchr(text, '=');
        g_autofree char *name = equals ? g_strndup(text, (size_t)(equals - text)) : g_strdup(text);
        g_autofree char *value = g_uri_unescape_string(equals ? equals + 1 : "", NULL);

        if (!value)
                return fail(err, VIR_ERR_INVALID_ARG, "'%s' in the URI is wrongly escaped", text);
        for (size_t i = 0; i < G_N_ELEMENTS(parameters); i++)
                if (g_str_equal(name, parameters[i].name))
                        return set_parameter(uri, &parameters[i], value, err);
        return fail_name(name, err);
}

static int read_query(Uri *uri, const char *query, Err *err) {
        g_auto(GStrv) list = g_strsplit(query ? query : "", "&", -1);

        STRV_FOREACH(text, list) {
                int r = *text ? read_parameter(uri, text, err) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the whole ---- */

static char *default_socket(bool read_only) {
        const char *set = g_getenv("AIRLOCK_SOCKET");

        if (set && *set)
                return g_strdup(set);
        return g_strdup(read_only ? URI_SOCKET_DEFAULT_READ_ONLY : URI_SOCKET_DEFAULT);
}

static int find_transport(const char *name, bool has_host, UriTransport *ret, Err *err) {
        static const char *const names[] = {
                [URI_UNIX] = "unix", [URI_SSH] = "ssh", [URI_TLS] = "tls"};

        if (!name) {
                *ret = has_host ? URI_TLS : URI_UNIX;
                return 0;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                if (g_str_equal(name, names[i])) {
                        *ret = (UriTransport)i;
                        return 0;
                }
        return fail(err, VIR_ERR_INVALID_ARG,
                    "there is no transport '%s': there are unix, ssh and tls", name);
}

/* Takes the scheme apart: "qemu+ssh" is "qemu" by ssh. */
static int read_scheme(Uri *uri, char *scheme, const char *path, Err *err) {
        char *plus = strchr(scheme, '+');
        int r;

        if (plus)
                *plus = '\0';
        r = find_transport(plus ? plus + 1 : NULL, uri->host != NULL, &uri->transport, err);
        if (r < 0)
                return r;
        if (uri->transport == URI_UNIX && uri->host)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "'%s' is another host, which a UNIX socket does not lead to",
                            uri->host);
        if (uri->transport != URI_UNIX && !uri->host)
                uri->host = g_strdup("localhost");
        uri->name = g_strdup_printf("%s://%s", scheme, path);
        return 0;
}

static int read_uri(Uri *uri, const char *text, Err *err) {
        g_autofree char *scheme = NULL, *path = NULL, *query = NULL;
        int port = -1, r;

        if (!g_uri_split_with_user(text, G_URI_FLAGS_ENCODED_QUERY, &scheme, &uri->user, NULL, NULL,
                                   &uri->host, &port, &path, &query, NULL, NULL) ||
            !scheme || !uri->host || !strstr(text, "://"))
                return fail(err, VIR_ERR_INVALID_ARG, "'%s' is no connection URI", text);
        if (*uri->host == '\0')
                g_clear_pointer(&uri->host, g_free);
        uri->port = port > 0 ? (unsigned)port : 0;
        r = read_scheme(uri, scheme, path, err);
        if (r < 0)
                return r;
        return read_query(uri, query, err);
}

int uri_parse(const char *text, bool read_only, Uri *ret, Err *err) {
        g_auto(Uri) uri = {.read_only = read_only};
        int r = 0;

        if (text && *text && *text != '/') {
                r = read_uri(&uri, text, err);
        } else {
                uri.name = g_strdup("");
                uri.socket = text && *text ? g_strdup(text) : NULL;
        }
        if (r < 0)
                return r;
        if (uri.transport == URI_UNIX && !uri.socket)
                uri.socket = default_socket(read_only);
        *ret = uri;
        uri = (Uri){};
        return 0;
}
