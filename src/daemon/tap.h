/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tap devices that join a guest's interface to a bridge of the host
 * (Documentation/networking/tuntap.rst). Made persistent, because QEMU opens them by name and the
 * daemon may be gone when it ends. */

#include "base/err.h"
#include "handover/plan.h"

/* A free name "vnetN"; the caller frees it. */
char *tap_free_name(void);

/* Makes the tap device, joins it to bridge and brings it up. */
int tap_create(const char *name, const char *bridge, Err *err);

/* Moves it from one bridge to another; where that fails it stays. */
int tap_change_bridge(const char *name, const char *from, const char *to, Err *err);

/* An absent one is no error. */
int tap_remove(const char *name, Err *err);

/* Appends the making of a tap device, with its removal as the undo. */
void tap_add_step(Plan *plan, const char *name, const char *bridge);
