/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's devices as clients see them, by the names that libvirt gives them: "computer" at the
 * root, each PCI function ("pci_0000_01_00_0") below its bridge, each network interface
 * ("net_eth0_52_54_00_12_34_56") below its function.
 *
 * A view over the PciTree, whose callback it takes: functions come and go with the tree. Interfaces
 * are read again when nodedevs_refresh_net() says so. All answers are from memory. */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "pci/names.h"
#include "pci/tree.h"

typedef enum NodedevKind {
        NODEDEV_SYSTEM,
        NODEDEV_PCI,
        NODEDEV_NET,
        _NODEDEV_KIND_MAX,
} NodedevKind;

typedef struct Nodedev {
        NodedevKind kind;
        char *name;
        char *parent; /* its name; NULL: this is the root */

        PciAddr addr; /* NODEDEV_PCI */

        /* NODEDEV_NET */
        char *interface; /* "eth0" */
        char *address;   /* "52:54:00:12:34:56"; NULL: it has none */
        char *path;      /* below the root of Sys */
        bool is_wireless;
} Nodedev;

/* The machine by its firmware (SMBIOS); a text that it does not give is NULL. */
typedef struct NodedevSystem {
        char *product, *vendor, *version;
        char *uuid; /* of the firmware, else of the installation; "0000…" where there is neither */
        char *firmware_vendor, *firmware_version, *firmware_date;
} NodedevSystem;

/* Bits of virConnectListAllNodeDevicesFlags; those of kinds that no device here has are known and
 * match nothing. */
#define NODEDEV_LIST_SYSTEM     (1u << 0)
#define NODEDEV_LIST_PCI        (1u << 1)
#define NODEDEV_LIST_NET        (1u << 4)
#define NODEDEV_LIST_KINDS      ((1u << 22) - 1)
#define NODEDEV_LIST_PERSISTENT (1u << 28)
#define NODEDEV_LIST_TRANSIENT  (1u << 29)
#define NODEDEV_LIST_INACTIVE   (1u << 30)
#define NODEDEV_LIST_ACTIVE     (1u << 31)
#define NODEDEV_LIST_ALL                                                         \
        (NODEDEV_LIST_KINDS | NODEDEV_LIST_PERSISTENT | NODEDEV_LIST_TRANSIENT | \
         NODEDEV_LIST_INACTIVE | NODEDEV_LIST_ACTIVE)

typedef enum NodedevChange {
        NODEDEV_CREATED,
        NODEDEV_DELETED,
        NODEDEV_UPDATED,
} NodedevChange;

typedef struct Manager Manager;
typedef struct Nodedevs Nodedevs;

/* Called after the list has taken the change in. */
typedef void (*NodedevFunc)(const char *name, NodedevChange change, void *userdata);

/* tree and names are borrowed. */
int nodedevs_new(PciTree *tree, PciNames *names, Nodedevs **ret, Err *err);
void nodedevs_free(Nodedevs *nodedevs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Nodedevs, nodedevs_free)

void nodedevs_set_callback(Nodedevs *nodedevs, NodedevFunc func, void *userdata);

/* Changes become events for the manager's clients, and the monitor's news of interfaces come here
 * (defined in rpc-nodedev.c). */
void nodedevs_set_manager(Nodedevs *nodedevs, Manager *manager);

/* Reads one interface again (or for the first time, or finds it gone); NULL: all. A
 * PciMonitorNetFunc, userdata is the Nodedevs. */
void nodedevs_refresh_net(const char *interface, void *userdata);

PciTree *nodedevs_tree(const Nodedevs *nodedevs);
PciNames *nodedevs_names(const Nodedevs *nodedevs);
const NodedevSystem *nodedevs_system(const Nodedevs *nodedevs);

/* NULL: there is none. The second says so in libvirt's words. */
const Nodedev *nodedevs_find(const Nodedevs *nodedevs, const char *name);
int nodedevs_lookup(const Nodedevs *nodedevs, const char *name, const Nodedev **ret, Err *err);

/* The root, the functions by address, the interfaces by name. Borrowed, valid until the next
 * change.
 */
const Nodedev *const *nodedevs_list(Nodedevs *nodedevs, size_t *ret_n);

/* Flags of one kind of question are alternatives, the kinds of questions add up; 0: every device.
 */
bool nodedev_matches(const Nodedev *dev, uint32_t flags);

/* As libvirt has it: a definition is kept of the computer alone, the others are what the bus shows.
 */
bool nodedev_is_persistent(const Nodedev *dev);

/* "system", "pci" or "net": the one capability that each device has. */
const char *nodedev_capability(const Nodedev *dev);
