/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network/network-def.h"

#include <arpa/inet.h>
#include <string.h>

#include "domain/document.h"
#include "network/network-xml.h"

/* Names of network devices: IFNAMSIZ with its NUL. */
#define DEVICE_NAME_MAX 15

/* ---- addresses ---- */

bool network_def_has_bridge(const NetworkDef *def) {
        return def->forward.mode != FORWARD_BRIDGE;
}

bool network_ip_is_v6(const NetworkIp *ip) {
        return g_strcmp0(ip->family, "ipv6") == 0;
}

static bool read_address(const NetworkIp *ip, const char *text, uint8_t ret[static 16]) {
        memset(ret, 0, 16);
        return inet_pton(network_ip_is_v6(ip) ? AF_INET6 : AF_INET, text, ret) == 1;
}

unsigned network_ip_prefix(const NetworkIp *ip) {
        struct in_addr mask;

        if (ip->prefix.is_set)
                return (unsigned)ip->prefix.value;
        if (ip->netmask && inet_pton(AF_INET, ip->netmask, &mask) == 1)
                return (unsigned)__builtin_popcount(mask.s_addr);
        return network_ip_is_v6(ip) ? 64 : 24;
}

/* Labels are octets of IPv4 and digits of IPv6, the last one first. */
char *network_ip_zone(const NetworkIp *ip) {
        bool is_v6 = network_ip_is_v6(ip);
        unsigned bits = is_v6 ? 4 : 8, prefix = network_ip_prefix(ip);
        GString *zone = g_string_new(NULL);
        uint8_t address[16];

        if (!read_address(ip, ip->address, address) || prefix < bits || prefix % bits != 0) {
                g_string_free(zone, TRUE);
                return NULL;
        }
        for (unsigned i = prefix / bits; i-- > 0;)
                if (is_v6)
                        g_string_append_printf(zone, "%x.",
                                               address[i / 2] >> (i % 2 ? 0 : 4) & 0xf);
                else
                        g_string_append_printf(zone, "%u.", address[i]);
        g_string_append(zone, is_v6 ? "ip6.arpa" : "in-addr.arpa");
        return g_string_free(zone, FALSE);
}

bool network_route_is_v6(const NetworkRoute *route) {
        return g_strcmp0(route->family, "ipv6") == 0;
}

unsigned network_route_prefix(const NetworkRoute *route) {
        struct in_addr mask;

        if (route->prefix.is_set)
                return (unsigned)route->prefix.value;
        if (route->netmask && inet_pton(AF_INET, route->netmask, &mask) == 1)
                return (unsigned)__builtin_popcount(mask.s_addr);
        return network_route_is_v6(route) ? 128 : 32;
}

bool network_ip_contains(const NetworkIp *ip, const char *address) {
        uint8_t ours[16], theirs[16];
        unsigned bits = network_ip_prefix(ip);

        if (!read_address(ip, ip->address, ours) || !read_address(ip, address, theirs))
                return false;
        for (unsigned i = 0; i < bits; i++)
                if ((ours[i / 8] ^ theirs[i / 8]) & 0x80 >> i % 8)
                        return false;
        return true;
}

/* ---- checks ---- */

/* Names of devices end up in rules and options. */
static int check_device(const char *name, unsigned line, Err *err) {
        size_t good = name ? strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789-_.")
                           : 0;

        if (!name || (good > 0 && good == strlen(name) && good <= DEVICE_NAME_MAX))
                return 0;
        return fail(err, VIR_ERR_XML_ERROR, "'%s' at line %u is no name of a network device", name,
                    line);
}

/* What dnsmasq's options are made of: a blank, comma or line's end would begin another word. */
static int check_option(const char *text, const char *what, unsigned line, Err *err) {
        for (const char *s = text; s && *s; s++)
                if (!g_ascii_isgraph(*s) || strchr(",\"\\#", *s))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "the %s at line %u holds a blank or the character '%c'", what,
                                    line, g_ascii_isgraph(*s) ? *s : '?');
        return 0;
}

static int check_address(const NetworkIp *ip, const char *text, unsigned line, Err *err) {
        uint8_t address[16];

        if (read_address(ip, text, address))
                return 0;
        return fail(err, VIR_ERR_XML_ERROR, "'%s' at line %u is no %s address", text, line,
                    network_ip_is_v6(ip) ? "IPv6" : "IPv4");
}

