/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest's memory and threads are made of: nodes, pins, I/O threads. */
#include "domain/cpuset.h"
#include "domain/kind.h"
#include "domain/validate.h"

/* The members of a list that has been normalized. */
static DomainCpuset set_of(const char *list) {
        DomainCpuset set = {};

        if (list)
                (void)domain_cpuset_parse(list, &set);
        return set;
}

/* Whether all members are below n. */
static bool is_within(const char *list, uint64_t n) {
        DomainCpuset set = set_of(list);

        return n >= DOMAIN_CPUSET_MAX || domain_cpuset_next(&set, (unsigned)n) < 0;
}

/* ---- the guest's NUMA nodes ---- */

static int check_distances(const DomainCell *cell, unsigned n_cells, Err *err) {
        const GPtrArray *siblings = cell->distances.siblings;
        DomainCpuset seen = {};

        for (guint i = 0; siblings && i < siblings->len; i++) {
                const DomainSibling *sibling = siblings->pdata[i];
                unsigned id = (unsigned)sibling->id.value;

                if (id >= n_cells || domain_cpuset_has(&seen, id))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<sibling id='%u'> at line %u is no NUMA node of the guest, "
                                    "or there twice",
                                    id, sibling->node.line);
                domain_cpuset_add(&seen, id);
                if (sibling->value.value < 10 ||
                    (id == cell->id.value) != (sibling->value.value == 10))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<sibling value='%u'> at line %u: a node is at 10 from itself, "
                                    "and others are farther",
                                    (unsigned)sibling->value.value, sibling->node.line);
        }
        return 0;
}

static int check_cell(const DomainDef *def, const DomainCell *cell, unsigned wanted,
                      DomainCpuset *taken, Err *err) {
        DomainCpuset cpus = set_of(cell->cpus);
        unsigned line = cell->node.line;

        if (cell->id.value != wanted)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<cell id='%u'> at line %u: ids go from 0 up, each once",
                            (unsigned)cell->id.value, line);
        if (!is_within(cell->cpus, def->vcpu.count.value))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<cell cpus='%s'> at line %u names vCPUs that the guest has not: it "
                            "has %u",
                            cell->cpus, line, (unsigned)def->vcpu.count.value);
        for (int n = domain_cpuset_next(&cpus, 0); n >= 0;
             n = domain_cpuset_next(&cpus, (unsigned)n + 1)) {
                if (domain_cpuset_has(taken, (unsigned)n))
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                    "vCPU %d of <cell> at line %u is in another cell, too", n,
                                    line);
                domain_cpuset_add(taken, (unsigned)n);
        }
        return 0;
}

static int check_cells(const DomainDef *def, Err *err) {
        const GPtrArray *cells = def->cpu.numa.cells;
        DomainCpuset taken = {};

        if (cells && cells->len > DOMAIN_CELLS_MAX)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "more than %d NUMA nodes",
                            DOMAIN_CELLS_MAX);
        for (guint i = 0; cells && i < cells->len; i++) {
                const DomainCell *cell = cells->pdata[i];
                int r = check_cell(def, cell, i, &taken, err);

                if (r == 0)
                        r = check_distances(cell, cells->len, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the host's nodes, pages ---- */

static int check_numatune(const DomainDef *def, Err *err) {
        const GPtrArray *memnodes = def->numatune.memnodes, *cells = def->cpu.numa.cells;
        DomainCpuset seen = {};

        for (guint i = 0; memnodes && i < memnodes->len; i++) {
                const DomainMemnode *memnode = memnodes->pdata[i];
                unsigned id = (unsigned)memnode->cell.value;

                if (!cells || id >= cells->len || domain_cpuset_has(&seen, id))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<memnode cellid='%u'> at line %u is no NUMA node of the "
                                    "guest, or there twice",
                                    id, memnode->node.line);
                domain_cpuset_add(&seen, id);
        }
        return 0;
}

static int check_page(const DomainDef *def, const DomainHugePage *page, DomainCpuset *taken,
                      bool *has_rest, Err *err) {
        DomainCpuset nodes = set_of(page->nodeset);
        const GPtrArray *cells = def->cpu.numa.cells;
        unsigned line = page->node.line;

        if (page->size < 4 || (page->size & (page->size - 1)))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<page> at line %u: its size is no power of two from 4 KiB up", line);
        if (!is_within(page->nodeset, cells ? cells->len : 1))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<page nodeset='%s'> at line %u names NUMA nodes that the guest has "
                            "not",
                            page->nodeset, line);
        if (!page->nodeset && *has_rest)
                return fail(err, VIR_ERR_XML_ERROR, "a second <page> without nodeset at line %u",
                            line);
        *has_rest |= !page->nodeset;
        for (int n = domain_cpuset_next(&nodes, 0); n >= 0;
             n = domain_cpuset_next(&nodes, (unsigned)n + 1)) {
                if (domain_cpuset_has(taken, (unsigned)n))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "node %d of <page> at line %u has another page, too", n, line);
                domain_cpuset_add(taken, (unsigned)n);
        }
        return 0;
}

