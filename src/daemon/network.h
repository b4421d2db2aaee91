/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A virtual network as the daemon sees it: its definition, and what runs of it on the host: a
 * bridge, a dnsmasq, a table of rules. They outlive the daemon as guests do. How clients see it
 * stands in rpc-network.c.
 *
 * CONFIG/networks/NAME.xml (+ autostart/NAME.xml) is the definition; RUN/networks/NAME.xml is that
 * of the network that is active; while NAME.starting is there too, it is half-made. */

#include <stdbool.h>

#include <glib.h>

#include "daemon/call.h"
#include "daemon/manager.h"
#include "network/network-def.h"

#define NETWORKS_MAX 4096
#define NETWORK_KIND "networks" /* daemon/object-store.h */

typedef struct NetworkWatch NetworkWatch; /* daemon/network-dnsmasq.c */

typedef struct Network {
        Manager *manager;
        unsigned refs;
        NetworkDef *config; /* what the next start uses; never NULL */
        NetworkDef *live;   /* NULL: not active */
        NetworkDef *next;   /* what the next start alone uses; NULL: config */
        char *uuid_text;
        bool is_persistent, autostart;
        bool is_changing;    /* a start or stop is under way */
        NetworkWatch *watch; /* of its dnsmasq; NULL: it needs none */
} Network;

/* virNetworkEventLifecycleType. */
typedef enum NetworkEvent {
        NETWORK_DEFINED,
        NETWORK_UNDEFINED,
        NETWORK_STARTED,
        NETWORK_STOPPED,
} NetworkEvent;

/* Reads what is stored, takes up what runs and clears away what was half-made. */
void networks_load(Manager *manager);
/* done comes when each has started, or has failed. */
void networks_autostart(Manager *manager, void (*done)(Manager *manager));
void networks_free(Manager *manager);

Network *network_find_by_name(Manager *manager, const char *name);
Network *network_find_by_uuid(Manager *manager, const uint8_t uuid[16]);

Network *network_ref(Network *network);
void network_unref(Network *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Network, network_unref)

const NetworkDef *network_def(const Network *network, bool inactive);
const char *network_name(const Network *network);

/* RUN/networks/NAME.ending; the caller's. */
char *network_run_path(const Network *network, const char *ending);

/* Store def as what the network's next start uses, and as what runs. */
int network_write_config(const Network *network, const NetworkDef *def, Err *err);
int network_write_live(const Network *network, const NetworkDef *def, Err *err);
/* Takes def over. */
void network_replace_config(Network *network, NetworkDef *def);

int network_define(Manager *manager, const char *xml, bool validate, Network **ret, Err *err);
/* What network_define() would store (*ret) and in whose place (*ret_same; NULL: a new one), and
 * changes nothing. warnings takes sentences about what is kept and not served. */
int network_try_define(Manager *manager, const char *xml, GPtrArray *warnings, NetworkDef **ret,
                       Network **ret_same, Err *err);
/* Makes one that is not active yet; it is gone when it stops. */
int network_make_transient(Manager *manager, const char *xml, bool validate, Network **ret,
                           Err *err);
int network_undefine(Network *network, Err *err);
int network_set_autostart(Network *network, bool autostart, Err *err);
/* Fails while it is being started or stopped. */
int network_check_idle(const Network *network, Err *err);
int network_check_active(const Network *network, bool is_active, Err *err);

/* Each answers the call (NULL: nobody waits) at its end and returns CALL_LATER; done (may be NULL)
 * fills the result of a start. */
typedef void (*NetworkFunc)(Call *call, Network *network);
int network_start(Network *network, Call *call, NetworkFunc done, Err *err);
int network_stop(Network *network, Call *call, Err *err);

/* The bridge that a guest's interface in this network joins; the caller's. */
int network_bridge(Manager *manager, const char *name, char **ret, Err *err);

/* The file of the leases that dnsmasq gave, and its text ("" where it gave none); the caller's. A
 * line is "EXPIRY MAC ADDRESS NAME CLIENT", '*' standing for what is not known. */
char *network_lease_path(const Network *network);
char *network_leases(const Network *network);

/* The address that the network gave to this MAC address; NULL: none. The caller's. */
char *network_lease_address(Manager *manager, const char *name, const char *mac,
                            unsigned *ret_prefix);

/* Bits of the network part of the address; 0: it is in none of the network's ranges. */
unsigned network_prefix_of(const NetworkDef *def, const char *address);
