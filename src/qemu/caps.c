/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/caps.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "qemu/process.h"
#include "qemu/qmp.h"

#define PROBE_DEADLINE_USEC (30 * UINT64_C(1000000))
#define CACHE_FILE_MAX      (4u << 20)
#define CACHE_FORMAT        3

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

static char *cache_path(const char *binary, const char *cache_dir) {
        g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, binary, -1);

        return g_strdup_printf("%s/qemu-%.16s.json", cache_dir, sum);
}

/* What tells this file from an earlier or later one of the same path. */
static int read_key(const char *binary, json_t **ret, Err *err) {
        struct stat st;

        if (stat(binary, &st) < 0)
                return fail_hint(err,
                                 fail_errno(err, neg_errno(), "there is no QEMU at '%s'", binary),
                                 "install it: apt install qemu-system-x86");
        *ret = json_pack("{s:i, s:s, s:I, s:I, s:I, s:I}", "format", CACHE_FORMAT, "binary", binary,
                         "size", (json_int_t)st.st_size, "inode", (json_int_t)st.st_ino, "mtime",
                         (json_int_t)st.st_mtim.tv_sec, "mtime_ns", (json_int_t)st.st_mtim.tv_nsec);
        return 0;
}

bool caps_is_current(const QemuCaps *caps) {
        __attribute__((cleanup(free_json))) json_t *key = NULL;
        __attribute__((cleanup(free_text))) char *text = NULL;

        if (read_key(caps->binary, &key, NULL) < 0)
                return false;
        text = json_dumps(key, JSON_COMPACT | JSON_SORT_KEYS);
        return g_str_equal(text, caps->key);
}

static json_t *read_answers(const char *path, json_t *key) {
        g_autofree char *text = NULL;
        json_t *cached, *answers = NULL;

        if (file_read(path, CACHE_FILE_MAX, &text, NULL, NULL) < 0)
                return NULL;
        cached = json_loads(text, 0, NULL);
        if (cached && json_equal(json_object_get(cached, "key"), key))
                answers = json_incref(json_object_get(cached, "answers"));
        json_decref(cached);
        return answers;
}

int caps_read(const char *binary, const char *cache_dir, QemuCaps **ret, Err *err) {
        g_autofree char *path = cache_path(binary, cache_dir);
        __attribute__((cleanup(free_json))) json_t *key = NULL, *answers = NULL;
        int r = read_key(binary, &key, err);

        if (r < 0)
                return r;
        answers = read_answers(path, key);
        if (!answers || caps_from_answers(binary, key, answers, ret) < 0)
                return -EAGAIN;
        return 0;
}

/* A cache that cannot be written costs time at the next start, nothing else. */
static void write_cache(const char *path, json_t *key, json_t *answers) {
        json_t *cached = json_pack("{s:O, s:O}", "key", key, "answers", answers);
        char *text = json_dumps(cached, JSON_COMPACT);

        file_write_atomic(path, text, strlen(text), NULL);
        free(text);
        json_decref(cached);
}

/* ---- asking ---- */

struct CapsProbe {
        sd_event *event;
        char *binary, *cache_path;
        json_t *key, *answers;
        Qmp *qmp;
        Process *process;
        sd_event_source *deadline;
        size_t asked;
        Err err; /* why there is no answer */
        CapsDone done;
        void *userdata;
};

/* What is told is told: the end of the process, which comes then, is the end of the probe. */
static void end_process(CapsProbe *probe) {
        process_signal(probe->process, SIGKILL);
}

static void ask_next(CapsProbe *probe);

static void on_answer(json_t *result, const Err *err, void *userdata) {
        CapsProbe *probe = userdata;

        if (err) {
                err_copy(&probe->err, err);
                end_process(probe);
                return;
        }
        json_object_set(probe->answers, questions[probe->asked++].key, result);
        ask_next(probe);
}

static void ask_next(CapsProbe *probe) {
        const struct Question *question = &questions[probe->asked];

        if (probe->asked == G_N_ELEMENTS(questions)) {
                end_process(probe);
                return;
        }
        qmp_send(probe->qmp, question->command,
                 question->arguments ? json_loads(question->arguments, 0, NULL) : NULL, on_answer,
                 probe);
}

static void on_ready(void *userdata) {
        ask_next(userdata);
}

static void on_event(const char *name, json_t *data, void *userdata) {
}

