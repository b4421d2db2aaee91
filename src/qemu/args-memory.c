/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory: -m, what it is made of, NUMA nodes, memory devices; and I/O threads. */
#include "domain/cpuset.h"
#include "qemu/args-part.h"

#define MAIN_MEMORY "pc.ram" /* what the machine calls its memory */

/* QEMU wants nodes in whole MiB; a module is a multiple of a huge page of x86. */
#define CELL_ALIGN_KIB   1024
#define MODULE_ALIGN_KIB 2048

/* A stretch of the guest's memory as QEMU's object is made of it. */
typedef struct Backend {
        const char *id;
        uint64_t kib;
        int cell;             /* of the guest; -1: not told apart */
        MemoryAccess access;  /* unset: as the guest's memoryBacking says */
        DomainSwitch discard; /* the same */
        uint64_t page;        /* KiB; 0: the same */
        const char *nodeset;  /* of the host; NULL: as numatune says */
} Backend;

static uint64_t align(uint64_t kib, uint64_t unit) {
        return (kib + unit - 1) / unit * unit;
}

/* ---- one stretch ---- */

/* KiB of the huge pages that a node gets; 0: usual pages, 1: huge ones of the host's usual size. */
static uint64_t page_of(const DomainDef *def, const Backend *backend) {
        const DomainMemoryBacking *backing = &def->memory_backing;
        const GPtrArray *pages = backing->hugepages.pages;
        uint64_t rest = 0;

        if (backend->page > 0)
                return backend->page > 4 ? backend->page : 0;
        if (!backing->hugepages.node.is_present)
                return 0;
        for (guint i = 0; pages && i < pages->len; i++) {
                const DomainHugePage *page = pages->pdata[i];
                DomainCpuset nodes = {};

                if (!page->nodeset)
                        rest = page->size;
                else if (domain_cpuset_parse(page->nodeset, &nodes) == 0 &&
                         domain_cpuset_has(&nodes, backend->cell < 0 ? 0 : (unsigned)backend->cell))
                        return page->size > 4 ? page->size : 0;
        }
        if (!pages || pages->len == 0)
                return 1;
        return rest > 4 ? rest : 0;
}

static bool is_shared(const DomainDef *def, const Backend *backend) {
        MemoryAccess access = backend->access ? backend->access : def->memory_backing.access.mode;

        return access == MEMORY_SHARED;
}

/* Huge pages need no mount: the kernel makes a file of them without one. */
static const char *choose_type(const DomainDef *def, const Backend *backend) {
        MemorySource source = def->memory_backing.source.type;

        if (page_of(def, backend) > 0 || source == MEMORY_MEMFD)
                return "memory-backend-memfd";
        if (source == MEMORY_FILE || (!source && is_shared(def, backend)))
                return "memory-backend-file";
        return "memory-backend-ram";
}

static json_t *node_list(const char *nodeset) {
        json_t *list = json_array();
        DomainCpuset nodes = {};

        (void)domain_cpuset_parse(nodeset, &nodes);
        for (int n = domain_cpuset_next(&nodes, 0); n >= 0;
             n = domain_cpuset_next(&nodes, (unsigned)n + 1))
                json_array_append_new(list, json_integer(n));
        return list;
}

static void set_nodes(json_t *object, const DomainDef *def, const Backend *backend) {
        static const char *const policies[] = {NULL, "bind", "preferred", "interleave"};
        const DomainNumatune *tune = &def->numatune;
        const char *nodeset = tune->memory.nodeset;
        NumaMode mode = tune->memory.mode;

        for (guint i = 0; tune->memnodes && i < tune->memnodes->len; i++) {
                const DomainMemnode *memnode = tune->memnodes->pdata[i];

                if (backend->cell < 0 || memnode->cell.value != (uint64_t)backend->cell)
                        continue;
                nodeset = memnode->nodeset;
                mode = memnode->mode;
        }
        if (backend->nodeset)
                nodeset = backend->nodeset;
        if (!nodeset)
                return;
        json_object_set_new(object, "host-nodes", node_list(nodeset));
        SET_STRING(object, "policy", policies[mode ? mode : NUMA_STRICT]);
}

