/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a guest's devices need on the host beside their PCI functions, while the guest has them: a
 * port, a tap device, a program that works for them. One VmKind a kind of device that needs any;
 * the same three moments whether the guest starts and stops or the device is plugged in and out.
 *
 *         vm_kind_fill      before anything is touched: what the definition leaves open
 *         vm_kind_plan      the steps that make it, each with its undo, before QEMU's own step
 *         vm_kind_release   QEMU has ended, or the guest has let go
 *
 * Disks have vm-image.h instead of vm_kind_fill: what they need to know takes time.
 *
 * What is made survives the daemon: release works from the live definition alone. */

#include "daemon/vm.h"

typedef struct VmKind {
        /* Chooses names, ports and paths; live already holds the device. */
        int (*fill)(Vm *vm, DomainDef *live, DomainDevice *device, Err *err);

        int (*plan)(Vm *vm, Plan *plan, const DomainDef *live, const DomainDevice *device,
                    Err *err);

        /* What is not there any more is no error. */
        void (*release)(Vm *vm, const DomainDevice *device);
} VmKind;

extern const VmKind vm_filesystem_kind;
extern const VmKind vm_interface_kind; /* vm-interface.c */
extern const VmKind vm_graphics_kind;  /* vm-graphics.c */
extern const VmKind vm_hostdev_kind;   /* vm-usb.c: USB devices; PCI functions: vm-hostdev.h */
extern const VmKind vm_tpm_kind;       /* vm-tpm.c */
extern const VmKind vm_vsock_kind;     /* vm-vsock.c */
extern const VmKind vm_channel_kind;   /* vm-chardev.c */

int vm_kind_fill(Vm *vm, DomainDef *live, DomainDevice *device, Err *err);
int vm_kind_plan(Vm *vm, Plan *plan, const DomainDef *live, const DomainDevice *device, Err *err);
void vm_kind_release(Vm *vm, const DomainDevice *device);

/* The same for every device of live. */
int vm_kind_fill_all(Vm *vm, DomainDef *live, Err *err);
int vm_kind_plan_all(Vm *vm, Plan *plan, const DomainDef *live, Err *err);
void vm_kind_release_all(Vm *vm);

/* A stream of type pty has got its terminal; devices that show none are left. */
void vm_char_set_terminal(DomainDevice *device, const char *path);

/* ---- open files that QEMU gets ---- */

/* Keeps fd (taken over) for the QEMU that is started or asked next, which knows it by this name
 * (qemu_args_fd): "net0-tap0". For steps; a name that is there already is replaced. */
void vm_keep_fd_consume(Vm *vm, const char *name, int fd);

/* Closes them: QEMU has them, or will not come. */
void vm_drop_fds(Vm *vm);
