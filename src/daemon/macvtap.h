/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An interface that is a port of a device of the host by itself, without a bridge: the kernel makes
 * a macvtap device and a character device for it, whose files QEMU gets. It goes with its last file
 * or when it is removed. */

#include "daemon/vm.h"

typedef struct MacvtapSpec {
        const char *name, *lower, *mac;
        uint32_t mode;     /* enum macvlan_mode */
        const char *alias; /* QEMU knows the files as ALIAS-tap0, ALIAS-tap1, … */
        unsigned queues;   /* files; 0 and 1: one */
        unsigned mtu;      /* 0: that of the device below */
} MacvtapSpec;

/* Appends the making of the device, with its removal as the undo. spec is copied. */
void macvtap_add_step(Vm *vm, Plan *plan, const MacvtapSpec *spec);
