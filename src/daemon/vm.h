/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A guest as the daemon sees it: what is configured, what runs, and the QEMU process between. How
 * clients see it stands in rpc-domain*.c.
 *
 * config is what the next start uses; live is what runs now (NULL: nothing does). A transient guest
 * has no config file and disappears when it stops; persistent says which.
 *
 * The state moves by vm_set_state only. What changes a guest runs as a Job, one at a time. */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "daemon/job.h"
#include "daemon/manager.h"
#include "daemon/event.h"
#include "domain/def.h"
#include "handover/plan.h"
#include "qemu/process.h"
#include "qemu/qmp.h"

#define VM_UUID_BYTES 16

/* Numbers of virDomainState, as they travel. */
typedef enum VmState {
        VM_RUNNING = 1,
        VM_PAUSED = 3,
        VM_SHUTDOWN = 4, /* QEMU says that the guest has powered off; the process still ends */
        VM_SHUTOFF = 5,
        VM_CRASHED = 6,
        VM_PMSUSPENDED = 7, /* the guest sleeps (S3) */
        _VM_STATE_MAX,
} VmState;

/* Reasons, each counted within its state (virDomainRunningReason and so on). */
enum {
        VM_RUNNING_BOOTED = 1,
        VM_RUNNING_RESTORED = 3,
        VM_RUNNING_UNPAUSED = 5,
        VM_RUNNING_SAVE_CANCELED = 7,
        VM_RUNNING_WAKEUP = 8,
        VM_RUNNING_CRASHED = 9,
};
enum {
        VM_PAUSED_USER = 1,
        VM_PAUSED_SAVE = 3,
        VM_PAUSED_DUMP = 4,
        VM_PAUSED_IOERROR = 5,
        VM_PAUSED_WATCHDOG = 6,
        VM_PAUSED_SHUTTING_DOWN = 8,
        VM_PAUSED_CRASHED = 10,
        VM_PAUSED_STARTING_UP = 11,
};
enum { VM_CRASHED_PANICKED = 1 };
enum { VM_SHUTOFF_UNKNOWN = 0, VM_SHUTOFF_SHUTDOWN, VM_SHUTOFF_DESTROYED, VM_SHUTOFF_CRASHED };
enum { VM_SHUTOFF_SAVED = 5, VM_SHUTOFF_FAILED = 6, VM_SHUTOFF_DAEMON = 8 };

/* A device that the guest was asked to let go of, until the host has it back. */
typedef struct Agent Agent;                 /* qemu/agent.h */
typedef struct VmTransfer VmTransfer;       /* daemon/vm-transfer.h */
typedef struct VmTransferred VmTransferred; /* daemon/vm-transfer.c */

typedef struct VmUnplug {
        Vm *vm;
        char *alias;
        Step *step;             /* waits for the guest; NULL: it has answered */
        Job *job;               /* waits for it all; NULL: its call was answered and it went on */
        sd_event_source *timer; /* the next request, or the answer to the job's call */
        unsigned tries;
        DomainDevice *device; /* taken out of the live definition when the guest let go */
} VmUnplug;

struct Vm {
        unsigned refs;
        Manager *manager;

        DomainDef *config; /* never NULL */
        DomainDef *live;   /* NULL: does not run */
        DomainDef *once;   /* instead of config for the next start alone; NULL: config */
        char *uuid_text;
        bool persistent, autostart;

        GHashTable *cards; /* address → PciIdentity of the configured hostdevs; NULL: none read */

        int id; /* -1: does not run */
        VmState state;
        int reason;

        Process *process; /* NULL: none */
        Qmp *qmp;
        uint64_t began;   /* usec, CLOCK_REALTIME, of the start */
        bool is_starting; /* QEMU was started and has not been told to run yet */
        off_t log_offset; /* where this start's lines begin in its log */
        Step *boot_step;  /* waits for QEMU's first words, or for its end; NULL: none does */
        int stop_reason;  /* of VM_SHUTOFF, as told before the end; VM_SHUTOFF_UNKNOWN: not told */
        bool reboot_on_poweroff; /* a reboot was asked for: the next power-off is a reset */
        sd_event_source *kill_timer;

        GQueue jobs;    /* of Job; the head runs */
        Job *stop_job;  /* waits for the process's end */
        GList *unplugs; /* of VmUnplug */

        GHashTable *fds; /* name → open file for the QEMU that comes; NULL: none (vm-kind.h) */
        GHashTable *consoles; /* path of a terminal → the Stream that has it open */

        /* Memory in files (vm-transfer.h). */
        bool has_managed_save;
        VmTransfer *transfer;       /* under way; belongs to its job. NULL: none */
        VmTransferred *transferred; /* what the last one moved; NULL: none has ended */
        bool recovers_transfer, resumes_transfer; /* what a daemon before was cut off in */
        Step *load_step; /* waits for QEMU to read an image; NULL: none does */

        Agent *agent;            /* qemu/agent.h; NULL: nobody has spoken to it yet */
        bool is_agent_connected; /* as VSERPORT_CHANGE told */
        int agent_timeout;       /* seconds for an answer; below 0 as virDomainQemuAgentCommand */

        /* Why QEMU is being told to stop or to run, for the event that follows; 0: nobody said. */
        int pause_reason, resume_reason;
        sd_event_source *closed_timer; /* QEMU has closed its monitor: does it end? */
};

/* ---- life of the object (vm.c) ---- */

/* Takes over config. The guest is entered into the manager's tables, which hold one reference. */
Vm *vm_new(Manager *manager, DomainDef *config, bool persistent);
Vm *vm_ref(Vm *vm);
void vm_unref(Vm *vm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Vm, vm_unref)

