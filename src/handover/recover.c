/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "handover/host.h"
#include "handover/steps.h"

/* Rule 2: after kill -9 at any instruction, power loss or a reboot, the journal, sysfs and the
 * guests that live are compared, in this order: workers of the daemon before, plans without an end,
 * entries of the ledger, devices of dead guests. */
struct Recovery {
        Handover *h;
        HandoverAlive alive;
        void *alive_data;
        HandoverRecovered done;
        void *done_data;
        char *boot_id; /* of now */
        Err err;       /* the first thing that could not be put right */
        sd_event_source *start;
        Worker *worker;
        size_t at; /* in h->cut_off */
        Plan *plan;
        GArray *ended; /* of PciAddr: in guests that are no more */
        GArray *lost;  /* of PciAddr: in nobody's hands, on the way home */
};

static void next_plan(Recovery *recovery);
static void reconcile(Recovery *recovery);

void handover_recovery_free(Recovery *recovery) {
        if (!recovery)
                return;
        sd_event_source_disable_unref(recovery->start);
        worker_free(recovery->worker);
        plan_free(recovery->plan);
        err_clear(&recovery->err);
        g_clear_pointer(&recovery->ended, g_array_unref);
        g_clear_pointer(&recovery->lost, g_array_unref);
        g_free(recovery->boot_id);
        g_free(recovery);
}

const Plan *handover_recovery_plan(const Recovery *recovery) {
        return recovery->plan;
}

static bool is_alive(const Recovery *recovery, const char *uuid) {
        return uuid && recovery->alive && recovery->alive(uuid, recovery->alive_data);
}

static bool was_rebooted(const Recovery *recovery) {
        return recovery->h->boot_id && strcmp(recovery->h->boot_id, recovery->boot_id) != 0;
}

static void note_boot(Recovery *recovery) {
        Handover *h = recovery->h;

        if (g_strcmp0(h->boot_id, recovery->boot_id) == 0)
                return;
        g_free(h->boot_id);
        h->boot_id = g_strdup(recovery->boot_id);
        journal_append(h->journal, json_pack("{s:s, s:s}", "record", "boot", "id", h->boot_id),
                       &recovery->err);
}

static void finish(Recovery *recovery) {
        Handover *h = recovery->h;
        HandoverRecovered done = recovery->done;
        void *userdata = recovery->done_data;
        g_auto(Err) err = ERR_INIT;

        json_array_clear(h->cut_off);
        note_boot(recovery);
        handover_compact(h, &recovery->err);
        err_move(&err, &recovery->err);
        h->recovery = NULL;
        handover_recovery_free(recovery);
        handover_start_waiting(h);
        handover_send_orphans_home(h);
        if (done)
                done(&err, userdata);
}

/* Plans without an end. */

static void plan_ended(Plan *plan, const Err *err, void *userdata) {
        Recovery *recovery = userdata;
        g_autofree char *text = err_text(err);

        ledger_correct(recovery->h->ledger, NULL, "'%s' was cut off and was %s%s%s",
                       plan_title(plan), plan_is_forward(plan) ? "finished" : "undone",
                       *text ? ": " : "", text);
        err_copy(&recovery->err, err);
        g_clear_pointer(&recovery->plan, plan_free);
        next_plan(recovery);
}

static void close_plan(Recovery *recovery, PlanState state, const char *what) {
        plan_close(recovery->plan, state, NULL);
        ledger_correct(recovery->h->ledger, NULL, "'%s' was cut off %s", plan_title(recovery->plan),
                       what);
        g_clear_pointer(&recovery->plan, plan_free);
}

/* Returns true when the plan runs and plan_ended() will go on. */
static bool take_up_plan(Recovery *recovery) {
        Plan *plan = recovery->plan;
        bool lives = is_alive(recovery, plan_uuid(plan));
        g_auto(Err) err = ERR_INIT;
        int r;

        if (was_rebooted(recovery)) {
                close_plan(recovery, PLAN_UNDONE, "by a reboot, which undid it");
                return false;
        }
        if (!plan_is_begun(plan) && (lives || !plan_is_forward(plan))) {
                close_plan(recovery, PLAN_UNDONE, "before it had changed anything");
                return false;
        }
        if (plan_is_complete(plan) && (lives || !plan_uuid(plan))) {
                close_plan(recovery, PLAN_DONE, "after its last step on the host");
                return false;
        }
        r = plan_is_forward(plan) ? plan_resume(plan, plan_ended, recovery, &err)
                                  : plan_resume_undo(plan, plan_ended, recovery, &err);
        if (r == 0)
                return true;
        close_plan(recovery, PLAN_UNDONE, "and could not be taken up again");
        err_move(&recovery->err, &err);
        return false;
}