/* The bits that are set come first. */
static int check_netmask(const char *netmask, bool is_v6, unsigned line, Err *err) {
        struct in_addr mask;
        uint32_t rest;

        if (!netmask)
                return 0;
        if (!is_v6 && inet_pton(AF_INET, netmask, &mask) == 1) {
                rest = ~ntohl(mask.s_addr);
                if ((rest & (rest + 1)) == 0)
                        return 0;
        }
        return fail(err, VIR_ERR_XML_ERROR, "'%s' at line %u is no netmask%s", netmask, line,
                    is_v6 ? ": IPv6 has prefixes" : "");
}

static int check_inside(const NetworkIp *ip, const char *text, unsigned line, Err *err) {
        int r = check_address(ip, text, line, err);

        if (r < 0 || network_ip_contains(ip, text))
                return r;
        return fail(err, VIR_ERR_XML_ERROR, "the address %s at line %u is not in network %s/%u",
                    text, line, ip->address, network_ip_prefix(ip));
}

static int check_range(const NetworkIp *ip, const NetworkRange *range, Err *err) {
        uint8_t start[16], end[16];
        int r = check_inside(ip, range->start, range->node.line, err);

        if (r == 0)
                r = check_inside(ip, range->end, range->node.line, err);
        if (r < 0)
                return r;
        read_address(ip, range->start, start);
        read_address(ip, range->end, end);
        if (memcmp(start, end, sizeof(start)) > 0)
                return fail(err, VIR_ERR_XML_ERROR, "the range from %s to %s at line %u is empty",
                            range->start, range->end, range->node.line);
        return 0;
}

static int check_dhcp_host(const NetworkIp *ip, const NetworkHost *host, Err *err) {
        unsigned line = host->node.line;
        int r = check_option(host->mac, "MAC address", line, err);

        if (r == 0)
                r = check_option(host->id, "client's id", line, err);
        if (r == 0)
                r = check_option(host->name, "host's name", line, err);
        if (r == 0 && host->ip)
                r = check_inside(ip, host->ip, line, err);
        if (r == 0 && !host->mac && !host->id && !host->name)
                r = fail(err, VIR_ERR_XML_ERROR,
                         "<host> at line %u says neither mac nor id nor name", line);
        return r;
}

static int check_ip(const NetworkIp *ip, Err *err) {
        unsigned max = network_ip_is_v6(ip) ? 128 : 32;
        int r = check_address(ip, ip->address, ip->node.line, err);

        if (r == 0)
                r = check_netmask(ip->netmask, network_ip_is_v6(ip), ip->node.line, err);
        if (r < 0)
                return r;
        if (network_ip_prefix(ip) == 0 || network_ip_prefix(ip) > max)
                return fail(err, VIR_ERR_XML_ERROR, "<ip> at line %u: the prefix is from 1 to %u",
                            ip->node.line, max);
        if (ip->family && !network_ip_is_v6(ip) && !g_str_equal(ip->family, "ipv4"))
                return fail(err, VIR_ERR_XML_ERROR, "<ip family='%s'> at line %u is no family",
                            ip->family, ip->node.line);
        if (ip->local_ptr == DOMAIN_SWITCH_ON) {
                g_autofree char *zone = network_ip_zone(ip);

                if (!zone)
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<ip localPtr='yes'> at line %u: a prefix of %u has no zone of "
                                    "its own",
                                    ip->node.line, network_ip_prefix(ip));
        }
        for (guint i = 0; ip->dhcp.ranges && i < ip->dhcp.ranges->len && r == 0; i++)
                r = check_range(ip, ip->dhcp.ranges->pdata[i], err);
        for (guint i = 0; ip->dhcp.hosts && i < ip->dhcp.hosts->len && r == 0; i++)
                r = check_dhcp_host(ip, ip->dhcp.hosts->pdata[i], err);
        if (r == 0)
                r = check_option(ip->dhcp.bootp.file, "boot file", ip->node.line, err);
        if (r == 0)
                r = check_option(ip->dhcp.bootp.server, "boot server", ip->node.line, err);
        return r == 0 ? check_option(ip->tftp.root, "TFTP directory", ip->node.line, err) : r;
}

