/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/chore.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

typedef struct Chore {
        int pidfd;
        sd_event_source *source;
        ChoreDone done;
        void *userdata;
} Chore;

static void chore_free(Chore *chore) {
        sd_event_source_disable_unref(chore->source);
        closep(&chore->pidfd);
        g_free(chore);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Chore, chore_free)

static int on_end(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        g_autoptr(Chore) chore = userdata;
        siginfo_t info = {};

        if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 && info.si_code == CLD_EXITED)
                chore->done(-info.si_status, chore->userdata);
        else
                chore->done(-EIO, chore->userdata);
        return 0;
}

static void run_child(ChoreFunc func, void *data, pid_t parent) {
        int r = 0;

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                r = -ECANCELED;
        _exit(r < 0 ? -r : -func(data));
}

int chore_run(sd_event *event, ChoreFunc func, void *data, ChoreDone done, void *userdata,
              Err *err) {
        g_autoptr(Chore) chore = g_new0(Chore, 1);
        pid_t parent = getpid(), pid = fork();
        int r;

        if (pid < 0) {
                chore->pidfd = -1;
                return fail_errno(err, neg_errno(), "cannot fork");
        }
        if (pid == 0)
                run_child(func, data, parent);
        *chore = (Chore){.done = done, .userdata = userdata};
        chore->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        r = chore->pidfd < 0
                    ? neg_errno()
                    : sd_event_add_io(event, &chore->source, chore->pidfd, EPOLLIN, on_end, chore);
        if (r < 0) {
                kill(pid, SIGKILL);
                waitpid(pid, NULL, 0);
                return fail_errno(err, r, "cannot watch a child process");
        }
        g_steal_pointer(&chore);
        return 0;
}
