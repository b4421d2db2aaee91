/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which attribute and child of <memoryBacking>, <numatune>, <cputune>, <vcpus> and <iothreadids> is
 * which field. */
#include "domain/def.h"
#include "domain/tables.h"

static const DomainField no_fields[] = {END};

/* ---- memoryBacking ---- */

static const char *const memory_sources[] = {"file", "anonymous", "memfd", NULL};
static const char *const memory_accesses[] = {"shared", "private", NULL};
static const char *const memory_allocations[] = {"immediate", "ondemand", NULL};

static const DomainField page_fields[] = {
        ATTR_(DomainHugePage, size, "size", FIELD_KIB, .is_required = true),
        ATTR_STRING(DomainHugePage, nodeset, "nodeset"),
        END,
};
static const DomainElement page = ELEMENT(DomainHugePage, "page", page_fields);

static const DomainField hugepages_fields[] = {
        LIST(DomainMemoryBacking, hugepages.pages, "page", page),
        END,
};
static const DomainElement hugepages =
        PART_OF(DomainMemoryBacking, hugepages, "hugepages", hugepages_fields);

static const DomainElement nosharepages = ELEMENT(DomainFlag, "nosharepages", no_fields);
static const DomainElement locked = ELEMENT(DomainFlag, "locked", no_fields);
static const DomainElement discard = ELEMENT(DomainFlag, "discard", no_fields);

static const DomainField source_fields[] = {
        ATTR_ENUM(DomainMemoryBacking, source.type, "type", memory_sources, .is_required = true),
        END,
};
static const DomainElement source = PART_OF(DomainMemoryBacking, source, "source", source_fields);

static const DomainField access_fields[] = {
        ATTR_ENUM(DomainMemoryBacking, access.mode, "mode", memory_accesses, .is_required = true),
        END,
};
static const DomainElement access_element =
        PART_OF(DomainMemoryBacking, access, "access", access_fields);

static const DomainField allocation_fields[] = {
        ATTR_ENUM(DomainMemoryBacking, allocation.mode, "mode", memory_allocations),
        ATTR_NUM(DomainMemoryBacking, allocation.threads, "threads", .max = 1024),
        END,
};
static const DomainElement allocation =
        PART_OF(DomainMemoryBacking, allocation, "allocation", allocation_fields);

static const DomainField memory_backing_fields[] = {
        PART("hugepages", hugepages),
        CHILD(DomainMemoryBacking, nosharepages, "nosharepages", nosharepages),
        CHILD(DomainMemoryBacking, locked, "locked", locked),
        PART("source", source),
        PART("access", access_element),
        PART("allocation", allocation),
        CHILD(DomainMemoryBacking, discard, "discard", discard),
        END,
};
const DomainElement domain_memory_backing_element =
        ELEMENT(DomainMemoryBacking, "memoryBacking", memory_backing_fields);

/* ---- numatune ---- */

static const char *const numa_modes[] = {"strict", "preferred", "interleave", NULL};

static const DomainField numa_memory_fields[] = {
        ATTR_ENUM(DomainNumatune, memory.mode, "mode", numa_modes),
        ATTR_STRING(DomainNumatune, memory.nodeset, "nodeset", .is_required = true),
        END,
};
static const DomainElement numa_memory =
        PART_OF(DomainNumatune, memory, "memory", numa_memory_fields);

static const DomainField memnode_fields[] = {
        ATTR_NUM(DomainMemnode, cell, "cellid", .is_required = true, .max = DOMAIN_CELLS_MAX - 1),
        ATTR_ENUM(DomainMemnode, mode, "mode", numa_modes),
        ATTR_STRING(DomainMemnode, nodeset, "nodeset", .is_required = true),
        END,
};
static const DomainElement memnode = ELEMENT(DomainMemnode, "memnode", memnode_fields);

static const DomainField numatune_fields[] = {
        PART("memory", numa_memory),
        LIST(DomainNumatune, memnodes, "memnode", memnode),
        END,
};
const DomainElement domain_numatune_element = ELEMENT(DomainNumatune, "numatune", numatune_fields);

/* ---- vcpus, iothreads ---- */

static const DomainField vcpu_fields[] = {
        ATTR_NUM(DomainVcpu, id, "id", .is_required = true, .max = DOMAIN_VCPUS_MAX - 1),
        ATTR_YES(DomainVcpu, enabled, "enabled", .is_required = true),
        ATTR_YES(DomainVcpu, hotpluggable, "hotpluggable"),
        ATTR_NUM(DomainVcpu, order, "order", .max = DOMAIN_VCPUS_MAX),
        END,
};
const DomainElement domain_vcpu_element = ELEMENT(DomainVcpu, "vcpu", vcpu_fields);

