/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "handover/guard.h"
#include "handover/host.h"
#include "handover/steps.h"

#define VFIO "vfio-pci"

static void add_ledger_step(Plan *plan, const StepKind *kind, LedgerEntry *after, Saved *saved) {
        Move *move = move_new(after->addr, NULL, saved);

        move->after = after;
        plan_add(plan, kind, &move->addr, move);
}

static void add_step(Plan *plan, const StepKind *kind, PciAddr addr, const char *driver,
                     Saved *saved) {
        plan_add(plan, kind, &addr, move_new(addr, driver, saved));
}

/* Towards vfio-pci. */

/* after (consumed) is the entry that the ledger gets; the rest of it is filled in by what the first
 * step finds. */
static void take_from_host(Plan *plan, const PciDevice *dev, LedgerEntry *after) {
        g_autoptr(Saved) saved = saved_new();
        PciAddr addr = dev->addr;

        saved->driver = g_strdup(dev->driver); /* for who reads the plan; read again when it runs */
        add_step(plan, &step_save, addr, NULL, saved);
        add_step(plan, &step_override, addr, VFIO, saved);
        if (dev->driver)
                add_step(plan, &step_unbind, addr, dev->driver, saved);
        add_step(plan, &step_bind, addr, VFIO, saved);
        add_ledger_step(plan, &step_claim, after, saved);
}