static int check_forwarder(const NetworkForwarder *forwarder, Err *err) {
        int r = check_option(forwarder->addr, "forwarder", forwarder->node.line, err);

        return r == 0 ? check_option(forwarder->domain, "domain", forwarder->node.line, err) : r;
}

static int check_txt(const NetworkTxt *txt, Err *err) {
        int r = check_option(txt->name, "name", txt->node.line, err);

        if (r == 0 && strpbrk(txt->value, "\n\r\""))
                r = fail(err, VIR_ERR_XML_ERROR,
                         "the text at line %u holds a quote or a line's end", txt->node.line);
        return r;
}

static int check_dns_host(const NetworkDnsHost *host, Err *err) {
        int r = check_option(host->ip, "address", host->node.line, err);

        for (guint i = 0; host->names && i < host->names->len && r == 0; i++)
                r = check_option(((NetworkText *)host->names->pdata[i])->text, "host's name",
                                 host->node.line, err);
        return r;
}

static int check_srv(const NetworkSrv *srv, Err *err) {
        unsigned line = srv->node.line;
        int r = check_option(srv->service, "service", line, err);

        if (r == 0)
                r = check_option(srv->protocol, "protocol", line, err);
        if (r == 0)
                r = check_option(srv->domain, "domain", line, err);
        if (r == 0)
                r = check_option(srv->target, "target", line, err);
        if (r == 0 && !srv->target &&
            (srv->port.is_set || srv->priority.is_set || srv->weight.is_set))
                r = fail(err, VIR_ERR_XML_ERROR, "<srv> at line %u has a port and no target", line);
        return r;
}

static int check_dns(const NetworkDef *def, Err *err) {
        int r = 0;

        for (guint i = 0; def->dns.forwarders && i < def->dns.forwarders->len && r == 0; i++)
                r = check_forwarder(def->dns.forwarders->pdata[i], err);
        for (guint i = 0; def->dns.txts && i < def->dns.txts->len && r == 0; i++)
                r = check_txt(def->dns.txts->pdata[i], err);
        for (guint i = 0; def->dns.hosts && i < def->dns.hosts->len && r == 0; i++)
                r = check_dns_host(def->dns.hosts->pdata[i], err);
        for (guint i = 0; def->dns.srvs && i < def->dns.srvs->len && r == 0; i++)
                r = check_srv(def->dns.srvs->pdata[i], err);
        return r;
}

/* Rules and options name them. */
static int check_devices(const NetworkDef *def, Err *err) {
        int r = 0;

        for (guint i = 0; def->forward.interfaces && i < def->forward.interfaces->len && r == 0;
             i++) {
                const NetworkForwardInterface *item = def->forward.interfaces->pdata[i];

                r = check_device(item->dev, item->node.line, err);
        }
        return r == 0 ? check_device(def->forward.dev, def->forward.node.line, err) : r;
}

/* Rules are made of them. */
static int check_nat(const NetworkDef *def, Err *err) {
        const NetworkIp v4 = {};
        const char *start = def->forward.nat.address.start, *end = def->forward.nat.address.end;
        unsigned line = def->forward.nat.node.line;
        int r = start ? check_address(&v4, start, line, err) : 0;

        if (r == 0 && end)
                r = check_address(&v4, end, line, err);
        if (r < 0)
                return r;
        if (def->forward.nat.port.start.value > def->forward.nat.port.end.value)
                return fail(err, VIR_ERR_XML_ERROR,
                            "the ports of <nat> at line %u end before they "
                            "start",
                            line);
        return 0;
}

static int check_forward(const NetworkDef *def, Err *err) {
        bool has_ips = def->ips && def->ips->len > 0;
        int r;

        if (def->forward.mode == FORWARD_BRIDGE && !def->bridge.name)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "network '%s' forwards by a bridge of the host and names none",
                            def->name);
        if (def->forward.mode == FORWARD_BRIDGE && has_ips)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "network '%s' is a bridge of the host, whose addresses are not ours",
                            def->name);
        if (def->forward.nat.node.is_present && def->forward.mode != FORWARD_NAT)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<nat> at line %u is for forward mode 'nat' alone",
                            def->forward.nat.node.line);
        if ((def->forward.mode == FORWARD_NAT || def->forward.mode == FORWARD_ROUTE) && !has_ips)
                return fail(err, VIR_ERR_XML_ERROR,
                            "network '%s' is forwarded and has no <ip> address", def->name);
        r = check_nat(def, err);
        return r < 0 ? r : check_devices(def, err);
}

