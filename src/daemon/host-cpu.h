/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's processor as /proc/cpuinfo tells of it, and what of QEMU's features it has: the answer
 * that needs neither KVM nor a data base of our own. */

#include "base/err.h"
#include "base/sys.h"
#include "qemu/cpu-model.h"

typedef struct HostCpu {
        char *vendor; /* "GenuineIntel" */
        unsigned family, model, stepping;
        char *microcode;    /* "0x1"; NULL: not told */
        unsigned phys_bits; /* of an address; 0: not told */
        char **flags;       /* the kernel's words */
} HostCpu;

int host_cpu_load(const Sys *sys, HostCpu *ret, Err *err);
void host_cpu_clear(HostCpu *cpu);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostCpu, host_cpu_clear)

/* As a host that models are compared with; nothing is blocked. Free with host_cpu_done. */
CpuHost host_cpu_as_host(const HostCpu *cpu, const CpuFacts *facts);
void host_cpu_done(CpuHost *host);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CpuHost, host_cpu_done)
