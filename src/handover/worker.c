/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

#define COMMAND_MAX 4096 /* bytes: verb, path and value with their NULs */
#define TEXT_MAX    4096 /* bytes: an attribute is a page at most */
#define MODPROBE    "/sbin/modprobe"

/* How long a driver may take to look at its first devices. */
#define UNBIND_TRIES     100
#define UNBIND_WAIT_USEC 100000

typedef enum Verb {
        VERB_WRITE = 'w',
        VERB_READ = 'r',
        VERB_LOAD = 'l',
        VERB_WAIT_OTHERS = 'o',
} Verb;

/* What the child answers. */
typedef struct Answer {
        int r;
        char text[TEXT_MAX]; /* NUL-terminated */
} Answer;

struct Worker {
        sd_event *event;
        pid_t pid;
        int pidfd;
        int socket;
        sd_event_source *answer, *timer;
        uint64_t deadline; /* microseconds */
        bool is_busy, is_stuck;
        WorkerDone done;
        void *userdata;
        Answer answered;
};

static int live_load(const char *module) {
        char *argv[] = {(char[]){MODPROBE}, (char[]){"-q"}, g_strdup(module), NULL};
        char *envp[] = {(char[]){"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, NULL};
        int status = 0;
        pid_t pid;
        int r = posix_spawn(&pid, MODPROBE, NULL, NULL, argv, envp);

        g_free(argv[2]);
        if (r != 0)
                return -r;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return neg_errno();
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOENT;
}

const WorkerOps worker_ops_live = {.write = sys_write, .load = live_load};

/* The child's part. It shares the parent's memory as it was, and nothing else: no descriptor (a
 * client's connection that a stuck worker holds would never be closed), no signal handler. */

typedef struct Child {
        int socket, lock;
        const Sys *sys;
        const WorkerOps *ops;
} Child;

static void reset_signals(void) {
        sigset_t none;

        for (int signal_number = 1; signal_number < NSIG; signal_number++)
                signal(signal_number, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_range_between(int after, int before) {
        if (after + 1 <= before - 1)
                syscall(SYS_close_range, after + 1, before - 1, 0);
}

static void close_inherited(int a, int b) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int fd = 0; fd <= STDERR_FILENO && null >= 0; fd++)
                dup2(null, fd);
        close_range_between(STDERR_FILENO, MIN(a, b));
        close_range_between(MIN(a, b), MAX(a, b));
        syscall(SYS_close_range, MAX(a, b) + 1, ~0u, 0);
}

static int child_wait_others(const Child *child) {
        if (flock(child->lock, LOCK_EX) < 0 || flock(child->lock, LOCK_SH) < 0)
                return neg_errno();
        return 0;
}

static int child_read(const Child *child, const char *path, Answer *answer) {
        g_autofree char *text = NULL;
        int r = sys_read_text(child->sys, path, &text);

        if (r == 0)
                g_strlcpy(answer->text, text, sizeof(answer->text));
        return r;
}

/* A driver that is being loaded has its first devices before it has the file that takes them away
 * (bus_add_driver() in the kernel's drivers/base/bus.c): virtual functions that were made just now.
 */
static bool will_appear(const Child *child, const char *path) {
        g_autofree char *dir = g_path_get_dirname(path), *name = g_path_get_basename(path);

        return strcmp(name, "unbind") == 0 && sys_exists(child->sys, dir);
}

static int child_write(const Child *child, const char *path, const char *value) {
        int r = child->ops->write(child->sys, path, value);

        for (unsigned i = 0; r == -ENOENT && i < UNBIND_TRIES && will_appear(child, path); i++) {
                usleep(UNBIND_WAIT_USEC);
                r = child->ops->write(child->sys, path, value);
        }
        return r;
}

static int child_do(const Child *child, const char *command, size_t size, Answer *answer) {
        const char *path = command + 1;
        const char *value = path + strlen(path) + 1;

        g_assert(value < command + size);
        switch ((Verb)command[0]) {
        case VERB_WRITE:
                return child_write(child, path, value);
        case VERB_READ:
                return child_read(child, path, answer);
        case VERB_LOAD:
                return child->ops->load(path);
        case VERB_WAIT_OTHERS:
                return child_wait_others(child);
        }
        return -EINVAL;
}

static void child_run(Child *child, const char *lock_path) G_GNUC_NORETURN;
static void child_run(Child *child, const char *lock_path) {
        char command[COMMAND_MAX];
        ssize_t n;

        prctl(PR_SET_NAME, "airlock-worker");
        reset_signals();
        close_inherited(child->socket, sys_root_fd(child->sys));
        child->lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (child->lock < 0 || flock(child->lock, LOCK_SH) < 0)
                _exit(1);
        while ((n = recv(child->socket, command, sizeof(command), 0)) > 0) {
                Answer answer = {};

                answer.r = child_do(child, command, (size_t)n, &answer);
                if (send(child->socket, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
                        break;
        }
        _exit(0);
}

static int reap(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        siginfo_t info;

        waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG);
        sd_event_source_disable_unref(source);
        return 0;
}

/* The process may outlive the Worker by long; the event loop keeps the source that reaps it. */
static int watch_exit(Worker *worker) {
        sd_event_source *source = NULL;
        int r;

        worker->pidfd = (int)syscall(SYS_pidfd_open, worker->pid, 0);
        if (worker->pidfd < 0)
                return neg_errno();
        r = sd_event_add_io(worker->event, &source, worker->pidfd, EPOLLIN, reap, NULL);
        if (r < 0)
                return r;
        sd_event_source_set_io_fd_own(source, true);
        worker->pidfd = -1;
        sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
        return 0;
}

/* Called last in its caller: done may free the worker. */
static void finish(Worker *worker, int r) {
        WorkerDone done = g_steal_pointer(&worker->done);

        worker->timer = sd_event_source_disable_unref(worker->timer);
        worker->is_busy = worker->is_stuck = false;
        if (done)
                done(worker, r, worker->userdata);
}

static int on_answer(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Worker *worker = userdata;
        Answer *answer = &worker->answered;

        if (recv(fd, answer, sizeof(*answer), MSG_DONTWAIT) != (ssize_t)sizeof(*answer)) {
                sd_event_source_set_enabled(source, SD_EVENT_OFF);
                answer->r = -EPIPE;
        }
        finish(worker, answer->r);
        return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
        Worker *worker = userdata;
        WorkerDone done = g_steal_pointer(&worker->done);

        worker->timer = sd_event_source_disable_unref(worker->timer);
        worker->is_stuck = true;
        if (done)
                done(worker, -ETIMEDOUT, worker->userdata);
        return 0;
}

int worker_new(sd_event *event, const Sys *sys, const WorkerOps *ops, const char *lock_path,
               Worker **ret, Err *err) {
        g_autoptr(Worker) worker = g_new0(Worker, 1);
        int sockets[2];
        int r;

        worker->event = sd_event_ref(event);
        worker->deadline = WORKER_DEADLINE_USEC;
        worker->pidfd = worker->socket = -1;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
                return fail_errno(err, neg_errno(), "cannot make a socket for a worker");
        worker->socket = sockets[0];
        worker->pid = fork();
        if (worker->pid == 0)
                child_run(&(Child){.socket = sockets[1], .sys = sys, .ops = ops}, lock_path);
        close(sockets[1]);
        if (worker->pid < 0)
                return fail_errno(err, neg_errno(), "cannot start a worker");
        r = watch_exit(worker);
        if (r == 0)
                r = sd_event_add_io(event, &worker->answer, worker->socket, EPOLLIN, on_answer,
                                    worker);
        if (r < 0)
                return fail_errno(err, r, "cannot watch a worker");
        *ret = g_steal_pointer(&worker);
        return 0;
}

void worker_free(Worker *worker) {
        if (!worker)
                return;
        sd_event_source_disable_unref(worker->answer);
        sd_event_source_disable_unref(worker->timer);
        closep(&worker->socket);
        closep(&worker->pidfd);
        sd_event_unref(worker->event);
        g_free(worker);
}

void worker_set_deadline(Worker *worker, uint64_t usec) {
        worker->deadline = usec;
}

static size_t put_text(char *command, size_t at, const char *text) {
        size_t size = strlen(text) + 1;

        if (at + size > COMMAND_MAX)
                return COMMAND_MAX + 1;
        memcpy(command + at, text, size);
        return at + size;
}

static int command(Worker *worker, const char *data, size_t size, WorkerDone done, void *userdata) {
        int r;

        if (size > COMMAND_MAX)
                return -E2BIG;
        if (worker->is_busy)
                return -EBUSY;
        if (send(worker->socket, data, size, MSG_NOSIGNAL) < 0)
                return neg_errno();
        worker->is_busy = true;
        worker->done = done;
        worker->userdata = userdata;
        r = sd_event_add_time_relative(worker->event, &worker->timer, CLOCK_MONOTONIC,
                                       worker->deadline, 0, on_late, worker);
        if (r < 0)
                worker->done = NULL;
        return r;
}

int worker_write(Worker *worker, const char *path, const char *value, WorkerDone done,
                 void *userdata) {
        char data[COMMAND_MAX] = {VERB_WRITE};
        size_t size = put_text(data, 1, path);

        if (size <= COMMAND_MAX)
                size = put_text(data, size, value);
        return command(worker, data, size, done, userdata);
}

static int command_with(Worker *worker, Verb verb, const char *text, WorkerDone done,
                        void *userdata) {
        char data[COMMAND_MAX] = {(char)verb};
        size_t size = put_text(data, 1, text);

        if (size <= COMMAND_MAX)
                size = put_text(data, size, "");
        return command(worker, data, size, done, userdata);
}

int worker_read(Worker *worker, const char *path, WorkerDone done, void *userdata) {
        return command_with(worker, VERB_READ, path, done, userdata);
}

const char *worker_text(const Worker *worker) {
        return worker->answered.r == 0 ? worker->answered.text : NULL;
}

int worker_load(Worker *worker, const char *module, WorkerDone done, void *userdata) {
        return command_with(worker, VERB_LOAD, module, done, userdata);
}

int worker_wait_others(Worker *worker, WorkerDone done, void *userdata) {
        return command_with(worker, VERB_WAIT_OTHERS, "", done, userdata);
}

pid_t worker_pid(const Worker *worker) {
        return worker->pid;
}

bool worker_is_stuck(const Worker *worker) {
        return worker->is_stuck;
}

void worker_watch(Worker *worker, WorkerDone ended, void *userdata) {
        g_assert(worker->is_stuck);
        worker->done = ended;
        worker->userdata = userdata;
}
