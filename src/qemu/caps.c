/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/caps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qemu/probe.h"

#define PROBE_DEADLINE_USEC (30 * UINT64_C(1000000))
#define CACHE_FORMAT        4

/* What is asked, and under which name the answer is kept. */
static const struct Question {
        const char *key, *command, *arguments;
} questions[] = {
        {"version", "query-version", NULL},
        {"machines", "query-machines", NULL},
        {"cpus", "query-cpu-definitions", NULL},
        {"devices", "qom-list-types", "{\"implements\": \"device\", \"abstract\": false}"},
        {"options", "query-command-line-options", NULL},
};

static void free_json(json_t **json) {
        json_decref(*json);
}

static void free_text(char **text) {
        free(*text);
}

void caps_free(QemuCaps *caps) {
        if (!caps)
                return;
        for (size_t i = 0; i < caps->n_machines; i++) {
                g_free(caps->machines[i].name);
                g_free(caps->machines[i].alias);
        }
        g_free(caps->machines);
        g_strfreev(caps->cpu_models);
        g_clear_pointer(&caps->devices, g_hash_table_unref);
        g_free(caps->binary);
        free(caps->key);
        g_free(caps);
}

bool caps_has_device(const QemuCaps *caps, const char *type) {
        return g_hash_table_contains(caps->devices, type);
}

const QemuMachine *caps_find_machine(const QemuCaps *caps, const char *name) {
        for (size_t i = 0; i < caps->n_machines; i++)
                if (strcmp(caps->machines[i].name, name) == 0 ||
                    g_strcmp0(caps->machines[i].alias, name) == 0)
                        return &caps->machines[i];
        return NULL;
}

/* ---- answers of QEMU, as asked or as cached ---- */

static int take_version(QemuCaps *caps, json_t *answer) {
        int major, minor, micro;

        if (json_unpack(answer, "{s:{s:i, s:i, s:i}}", "qemu", "major", &major, "minor", &minor,
                        "micro", &micro) < 0)
                return -EPROTO;
        caps->version = (uint64_t)major * 1000000 + (uint64_t)minor * 1000 + (uint64_t)micro;
        return 0;
}

static int take_machines(QemuCaps *caps, json_t *answer) {
        size_t i;
        json_t *item;

        caps->machines = g_new0(QemuMachine, json_array_size(answer) + 1);
        json_array_foreach(answer, i, item) {
                QemuMachine *machine = &caps->machines[caps->n_machines];
                const char *name = json_string_value(json_object_get(item, "name"));

                if (!name || strcmp(name, "none") == 0)
                        continue;
                machine->name = g_strdup(name);
                machine->alias = g_strdup(json_string_value(json_object_get(item, "alias")));
                machine->cpu_max = (unsigned)json_integer_value(json_object_get(item, "cpu-max"));
                machine->is_default = json_is_true(json_object_get(item, "is-default"));
                machine->is_deprecated = json_is_true(json_object_get(item, "deprecated"));
                caps->n_machines++;
        }
        return caps->n_machines > 0 ? 0 : -EPROTO;
}

