/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/util.h"

static void signals_of(sigset_t *set, bool hang_up) {
        sigemptyset(set);
        sigaddset(set, SIGINT);
        sigaddset(set, SIGTERM);
        if (hang_up)
                sigaddset(set, SIGHUP);
}

int interrupt_open(int *ret, Err *err) {
        sigset_t set;

        signals_of(&set, true);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return fail_errno(err, neg_errno(), "cannot block signals");
        (void)signal(SIGPIPE, SIG_IGN);
        *ret = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (*ret < 0)
                return fail_errno(err, neg_errno(), "cannot wait for signals");
        return 0;
}

void interrupt_let_hang_up(int fd) {
        sigset_t set;

        signals_of(&set, false);
        (void)signalfd(fd, &set, 0);
        sigemptyset(&set);
        sigaddset(&set, SIGHUP);
        (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void interrupt_in_child(void *unused) {
        sigset_t set;

        signals_of(&set, true);
        (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

bool interrupt_is_set(int fd) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        return fd >= 0 && poll(&p, 1, 0) > 0;
}

void interrupt_wait(int fd, int other, int milliseconds) {
        struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = other, .events = POLLIN}};

        (void)poll(p, G_N_ELEMENTS(p), milliseconds);
}

int interrupt_fail(Err *err) {
        fail(err, VIR_ERR_OPERATION_ABORTED, "interrupted");
        return -EINTR;
}