static int check_route(const NetworkDef *def, const NetworkRoute *route, Err *err) {
        NetworkIp net = {.family = route->family, .address = route->address};
        unsigned max = network_route_is_v6(route) ? 128 : 32, line = route->node.line;
        int r = check_address(&net, route->address, line, err);

        if (r == 0)
                r = check_address(&net, route->gateway, line, err);
        if (r == 0)
                r = check_netmask(route->netmask, network_route_is_v6(route), line, err);
        if (r < 0)
                return r;
        if (network_route_prefix(route) > max)
                return fail(err, VIR_ERR_XML_ERROR, "<route> at line %u: the prefix is at most %u",
                            line, max);
        NETWORK_FOREACH(NetworkIp, ip, def->ips) {
                if (network_ip_is_v6(ip) == network_route_is_v6(route) &&
                    network_ip_contains(ip, route->gateway))
                        return 0;
        }
        return fail(err, VIR_ERR_XML_ERROR,
                    "the gateway %s of <route> at line %u is in none of the networks of '%s'",
                    route->gateway, line, def->name);
}

static int check_portgroups(const NetworkDef *def, Err *err) {
        const char *preset = NULL;

        for (guint i = 0; def->portgroups && i < def->portgroups->len; i++) {
                const NetworkPortgroup *group = def->portgroups->pdata[i];

                for (guint j = 0; j < i; j++)
                        if (g_str_equal(((NetworkPortgroup *)def->portgroups->pdata[j])->name,
                                        group->name))
                                return fail(err, VIR_ERR_XML_ERROR,
                                            "network '%s' has two portgroups '%s'", def->name,
                                            group->name);
                if (group->is_default == DOMAIN_SWITCH_ON && preset)
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "the portgroups '%s' and '%s' of network '%s' are both default",
                                    preset, group->name, def->name);
                preset = group->is_default == DOMAIN_SWITCH_ON ? group->name : preset;
        }
        return 0;
}

/* What libvirt knows and this host is not told. */
static int check_served(const NetworkDef *def, Err *err) {
        if (def->bridge.mac_table == MAC_TABLE_LIBVIRT)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "network '%s': the kernel learns the addresses on its bridge",
                                      def->name),
                                 "leave macTableManager out, or set it to 'kernel'");
        if (def->domain.registers == DOMAIN_SWITCH_ON)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "network '%s': the domain '%s' is not registered with the host's "
                            "resolver",
                            def->name, def->domain.name);
        return 0;
}

static int check_lists(const NetworkDef *def, Err *err) {
        int r = 0;

        for (guint i = 0; def->ips && i < def->ips->len && r == 0; i++)
                r = check_ip(def->ips->pdata[i], err);
        for (guint i = 0; def->routes && i < def->routes->len && r == 0; i++)
                r = check_route(def, def->routes->pdata[i], err);
        return r == 0 ? check_portgroups(def, err) : r;
}

int network_def_check(const NetworkDef *def, Err *err) {
        int r = domain_check_file_name(def->name, "network", NETWORK_NAME_MAX, err);

        if (r == 0 && def->name[0] == '.')
                r = fail(err, VIR_ERR_XML_ERROR,
                         "'%s' cannot be a network's name: it begins with a dot", def->name);
        if (r == 0)
                r = check_forward(def, err);
        if (r == 0)
                r = check_device(def->bridge.name, def->bridge.node.line, err);
        if (r == 0)
                r = check_option(def->domain.name, "domain", def->domain.node.line, err);
        if (r == 0)
                r = check_served(def, err);
        if (r == 0)
                r = check_dns(def, err);
        return r == 0 ? check_lists(def, err) : r;
}

/* ---- defaults ---- */

