/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's processors as it sees them, and its NUMA nodes. */

#include "domain/node.h"

typedef enum CpuMode {
        CPU_MODE_UNSET,
        CPU_CUSTOM,
        CPU_HOST_MODEL,
        CPU_HOST_PASSTHROUGH,
        CPU_MAXIMUM,
} CpuMode;
typedef enum CpuMatch { CPU_MATCH_UNSET, CPU_EXACT, CPU_MINIMUM, CPU_STRICT } CpuMatch;
typedef enum CpuCheck {
        CPU_CHECK_UNSET,
        CPU_CHECK_NONE,
        CPU_CHECK_PARTIAL,
        CPU_CHECK_FULL
} CpuCheck;
typedef enum CpuFallback {
        CPU_FALLBACK_UNSET,
        CPU_FALLBACK_ALLOW,
        CPU_FALLBACK_FORBID
} CpuFallback;
typedef enum CpuPolicy {
        CPU_POLICY_UNSET,
        CPU_FORCE,
        CPU_REQUIRE,
        CPU_OPTIONAL,
        CPU_DISABLE,
        CPU_FORBID,
} CpuPolicy;
typedef enum CpuCacheMode {
        CPU_CACHE_UNSET,
        CPU_CACHE_EMULATE,
        CPU_CACHE_PASSTHROUGH,
        CPU_CACHE_DISABLE,
} CpuCacheMode;
typedef enum CpuAddressMode {
        CPU_ADDRESS_UNSET,
        CPU_ADDRESS_EMULATE,
        CPU_ADDRESS_PASSTHROUGH,
} CpuAddressMode;

typedef struct DomainCpuFeature {
        DomainNode node;
        CpuPolicy policy;
        char *name;
} DomainCpuFeature;

typedef enum MemoryAccess { MEMORY_ACCESS_UNSET, MEMORY_SHARED, MEMORY_PRIVATE } MemoryAccess;

typedef struct DomainSibling {
        DomainNode node;
        DomainNum id, value; /* value: 10 is the node itself, 20 twice as far */
} DomainSibling;

typedef struct DomainCell {
        DomainNode node;
        DomainNum id;
        char *cpus;      /* list of vCPUs; NULL: a node of memory alone */
        uint64_t memory; /* KiB */
        MemoryAccess access;
        DomainSwitch discard;
        struct {
                DomainNode node;
                GPtrArray *siblings; /* DomainSibling */
        } distances;
} DomainCell;

typedef struct DomainCpu {
        DomainNode node;
        CpuMode mode;
        CpuMatch match;
        CpuCheck check;
        DomainSwitch migratable;
        struct {
                DomainNode node;
                CpuFallback fallback;
                char *vendor_id; /* 12 characters for CPUID leaf 0 */
                char *name;
        } model;
        DomainText vendor; /* that the host's CPU has to be of: "Intel", "AMD" */
        struct {
                DomainNode node;
                DomainNum sockets, dies, clusters, cores, threads;
        } topology;
        struct {
                DomainNode node;
                DomainNum level; /* 3, for mode emulate alone */
                CpuCacheMode mode;
        } cache;
        struct {
                DomainNode node;
                CpuAddressMode mode;
                DomainNum bits, limit;
        } maxphysaddr;
        GPtrArray *features; /* DomainCpuFeature */
        struct {
                DomainNode node;
                GPtrArray *cells; /* DomainCell, by id */
        } numa;
} DomainCpu;
