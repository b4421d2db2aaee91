/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-kind.h"

#include <unistd.h>

static const VmKind *const kinds[_DOMAIN_DEVICE_MAX] = {
        [DOMAIN_FILESYSTEM] = &vm_filesystem_kind, [DOMAIN_INTERFACE] = &vm_interface_kind,
        [DOMAIN_CHANNEL] = &vm_channel_kind,       [DOMAIN_GRAPHICS] = &vm_graphics_kind,
        [DOMAIN_HOSTDEV] = &vm_hostdev_kind,       [DOMAIN_TPM] = &vm_tpm_kind,
        [DOMAIN_VSOCK] = &vm_vsock_kind,
};

int vm_kind_fill(Vm *vm, DomainDef *live, DomainDevice *device, Err *err) {
        const VmKind *kind = kinds[device->kind];

        return kind && kind->fill ? kind->fill(vm, live, device, err) : 0;
}

int vm_kind_plan(Vm *vm, Plan *plan, const DomainDef *live, const DomainDevice *device, Err *err) {
        const VmKind *kind = kinds[device->kind];

        return kind && kind->plan ? kind->plan(vm, plan, live, device, err) : 0;
}

void vm_kind_release(Vm *vm, const DomainDevice *device) {
        const VmKind *kind = kinds[device->kind];

        if (kind && kind->release)
                kind->release(vm, device);
}

int vm_kind_fill_all(Vm *vm, DomainDef *live, Err *err) {
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, live, kind) {
                        int r = vm_kind_fill(vm, live, device, err);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

int vm_kind_plan_all(Vm *vm, Plan *plan, const DomainDef *live, Err *err) {
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, live, kind) {
                        int r = vm_kind_plan(vm, plan, live, device, err);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

void vm_kind_release_all(Vm *vm) {
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, vm->live, kind)
                        vm_kind_release(vm, device);
        }
}

/* ---- open files that QEMU gets ---- */

void vm_keep_fd_consume(Vm *vm, const char *name, int fd) {
        gpointer old;

        if (!vm->fds)
                vm->fds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        if (g_hash_table_lookup_extended(vm->fds, name, NULL, &old))
                close(GPOINTER_TO_INT(old));
        g_hash_table_insert(vm->fds, g_strdup(name), GINT_TO_POINTER(fd));
}

void vm_drop_fds(Vm *vm) {
        GHashTableIter iter;
        gpointer fd;

        if (!vm->fds)
                return;
        g_hash_table_iter_init(&iter, vm->fds);
        while (g_hash_table_iter_next(&iter, NULL, &fd))
                close(GPOINTER_TO_INT(fd));
        g_clear_pointer(&vm->fds, g_hash_table_unref);
}
