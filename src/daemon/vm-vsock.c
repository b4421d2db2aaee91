/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>

#include "base/util.h"
#include "daemon/vm-kind.h"

#define VHOST_VSOCK "/dev/vhost-vsock"

/* Lower ones are the host's and the loopback's (vsock(7)). Free ones are near. */
enum { CID_FIRST = 3, CIDS_TRIED = 4096 };

/* ---- the address ---- */

static bool is_given(const Vm *vm, uint64_t cid) {
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, vm->manager->vms_by_id);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Vm *other = value;

                DOMAIN_FOREACH(DomainVsock, vsock, other->live, DOMAIN_VSOCK)
                        if (other != vm && domain_num_or(vsock->cid.address, 0) == cid)
                                return true;
        }
        return false;
}

/* Another program of the host's may have it; the kernel tells by giving it to us for a moment. */
static bool is_free(uint64_t cid) {
        _cleanup_(closep) int fd = open(VHOST_VSOCK, O_RDWR | O_CLOEXEC);

        return fd < 0 || ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid) == 0 || errno != EADDRINUSE;
}

static int fill(Vm *vm, DomainDef *live, DomainDevice *device, Err *err) {
        DomainVsock *vsock = (DomainVsock *)device;

        if (vsock->cid.address.is_set)
                return 0;
        for (uint64_t cid = CID_FIRST; cid < CID_FIRST + CIDS_TRIED; cid++) {
                if (is_given(vm, cid) || !is_free(cid))
                        continue;
                vsock->cid.address = DOMAIN_NUM(cid);
                return 0;
        }
        return fail(err, VIR_ERR_OPERATION_FAILED, "no vsock address is free for guest '%s'",
                    vm_name(vm));
}

/* ---- the open device ---- */

typedef struct Open {
        Vm *vm;
        char *alias;
} Open;

static int open_run(Step *step, Err *err) {
        const Open *open_step = step_data(step);
        g_autofree char *name = g_strdup_printf("%s-vhost", open_step->alias);
        _cleanup_(closep) int fd = open(VHOST_VSOCK, O_RDWR | O_CLOEXEC);

        if (fd < 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "unable to open vhost-vsock device '" VHOST_VSOCK
                                      "' for guest '%s': %s",
                                      vm_name(open_step->vm), g_strerror(errno)),
                                 "load the module: modprobe vhost_vsock");
        vm_keep_fd_consume(open_step->vm, name, steal_fd(&fd));
        return 0;
}

static char *open_describe(const Step *step, bool undo) {
        const Open *open_step = step_data(step);

        return undo ? NULL : g_strdup_printf("open " VHOST_VSOCK " for %s", open_step->alias);
}

static void open_free(void *data) {
        Open *open_step = data;

        vm_unref(open_step->vm);
        g_free(open_step->alias);
        g_free(open_step);
}

static const StepKind open_kind = {
        .name = "open-vsock",
        .run = open_run,
        .describe = open_describe,
        .free = open_free,
};

static int plan_open(Vm *vm, Plan *plan, const DomainDef *live, const DomainDevice *device,
                     Err *err) {
        Open *open_step = g_new0(Open, 1);

        *open_step = (Open){.vm = vm_ref(vm), .alias = g_strdup(device->alias.name)};
        plan_add(plan, &open_kind, NULL, open_step);
        return 0;
}

const VmKind vm_vsock_kind = {
        .fill = fill,
        .plan = plan_open,
};
