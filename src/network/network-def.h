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

typedef struct NetworkRange {
        DomainNode node;
        char *start, *end;
} NetworkRange;

typedef struct NetworkHost {
        DomainNode node;
        char *mac, *id, *name, *ip;
} NetworkHost;

typedef struct NetworkIp {
        DomainNode node;
        char *family; /* "ipv4", "ipv6"; NULL: ipv4 */
        char *address, *netmask;
        DomainNum prefix;
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

typedef struct NetworkDef {
        DomainNode node;
        DomainSwitch ipv6, trust_guest_rx_filters;
        char *name;
        uint8_t uuid[16];
        char *title, *description, *metadata;
        struct {
                DomainNode node;
                ForwardMode mode;
                char *dev; /* the only interface to go out by; NULL: any */
                struct {
                        DomainNode node;
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
                DomainSwitch local_only;
        } domain;
        struct {
                DomainNode node;
                DomainSwitch enable;
                GPtrArray *forwarders, *txts,
                        *hosts; /* NetworkForwarder, NetworkTxt, NetworkDnsHost */
        } dns;
        GPtrArray *ips; /* NetworkIp */
} NetworkDef;

/* Parses, fills (UUID, MAC address) and checks. The bridge's name may be left open; the caller
 * chooses one that is free before it stores the definition. */
int network_def_parse(const char *text, bool validate, GPtrArray *warnings, NetworkDef **ret,
                      Err *err);
char *network_def_format(const NetworkDef *def);
NetworkDef *network_def_copy(const NetworkDef *def);
void network_def_free(NetworkDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetworkDef, network_def_free)

/* True for a network whose bridge is ours to make. */
bool network_def_has_bridge(const NetworkDef *def);

/* Bits of the network's part of an address: from prefix, or from netmask; 24 bits (IPv4) and 64
 * (IPv6) where neither is given. */
unsigned network_ip_prefix(const NetworkIp *ip);
bool network_ip_is_v6(const NetworkIp *ip);
/* Whether address lies in the network of ip. */
bool network_ip_contains(const NetworkIp *ip, const char *address);