/* Takes the guest out of the tables: it is known no more. */
void vm_forget(Vm *vm);

Vm *vm_find_by_name(Manager *manager, const char *name);
Vm *vm_find_by_uuid(Manager *manager, const uint8_t uuid[static VM_UUID_BYTES]);
Vm *vm_find_by_id(Manager *manager, int id);

const char *vm_name(const Vm *vm);
const uint8_t *vm_uuid(const Vm *vm);
const char *vm_uuid_text(const Vm *vm);
bool vm_is_active(const Vm *vm);

/* How messages to clients name the guest. Its strings live as long as the guest's configuration. */
DomainRef vm_domain_ref(const Vm *vm);

/* What dumpxml shows: live where it runs and inactive was not asked for. */
const DomainDef *vm_def(const Vm *vm, bool inactive);

const char *vm_state_to_string(VmState state);
void vm_set_state(Vm *vm, VmState state, int reason);

/* Replaces the configuration (taking it over) and writes it to its file. */
int vm_set_config(Vm *vm, DomainDef *config, Err *err);

/* Enters and leaves the table of running guests. */
void vm_set_running(Vm *vm);
void vm_set_stopped(Vm *vm);

/* Lifecycle event (virDomainEventType and its detail) to all who listen. */
void vm_emit(Vm *vm, int event, int detail);
void vm_emit_device_added(Vm *vm, const char *alias);
void vm_emit_device_removed(Vm *vm, const char *alias);
void vm_emit_device_removal_failed(Vm *vm, const char *alias);

/* Writes what a later daemon needs to find this running guest again. */
int vm_write_status(Vm *vm, Err *err);

/* Fails unless the guest runs (is_active) or does not; "domain is not running". */
int vm_check_active(const Vm *vm, bool is_active, Err *err);

/* ---- start (vm-start.c) ---- */

typedef struct VmStart {
        bool paused, with_companions, take_host_devices;
        struct VmRestore *restore; /* an image to start from; taken over by vm_start. NULL: none */
} VmStart;

/* The plan that a start would run; the caller frees it. */
int vm_plan_start(Vm *vm, const VmStart *options, Plan **ret, Err *err);

/* QEMU_VERSION() of the guest's own QEMU. */
unsigned vm_qemu_version(const Vm *vm);

/* The set of types of device that its QEMU has; NULL: not known. */
GHashTable *vm_qemu_devices(const Vm *vm);

/* Starts as a job; done and call as in JobSpec. A transient guest that cannot start is forgotten.
 */
int vm_start(Vm *vm, const VmStart *options, Call *call, JobFunc done, Err *err);

/* Takes up a guest from the status that an earlier daemon left: one that runs is connected to, what
 * is left of one that does not is cleared away. Its devices are handover_recover()'s matter. */
int vm_adopt(Manager *manager, const char *name, const char *status, Err *err);

/* ---- monitor and end (vm-monitor.c; power: vm-power.h) ---- */

/* Makes the socket on which QEMU will serve its monitor, and connects to it at once: the connection
 * waits in the socket's queue until QEMU takes it. */
int vm_monitor_listen(Vm *vm, int *ret_listen, int *ret_connected, Err *err);
int vm_monitor_connect(Vm *vm, int *ret, Err *err);

/* Talks over fd (taken over) and watches the process; ready: QEMU takes commands. */
int vm_watch_consume_fd(Vm *vm, int fd, Err *err);

/* QEMU has ended and is no start's matter any more: devices go back, then the guest is off. */
void vm_ended(Vm *vm);

/* Compares what is known of a guest that was taken up with what its QEMU says. */
void vm_resync(Vm *vm); /* vm-adopt.c */

/* Called by the watch. */
void vm_ready(Vm *vm);       /* vm-start.c */
bool vm_start_ended(Vm *vm); /* vm-start.c; true: the end belongs to a start that failed */

/* QEMU has ended, and so has every guest that was asked to let go. True: some devices are still on
 * their way; vm_ended() comes again after the last of them. */
bool vm_unplugs_end(Vm *vm); /* vm-device.c */

/* Ends QEMU now (SIGTERM, later SIGKILL unless graceful); answered when the devices are back. */
int vm_destroy(Vm *vm, bool graceful, Call *call, Err *err);

/* Asks QEMU to end, and kills it when it has not within 10 s; reason of VM_SHUTOFF. */
void vm_end_process(Vm *vm, int reason);

/* ---- devices (vm-device.c) ---- */

typedef struct VmDeviceChange {
        bool live, config, with_companions, take_host_devices, wait;
} VmDeviceChange;

int vm_attach_device(Vm *vm, const char *xml, const VmDeviceChange *change, Call *call, Err *err);
/* The plan that an attach to the running guest would run; the caller frees it. */
int vm_plan_attach(Vm *vm, const char *xml, const VmDeviceChange *change, Plan **ret, Err *err);

/* Answered when the host has the device again; without change->wait at the latest after 5 s, as old
 * clients expect, while the guest is still asked. */
int vm_detach_device(Vm *vm, const char *xml, const VmDeviceChange *change, Call *call, Err *err);

/* The plan that a detach from the running guest would run; the caller frees it. */
int vm_plan_detach(Vm *vm, const char *xml, Plan **ret, Err *err);

/* QEMU says that a device has gone (DEVICE_DELETED), or that the guest refused. */
void vm_device_deleted(Vm *vm, const char *alias);
void vm_device_unplug_failed(Vm *vm, const char *alias, const char *why);
