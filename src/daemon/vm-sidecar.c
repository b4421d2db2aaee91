/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-sidecar.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/store.h"

#define PID_FILE_MAX 64

/* A program in the background has its answer by then. */
#define DAEMON_DEADLINE_USEC (10 * UINT64_C(1000000))

/* One program: the data of its step, and then of the watch on its end. */
typedef struct Sidecar {
        Vm *vm;
        char *alias, *what, *hint, *socket;
        char **argv;
        bool is_daemon;

        Process *process; /* NULL: not started, or in the background */
        pid_t pid;        /* of what runs, for the undo: the run directory may be gone by then */
        uint64_t start_time;
        Step *step; /* waits for the program to go to the background; NULL: does not */
        sd_event_source *deadline;
} Sidecar;

char *vm_sidecar_path(const Vm *vm, const char *alias, const char *ending) {
        g_autofree char *file = g_strdup_printf("%s.%s", alias, ending);

        return store_run_path(&vm->manager->paths, vm_name(vm), file);
}

const char *vm_sidecar_find_program(const char *const *paths) {
        for (; *paths; paths++)
                if (access(*paths, X_OK) == 0)
                        return *paths;
        return NULL;
}

static void sidecar_free(void *data) {
        Sidecar *sidecar = data;

        sd_event_source_disable_unref(sidecar->deadline);
        process_free(sidecar->process);
        vm_unref(sidecar->vm);
        g_free(sidecar->alias);
        g_free(sidecar->what);
        g_free(sidecar->hint);
        g_free(sidecar->socket);
        g_strfreev(sidecar->argv);
        g_free(sidecar);
}

/* ---- the number of its process, with the time of its start: "PID TIME" ---- */

static int note_process(Sidecar *sidecar, const Process *process, Err *err) {
        g_autofree char *path = vm_sidecar_path(sidecar->vm, sidecar->alias, "process");
        g_autofree char *text =
                g_strdup_printf("%d %" G_GUINT64_FORMAT "\n", (int)process_pid(process),
                                process_start_time(process));

        sidecar->pid = process_pid(process);
        sidecar->start_time = process_start_time(process);
        return file_write_atomic(path, text, strlen(text), err);
}

static int read_pid(const Vm *vm, const char *alias, Process **ret) {
        g_autofree char *path = vm_sidecar_path(vm, alias, "process");
        g_autofree char *text = NULL;
        g_auto(GStrv) words = NULL;
        uint64_t pid, start_time;
        int r = file_read(path, PID_FILE_MAX, &text, NULL, NULL);

        if (r < 0)
                return r;
        words = g_strsplit(g_strstrip(text), " ", 2);
        if (g_strv_length(words) != 2 || str_to_uint(words[0], 10, INT32_MAX, &pid) < 0 ||
            str_to_uint(words[1], 10, UINT64_MAX, &start_time) < 0)
                return -EINVAL;
        return process_adopt((pid_t)pid, start_time, ret);
}

/* What a program in the background wrote itself. */
static int adopt_daemon(const Sidecar *sidecar, Process **ret, Err *err) {
        g_autofree char *path = vm_sidecar_path(sidecar->vm, sidecar->alias, "pid");
        g_autofree char *text = NULL;
        uint64_t pid;
        int r = file_read(path, PID_FILE_MAX, &text, NULL, err);

        if (r < 0)
                return fail_errno(err, r, "the %s of guest '%s' left no process number in '%s'",
                                  sidecar->what, vm_name(sidecar->vm), path);
        if (str_to_uint(g_strstrip(text), 10, INT32_MAX, &pid) < 0)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "'%s' in '%s' is no process number", text,
                            path);
        r = process_adopt((pid_t)pid, 0, ret);
        return r < 0 ? fail_errno(err, r, "the %s of guest '%s' has ended at once", sidecar->what,
                                  vm_name(sidecar->vm))
                     : 0;
}

/* ---- start ---- */

static int listen_at(const char *path, int *ret, Err *err) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (strlen(path) >= sizeof(address.sun_path))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "the path of the socket '%s' is longer than %zu bytes", path,
                            sizeof(address.sun_path) - 1);
        g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
        unlink(path);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(fd, 1) < 0)
                return fail_errno(err, neg_errno(), "cannot make the socket '%s'", path);
        *ret = steal_fd(&fd);
        return 0;
}

static char **with_fd(char *const *argv, int fd) {
        g_autofree char *number = g_strdup_printf("%d", fd);
        GPtrArray *words = g_ptr_array_new();

        for (; *argv; argv++) {
                g_auto(GStrv) parts = g_strsplit(*argv, SIDECAR_FD, -1);

                g_ptr_array_add(words, g_strjoinv(number, parts));
        }
        g_ptr_array_add(words, NULL);
        return (char **)g_ptr_array_free(words, FALSE);
}

static int spawn(Sidecar *sidecar, int fd, Err *err) {
        Vm *vm = sidecar->vm;
        g_auto(GStrv) argv = with_fd(sidecar->argv, fd);
        g_autofree char *log =
                g_strdup_printf("%s/%s.log", vm->manager->paths.log_dir, vm_name(vm));
        ProcessSpec spec = {.argv = argv, .log_path = log, .fds = &fd, .n_fds = fd >= 0};

        if (access(argv[0], X_OK) < 0) {
                int r = fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                             "the %s of guest '%s' is not there: '%s'", sidecar->what, vm_name(vm),
                             argv[0]);

                return sidecar->hint ? fail_hint(err, r, "%s", sidecar->hint) : r;
        }
        return process_spawn(&spec, &sidecar->process, err);
}

