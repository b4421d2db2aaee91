/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/wait.h"

#include <errno.h>
#include <poll.h>

#include "base/util.h"
#include "cli/cli.h"

/* Milliseconds to the deadline, rounded up; -1: there is none. */
static int remaining_ms(gint64 deadline) {
        gint64 left = deadline - g_get_monotonic_time();

        if (deadline == 0)
                return -1;
        return left <= 0 ? 0 : (int)MIN((left + 999) / 1000, G_MAXINT);
}

static bool take_events(Conn *conn, bool (*each)(const Event *event, void *data), void *data) {
        g_auto(Event) event = {};

        while (event_take(conn, &event)) {
                bool done = each(&event, data);

                event_done(&event);
                if (done)
                        return true;
        }
        return false;
}

int wait_event(Conn *conn, unsigned seconds, bool (*each)(const Event *event, void *data),
               void *data, Err *err) {
        gint64 deadline = seconds ? g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC : 0;
        _cleanup_(cli_interrupt_done) int interrupt = cli_interrupt_fd();

        if (interrupt < 0)
                return fail_errno(err, interrupt, "cannot wait for an interrupt");
        for (;;) {
                struct pollfd p[] = {
                        {.fd = conn_fd(conn), .events = POLLIN},
                        {.fd = interrupt, .events = POLLIN},
                };
                int n, r;

                if (take_events(conn, each, data))
                        return WAIT_DONE;
                n = poll(p, G_N_ELEMENTS(p), remaining_ms(deadline));
                if (n < 0 && errno != EINTR)
                        return fail_errno(err, neg_errno(), "cannot poll the daemon");
                if (n == 0)
                        return WAIT_TIMEOUT;
                if (n > 0 && p[1].revents)
                        return WAIT_INTERRUPTED;
                r = n > 0 && p[0].revents ? conn_process(conn, err) : 0;
                if (r < 0)
                        return r;
        }
}
