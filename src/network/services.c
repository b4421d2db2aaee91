/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network/services.h"

#include <arpa/inet.h>
#include <string.h>

#define FOREACH(Type, item, list)                                                 \
        for (guint _i_##item = 0; (list) && _i_##item < (list)->len; _i_##item++) \
                for (const Type *item = (list)->pdata[_i_##item]; item; item = NULL)

static bool has_dhcp(const NetworkIp *ip) {
        return (ip->dhcp.ranges && ip->dhcp.ranges->len > 0) ||
               (ip->dhcp.hosts && ip->dhcp.hosts->len > 0);
}

bool services_need_dnsmasq(const NetworkDef *def) {
        if (!network_def_has_bridge(def) || !def->ips || def->ips->len == 0)
                return false;
        if (def->dns.enable != DOMAIN_SWITCH_OFF)
                return true;
        FOREACH(NetworkIp, ip, def->ips) {
                if (has_dhcp(ip) || ip->tftp.root)
                        return true;
        }
        return false;
}

/* ---- dnsmasq ---- */

static void append_dns(GString *out, const NetworkDef *def) {
        bool has_server = false;

        if (def->dns.enable == DOMAIN_SWITCH_OFF) {
                g_string_append(out, "port=0\n");
                return;
        }
        FOREACH(NetworkForwarder, forwarder, def->dns.forwarders) {
                if (forwarder->domain)
                        g_string_append_printf(out, "server=/%s/%s\n", forwarder->domain,
                                               forwarder->addr ? forwarder->addr : "#");
                else if (forwarder->addr)
                        g_string_append_printf(out, "server=%s\n", forwarder->addr);
                has_server |= !forwarder->domain;
        }
        if (has_server)
                g_string_append(out, "no-resolv\n");
        if (def->domain.name)
                g_string_append_printf(out, "domain=%s\nexpand-hosts\n", def->domain.name);
        if (def->domain.name && def->domain.local_only == DOMAIN_SWITCH_ON)
                g_string_append_printf(out, "local=/%s/\n", def->domain.name);
        g_string_append(out, "domain-needed\nlocal=//\n");
        FOREACH(NetworkTxt, txt, def->dns.txts)
        g_string_append_printf(out, "txt-record=%s,\"%s\"\n", txt->name, txt->value);
}

static void append_range(GString *out, const NetworkIp *ip, const char *start, const char *end) {
        struct in_addr mask = {.s_addr = htonl(~UINT32_C(0) << (32 - network_ip_prefix(ip)))};
        char text[INET_ADDRSTRLEN];

        if (network_ip_is_v6(ip))
                g_string_append_printf(out, "dhcp-range=%s,%s,%u\n", start, end,
                                       network_ip_prefix(ip));
        else
                g_string_append_printf(out, "dhcp-range=%s,%s,%s\n", start, end,
                                       inet_ntop(AF_INET, &mask, text, sizeof(text)));
}

static void append_dhcp(GString *out, const NetworkIp *ip) {
        FOREACH(NetworkRange, range, ip->dhcp.ranges)
        append_range(out, ip, range->start, range->end);
        /* Hosts alone: answers none but those it knows. */
        if (has_dhcp(ip) && (!ip->dhcp.ranges || ip->dhcp.ranges->len == 0))
                append_range(out, ip, ip->address, "static");
        if (ip->dhcp.bootp.file)
                g_string_append_printf(out, "dhcp-boot=%s%s%s\n", ip->dhcp.bootp.file,
                                       ip->dhcp.bootp.server ? ",," : "",
                                       ip->dhcp.bootp.server ? ip->dhcp.bootp.server : "");
        if (ip->tftp.root)
                g_string_append_printf(out, "enable-tftp\ntftp-root=%s\n", ip->tftp.root);
}

char *services_dnsmasq_config(const NetworkDef *def, const ServicePaths *paths) {
        GString *out = g_string_new("strict-order\nexcept-interface=lo\nbind-dynamic\n");
        bool gives_addresses = false;

        g_string_append_printf(out, "interface=%s\npid-file=%s\n", def->bridge.name, paths->pid);
        append_dns(out, def);
        FOREACH(NetworkIp, ip, def->ips) {
                append_dhcp(out, ip);
                gives_addresses |= has_dhcp(ip);
        }
        if (gives_addresses)
                g_string_append_printf(out,
                                       "dhcp-no-override\ndhcp-authoritative\ndhcp-leasefile=%s\n"
                                       "dhcp-hostsfile=%s\n",
                                       paths->leases, paths->hosts);
        g_string_append_printf(out, "addn-hosts=%s\n", paths->addn_hosts);
        /* An isolated network offers no way out. */
        if (!def->forward.mode)
                g_string_append(out, "dhcp-option=3\nno-resolv\n");
        return g_string_free(out, FALSE);
}

char *services_dnsmasq_hosts(const NetworkDef *def) {
        GString *out = g_string_new(NULL);

        FOREACH(NetworkIp, ip, def->ips) {
                FOREACH(NetworkHost, host, ip->dhcp.hosts) {
                        if (host->id)
                                g_string_append_printf(out, "id:%s", host->id);
                        else if (host->mac)
                                g_string_append(out, host->mac);
                        if (host->ip)
                                g_string_append_printf(out,
                                                       network_ip_is_v6(ip) ? "%s[%s]" : "%s%s",
                                                       host->id || host->mac ? "," : "", host->ip);
                        if (host->name)
                                g_string_append_printf(out, "%s%s",
                                                       host->id || host->mac || host->ip ? "," : "",
                                                       host->name);
                        g_string_append_c(out, '\n');
                }
        }
        return g_string_free(out, FALSE);
}

char *services_dnsmasq_addn_hosts(const NetworkDef *def) {
        GString *out = g_string_new(NULL);

        FOREACH(NetworkDnsHost, host, def->dns.hosts) {
                g_string_append(out, host->ip);
                FOREACH(NetworkText, name, host->names)
                g_string_append_printf(out, "\t%s", name->text);
                g_string_append_c(out, '\n');
        }
        return g_string_free(out, FALSE);
}

/* ---- rules ---- */

static bool has_rules(const NetworkDef *def) {
        return network_def_has_bridge(def) && def->forward.mode != FORWARD_OPEN;
}

/* "192.168.122.0/24" */
static char *subnet(const NetworkIp *ip) {
        return g_strdup_printf("%s/%u", ip->address, network_ip_prefix(ip));
}

/* DHCP, DNS and TFTP of the guests reach the host. */
static void append_input(GString *out, const NetworkDef *def) {
        g_string_append_printf(out,
                               "\tchain input {\n"
                               "\t\ttype filter hook input priority filter - 1; policy accept;\n"
                               "\t\tiifname \"%s\" udp dport { 53, 67, 69, 547 } accept\n"
                               "\t\tiifname \"%s\" tcp dport 53 accept\n"
                               "\t}\n",
                               def->bridge.name, def->bridge.name);
}

static void append_ip_forward(GString *out, const NetworkDef *def, const NetworkIp *ip) {
        const char *family = network_ip_is_v6(ip) ? "ip6" : "ip", *bridge = def->bridge.name;
        g_autofree char *net = subnet(ip);
        g_autofree char *out_dev =
                def->forward.dev ? g_strdup_printf(" oifname \"%s\"", def->forward.dev) : NULL;
        g_autofree char *in_dev =
                def->forward.dev ? g_strdup_printf(" iifname \"%s\"", def->forward.dev) : NULL;

        g_string_append_printf(out, "\t\tiifname \"%s\"%s %s saddr %s accept\n", bridge,
                               out_dev ? out_dev : "", family, net);
        g_string_append_printf(out, "\t\toifname \"%s\"%s %s daddr %s%s accept\n", bridge,
                               in_dev ? in_dev : "", family, net,
                               def->forward.mode == FORWARD_NAT ? " ct state established,related"
                                                                : "");
}

static void append_forward(GString *out, const NetworkDef *def) {
        g_string_append_printf(out,
                               "\tchain forward {\n"
                               "\t\ttype filter hook forward priority filter - 1; policy accept;\n"
                               "\t\tiifname \"%s\" oifname \"%s\" accept\n",
                               def->bridge.name, def->bridge.name);
        FOREACH(NetworkIp, ip, def->ips) {
                if (def->forward.mode)
                        append_ip_forward(out, def, ip);
        }
        g_string_append_printf(out, "\t\tiifname \"%s\" reject\n\t\toifname \"%s\" reject\n\t}\n",
                               def->bridge.name, def->bridge.name);
}

static char *nat_target(const NetworkDef *def) {
        const char *start = def->forward.nat.address.start, *end = def->forward.nat.address.end;
        g_autofree char *ports =
                def->forward.nat.port.node.is_present
                        ? g_strdup_printf(":%u-%u", (unsigned)def->forward.nat.port.start.value,
                                          (unsigned)def->forward.nat.port.end.value)
                        : g_strdup("");

        if (!start)
                return g_strdup_printf("masquerade%s%s", *ports ? " to " : "", ports);
        return g_strdup_printf("snat ip to %s%s%s%s", start, end ? "-" : "", end ? end : "", ports);
}

/* Multicast and broadcast of the network stay in it. */
static void append_nat(GString *out, const NetworkDef *def) {
        g_autofree char *target = nat_target(def);
        bool has_ports = def->forward.nat.port.node.is_present;

        g_string_append(out, "\tchain postrouting {\n"
                             "\t\ttype nat hook postrouting priority srcnat; policy accept;\n");
        FOREACH(NetworkIp, ip, def->ips) {
                g_autofree char *net = subnet(ip);

                if (network_ip_is_v6(ip) && def->forward.nat.address.start)
                        continue;
                if (network_ip_is_v6(ip)) {
                        g_string_append_printf(out, "\t\tip6 saddr %s ip6 daddr != %s masquerade\n",
                                               net, net);
                        continue;
                }
                g_string_append_printf(
                        out, "\t\tip saddr %s ip daddr { 224.0.0.0/24, 255.255.255.255 } return\n",
                        net);
                if (has_ports)
                        g_string_append_printf(
                                out,
                                "\t\tmeta l4proto { tcp, udp } ip saddr %s ip daddr != %s %s\n",
                                net, net, target);
                g_string_append_printf(out, "\t\tip saddr %s ip daddr != %s %s\n", net, net,
                                       has_ports ? "masquerade" : target);
        }
        g_string_append(out, "\t}\n");
}

char *services_rules_removal(const NetworkDef *def) {
        if (!has_rules(def))
                return NULL;
        /* Adding first makes the removal good where there is nothing. */
        return g_strdup_printf("table inet airlock_%s\ndelete table inet airlock_%s\n",
                               def->bridge.name, def->bridge.name);
}

char *services_rules(const NetworkDef *def) {
        g_autofree char *removal = services_rules_removal(def);
        GString *out;

        if (!removal)
                return NULL;
        out = g_string_new(removal);
        g_string_append_printf(out, "table inet airlock_%s {\n", def->bridge.name);
        append_input(out, def);
        append_forward(out, def);
        if (def->forward.mode == FORWARD_NAT)
                append_nat(out, def);
        g_string_append(out, "}\n");
        return g_string_free(out, FALSE);
}