/* A program in the background: its first process has ended. */
static void finish_daemon(Sidecar *sidecar, int status) {
        Step *step = g_steal_pointer(&sidecar->step);
        g_autoptr(Process) process = NULL;
        g_auto(Err) err = ERR_INIT;
        int r = 0;

        sidecar->deadline = sd_event_source_disable_unref(sidecar->deadline);
        if (status != 0)
                r = fail(&err, VIR_ERR_OPERATION_FAILED,
                         "the %s of guest '%s' did not start: status %d, see the guest's log",
                         sidecar->what, vm_name(sidecar->vm), status >> 8);
        if (r == 0)
                r = adopt_daemon(sidecar, &process, &err);
        if (r == 0)
                r = note_process(sidecar, process, &err);
        step_finish(step, r, r < 0 ? &err : NULL);
}

static void on_exit_of_sidecar(int status, void *userdata) {
        Sidecar *sidecar = userdata;

        if (sidecar->step) {
                finish_daemon(sidecar, status);
                return;
        }
        if (vm_is_active(sidecar->vm) && sidecar->vm->process)
                log_message(LOG_WARNING, vm_name(sidecar->vm), NULL, "the %s of %s has ended",
                            sidecar->what, sidecar->alias);
        sidecar_free(sidecar);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        const Sidecar *sidecar = userdata;

        process_signal(sidecar->process, SIGKILL); /* its end fails the step */
        return 0;
}

/* The watch on a program that stays our child lives as long as the program. */
static int watch_child(const Sidecar *step, Process *process, Err *err) {
        Sidecar *watch = g_new0(Sidecar, 1);
        int r;

        watch->vm = vm_ref(step->vm);
        watch->alias = g_strdup(step->alias);
        watch->what = g_strdup(step->what);
        watch->process = process;
        r = process_watch(process, step->vm->manager->event, on_exit_of_sidecar, watch, err);
        if (r < 0)
                sidecar_free(watch);
        return r;
}

static int wait_for_daemon(Sidecar *sidecar, Step *step, Err *err) {
        sd_event *event = sidecar->vm->manager->event;
        int r = process_watch(sidecar->process, event, on_exit_of_sidecar, sidecar, err);

        if (r < 0)
                return r;
        sidecar->step = step;
        sd_event_add_time_relative(event, &sidecar->deadline, CLOCK_MONOTONIC, DAEMON_DEADLINE_USEC,
                                   0, on_deadline, sidecar);
        return STEP_PENDING;
}

static int run_step(Step *step, Err *err) {
        Sidecar *sidecar = step_data(step);
        _cleanup_(closep) int fd = -1;
        int r = store_make_run_dir(&sidecar->vm->manager->paths, vm_name(sidecar->vm), err);

        if (r == 0 && sidecar->socket)
                r = listen_at(sidecar->socket, &fd, err);
        if (r == 0)
                r = spawn(sidecar, fd, err);
        if (r < 0)
                return r;
        if (sidecar->is_daemon)
                return wait_for_daemon(sidecar, step, err);
        r = note_process(sidecar, sidecar->process, err);
        if (r < 0) {
                process_signal(sidecar->process, SIGKILL);
                return r;
        }
        return watch_child(sidecar, g_steal_pointer(&sidecar->process), err);
}

static int undo_step(Step *step, Err *err) {
        const Sidecar *sidecar = step_data(step);
        g_autoptr(Process) process = NULL;

        if (sidecar->pid > 0 && process_adopt(sidecar->pid, sidecar->start_time, &process) == 0)
                process_signal(process, SIGTERM);
        vm_sidecar_end(sidecar->vm, sidecar->alias);
        return 0;
}

static void cancel_step(Step *step) {
        const Sidecar *sidecar = step_data(step);

        if (sidecar->process)
                process_signal(sidecar->process, SIGKILL);
}

static char *describe_step(const Step *step, bool undo) {
        const Sidecar *sidecar = step_data(step);

        return g_strdup_printf(undo ? "end the %s of %s" : "start the %s of %s", sidecar->what,
                               sidecar->alias);
}

static const StepKind sidecar_kind = {
        .name = "start-program",
        .run = run_step,
        .undo = undo_step,
        .cancel = cancel_step,
        .describe = describe_step,
        .free = sidecar_free,
};

void vm_sidecar_add_step(Vm *vm, Plan *plan, const SidecarSpec *spec) {
        Sidecar *sidecar = g_new0(Sidecar, 1);

        sidecar->vm = vm_ref(vm);
        sidecar->alias = g_strdup(spec->alias);
        sidecar->what = g_strdup(spec->what);
        sidecar->hint = g_strdup(spec->hint);
        sidecar->socket = g_strdup(spec->socket);
        sidecar->argv = g_strdupv((char **)(uintptr_t)spec->argv);
        sidecar->is_daemon = spec->is_daemon;
        plan_add(plan, &sidecar_kind, NULL, sidecar);
}

/* ---- end ---- */

void vm_sidecar_end(Vm *vm, const char *alias) {
        static const char *const endings[] = {"process", "pid", "sock"};
        g_autoptr(Process) process = NULL;

        if (read_pid(vm, alias, &process) == 0)
                process_signal(process, SIGTERM);
        for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
                g_autofree char *path = vm_sidecar_path(vm, alias, endings[i]);

                unlink(path);
        }
}
