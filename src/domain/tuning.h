/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a guest's memory and threads are made of on the host, and where they may be. Lists of
 * processors and nodes are texts for domain_cpuset_parse (domain/cpuset.h). */

#include "domain/cpu.h"

#define DOMAIN_IOTHREADS_MAX 1024

/* ---- memory ---- */

typedef enum MemorySource {
        MEMORY_SOURCE_UNSET,
        MEMORY_FILE,
        MEMORY_ANONYMOUS,
        MEMORY_MEMFD,
} MemorySource;
typedef enum MemoryAllocation {
        MEMORY_ALLOCATION_UNSET,
        MEMORY_IMMEDIATE,
        MEMORY_ON_DEMAND,
} MemoryAllocation;

typedef struct DomainHugePage {
        DomainNode node;
        uint64_t size; /* KiB */
        char *nodeset; /* the guest's nodes; NULL: those that no other page names */
} DomainHugePage;

typedef struct DomainMemoryBacking {
        DomainNode node;
        struct {
                DomainNode node;
                GPtrArray *pages; /* DomainHugePage; NULL or empty: the host's usual size */
        } hugepages;
        DomainFlag nosharepages, locked;
        struct {
                DomainNode node;
                MemorySource type;
        } source;
        struct {
                DomainNode node;
                MemoryAccess mode;
        } access;
        struct {
                DomainNode node;
                MemoryAllocation mode;
                DomainNum threads;
        } allocation;
        DomainFlag discard;
} DomainMemoryBacking;

typedef enum NumaMode { NUMA_MODE_UNSET, NUMA_STRICT, NUMA_PREFERRED, NUMA_INTERLEAVE } NumaMode;

typedef struct DomainMemnode {
        DomainNode node;
        DomainNum cell; /* of the guest */
        NumaMode mode;
        char *nodeset; /* of the host */
} DomainMemnode;

typedef struct DomainNumatune {
        DomainNode node;
        struct {
                DomainNode node;
                NumaMode mode;
                char *nodeset; /* of the host */
        } memory;
        GPtrArray *memnodes; /* DomainMemnode */
} DomainNumatune;

/* ---- threads ---- */

typedef struct DomainVcpu {
        DomainNode node;
        DomainNum id;
        DomainSwitch enabled, hotpluggable;
        DomainNum order;
} DomainVcpu;

typedef struct DomainIothread {
        DomainNode node;
        DomainNum id; /* from 1; its object in QEMU is "iothread<id>" */
        DomainNum pool_min, pool_max;
        struct {
                DomainNode node;
                DomainNum max, grow, shrink; /* max: ns */
        } poll;
} DomainIothread;

/* <vcpupin>, <emulatorpin>, <iothreadpin>. */
typedef struct DomainPin {
        DomainNode node;
        DomainNum id; /* of the vCPU or the I/O thread */
        char *cpuset;
} DomainPin;

typedef enum SchedPolicy {
        SCHED_POLICY_UNSET,
        SCHED_POLICY_BATCH,
        SCHED_POLICY_IDLE,
        SCHED_POLICY_FIFO,
        SCHED_POLICY_RR,
} SchedPolicy;

/* <vcpusched>, <iothreadsched>, <emulatorsched>. */
typedef struct DomainSched {
        DomainNode node;
        char *ids; /* list of vCPUs or I/O threads */
        SchedPolicy policy;
        DomainNum priority; /* of fifo and rr, 1 to 99 */
} DomainSched;

typedef struct DomainCputune {
        DomainNode node;
        GPtrArray *vcpupins; /* DomainPin */
        DomainPin emulatorpin;
        GPtrArray *iothreadpins; /* DomainPin */
        GPtrArray *vcpuscheds;   /* DomainSched */
        GPtrArray *iothreadscheds;
        DomainSched emulatorsched;
} DomainCputune;
