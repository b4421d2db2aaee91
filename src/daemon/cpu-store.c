/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/cpu-store.h"

#include <unistd.h>

#include "base/log.h"
#include "daemon/manager.h"
#include "qemu/cpu-probe.h"

typedef struct Waiter {
        CpuStoreFunc func;
        void *userdata;
} Waiter;

typedef struct Entry {
        CpuStore *store;
        char *path, *key; /* key: of what facts depend on; NULL: no facts yet */
        CpuFacts *facts;
        CpuProbe *probe; /* NULL: nobody asks */
        bool is_telling;
        GArray *waiters;
} Entry;

struct CpuStore {
        sd_event *event;
        const Sys *sys;
        char *cache_dir;
        GHashTable *by_path; /* path → Entry */
};

static void tell(Entry *entry, const Err *err) {
        g_autoptr(GArray) waiters = g_steal_pointer(&entry->waiters);

        entry->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
        for (guint i = 0; i < waiters->len; i++) {
                const Waiter *waiter = &g_array_index(waiters, Waiter, i);

                waiter->func(err ? NULL : entry->facts, err, waiter->userdata);
        }
}

static void entry_free(void *data) {
        Entry *entry = data;

        cpu_probe_free(entry->probe);
        cpu_facts_free(entry->facts);
        g_array_unref(entry->waiters);
        g_free(entry->key);
        g_free(entry->path);
        g_free(entry);
}

CpuStore *cpu_store_new(sd_event *event, const Sys *sys, const char *cache_dir) {
        CpuStore *store = g_new0(CpuStore, 1);

        store->event = sd_event_ref(event);
        store->sys = sys;
        store->cache_dir = g_strdup(cache_dir);
        store->by_path = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
        return store;
}

void cpu_store_free(CpuStore *store) {
        g_auto(Err) err = ERR_INIT;
        GHashTableIter iter;
        gpointer entry;

        if (!store)
                return;
        fail(&err, VIR_ERR_OPERATION_ABORTED, "airlockd ends");
        g_hash_table_iter_init(&iter, store->by_path);
        while (g_hash_table_iter_next(&iter, NULL, &entry))
                tell(entry, &err);
        g_hash_table_unref(store->by_path);
        sd_event_unref(store->event);
        g_free(store->cache_dir);
        g_free(store);
}

/* Paths come from clients: those that nobody asks for make room for new ones. */
static gboolean is_idle(gpointer path, gpointer value, gpointer userdata) {
        const Entry *entry = value;

        return !entry->probe && !entry->is_telling && !g_str_equal(path, EMULATOR_DEFAULT);
}

static Entry *get(CpuStore *store, const char *path) {
        Entry *entry;

        path = path ? path : EMULATOR_DEFAULT;
        entry = g_hash_table_lookup(store->by_path, path);
        if (entry)
                return entry;
        if (g_hash_table_size(store->by_path) >= EMULATORS_MAX)
                g_hash_table_foreach_remove(store->by_path, is_idle, NULL);
        entry = g_new0(Entry, 1);
        entry->store = store;
        entry->path = g_strdup(path);
        entry->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
        g_hash_table_insert(store->by_path, entry->path, entry);
        return entry;
}

static void on_asked(CpuFacts *facts, const Err *err, void *userdata);

static CpuProbeRequest request_of(Entry *entry) {
        return (CpuProbeRequest){
                .binary = entry->path,
                .cache_dir = entry->store->cache_dir,
                .sys = entry->store->sys,
                .has_kvm = access("/dev/kvm", R_OK | W_OK) == 0,
                .done = on_asked,
                .userdata = entry,
        };
}

static void set_facts(Entry *entry, CpuFacts *facts, char *key) {
        cpu_facts_free(entry->facts);
        g_free(entry->key);
        entry->facts = facts;
        entry->key = key;
}

