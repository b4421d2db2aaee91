/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/probe.h"

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

#define CACHE_FILE_MAX (4u << 20)

struct Probe {
        sd_event *event;
        char *binary;
        ProbeRequest request;
        Qmp *qmp;
        Process *process;
        sd_event_source *deadline;
        bool is_complete;
        Err err; /* why there is no answer */
};

/* What is told is told: the end of the process, which comes then, is the end of the probe. */
static void end_process(Probe *probe) {
        process_signal(probe->process, SIGKILL);
}

static void ask_next(Probe *probe);

static void on_answer(json_t *result, const Err *err, void *userdata) {
        Probe *probe = userdata;

        if (probe->request.answer(result, err, probe->request.userdata)) {
                ask_next(probe);
                return;
        }
        if (err)
                err_copy(&probe->err, err);
        end_process(probe);
}

static void ask_next(Probe *probe) {
        const char *command = NULL;
        json_t *arguments = NULL;

        if (probe->request.next(probe->request.userdata, &command, &arguments)) {
                qmp_send(probe->qmp, command, arguments, on_answer, probe);
                return;
        }
        probe->is_complete = true;
        end_process(probe);
}

static void on_ready(void *userdata) {
        ask_next(userdata);
}

static void on_event(const char *name, json_t *data, void *userdata) {
}

static void on_closed(void *userdata) {
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Probe *probe = userdata;

        fail(&probe->err, VIR_ERR_OPERATION_TIMEOUT,
             "QEMU did not tell what it can do in %" G_GUINT64_FORMAT " s",
             probe->request.limit / G_USEC_PER_SEC);
        end_process(probe);
        return 0;
}

static void on_exit_of_qemu(int status, void *userdata) {
        g_autoptr(Probe) probe = userdata;
        ProbeRequest request = probe->request;
        g_auto(Err) err = ERR_INIT;

        g_clear_pointer(&probe->process, process_free);
        if (!probe->is_complete) {
                if (!err_is_set(&probe->err))
                        fail(&probe->err, VIR_ERR_INTERNAL_ERROR,
                             "QEMU ended before it told what it can do");
                err_move(&err, &probe->err);
                fail_errno(&err, -EIO, "cannot ask '%s' what it can do", probe->binary);
        }
        probe_free(g_steal_pointer(&probe));
        request.done(err_is_set(&err) ? &err : NULL, request.userdata);
}

void probe_free(Probe *probe) {
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
        err_clear(&probe->err);
        g_free(probe->binary);
        g_free(probe);
}

static int spawn(Probe *probe, int fd, Err *err) {
        const char *accelerator = probe->request.accelerator;
        g_autofree char *machine =
                accelerator ? g_strdup_printf("none,accel=%s", accelerator) : g_strdup("none");
        g_autofree char *chardev = g_strdup_printf("socket,id=qmp,fd=%d", fd);
        const char *const argv[] = {probe->binary, "-S",       "-no-user-config",
                                    "-nodefaults", "-machine", machine,
                                    "-display",    "none",     "-chardev",
                                    chardev,       "-mon",     "chardev=qmp,mode=control",
                                    NULL};
        ProcessSpec spec = {
                .argv = (char *const *)(uintptr_t)argv,
                .log_path = "/dev/null",
                .fds = &fd,
                .n_fds = 1,
                .ends_with_us = true,
        };

        return process_spawn(&spec, &probe->process, err);
}

static int begin(Probe *probe, Err *err) {
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
                                       probe->request.limit, 0, on_deadline, probe);
        if (r < 0)
                return fail_errno(err, r, "cannot set a deadline for QEMU");
        return process_watch(probe->process, probe->event, on_exit_of_qemu, probe, err);
}

int probe_start(sd_event *event, const ProbeRequest *request, Probe **ret, Err *err) {
        g_autoptr(Probe) probe = g_new0(Probe, 1);
        int r;

        probe->event = sd_event_ref(event);
        probe->binary = g_strdup(request->binary);
        probe->request = *request;
        r = begin(probe, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&probe);
        return 0;
}

/* ---- what is kept of it ---- */

int probe_key(const char *binary, int format, json_t **ret, Err *err) {
        struct stat st;

        if (stat(binary, &st) < 0)
                return fail_hint(err,
                                 fail_errno(err, neg_errno(), "there is no QEMU at '%s'", binary),
                                 "install it: apt install qemu-system-x86");
        *ret = json_pack("{s:i, s:s, s:I, s:I, s:I, s:I}", "format", format, "binary", binary,
                         "size", (json_int_t)st.st_size, "inode", (json_int_t)st.st_ino, "mtime",
                         (json_int_t)st.st_mtim.tv_sec, "mtime_ns", (json_int_t)st.st_mtim.tv_nsec);
        return 0;
}

char *probe_cache_path(const char *dir, const char *prefix, const char *binary) {
        g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, binary, -1);

        return g_strdup_printf("%s/%s-%.16s.json", dir, prefix, sum);
}

json_t *probe_cache_read(const char *path, const json_t *key) {
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

void probe_cache_write(const char *path, json_t *key, json_t *answers) {
        json_t *cached = json_pack("{s:O, s:O}", "key", key, "answers", answers);
        char *text = json_dumps(cached, JSON_COMPACT);

        file_write_atomic(path, text, strlen(text), NULL);
        free(text);
        json_decref(cached);
}