static int check_memory_backing(const DomainDef *def, Err *err) {
        const DomainMemoryBacking *backing = &def->memory_backing;
        const GPtrArray *pages = backing->hugepages.pages;
        DomainCpuset taken = {};
        bool has_rest = false;

        for (guint i = 0; pages && i < pages->len; i++) {
                int r = check_page(def, pages->pdata[i], &taken, &has_rest, err);

                if (r < 0)
                        return r;
        }
        if (backing->hugepages.node.is_present && backing->source.type == MEMORY_ANONYMOUS)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<source type='anonymous'> at line %u cannot be of huge pages",
                            backing->source.node.line);
        if (backing->access.mode == MEMORY_SHARED && backing->source.type == MEMORY_ANONYMOUS)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<source type='anonymous'> at line %u cannot be shared with other "
                            "programs",
                            backing->source.node.line);
        if (backing->allocation.threads.is_set && backing->allocation.threads.value == 0)
                return fail(err, VIR_ERR_XML_ERROR, "<allocation threads='0'> at line %u",
                            backing->allocation.node.line);
        return 0;
}

/* ---- vCPUs ---- */

static int check_vcpus(const DomainDef *def, Err *err) {
        const GPtrArray *list = def->vcpus.list;
        bool is_boot_over = false;

        for (guint i = 0; list && i < list->len; i++) {
                const DomainVcpu *vcpu = list->pdata[i];
                bool is_boot =
                        vcpu->enabled == DOMAIN_SWITCH_ON && vcpu->hotpluggable != DOMAIN_SWITCH_ON;
                unsigned line = vcpu->node.line;

                if (vcpu->id.value != i)
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<vcpu id='%u'> at line %u is beyond the guest's %u, or there "
                                    "twice",
                                    (unsigned)vcpu->id.value, line,
                                    (unsigned)def->vcpu.count.value);
                if (i == 0 && !is_boot)
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                    "vCPU 0 at line %u has to be enabled and not hotpluggable",
                                    line);
                if (is_boot && is_boot_over)
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                    "vCPU %u at line %u comes after one that can be unplugged: it "
                                    "has to be hotpluggable, too",
                                    i, line);
                if (vcpu->enabled != DOMAIN_SWITCH_ON && vcpu->hotpluggable != DOMAIN_SWITCH_ON)
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                    "vCPU %u at line %u is neither enabled nor hotpluggable", i,
                                    line);
                is_boot_over |= !is_boot;
        }
        return 0;
}

/* ---- I/O threads, pins ---- */

static bool has_iothread(const DomainDef *def, uint64_t id) {
        const GPtrArray *list = def->iothreadids.list;

        for (guint i = 0; list && i < list->len; i++)
                if (((const DomainIothread *)list->pdata[i])->id.value == id)
                        return true;
        return false;
}

