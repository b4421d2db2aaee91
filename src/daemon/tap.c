/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"

#define TAPS_MAX 4096

char *tap_free_name(void) {
        for (unsigned i = 0; i < TAPS_MAX; i++) {
                g_autofree char *name = g_strdup_printf("vnet%u", i);

                if (if_nametoindex(name) == 0)
                        return g_steal_pointer(&name);
        }
        return g_strdup("vnet-none");
}

static int set_name(struct ifreq *request, const char *name, Err *err) {
        if (strlen(name) >= IFNAMSIZ)
                return fail(err, VIR_ERR_INVALID_ARG, "'%s' is too long for a network interface",
                            name);
        g_strlcpy(request->ifr_name, name, IFNAMSIZ);
        return 0;
}

static int open_tap(const char *name, int *ret, Err *err) {
        _cleanup_(closep) int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
        struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
        int r;

        if (fd < 0)
                return fail_hint(err, fail_errno(err, neg_errno(), "cannot open /dev/net/tun"),
                                 "load its module: modprobe tun");
        r = set_name(&request, name, err);
        if (r < 0)
                return r;
        if (ioctl(fd, TUNSETIFF, &request) < 0)
                return fail_errno(err, neg_errno(), "cannot make the tap device '%s'", name);
        *ret = steal_fd(&fd);
        return 0;
}

static int join_bridge(const char *name, const char *bridge, Err *err) {
        _cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq request = {.ifr_ifindex = (int)if_nametoindex(name)};
        int r;

        if (fd < 0)
                return fail_errno(err, neg_errno(), "cannot make a socket");
        if (if_nametoindex(bridge) == 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "the host has no network bridge '%s'", bridge),
                                 "make it: ip link add %s type bridge", bridge);
        r = set_name(&request, bridge, err);
        if (r < 0)
                return r;
        if (ioctl(fd, SIOCBRADDIF, &request) < 0)
                return fail_errno(err, neg_errno(), "cannot join '%s' to the bridge '%s'", name,
                                  bridge);
        request = (struct ifreq){};
        set_name(&request, name, NULL);
        if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
                return fail_errno(err, neg_errno(), "cannot read the state of '%s'", name);
        request.ifr_flags |= IFF_UP;
        if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
                return fail_errno(err, neg_errno(), "cannot bring up '%s'", name);
        return 0;
}

int tap_create(const char *name, const char *bridge, Err *err) {
        _cleanup_(closep) int fd = -1;
        int r = open_tap(name, &fd, err);

        if (r < 0)
                return r;
        r = join_bridge(name, bridge, err); /* not persistent yet: a failure leaves nothing */
        if (r == 0 && ioctl(fd, TUNSETPERSIST, 1) < 0)
                r = fail_errno(err, neg_errno(), "cannot keep the tap device '%s'", name);
        return r;
}

static void leave_bridge(const char *name, const char *bridge) {
        _cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq request = {.ifr_ifindex = (int)if_nametoindex(name)};

        if (fd >= 0 && set_name(&request, bridge, NULL) == 0)
                ioctl(fd, SIOCBRDELIF, &request); /* one that it had left already */
}

int tap_change_bridge(const char *name, const char *from, const char *to, Err *err) {
        int r;

        if (if_nametoindex(to) == 0)
                return fail(err, VIR_ERR_OPERATION_FAILED, "bridge %s doesn't exist", to);
        leave_bridge(name, from);
        r = join_bridge(name, to, err);
        if (r < 0)
                join_bridge(name, from, NULL);
        return r;
}

int tap_remove(const char *name, Err *err) {
        _cleanup_(closep) int fd = -1;
        int r;

        if (if_nametoindex(name) == 0)
                return 0;
        r = open_tap(name, &fd, err);
        if (r == 0 && ioctl(fd, TUNSETPERSIST, 0) < 0)
                r = fail_errno(err, neg_errno(), "cannot remove the tap device '%s'", name);
        return r;
}

/* ---- as a step of a plan ---- */

typedef struct TapStep {
        char *name, *bridge;
} TapStep;

static int run_step(Step *step, Err *err) {
        const TapStep *tap = step_data(step);

        return tap_create(tap->name, tap->bridge, err);
}

static int undo_step(Step *step, Err *err) {
        return tap_remove(((const TapStep *)step_data(step))->name, err);
}

static char *describe_step(const Step *step, bool undo) {
        const TapStep *tap = step_data(step);

        return undo ? g_strdup_printf("remove the tap device %s", tap->name)
                    : g_strdup_printf("make the tap device %s on bridge %s", tap->name,
                                      tap->bridge);
}

static void free_step(void *data) {
        TapStep *tap = data;

        g_free(tap->name);
        g_free(tap->bridge);
        g_free(tap);
}

static const StepKind tap_kind = {
        .name = "make-tap",
        .run = run_step,
        .undo = undo_step,
        .describe = describe_step,
        .free = free_step,
};

void tap_add_step(Plan *plan, const char *name, const char *bridge) {
        TapStep *tap = g_new0(TapStep, 1);

        tap->name = g_strdup(name);
        tap->bridge = g_strdup(bridge);
        plan_add(plan, &tap_kind, NULL, tap);
}