/* The device to go out by stands twice: as forward's own, and as the first of a list. */
static int fill_forward(NetworkDef *def, Err *err) {
        GPtrArray *list = def->forward.interfaces;
        NetworkForwardInterface *first = list && list->len > 0 ? list->pdata[0] : NULL;

        if (first && !def->forward.dev)
                def->forward.dev = g_strdup(first->dev);
        if (first && !g_str_equal(first->dev, def->forward.dev))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<forward dev='%s'> at line %u is not its first <interface dev='%s'>",
                            def->forward.dev, def->forward.node.line, first->dev);
        if (first || !def->forward.dev)
                return 0;
        if (!list)
                list = def->forward.interfaces = g_ptr_array_new();
        first = domain_element_new(&network_forward_interface_element);
        first->node.is_present = true;
        first->dev = g_strdup(def->forward.dev);
        g_ptr_array_add(list, first);
        return 0;
}

static void fill_bridge(NetworkDef *def) {
        uint32_t tail = g_random_int();

        if (!def->bridge.stp)
                def->bridge.stp = DOMAIN_SWITCH_ON;
        if (!def->bridge.delay.is_set)
                def->bridge.delay = DOMAIN_NUM(0);
        if (def->mac.address)
                return;
        def->mac.node.is_present = true;
        def->mac.address = g_strdup_printf("52:54:00:%02x:%02x:%02x", tail >> 16 & 0xff,
                                           tail >> 8 & 0xff, tail & 0xff);
}

static int fill(NetworkDef *def, Err *err) {
        domain_uuid_fill(def->uuid);
        def->connections = (DomainNum){};
        if (def->forward.node.is_present && !def->forward.mode)
                def->forward.mode = FORWARD_NAT;
        def->bridge.node.is_present = true;
        if (network_def_has_bridge(def))
                fill_bridge(def);
        for (guint i = 0; def->forward.interfaces && i < def->forward.interfaces->len; i++)
                ((NetworkForwardInterface *)def->forward.interfaces->pdata[i])->connections =
                        (DomainNum){};
        return fill_forward(def, err);
}

/* ---- documents ---- */

#define NETWORK_NAMESPACES "http://libvirt.org/schemas/network/"

/* Elements and attributes of libvirt's schema that would be kept as if nobody knew them. */
static int check_element(const xmlNode *node, Err *err) {
        static const char *const absent[] = {"bandwidth", "vlan",   "virtualport",
                                             "pf",        "driver", NULL};
        g_autofree char *zone = xml_attr(node, "zone");

        if (node->ns && g_str_has_prefix((const char *)node->ns->href, NETWORK_NAMESPACES))
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<%s:%s> at line %u: options are not passed to dnsmasq as "
                                      "they are, since they can make it run programs",
                                      node->ns->prefix, xml_name(node), xml_line(node)),
                                 "use <dns>, <dhcp>, <domain> and <tftp>");
        if (g_strv_contains(absent, xml_name(node)))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<%s> at line %u is not served for networks yet", xml_name(node),
                            xml_line(node));
        if (zone)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<%s zone='%s'> at line %u: firewalld's zones are not served",
                            xml_name(node), zone, xml_line(node));
        return 0;
}

static int check_elements(const xmlNode *node, Err *err) {
        int r = check_element(node, err);

        if (g_str_equal(xml_name(node), "metadata"))
                return 0;
        for (xmlNode *child = xml_first(node); child && r == 0; child = xml_next(child))
                r = check_elements(child, err);
        return r;
}

int network_def_parse(const char *text, bool validate, GPtrArray *warnings, NetworkDef **ret,
                      Err *err) {
        g_autoptr(NetworkDef) def = domain_element_new(&network_element);
        const DomainDocument document = {&network_element, validate, warnings, check_elements};
        int r = domain_document_parse(text, &document, def, err);

        if (r == 0)
                r = fill(def, err);
        if (r == 0)
                r = network_def_check(def, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&def);
        return 0;
}

void network_def_free(NetworkDef *def) {
        domain_element_free(&network_element, def);
}

NetworkDef *network_def_copy(const NetworkDef *def) {
        return domain_element_copy(&network_element, def);
}

char *network_def_format(const NetworkDef *def) {
        return domain_document_format(&network_element, def);
}
