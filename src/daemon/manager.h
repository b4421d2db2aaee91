/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The whole of the running daemon: the event loop, the inventory, the hand-over, the guests and
 * what clients have subscribed to. One is made by main and passed to every handler; nothing is
 * global. */

#include <systemd/sd-event.h>

#include <glib.h>

#include "base/err.h"
#include "base/sys.h"
#include "domain/def.h"
#include "pci/monitor.h"
#include "pci/names.h"
#include "pci/tree.h"

typedef struct Checkup Checkup;             /* daemon/checkup.h */
typedef struct CpuStore CpuStore;           /* daemon/cpu-store.h */
typedef struct Emulators Emulators;         /* daemon/emulator.h */
typedef struct Events Events;               /* daemon/event.h */
typedef struct FirmwareStore FirmwareStore; /* qemu/firmware.h */
typedef struct Handover Handover;           /* handover/handover.h */
typedef struct Nodedevs Nodedevs;           /* daemon/nodedev.h */
typedef struct QemuCaps QemuCaps;           /* qemu/caps.h */
typedef struct Server Server;               /* daemon/server.h */
typedef struct Vm Vm;                       /* daemon/vm.h */

/* Where things are; every path is absolute and settable (daemon/options.h). */
typedef struct Paths {
        char *config_dir; /* /etc/airlock: guests/, autostart links */
        char *state_dir;  /* /var/lib/airlock: journal, images/, nvram/ */
        char *run_dir;    /* /run/airlock: sockets, live state of guests */
        char *log_dir;    /* /var/log/airlock: guests' logs */
        char *cache_dir;  /* /var/cache/airlock: capabilities of QEMU */
        char *socket_dir; /* where airlock-sock is made; run_dir unless given */
} Paths;

/* Of one guest, settable. */
typedef struct Limits {
        unsigned max_assigned_functions;
        unsigned spare_root_ports; /* of a new guest of q35, for what is plugged in later */
} Limits;

typedef struct Manager {
        sd_event *event;
        Paths paths;
        Limits limits;

        Sys *sys;
        PciTree *tree;
        PciNames *names;
        PciMonitor *monitor;
        Nodedevs *nodedevs;
        Handover *handover;
        FirmwareStore *firmwares;

        Events *events;
        Server *server;

        GHashTable *vms_by_uuid; /* text of the UUID → Vm; holds the guests' references */
        GHashTable *vms_by_name; /* name → Vm */
        GHashTable *vms_by_id;   /* id of a running guest → Vm */
        int next_id;

        GHashTable *networks; /* name → Network; holds their references (daemon/network.h) */
        GHashTable *pools;    /* name → Pool; holds their references (daemon/pool.h) */

        Emulators *emulators;
        CpuStore *cpus;
        Checkup *checkup; /* what the doctor says */
} Manager;

/* Makes everything from the paths on: reads the inventory, recovers hand-overs, finds the guests
 * that run and those that are defined. Takes over nothing of event and paths but references. */
int manager_new(sd_event *event, const Paths *paths, const Limits *limits, Manager **ret, Err *err);
void manager_free(Manager *manager);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manager, manager_free)

/* What a guest's definition that leaves something open gets on this host. */
DomainDefaults manager_domain_defaults(const Manager *manager);
/* The same of a guest that runs by this QEMU. */
DomainDefaults manager_domain_defaults_for(const Manager *manager, const char *emulator);

/* What a QEMU can do; emulator NULL: the default one. NULL: nobody asked it yet, or there is none.
 */
const QemuCaps *manager_caps(const Manager *manager, const char *emulator);

/* Version of the default QEMU as libvirt counts: major * 1000000 + minor * 1000 + micro. Reads it
 * (or its cache) on first use; fails where there is no QEMU. */
int manager_qemu_version(Manager *manager, uint64_t *ret, Err *err);

/* What runs a guest, as virConnectGetDomainCapabilities is asked; each may be NULL: the default. */
typedef struct Hypervisor {
        const char *emulator, *arch, *machine, *type;
} Hypervisor;

/* Refuses what this host does not have. */
int manager_check_hypervisor(Manager *manager, const Hypervisor *of, bool *ret_is_kvm, Err *err);

/* Capabilities documents in libvirt's format; the caller frees the text. */
int manager_capabilities(Manager *manager, char **ret, Err *err);
int manager_domain_capabilities(Manager *manager, const Hypervisor *of, char **ret, Err *err);