static char *what_host_uses(const Handover *h, const HandoverRequest *request,
                            const PciDevice *dev) {
        g_autoptr(GPtrArray) hits = guard_hits_new();
        g_autoptr(GString) text = g_string_new(NULL);

        if (request->take_host_devices)
                guard_check(h->sys, dev, hits, NULL);
        for (unsigned i = 0; i < hits->len; i++) {
                const GuardHit *hit = hits->pdata[i];

                if (!hit->is_warning)
                        g_string_append_printf(text, "%s%s", text->len ? "; " : "", hit->text);
        }
        return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static void own(LedgerEntry *entry, const HandoverRequest *request) {
        g_free(entry->guest);
        g_free(entry->uuid);
        entry->guest = g_strdup(request->guest);
        entry->uuid = g_strdup(request->uuid);
        entry->managed = request->managed;
}

static void take_companion(Handover *h, Plan *plan, const HandoverRequest *request, PciAddr addr,
                           PciAddr companion_of) {
        const PciDevice *dev = pci_tree_find(h->tree, addr);
        LedgerEntry *after = ledger_entry_new(addr, SIDE_PARKED);

        own(after, request);
        after->managed = true;
        after->is_companion = true;
        after->companion_of = companion_of;
        after->despite = what_host_uses(h, request, dev);
        take_from_host(plan, dev, after);
}

/* On vfio-pci already: parked by the administrator, by somebody else, or as a companion. */
static void claim_parked(Handover *h, Plan *plan, const HandoverRequest *request, PciAddr addr) {
        const LedgerEntry *entry = ledger_find(h->ledger, addr);
        LedgerEntry *after;

        if (!request->guest)
                return;
        after = entry ? ledger_entry_copy(entry) : ledger_entry_new(addr, SIDE_GUEST);
        if (!entry || !entry->uuid)
                after->was_parked = true;
        after->side = SIDE_GUEST;
        after->is_companion = false;
        own(after, request);
        add_ledger_step(plan, &step_claim, after, NULL);
}

static int take_function(Handover *h, Plan *plan, const HandoverRequest *request, PciAddr addr,
                         Err *err) {
        const PciDevice *dev;
        LedgerEntry *after;
        int r = pci_tree_refresh(h->tree, addr, err);

        dev = pci_tree_find(h->tree, addr);
        if (r < 0 || !dev)
                return r < 0 ? r
                             : fail(err, VIR_ERR_NO_NODE_DEVICE, "PCI device %s has gone",
                                    PCI_ADDR_TEXT(addr));
        if (handover_is_vfio(dev->driver)) {
                claim_parked(h, plan, request, addr);
                return 0;
        }
        after = ledger_entry_new(addr, request->guest ? SIDE_GUEST : SIDE_PARKED);
        own(after, request);
        after->despite = what_host_uses(h, request, dev);
        take_from_host(plan, dev, after);
        return 0;
}

static bool needs_module(const Handover *h, const HandoverRequest *request) {
        if (sys_exists(h->sys, "sys/bus/pci/drivers/" VFIO))
                return false;
        for (size_t i = 0; i < request->n; i++) {
                const PciDevice *dev = pci_tree_find(h->tree, request->addrs[i]);

                if (dev && !handover_is_vfio(dev->driver))
                        return true;
        }
        return request->with_companions;
}

static int compare_addrs(const void *a, const void *b) {
        return pci_addr_compare(*(const PciAddr *)a, *(const PciAddr *)b);
}

static int take(Handover *h, Plan *plan, const HandoverRequest *request, Err *err) {
        g_autofree PciAddr *addrs = g_memdup2(request->addrs, request->n * sizeof(*request->addrs));
        int r = 0;

        if (request->n > 1)
                qsort(addrs, request->n, sizeof(*addrs), compare_addrs); /* function 0 leads */
        if (needs_module(h, request))
                plan_add(plan, &step_load, NULL, move_new((PciAddr){}, NULL, NULL));
        for (size_t i = 0; i < request->n && request->guest && request->with_companions; i++) {
                g_autoptr(GArray) companions = handover_companions(h, request, addrs[i]);

                for (unsigned j = 0; j < companions->len; j++) {
                        PciAddr companion = g_array_index(companions, PciAddr, j);

                        if (!plan_concerns(plan, companion))
                                take_companion(h, plan, request, companion, addrs[i]);
                }
        }
        for (size_t i = 0; r == 0 && i < request->n; i++)
                r = take_function(h, plan, request, addrs[i], err);
        return r;
}

int handover_plan_take(Handover *h, Plan *plan, const HandoverRequest *request, Err *err) {
        g_autoptr(Verdict) verdict = NULL;
        int r = handover_verdict(h, request, &verdict, err);

        if (r == 0)
                r = verdict_to_err(verdict, err);
        return r < 0 ? r : take(h, plan, request, err);
}

int handover_plan_detach_host(Handover *h, Plan *plan, const HandoverRequest *request, Err *err) {
        HandoverRequest parked = *request;

        parked.guest = parked.uuid = NULL;
        parked.managed = false;
        return handover_plan_take(h, plan, &parked, err);
}

/* Towards the host. */

static void add_way_home(Plan *plan, const LedgerEntry *entry) {
        g_autoptr(Saved) saved = saved_new();
        PciAddr addr = entry->addr;

        saved->power = g_strdup(entry->power);
        saved->d3cold = g_strdup(entry->d3cold);
        add_step(plan, &step_unbind, addr, VFIO, NULL);
        add_step(plan, &step_override, addr, entry->override, NULL);
        if (entry->host_driver)
                add_step(plan, &step_bind, addr, entry->host_driver, NULL);
        if (entry->power || entry->d3cold)
                add_step(plan, &step_settings, addr, NULL, saved);
        add_step(plan, &step_forget, addr, NULL, NULL);
}

/* The entry of a function that has let go, in nobody's name. */
static LedgerEntry *parked_copy(const LedgerEntry *entry) {
        LedgerEntry *after = ledger_entry_copy(entry);

        after->side = SIDE_PARKED;
        after->is_companion = after->managed = after->was_parked = false;
        g_clear_pointer(&after->guest, g_free);
        g_clear_pointer(&after->uuid, g_free);
        after->since = g_get_real_time();
        return after;
}

void handover_plan_return(Plan *plan, const LedgerEntry *entry) {
        add_ledger_step(plan, &step_release, parked_copy(entry), NULL);
        add_way_home(plan, entry);
}

static int group_of(const Handover *h, PciAddr addr) {
        const PciDevice *dev = pci_tree_find(h->tree, addr);

        return dev ? dev->iommu_group : -1;
}

static bool is_listed(const PciAddr *addrs, size_t n, PciAddr addr) {
        for (size_t i = 0; i < n; i++)
                if (pci_addr_is_equal(addrs[i], addr))
                        return true;
        return false;
}

/* A member of the function's group that a guest keeps when those of the list are given back. */
static const LedgerEntry *who_stays(const Handover *h, const PciAddr *leaving, size_t n,
                                    PciAddr addr) {
        size_t n_entries;
        g_autofree const LedgerEntry **entries = ledger_list(h->ledger, &n_entries);
        int group = group_of(h, addr);

        for (size_t i = 0; i < n_entries && group >= 0; i++)
                if (entries[i]->side == SIDE_GUEST && group_of(h, entries[i]->addr) == group &&
                    !pci_addr_is_equal(entries[i]->addr, addr) &&
                    !is_listed(leaving, n, entries[i]->addr))
                        return entries[i];
        return NULL;
}

static void give_function(Handover *h, Plan *plan, const LedgerEntry *entry,
                          const LedgerEntry *staying) {
        bool goes_home = entry->managed && !entry->was_parked;
        LedgerEntry *after = parked_copy(entry);

        if (goes_home && staying) { /* a group is never split between a guest and the host */
                after->guest = g_strdup(staying->guest);
                after->uuid = g_strdup(staying->uuid);
                after->managed = after->is_companion = true;
                after->companion_of = staying->addr;
        }
        add_ledger_step(plan, &step_release, after, NULL);
        if (goes_home && !staying)
                add_way_home(plan, entry);
}

/* The companions that were parked for what leaves now, and are needed by nobody else. */
static void give_companions(Handover *h, Plan *plan, const PciAddr *addrs, size_t n) {
        size_t n_entries;
        g_autofree const LedgerEntry **entries = ledger_list(h->ledger, &n_entries);

        for (size_t i = 0; i < n_entries; i++) {
                const LedgerEntry *entry = entries[i];
                bool is_theirs = false;

                for (size_t j = 0; j < n && entry->is_companion; j++)
                        is_theirs |= pci_addr_is_equal(entry->companion_of, addrs[j]) ||
                                     (group_of(h, entry->addr) >= 0 &&
                                      group_of(h, entry->addr) == group_of(h, addrs[j]));
                if (is_theirs && entry->side == SIDE_PARKED && !plan_concerns(plan, entry->addr) &&
                    !who_stays(h, addrs, n, entry->addr))
                        give_function(h, plan, entry, NULL);
        }
}

int handover_plan_give(Handover *h, Plan *plan, const PciAddr *addrs, size_t n, Err *err) {
        plan_set_forward(plan);
        for (size_t i = 0; i < n; i++) {
                const LedgerEntry *entry = ledger_find(h->ledger, addrs[i]);

                if (entry && entry->uuid && !plan_concerns(plan, addrs[i]))
                        give_function(h, plan, entry, who_stays(h, addrs, n, addrs[i]));
        }
        give_companions(h, plan, addrs, n);
        return 0;
}

/* The administrator's own commands. */

static int find_endpoint(Handover *h, PciAddr addr, const PciDevice **ret, Err *err) {
        int r = pci_tree_refresh(h->tree, addr, err);

        if (r < 0)
                return r;
        *ret = pci_tree_find(h->tree, addr);
        if (!*ret)
                return fail(err, VIR_ERR_NO_NODE_DEVICE, "there is no PCI device %s",
                            PCI_ADDR_TEXT(addr));
        if (!pci_device_is_endpoint(*ret))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "PCI device %s is no endpoint (%s) and stays with the host",
                            PCI_ADDR_TEXT(addr), pci_kind_to_string((*ret)->kind));
        return 0;
}

