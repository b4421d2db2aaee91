/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/handover.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/util.h"
#include "handover/host.h"
#include "handover/steps.h"

/* The journal's own records, beside the ledger's: plans, what became of them, and the boot. */

static json_t *find_cut_off(const Handover *h, json_int_t number, size_t *ret_at) {
        json_t *records;
        size_t i;

        json_array_foreach(h->cut_off, i, records) {
                const json_t *head = json_array_get(records, 0);

                if (json_integer_value(json_object_get(head, "plan")) == number) {
                        *ret_at = i;
                        return records;
                }
        }
        return NULL;
}

static void replay_plan(Handover *h, const char *name, const json_t *record) {
        json_int_t number = json_integer_value(json_object_get(record, "plan"));
        size_t at = 0;
        json_t *records = find_cut_off(h, number, &at);
        json_t *copy = json_deep_copy(record);

        if (number >= h->next_plan && number < INT32_MAX)
                h->next_plan = (unsigned)number + 1;
        if (strcmp(name, "plan") == 0)
                json_array_append_new(h->cut_off, json_pack("[o]", json_incref(copy)));
        else if (records && strcmp(name, "end") == 0)
                json_array_remove(h->cut_off, at);
        else if (records)
                json_array_append(records, copy);
        json_decref(copy);
}

static void replay(const json_t *record, void *userdata) {
        static const char *const plan_records[] = {"plan", "intent", "done", "undone", "end", NULL};
        const char *name = json_string_value(json_object_get(record, "record"));
        Handover *h = userdata;

        if (ledger_replay(h->ledger, record))
                return;
        if (g_strv_contains(plan_records, name)) {
                replay_plan(h, name, record);
        } else if (strcmp(name, "boot") == 0) {
                g_free(h->boot_id);
                h->boot_id = g_strdup(json_string_value(json_object_get(record, "id")));
        } else {
                ledger_correct(h->ledger, NULL, "a record '%s' of the journal is not known here",
                               name);
        }
}

/* Reservations: one plan at a time on a function and on an IOMMU group. */

static bool touches(const Handover *h, const Plan *plan, PciAddr addr) {
        const PciDevice *dev = pci_tree_find(h->tree, addr);
        g_autofree const PciDevice **members = NULL;
        size_t n = 0;

        if (plan_concerns(plan, addr))
                return true;
        if (dev)
                members = pci_tree_group(h->tree, dev->iommu_group, &n);
        for (size_t i = 0; i < n; i++)
                if (plan_concerns(plan, members[i]->addr))
                        return true;
        return false;
}

const Plan *handover_plan_of(const Handover *h, PciAddr addr) {
        for (unsigned i = 0; i < h->running->len; i++)
                if (touches(h, h->running->pdata[i], addr))
                        return h->running->pdata[i];
        return NULL;
}

/* A plan that runs and touches one of this plan's groups; NULL: none. */
static const Plan *find_conflict(const Handover *h, const Plan *plan, PciAddr *ret_addr) {
        g_autoptr(GArray) addrs = plan_addrs(plan);

        for (unsigned i = 0; i < addrs->len; i++) {
                *ret_addr = g_array_index(addrs, PciAddr, i);
                for (unsigned j = 0; j < h->running->len; j++)
                        if (touches(h, h->running->pdata[j], *ret_addr))
                                return h->running->pdata[j];
        }
        return NULL;
}

/* Before the ledger is known to be right, nothing but the recovery moves anything. */
static bool has_to_wait(const Handover *h, const Plan *plan) {
        PciAddr addr;

        if (h->recovery)
                return plan != handover_recovery_plan(h->recovery);
        return plan_is_forward(plan) && find_conflict(h, plan, &addr);
}

/* What gives devices back must not fail because another plan is near; it waits. */
static int begin_plan(Plan *plan, void *userdata, Err *err) {
        Handover *h = userdata;
        const Plan *other;
        PciAddr addr;

        if (has_to_wait(h, plan)) {
                g_ptr_array_add(h->waiting, plan);
                return PLAN_WAITS;
        }
        other = find_conflict(h, plan, &addr);
        if (other)
                return fail(err, VIR_ERR_RESOURCE_BUSY,
                            "PCI device %s or a companion is being moved by '%s'",
                            PCI_ADDR_TEXT(addr), plan_title(other));
        g_ptr_array_add(h->running, plan);
        return 0;
}

void handover_start_waiting(Handover *h) {
        for (unsigned i = 0; i < h->waiting->len;) {
                Plan *plan = h->waiting->pdata[i];
                PciAddr addr;

                if (has_to_wait(h, plan) || find_conflict(h, plan, &addr)) {
                        i++;
                        continue;
                }
                g_ptr_array_remove_index(h->waiting, i);
                g_ptr_array_add(h->running, plan);
                plan_go(plan);
        }
}

