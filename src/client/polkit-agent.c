/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/polkit-agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

#define PROGRAM "pkttyagent"

struct PolkitAgent {
        pid_t pid;
};

/* It speaks through /dev/tty; a command whose input is a pipe is asked nothing. */
static bool has_terminal(void) {
        _cleanup_(closep) int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

        return fd >= 0 && isatty(STDIN_FILENO);
}

/* ready: it closes that when polkit knows it. It is not registered as a fallback for others: there
 * are none by now, and polkit does not find a fallback for a process that belongs to no session. */
static _Noreturn void run(int ready, pid_t parent) {
        g_autofree char *process = g_strdup_printf("%d", parent);
        g_autofree char *notify = g_strdup_printf("%d", ready);

        fcntl(ready, F_SETFD, 0);
        execlp(PROGRAM, PROGRAM, "--process", process, "--notify-fd", notify, (char *)NULL);
        _exit(127);
}

static void wait_closed(int fd) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        while (poll(&p, 1, -1) < 0 && errno == EINTR)
                continue;
}

int polkit_agent_start(PolkitAgent **ret) {
        g_autofree char *path = g_find_program_in_path(PROGRAM);
        g_autoptr(PolkitAgent) agent = NULL;
        pid_t parent = getpid(), pid;
        int ready[2];

        if (!has_terminal())
                return -ENOTTY;
        if (!path)
                return -ENOENT;
        if (pipe2(ready, O_CLOEXEC) < 0)
                return neg_errno();
        pid = fork();
        if (pid == 0)
                run(ready[1], parent);
        close(ready[1]);
        if (pid > 0) {
                agent = g_new0(PolkitAgent, 1);
                agent->pid = pid;
                wait_closed(ready[0]);
        }
        close(ready[0]);
        if (!agent)
                return -EAGAIN;
        if (waitpid(pid, NULL, WNOHANG) == pid) {
                agent->pid = 0;
                return -ECHILD;
        }
        *ret = g_steal_pointer(&agent);
        return 0;
}

void polkit_agent_free(PolkitAgent *agent) {
        if (!agent)
                return;
        if (agent->pid > 0) {
                kill(agent->pid, SIGTERM);
                while (waitpid(agent->pid, NULL, 0) < 0 && errno == EINTR)
                        continue;
        }
        g_free(agent);
}