static int refuse_in_guest(const Handover *h, PciAddr addr, const char *what, Err *err) {
        const LedgerEntry *entry = ledger_find(h->ledger, addr);

        if (!entry || !entry->uuid)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_INVALID,
                              "PCI device %s is %s guest '%s' and cannot be %s",
                              PCI_ADDR_TEXT(addr), entry->side == SIDE_GUEST ? "in" : "parked for",
                              entry->guest, what),
                         "detach it from '%s' or shut that guest down", entry->guest);
}

static int refuse_stuck(const Handover *h, PciAddr addr, Err *err) {
        const LedgerEntry *entry = ledger_find(h->ledger, addr);

        if (!entry || !entry->stuck)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_INVALID,
                              "the kernel has not finished an earlier step on PCI device %s: %s",
                              PCI_ADDR_TEXT(addr), entry->stuck),
                         "end what holds it, or reboot the host");
}

static int refuse_split(const Handover *h, const PciDevice *dev, Err *err) {
        const LedgerEntry *staying = who_stays(h, NULL, 0, dev->addr);

        if (!staying)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_INVALID,
                              "PCI device %s shares IOMMU group %d with %s, which guest '%s' has",
                              PCI_ADDR_TEXT(dev->addr), dev->iommu_group,
                              PCI_ADDR_TEXT(staying->addr), staying->guest),
                         "a group is never split between a guest and the host: detach %s from '%s' "
                         "first",
                         PCI_ADDR_TEXT(staying->addr), staying->guest);
}

