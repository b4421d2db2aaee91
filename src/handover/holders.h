/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who keeps a function from being let go: the processes that have one of its device nodes open. */

#include <sys/types.h>

#include <glib.h>

#include "base/sys.h"
#include "pci/device.h"

/* The nodes below /dev by which the function can be held: paths, a set, the caller's
 * (g_hash_table_unref). To be asked for before the driver is made to let go, as drivers of sound
 * and graphics take their nodes away before they wait for who has them open. */
GHashTable *holders_nodes(const Sys *sys, const PciDevice *dev);

/* "qemu-system-x86 (pid 456, /dev/vfio/9) and Xorg (pid 12, /dev/dri/card0)"; NULL: nobody that can
 * be seen. The caller's. Walks the whole of /proc, so it is for reports only. */
char *holders_find(const Sys *sys, GHashTable *nodes);

/* Where the process sleeps in the kernel, "vfio_unregister_group_dev", with its stack where that
 * can be read. The caller's; "an unknown place" when /proc does not tell. */
char *holders_wait_channel(const Sys *sys, pid_t pid);
