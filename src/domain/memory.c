/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/memory.h"

#include <string.h>

#include "domain/cpuset.h"
#include "domain/kind.h"

static const char *const models[] = {"dimm", NULL};
static const char *const accesses[] = {"shared", "private", NULL};

#define LEAF_KIB(f, xml, ...) \
        ATTR_(DomainMemory, f, xml, FIELD_KIB, .place = PLACE_LEAF, __VA_ARGS__)

static const DomainField source_fields[] = {
        LEAF_KIB(source.pagesize, "pagesize"),
        LEAF_STRING(DomainMemory, source.nodemask, "nodemask"),
        END,
};
static const DomainElement source = PART_OF(DomainMemory, source, "source", source_fields);

static const DomainField target_fields[] = {
        LEAF_KIB(target.size, "size", .is_required = true),
        ATTR_NUM(DomainMemory, target.cell, "node", .place = PLACE_LEAF,
                 .max = DOMAIN_CELLS_MAX - 1),
        END,
};
static const DomainElement target = PART_OF(DomainMemory, target, "target", target_fields);

static const DomainField fields[] = {
        ATTR_ENUM(DomainMemory, model, "model", models, .is_required = true),
        ATTR_ENUM(DomainMemory, access, "access", accesses),
        ATTR_YES(DomainMemory, discard, "discard"),
        PART("source", source),
        PART("target", target, .is_required = true),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static int fill(DomainDef *def, DomainDevice *device, Err *err) {
        DomainMemory *memory = (DomainMemory *)device;
        DomainCpuset set;

        if (!memory->source.nodemask)
                return 0;
        if (domain_cpuset_parse(memory->source.nodemask, &set) < 0)
                return fail(err, VIR_ERR_XML_ERROR,
                            "'%s' of <nodemask> at line %u is no list of numbers like 0-3,^2,8",
                            memory->source.nodemask, memory->source.node.line);
        g_free(memory->source.nodemask);
        memory->source.nodemask = domain_cpuset_format(&set);
        return 0;
}

static int check_place(const DomainDef *def, const DomainMemory *memory, Err *err) {
        const DomainAddress *address = &memory->base.address;

        if (address->node.is_present && address->type != DOMAIN_ADDRESS_DIMM)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<memory model='dimm'> at line %u has an address of type dimm alone",
                            memory->base.node.line);
        if (address->dimm_slot.is_set && address->dimm_slot.value >= def->max_memory.slots.value)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "slot %u of <memory> at line %u is beyond the %u slots of <maxMemory>",
                            (unsigned)address->dimm_slot.value, memory->base.node.line,
                            (unsigned)def->max_memory.slots.value);
        return 0;
}

static int check(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainMemory *memory = (const DomainMemory *)device;
        const GPtrArray *cells = def->cpu.numa.cells;

        if (!def->max_memory.node.is_present)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<memory> at line %u needs the guest's <maxMemory>",
                                      device->node.line),
                                 "add <maxMemory slots='16' unit='GiB'>…</maxMemory>");
        if (!cells)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<memory> at line %u needs a NUMA node in the guest",
                                      device->node.line),
                                 "add <numa><cell …/></numa> to <cpu>");
        if (memory->target.size == 0)
                return fail(err, VIR_ERR_XML_ERROR, "<memory> at line %u has no size",
                            device->node.line);
        if (domain_num_or(memory->target.cell, 0) >= cells->len)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<memory> at line %u is of NUMA node %u, and the guest has %u",
                            device->node.line, (unsigned)memory->target.cell.value, cells->len);
        return check_place(def, memory, err);
}

static char *key(const DomainDevice *device) {
        const DomainNum slot = device->address.dimm_slot;

        return slot.is_set ? g_strdup_printf("memory slot %u", (unsigned)slot.value) : NULL;
}

static bool is_same_num(DomainNum a, DomainNum wanted) {
        return !wanted.is_set || (a.is_set && a.value == wanted.value);
}

static bool is_same(const DomainDevice *device, const DomainDevice *wanted) {
        const DomainMemory *memory = (const DomainMemory *)device;
        const DomainMemory *other = (const DomainMemory *)wanted;

        return memory->model == other->model && memory->target.size == other->target.size &&
               is_same_num(memory->target.cell, other->target.cell) &&
               is_same_num(device->address.dimm_slot, wanted->address.dimm_slot) &&
               is_same_num(device->address.dimm_base, wanted->address.dimm_base);
}

const DomainKind domain_memory_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_MEMORY, DomainMemory, "memory", fields),
        .alias = "dimm",
        .fill = fill,
        .check = check,
        .key = key,
        .is_same = is_same,
};
