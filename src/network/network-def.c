/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network/network-def.h"

#include <arpa/inet.h>
#include <string.h>

#include "domain/fields.h"

/* Names of network devices: IFNAMSIZ with its NUL. */
#define DEVICE_NAME_MAX 15

/* ---- XML ---- */

static const char *const forward_modes[] = {"nat", "route", "open", "bridge", NULL};

static const DomainField text_fields[] = {TEXT_STRING(NetworkText, text, .is_required = true), END};

static const DomainField range_fields[] = {
        ATTR_STRING(NetworkRange, start, "start", .is_required = true),
        ATTR_STRING(NetworkRange, end, "end", .is_required = true),
        END,
};
static const DomainElement range_element = ELEMENT(NetworkRange, "range", range_fields);

static const DomainField host_fields[] = {
        ATTR_STRING(NetworkHost, mac, "mac"),
        ATTR_STRING(NetworkHost, id, "id"),
        ATTR_STRING(NetworkHost, name, "name"),
        ATTR_STRING(NetworkHost, ip, "ip"),
        END,
};
static const DomainElement host_element = ELEMENT(NetworkHost, "host", host_fields);

static const DomainField bootp_fields[] = {
        ATTR_STRING(NetworkIp, dhcp.bootp.file, "file", .is_required = true),
        ATTR_STRING(NetworkIp, dhcp.bootp.server, "server"),
        END,
};
static const DomainElement bootp_element = PART_OF(NetworkIp, dhcp.bootp, "bootp", bootp_fields);

static const DomainField dhcp_fields[] = {
        LIST(NetworkIp, dhcp.ranges, "range", range_element),
        LIST(NetworkIp, dhcp.hosts, "host", host_element),
        PART("bootp", bootp_element),
        END,
};
static const DomainElement dhcp_element = PART_OF(NetworkIp, dhcp, "dhcp", dhcp_fields);

static const DomainField tftp_fields[] = {
        ATTR_STRING(NetworkIp, tftp.root, "root", .is_required = true),
        END,
};
static const DomainElement tftp_element = PART_OF(NetworkIp, tftp, "tftp", tftp_fields);

static const DomainField ip_fields[] = {
        ATTR_STRING(NetworkIp, family, "family"),
        ATTR_STRING(NetworkIp, address, "address", .is_required = true),
        ATTR_STRING(NetworkIp, netmask, "netmask"),
        ATTR_NUM(NetworkIp, prefix, "prefix", .max = 128),
        PART("tftp", tftp_element),
        PART("dhcp", dhcp_element),
        END,
};
static const DomainElement ip_element = ELEMENT(NetworkIp, "ip", ip_fields);

static const DomainField forwarder_fields[] = {
        ATTR_STRING(NetworkForwarder, domain, "domain"),
        ATTR_STRING(NetworkForwarder, addr, "addr"),
        END,
};
static const DomainElement forwarder_element =
        ELEMENT(NetworkForwarder, "forwarder", forwarder_fields);

static const DomainField txt_fields[] = {
        ATTR_STRING(NetworkTxt, name, "name", .is_required = true),
        ATTR_STRING(NetworkTxt, value, "value", .is_required = true),
        END,
};
static const DomainElement txt_element = ELEMENT(NetworkTxt, "txt", txt_fields);

static const DomainElement hostname_element = ELEMENT(NetworkText, "hostname", text_fields);
static const DomainField dns_host_fields[] = {
        ATTR_STRING(NetworkDnsHost, ip, "ip", .is_required = true),
        LIST(NetworkDnsHost, names, "hostname", hostname_element),
        END,
};
static const DomainElement dns_host_element = ELEMENT(NetworkDnsHost, "host", dns_host_fields);

static const DomainField dns_fields[] = {
        ATTR_YES(NetworkDef, dns.enable, "enable"),
        LIST(NetworkDef, dns.forwarders, "forwarder", forwarder_element),
        LIST(NetworkDef, dns.txts, "txt", txt_element),
        LIST(NetworkDef, dns.hosts, "host", dns_host_element),
        END,
};
static const DomainElement dns_element = PART_OF(NetworkDef, dns, "dns", dns_fields);

static const DomainField nat_address_fields[] = {
        ATTR_STRING(NetworkDef, forward.nat.address.start, "start", .is_required = true),
        ATTR_STRING(NetworkDef, forward.nat.address.end, "end"),
        END,
};
static const DomainElement nat_address =
        PART_OF(NetworkDef, forward.nat.address, "address", nat_address_fields);

