/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/emulator.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/xml.h"
#include "daemon/manager.h"

typedef struct Waiter {
        EmulatorFunc func;
        void *userdata;
} Waiter;

typedef struct Emulator {
        Emulators *all;
        char *path;
        QemuCaps *caps;     /* of the file that was asked last; NULL: never */
        GPtrArray *aliases; /* borrowed from caps: alias, name, …, NULL */
        CapsProbe *probe;   /* NULL: nobody asks */
        bool is_telling;
        GArray *waiters;
} Emulator;

struct Emulators {
        sd_event *event;
        char *cache_dir;
        GHashTable *by_path; /* path → Emulator */
};

/* ---- life ---- */

static void tell(Emulator *emulator, const QemuCaps *caps, const Err *err) {
        g_autoptr(GArray) waiters = g_steal_pointer(&emulator->waiters);

        emulator->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
        for (guint i = 0; i < waiters->len; i++) {
                const Waiter *waiter = &g_array_index(waiters, Waiter, i);

                waiter->func(caps, err, waiter->userdata);
        }
}

static void emulator_free(void *data) {
        Emulator *emulator = data;

        caps_probe_free(emulator->probe);
        g_clear_pointer(&emulator->aliases, g_ptr_array_unref);
        caps_free(emulator->caps);
        g_array_unref(emulator->waiters);
        g_free(emulator->path);
        g_free(emulator);
}

Emulators *emulators_new(sd_event *event, const char *cache_dir) {
        Emulators *emulators = g_new0(Emulators, 1);

        emulators->event = sd_event_ref(event);
        emulators->cache_dir = g_strdup(cache_dir);
        emulators->by_path = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, emulator_free);
        return emulators;
}

void emulators_free(Emulators *emulators) {
        g_auto(Err) err = ERR_INIT;
        GHashTableIter iter;
        gpointer emulator;

        if (!emulators)
                return;
        fail(&err, VIR_ERR_OPERATION_ABORTED, "airlockd ends");
        g_hash_table_iter_init(&iter, emulators->by_path);
        while (g_hash_table_iter_next(&iter, NULL, &emulator))
                tell(emulator, NULL, &err);
        g_hash_table_unref(emulators->by_path);
        sd_event_unref(emulators->event);
        g_free(emulators->cache_dir);
        g_free(emulators);
}

/* ---- what is known ---- */

/* A guest keeps the machine that it was defined on when QEMU gets a newer one. */
static void set_caps(Emulator *emulator, QemuCaps *caps) {
        g_clear_pointer(&emulator->aliases, g_ptr_array_unref);
        caps_free(emulator->caps);
        emulator->caps = caps;
        emulator->aliases = g_ptr_array_new();
        for (size_t i = 0; i < caps->n_machines; i++) {
                if (!caps->machines[i].alias)
                        continue;
                g_ptr_array_add(emulator->aliases, caps->machines[i].alias);
                g_ptr_array_add(emulator->aliases, caps->machines[i].name);
        }
        g_ptr_array_add(emulator->aliases, NULL);
}

/* Paths come from clients: those that nobody asks for make room for new ones. */
static gboolean is_idle(gpointer path, gpointer value, gpointer userdata) {
        const Emulator *emulator = value;

        return !emulator->probe && !emulator->is_telling && !g_str_equal(path, EMULATOR_DEFAULT);
}

static Emulator *get(Emulators *emulators, const char *path) {
        Emulator *emulator = g_hash_table_lookup(emulators->by_path, path);

        if (emulator)
                return emulator;
        if (g_hash_table_size(emulators->by_path) >= EMULATORS_MAX)
                g_hash_table_foreach_remove(emulators->by_path, is_idle, NULL);
        emulator = g_new0(Emulator, 1);
        emulator->all = emulators;
        emulator->path = g_strdup(path);
        emulator->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
        g_hash_table_insert(emulators->by_path, emulator->path, emulator);
        return emulator;
}

/* ---- asking ---- */

