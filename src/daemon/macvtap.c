/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/macvtap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/sys.h"
#include "base/util.h"
#include "daemon/errand.h"
#include "daemon/link.h"
#include "daemon/store.h"
#include "daemon/vm-kind.h"

typedef struct MacvtapStep {
        Vm *vm;
        MacvtapSpec spec;
        char *name, *lower, *mac, *alias; /* what spec points to */
} MacvtapStep;

/* ---- the files ---- */

/* Where the host has no node for it (another network namespace than udev's, a container): the
 * numbers stand in sysfs. */
static int make_node(const MacvtapStep *macvtap, const char *path, Err *err) {
        g_autofree char *dev = g_strdup_printf("sys/class/net/%s/tap%u/dev", macvtap->name,
                                               if_nametoindex(macvtap->name));
        g_autofree char *text = NULL;
        g_auto(GStrv) parts = NULL;
        uint64_t major, minor;
        int r = sys_read_text(macvtap->vm->manager->sys, dev, &text);

        if (r < 0)
                return fail_errno(err, r, "the kernel shows no character device for '%s'",
                                  macvtap->name);
        parts = g_strsplit(g_strstrip(text), ":", 2);
        if (g_strv_length(parts) != 2 || str_to_uint(parts[0], 10, UINT32_MAX, &major) < 0 ||
            str_to_uint(parts[1], 10, UINT32_MAX, &minor) < 0)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "'%s' in '%s' is no device number", text,
                            dev);
        if (mknod(path, S_IFCHR | 0600, makedev((unsigned)major, (unsigned)minor)) < 0)
                return fail_errno(err, neg_errno(), "cannot make the device node '%s'", path);
        return 0;
}

static int open_node(const MacvtapStep *macvtap, int *ret, Err *err) {
        g_autofree char *path = g_strdup_printf("/dev/tap%u", if_nametoindex(macvtap->name));
        g_autofree char *file = g_strdup_printf("%s.tap", macvtap->alias);
        g_autofree char *own =
                store_run_path(&macvtap->vm->manager->paths, vm_name(macvtap->vm), file);
        int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK), r = 0;

        if (fd < 0 && errno == ENOENT) {
                r = store_make_run_dir(&macvtap->vm->manager->paths, vm_name(macvtap->vm), err);
                if (r == 0)
                        r = make_node(macvtap, own, err);
                if (r < 0)
                        return r;
                fd = open(own, O_RDWR | O_CLOEXEC | O_NONBLOCK);
                if (fd < 0)
                        r = neg_errno();
                unlink(own);
        } else if (fd < 0) {
                r = neg_errno();
        }
        if (r < 0)
                return fail_errno(err, r, "cannot open the character device of '%s'",
                                  macvtap->name);
        *ret = fd;
        return 0;
}

/* As QEMU takes it: frames with the header of virtio-net (Documentation/networking/tuntap.rst). */
static int open_queue(const MacvtapStep *macvtap, int *ret, Err *err) {
        short queues = macvtap->spec.queues > 1 ? IFF_MULTI_QUEUE : 0;
        struct ifreq request = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | queues)};
        _cleanup_(closep) int fd = -1;
        int r = open_node(macvtap, &fd, err);

        if (r < 0)
                return r;
        g_strlcpy(request.ifr_name, macvtap->name, IFNAMSIZ);
        if (ioctl(fd, TUNSETIFF, &request) < 0)
                return fail_errno(err, neg_errno(), "cannot set up a queue of '%s'", macvtap->name);
        *ret = steal_fd(&fd);
        return 0;
}

static int keep_queues(const MacvtapStep *macvtap, Err *err) {
        for (unsigned i = 0; i < MAX(macvtap->spec.queues, 1); i++) {
                g_autofree char *name = g_strdup_printf("%s-tap%u", macvtap->alias, i);
                int fd = -1, r = open_queue(macvtap, &fd, err);

                if (r < 0)
                        return r;
                vm_keep_fd_consume(macvtap->vm, name, fd);
        }
        return 0;
}

/* ---- the device: the kernel may be at work on the one below ---- */

static int make_device(int out, void *data) {
        const MacvtapStep *macvtap = data;
        const LinkMacvtap link = {macvtap->lower, macvtap->mac, macvtap->spec.mode};
        int r = link_make_macvtap(macvtap->name, &link, NULL);

        if (r == 0 && macvtap->spec.mtu > 0)
                r = link_set_mtu(macvtap->name, macvtap->spec.mtu, NULL);
        return r == 0 ? link_set_up(macvtap->name, true, NULL) : r;
}

static void on_made(int r, const char *output, size_t size, void *userdata) {
        Step *step = userdata;
        const MacvtapStep *macvtap = step_data(step);
        g_auto(Err) err = ERR_INIT;

        if (r < 0)
                r = fail_errno(&err, r, "cannot make the macvtap device '%s' on '%s'",
                               macvtap->name, macvtap->lower);
        else
                r = keep_queues(macvtap, &err);
        step_finish(step, r, r < 0 ? &err : NULL);
}

static int run_step(Step *step, Err *err) {
        MacvtapStep *macvtap = step_data(step);
        int r;

        if (!link_exists(macvtap->lower))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "the host has no network device '%s'",
                            macvtap->lower);
        if (link_exists(macvtap->name))
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "the host has a network device '%s' already", macvtap->name);
        r = errand_run(
                macvtap->vm->manager->event,
                &(ErrandSpec){
                        .func = make_device, .data = macvtap, .done = on_made, .userdata = step},
                NULL, err);
        return r < 0 ? r : STEP_PENDING;
}

static int undo_step(Step *step, Err *err) {
        MacvtapStep *macvtap = step_data(step);

        vm_drop_fds(macvtap->vm);
        return link_remove(macvtap->name, err);
}

static char *describe_step(const Step *step, bool undo) {
        const MacvtapStep *macvtap = step_data(step);

        return undo ? g_strdup_printf("remove the macvtap device %s", macvtap->name)
                    : g_strdup_printf("make the macvtap device %s on %s", macvtap->name,
                                      macvtap->lower);
}

static void free_step(void *data) {
        MacvtapStep *macvtap = data;

        vm_unref(macvtap->vm);
        g_free(macvtap->name);
        g_free(macvtap->lower);
        g_free(macvtap->mac);
        g_free(macvtap->alias);
        g_free(macvtap);
}

static const StepKind macvtap_kind = {
        .name = "make-macvtap",
        .run = run_step,
        .undo = undo_step,
        .describe = describe_step,
        .free = free_step,
};

void macvtap_add_step(Vm *vm, Plan *plan, const MacvtapSpec *spec) {
        MacvtapStep *macvtap = g_new0(MacvtapStep, 1);

        macvtap->vm = vm_ref(vm);
        macvtap->spec = *spec;
        macvtap->name = g_strdup(spec->name);
        macvtap->lower = g_strdup(spec->lower);
        macvtap->mac = g_strdup(spec->mac);
        macvtap->alias = g_strdup(spec->alias);
        plan_add(plan, &macvtap_kind, NULL, macvtap);
}
