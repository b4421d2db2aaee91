/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tap devices that join a guest's interface to the host
 * (Documentation/networking/tuntap.rst). Made persistent, because QEMU opens them by name and the
 * daemon may be gone when it ends. */

#include "base/err.h"
#include "handover/plan.h"

typedef struct TapSpec {
        const char *name;
        const char *bridge; /* NULL: none */
        unsigned queues;    /* pairs; 0 and 1: one */
        unsigned mtu;       /* bytes; 0: the bridge's, or the kernel's choice */
        bool is_isolated;   /* port of the bridge */
        unsigned rx_frames; /* that the kernel gathers before it wakes QEMU; 0: as it is */
} TapSpec;

/* Makes the tap device, joins it to its bridge and brings it up. */
int tap_create(const TapSpec *spec, Err *err);

/* Moves it from one bridge to another; where that fails it stays. */
int tap_change_bridge(const char *name, const char *from, const char *to, Err *err);

/* An absent one is no error. */
int tap_remove(const char *name, Err *err);

/* Appends the making of a tap device, with its removal as the undo. spec is copied. */
void tap_add_step(Plan *plan, const TapSpec *spec);
