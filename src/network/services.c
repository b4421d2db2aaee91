/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network/services.h"

#include <arpa/inet.h>
#include <string.h>

static bool has_dhcp(const NetworkIp *ip) {
        return (ip->dhcp.ranges && ip->dhcp.ranges->len > 0) ||
               (ip->dhcp.hosts && ip->dhcp.hosts->len > 0);
}

bool services_need_dnsmasq(const NetworkDef *def) {
        if (!network_def_has_bridge(def) || !def->ips || def->ips->len == 0)
                return false;
        if (def->dns.enable != DOMAIN_SWITCH_OFF)
                return true;
        NETWORK_FOREACH(NetworkIp, ip, def->ips) {
                if (has_dhcp(ip) || ip->tftp.root)
                        return true;
        }
        return false;
}

/* ---- dnsmasq ---- */

static void append_forwarders(GString *out, const NetworkDef *def) {
        bool has_server = false;

        NETWORK_FOREACH(NetworkForwarder, forwarder, def->dns.forwarders) {
                if (forwarder->domain)
                        g_string_append_printf(out, "server=/%s/%s\n", forwarder->domain,
                                               forwarder->addr ? forwarder->addr : "#");
                else if (forwarder->addr)
                        g_string_append_printf(out, "server=%s\n", forwarder->addr);
                has_server |= !forwarder->domain;
        }
        if (has_server)
                g_string_append(out, "no-resolv\n");
}

/* srv-host=_service._protocol[.domain],target,port,priority,weight */
static void append_srv(GString *out, const NetworkSrv *srv) {
        g_string_append_printf(out, "srv-host=_%s._%s", srv->service, srv->protocol);
        if (srv->domain)
                g_string_append_printf(out, ".%s", srv->domain);
        if (srv->target)
                g_string_append_printf(out, ",%s,%u,%u,%u", srv->target,
                                       (unsigned)domain_num_or(srv->port, 1),
                                       (unsigned)srv->priority.value, (unsigned)srv->weight.value);
        g_string_append_c(out, '\n');
}

static void append_records(GString *out, const NetworkDef *def) {
        NETWORK_FOREACH(NetworkTxt, txt, def->dns.txts) {
                g_string_append_printf(out, "txt-record=%s,\"%s\"\n", txt->name, txt->value);
        }
        NETWORK_FOREACH(NetworkSrv, srv, def->dns.srvs) {
                append_srv(out, srv);
        }
        NETWORK_FOREACH(NetworkIp, ip, def->ips) {
                g_autofree char *zone =
                        ip->local_ptr == DOMAIN_SWITCH_ON ? network_ip_zone(ip) : NULL;

                if (zone)
                        g_string_append_printf(out, "local=/%s/\n", zone);
        }
}

static void append_dns(GString *out, const NetworkDef *def) {
        bool is_local = def->domain.name && def->domain.local_only == DOMAIN_SWITCH_ON;

        if (def->dns.enable == DOMAIN_SWITCH_OFF) {
                g_string_append(out, "port=0\n");
                return;
        }
        append_forwarders(out, def);
        if (def->domain.name)
                g_string_append_printf(out, "domain=%s\nexpand-hosts\n", def->domain.name);
        if (is_local)
                g_string_append_printf(out, "local=/%s/\n", def->domain.name);
        if (def->dns.forward_plain_names != DOMAIN_SWITCH_ON)
                g_string_append(out, "domain-needed\nlocal=//\n");
        append_records(out, def);
}

/* ",LEASE": a number and its unit, as dnsmasq has them. */
static void append_lease(GString *out, const NetworkLease *lease) {
        static const char units[] = {'m', 's', 'm', 'h'};

        if (lease->node.is_present && lease->expiry.value == 0)
                g_string_append(out, ",infinite");
        else if (lease->node.is_present)
                g_string_append_printf(out, ",%u%c", (unsigned)lease->expiry.value,
                                       units[lease->unit]);
}

static void append_range(GString *out, const NetworkIp *ip, const NetworkRange *range) {
        unsigned prefix = network_ip_prefix(ip);
        char text[INET_ADDRSTRLEN];
        struct in_addr mask;

        g_string_append_printf(out, "dhcp-range=%s,%s,", range->start, range->end);
        if (network_ip_is_v6(ip)) {
                g_string_append_printf(out, "%u", prefix);
        } else {
                mask.s_addr = htonl(~UINT32_C(0) << (32 - prefix));
                g_string_append(out, inet_ntop(AF_INET, &mask, text, sizeof(text)));
        }
        append_lease(out, &range->lease);
        g_string_append_c(out, '\n');
}

