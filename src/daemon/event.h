/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who wants to hear of what, and telling them. A registration is for one event of one class of
 * objects, of all objects or of one; it has an id that the messages carry, or it is of the old kind
 * (clients that did not ask for REMOTE_FEATURE_EVENT_CALLBACK), which has none. Registrations die
 * with their client. */

#include <stdint.h>

#include "base/err.h"
#include "daemon/call.h"
#include "daemon/manager.h"
#include "rpc/params.h"
#include "rpc/remote_types.h"

/* More than any client has; what is kept for one is bounded. */
#define EVENT_REGISTRATIONS_MAX 4096u

typedef enum EventClass {
        EVENT_DOMAIN,
        EVENT_NODEDEV,
        /* Nothing happens to these here yet; clients register for them all the same. */
        EVENT_NETWORK,
        EVENT_POOL,
        EVENT_SECRET,
        EVENT_MONITOR, /* what QEMU tells, as it tells it (libvirt's QEMU program) */
        _EVENT_CLASS_MAX,
} EventClass;

/* A guest as messages name it. */
typedef struct DomainRef {
        const char *name;
        const uint8_t *uuid; /* 16 bytes */
        int id;              /* -1: does not run */
} DomainRef;

/* virDomainEventType, and below each its details. */
enum {
        EVENT_DEFINED,
        EVENT_UNDEFINED,
        EVENT_STARTED,
        EVENT_SUSPENDED,
        EVENT_RESUMED,
        EVENT_STOPPED,
        EVENT_SHUTDOWN,
        EVENT_PMSUSPENDED,
        EVENT_CRASHED,
};
enum { EVENT_DEFINED_ADDED, EVENT_DEFINED_UPDATED, EVENT_DEFINED_RENAMED };
enum { EVENT_UNDEFINED_REMOVED, EVENT_UNDEFINED_RENAMED };
enum { EVENT_STARTED_BOOTED, EVENT_STARTED_RESTORED = 2, EVENT_STARTED_WAKEUP = 4 };
enum {
        EVENT_SUSPENDED_PAUSED,
        EVENT_SUSPENDED_IOERROR = 2,
        EVENT_SUSPENDED_WATCHDOG = 3,
        EVENT_SUSPENDED_RESTORED = 4,
};
enum { EVENT_RESUMED_UNPAUSED, EVENT_RESUMED_FROM_SNAPSHOT = 2 };
enum { EVENT_STOPPED_SHUTDOWN, EVENT_STOPPED_DESTROYED, EVENT_STOPPED_CRASHED };
enum { EVENT_STOPPED_SAVED = 4, EVENT_STOPPED_FAILED = 5 };
enum { EVENT_PMSUSPENDED_MEMORY, EVENT_PMSUSPENDED_DISK };
enum { EVENT_CRASHED_PANICKED, EVENT_CRASHED_CRASHLOADED };
enum { EVENT_SHUTDOWN_FINISHED, EVENT_SHUTDOWN_GUEST, EVENT_SHUTDOWN_HOST };

/* virNodeDeviceEventLifecycleType. */
enum { EVENT_NODEDEV_CREATED, EVENT_NODEDEV_DELETED };

typedef struct Events Events;

Events *events_new(void);
void events_free(Events *events);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Events, events_free)

/* only: the object's name (its 16 bytes of UUID for a guest); NULL: all. Returns the id, or an
 * error for an event number that nobody knows. */
int events_register(Events *events, Client *client, EventClass class, int event, const void *only,
                    Err *err);
int events_deregister(Events *events, Client *client, EventClass class, int id, Err *err);

/* Which of QEMU's events a client wants to hear of. */
typedef struct EventMonitorFilter {
        const uint8_t *only; /* UUID of a guest; NULL: all */
        const char *name;    /* of the event, "RESET"; NULL: all */
        bool is_regex, ignores_case;
} EventMonitorFilter;

int events_register_monitor(Events *events, Client *client, const EventMonitorFilter *filter,
                            Err *err);

/* The old kind, one a client and event. */
int events_register_old(Events *events, Client *client, int event, Err *err);
int events_deregister_old(Events *events, Client *client, int event, Err *err);

/* The client has gone. */
void events_remove_client(Events *events, Client *client);

/* Each tells whoever registered; harmless while manager->events is NULL. */

void event_domain_lifecycle(Manager *manager, const DomainRef *domain, int event, int detail);
void event_domain_reboot(Manager *manager, const DomainRef *domain);
void event_domain_control_error(Manager *manager, const DomainRef *domain);
void event_domain_rtc_change(Manager *manager, const DomainRef *domain, int64_t offset);
void event_domain_watchdog(Manager *manager, const DomainRef *domain, int action);
void event_domain_balloon_change(Manager *manager, const DomainRef *domain, uint64_t kib);
void event_domain_tray_change(Manager *manager, const DomainRef *domain, const char *alias,
                              int reason);
/* params is emptied. */
void event_domain_job_completed(Manager *manager, const DomainRef *domain, RpcParams *params);
/* type as in virDomainMetadataType; uri NULL: it has none. */
void event_domain_metadata_change(Manager *manager, const DomainRef *domain, int type,
                                  const char *uri);
/* virConnectDomainEventAgentLifecycleState and its reason. */
void event_domain_agent_lifecycle(Manager *manager, const DomainRef *domain, int state, int reason);
void event_domain_pmwakeup(Manager *manager, const DomainRef *domain);
void event_domain_pmsuspend(Manager *manager, const DomainRef *domain, bool to_disk);
/* Both kinds of the event; reason "" where QEMU gives none. */
void event_domain_io_error(Manager *manager, const DomainRef *domain, const char *path,
                           const char *alias, int action, const char *reason);
/* recipient, action, flags: virDomainMemoryFailure… */
void event_domain_memory_failure(Manager *manager, const DomainRef *domain, int recipient,
                                 int action, unsigned flags);
void event_domain_memory_device_size_change(Manager *manager, const DomainRef *domain,
                                            const char *alias, uint64_t kib);

typedef struct EventGraphicsPeer {
        int family; /* virDomainEventGraphicsAddressType */
        const char *node, *service;
} EventGraphicsPeer;

/* phase: virDomainEventGraphicsPhase. */
void event_domain_graphics(Manager *manager, const DomainRef *domain, int phase,
                           const EventGraphicsPeer *local, const EventGraphicsPeer *remote,
                           const char *auth);

/* An event of QEMU, details as JSON (NULL: none). */
void event_domain_monitor(Manager *manager, const DomainRef *domain, const char *name,
                          const char *details);

void event_domain_device_added(Manager *manager, const DomainRef *domain, const char *alias);
void event_domain_device_removed(Manager *manager, const DomainRef *domain, const char *alias);
void event_domain_device_removal_failed(Manager *manager, const DomainRef *domain,
                                        const char *alias);

/* name: "pci_0000_01_00_0". */
void event_nodedev_lifecycle(Manager *manager, const char *name, int event, int detail);
void event_nodedev_update(Manager *manager, const char *name);

void event_network_lifecycle(Manager *manager, const char *name, const uint8_t uuid[16], int event);
/* type as in virNetworkMetadataType; uri NULL: it has none. */
void event_network_metadata_change(Manager *manager, const char *name, const uint8_t uuid[16],
                                   int type, const char *uri);
void event_pool_lifecycle(Manager *manager, const char *name, const uint8_t uuid[16], int event);
void event_pool_refresh(Manager *manager, const char *name, const uint8_t uuid[16]);