static void next_plan(Recovery *recovery) {
        Handover *h = recovery->h;

        while (recovery->at < json_array_size(h->cut_off)) {
                const json_t *records = json_array_get(h->cut_off, recovery->at++);
                g_auto(Err) err = ERR_INIT;

                if (plan_from_records(&h->plan_host, records, step_kind_find, &recovery->plan,
                                      &err) < 0) {
                        ledger_correct(h->ledger, NULL, "a plan was passed over: %s", err.message);
                        err_move(&recovery->err, &err);
                        continue;
                }
                if (take_up_plan(recovery))
                        return;
        }
        reconcile(recovery);
}

/* Entries of the ledger. */

static const char *driver_text(const char *driver) {
        return driver ? driver : "no driver";
}

/* A reboot undoes every hand-over; only a quarantine is about the card itself. */
static void reconcile_reboot(Recovery *recovery, const LedgerEntry *entry) {
        Handover *h = recovery->h;
        const PciDevice *dev = pci_tree_find(h->tree, entry->addr);
        bool is_parked = dev && handover_is_vfio(dev->driver);
        PciAddr addr = entry->addr;
        LedgerEntry *kept;

        ledger_correct(h->ledger, &addr,
                       "the host was rebooted: PCI device %s was %s%s%s and is on %s now",
                       PCI_ADDR_TEXT(addr), side_to_string(entry->side),
                       entry->guest ? " of guest " : "", entry->guest ? entry->guest : "",
                       dev ? driver_text(dev->driver) : "no bus");
        if (!entry->quarantine) {
                handover_drop(h, addr, &recovery->err);
                return;
        }
        kept = ledger_entry_new(addr, is_parked ? SIDE_PARKED : SIDE_HOST);
        kept->quarantine = g_strdup(entry->quarantine);
        if (entry->identity)
                kept->identity = pci_identity_copy(entry->identity);
        handover_put_consume(h, kept, &recovery->err);
}

/* The worker that was stuck is gone (it was waited for): what it did is what sysfs shows. */
static void reconcile_stuck(Recovery *recovery, const LedgerEntry *entry) {
        Handover *h = recovery->h;
        LedgerEntry *copy = ledger_entry_copy(entry);
        PciAddr addr = entry->addr;

        ledger_correct(h->ledger, &addr, "the step on PCI device %s that was stuck has ended (%s)",
                       PCI_ADDR_TEXT(addr), entry->stuck);
        if (!entry->quarantine)
                g_array_append_val(recovery->lost, addr);
        g_clear_pointer(&copy->stuck, g_free);
        handover_put_consume(h, copy, &recovery->err);
}

static void reconcile_absent(Recovery *recovery, PciAddr addr) {
        ledger_correct(recovery->h->ledger, &addr, "PCI device %s is no longer in the host",
                       PCI_ADDR_TEXT(addr));
        handover_drop(recovery->h, addr, &recovery->err);
}

/* Parked in nobody's name, and on another driver than vfio-pci or on none. */
static void reconcile_parked(Recovery *recovery, const LedgerEntry *entry, const char *driver) {
        Handover *h = recovery->h;
        PciAddr addr = entry->addr;

        ledger_correct(h->ledger, &addr, "PCI device %s was parked and is on %s now: %s",
                       PCI_ADDR_TEXT(addr), driver_text(driver),
                       driver ? "somebody else moved it" : "it goes home");
        if (driver)
                handover_drop(h, addr, &recovery->err);
        else
                g_array_append_val(recovery->lost, addr);
}

static void reconcile_entry(Recovery *recovery, const LedgerEntry *entry) {
        Handover *h = recovery->h;
        const PciDevice *dev = pci_tree_find(h->tree, entry->addr);
        PciAddr addr = entry->addr;

        if (was_rebooted(recovery)) {
                reconcile_reboot(recovery, entry);
        } else if (is_alive(recovery, entry->uuid)) {
                return;
        } else if (!dev) {
                reconcile_absent(recovery, addr);
        } else if (entry->stuck) {
                reconcile_stuck(recovery, entry);
        } else if (entry->uuid) {
                ledger_correct(h->ledger, &addr,
                               "guest '%s' ended while nobody looked: PCI device %s is given back",
                               entry->guest, PCI_ADDR_TEXT(addr));
                g_array_append_val(recovery->ended, addr);
        } else if (entry->side == SIDE_PARKED && !entry->quarantine &&
                   !handover_is_vfio(dev->driver)) {
                reconcile_parked(recovery, entry, dev->driver);
        }
}

