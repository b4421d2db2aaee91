/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* CPU models of the host behind a connection. */

#include "client/host.h"

/* What is asked: the host itself, or what a hypervisor gives there. */
typedef struct HostCpuOf {
        bool is_hypervisor;
        HostDomainCaps hypervisor; /* valid where is_hypervisor; flags unused */
        unsigned flags;            /* of the call */
} HostCpuOf;

#define HOST_CPU_FAIL       1u /* comparing: an incompatible CPU is an error that says why */
#define HOST_CPU_EXPANDED   1u /* in common: every feature by name */
#define HOST_CPU_MIGRATABLE 2u

/* NULL-terminated; the caller frees it with g_strfreev. */
int host_cpu_models(Conn *conn, const char *arch, char ***ret, Err *err);

/* 0: incompatible, 1: identical, 2: the host has more. */
int host_cpu_compare(Conn *conn, const HostCpuOf *of, const char *xml, int *ret, Err *err);

int host_cpu_baseline(Conn *conn, const HostCpuOf *of, GPtrArray *xmls, char **ret, Err *err);