static const DomainField nat_port_fields[] = {
        ATTR_NUM(NetworkDef, forward.nat.port.start, "start", .is_required = true,
                 .max = UINT16_MAX),
        ATTR_NUM(NetworkDef, forward.nat.port.end, "end", .is_required = true, .max = UINT16_MAX),
        END,
};
static const DomainElement nat_port =
        PART_OF(NetworkDef, forward.nat.port, "port", nat_port_fields);

static const DomainField nat_fields[] = {
        PART("address", nat_address),
        PART("port", nat_port),
        END,
};
static const DomainElement nat_element = PART_OF(NetworkDef, forward.nat, "nat", nat_fields);

static const DomainField forward_fields[] = {
        ATTR_STRING(NetworkDef, forward.dev, "dev"),
        ATTR_ENUM(NetworkDef, forward.mode, "mode", forward_modes),
        PART("nat", nat_element),
        END,
};
static const DomainElement forward_element =
        PART_OF(NetworkDef, forward, "forward", forward_fields);

static const DomainField bridge_fields[] = {
        ATTR_STRING(NetworkDef, bridge.name, "name"),
        ATTR_ON(NetworkDef, bridge.stp, "stp"),
        ATTR_NUM(NetworkDef, bridge.delay, "delay", .max = 30),
        END,
};
static const DomainElement bridge_element = PART_OF(NetworkDef, bridge, "bridge", bridge_fields);

static const DomainField mtu_fields[] = {
        ATTR_NUM(NetworkDef, mtu.size, "size", .is_required = true, .max = 65535),
        END,
};
static const DomainElement mtu_element = PART_OF(NetworkDef, mtu, "mtu", mtu_fields);

static const DomainField mac_fields[] = {
        ATTR_STRING(NetworkDef, mac.address, "address", .is_required = true),
        END,
};
static const DomainElement mac_element = PART_OF(NetworkDef, mac, "mac", mac_fields);

static const DomainField domain_fields[] = {
        ATTR_STRING(NetworkDef, domain.name, "name", .is_required = true),
        ATTR_YES(NetworkDef, domain.local_only, "localOnly"),
        END,
};
static const DomainElement domain_part = PART_OF(NetworkDef, domain, "domain", domain_fields);

static const DomainField network_fields[] = {
        ATTR_YES(NetworkDef, ipv6, "ipv6"),
        ATTR_YES(NetworkDef, trust_guest_rx_filters, "trustGuestRxFilters"),
        LEAF_STRING(NetworkDef, name, "name", .is_required = true),
        ATTR_(NetworkDef, uuid, "uuid", FIELD_UUID, .place = PLACE_LEAF),
        LEAF_STRING(NetworkDef, title, "title"),
        LEAF_STRING(NetworkDef, description, "description"),
        ATTR_(NetworkDef, metadata, "metadata", FIELD_SOURCE, .place = PLACE_LEAF),
        PART("forward", forward_element),
        PART("bridge", bridge_element),
        PART("mtu", mtu_element),
        PART("mac", mac_element),
        PART("domain", domain_part),
        PART("dns", dns_element),
        LIST(NetworkDef, ips, "ip", ip_element),
        END,
};
static const DomainElement network_element = ELEMENT(NetworkDef, "network", network_fields);

void network_def_free(NetworkDef *def) {
        domain_element_free(&network_element, def);
}

NetworkDef *network_def_copy(const NetworkDef *def) {
        return domain_element_copy(&network_element, def);
}

char *network_def_format(const NetworkDef *def) {
        XmlWriter *writer = xml_writer_new(0);

        domain_element_format(writer, &network_element, def, 0);
        return xml_writer_finish(writer);
}

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

