/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

#define READ_SIZE 65536

struct Errand {
        pid_t pid;
        int out;
        sd_event_source *source, *deadline;
        GByteArray *output;
        bool is_program;
        ErrandDone done; /* NULL: its deadline has passed, nobody waits */
        void *userdata;
};

static void errand_free(Errand *errand) {
        sd_event_source_disable_unref(errand->source);
        sd_event_source_disable_unref(errand->deadline);
        closep(&errand->out);
        g_byte_array_unref(errand->output);
        g_free(errand);
}

/* The child has closed its output: it has ended, or does in the next moment. */
static int reap(const Errand *errand) {
        int status = 0;

        while (waitpid(errand->pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -EIO;
        if (!WIFEXITED(status))
                return -EIO;
        return errand->is_program && WEXITSTATUS(status) != 0 ? -EIO : -WEXITSTATUS(status);
}

static void tell(Errand *errand, int r) {
        ErrandDone done = errand->done;
        size_t size = errand->output->len;

        errand->done = NULL;
        g_byte_array_append(errand->output, (const uint8_t *)"", 1);
        if (done)
                done(r, (const char *)errand->output->data, size, errand->userdata);
}

static void finish(Errand *errand) {
        tell(errand, reap(errand));
        errand_free(errand);
}

/* The child is reaped when it lets go of its output, if ever. */
static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Errand *errand = userdata;

        errand_cancel(errand);
        tell(errand, -ETIMEDOUT);
        return 0;
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Errand *errand = userdata;
        uint8_t data[READ_SIZE];
        ssize_t n = read(fd, data, sizeof(data));

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0) {
                finish(errand);
                return 0;
        }
        g_byte_array_append(errand->output, data, (guint)n);
        if (errand->output->len > ERRAND_OUTPUT_MAX)
                errand_cancel(errand);
        return 0;
}

static int exec_program(int out, char *const *argv) {
        int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
            dup2(out, STDERR_FILENO) < 0)
                return neg_errno();
        signal(SIGPIPE, SIG_DFL);
        execv(argv[0], argv);
        dprintf(STDERR_FILENO, "cannot execute '%s': %s", argv[0], g_strerror(errno));
        return -EIO;
}

static void run_child(const ErrandSpec *spec, int out, pid_t parent) {
        sigset_t none;
        int r;

        sigemptyset(&none);
        if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
            getppid() != parent)
                _exit(ECANCELED);
        close_all_but(out, spec->keep_fd);
        r = spec->argv ? exec_program(out, spec->argv) : spec->func(out, spec->data);
        _exit(r < 0 ? -r : 0);
}

int errand_run(sd_event *event, const ErrandSpec *spec, Errand **ret, Err *err) {
        pid_t parent = getpid();
        Errand *errand;
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return fail_errno(err, neg_errno(), "cannot make a pipe");
        errand = g_new0(Errand, 1);
        *errand = (Errand){.out = fds[0],
                           .output = g_byte_array_new(),
                           .is_program = spec->argv != NULL,
                           .done = spec->done,
                           .userdata = spec->userdata};
        errand->pid = fork();
        if (errand->pid == 0)
                run_child(spec, fds[1], parent);
        r = errand->pid < 0 ? neg_errno() : 0;
        close(fds[1]);
        if (r == 0)
                r = sd_event_add_io(event, &errand->source, errand->out, EPOLLIN, on_output,
                                    errand);
        if (r >= 0 && spec->deadline > 0)
                r = sd_event_add_time_relative(event, &errand->deadline, CLOCK_MONOTONIC,
                                               spec->deadline, 0, on_deadline, errand);
        if (r < 0) {
                if (errand->pid > 0) {
                        kill(errand->pid, SIGKILL);
                        reap(errand);
                }
                errand_free(errand);
                return fail_errno(err, r, "cannot start a child process");
        }
        if (ret)
                *ret = errand;
        return 0;
}

void errand_cancel(Errand *errand) {
        kill(errand->pid, SIGKILL);
}
