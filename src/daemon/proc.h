/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the kernel counts for QEMU's processes, threads and network devices (proc(5),
 * Documentation/scheduler/sched-stats.rst). */

#include <stdint.h>
#include <sys/types.h>

#include "base/sys.h"

typedef struct ProcTask {
        char state;            /* 'R', 'S' …; 0: it could not be read */
        uint64_t user, system; /* ns */
        int cpu;               /* on which it ran last */
        uint64_t wait, delay;  /* ns: for the disk or a lock, and for a processor */
} ProcTask;

/* tid 0: the process as a whole, without wait and delay. A task that has gone is all 0. */
ProcTask proc_read_task(const Sys *sys, pid_t pid, pid_t tid);

/* Memory that is resident, in KiB; 0: it has gone. */
uint64_t proc_read_rss(const Sys *sys, pid_t pid);

/* As the host counts them. */
typedef struct ProcNet {
        uint64_t rx_bytes, rx_packets, rx_errors, rx_drops;
        uint64_t tx_bytes, tx_packets, tx_errors, tx_drops;
} ProcNet;

/* -ENOENT: the host has no such device. */
int proc_read_net(const Sys *sys, const char *device, ProcNet *ret);