static void set_allocation(json_t *object, const DomainMemoryBacking *backing, bool is_huge) {
        bool is_immediate = backing->allocation.mode == MEMORY_IMMEDIATE ||
                            (is_huge && !backing->allocation.mode);

        if (!is_immediate)
                return;
        SET_BOOL(object, "prealloc", true);
        if (backing->allocation.threads.is_set)
                SET_INT(object, "prealloc-threads", backing->allocation.threads.value);
}

static json_t *make_object(const QemuContext *context, const Backend *backend) {
        const DomainDef *def = context->def;
        const DomainMemoryBacking *backing = &def->memory_backing;
        const char *type = choose_type(def, backend), *dir = context->runtime->memory_dir;
        uint64_t page = page_of(def, backend);
        bool is_file = g_str_equal(type, "memory-backend-file");
        bool discard = backend->discard ? backend->discard == DOMAIN_SWITCH_ON
                                        : backing->discard.node.is_present;
        json_t *object = json_pack("{s:s, s:s, s:I}", "qom-type", type, "id", backend->id, "size",
                                   (json_int_t)backend->kib * 1024);

        if (is_file)
                SET_STRING(object, "mem-path", dir ? dir : QEMU_MEMORY_DIR);
        /* The other kinds have no file whose data could be thrown away. */
        if (is_file && discard)
                SET_BOOL(object, "discard-data", true);
        if (page > 0)
                SET_BOOL(object, "hugetlb", true);
        if (page > 1)
                SET_INT(object, "hugetlbsize", page * 1024);
        if (!g_str_equal(type, "memory-backend-ram"))
                SET_BOOL(object, "share", is_shared(def, backend));
        set_allocation(object, backing, page > 0);
        set_nodes(object, def, backend);
        return object;
}

/* ---- the machine's memory ---- */

bool qemu_args_has_main_memory(const DomainDef *def) {
        const DomainMemoryBacking *backing = &def->memory_backing;

        return !def->cpu.numa.cells &&
               (backing->hugepages.node.is_present || backing->source.type ||
                backing->access.mode || backing->allocation.node.is_present ||
                backing->discard.node.is_present || def->numatune.memory.nodeset);
}

static uint64_t base_memory(const DomainDef *def) {
        const GPtrArray *cells = def->cpu.numa.cells;
        uint64_t sum = 0;

        if (!cells)
                return def->memory;
        for (guint i = 0; i < cells->len; i++)
                sum += align(((const DomainCell *)cells->pdata[i])->memory, CELL_ALIGN_KIB);
        return sum;
}

static void add_size(GPtrArray *args, const DomainDef *def) {
        if (def->max_memory.node.is_present)
                qemu_args_add_format(args, "-m",
                                     "size=%" G_GUINT64_FORMAT
                                     "k,slots=%u,maxmem=%" G_GUINT64_FORMAT "k",
                                     base_memory(def), (unsigned)def->max_memory.slots.value,
                                     align(def->max_memory.kib, CELL_ALIGN_KIB));
        else
                qemu_args_add_format(args, "-m", "size=%" G_GUINT64_FORMAT "k", base_memory(def));
}

static void add_cell(GPtrArray *args, const QemuContext *context, const DomainCell *cell) {
        g_autofree char *id = g_strdup_printf("ram-node%u", (unsigned)cell->id.value);
        const Backend backend = {.id = id,
                                 .kib = align(cell->memory, CELL_ALIGN_KIB),
                                 .cell = (int)cell->id.value,
                                 .access = cell->access,
                                 .discard = cell->discard};
        g_auto(GStrv) ranges = g_strsplit(cell->cpus ? cell->cpus : "", ",", -1);
        g_autoptr(GString) node = g_string_new(NULL);

        g_string_printf(node, "node,nodeid=%u", (unsigned)cell->id.value);
        for (guint i = 0; ranges[i]; i++)
                g_string_append_printf(node, ",cpus=%s", ranges[i]);
        if (cell->memory > 0) {
                qemu_args_add_json(args, "-object", make_object(context, &backend));
                g_string_append_printf(node, ",memdev=%s", id);
        }
        qemu_args_add(args, "-numa", node->str);
}

