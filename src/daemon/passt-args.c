/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/passt.h"

static void add(GPtrArray *argv, const char *option, const char *value) {
        g_ptr_array_add(argv, g_strdup(option));
        if (value)
                g_ptr_array_add(argv, g_strdup(value));
}

static void add_ports(GString *out, const DomainNetRange *ports) {
        unsigned start = (unsigned)ports->start.value;
        unsigned end = (unsigned)domain_num_or(ports->end, start);
        unsigned to = (unsigned)domain_num_or(ports->to, start);

        if (ports->exclude == DOMAIN_SWITCH_ON)
                g_string_append_c(out, '~');
        g_string_append_printf(out, "%u", start);
        if (end > start)
                g_string_append_printf(out, "-%u", end);
        if (to != start)
                g_string_append_printf(out, ":%u", to);
        if (to != start && end > start)
                g_string_append_printf(out, "-%u", to + (end - start));
}

/* "ADDRESS%DEVICE/PORTS": passt(1), --tcp-ports. */
static char *ports_text(const DomainNetForward *forward) {
        GString *out = g_string_new(forward->address);

        if (forward->dev)
                g_string_append_printf(out, "%%%s", forward->dev);
        if (out->len > 0)
                g_string_append_c(out, '/');
        for (guint i = 0; forward->ranges && i < forward->ranges->len; i++) {
                g_string_append(out, i > 0 ? "," : "");
                add_ports(out, forward->ranges->pdata[i]);
        }
        /* "all", without the ephemeral ones, stands by itself alone. */
        if (!forward->ranges)
                g_string_append(out, forward->address ? "1-65535" : "all");
        return g_string_free(out, FALSE);
}

static void add_ips(GPtrArray *argv, const DomainInterface *net) {
        for (guint i = 0; net->ips && i < net->ips->len; i++) {
                const DomainNetIp *ip = net->ips->pdata[i];
                g_autofree char *prefix = NULL;

                add(argv, "--address", ip->address);
                /* It has netmasks for IPv4 alone. */
                if (ip->family != NET_FAMILY_IPV4 || !ip->prefix.is_set)
                        continue;
                prefix = g_strdup_printf("%u", (unsigned)ip->prefix.value);
                add(argv, "--netmask", prefix);
        }
}

char **passt_arguments(const DomainInterface *net, const char *program, const char *pid_file) {
        GPtrArray *argv = g_ptr_array_new();

        add(argv, program, "--one-off");
        add(argv, "--socket", net->source.path);
        add(argv, "--pid", pid_file);
        /* It keeps to itself in namespaces of its own; another user could not reach the guest's
         * directory, where its socket is. */
        add(argv, "--runas", "0");
        if (net->backend.log_file)
                add(argv, "--log-file", net->backend.log_file);
        if (net->source.dev)
                add(argv, "--interface", net->source.dev);
        if (net->mtu.size.is_set) {
                g_autofree char *mtu = g_strdup_printf("%u", (unsigned)net->mtu.size.value);

                add(argv, "--mtu", mtu);
        }
        add_ips(argv, net);
        for (guint i = 0; net->forwards && i < net->forwards->len; i++) {
                const DomainNetForward *forward = net->forwards->pdata[i];
                g_autofree char *text = ports_text(forward);

                add(argv, forward->proto == NET_PROTO_TCP ? "--tcp-ports" : "--udp-ports", text);
        }
        g_ptr_array_add(argv, NULL);
        return (char **)g_ptr_array_free(argv, FALSE);
}
