/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/link.h"

static int set_name(struct ifreq *request, const char *name, Err *err) {
        if (strlen(name) >= IFNAMSIZ)
                return fail(err, VIR_ERR_INVALID_ARG, "'%s' is too long for a network interface",
                            name);
        g_strlcpy(request->ifr_name, name, IFNAMSIZ);
        return 0;
}

static int open_tap(const TapSpec *spec, int *ret, Err *err) {
        _cleanup_(closep) int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
        short queues = spec->queues > 1 ? IFF_MULTI_QUEUE : 0;
        struct ifreq request = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | queues)};
        int r;

        if (fd < 0)
                return fail_hint(err, fail_errno(err, neg_errno(), "cannot open /dev/net/tun"),
                                 "load its module: modprobe tun");
        r = set_name(&request, spec->name, err);
        if (r < 0)
                return r;
        if (ioctl(fd, TUNSETIFF, &request) < 0)
                return fail_errno(err, neg_errno(), "cannot make the tap device '%s'", spec->name);
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
        return 0;
}

/* How many frames the kernel gathers (include/uapi/linux/ethtool.h). */
static int set_coalesce(const TapSpec *spec, Err *err) {
        _cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ethtool_coalesce coalesce = {.cmd = ETHTOOL_GCOALESCE};
        struct ifreq request = {.ifr_data = (char *)&coalesce};
        int r = set_name(&request, spec->name, err);

        if (r < 0)
                return r;
        if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request) < 0)
                return fail_errno(err, neg_errno(), "cannot read how '%s' gathers frames",
                                  spec->name);
        coalesce.cmd = ETHTOOL_SCOALESCE;
        coalesce.rx_max_coalesced_frames = spec->rx_frames;
        if (ioctl(fd, SIOCETHTOOL, &request) < 0)
                return fail_errno(err, neg_errno(), "cannot have '%s' gather %u frames", spec->name,
                                  spec->rx_frames);
        return 0;
}

static int set_up(const TapSpec *spec, Err *err) {
        int r = 0;

        /* Before it joins: a bridge takes the lowest MTU of its ports. */
        if (spec->mtu > 0)
                r = link_set_mtu(spec->name, spec->mtu, err);
        if (r == 0 && spec->bridge)
                r = join_bridge(spec->name, spec->bridge, err);
        if (r == 0 && spec->is_isolated)
                r = link_set_isolated(spec->name, err);
        if (r == 0 && spec->rx_frames > 0)
                r = set_coalesce(spec, err);
        return r == 0 ? link_set_up(spec->name, true, err) : r;
}

int tap_create(const TapSpec *spec, Err *err) {
        _cleanup_(closep) int fd = -1;
        int r = open_tap(spec, &fd, err);

        if (r < 0)
                return r;
        r = set_up(spec, err); /* not persistent yet: a failure leaves nothing */
        if (r == 0 && ioctl(fd, TUNSETPERSIST, 1) < 0)
                r = fail_errno(err, neg_errno(), "cannot keep the tap device '%s'", spec->name);
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
        return link_remove(name, err);
}

/* ---- as a step of a plan ---- */

typedef struct TapStep {
        TapSpec spec;
        char *name, *bridge; /* what spec points to */
} TapStep;

static int run_step(Step *step, Err *err) {
        return tap_create(&((const TapStep *)step_data(step))->spec, err);
}

static int undo_step(Step *step, Err *err) {
        return tap_remove(((const TapStep *)step_data(step))->name, err);
}

static char *describe_step(const Step *step, bool undo) {
        const TapStep *tap = step_data(step);

        if (undo)
                return g_strdup_printf("remove the tap device %s", tap->name);
        return tap->bridge ? g_strdup_printf("make the tap device %s on bridge %s", tap->name,
                                             tap->bridge)
                           : g_strdup_printf("make the tap device %s", tap->name);
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

void tap_add_step(Plan *plan, const TapSpec *spec) {
        TapStep *tap = g_new0(TapStep, 1);

        tap->name = g_strdup(spec->name);
        tap->bridge = g_strdup(spec->bridge);
        tap->spec = *spec;
        tap->spec.name = tap->name;
        tap->spec.bridge = tap->bridge;
        plan_add(plan, &tap_kind, NULL, tap);
}