/* Nobody here moved it: its override goes, and whoever wants it may have it. */
static void reattach_unknown(Plan *plan, const PciDevice *dev) {
        bool is_parked = handover_is_vfio(dev->driver) || g_strcmp0(dev->driver, "pci-stub") == 0;

        if (is_parked)
                add_step(plan, &step_unbind, dev->addr, dev->driver, NULL);
        if (!is_parked && dev->driver)
                return;
        add_step(plan, &step_override, dev->addr, NULL, NULL);
        add_step(plan, &step_bind, dev->addr, NULL, NULL);
}

int handover_plan_reattach(Handover *h, Plan *plan, PciAddr addr, Err *err) {
        const LedgerEntry *entry = ledger_find(h->ledger, addr);
        const PciDevice *dev = NULL;
        int r = find_endpoint(h, addr, &dev, err);

        if (r == 0)
                r = refuse_in_guest(h, addr, "reattached to the host", err);
        if (r == 0)
                r = refuse_stuck(h, addr, err);
        if (r == 0)
                r = refuse_split(h, dev, err);
        if (r < 0)
                return r;
        plan_set_forward(plan);
        if (!entry) {
                reattach_unknown(plan, dev);
                return 0;
        }
        if (entry->host_driver || entry->identity) {
                handover_plan_return(plan, entry);
                return 0;
        }
        add_ledger_step(plan, &step_release, parked_copy(entry), NULL);
        reattach_unknown(plan, dev); /* it was on vfio-pci before anybody here knew it */
        add_step(plan, &step_forget, addr, NULL, NULL);
        return 0;
}

static int refuse_used(const Handover *h, const PciDevice *dev, Err *err) {
        g_autoptr(GPtrArray) hits = guard_hits_new();
        int r = guard_check(h->sys, dev, hits, err);

        for (unsigned i = 0; r == 0 && i < hits->len; i++) {
                const GuardHit *hit = hits->pdata[i];

                if (!hit->is_warning)
                        return fail(err, VIR_ERR_OPERATION_INVALID,
                                    "PCI device %s is used by the host and is not reset: %s",
                                    PCI_ADDR_TEXT(dev->addr), hit->text);
        }
        return r;
}

int handover_plan_reset(Handover *h, Plan *plan, PciAddr addr, Err *err) {
        const PciDevice *dev = NULL;
        int r = find_endpoint(h, addr, &dev, err);

        if (r == 0)
                r = refuse_in_guest(h, addr, "reset", err);
        if (r == 0)
                r = refuse_stuck(h, addr, err);
        if (r == 0 && !dev->can_reset)
                r = fail(err, VIR_ERR_OPERATION_INVALID,
                         "PCI device %s has no reset that the kernel could use for it alone",
                         PCI_ADDR_TEXT(addr));
        if (r == 0)
                r = refuse_used(h, dev, err);
        if (r == 0)
                add_step(plan, &step_reset, addr, NULL, NULL);
        return r;
}