static int compare_strings(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static void take_cpus(QemuCaps *caps, json_t *answer) {
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        size_t i;
        json_t *item;

        json_array_foreach(answer, i, item) {
                const char *name = json_string_value(json_object_get(item, "name"));

                if (name)
                        g_ptr_array_add(names, g_strdup(name));
        }
        if (names->len > 0)
                qsort(names->pdata, names->len, sizeof(char *), compare_strings);
        g_ptr_array_add(names, NULL);
        caps->cpu_models = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

static void take_devices(QemuCaps *caps, json_t *answer) {
        size_t i;
        json_t *item;

        caps->devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        json_array_foreach(answer, i, item) {
                const char *name = json_string_value(json_object_get(item, "name"));

                if (name)
                        g_hash_table_add(caps->devices, g_strdup(name));
        }
}

static void take_options(QemuCaps *caps, json_t *answer) {
        size_t i;
        json_t *item;

        json_array_foreach(answer, i, item) {
                const char *name = json_string_value(json_object_get(item, "option"));

                if (g_strcmp0(name, "sandbox") == 0)
                        caps->has_sandbox = true;
        }
}

static int caps_from_answers(const char *binary, const json_t *key, json_t *answers,
                             QemuCaps **ret) {
        g_autoptr(QemuCaps) caps = g_new0(QemuCaps, 1);
        int r;

        caps->binary = g_strdup(binary);
        caps->key = json_dumps(key, JSON_COMPACT | JSON_SORT_KEYS);
        take_cpus(caps, json_object_get(answers, "cpus"));
        take_devices(caps, json_object_get(answers, "devices"));
        take_options(caps, json_object_get(answers, "options"));
        r = take_version(caps, json_object_get(answers, "version"));
        if (r == 0)
                r = take_machines(caps, json_object_get(answers, "machines"));
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&caps);
        return 0;
}

/* ---- the cache ---- */

bool caps_is_current(const QemuCaps *caps) {
        __attribute__((cleanup(free_json))) json_t *key = NULL;
        __attribute__((cleanup(free_text))) char *text = NULL;

        if (probe_key(caps->binary, CACHE_FORMAT, &key, NULL) < 0)
                return false;
        text = json_dumps(key, JSON_COMPACT | JSON_SORT_KEYS);
        return g_str_equal(text, caps->key);
}

int caps_read(const char *binary, const char *cache_dir, QemuCaps **ret, Err *err) {
        g_autofree char *path = probe_cache_path(cache_dir, "qemu", binary);
        __attribute__((cleanup(free_json))) json_t *key = NULL, *answers = NULL;
        int r = probe_key(binary, CACHE_FORMAT, &key, err);

        if (r < 0)
                return r;
        answers = probe_cache_read(path, key);
        if (!answers || caps_from_answers(binary, key, answers, ret) < 0)
                return -EAGAIN;
        return 0;
}

/* ---- asking ---- */

struct CapsProbe {
        Probe *probe;
        char *binary, *cache_path;
        json_t *key, *answers;
        size_t asked;
        CapsDone done;
        void *userdata;
};

static bool next_question(void *userdata, const char **ret_command, json_t **ret_arguments) {
        const CapsProbe *probe = userdata;
        const struct Question *question = &questions[probe->asked];

        if (probe->asked == G_N_ELEMENTS(questions))
                return false;
        *ret_command = question->command;
        if (question->arguments)
                *ret_arguments = json_loads(question->arguments, 0, NULL);
        return true;
}

static bool take_answer(json_t *result, const Err *err, void *userdata) {
        CapsProbe *probe = userdata;

        if (err)
                return false;
        json_object_set(probe->answers, questions[probe->asked++].key, result);
        return true;
}

static int take_answers(CapsProbe *probe, QemuCaps **ret, Err *err) {
        int r = caps_from_answers(probe->binary, probe->key, probe->answers, ret);

        if (r < 0)
                return fail_errno(err, r, "'%s' answers as no QEMU that we know", probe->binary);
        probe_cache_write(probe->cache_path, probe->key, probe->answers);
        return 0;
}

static void on_done(const Err *why, void *userdata) {
        CapsProbe *probe = userdata;
        CapsDone done = probe->done;
        void *data = probe->userdata;
        g_auto(Err) err = ERR_INIT;
        QemuCaps *caps = NULL;

        probe->probe = NULL;
        if (why)
                err_copy(&err, why);
        else
                take_answers(probe, &caps, &err);
        caps_probe_free(probe);
        done(caps, caps ? NULL : &err, data);
}

void caps_probe_free(CapsProbe *probe) {
        if (!probe)
                return;
        probe_free(probe->probe);
        json_decref(probe->key);
        json_decref(probe->answers);
        g_free(probe->binary);
        g_free(probe->cache_path);
        g_free(probe);
}

int caps_probe(sd_event *event, const CapsRequest *request, CapsProbe **ret, Err *err) {
        g_autoptr(CapsProbe) probe = g_new0(CapsProbe, 1);
        const ProbeRequest ask = {
                .binary = request->binary,
                .limit = PROBE_DEADLINE_USEC,
                .next = next_question,
                .answer = take_answer,
                .done = on_done,
                .userdata = probe,
        };
        int r;

        probe->binary = g_strdup(request->binary);
        probe->cache_path = probe_cache_path(request->cache_dir, "qemu", request->binary);
        probe->answers = json_object();
        probe->done = request->done;
        probe->userdata = request->userdata;
        r = probe_key(request->binary, CACHE_FORMAT, &probe->key, err);
        if (r == 0)
                r = probe_start(event, &ask, &probe->probe, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&probe);
        return 0;
}

/* ---- both in one ---- */

typedef struct Loaded {
        sd_event *event;
        QemuCaps *caps;
        Err err;
} Loaded;

static void on_loaded(QemuCaps *caps, const Err *err, void *userdata) {
        Loaded *loaded = userdata;

        loaded->caps = caps;
        if (err)
                err_copy(&loaded->err, err);
        sd_event_exit(loaded->event, 0);
}

static int load_now(const char *binary, const char *cache_dir, Loaded *loaded, Err *err) {
        const CapsRequest request = {binary, cache_dir, on_loaded, loaded};
        CapsProbe *probe = NULL;
        int r = sd_event_new(&loaded->event);

        if (r < 0)
                return fail_errno(err, r, "cannot make an event loop");
        r = caps_probe(loaded->event, &request, &probe, err);
        if (r == 0)
                sd_event_loop(loaded->event);
        sd_event_unref(loaded->event);
        return r;
}

int caps_load(const char *binary, const char *cache_dir, QemuCaps **ret, Err *err) {
        Loaded loaded = {.err = ERR_INIT};
        int r = caps_read(binary, cache_dir, ret, err);

        if (r != -EAGAIN)
                return r;
        r = load_now(binary, cache_dir, &loaded, err);
        if (r < 0)
                return r;
        if (!loaded.caps) {
                err_move(err, &loaded.err);
                return -EIO;
        }
        *ret = loaded.caps;
        return 0;
}
