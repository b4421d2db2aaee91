/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

/* Fields of /proc/PID/stat (proc(5)), counted from 1; those from the third on follow the name. */
enum { STAT_UTIME = 14, STAT_STIME = 15, STAT_START_TIME = 22 };

struct Process {
        pid_t pid;
        int pidfd;
        uint64_t start_time;
        bool is_child;
        sd_event_source *source;
        ProcessExitFunc func;
        void *userdata;
};

static int read_stat(pid_t pid, unsigned field, uint64_t *ret) {
        g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
        g_autofree char *text = NULL;
        g_auto(GStrv) fields = NULL;
        const char *after_name;

        if (!g_file_get_contents(path, &text, NULL, NULL))
                return -ESRCH;
        after_name = strrchr(text, ')'); /* the name may hold spaces and brackets */
        if (!after_name)
                return -EIO;
        fields = g_strsplit(after_name + 1, " ", -1);
        if (g_strv_length(fields) < field - 1)
                return -EIO;
        return str_to_uint(fields[field - 2], 10, UINT64_MAX, ret);
}

int process_adopt(pid_t pid, uint64_t start_time, Process **ret) {
        g_autoptr(Process) process = g_new0(Process, 1);
        int r;

        process->pid = pid;
        process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (process->pidfd < 0)
                return -ESRCH;
        r = read_stat(pid, STAT_START_TIME, &process->start_time);
        if (r < 0 || (start_time && start_time != process->start_time))
                return -ESRCH;
        *ret = g_steal_pointer(&process);
        return 0;
}

static bool has_words(const char *pid, const char *word, const char *next) {
        g_autofree char *path = g_build_filename("/proc", pid, "cmdline", NULL);
        g_autofree char *text = NULL;
        gsize size;

        if (!g_file_get_contents(path, &text, &size, NULL))
                return false;
        for (const char *s = text; s < text + size; s += strlen(s) + 1) {
                const char *after = s + strlen(s) + 1;

                if (strcmp(s, word) == 0 && after < text + size && strcmp(after, next) == 0)
                        return true;
        }
        return false;
}

int process_find(const char *word, const char *next, Process **ret) {
        g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
        const char *name;
        uint64_t pid;

        while (proc && (name = g_dir_read_name(proc)))
                if (str_to_uint(name, 10, INT32_MAX, &pid) == 0 && has_words(name, word, next))
                        return process_adopt((pid_t)pid, 0, ret);
        return -ESRCH;
}

void process_free(Process *process) {
        if (!process)
                return;
        sd_event_source_disable_unref(process->source);
        closep(&process->pidfd);
        g_free(process);
}

pid_t process_pid(const Process *process) {
        return process->pid;
}

int process_fd(const Process *process) {
        return process->pidfd;
}

uint64_t process_start_time(const Process *process) {
        return process->start_time;
}

int process_signal(const Process *process, int signal) {
        if (syscall(SYS_pidfd_send_signal, process->pidfd, signal, NULL, 0) < 0 && errno != ESRCH)
                return neg_errno();
        return 0;
}

/* The daemon is spared when the host is out of memory; what it starts is not. Where it is a
 * likelier victim than others, so is that. Returns errno. */
static int drop_oom_protection(void) {
        int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
        char first = 0;
        int error = 0;

        if (fd < 0)
                return 0;
        if (read(fd, &first, 1) == 1 && first == '-' && pwrite(fd, "0", 1, 0) < 0)
                error = errno;
        close(fd);
        return error;
}

/* In the child, between fork and exec: only async-signal-safe calls. Returns errno. */
static int prepare_child(const ProcessSpec *spec, int log_fd, int null_fd) {
        struct rlimit limit = {spec->locked_memory, spec->locked_memory};
        int error = drop_oom_protection();
        sigset_t none;

        if (error != 0)
                return error;
        sigemptyset(&none);
        if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || setsid() < 0)
                return errno;
        signal(SIGPIPE, SIG_DFL);
        if (spec->ends_with_us && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return errno;
        if (spec->locked_memory && setrlimit(RLIMIT_MEMLOCK, &limit) < 0)
                return errno;
        if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(log_fd, STDOUT_FILENO) < 0 ||
            dup2(log_fd, STDERR_FILENO) < 0)
                return errno;
        for (size_t i = 0; i < spec->n_fds; i++)
                if (fcntl(spec->fds[i], F_SETFD, 0) < 0)
                        return errno;
        return 0;
}

