/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Network devices of the host, made and changed over rtnetlink (rtnetlink(7),
 * Documentation/userspace-api/netlink/intro.rst). Each call is one request that the kernel answers
 * at once. */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

typedef struct LinkBridge {
        const char *mac; /* "52:54:00:…"; NULL: the kernel's choice */
        bool stp;
        unsigned forward_delay; /* seconds */
        unsigned mtu;           /* bytes; 0: the kernel's choice */
} LinkBridge;

/* A tap device that is a port of another device of the host (drivers/net/macvtap.c). */
typedef struct LinkMacvtap {
        const char *lower; /* the host's device */
        const char *mac;
        uint32_t mode; /* enum macvlan_mode */
} LinkMacvtap;

/* What the physical function of a network card keeps for one of its virtual functions. */
typedef struct LinkFunction {
        unsigned number; /* of the virtual function, from 0 */
        const char *mac;
        unsigned vlan; /* 0: none */
} LinkFunction;

bool link_exists(const char *name);
bool link_has_mac(const char *name, const char *mac);

/* Fails where a device of that name is there. */
int link_make_bridge(const char *name, const LinkBridge *bridge, Err *err);

int link_make_macvtap(const char *name, const LinkMacvtap *macvtap, Err *err);

/* An absent one is no error. */
int link_remove(const char *name, Err *err);

int link_set_up(const char *name, bool up, Err *err);
int link_set_mtu(const char *name, unsigned mtu, Err *err);

/* A port of a bridge that talks to no other isolated port. */
int link_set_isolated(const char *name, Err *err);

/* name: the network device of the physical function. */
int link_set_function(const char *name, const LinkFunction *function, Err *err);

/* address as inet_pton(3) reads it; one that the device has already is no error. */
int link_add_address(const char *name, bool is_v6, const char *address, unsigned prefix, Err *err);

typedef struct LinkRoute {
        bool is_v6;
        const char *address, *gateway; /* as inet_pton(3) reads them */
        unsigned prefix, metric;
} LinkRoute;

/* Out by the device, which is up. */
int link_add_route(const char *name, const LinkRoute *route, Err *err);

/* A free name of the form PREFIXn; the caller frees it. */
char *link_free_name(const char *prefix);