static int check_name(const char *name, Err *err) {
        bool is_good =
                *name && strlen(name) <= NETWORK_NAME_MAX && !strchr(name, '/') && name[0] != '.';

        for (const char *s = name; *s; s++)
                is_good = is_good && !g_ascii_iscntrl(*s);
        if (is_good)
                return 0;
        return fail(err, VIR_ERR_XML_ERROR,
                    "'%.80s' cannot be a network's name: it takes 1 to %d bytes without '/', "
                    "control characters or a dot at the beginning",
                    name, NETWORK_NAME_MAX);
}

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

        if (r < 0)
                return r;
        if (network_ip_prefix(ip) == 0 || network_ip_prefix(ip) > max)
                return fail(err, VIR_ERR_XML_ERROR, "<ip> at line %u: the prefix is from 1 to %u",
                            ip->node.line, max);
        if (ip->family && !network_ip_is_v6(ip) && !g_str_equal(ip->family, "ipv4"))
                return fail(err, VIR_ERR_XML_ERROR, "<ip family='%s'> at line %u is no family",
                            ip->family, ip->node.line);
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

static int check_dns(const NetworkDef *def, Err *err) {
        int r = 0;

        for (guint i = 0; def->dns.forwarders && i < def->dns.forwarders->len && r == 0; i++) {
                const NetworkForwarder *forwarder = def->dns.forwarders->pdata[i];

                r = check_option(forwarder->addr, "forwarder", forwarder->node.line, err);
                if (r == 0)
                        r = check_option(forwarder->domain, "domain", forwarder->node.line, err);
        }
        for (guint i = 0; def->dns.txts && i < def->dns.txts->len && r == 0; i++) {
                const NetworkTxt *txt = def->dns.txts->pdata[i];

                r = check_option(txt->name, "name", txt->node.line, err);
                if (r == 0 && strpbrk(txt->value, "\n\r\""))
                        r = fail(err, VIR_ERR_XML_ERROR,
                                 "the text at line %u holds a quote or a line's end",
                                 txt->node.line);
        }
        for (guint i = 0; def->dns.hosts && i < def->dns.hosts->len && r == 0; i++) {
                const NetworkDnsHost *host = def->dns.hosts->pdata[i];

                r = check_option(host->ip, "address", host->node.line, err);
                for (guint j = 0; host->names && j < host->names->len && r == 0; j++)
                        r = check_option(((NetworkText *)host->names->pdata[j])->text,
                                         "host's name", host->node.line, err);
        }
        return r;
}

static int check_forward(const NetworkDef *def, Err *err) {
        bool has_ips = def->ips && def->ips->len > 0;

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
        return check_device(def->forward.dev, def->forward.node.line, err);
}

static int check(const NetworkDef *def, Err *err) {
        int r = check_name(def->name, err);

        if (r == 0)
                r = check_forward(def, err);
        if (r == 0)
                r = check_device(def->bridge.name, def->bridge.node.line, err);
        if (r == 0)
                r = check_option(def->domain.name, "domain", def->domain.node.line, err);
        if (r == 0)
                r = check_dns(def, err);
        for (guint i = 0; def->ips && i < def->ips->len && r == 0; i++)
                r = check_ip(def->ips->pdata[i], err);
        return r;
}

/* ---- defaults ---- */

static void fill_uuid(uint8_t uuid[16]) {
        static const uint8_t none[16];
        g_autofree char *text = NULL;

        if (memcmp(uuid, none, sizeof(none)) != 0)
                return;
        text = g_uuid_string_random();
        domain_uuid_parse(text, uuid);
}

static void fill(NetworkDef *def) {
        uint32_t tail = g_random_int();

        fill_uuid(def->uuid);
        if (def->forward.node.is_present && !def->forward.mode)
                def->forward.mode = FORWARD_NAT;
        def->bridge.node.is_present = true;
        if (!network_def_has_bridge(def))
                return;
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

int network_def_parse(const char *text, bool validate, GPtrArray *warnings, NetworkDef **ret,
                      Err *err) {
        g_autoptr(NetworkDef) def = domain_element_new(&network_element);
        DomainParse parse = {.flags = validate ? DOMAIN_PARSE_VALIDATE : 0, .warnings = warnings};
        g_autoptr(XmlDoc) doc = NULL;
        int r = xml_doc_parse(text, strlen(text), "network", &doc, err);

        if (r < 0)
                return r;
        if (!g_str_equal(xml_name(xml_doc_root(doc)), "network"))
                return fail(err, VIR_ERR_XML_ERROR,
                            "the root element is <%s>, where <network> is wanted",
                            xml_name(xml_doc_root(doc)));
        parse.doc = doc;
        r = domain_element_parse(&parse, &network_element, xml_doc_root(doc), def, err);
        if (r < 0)
                return r;
        fill(def);
        r = check(def, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&def);
        return 0;
}