static void on_asked(QemuCaps *caps, const Err *err, void *userdata) {
        Emulator *emulator = userdata;

        emulator->probe = NULL;
        if (caps)
                set_caps(emulator, caps);
        else
                log_err(err, "what '%s' can do is not known", emulator->path);
        emulator->is_telling = true;
        tell(emulator, caps, err);
        emulator->is_telling = false;
}

static int ask(Emulator *emulator, Err *err) {
        const CapsRequest request = {emulator->path, emulator->all->cache_dir, on_asked, emulator};

        if (emulator->probe)
                return 0;
        return caps_probe(emulator->all->event, &request, &emulator->probe, err);
}

int emulators_ask(Emulators *emulators, const char *path, EmulatorFunc func, void *userdata,
                  Err *err) {
        Emulator *emulator = get(emulators, path ? path : EMULATOR_DEFAULT);
        const Waiter waiter = {func, userdata};
        int r;

        if (emulator->waiters->len >= EMULATOR_WAITERS_MAX)
                return fail(err, VIR_ERR_RESOURCE_BUSY, "too many wait for what '%s' can do",
                            emulator->path);
        r = ask(emulator, err);
        if (r < 0)
                return r;
        g_array_append_val(emulator->waiters, waiter);
        return 0;
}

/* ---- answers ---- */

static const Emulator *find_current(Emulators *emulators, const char *path) {
        Emulator *emulator = get(emulators, path ? path : EMULATOR_DEFAULT);
        QemuCaps *caps = NULL;

        if (emulator->caps && caps_is_current(emulator->caps))
                return emulator;
        if (caps_read(emulator->path, emulators->cache_dir, &caps, NULL) < 0)
                return NULL;
        set_caps(emulator, caps);
        return emulator;
}

const QemuCaps *emulators_find(Emulators *emulators, const char *path) {
        const Emulator *emulator = find_current(emulators, path);

        return emulator ? emulator->caps : NULL;
}

const QemuCaps *emulators_last(Emulators *emulators, const char *path) {
        const Emulator *emulator = find_current(emulators, path);

        if (emulator)
                return emulator->caps;
        emulator = get(emulators, path ? path : EMULATOR_DEFAULT);
        if (emulator->caps)
                ask((Emulator *)(uintptr_t)emulator, NULL);
        return emulator->caps;
}

const char *const *emulators_aliases(Emulators *emulators, const char *path) {
        const Emulator *emulator = find_current(emulators, path);

        return emulator ? (const char *const *)(const void *)emulator->aliases->pdata : NULL;
}

/* ---- calls that wait ---- */

typedef struct Waiting {
        Manager *manager;
        Call *call;
        char *text;
        EmulatorCall what;
} Waiting;

static void waiting_free(Waiting *waiting) {
        call_unref(waiting->call);
        g_free(waiting->text);
        g_free(waiting);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Waiting, waiting_free)

static void run_waiting(const QemuCaps *caps, const Err *why, void *userdata) {
        g_autoptr(Waiting) waiting = userdata;
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

int emulators_call(Manager *manager, Call *call, const char *path, const EmulatorCall *what,
                   Err *err) {
        g_autoptr(Waiting) waiting = NULL;

        if (emulators_find(manager->emulators, path))
                return what->run(manager, call, what->text, what->flags, err);
        waiting = g_new0(Waiting, 1);
        *waiting = (Waiting){
                .manager = manager,
                .call = call_ref(call),
                .text = g_strdup(what->text),
                .what = *what,
        };
        if (emulators_ask(manager->emulators, path, run_waiting, waiting, NULL) < 0)
                return what->run(manager, call, what->text, what->flags, err);
        g_steal_pointer(&waiting);
        return CALL_LATER;
}

char *emulator_of_xml(const char *xml) {
        g_autoptr(XmlDoc) doc = NULL;
        xmlNode *node;

        if (xml_doc_parse(xml, strlen(xml), "domain", &doc, NULL) < 0)
                return NULL;
        node = xml_child(xml_doc_root(doc), "devices");
        node = node ? xml_child(node, "emulator") : NULL;
        return node ? xml_text(node) : NULL;
}
