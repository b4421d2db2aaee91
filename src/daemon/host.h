/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's processors and memory, as clients ask for them; read from procfs and sysfs at each
 * question. */

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/err.h"
#include "base/sys.h"

/* cpus = nodes * sockets * cores * threads, as libvirt's clients multiply; a host that is not that
 * regular is shown as one socket of single-threaded cores. */
typedef struct HostTopology {
        unsigned cpus, mhz; /* online; mhz 0: not known */
        unsigned nodes;
        unsigned sockets; /* of a node */
        unsigned cores;   /* of a socket */
        unsigned threads; /* of a core */
} HostTopology;

int host_topology_load(const Sys *sys, HostTopology *ret, Err *err);

/* One line of meminfo ("MemFree"), in KiB. node -1: the whole host. */
int host_memory(const Sys *sys, int node, const char *what, uint64_t *ret, Err *err);

/* Nanoseconds since the host started, of processor cpu or of all (-1). */
typedef struct HostCpuTime {
        uint64_t user, kernel, idle, iowait;
} HostCpuTime;

int host_cpu_time(const Sys *sys, int cpu, HostCpuTime *ret, Err *err);

/* Processors of a list such as sys/devices/system/cpu/online ("0-3,8"), as a bitmap of bytes,
 * lowest bit first; the caller frees it. */
int host_cpu_map(const Sys *sys, const char *list, GByteArray **ret, Err *err);

/* Numbers of the NUMA nodes, ints, ascending; empty: the kernel knows none. */
GArray *host_nodes(const Sys *sys);

/* The processors of a node (-1: all that are online), as host_cpu_map. */
int host_node_cpus(const Sys *sys, int node, GByteArray **ret, Err *err);

/* Sizes of pages in KiB, unsigned, ascending: the processor's own, then the huge ones. */
GArray *host_page_sizes(const Sys *sys);

typedef enum HostPages { HOST_PAGES_ALL, HOST_PAGES_FREE } HostPages;

/* Pages of that size (KiB) on a node, or on the whole host (-1). */
int host_pages(const Sys *sys, int node, unsigned size, HostPages which, uint64_t *ret, Err *err);

/* Where the kernel takes the number of huge pages of a size: a path below the root, which exists;
 * -ENOENT for pages that are not huge or not there, with an Err that says so. */
int host_pages_path(const Sys *sys, int node, unsigned size, char **ret, Err *err);
