/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Moving functions of the host between its three sides: the host, parked, and a guest. Verdicts say
 * whether it can be done, plans do it, the ledger and its journal know what was done.
 *
 *         handover_new(event, tree, "/var/lib/airlock/journal", &h, err);
 *         handover_recover(h, guest_is_alive, manager, recovered, manager, err);
 *         … recovered(err, manager): from here on plans may be made
 *
 * Nothing here blocks: what can block in the kernel runs in a worker process of the plan. */

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-event.h>

#include "base/err.h"
#include "handover/ledger.h"
#include "handover/plan.h"
#include "handover/verdict.h"
#include "pci/identity.h"
#include "pci/tree.h"

typedef struct Handover Handover;
typedef struct WorkerOps WorkerOps;

/* Which functions shall go where. Borrowed whole, nothing of it is kept. */
typedef struct HandoverRequest {
        const char *guest, *uuid; /* NULL: the host's administrator parks them */
        bool any_guest;           /* guest NULL: they go to one that is not named; a verdict only */
        bool managed;             /* taken from the host's driver, and given back to it */
        bool with_companions;     /* park the companions that are on a host driver, too */
        bool take_host_devices;   /* typed override of the guards; logged and in the ledger */
        const PciAddr *addrs;     /* n of them */
        size_t n;
        const PciAddr *configured; /* all functions of the guest: no blockers in their group */
        size_t n_configured;
        const PciIdentity *const *identities; /* as configured, one an addr or NULL; NULL: none */
} HandoverRequest;

/* Loads the journal of state_dir (made when absent). event and tree are borrowed and outlive it. */
int handover_new(sd_event *event, PciTree *tree, const char *state_dir, Handover **ret, Err *err);
void handover_free(Handover *h);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Handover, handover_free)

/* Microseconds that one write may take before it counts as stuck; 30 s unless set. */
void handover_set_deadline(Handover *h, uint64_t usec);

/* For tests: the kernel's part in plain files. ops is borrowed. */
void handover_set_worker_ops(Handover *h, const WorkerOps *ops);

/* After every change of an entry of the ledger, and when a stuck step ended. */
typedef void (*HandoverChanged)(PciAddr addr, void *userdata);
void handover_set_callback(Handover *h, HandoverChanged func, void *userdata);

const Ledger *handover_ledger(const Handover *h);

/* A driver that gives a function to user space: vfio-pci and its variants (mlx5_vfio_pci …). */
bool handover_is_vfio(const char *driver);

/* Where a function is; one without an entry is parked when it is on vfio-pci, else on the host.
 * ret_entry (may be NULL): its entry, NULL when it has none. */
Side handover_side(const Handover *h, PciAddr addr, const LedgerEntry **ret_entry);

/* The plan that is moving the function now; NULL: none. */
const Plan *handover_plan_of(const Handover *h, PciAddr addr);

/* Every blocker of every function. Fails only when the host could not be read. */
int handover_verdict(Handover *h, const HandoverRequest *request, Verdict **ret, Err *err);

/* An empty plan; the caller frees it, before the Handover. guest and uuid NULL: not for a guest. */
Plan *handover_plan_new(Handover *h, const char *title, const char *guest, const char *uuid);

/* Appends the steps that bring the functions to request->guest (its administrator-parked side when
 * guest is NULL). Makes the verdict itself and fails with it. What is on vfio-pci already is only
 * claimed. */
int handover_plan_take(Handover *h, Plan *plan, const HandoverRequest *request, Err *err);

/* Appends the steps that take functions from their guest: managed ones go back to the driver and
 * settings that they had, others stay parked. One that shares its group with a function that stays
 * in a guest is parked until that one leaves; companions go back with the last one. Functions that
 * no guest has are passed over. */
int handover_plan_give(Handover *h, Plan *plan, const PciAddr *addrs, size_t n, Err *err);

/* nodedev-detach, nodedev-reattach and nodedev-reset. The first two do nothing where nothing has to
 * be done; each refuses for a function that is in a guest. */
int handover_plan_detach_host(Handover *h, Plan *plan, const HandoverRequest *request, Err *err);
int handover_plan_reattach(Handover *h, Plan *plan, PciAddr addr, Err *err);
int handover_plan_reset(Handover *h, Plan *plan, PciAddr addr, Err *err);

/* Parked for good until a person releases it. */
int handover_quarantine(Handover *h, PciAddr addr, const char *reason, Err *err);
int handover_release(Handover *h, PciAddr addr, Err *err);

/* Once, after the guests that run were found; plans that are run before it is done wait. Compares
 * journal, sysfs and guests, finishes or undoes what a crash cut off, gives back what dead guests
 * held, and puts the ledger right. alive(uuid) is asked at once, done is called from the event
 * loop; err is then what could not be put right (the daemon runs on). */
typedef bool (*HandoverAlive)(const char *uuid, void *userdata);
typedef void (*HandoverRecovered)(const Err *err, void *userdata);
int handover_recover(Handover *h, HandoverAlive alive, void *alive_data, HandoverRecovered done,
                     void *done_data, Err *err);
