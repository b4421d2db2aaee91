/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which attribute and child of <cpu> and <clock> is which field. */
#include "domain/def.h"
#include "domain/tables.h"

/* ---- cpu ---- */

static const char *const cpu_modes[] = {"custom", "host-model", "host-passthrough", "maximum",
                                        NULL};
static const char *const cpu_matches[] = {"exact", "minimum", "strict", NULL};
static const char *const cpu_checks[] = {"none", "partial", "full", NULL};
static const char *const cpu_fallbacks[] = {"allow", "forbid", NULL};
static const char *const cpu_policies[] = {"force",   "require", "optional",
                                           "disable", "forbid",  NULL};
static const char *const cache_modes[] = {"emulate", "passthrough", "disable", NULL};
static const char *const address_modes[] = {"emulate", "passthrough", NULL};
static const char *const memory_accesses[] = {"shared", "private", NULL};

static const DomainField model_fields[] = {
        ATTR_ENUM(DomainCpu, model.fallback, "fallback", cpu_fallbacks),
        ATTR_STRING(DomainCpu, model.vendor_id, "vendor_id"),
        TEXT_STRING(DomainCpu, model.name),
        END,
};
static const DomainElement model = PART_OF(DomainCpu, model, "model", model_fields);

static const DomainField vendor_fields[] = {
        TEXT_STRING(DomainText, text, .is_required = true),
        END,
};
static const DomainElement vendor = ELEMENT(DomainText, "vendor", vendor_fields);

#define TOPOLOGY(what) ATTR_NUM(DomainCpu, topology.what, #what, .max = DOMAIN_VCPUS_MAX)

static const DomainField topology_fields[] = {
        TOPOLOGY(sockets), TOPOLOGY(dies),    TOPOLOGY(clusters),
        TOPOLOGY(cores),   TOPOLOGY(threads), END,
};
static const DomainElement topology = PART_OF(DomainCpu, topology, "topology", topology_fields);

static const DomainField cache_fields[] = {
        ATTR_NUM(DomainCpu, cache.level, "level", .max = 3),
        ATTR_ENUM(DomainCpu, cache.mode, "mode", cache_modes, .is_required = true),
        END,
};
static const DomainElement cache = PART_OF(DomainCpu, cache, "cache", cache_fields);

static const DomainField maxphysaddr_fields[] = {
        ATTR_ENUM(DomainCpu, maxphysaddr.mode, "mode", address_modes, .is_required = true),
        ATTR_NUM(DomainCpu, maxphysaddr.bits, "bits", .max = 64),
        ATTR_NUM(DomainCpu, maxphysaddr.limit, "limit", .max = 64),
        END,
};
static const DomainElement maxphysaddr =
        PART_OF(DomainCpu, maxphysaddr, "maxphysaddr", maxphysaddr_fields);

static const DomainField feature_fields[] = {
        ATTR_ENUM(DomainCpuFeature, policy, "policy", cpu_policies),
        ATTR_STRING(DomainCpuFeature, name, "name", .is_required = true),
        END,
};
const DomainElement domain_cpu_feature_element =
        ELEMENT(DomainCpuFeature, "feature", feature_fields);

static const DomainField sibling_fields[] = {
        ATTR_NUM(DomainSibling, id, "id", .is_required = true, .max = DOMAIN_CELLS_MAX - 1),
        ATTR_NUM(DomainSibling, value, "value", .is_required = true, .max = 255),
        END,
};
const DomainElement domain_sibling_element = ELEMENT(DomainSibling, "sibling", sibling_fields);

static const DomainField distances_fields[] = {
        LIST(DomainCell, distances.siblings, "sibling", domain_sibling_element),
        END,
};
static const DomainElement distances =
        PART_OF(DomainCell, distances, "distances", distances_fields);

static const DomainField cell_fields[] = {
        ATTR_NUM(DomainCell, id, "id", .max = DOMAIN_CELLS_MAX - 1),
        ATTR_STRING(DomainCell, cpus, "cpus"),
        ATTR_(DomainCell, memory, "memory", FIELD_KIB, .is_required = true),
        ATTR_ENUM(DomainCell, access, "memAccess", memory_accesses),
        ATTR_YES(DomainCell, discard, "discard"),
        PART("distances", distances),
        END,
};
static const DomainElement cell = ELEMENT(DomainCell, "cell", cell_fields);

static const DomainField numa_fields[] = {
        LIST(DomainCpu, numa.cells, "cell", cell, .is_required = true),
        END,
};
static const DomainElement numa = PART_OF(DomainCpu, numa, "numa", numa_fields);

static const DomainField cpu_fields[] = {
        ATTR_ENUM(DomainCpu, mode, "mode", cpu_modes),
        ATTR_ENUM(DomainCpu, match, "match", cpu_matches),
        ATTR_ENUM(DomainCpu, check, "check", cpu_checks),
        ATTR_ON(DomainCpu, migratable, "migratable"),
        PART("model", model),
        CHILD(DomainCpu, vendor, "vendor", vendor),
        PART("topology", topology),
        PART("cache", cache),
        PART("maxphysaddr", maxphysaddr),
        LIST(DomainCpu, features, "feature", domain_cpu_feature_element),
        PART("numa", numa),
        END,
};
const DomainElement domain_cpu_element = ELEMENT(DomainCpu, "cpu", cpu_fields);

/* ---- clock ---- */

static const char *const clock_offsets[] = {"utc",      "localtime", "timezone",
                                            "variable", "absolute",  NULL};
static const char *const clock_bases[] = {"utc", "localtime", NULL};
static const char *const timer_names[] = {"rtc",         "pit", "hpet", "kvmclock",
                                          "hypervclock", "tsc", NULL};
static const char *const timer_policies[] = {"delay", "catchup", "merge", "discard", NULL};
static const char *const timer_tracks[] = {"guest", "wall", NULL};
static const char *const timer_modes[] = {"auto", "native", NULL};

static const DomainField timer_fields[] = {
        ATTR_ENUM(DomainTimer, name, "name", timer_names, .is_required = true),
        ATTR_YES(DomainTimer, present, "present"),
        ATTR_ENUM(DomainTimer, tickpolicy, "tickpolicy", timer_policies),
        ATTR_ENUM(DomainTimer, track, "track", timer_tracks),
        ATTR_NUM(DomainTimer, frequency, "frequency", .max = INT64_MAX),
        ATTR_ENUM(DomainTimer, mode, "mode", timer_modes),
        END,
};
static const DomainElement timer = ELEMENT(DomainTimer, "timer", timer_fields);

static const DomainField clock_fields[] = {
        ATTR_ENUM(DomainClock, offset, "offset", clock_offsets),
        ATTR_STRING(DomainClock, adjustment, "adjustment"),
        ATTR_ENUM(DomainClock, basis, "basis", clock_bases),
        ATTR_STRING(DomainClock, timezone, "timezone"),
        ATTR_NUM(DomainClock, start, "start", .max = INT64_MAX),
        LIST(DomainClock, timers, "timer", timer),
        END,
};
const DomainElement domain_clock_element = ELEMENT(DomainClock, "clock", clock_fields);