static int check_iothreads(const DomainDef *def, Err *err) {
        const GPtrArray *list = def->iothreadids.list;
        g_autoptr(GHashTable) seen = g_hash_table_new(g_direct_hash, g_direct_equal);

        if (list && list->len > DOMAIN_IOTHREADS_MAX)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "more than %d I/O threads",
                            DOMAIN_IOTHREADS_MAX);
        for (guint i = 0; list && i < list->len; i++) {
                const DomainIothread *thread = list->pdata[i];

                if (thread->id.value == 0 ||
                    !g_hash_table_add(seen, GUINT_TO_POINTER(thread->id.value)))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<iothread id='%u'> at line %u: ids begin at 1, each once",
                                    (unsigned)thread->id.value, thread->node.line);
                if (thread->pool_min.is_set && thread->pool_max.is_set &&
                    thread->pool_min.value > thread->pool_max.value)
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                    "<iothread> at line %u: thread_pool_min is over "
                                    "thread_pool_max",
                                    thread->node.line);
        }
        return 0;
}

static int check_pins(const DomainDef *def, const GPtrArray *pins, bool is_iothread, Err *err) {
        g_autoptr(GHashTable) seen = g_hash_table_new(g_direct_hash, g_direct_equal);

        for (guint i = 0; pins && i < pins->len; i++) {
                const DomainPin *pin = pins->pdata[i];
                bool is_there = is_iothread ? has_iothread(def, pin->id.value)
                                            : pin->id.value < def->vcpu.count.value;

                if (is_there && g_hash_table_add(seen, GUINT_TO_POINTER(pin->id.value)))
                        continue;
                return fail(err, VIR_ERR_XML_ERROR,
                            is_iothread
                                    ? "<iothreadpin iothread='%u'> at line %u: the guest has no "
                                      "such I/O thread, or it is pinned twice"
                                    : "<vcpupin vcpu='%u'> at line %u: the guest has no such "
                                      "vCPU, or it is pinned twice",
                            (unsigned)pin->id.value, pin->node.line);
        }
        return 0;
}

static int check_priority(const DomainSched *sched, Err *err) {
        bool is_real_time = sched->policy == SCHED_POLICY_FIFO || sched->policy == SCHED_POLICY_RR;

        if (!sched->node.is_present ||
            (is_real_time ? sched->priority.value >= 1 : !sched->priority.is_set))
                return 0;
        return fail(err, VIR_ERR_XML_ERROR,
                    "the scheduler at line %u: fifo and rr need a priority from 1 to 99, others "
                    "take none",
                    sched->node.line);
}

static bool has_all(const DomainDef *def, const char *list, bool is_iothread) {
        DomainCpuset set = set_of(list);

        for (int n = domain_cpuset_next(&set, 0); is_iothread && n >= 0;
             n = domain_cpuset_next(&set, (unsigned)n + 1))
                if (!has_iothread(def, (unsigned)n))
                        return false;
        return is_iothread || is_within(list, def->vcpu.count.value);
}

static int check_scheds(const DomainDef *def, const GPtrArray *scheds, bool is_iothread, Err *err) {
        for (guint i = 0; scheds && i < scheds->len; i++) {
                const DomainSched *sched = scheds->pdata[i];
                int r = check_priority(sched, err);

                if (r < 0)
                        return r;
                if (!has_all(def, sched->ids, is_iothread))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "the scheduler at line %u names threads that the guest has "
                                    "not: %s",
                                    sched->node.line, sched->ids);
        }
        return 0;
}

static int check_cputune(const DomainDef *def, Err *err) {
        const DomainCputune *tune = &def->cputune;
        int r = check_pins(def, tune->vcpupins, false, err);

        if (r == 0)
                r = check_pins(def, tune->iothreadpins, true, err);
        if (r == 0)
                r = check_scheds(def, tune->vcpuscheds, false, err);
        if (r == 0)
                r = check_scheds(def, tune->iothreadscheds, true, err);
        return r == 0 ? check_priority(&tune->emulatorsched, err) : r;
}

int domain_validate_tuning(const DomainDef *def, Err *err) {
        static int (*const checks[])(const DomainDef *, Err *) = {
                check_cells, check_numatune,  check_memory_backing,
                check_vcpus, check_iothreads, check_cputune,
        };

        for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
                int r = checks[i](def, err);

                if (r < 0)
                        return r;
        }
        return 0;
}
