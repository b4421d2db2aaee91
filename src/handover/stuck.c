/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "handover/guard.h"
#include "handover/holders.h"
#include "handover/host.h"
#include "handover/steps.h"

/* Rule 6: a write that the kernel does not finish is left to its worker process. The ledger has the
 * function as stuck; when the kernel lets go at last, the truth is read from sysfs and the function
 * goes home. */
typedef struct StuckWork {
        Handover *h;
        Worker *worker;
        PciAddr addr;
} StuckWork;

void handover_stuck_free(void *data) {
        StuckWork *work = data;

        worker_free(work->worker);
        g_free(work);
}

static const char *driver_text(const char *driver) {
        return driver ? driver : "no driver";
}

static void clear_stuck(Handover *h, PciAddr addr) {
        const LedgerEntry *entry = ledger_find(h->ledger, addr);
        g_autofree char *driver = NULL;
        LedgerEntry *copy;
        bool is_quarantined;

        pci_tree_refresh(h->tree, addr, NULL);
        handover_read_driver(h, addr, &driver, NULL);
        ledger_correct(h->ledger, &addr,
                       "the kernel finished the step on %s that was stuck; the function is on %s",
                       PCI_ADDR_TEXT(addr), driver_text(driver));
        if (!entry)
                return;
        copy = ledger_entry_copy(entry);
        g_clear_pointer(&copy->stuck, g_free);
        is_quarantined = copy->quarantine;
        handover_put_consume(h, copy, NULL);
        if (!is_quarantined)
                handover_send_home(h, addr);
}

static void on_ended(Worker *worker, int r, void *userdata) {
        StuckWork *work = userdata;
        Handover *h = work->h;
        PciAddr addr = work->addr;

        g_ptr_array_remove(h->stuck, work); /* frees work and worker */
        clear_stuck(h, addr);
}

static void set_apart(Handover *h, PciAddr addr, Worker *worker) {
        StuckWork *work = g_new0(StuckWork, 1);

        work->h = h;
        work->addr = addr;
        work->worker = worker;
        g_ptr_array_add(h->stuck, work);
        worker_watch(worker, on_ended, work);
}

/* An entry for a function that is on its way: what is known of it is in the plan, and after the
 * plan nowhere but here. */
static LedgerEntry *entry_to_mark(Handover *h, const Move *move) {
        const LedgerEntry *entry = ledger_find(h->ledger, move->addr);
        g_autofree char *driver = NULL;
        LedgerEntry *mark;

        if (entry)
                return ledger_entry_copy(entry);
        handover_read_driver(h, move->addr, &driver, NULL);
        mark = ledger_entry_new(move->addr, handover_is_vfio(driver) ? SIDE_PARKED : SIDE_HOST);
        if (move->saved)
                saved_enter(move->saved, mark);
        return mark;
}

/* Processes with a node of it open, and what the host has on it; the caller's. */
static char *who_holds(Handover *h, const Move *move) {
        const PciDevice *dev = pci_tree_find(h->tree, move->addr);
        g_autoptr(GHashTable) nodes = move->nodes ? g_hash_table_ref(move->nodes)
                                      : dev       ? holders_nodes(h->sys, dev)
                                                  : NULL;
        g_autofree char *processes = nodes ? holders_find(h->sys, nodes) : NULL;
        g_autoptr(GPtrArray) hits = guard_hits_new();
        g_autoptr(GString) text = g_string_new(processes);

        if (dev)
                guard_check(h->sys, dev, hits, NULL);
        for (unsigned i = 0; i < hits->len; i++)
                g_string_append_printf(text, "%s%s", text->len ? "; " : "",
                                       ((const GuardHit *)hits->pdata[i])->text);
        if (text->len == 0)
                g_string_assign(text, "nobody that can be seen");
        return g_string_free(g_steal_pointer(&text), FALSE);
}

int handover_step_stuck(Handover *h, Step *step, const char *what, Err *err) {
        Worker *worker = plan_steal_worker(step_plan(step));
        const Move *move = step_data(step);
        PciAddr addr = move->addr;
        g_autofree char *where = holders_wait_channel(h->sys, worker_pid(worker));
        g_autofree char *holders = who_holds(h, move);
        LedgerEntry *entry = entry_to_mark(h, step_data(step));
        int pid = (int)worker_pid(worker);

        g_free(entry->stuck);
        entry->stuck = g_strdup_printf("%s: worker pid %d sleeps in %s, held by %s", what, pid,
                                       where, holders);
        fail(err, VIR_ERR_OPERATION_TIMEOUT, "PCI device %s: the kernel has not finished to %s",
             PCI_ADDR_TEXT(addr), entry->stuck);
        fail_hint(err, -ETIMEDOUT,
                  "end what holds it; the state is followed until then (airlock ledger)");
        handover_put_consume(h, entry, NULL);
        set_apart(h, addr, worker);
        return -ETIMEDOUT;
}