static void on_asked(CpuFacts *facts, const Err *err, void *userdata) {
        Entry *entry = userdata;
        CpuProbeRequest request = request_of(entry);

        entry->probe = NULL;
        if (facts)
                set_facts(entry, facts, cpu_probe_key(&request));
        else
                log_err(err, "the CPU models of '%s' are not known", entry->path);
        entry->is_telling = true;
        tell(entry, err);
        entry->is_telling = false;
}

const CpuFacts *cpu_store_find(CpuStore *store, const char *path) {
        Entry *entry = get(store, path);
        CpuProbeRequest request = request_of(entry);
        g_autofree char *key = cpu_probe_key(&request);
        CpuFacts *facts = NULL;

        if (!key)
                return NULL;
        if (entry->facts && g_strcmp0(entry->key, key) == 0)
                return entry->facts;
        if (cpu_probe_read(&request, &facts, NULL) < 0)
                return NULL;
        set_facts(entry, facts, g_steal_pointer(&key));
        return entry->facts;
}

int cpu_store_ask(CpuStore *store, const char *path, CpuStoreFunc func, void *userdata, Err *err) {
        Entry *entry = get(store, path);
        CpuProbeRequest request = request_of(entry);
        const Waiter waiter = {func, userdata};
        int r = 0;

        if (entry->waiters->len >= EMULATOR_WAITERS_MAX)
                return fail(err, VIR_ERR_RESOURCE_BUSY, "too many wait for the CPU models of '%s'",
                            entry->path);
        if (!entry->probe)
                r = cpu_probe(store->event, &request, &entry->probe, err);
        if (r < 0)
                return r;
        g_array_append_val(entry->waiters, waiter);
        return 0;
}

/* ---- calls that wait ---- */

typedef struct Waiting {
        Manager *manager;
        Call *call;
        char *path, *text; /* path: NULL: the default one */
        EmulatorCall what;
} Waiting;

static void waiting_free(Waiting *waiting) {
        call_unref(waiting->call);
        g_free(waiting->path);
        g_free(waiting->text);
        g_free(waiting);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Waiting, waiting_free)

static void run_waiting(Waiting *waiting, const Err *why) {
        g_auto(Err) err = ERR_INIT;
        int r;

        if (why && why->code == VIR_ERR_OPERATION_ABORTED) {
                call_fail(call_ref(waiting->call), why);
                return;
        }
        r = waiting->what.run(waiting->manager, waiting->call, waiting->text, waiting->what.flags,
                              &err);
        if (r == CALL_LATER) /* it has a reference of its own */
                return;
        call_finish(call_ref(waiting->call), &err);
}

static void on_models(const CpuFacts *facts, const Err *why, void *userdata) {
        g_autoptr(Waiting) waiting = userdata;

        run_waiting(waiting, why);
}

/* What it can do is known, or will not be: now its models. */
static void on_caps(const QemuCaps *caps, const Err *why, void *userdata) {
        g_autoptr(Waiting) waiting = userdata;

        if (why || cpu_store_find(waiting->manager->cpus, waiting->path) ||
            cpu_store_ask(waiting->manager->cpus, waiting->path, on_models, waiting, NULL) < 0)
                run_waiting(waiting, why);
        else
                g_steal_pointer(&waiting);
}

int cpu_store_call(Manager *manager, Call *call, const char *path, const EmulatorCall *what,
                   Err *err) {
        g_autoptr(Waiting) waiting = NULL;
        bool has_caps = emulators_find(manager->emulators, path);
        int r;

        if (has_caps && cpu_store_find(manager->cpus, path))
                return what->run(manager, call, what->text, what->flags, err);
        waiting = g_new0(Waiting, 1);
        *waiting = (Waiting){
                .manager = manager,
                .call = call_ref(call),
                .path = g_strdup(path),
                .text = g_strdup(what->text),
                .what = *what,
        };
        waiting->what.text = waiting->text;
        r = has_caps ? cpu_store_ask(manager->cpus, path, on_models, waiting, NULL)
                     : emulators_ask(manager->emulators, path, on_caps, waiting, NULL);
        if (r < 0)
                return what->run(manager, call, what->text, what->flags, err);
        g_steal_pointer(&waiting);
        return CALL_LATER;
}