static void run_child(const ProcessSpec *spec, char **env, int log_fd, int null_fd, int report_fd) {
        int error = prepare_child(spec, log_fd, null_fd);

        if (error == 0) {
                execve(spec->argv[0], spec->argv, env);
                error = errno;
        }
        if (write(report_fd, &error, sizeof(error)) < 0)
                _exit(126);
        _exit(127);
}

/* The report pipe closes on a good exec, and holds an errno otherwise. */
static int read_report(int fd, const ProcessSpec *spec, Err *err) {
        int error = 0;
        ssize_t n;

        do
                n = read(fd, &error, sizeof(error));
        while (n < 0 && errno == EINTR);
        if (n == 0)
                return 0;
        if (error == EPERM && spec->locked_memory)
                return fail_hint(
                        err,
                        fail_errno(err, -error,
                                   "cannot let QEMU lock %" G_GUINT64_FORMAT " MiB of memory",
                                   spec->locked_memory >> 20),
                        "start airlockd with CAP_SYS_RESOURCE, or set LimitMEMLOCK= in its "
                        "unit file");
        return fail_errno(err, n == sizeof(error) ? -error : -EIO, "cannot execute '%s'",
                          spec->argv[0]);
}

/* Ours, with what the process gets beside it. */
static char **make_environment(const ProcessSpec *spec) {
        char **env = g_get_environ();

        for (size_t i = 0; spec->env && spec->env[i]; i++) {
                g_auto(GStrv) pair = g_strsplit(spec->env[i], "=", 2);

                env = g_environ_setenv(env, pair[0], pair[1] ? pair[1] : "", TRUE);
        }
        return env;
}

int process_spawn(const ProcessSpec *spec, Process **ret, Err *err) {
        _cleanup_(closep) int log_fd =
                open(spec->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        _cleanup_(closep) int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        _cleanup_(closep) int report_read = -1, report_write = -1;
        g_auto(GStrv) env = make_environment(spec);
        int pipe_fds[2], r;
        pid_t pid;

        if (log_fd < 0)
                return fail_errno(err, neg_errno(), "cannot open the log '%s'", spec->log_path);
        if (null_fd < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
                return fail_errno(err, neg_errno(), "cannot make what QEMU's start needs");
        report_read = pipe_fds[0];
        report_write = pipe_fds[1];
        pid = fork();
        if (pid < 0)
                return fail_errno(err, neg_errno(), "cannot fork for '%s'", spec->argv[0]);
        if (pid == 0)
                run_child(spec, env, log_fd, null_fd, report_write);
        closep(&report_write);
        report_write = -1;
        r = read_report(report_read, spec, err);
        if (r == 0)
                r = process_adopt(pid, 0, ret);
        if (r < 0) {
                waitpid(pid, NULL, 0);
                return fail_errno(err, r, "cannot watch '%s'", spec->argv[0]);
        }
        (*ret)->is_child = true;
        return 0;
}

static int on_exit_event(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Process *process = userdata;
        siginfo_t info = {};
        int status = -1;

        sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (process->is_child && waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED) == 0)
                status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
        process->func(status, process->userdata);
        return 0;
}

int process_watch(Process *process, sd_event *event, ProcessExitFunc func, void *userdata,
                  Err *err) {
        int r;

        process->func = func;
        process->userdata = userdata;
        r = sd_event_add_io(event, &process->source, process->pidfd, EPOLLIN, on_exit_event,
                            process);
        return r < 0 ? fail_errno(err, r, "cannot watch process %d", (int)process->pid) : 0;
}

int process_raise_locked_memory(const Process *process, uint64_t bytes, Err *err) {
        struct rlimit now, wanted = {bytes, bytes};

        if (prlimit(process->pid, RLIMIT_MEMLOCK, NULL, &now) == 0 && now.rlim_cur >= bytes)
                return 0;
        if (prlimit(process->pid, RLIMIT_MEMLOCK, &wanted, NULL) < 0)
                return fail_errno(err, neg_errno(),
                                  "cannot let QEMU (process %d) lock %" G_GUINT64_FORMAT
                                  " MiB of memory",
                                  (int)process->pid, bytes >> 20);
        return 0;
}

uint64_t process_cpu_time(const Process *process) {
        uint64_t user = 0, system = 0, ticks = (uint64_t)sysconf(_SC_CLK_TCK);

        if (read_stat(process->pid, STAT_UTIME, &user) < 0 ||
            read_stat(process->pid, STAT_STIME, &system) < 0)
                return 0;
        return (user + system) * (UINT64_C(1000000000) / ticks);
}
