/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-hostdev.h"

#include <string.h>

#include "base/log.h"
#include "daemon/store.h"
#include "handover/handover.h"
#include "layout/window.h"

uint64_t vm_locked_memory(const DomainDef *def) {
        g_autoptr(GArray) functions = domain_functions(def);

        if (def->memory_backing.locked.node.is_present)
                return UINT64_MAX; /* with all that QEMU itself takes: RLIM_INFINITY */
        if (functions->len == 0)
                return 0;
        return MAX(def->memory, def->max_memory.kib) * 1024 + VM_LOCKED_MEMORY_EXTRA;
}

/* Bytes of its BARs that lie above 4 GiB. */
static uint64_t card_window(const PciDevice *card) {
        uint64_t window = 0;

        for (size_t i = 0; card && i < PCI_BARS; i++)
                if (card->bars[i].is_64bit && card->bars[i].is_prefetchable)
                        window += card->bars[i].size;
        return window;
}

static void note_conventional(const Manager *manager, const DomainFunction *function) {
        const PciDevice *card = pci_tree_find(manager->tree, function->addr);

        domain_function_set_conventional(function, card && !card->is_express);
        if (function->device->kind == DOMAIN_HOSTDEV)
                ((DomainHostdev *)(void *)function->device)->window = card_window(card);
}

void vm_note_card_conventional(const Manager *manager, const DomainDevice *device) {
        DomainFunction function;

        if (domain_function_of(device, &function))
                note_conventional(manager, &function);
}

void vm_note_conventional(const Manager *manager, DomainDef *def) {
        g_autoptr(GArray) functions = domain_functions(def);

        for (guint i = 0; i < functions->len; i++)
                note_conventional(manager, &g_array_index(functions, DomainFunction, i));
}

/* "address sizes : 46 bits physical, 48 bits virtual" of proc_cpuinfo; 0: not known. */
static unsigned host_address_bits(const Manager *manager) {
        g_autofree char *text = NULL;
        const char *line;

        if (sys_read_text(manager->sys, "proc/cpuinfo", &text) < 0)
                return 0;
        line = strstr(text, "address sizes");
        line = line ? strchr(line, ':') : NULL;
        return line ? (unsigned)g_ascii_strtoull(line + 1, NULL, 10) : 0;
}

int vm_check_window(const Manager *manager, DomainDef *live, Err *err) {
        vm_note_conventional(manager, live);
        return layout_window_check(live, host_address_bits(manager), err);
}

/* ---- taking ---- */

GArray *vm_functions(const DomainDef *def) {
        g_autoptr(GArray) functions = domain_functions(def);
        GArray *addrs = g_array_new(FALSE, FALSE, sizeof(PciAddr));

        for (guint i = 0; i < functions->len; i++)
                g_array_append_val(addrs, g_array_index(functions, DomainFunction, i).addr);
        return addrs;
}

static const PciIdentity *find_card(const Vm *vm, PciAddr addr) {
        return vm->cards ? g_hash_table_lookup(vm->cards, PCI_ADDR_TEXT(addr)) : NULL;
}

/* We bind vfio-pci; another one of its family is the administrator's to bind. */
static int check_driver(const Vm *vm, const DomainHostdev *hostdev, Err *err) {
        PciAddr addr = domain_hostdev_addr(hostdev);
        const PciDevice *card = pci_tree_find(vm->manager->tree, addr);
        const char *wanted = hostdev->driver.model;

        if (!wanted || g_str_equal(wanted, "vfio-pci") || !card ||
            g_strcmp0(card->driver, wanted) == 0)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "guest '%s' wants PCI device %s on the driver '%s', and it is on %s",
                              vm_name(vm), PCI_ADDR_TEXT(addr), wanted,
                              card->driver ? card->driver : "none"),
                         "bind it before the start: only vfio-pci is bound by itself");
}

/* One request for those that are managed, one for those that are not. */
static int take_some(Vm *vm, Plan *plan, const DomainDef *def, const DomainDevice *only,
                     HandoverRequest *request, Err *err) {
        g_autoptr(GArray) functions = domain_functions(def);
        g_autoptr(GArray) addrs = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        g_autoptr(GPtrArray) cards = g_ptr_array_new();
        int r = 0;

        for (guint i = 0; i < functions->len; i++) {
                const DomainFunction *function = &g_array_index(functions, DomainFunction, i);

                if ((only && function->device != only) || function->is_managed != request->managed)
                        continue;
                if (function->device->kind == DOMAIN_HOSTDEV)
                        r = check_driver(vm, (const DomainHostdev *)(const void *)function->device,
                                         err);
                if (r < 0)
                        return r;
                g_array_append_val(addrs, function->addr);
                g_ptr_array_add(cards, (gpointer)(uintptr_t)find_card(vm, function->addr));
        }
        if (addrs->len == 0)
                return 0;
        request->addrs = (const PciAddr *)(const void *)addrs->data;
        request->n = addrs->len;
        request->identities = (const PciIdentity *const *)(const void *)cards->pdata;
        return handover_plan_take(vm->manager->handover, plan, request, err);
}

