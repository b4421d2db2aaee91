/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A virtual network as its XML describes it: plain values, read and written by the same tables as a
 * guest's definition (domain/element.h). Served are networks that this host makes (isolated,
 * routed, NAT, open) with a bridge of their own, and the name of a bridge that somebody else made.
 */

#include "domain/def.h"

#define NETWORK_NAME_MAX 200 /* bytes; it is a file's name too */

typedef enum ForwardMode {
        FORWARD_UNSET, /* no <forward>: isolated */
        FORWARD_NAT,
        FORWARD_ROUTE,
        FORWARD_OPEN,   /* routed, and no rules of ours */
        FORWARD_BRIDGE, /* onto a bridge of the host */
} ForwardMode;

typedef enum LeaseUnit { LEASE_UNIT_UNSET, LEASE_SECONDS, LEASE_MINUTES, LEASE_HOURS } LeaseUnit;

typedef struct NetworkLease {
        DomainNode node;
        DomainNum expiry; /* 0: for ever */
        LeaseUnit unit;   /* unset: minutes */
} NetworkLease;

typedef struct NetworkRange {
        DomainNode node;
        char *start, *end;
        NetworkLease lease;
} NetworkRange;

typedef struct NetworkHost {
        DomainNode node;
        char *mac, *id, *name, *ip;
        NetworkLease lease;
} NetworkHost;

typedef struct NetworkIp {
        DomainNode node;
        char *family; /* "ipv4", "ipv6"; NULL: ipv4 */
        char *address, *netmask;
        DomainNum prefix;
        DomainSwitch local_ptr;
        struct {
                DomainNode node;
                GPtrArray *ranges; /* NetworkRange */
                GPtrArray *hosts;  /* NetworkHost */
                struct {
                        DomainNode node;
                        char *file, *server;
                } bootp;
        } dhcp;
        struct {
                DomainNode node;
                char *root;
        } tftp;
} NetworkIp;

typedef struct NetworkText {
        DomainNode node;
        char *text;
} NetworkText;

typedef struct NetworkDnsHost {
        DomainNode node;
        char *ip;
        GPtrArray *names; /* NetworkText */
} NetworkDnsHost;

typedef struct NetworkForwarder {
        DomainNode node;
        char *domain, *addr;
} NetworkForwarder;

typedef struct NetworkTxt {
        DomainNode node;
        char *name, *value;
} NetworkTxt;

typedef struct NetworkSrv {
        DomainNode node;
        char *service, *protocol, *domain, *target;
        DomainNum port, priority, weight;
} NetworkSrv;

typedef struct NetworkForwardInterface {
        DomainNode node;
        char *dev;
        DomainNum connections; /* told by others; not kept */
} NetworkForwardInterface;

typedef struct NetworkRoute {
        DomainNode node;
        char *family; /* "ipv4", "ipv6"; NULL: ipv4 */
        char *address, *netmask;
        DomainNum prefix;
        char *gateway; /* a host in the network */
        DomainNum metric;
} NetworkRoute;

typedef struct NetworkPortgroup {
        DomainNode node;
        char *name;
        DomainSwitch is_default, trust_guest_rx_filters;
} NetworkPortgroup;

typedef enum MacTable { MAC_TABLE_UNSET, MAC_TABLE_KERNEL, MAC_TABLE_LIBVIRT } MacTable;

typedef struct NetworkDef {
        DomainNode node;
        DomainNum connections; /* guests' interfaces; told by others and not kept */
        DomainSwitch ipv6, trust_guest_rx_filters;
        char *name;
        uint8_t uuid[16];
        char *title, *description, *metadata;
        struct {
                DomainNode node;
                ForwardMode mode;
                char *dev;             /* the only interface to go out by; NULL: any */
                GPtrArray *interfaces; /* NetworkForwardInterface; the first is dev */
                struct {
                        DomainNode node;
                        DomainSwitch ipv6; /* off: IPv6 goes out unchanged */
                        struct {
                                DomainNode node;
                                char *start, *end;
                        } address;
                        struct {
                                DomainNode node;
                                DomainNum start, end;
                        } port;
                } nat;
        } forward;
        struct {
                DomainNode node;
                char *name;
                DomainSwitch stp;
                DomainNum delay; /* seconds */
                MacTable mac_table;
        } bridge;
        struct {
                DomainNode node;
                DomainNum size;
        } mtu;
        struct {
                DomainNode node;
                char *address; /* of the bridge */
        } mac;
        struct {
                DomainNode node;
                char *name;
                DomainSwitch local_only, registers;
        } domain;
        struct {
                DomainNode node;
                DomainSwitch enable, forward_plain_names;
                GPtrArray *forwarders; /* NetworkForwarder */
                GPtrArray *txts;       /* NetworkTxt */
                GPtrArray *hosts;      /* NetworkDnsHost */
                GPtrArray *srvs;       /* NetworkSrv */
        } dns;
        GPtrArray *ips;    /* NetworkIp */
        GPtrArray *routes; /* NetworkRoute */
        struct {
                DomainNode node;
                DomainSwitch isolated;
        } port;
        GPtrArray *portgroups; /* NetworkPortgroup */
} NetworkDef;

/* The items of a list that may be NULL. */
#define NETWORK_FOREACH(Type, item, list)                                         \
        for (guint _i_##item = 0; (list) && _i_##item < (list)->len; _i_##item++) \
                for (const Type *item = (list)->pdata[_i_##item]; item; item = NULL)

/* Parses, fills (UUID, MAC address) and checks. The bridge's name may be left open; the caller
 * chooses one that is free before it stores the definition. */
int network_def_parse(const char *text, bool validate, GPtrArray *warnings, NetworkDef **ret,
                      Err *err);
char *network_def_format(const NetworkDef *def);

/* What no definition may say, whole or changed in a part. */
int network_def_check(const NetworkDef *def, Err *err);
NetworkDef *network_def_copy(const NetworkDef *def);
void network_def_free(NetworkDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetworkDef, network_def_free)

/* True for a network whose bridge is ours to make. */
bool network_def_has_bridge(const NetworkDef *def);

/* Bits of the network's part of an address: from prefix, or from netmask; 24 bits (IPv4) and 64
 * (IPv6) where neither is given. */
unsigned network_ip_prefix(const NetworkIp *ip);
bool network_ip_is_v6(const NetworkIp *ip);
/* "2.0.192.in-addr.arpa": the zone of its reverse lookups; NULL: none is that large. The caller's.
 */
char *network_ip_zone(const NetworkIp *ip);
/* The same of a route. */
unsigned network_route_prefix(const NetworkRoute *route);
bool network_route_is_v6(const NetworkRoute *route);
/* Whether address lies in the network of ip. */
bool network_ip_contains(const NetworkIp *ip, const char *address);