static const DomainField vcpus_fields[] = {
        LIST(DomainDef, vcpus.list, "vcpu", domain_vcpu_element),
        END,
};
const DomainElement domain_vcpus_element = PART_OF(DomainDef, vcpus, "vcpus", vcpus_fields);

static const DomainField poll_fields[] = {
        ATTR_NUM(DomainIothread, poll.max, "max", .max = INT64_MAX),
        ATTR_NUM(DomainIothread, poll.grow, "grow", .max = INT64_MAX),
        ATTR_NUM(DomainIothread, poll.shrink, "shrink", .max = INT64_MAX),
        END,
};
static const DomainElement poll = PART_OF(DomainIothread, poll, "poll", poll_fields);

static const DomainField iothread_fields[] = {
        ATTR_NUM(DomainIothread, id, "id", .is_required = true),
        ATTR_NUM(DomainIothread, pool_min, "thread_pool_min", .max = INT32_MAX),
        ATTR_NUM(DomainIothread, pool_max, "thread_pool_max", .max = INT32_MAX),
        PART("poll", poll),
        END,
};
const DomainElement domain_iothread_element = ELEMENT(DomainIothread, "iothread", iothread_fields);

static const DomainField iothreadids_fields[] = {
        LIST(DomainDef, iothreadids.list, "iothread", domain_iothread_element),
        END,
};
const DomainElement domain_iothreadids_element =
        PART_OF(DomainDef, iothreadids, "iothreadids", iothreadids_fields);

/* ---- cputune ---- */

static const char *const sched_policies[] = {"batch", "idle", "fifo", "rr", NULL};

static const DomainField vcpupin_fields[] = {
        ATTR_NUM(DomainPin, id, "vcpu", .is_required = true, .max = DOMAIN_VCPUS_MAX - 1),
        ATTR_STRING(DomainPin, cpuset, "cpuset", .is_required = true),
        END,
};
const DomainElement domain_vcpupin_element = ELEMENT(DomainPin, "vcpupin", vcpupin_fields);

static const DomainField emulatorpin_fields[] = {
        ATTR_STRING(DomainPin, cpuset, "cpuset", .is_required = true),
        END,
};
const DomainElement domain_emulatorpin_element =
        ELEMENT(DomainPin, "emulatorpin", emulatorpin_fields);

static const DomainField iothreadpin_fields[] = {
        ATTR_NUM(DomainPin, id, "iothread", .is_required = true),
        ATTR_STRING(DomainPin, cpuset, "cpuset", .is_required = true),
        END,
};
const DomainElement domain_iothreadpin_element =
        ELEMENT(DomainPin, "iothreadpin", iothreadpin_fields);

#define SCHED                                                                             \
        ATTR_ENUM(DomainSched, policy, "scheduler", sched_policies, .is_required = true), \
                ATTR_NUM(DomainSched, priority, "priority", .max = 99)

static const DomainField vcpusched_fields[] = {
        ATTR_STRING(DomainSched, ids, "vcpus", .is_required = true),
        SCHED,
        END,
};
static const DomainElement vcpusched = ELEMENT(DomainSched, "vcpusched", vcpusched_fields);

static const DomainField iothreadsched_fields[] = {
        ATTR_STRING(DomainSched, ids, "iothreads", .is_required = true),
        SCHED,
        END,
};
static const DomainElement iothreadsched =
        ELEMENT(DomainSched, "iothreadsched", iothreadsched_fields);

static const DomainField emulatorsched_fields[] = {SCHED, END};
static const DomainElement emulatorsched =
        ELEMENT(DomainSched, "emulatorsched", emulatorsched_fields);

static const DomainField cputune_fields[] = {
        LIST(DomainCputune, vcpupins, "vcpupin", domain_vcpupin_element),
        CHILD(DomainCputune, emulatorpin, "emulatorpin", domain_emulatorpin_element),
        LIST(DomainCputune, iothreadpins, "iothreadpin", domain_iothreadpin_element),
        LIST(DomainCputune, vcpuscheds, "vcpusched", vcpusched),
        LIST(DomainCputune, iothreadscheds, "iothreadsched", iothreadsched),
        CHILD(DomainCputune, emulatorsched, "emulatorsched", emulatorsched),
        END,
};
const DomainElement domain_cputune_element = ELEMENT(DomainCputune, "cputune", cputune_fields);
