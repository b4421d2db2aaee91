/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a running network asks of the host, as text: the configuration of its dnsmasq, and its rules
 * for nft. Pure; the caller writes and runs them.
 *
 * The rules are a table of their own, "inet airlock_BRIDGE", which is replaced and removed whole:
 * nobody else's rules are touched, and a crash leaves nothing that cannot be named. */

#include "network/network-def.h"

/* Where a network's dnsmasq has its files. */
typedef struct ServicePaths {
        const char *pid, *leases, *hosts, *addn_hosts;
} ServicePaths;

/* True where the network has addresses to give or names to answer. */
bool services_need_dnsmasq(const NetworkDef *def);

/* The three files that dnsmasq reads: options, one DHCP host a line, one name a line. */
char *services_dnsmasq_config(const NetworkDef *def, const ServicePaths *paths);
char *services_dnsmasq_hosts(const NetworkDef *def);
char *services_dnsmasq_addn_hosts(const NetworkDef *def);

/* The script for `nft -f -` that puts the rules in place (removing those that are there), and the
 * one that takes them away; NULL: the mode has no rules. */
char *services_rules(const NetworkDef *def);
char *services_rules_removal(const NetworkDef *def);