static void append_dhcp(GString *out, const NetworkIp *ip) {
        const NetworkRange known = {.start = ip->address, .end = (char *)(uintptr_t) "static"};

        NETWORK_FOREACH(NetworkRange, range, ip->dhcp.ranges) {
                append_range(out, ip, range);
        }
        /* Hosts alone: answers none but those it knows. */
        if (has_dhcp(ip) && (!ip->dhcp.ranges || ip->dhcp.ranges->len == 0))
                append_range(out, ip, &known);
        /* Without addresses of DHCP, IPv6 guests make their own of what the router tells. */
        if (network_ip_is_v6(ip))
                g_string_append_printf(
                        out, has_dhcp(ip) ? "enable-ra\n" : "dhcp-range=%s,ra-only\n", ip->address);
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
        NETWORK_FOREACH(NetworkIp, ip, def->ips) {
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

/* A line of the file of hosts: their id or address, IP address, name, lease. */
static void append_host(GString *out, const NetworkIp *ip, const NetworkHost *host) {
        if (host->id)
                g_string_append_printf(out, "id:%s", host->id);
        else if (host->mac)
                g_string_append(out, host->mac);
        if (host->ip)
                g_string_append_printf(out, network_ip_is_v6(ip) ? "%s[%s]" : "%s%s",
                                       host->id || host->mac ? "," : "", host->ip);
        if (host->name)
                g_string_append_printf(out, "%s%s", host->id || host->mac || host->ip ? "," : "",
                                       host->name);
        append_lease(out, &host->lease);
        g_string_append_c(out, '\n');
}

char *services_dnsmasq_hosts(const NetworkDef *def) {
        GString *out = g_string_new(NULL);

        NETWORK_FOREACH(NetworkIp, ip, def->ips) {
                NETWORK_FOREACH(NetworkHost, host, ip->dhcp.hosts) {
                        append_host(out, ip, host);
                }
        }
        return g_string_free(out, FALSE);
}

char *services_dnsmasq_addn_hosts(const NetworkDef *def) {
        GString *out = g_string_new(NULL);

        NETWORK_FOREACH(NetworkDnsHost, host, def->dns.hosts) {
                g_string_append(out, host->ip);
                NETWORK_FOREACH(NetworkText, name, host->names) {
                        g_string_append_printf(out, "\t%s", name->text);
                }
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

/* ' oifname { "a", "b" }': the devices to go out by; "" where any will do. */
static char *out_devices(const char *word, const NetworkDef *def) {
        const GPtrArray *list = def->forward.interfaces;
        GString *text = g_string_new(NULL);

        if (!list || list->len == 0)
                return g_string_free(text, FALSE);
        g_string_append_printf(text, " %s {", word);
        for (guint i = 0; i < list->len; i++)
                g_string_append_printf(text, "%s \"%s\"", i > 0 ? "," : "",
                                       ((const NetworkForwardInterface *)list->pdata[i])->dev);
        g_string_append(text, " }");
        return g_string_free(text, FALSE);
}

static bool is_translated(const NetworkDef *def, const NetworkIp *ip) {
        return def->forward.mode == FORWARD_NAT &&
               (!network_ip_is_v6(ip) || def->forward.nat.ipv6 == DOMAIN_SWITCH_ON);
}

static void append_ip_forward(GString *out, const NetworkDef *def, const NetworkIp *ip) {
        const char *family = network_ip_is_v6(ip) ? "ip6" : "ip", *bridge = def->bridge.name;
        g_autofree char *net = subnet(ip);
        g_autofree char *out_dev = out_devices("oifname", def);
        g_autofree char *in_dev = out_devices("iifname", def);

        g_string_append_printf(out, "\t\tiifname \"%s\"%s %s saddr %s accept\n", bridge, out_dev,
                               family, net);
        g_string_append_printf(out, "\t\toifname \"%s\"%s %s daddr %s%s accept\n", bridge, in_dev,
                               family, net,
                               is_translated(def, ip) ? " ct state established,related" : "");
}

static void append_forward(GString *out, const NetworkDef *def) {
        g_string_append_printf(out,
                               "\tchain forward {\n"
                               "\t\ttype filter hook forward priority filter - 1; policy accept;\n"
                               "\t\tiifname \"%s\" oifname \"%s\" accept\n",
                               def->bridge.name, def->bridge.name);
        NETWORK_FOREACH(NetworkIp, ip, def->ips) {
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
        NETWORK_FOREACH(NetworkIp, ip, def->ips) {
                g_autofree char *net = subnet(ip);

                if (!is_translated(def, ip))
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
