/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network/network-xml.h"

#include "domain/fields.h"

static const char *const forward_modes[] = {"nat", "route", "open", "bridge", NULL};
static const char *const lease_units[] = {"seconds", "minutes", "hours", NULL};

static const DomainField text_fields[] = {TEXT_STRING(NetworkText, text, .is_required = true), END};

static const DomainField lease_fields[] = {
        ATTR_NUM(NetworkLease, expiry, "expiry", .is_required = true),
        ATTR_ENUM(NetworkLease, unit, "unit", lease_units),
        END,
};
static const DomainElement lease_element = ELEMENT(NetworkLease, "lease", lease_fields);

static const DomainField range_fields[] = {
        ATTR_STRING(NetworkRange, start, "start", .is_required = true),
        ATTR_STRING(NetworkRange, end, "end", .is_required = true),
        CHILD(NetworkRange, lease, "lease", lease_element),
        END,
};
const DomainElement network_range_element = ELEMENT(NetworkRange, "range", range_fields);

static const DomainField host_fields[] = {
        ATTR_STRING(NetworkHost, mac, "mac"),
        ATTR_STRING(NetworkHost, id, "id"),
        ATTR_STRING(NetworkHost, name, "name"),
        ATTR_STRING(NetworkHost, ip, "ip"),
        CHILD(NetworkHost, lease, "lease", lease_element),
        END,
};
const DomainElement network_host_element = ELEMENT(NetworkHost, "host", host_fields);

static const DomainField bootp_fields[] = {
        ATTR_STRING(NetworkIp, dhcp.bootp.file, "file", .is_required = true),
        ATTR_STRING(NetworkIp, dhcp.bootp.server, "server"),
        END,
};
static const DomainElement bootp_element = PART_OF(NetworkIp, dhcp.bootp, "bootp", bootp_fields);

static const DomainField dhcp_fields[] = {
        LIST(NetworkIp, dhcp.ranges, "range", network_range_element),
        LIST(NetworkIp, dhcp.hosts, "host", network_host_element),
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
        ATTR_YES(NetworkIp, local_ptr, "localPtr"),
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

static const DomainField srv_fields[] = {
        ATTR_STRING(NetworkSrv, service, "service", .is_required = true),
        ATTR_STRING(NetworkSrv, protocol, "protocol", .is_required = true),
        ATTR_STRING(NetworkSrv, domain, "domain"),
        ATTR_STRING(NetworkSrv, target, "target"),
        ATTR_NUM(NetworkSrv, port, "port", .max = UINT16_MAX),
        ATTR_NUM(NetworkSrv, priority, "priority", .max = UINT16_MAX),
        ATTR_NUM(NetworkSrv, weight, "weight", .max = UINT16_MAX),
        END,
};
const DomainElement network_srv_element = ELEMENT(NetworkSrv, "srv", srv_fields);

static const DomainField txt_fields[] = {
        ATTR_STRING(NetworkTxt, name, "name", .is_required = true),
        ATTR_STRING(NetworkTxt, value, "value", .is_required = true),
        END,
};
const DomainElement network_txt_element = ELEMENT(NetworkTxt, "txt", txt_fields);

static const DomainElement hostname_element = ELEMENT(NetworkText, "hostname", text_fields);
static const DomainField dns_host_fields[] = {
        ATTR_STRING(NetworkDnsHost, ip, "ip", .is_required = true),
        LIST(NetworkDnsHost, names, "hostname", hostname_element),
        END,
};
const DomainElement network_dns_host_element = ELEMENT(NetworkDnsHost, "host", dns_host_fields);

static const DomainField dns_fields[] = {
        ATTR_YES(NetworkDef, dns.enable, "enable"),
        ATTR_YES(NetworkDef, dns.forward_plain_names, "forwardPlainNames"),
        LIST(NetworkDef, dns.forwarders, "forwarder", forwarder_element),
        LIST(NetworkDef, dns.txts, "txt", network_txt_element),
        LIST(NetworkDef, dns.hosts, "host", network_dns_host_element),
        LIST(NetworkDef, dns.srvs, "srv", network_srv_element),
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
        ATTR_YES(NetworkDef, forward.nat.ipv6, "ipv6"),
        PART("address", nat_address),
        PART("port", nat_port),
        END,
};
static const DomainElement nat_element = PART_OF(NetworkDef, forward.nat, "nat", nat_fields);

static const DomainField forward_interface_fields[] = {
        ATTR_STRING(NetworkForwardInterface, dev, "dev", .is_required = true),
        ATTR_NUM(NetworkForwardInterface, connections, "connections"),
        END,
};
const DomainElement network_forward_interface_element =
        ELEMENT(NetworkForwardInterface, "interface", forward_interface_fields);

static const DomainField forward_fields[] = {
        ATTR_STRING(NetworkDef, forward.dev, "dev"),
        ATTR_ENUM(NetworkDef, forward.mode, "mode", forward_modes),
        PART("nat", nat_element),
        LIST(NetworkDef, forward.interfaces, "interface", network_forward_interface_element),
        END,
};
static const DomainElement forward_element =
        PART_OF(NetworkDef, forward, "forward", forward_fields);

static const char *const mac_tables[] = {"kernel", "libvirt", NULL};

static const DomainField bridge_fields[] = {
        ATTR_STRING(NetworkDef, bridge.name, "name"),
        ATTR_ON(NetworkDef, bridge.stp, "stp"),
        ATTR_NUM(NetworkDef, bridge.delay, "delay", .max = 30),
        ATTR_ENUM(NetworkDef, bridge.mac_table, "macTableManager", mac_tables),
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
        ATTR_YES(NetworkDef, domain.registers, "register"),
        END,
};
static const DomainElement domain_part = PART_OF(NetworkDef, domain, "domain", domain_fields);

static const DomainField route_fields[] = {
        ATTR_STRING(NetworkRoute, family, "family"),
        ATTR_STRING(NetworkRoute, address, "address", .is_required = true),
        ATTR_STRING(NetworkRoute, netmask, "netmask"),
        ATTR_NUM(NetworkRoute, prefix, "prefix", .max = 128),
        ATTR_STRING(NetworkRoute, gateway, "gateway", .is_required = true),
        ATTR_NUM(NetworkRoute, metric, "metric"),
        END,
};
static const DomainElement route_element = ELEMENT(NetworkRoute, "route", route_fields);

static const DomainField portgroup_fields[] = {
        ATTR_STRING(NetworkPortgroup, name, "name", .is_required = true),
        ATTR_YES(NetworkPortgroup, is_default, "default"),
        ATTR_YES(NetworkPortgroup, trust_guest_rx_filters, "trustGuestRxFilters"),
        END,
};
const DomainElement network_portgroup_element =
        ELEMENT(NetworkPortgroup, "portgroup", portgroup_fields);

static const DomainField port_fields[] = {
        ATTR_YES(NetworkDef, port.isolated, "isolated"),
        END,
};
static const DomainElement port_element = PART_OF(NetworkDef, port, "port", port_fields);

static const DomainField network_fields[] = {
        ATTR_NUM(NetworkDef, connections, "connections"),
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
        LIST(NetworkDef, routes, "route", route_element),
        PART("port", port_element),
        LIST(NetworkDef, portgroups, "portgroup", network_portgroup_element),
        END,
};
const DomainElement network_element = ELEMENT(NetworkDef, "network", network_fields);
