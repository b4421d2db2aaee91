/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who keeps a function from being let go: the processes that have one of its device nodes open. */

#include <sys/types.h>

#include "base/sys.h"
#include "pci/device.h"

/* "qemu-system-x86 (pid 456, /dev/vfio/9) and Xorg (pid 12, /dev/dri/card0)"; NULL: nobody that can
 * be seen. The caller's. Walks the whole of /proc, so it is for reports only. */
char *holders_find(const Sys *sys, const PciDevice *dev);

/* Where the process sleeps in the kernel, "vfio_unregister_group_dev", with its stack where that
 * can be read. The caller's; "an unknown place" when /proc does not tell. */
char *holders_wait_channel(const Sys *sys, pid_t pid);
