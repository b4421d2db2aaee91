/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a running network has on the host: its bridge with addresses and routes, its table of rules,
 * and its dnsmasq (network-dnsmasq.c). Each is a step of the plan that starts it. */

#include "daemon/network.h"
#include "handover/plan.h"

#define NETWORK_NFT     "/usr/sbin/nft"
#define NETWORK_DNSMASQ "/usr/sbin/dnsmasq"

/* The start of network->live; the caller runs and frees it. */
Plan *network_make_plan(Network *network);

/* A program as an errand of the step; hint says how to install it. */
int network_run_program(Step *step, const char *const *argv, const char *hint, Err *err);

/* Only a bridge that is ours, which its MAC address tells. */
int network_remove_bridge(const NetworkDef *def, Err *err);

/* ---- dnsmasq ---- */

extern const StepKind network_step_dnsmasq;

/* Looks after the dnsmasq of a network that has been started, or was found running: one that ends
 * without being told is started again, a few times. Harmless where none is needed. */
void network_watch_dnsmasq(Network *network);
void network_unwatch_dnsmasq(Network *network);

/* Tells it to end. Unwatch it first. */
void network_end_dnsmasq(const Network *network);

/* Makes what runs follow network->live after a change: rules, names and addresses; guests' links
 * stay. Answers the call when that is done and returns CALL_LATER. */
int network_follow(Network *network, Call *call, Err *err);
