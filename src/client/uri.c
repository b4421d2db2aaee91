/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/uri.h"

#include <string.h>

void uri_done(Uri *uri) {
        g_clear_pointer(&uri->name, g_free);
        g_clear_pointer(&uri->socket, g_free);
}

static char *default_socket(bool read_only) {
        const char *set = g_getenv("AIRLOCK_SOCKET");

        if (set && *set)
                return g_strdup(set);
        return g_strdup(read_only ? URI_SOCKET_DEFAULT_READ_ONLY : URI_SOCKET_DEFAULT);
}

/* "socket=PATH" out of a query; other parameters tune transports that we do not have, and are
 * left alone as libvirt's clients leave what is not theirs. */
static int socket_of_query(const char *query, char **ret, Err *err) {
        g_auto(GStrv) parameters = g_strsplit(query, "&", -1);

        for (char **p = parameters; *p; p++) {
                g_autofree char *path = NULL;

                if (!g_str_has_prefix(*p, "socket="))
                        continue;
                path = g_uri_unescape_string(*p + strlen("socket="), NULL);
                if (!path || path[0] != '/')
                        return fail(err, VIR_ERR_INVALID_ARG,
                                    "the socket in '%s' is no absolute path", *p);
                *ret = g_steal_pointer(&path);
        }
        return 0;
}

/* The scheme without its transport: "qemu+unix" is "qemu". */
static int scheme_of(const char *text, const char *end, char **ret, Err *err) {
        g_autofree char *scheme = g_strndup(text, (size_t)(end - text));
        char *transport = strchr(scheme, '+');

        if (transport && !g_str_equal(transport, "+unix"))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "transport '%s' in URI '%s' is not supported: only the local socket is",
                            transport + 1, text);
        if (transport)
                *transport = '\0';
        *ret = g_steal_pointer(&scheme);
        return 0;
}

int uri_parse(const char *text, bool read_only, Uri *ret, Err *err) {
        g_auto(Uri) uri = {};
        g_autofree char *scheme = NULL;
        const char *authority, *query, *end;
        int r;

        if (!text || !*text || *text == '/') {
                *ret = (Uri){
                        .name = g_strdup(""),
                        .socket = text && *text ? g_strdup(text) : default_socket(read_only),
                };
                return 0;
        }
        end = strstr(text, "://");
        if (!end || end == text)
                return fail(err, VIR_ERR_INVALID_ARG, "'%s' is no connection URI", text);
        authority = end + strlen("://");
        if (*authority != '/')
                return fail(err, VIR_ERR_INVALID_ARG,
                            "URI '%s' names another host: only this one is served", text);
        r = scheme_of(text, end, &scheme, err);
        if (r < 0)
                return r;
        query = strchr(authority, '?');
        if (query)
                r = socket_of_query(query + 1, &uri.socket, err);
        if (r < 0)
                return r;
        if (!uri.socket)
                uri.socket = default_socket(read_only);
        uri.name = g_strdup_printf("%s://%.*s", scheme,
                                   (int)(query ? query - authority : (gssize)strlen(authority)),
                                   authority);
        *ret = (Uri){
                .name = g_steal_pointer(&uri.name),
                .socket = g_steal_pointer(&uri.socket),
        };
        return 0;
}
