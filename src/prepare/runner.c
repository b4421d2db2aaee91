/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/runner.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

/* Scripts clear away what they made (a half of an initramfs) when they are asked to end. */
#define PATIENCE_MSEC 10000

int runner_init(Runner *runner, Err *err) {
        sigset_t set;
        int fd;

        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &set, &runner->before) < 0)
                return fail_errno(err, neg_errno(), "cannot block signals");
        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0)
                return fail_errno(err, neg_errno(), "cannot wait for signals");
        runner->signals = fd;
        return 0;
}

/* Forgets the signals that came; returns the first, 0: there was none. */
static int take_signals(const Runner *runner) {
        struct signalfd_siginfo info;
        int first = 0;

        while (read(runner->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
                first = first ? first : (int)info.ssi_signo;
        return first;
}

void runner_done(Runner *runner) {
        if (runner->signals <= 0)
                return;
        if (runner->interrupted_by)
                take_signals(runner);
        close(runner->signals);
        runner->signals = 0;
        sigprocmask(SIG_SETMASK, &runner->before, NULL);
}

static int say_interrupted(const Runner *runner, const char *line, Err *err) {
        return fail(err, VIR_ERR_OPERATION_ABORTED,
                    "interrupted by %s: '%s' did not run to its end",
                    strsignal(runner->interrupted_by), line);
}

/* In the child. */
static void set_apart(gpointer userdata) {
        const Runner *runner = userdata;

        setpgid(0, 0);
        sigprocmask(SIG_SETMASK, &runner->before, NULL);
}

/* Asks the group to end, and sees to it that it does. */
static void end_group(GPid pid, int pidfd) {
        struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

        kill(-pid, SIGTERM);
        while (poll(&poll_fd, 1, PATIENCE_MSEC) < 0 && errno == EINTR)
                ;
        kill(-pid, SIGKILL);
}

/* Until the command ends, by itself or by a signal to us. */
static void wait_for(Runner *runner, GPid pid, int pidfd) {
        struct pollfd fds[] = {
                {.fd = pidfd, .events = POLLIN},
                {.fd = runner->signals, .events = POLLIN},
        };
        nfds_t n = runner->interrupted_by ? 1 : 2;

        for (;;) {
                if (poll(fds, n, -1) < 0 && errno != EINTR)
                        return;
                if (fds[0].revents)
                        return;
                if (n == 2 && fds[1].revents)
                        break;
        }
        runner->interrupted_by = take_signals(runner);
        end_group(pid, pidfd);
}

static int finish(GPid pid, const char *line, Err *err) {
        g_autoptr(GError) error = NULL;
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return fail_errno(err, neg_errno(), "cannot wait for '%s'", line);
        if (g_spawn_check_wait_status(status, &error))
                return 0;
        return fail(err, VIR_ERR_OPERATION_FAILED, "'%s' failed: %s", line, error->message);
}

int runner_run(Runner *runner, char *const *command, Err *err) {
        g_autofree char *line = g_strjoinv(" ", (char **)(uintptr_t)command);
        bool was_interrupted = runner->interrupted_by != 0;
        g_autoptr(GError) error = NULL;
        _cleanup_(closep) int pidfd = -1;
        GPid pid;
        int r;

        if (!was_interrupted)
                runner->interrupted_by = take_signals(runner);
        if (!was_interrupted && runner->interrupted_by)
                return say_interrupted(runner, line, err);
        if (!g_spawn_async(NULL, (char **)(uintptr_t)command, NULL,
                           G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, set_apart, runner, &pid,
                           &error))
                return fail(err, VIR_ERR_OPERATION_FAILED, "'%s' failed: %s", line, error->message);
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (pidfd >= 0)
                wait_for(runner, pid, pidfd);
        r = finish(pid, line, was_interrupted == (runner->interrupted_by != 0) ? err : NULL);
        if (!was_interrupted && runner->interrupted_by)
                return say_interrupted(runner, line, err);
        return r;
}