static void given_back(Plan *plan, const Err *err, void *userdata) {
        Recovery *recovery = userdata;

        err_copy(&recovery->err, err);
        g_clear_pointer(&recovery->plan, plan_free);
        finish(recovery);
}

static int plan_way_back(Recovery *recovery) {
        Handover *h = recovery->h;

        recovery->plan = handover_plan_new(h, "give back what was left behind", NULL, NULL);
        for (unsigned i = 0; i < recovery->lost->len; i++)
                handover_plan_return(
                        recovery->plan,
                        ledger_find(h->ledger, g_array_index(recovery->lost, PciAddr, i)));
        return handover_plan_give(h, recovery->plan, (const PciAddr *)(void *)recovery->ended->data,
                                  recovery->ended->len, &recovery->err);
}

static void give_back(Recovery *recovery) {
        int r = 0;

        if (recovery->ended->len > 0 || recovery->lost->len > 0) {
                r = plan_way_back(recovery);
                if (r == 0)
                        r = plan_run(recovery->plan, given_back, recovery, &recovery->err);
                if (r == 0)
                        return;
        }
        g_clear_pointer(&recovery->plan, plan_free);
        finish(recovery);
}

static void reconcile(Recovery *recovery) {
        Handover *h = recovery->h;
        size_t n;
        g_autofree const LedgerEntry **entries = ledger_list(h->ledger, &n);

        recovery->ended = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        recovery->lost = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        for (size_t i = 0; i < n; i++) {
                pci_tree_refresh(h->tree, entries[i]->addr, NULL);
                reconcile_entry(recovery, entries[i]);
        }
        give_back(recovery);
}

/* Workers of the daemon before: what they are doing is not what sysfs shows yet. */

static bool has_unfinished(const Handover *h) {
        size_t n;
        g_autofree const LedgerEntry **entries = ledger_list(h->ledger, &n);

        for (size_t i = 0; i < n; i++)
                if (entries[i]->stuck)
                        return true;
        return json_array_size(h->cut_off) > 0;
}

static void on_waited(Worker *worker, int r, void *userdata) {
        Recovery *recovery = userdata;

        if (r < 0)
                ledger_correct(recovery->h->ledger, NULL,
                               "a worker of the daemon before is still in the kernel: %s",
                               g_strerror(-r));
        g_clear_pointer(&recovery->worker, worker_free);
        next_plan(recovery);
}

static int wait_workers(Recovery *recovery, Err *err) {
        Handover *h = recovery->h;
        int r = worker_new(h->event, h->sys, h->ops, h->lock_path, &recovery->worker, err);

        if (r < 0)
                return r;
        worker_set_deadline(recovery->worker, h->deadline);
        r = worker_wait_others(recovery->worker, on_waited, recovery);
        return r < 0 ? fail_errno(err, r, "cannot wait for the workers of the daemon before") : 0;
}

static int on_start(sd_event_source *source, void *userdata) {
        Recovery *recovery = userdata;

        recovery->start = sd_event_source_disable_unref(recovery->start);
        if (was_rebooted(recovery) || !has_unfinished(recovery->h) ||
            wait_workers(recovery, &recovery->err) < 0)
                next_plan(recovery);
        return 0;
}

int handover_recover(Handover *h, HandoverAlive alive, void *alive_data, HandoverRecovered done,
                     void *done_data, Err *err) {
        g_autofree char *boot_id = NULL;
        Recovery *recovery;
        int r = sys_read_text(h->sys, "proc/sys/kernel/random/boot_id", &boot_id);

        g_assert(!h->recovery);
        if (r < 0)
                return fail_errno(err, r, "cannot read the id of this boot");
        h->recovery = recovery = g_new0(Recovery, 1);
        recovery->h = h;
        recovery->alive = alive;
        recovery->alive_data = alive_data;
        recovery->done = done;
        recovery->done_data = done_data;
        recovery->boot_id = g_steal_pointer(&boot_id);
        r = sd_event_add_defer(h->event, &recovery->start, on_start, recovery);
        if (r < 0) {
                g_clear_pointer(&h->recovery, handover_recovery_free);
                return fail_errno(err, r, "cannot begin the recovery");
        }
        return 0;
}