static void add_distances(GPtrArray *args, const DomainCell *cell) {
        const GPtrArray *siblings = cell->distances.siblings;

        for (guint i = 0; siblings && i < siblings->len; i++) {
                const DomainSibling *sibling = siblings->pdata[i];

                qemu_args_add_format(args, "-numa", "dist,src=%u,dst=%u,val=%u",
                                     (unsigned)cell->id.value, (unsigned)sibling->id.value,
                                     (unsigned)sibling->value.value);
        }
}

static void add_cells(GPtrArray *args, const QemuContext *context) {
        const GPtrArray *cells = context->def->cpu.numa.cells;

        for (guint i = 0; cells && i < cells->len; i++)
                add_cell(args, context, cells->pdata[i]);
        for (guint i = 0; cells && i < cells->len; i++)
                add_distances(args, cells->pdata[i]);
}

void qemu_args_memory(GPtrArray *args, const QemuContext *context) {
        const DomainDef *def = context->def;
        const Backend main = {.id = MAIN_MEMORY, .kib = def->memory, .cell = -1};

        add_size(args, def);
        if (qemu_args_has_main_memory(def))
                qemu_args_add_json(args, "-object", make_object(context, &main));
        if (def->memory_backing.locked.node.is_present)
                qemu_args_add(args, "-overcommit", "mem-lock=on");
        add_cells(args, context);
}

/* ---- I/O threads ---- */

static void add_iothread(GPtrArray *args, const DomainIothread *thread) {
        json_t *object = json_object();
        const struct {
                const char *key;
                DomainNum value;
        } numbers[] = {
                {"thread-pool-min", thread->pool_min}, {"thread-pool-max", thread->pool_max},
                {"poll-max-ns", thread->poll.max},     {"poll-grow", thread->poll.grow},
                {"poll-shrink", thread->poll.shrink},
        };

        SET_STRING(object, "qom-type", "iothread");
        json_object_set_new(object, "id", json_sprintf("iothread%u", (unsigned)thread->id.value));
        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
                if (numbers[i].value.is_set)
                        SET_INT(object, numbers[i].key, numbers[i].value.value);
        qemu_args_add_json(args, "-object", object);
}

void qemu_args_iothreads(GPtrArray *args, const DomainDef *def) {
        const GPtrArray *list = def->iothreadids.list;

        for (guint i = 0; list && i < list->len; i++)
                add_iothread(args, list->pdata[i]);
}

/* ---- memory devices ---- */

static int make_backend(const QemuContext *context, const DomainDevice *device, json_t *commands,
                        Err *err) {
        const DomainMemory *memory = (const DomainMemory *)device;
        g_autofree char *id = qemu_args_backend_name("mem", device);
        const Backend backend = {.id = id,
                                 .kib = align(memory->target.size, MODULE_ALIGN_KIB),
                                 .cell = (int)domain_num_or(memory->target.cell, 0),
                                 .access = memory->access,
                                 .discard = memory->discard,
                                 .page = memory->source.pagesize,
                                 .nodeset = memory->source.nodemask};

        qemu_args_append_command(commands, "object-add", make_object(context, &backend));
        return 0;
}

static int fill_device(const QemuContext *context, const DomainDevice *device, json_t *object,
                       Err *err) {
        const DomainMemory *memory = (const DomainMemory *)device;
        g_autofree char *backend = qemu_args_backend_name("mem", device);

        SET_STRING(object, "driver", "pc-dimm");
        SET_STRING(object, "memdev", backend);
        SET_INT(object, "node", domain_num_or(memory->target.cell, 0));
        if (device->address.dimm_slot.is_set)
                SET_INT(object, "slot", device->address.dimm_slot.value);
        if (device->address.dimm_base.is_set)
                SET_INT(object, "addr", device->address.dimm_base.value);
        return 0;
}

const QemuKind qemu_memory_kind = {
        .backend = make_backend,
        .device = fill_device,
        .can_plug = qemu_kind_always,
};