static void end_plan(Plan *plan, void *userdata) {
        Handover *h = userdata;

        g_ptr_array_remove(h->waiting, plan);
        g_ptr_array_remove(h->running, plan);
        if (plan_state(plan) == PLAN_RUNNING || plan_state(plan) == PLAN_UNDOING)
                h->has_open_plan = true; /* it was freed: the journal is all that is left of it */
        if (journal_is_long(h->journal))
                handover_compact(h, NULL);
        handover_start_waiting(h);
        if (!h->has_open_plan)
                handover_send_orphans_home(h);
        handover_send_waiting_home(h);
}

static void undo_failed(Step *step, const Err *err, void *userdata) {
        Handover *h = userdata;
        const PciAddr *addr = step_addr(step);
        const LedgerEntry *entry = addr ? ledger_find(h->ledger, *addr) : NULL;
        g_autofree char *text = err_text(err);
        g_autofree char *reason = NULL;

        if (!addr || (entry && (entry->stuck || entry->quarantine)))
                return;
        reason = g_strdup_printf("step '%s' of '%s' could not be undone: %s", step_name(step),
                                 plan_title(step_plan(step)), text);
        handover_quarantine(h, *addr, reason, NULL);
}

/* Life. */

static void own_plan_free(void *plan) {
        plan_free(plan);
}

int handover_new(sd_event *event, PciTree *tree, const char *state_dir, Handover **ret, Err *err) {
        g_autoptr(Handover) h = g_new0(Handover, 1);
        g_autofree char *path = g_build_filename(state_dir, "journal", NULL);
        int r = file_mkdir_p(state_dir, 0700, err);

        if (r < 0)
                return r;
        h->event = sd_event_ref(event);
        h->tree = tree;
        h->sys = pci_tree_sys(tree);
        h->deadline = WORKER_DEADLINE_USEC;
        h->ops = &worker_ops_live;
        h->lock_path = g_build_filename(state_dir, "worker.lock", NULL);
        h->ledger = ledger_new();
        h->cut_off = json_array();
        h->next_plan = 1;
        h->running = g_ptr_array_new();
        h->waiting = g_ptr_array_new();
        h->own = g_ptr_array_new_with_free_func(own_plan_free);
        h->stuck = g_ptr_array_new_with_free_func(handover_stuck_free);
        h->going_home = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        r = journal_open(path, replay, h, &h->journal, &h->report, err);
        if (r < 0)
                return r;
        ledger_set_journal(h->ledger, h->journal);
        h->plan_host = (PlanHost){
                .event = h->event,
                .journal = h->journal,
                .userdata = h,
                .begin = begin_plan,
                .undo_failed = undo_failed,
                .end = end_plan,
        };
        if (h->report)
                ledger_correct(h->ledger, NULL, "%s", h->report);
        *ret = g_steal_pointer(&h);
        return 0;
}

void handover_free(Handover *h) {
        if (!h)
                return;
        handover_recovery_free(h->recovery);
        g_clear_pointer(&h->going_home, g_array_unref); /* nothing is sent home any more */
        g_clear_pointer(&h->own, g_ptr_array_unref);
        g_clear_pointer(&h->stuck, g_ptr_array_unref);
        g_clear_pointer(&h->running, g_ptr_array_unref);
        g_clear_pointer(&h->waiting, g_ptr_array_unref);
        ledger_free(h->ledger);
        journal_free(h->journal);
        json_decref(h->cut_off);
        sd_event_unref(h->event);
        g_free(h->lock_path);
        g_free(h->boot_id);
        g_free(h->report);
        g_free(h);
}

void handover_set_deadline(Handover *h, uint64_t usec) {
        h->deadline = usec;
}

void handover_set_worker_ops(Handover *h, const WorkerOps *ops) {
        h->ops = ops;
}

void handover_set_callback(Handover *h, HandoverChanged func, void *userdata) {
        h->changed = func;
        h->userdata = userdata;
}

/* Where things are. */

const Ledger *handover_ledger(const Handover *h) {
        return h->ledger;
}

Side handover_side(const Handover *h, PciAddr addr, const LedgerEntry **ret_entry) {
        const LedgerEntry *entry = ledger_find(h->ledger, addr);
        const PciDevice *dev = pci_tree_find(h->tree, addr);

        if (ret_entry)
                *ret_entry = entry;
        if (entry)
                return entry->side;
        return dev && handover_is_vfio(dev->driver) ? SIDE_PARKED : SIDE_HOST;
}

static void tell(Handover *h, PciAddr addr) {
        if (h->changed)
                h->changed(addr, h->userdata);
}

int handover_put_consume(Handover *h, LedgerEntry *entry, Err *err) {
        PciAddr addr = entry->addr;
        int r = ledger_put_consume(h->ledger, entry, err);

        tell(h, addr);
        return r;
}

int handover_drop(Handover *h, PciAddr addr, Err *err) {
        int r = ledger_drop(h->ledger, addr, err);

        tell(h, addr);
        return r;
}

