/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* <memory>: modules of memory beside what the guest's NUMA nodes have. */

#include "domain/cpu.h"
#include "domain/node.h"

typedef enum MemoryModel { MEMORY_MODEL_UNSET, MEMORY_DIMM } MemoryModel;

typedef struct DomainMemory {
        DomainDevice base;
        MemoryModel model;
        MemoryAccess access;
        DomainSwitch discard;
        struct {
                DomainNode node;
                uint64_t pagesize; /* KiB; 0: as the rest of the guest's memory */
                char *nodemask;    /* of the host */
        } source;
        struct {
                DomainNode node;
                uint64_t size;  /* KiB */
                DomainNum cell; /* of the guest */
        } target;
} DomainMemory;
