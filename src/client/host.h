/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host behind a connection. */

#include <stdint.h>

#include <glib.h>

#include "base/err.h"

typedef struct Conn Conn;

typedef struct HostInfo {
        char model[33];  /* "x86_64" */
        uint64_t memory; /* KiB */
        int cpus;
        int mhz;
        int nodes; /* NUMA cells */
        int sockets;
        int cores;
        int threads;
} HostInfo;

int host_info(Conn *conn, HostInfo *ret, Err *err);
int host_name(Conn *conn, char **ret, Err *err);

/* "QEMU". */
int host_hypervisor(Conn *conn, char **ret, Err *err);

/* major * 1000000 + minor * 1000 + micro; of QEMU, and of the libvirt that the daemon stands for.
 */
/* Processors of the host that are present, online or not: the bits of a map of processors. */
int host_cpu_count(Conn *conn, unsigned *ret, Err *err);

int host_hypervisor_version(Conn *conn, uint64_t *ret, Err *err);
int host_library_version(Conn *conn, uint64_t *ret, Err *err);

int host_capabilities(Conn *conn, char **ret, Err *err);

/* Each may be NULL: the daemon's choice. */
typedef struct HostDomainCaps {
        const char *emulator;
        const char *arch;
        const char *machine;
        const char *virt_type;
        unsigned flags;
} HostDomainCaps;

int host_domain_capabilities(Conn *conn, const HostDomainCaps *of, char **ret, Err *err);

/* *ret_model "none" where the daemon confines no guests. */
int host_security_model(Conn *conn, char **ret_model, char **ret_doi, Err *err);