int handover_quarantine(Handover *h, PciAddr addr, const char *reason, Err *err) {
        const LedgerEntry *old = ledger_find(h->ledger, addr);
        LedgerEntry *entry =
                old ? ledger_entry_copy(old) : ledger_entry_new(addr, handover_side(h, addr, NULL));

        g_free(entry->quarantine);
        entry->quarantine = g_strdup(reason);
        return handover_put_consume(h, entry, err);
}

int handover_release(Handover *h, PciAddr addr, Err *err) {
        const LedgerEntry *old = ledger_find(h->ledger, addr);
        LedgerEntry *entry;

        if (!old || !old->quarantine)
                return fail(err, VIR_ERR_OPERATION_INVALID, "PCI device %s is not in quarantine",
                            PCI_ADDR_TEXT(addr));
        if (old->side == SIDE_HOST && !old->stuck)
                return handover_drop(h, addr, err);
        entry = ledger_entry_copy(old);
        g_clear_pointer(&entry->quarantine, g_free);
        return handover_put_consume(h, entry, err);
}

Plan *handover_plan_new(Handover *h, const char *title, const char *guest, const char *uuid) {
        return plan_new(&h->plan_host, h->next_plan++, title, guest, uuid);
}

int handover_worker(Handover *h, Plan *plan, Worker **ret, Err *err) {
        Worker *worker = plan_worker(plan);
        int r;

        if (worker && worker_is_stuck(worker))
                worker_free(
                        plan_steal_worker(plan)); /* left behind: a module that loads for ever */
        else if (worker) {
                *ret = worker;
                return 0;
        }
        r = worker_new(h->event, h->sys, h->ops, h->lock_path, &worker, err);
        if (r < 0)
                return r;
        worker_set_deadline(worker, h->deadline);
        plan_set_worker(plan, worker);
        *ret = worker;
        return 0;
}

/* Functions that the kernel let go after their plan was over, and companions whose guest has none
 * of the group any more: two plans that gave its last functions back at the same time did not know
 * of each other. */

static void home_ended(Plan *plan, const Err *err, void *userdata) {
        Handover *h = userdata;
        g_autofree char *text = err_text(err);

        ledger_correct(h->ledger, NULL, "%s: %s", plan_title(plan), *text ? text : "done");
        g_ptr_array_remove(h->own, plan);
}

static void run_home(Handover *h, const LedgerEntry *entry) {
        g_autofree char *title = g_strdup_printf("give %s back", PCI_ADDR_TEXT(entry->addr));
        Plan *plan = handover_plan_new(h, title, NULL, NULL);
        g_auto(Err) err = ERR_INIT;

        plan_set_forward(plan);
        handover_plan_return(plan, entry);
        if (plan_run(plan, home_ended, h, &err) == 0) {
                g_ptr_array_add(h->own, plan);
                return;
        }
        ledger_correct(h->ledger, &entry->addr, "%s: %s", title, err.message);
        plan_free(plan);
}

void handover_send_waiting_home(Handover *h) {
        for (unsigned i = 0; h->going_home && i < h->going_home->len;) {
                PciAddr addr = g_array_index(h->going_home, PciAddr, i);
                const LedgerEntry *entry = ledger_find(h->ledger, addr);

                if (handover_plan_of(h, addr)) {
                        i++;
                        continue;
                }
                g_array_remove_index(h->going_home, i);
                if (entry && entry->side != SIDE_GUEST)
                        run_home(h, entry);
        }
}

static bool is_group_in_guest(const Handover *h, PciAddr addr) {
        const PciDevice *dev = pci_tree_find(h->tree, addr);
        g_autofree const PciDevice **members = NULL;
        size_t n = 0;

        if (dev)
                members = pci_tree_group(h->tree, dev->iommu_group, &n);
        for (size_t i = 0; i < n; i++) {
                const LedgerEntry *entry = ledger_find(h->ledger, members[i]->addr);

                if (entry && entry->side == SIDE_GUEST)
                        return true;
        }
        return false;
}

void handover_send_orphans_home(Handover *h) {
        size_t n;
        g_autofree const LedgerEntry **entries = ledger_list(h->ledger, &n);

        for (size_t i = 0; i < n && h->going_home; i++) {
                const LedgerEntry *entry = entries[i];

                if (entry->is_companion && entry->side == SIDE_PARKED && !entry->quarantine &&
                    !entry->stuck && !handover_plan_of(h, entry->addr) &&
                    !is_group_in_guest(h, entry->addr))
                        handover_send_home(h, entry->addr);
        }
}

void handover_send_home(Handover *h, PciAddr addr) {
        g_array_append_val(h->going_home, addr);
        handover_send_waiting_home(h);
}

int handover_compact(Handover *h, Err *err) {
        json_t *records;
        int r;

        if (h->running->len > 0 || h->waiting->len > 0 || h->has_open_plan ||
            json_array_size(h->cut_off) > 0)
                return 0;
        records = ledger_snapshot(h->ledger);
        if (h->boot_id)
                json_array_append_new(records,
                                      json_pack("{s:s, s:s}", "record", "boot", "id", h->boot_id));
        r = journal_rewrite(h->journal, records, err);
        json_decref(records);
        return r;
}
