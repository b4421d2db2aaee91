/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/remote-shell.h"

/* The first that is there; $1 is the name of none. */
#define FIND_SOCKET                                                            \
        "for s in /run/airlock/airlock-sock%s /run/libvirt/libvirt-sock%s; do" \
        " [ -S $s ] && break; done; "

static char *helper_uri(const Uri *uri) {
        const char *name = *uri->name ? uri->name : "qemu:///system";
        g_autofree char *socket = uri->socket ? g_uri_escape_string(uri->socket, "/", FALSE) : NULL;
        g_autofree char *whole =
                socket ? g_strdup_printf("%s?socket=%s", name, socket) : g_strdup(name);

        return g_shell_quote(whole);
}

/* nc waits for its own standard input at the end unless it is told not to, where it can be. */
static char *netcat_script(const Uri *uri) {
        const char *suffix = uri->read_only ? "-ro" : "";
        g_autofree char *nc = g_shell_quote(uri->netcat ? uri->netcat : "nc");
        g_autofree char *socket = uri->socket ? g_shell_quote(uri->socket) : NULL;
        g_autofree char *find = socket ? g_strdup_printf("s=%s; ", socket)
                                       : g_strdup_printf(FIND_SOCKET, suffix, suffix);

        return g_strdup_printf("%sq=; %s -q 2>&1 | grep -q 'requires an argument' && q=-q0; "
                               "exec %s $q -U \"$s\"",
                               find, nc, nc);
}

static char *helper_script(const Uri *uri) {
        g_autofree char *name = helper_uri(uri);

        return g_strdup_printf("for h in airlock-ssh-helper virt-ssh-helper; do "
                               "command -v $h >/dev/null 2>&1 && exec $h %s%s; done; ",
                               uri->read_only ? "-r " : "", name);
}

static char *script(const Uri *uri) {
        static const char none[] = "echo 'there is no airlock-ssh-helper on this host' >&2; exit 1";
        bool wants_netcat = uri->proxy == URI_PROXY_NETCAT || uri->netcat;
        g_autofree char *helper = wants_netcat ? g_strdup("") : helper_script(uri);
        g_autofree char *netcat =
                uri->proxy == URI_PROXY_NATIVE ? g_strdup(none) : netcat_script(uri);
        g_autofree char *whole = g_strconcat(helper, netcat, NULL);
        g_autofree char *quoted = g_shell_quote(whole);

        return g_strconcat("sh -c ", quoted, NULL);
}

static void add_option(GStrvBuilder *builder, const char *option, const char *value) {
        if (!value)
                return;
        g_strv_builder_add(builder, option);
        g_strv_builder_add(builder, value);
}

GStrv remote_shell_arguments(const Uri *uri) {
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        g_autofree char *port = uri->port > 0 ? g_strdup_printf("%u", uri->port) : NULL;
        g_autofree char *known =
                uri->known_hosts ? g_strconcat("UserKnownHostsFile=", uri->known_hosts, NULL)
                                 : NULL;
        g_autofree char *text = script(uri);

        g_strv_builder_add(builder, uri->command ? uri->command : "ssh");
        add_option(builder, "-p", port);
        add_option(builder, "-l", uri->user);
        add_option(builder, "-i", uri->keyfile);
        add_option(builder, "-o", known);
        add_option(builder, "-o", uri->no_tty ? "BatchMode=yes" : NULL);
        add_option(builder, "-o", uri->no_verify ? "StrictHostKeyChecking=no" : NULL);
        g_strv_builder_add_many(builder, "-T", "-e", "none", "--", uri->host, text, NULL);
        return g_strv_builder_end(builder);
}
