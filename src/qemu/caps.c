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
#define CACHE_FORMAT        2

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

static int caps_from_answers(const char *binary, json_t *answers, QemuCaps **ret) {
        g_autoptr(QemuCaps) caps = g_new0(QemuCaps, 1);
        int r;

        caps->binary = g_strdup(binary);
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

/* ---- asking ---- */

typedef struct Probe {
        sd_event *event;
        Qmp *qmp;
        size_t asked;
        json_t *answers;
        Err err;
} Probe;

static void ask_next(Probe *probe);

static void on_answer(json_t *result, const Err *err, void *userdata) {
        Probe *probe = userdata;

        if (err) {
                err_copy(&probe->err, err);
                sd_event_exit(probe->event, -EIO);
                return;
        }
        json_object_set(probe->answers, questions[probe->asked++].key, result);
        ask_next(probe);
}

static void ask_next(Probe *probe) {
        const struct Question *question = &questions[probe->asked];

        if (probe->asked == G_N_ELEMENTS(questions)) {
                sd_event_exit(probe->event, 0);
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
        Probe *probe = userdata;

        fail(&probe->err, VIR_ERR_INTERNAL_ERROR, "QEMU ended before it told what it can do");
        sd_event_exit(probe->event, -EIO);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Probe *probe = userdata;

        fail(&probe->err, VIR_ERR_OPERATION_TIMEOUT, "QEMU did not tell what it can do in 30 s");
        return sd_event_exit(probe->event, -ETIMEDOUT);
}

static int start_probe_process(const char *binary, int fd, Process **ret, Err *err) {
        g_autofree char *chardev = g_strdup_printf("socket,id=qmp,fd=%d", fd);
        char *argv[] = {(char *)(uintptr_t)binary,
                        (char *)(uintptr_t) "-S",
                        (char *)(uintptr_t) "-no-user-config",
                        (char *)(uintptr_t) "-nodefaults",
                        (char *)(uintptr_t) "-machine",
                        (char *)(uintptr_t) "none",
                        (char *)(uintptr_t) "-display",
                        (char *)(uintptr_t) "none",
                        (char *)(uintptr_t) "-chardev",
                        chardev,
                        (char *)(uintptr_t) "-mon",
                        (char *)(uintptr_t) "chardev=qmp,mode=control",
                        NULL};
        ProcessSpec spec = {.argv = argv, .log_path = "/dev/null", .fds = &fd, .n_fds = 1};

        return process_spawn(&spec, ret, err);
}

static int run_probe(Probe *probe, const char *binary, Err *err) {
        static const QmpHandlers handlers = {on_ready, on_event, on_closed};
        _cleanup_(closep) int theirs = -1;
        g_autoptr(Process) process = NULL;
        int fds[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
                return fail_errno(err, neg_errno(), "cannot make a socket for QEMU");
        theirs = fds[1];
        r = qmp_new_consume_fd(probe->event, fds[0], &handlers, probe, &probe->qmp, err);
        if (r < 0)
                return r;
        r = start_probe_process(binary, theirs, &process, err);
        if (r < 0)
                return r;
        closep(&theirs);
        theirs = -1;
        sd_event_add_time_relative(probe->event, NULL, CLOCK_MONOTONIC, PROBE_DEADLINE_USEC, 0,
                                   on_deadline, probe);
        r = sd_event_loop(probe->event);
        process_signal(process, SIGKILL);
        waitpid(process_pid(process), NULL, 0);
        return r;
}

static int ask_binary(const char *binary, json_t **ret, Err *err) {
        Probe probe = {.answers = json_object()};
        int r = sd_event_new(&probe.event);

        if (r == 0)
                r = run_probe(&probe, binary, err);
        qmp_free(probe.qmp);
        sd_event_unref(probe.event);
        if (r < 0) {
                err_move(err, &probe.err);
                json_decref(probe.answers);
                return fail_errno(err, r, "cannot ask '%s' what it can do", binary);
        }
        *ret = probe.answers;
        return 0;
}

/* ---- the cache ---- */

static char *cache_path(const char *binary, const char *cache_dir) {
        g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, binary, -1);

        return g_strdup_printf("%s/qemu-%.16s.json", cache_dir, sum);
}

static json_t *cache_key(const char *binary, const struct stat *st) {
        return json_pack("{s:i, s:s, s:I, s:I, s:I}", "format", CACHE_FORMAT, "binary", binary,
                         "size", (json_int_t)st->st_size, "mtime", (json_int_t)st->st_mtim.tv_sec,
                         "mtime_ns", (json_int_t)st->st_mtim.tv_nsec);
}

static json_t *read_cache(const char *path, json_t *key) {
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

/* A cache that cannot be written costs time at the next start, nothing else. */
static void write_cache(const char *path, json_t *key, json_t *answers) {
        json_t *cached = json_pack("{s:O, s:O}", "key", key, "answers", answers);
        char *text = json_dumps(cached, JSON_COMPACT);

        file_write_atomic(path, text, strlen(text), NULL);
        free(text);
        json_decref(cached);
}

int caps_load(const char *binary, const char *cache_dir, QemuCaps **ret, Err *err) {
        g_autofree char *path = cache_path(binary, cache_dir);
        json_t *key, *answers;
        struct stat st;
        int r = 0;

        if (stat(binary, &st) < 0)
                return fail_hint(err,
                                 fail_errno(err, neg_errno(), "there is no QEMU at '%s'", binary),
                                 "install it: apt install qemu-system-x86");
        key = cache_key(binary, &st);
        answers = read_cache(path, key);
        if (!answers) {
                r = ask_binary(binary, &answers, err);
                if (r == 0)
                        write_cache(path, key, answers);
        }
        if (r == 0) {
                r = caps_from_answers(binary, answers, ret);
                if (r < 0)
                        fail_errno(err, r, "'%s' answers as no QEMU that we know", binary);
        }
        json_decref(answers);
        json_decref(key);
        return r;
}
