/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/util.h"

int interrupt_open(int *ret, Err *err) {
        static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
        sigset_t set;

        sigemptyset(&set);
        for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
                sigaddset(&set, signals[i]);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return fail_errno(err, neg_errno(), "cannot block signals");
        *ret = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (*ret < 0)
                return fail_errno(err, neg_errno(), "cannot wait for signals");
        return 0;
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