static void on_closed(void *userdata) {
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        CapsProbe *probe = userdata;

        fail(&probe->err, VIR_ERR_OPERATION_TIMEOUT, "QEMU did not tell what it can do in 30 s");
        end_process(probe);
        return 0;
}

static int take_answers(CapsProbe *probe, QemuCaps **ret, Err *err) {
        int r;

        if (probe->asked < G_N_ELEMENTS(questions)) {
                if (!err_is_set(&probe->err))
                        fail(&probe->err, VIR_ERR_INTERNAL_ERROR,
                             "QEMU ended before it told what it can do");
                err_move(err, &probe->err);
                return fail_errno(err, -EIO, "cannot ask '%s' what it can do", probe->binary);
        }
        r = caps_from_answers(probe->binary, probe->key, probe->answers, ret);
        if (r < 0)
                return fail_errno(err, r, "'%s' answers as no QEMU that we know", probe->binary);
        write_cache(probe->cache_path, probe->key, probe->answers);
        return 0;
}

static void on_exit_of_qemu(int status, void *userdata) {
        CapsProbe *probe = userdata;
        CapsDone done = probe->done;
        void *data = probe->userdata;
        g_auto(Err) err = ERR_INIT;
        QemuCaps *caps = NULL;

        take_answers(probe, &caps, &err);
        g_clear_pointer(&probe->process, process_free);
        caps_probe_free(probe);
        done(caps, caps ? NULL : &err, data);
}

void caps_probe_free(CapsProbe *probe) {
        if (!probe)
                return;
        if (probe->process) {
                end_process(probe);
                waitpid(process_pid(probe->process), NULL, 0);
        }
        sd_event_source_disable_unref(probe->deadline);
        qmp_free(probe->qmp);
        process_free(probe->process);
        sd_event_unref(probe->event);
        json_decref(probe->key);
        json_decref(probe->answers);
        err_clear(&probe->err);
        g_free(probe->binary);
        g_free(probe->cache_path);
        g_free(probe);
}

static int spawn(CapsProbe *probe, int fd, Err *err) {
        static const char *const words[] = {"-S",   "-no-user-config", "-nodefaults", "-machine",
                                            "none", "-display",        "none"};
        g_autofree char *chardev = g_strdup_printf("socket,id=qmp,fd=%d", fd);
        g_autoptr(GPtrArray) argv = g_ptr_array_new();
        ProcessSpec spec = {.log_path = "/dev/null", .fds = &fd, .n_fds = 1};

        g_ptr_array_add(argv, probe->binary);
        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                g_ptr_array_add(argv, (gpointer)(uintptr_t)words[i]);
        g_ptr_array_add(argv, (gpointer)(uintptr_t) "-chardev");
        g_ptr_array_add(argv, chardev);
        g_ptr_array_add(argv, (gpointer)(uintptr_t) "-mon");
        g_ptr_array_add(argv, (gpointer)(uintptr_t) "chardev=qmp,mode=control");
        g_ptr_array_add(argv, NULL);
        spec.argv = (char *const *)argv->pdata;
        return process_spawn(&spec, &probe->process, err);
}

static int begin(CapsProbe *probe, Err *err) {
        static const QmpHandlers handlers = {on_ready, on_event, on_closed};
        _cleanup_(closep) int theirs = -1;
        int fds[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
                return fail_errno(err, neg_errno(), "cannot make a socket for QEMU");
        theirs = fds[1];
        r = qmp_new_consume_fd(probe->event, fds[0], &handlers, probe, &probe->qmp, err);
        if (r < 0)
                return r;
        r = spawn(probe, theirs, err);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(probe->event, &probe->deadline, CLOCK_MONOTONIC,
                                       PROBE_DEADLINE_USEC, 0, on_deadline, probe);
        if (r < 0)
                return fail_errno(err, r, "cannot set a deadline for QEMU");
        return process_watch(probe->process, probe->event, on_exit_of_qemu, probe, err);
}

int caps_probe(sd_event *event, const CapsRequest *request, CapsProbe **ret, Err *err) {
        g_autoptr(CapsProbe) probe = g_new0(CapsProbe, 1);
        int r;

        probe->event = sd_event_ref(event);
        probe->binary = g_strdup(request->binary);
        probe->cache_path = cache_path(request->binary, request->cache_dir);
        probe->answers = json_object();
        probe->done = request->done;
        probe->userdata = request->userdata;
        r = read_key(request->binary, &probe->key, err);
        if (r == 0)
                r = begin(probe, err);
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
