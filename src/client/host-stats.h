/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the processors and the memory of a host are doing. */

#include "client/host.h"

typedef struct HostStat {
        char name[32]; /* "idle" (ns), "free" (KiB) */
        uint64_t value;
} HostStat;

/* Arrays of HostStat; cpu and cell -1: of the whole host. */
int host_cpu_stats(Conn *conn, int cpu, GArray **ret, Err *err);
int host_memory_stats(Conn *conn, int cell, GArray **ret, Err *err);

/* Each processor's bit of *ret (lowest first) says that it is online. */
int host_cpu_map(Conn *conn, unsigned *ret_present, unsigned *ret_online, GByteArray **ret,
                 Err *err);

int host_free_memory(Conn *conn, uint64_t *ret, Err *err); /* bytes */

/* Free memory of the first cells, uint64_t in bytes. */
int host_cells_free_memory(Conn *conn, unsigned n, GArray **ret, Err *err);

/* Free pages of a size (KiB) on a cell (-1: the whole host). */
int host_free_pages(Conn *conn, int cell, unsigned size, uint64_t *ret, Err *err);

typedef struct HostPages {
        unsigned size; /* KiB */
        uint64_t count;
        int cell;       /* the first; -1: the whole host */
        unsigned cells; /* how many */
        bool is_more;   /* count beside those that are there */
} HostPages;

int host_alloc_pages(Conn *conn, const HostPages *pages, Err *err);

int host_sysinfo(Conn *conn, char **ret, Err *err);

/* type NULL: the daemon's choice. */
int host_max_vcpus(Conn *conn, const char *type, int *ret, Err *err);
