/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/polkit-subject.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* Counted from the state, which follows the name in parentheses. */
#define STAT_START_TIME 19

void polkit_subject_done(PolkitSubject *subject) {
        closep(&subject->pidfd);
        *subject = (PolkitSubject)POLKIT_SUBJECT_INIT;
}

int polkit_subject_parse_start(const char *stat, uint64_t *ret) {
        const char *end = strrchr(stat, ')'); /* the name may have some of its own */
        g_auto(GStrv) words = NULL;
        uint64_t ticks;

        if (!end || end[1] != ' ')
                return -EBADMSG;
        words = g_strsplit(end + 2, " ", STAT_START_TIME + 2);
        if (g_strv_length(words) <= STAT_START_TIME ||
            str_to_uint(words[STAT_START_TIME], 10, UINT64_MAX, &ticks) < 0 || ticks == 0)
                return -EBADMSG;
        *ret = ticks;
        return 0;
}

static int read_start(pid_t pid, uint64_t *ret) {
        g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid), *text = NULL;

        if (!g_file_get_contents(path, &text, NULL, NULL))
                return -ESRCH;
        return polkit_subject_parse_start(text, ret);
}

static int open_peer(int socket, pid_t pid) {
        socklen_t length;
        int fd = -1;

        length = sizeof(fd);
        if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &fd, &length) < 0)
                fd = (int)syscall(SYS_pidfd_open, pid, 0);
        return fd < 0 ? neg_errno() : fd;
}

/* A pidfd is readable from the end of its process on (pidfd_open(2)). */
static bool has_ended(int pidfd) {
        struct pollfd p = {.fd = pidfd, .events = POLLIN};

        return poll(&p, 1, 0) != 0;
}

static int pin(int socket, const struct ucred *peer, PolkitSubject *subject) {
        subject->pid = peer->pid;
        subject->uid = peer->uid;
        subject->pidfd = open_peer(socket, peer->pid);
        if (subject->pidfd < 0 || read_start(peer->pid, &subject->start_time) < 0 ||
            has_ended(subject->pidfd))
                return -ESRCH;
        return 0;
}

int polkit_subject_load(int socket, PolkitSubject *ret, Err *err) {
        g_auto(PolkitSubject) subject = POLKIT_SUBJECT_INIT;
        struct ucred peer;
        socklen_t length = sizeof(peer);

        if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
                return fail_errno(err, neg_errno(), "cannot ask who connected");
        if (peer.pid <= 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_AUTH_FAILED,
                                      "the client's process is in another PID namespace, where "
                                      "polkit does not see it"),
                                 "connect from outside of the container, or as root");
        if (pin(socket, &peer, &subject) < 0)
                return fail(err, VIR_ERR_AUTH_FAILED,
                            "the process that connected (pid %d) has ended: polkit cannot be "
                            "asked about it",
                            peer.pid);
        *ret = subject;
        subject = (PolkitSubject)POLKIT_SUBJECT_INIT;
        return 0;
}