int vm_plan_take(Vm *vm, Plan *plan, const DomainDef *def, const DomainDevice *only,
                 const VmTake *take, Err *err) {
        g_autoptr(GArray) all = vm_functions(def);
        HandoverRequest request = {
                .guest = vm_name(vm),
                .uuid = vm_uuid_text(vm),
                .with_companions = take->with_companions || domain_def_parks_companions(def),
                .take_host_devices = take->take_host_devices,
                .configured = (const PciAddr *)(const void *)all->data,
                .n_configured = all->len,
        };
        int r;

        if (all->len > vm->manager->limits.max_assigned_functions)
                return fail_hint(
                        err,
                        fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                             "guest '%s' would have %u assigned PCI functions, and the limit "
                             "is %u",
                             vm_name(vm), all->len, vm->manager->limits.max_assigned_functions),
                        "raise max_assigned_functions in airlockd.conf");
        r = take_some(vm, plan, def, only, &request, err);
        if (r < 0)
                return r;
        request.managed = true;
        return take_some(vm, plan, def, only, &request, err);
}

/* ---- cards ---- */

static void identity_free(void *identity) {
        pci_identity_free(identity);
}

static GHashTable *cards_new(void) {
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, identity_free);
}

void vm_cards_load(Vm *vm) {
        g_autofree char *text = NULL;
        g_auto(Err) err = ERR_INIT;
        json_t *cards, *value;
        const char *addr;

        g_clear_pointer(&vm->cards, g_hash_table_unref);
        vm->cards = cards_new();
        if (store_read_cards(&vm->manager->paths, vm_name(vm), &text, &err) < 0) {
                if (err_is_set(&err))
                        log_err(&err, "cannot tell which cards guest '%s' was given", vm_name(vm));
                return;
        }
        cards = json_loads(text, 0, NULL);
        json_object_foreach(cards, addr, value) {
                PciIdentity *identity;

                if (pci_identity_from_json(value, &identity) == 0)
                        g_hash_table_insert(vm->cards, g_strdup(addr), identity);
        }
        json_decref(cards);
}

static int write_cards(Vm *vm, Err *err) {
        GHashTableIter iter;
        gpointer addr, identity;
        json_t *cards = json_object();
        char *text;
        int r;

        g_hash_table_iter_init(&iter, vm->cards);
        while (g_hash_table_iter_next(&iter, &addr, &identity))
                json_object_set_new(cards, addr, pci_identity_to_json(identity));
        text = json_dumps(cards, JSON_INDENT(1) | JSON_SORT_KEYS);
        r = store_write_cards(&vm->manager->paths, vm_name(vm), text, err);
        free(text);
        json_decref(cards);
        return r;
}

/* An absent card gets its identity noted when it is configured again, or never: then only its
 * address counts. */
static PciIdentity *read_card(const Vm *vm, PciAddr addr) {
        const PciDevice *card = pci_tree_find(vm->manager->tree, addr);
        PciIdentity *identity = NULL;

        if (!card || pci_identity_load(vm->manager->sys, card, &identity, NULL) < 0)
                return NULL;
        return identity;
}

int vm_cards_update(Vm *vm, Err *err) {
        g_autoptr(GArray) addrs = vm_functions(vm->config);
        g_autoptr(GHashTable) cards = cards_new();
        guint before = vm->cards ? g_hash_table_size(vm->cards) : 0;

        for (guint i = 0; i < addrs->len; i++) {
                PciAddr addr = g_array_index(addrs, PciAddr, i);
                const PciIdentity *known = find_card(vm, addr);
                PciIdentity *identity = known ? pci_identity_copy(known) : read_card(vm, addr);

                if (identity)
                        g_hash_table_insert(cards, g_strdup(PCI_ADDR_TEXT(addr)), identity);
        }
        g_clear_pointer(&vm->cards, g_hash_table_unref);
        vm->cards = g_steal_pointer(&cards);
        if (!vm->persistent || (before == 0 && g_hash_table_size(vm->cards) == 0))
                return 0;
        return write_cards(vm, err);
}
