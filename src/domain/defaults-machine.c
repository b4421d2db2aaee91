/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/defaults.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "domain/cpuset.h"
#include "domain/kind.h"
#include "domain/tables.h"

#define EMULATOR "/usr/bin/qemu-system-x86_64"

/* ---- who the guest is ---- */

static bool uuid_is_none(const uint8_t uuid[16]) {
        static const uint8_t none[16];

        return memcmp(uuid, none, sizeof(none)) == 0;
}

static void fill_uuid(uint8_t uuid[16]) {
        if (!uuid_is_none(uuid))
                return;
        for (int i = 0; i < 16; i += 4) {
                uint32_t word = g_random_int();

                memcpy(uuid + i, &word, sizeof(word));
        }
        /* RFC 4122: version 4, variant 1. */
        uuid[6] = (uuid[6] & 0x0f) | 0x40;
        uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

/* The guest reads its UUID in the SMBIOS tables: where only these say it, it is the guest's. */
static void take_system_uuid(DomainDef *def) {
        for (guint i = 0; def->sysinfo && i < def->sysinfo->len; i++) {
                const DomainSysinfo *sysinfo = def->sysinfo->pdata[i];
                const GPtrArray *entries = sysinfo->system.entries;

                for (guint j = 0; entries && j < entries->len; j++) {
                        const DomainSysEntry *entry = entries->pdata[j];

                        if (g_str_equal(entry->name, "uuid"))
                                (void)domain_uuid_parse(entry->text, def->uuid);
                }
        }
}

static void fill_identity(DomainDef *def) {
        if (uuid_is_none(def->uuid))
                take_system_uuid(def);
        fill_uuid(def->uuid);
        if (def->genid.node.is_present)
                fill_uuid(def->genid.uuid);
}

/* ---- boot ---- */

static void fill_machine(DomainOs *os, const DomainDefaults *defaults) {
        const char *const *alias = defaults ? defaults->machine_aliases : NULL;

        fill_text(&os->type.arch, "x86_64");
        fill_text(&os->type.machine, defaults && defaults->machine ? defaults->machine : "pc");
        for (; alias && alias[0]; alias += 2) {
                if (!g_str_equal(alias[0], os->type.machine))
                        continue;
                g_free(os->type.machine);
                os->type.machine = g_strdup(alias[1]);
                return;
        }
}

static bool has_device_boot(const DomainDef *def) {
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        if (device->boot.node.is_present)
                                return true;
                }
        }
        return false;
}

static void fill_boot(DomainDef *def) {
        DomainBootDev *boot;

        if (def->os.boot || has_device_boot(def))
                return;
        boot = domain_element_new(&domain_bootdev_element);
        boot->node.is_present = true;
        boot->dev = BOOT_HD;
        def->os.boot = g_ptr_array_new();
        g_ptr_array_add(def->os.boot, boot);
}

static void fill_loader(DomainOs *os) {
        if (os->loader.path && !os->loader.type)
                os->loader.type = LOADER_ROM;
        if (os->loader.type == LOADER_PFLASH && os->loader.path)
                FILL_ENUM(os->loader.format, FLASH_RAW);
        if (os->nvram.node.is_present && os->nvram.path)
                FILL_ENUM(os->nvram.format, FLASH_RAW);
        if (os->nvram.template)
                FILL_ENUM(os->nvram.template_format, FLASH_RAW);
}

/* ---- features ---- */

static void switch_on(DomainNode *node, DomainSwitch *state) {
        if (node->is_present)
                FILL_ENUM(*state, DOMAIN_SWITCH_ON);
}

/* A feature that is only named is on. */
static void fill_features(DomainFeatures *features) {
        DomainHyperv *hyperv = &features->hyperv;
        DomainKvmFeatures *kvm = &features->kvm;
        DomainState *const states[] = {
                &features->hap,
                &features->pvspinlock,
                &features->pmu,
                &features->vmport,
                &features->vmcoreinfo,
                &features->ps2,
                &hyperv->relaxed,
                &hyperv->vapic,
                &hyperv->vpindex,
                &hyperv->runtime,
                &hyperv->synic,
                &hyperv->reset,
                &hyperv->frequencies,
                &hyperv->reenlightenment,
                &hyperv->ipi,
                &hyperv->evmcs,
                &hyperv->avic,
                &hyperv->emsr_bitmap,
                &hyperv->xmm_input,
                &hyperv->stimer.direct,
                &hyperv->tlbflush.direct,
                &hyperv->tlbflush.extended,
                &kvm->hidden,
                &kvm->hint_dedicated,
                &kvm->poll_control,
                &kvm->pv_ipi,
        };

        for (size_t i = 0; i < G_N_ELEMENTS(states); i++)
                switch_on(&states[i]->node, &states[i]->state);
        switch_on(&hyperv->spinlocks.node, &hyperv->spinlocks.state);
        switch_on(&hyperv->stimer.node, &hyperv->stimer.state);
        switch_on(&hyperv->tlbflush.node, &hyperv->tlbflush.state);
        switch_on(&hyperv->vendor_id.node, &hyperv->vendor_id.state);
        switch_on(&kvm->dirty_ring.node, &kvm->dirty_ring.state);
        switch_on(&features->smm.node, &features->smm.state);
        if (hyperv->node.is_present)
                FILL_ENUM(hyperv->mode, HYPERV_CUSTOM);
}

/* ---- sets of processors and nodes ---- */

/* The list in its shortest form, so that the same set is the same text. */
static int normalize(char **list, const DomainNode *node, const char *what, Err *err) {
        DomainCpuset set;

        if (!*list)
                return 0;
        if (domain_cpuset_parse(*list, &set) < 0)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "'%s' of <%s> at line %u is no list of numbers like 0-3,^2,8", *list,
                            what, node->line);
        g_free(*list);
        *list = domain_cpuset_format(&set);
        return 0;
}

static int normalize_pins(GPtrArray *pins, const char *what, Err *err) {
        for (guint i = 0; pins && i < pins->len; i++) {
                DomainPin *pin = pins->pdata[i];
                int r = normalize(&pin->cpuset, &pin->node, what, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int normalize_scheds(GPtrArray *scheds, const char *what, Err *err) {
        for (guint i = 0; scheds && i < scheds->len; i++) {
                DomainSched *sched = scheds->pdata[i];
                int r = normalize(&sched->ids, &sched->node, what, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int normalize_cputune(DomainCputune *tune, Err *err) {
        int r = normalize_pins(tune->vcpupins, "vcpupin", err);

        if (r == 0)
                r = normalize(&tune->emulatorpin.cpuset, &tune->emulatorpin.node, "emulatorpin",
                              err);
        if (r == 0)
                r = normalize_pins(tune->iothreadpins, "iothreadpin", err);
        if (r == 0)
                r = normalize_scheds(tune->vcpuscheds, "vcpusched", err);
        return r == 0 ? normalize_scheds(tune->iothreadscheds, "iothreadsched", err) : r;
}

static int normalize_numa(DomainDef *def, Err *err) {
        DomainNumatune *tune = &def->numatune;
        GPtrArray *pages = def->memory_backing.hugepages.pages;
        int r = normalize(&tune->memory.nodeset, &tune->memory.node, "memory", err);

        for (guint i = 0; r == 0 && tune->memnodes && i < tune->memnodes->len; i++) {
                DomainMemnode *memnode = tune->memnodes->pdata[i];

                r = normalize(&memnode->nodeset, &memnode->node, "memnode", err);
        }
        for (guint i = 0; r == 0 && pages && i < pages->len; i++) {
                DomainHugePage *page = pages->pdata[i];

                r = normalize(&page->nodeset, &page->node, "page", err);
        }
        return r;
}

static int normalize_sets(DomainDef *def, Err *err) {
        int r = normalize(&def->vcpu.cpuset, &def->vcpu.node, "vcpu", err);

        if (r == 0)
                r = normalize_cputune(&def->cputune, err);
        return r == 0 ? normalize_numa(def, err) : r;
}

static void fill_numatune(DomainNumatune *tune) {
        if (tune->memory.node.is_present)
                FILL_ENUM(tune->memory.mode, NUMA_STRICT);
        for (guint i = 0; tune->memnodes && i < tune->memnodes->len; i++)
                FILL_ENUM(((DomainMemnode *)tune->memnodes->pdata[i])->mode, NUMA_STRICT);
}

/* ---- processors ---- */

static void fill_cpu(DomainCpu *cpu, DomainType type) {
        bool is_named = cpu->model.name != NULL;

        cpu->node.is_present = true;
        FILL_ENUM(cpu->mode, CPU_CUSTOM);
        if (cpu->mode == CPU_CUSTOM) {
                FILL_ENUM(cpu->match, CPU_EXACT);
                FILL_ENUM(cpu->check,
                          is_named && type == DOMAIN_TYPE_KVM ? CPU_CHECK_PARTIAL : CPU_CHECK_NONE);
                cpu->model.node.is_present = true;
                FILL_ENUM(cpu->model.fallback, is_named ? CPU_FALLBACK_ALLOW : CPU_FALLBACK_FORBID);
                fill_text(&cpu->model.name, "qemu64");
        } else if (cpu->mode == CPU_HOST_MODEL) {
                FILL_ENUM(cpu->check, CPU_CHECK_PARTIAL);
        } else {
                FILL_ENUM(cpu->check, CPU_CHECK_NONE);
                if (type == DOMAIN_TYPE_KVM)
                        FILL_ENUM(cpu->migratable, DOMAIN_SWITCH_ON);
        }
        if (cpu->topology.node.is_present) {
                fill_num(&cpu->topology.dies, 1);
                fill_num(&cpu->topology.clusters, 1);
        }
        for (guint i = 0; cpu->features && i < cpu->features->len; i++)
                FILL_ENUM(((DomainCpuFeature *)cpu->features->pdata[i])->policy, CPU_REQUIRE);
}

static DomainVcpu *find_vcpu(const GPtrArray *list, unsigned id) {
        for (guint i = 0; i < list->len; i++) {
                DomainVcpu *vcpu = list->pdata[i];

                if (vcpu->id.value == id)
                        return vcpu;
        }
        return NULL;
}

static int compare_vcpus(gconstpointer a, gconstpointer b) {
        const DomainVcpu *first = *(DomainVcpu *const *)a;
        const DomainVcpu *second = *(DomainVcpu *const *)b;

        return (first->id.value > second->id.value) - (first->id.value < second->id.value);
}

/* Where one vCPU is told of, all are, and how many are enabled follows from that. */
static void fill_vcpus(DomainDef *def) {
        GPtrArray *list = def->vcpus.list;
        unsigned enabled = 0, count = (unsigned)def->vcpu.count.value;
        uint64_t current = domain_num_or(def->vcpu.current, count);

        if (!list)
                return;
        for (unsigned id = 0; id < MIN(count, DOMAIN_VCPUS_MAX); id++) {
                DomainVcpu *vcpu = find_vcpu(list, id);

                if (!vcpu) {
                        vcpu = domain_element_new(&domain_vcpu_element);
                        vcpu->node.is_present = true;
                        vcpu->id = DOMAIN_NUM(id);
                        vcpu->enabled = id < current ? DOMAIN_SWITCH_ON : DOMAIN_SWITCH_OFF;
                        g_ptr_array_add(list, vcpu);
                }
                if (vcpu->enabled == DOMAIN_SWITCH_ON)
                        enabled++;
                FILL_ENUM(vcpu->hotpluggable,
                          vcpu->enabled == DOMAIN_SWITCH_ON ? DOMAIN_SWITCH_OFF : DOMAIN_SWITCH_ON);
        }
        g_ptr_array_sort(list, compare_vcpus);
        def->vcpu.current = enabled < count ? DOMAIN_NUM(enabled) : (DomainNum){};
}

static bool has_iothread(const GPtrArray *list, unsigned id) {
        for (guint i = 0; i < list->len; i++)
                if (((const DomainIothread *)list->pdata[i])->id.value == id)
                        return true;
        return false;
}

/* As many as are asked for, each with an id. */
static void fill_iothreads(DomainDef *def) {
        GPtrArray *list = def->iothreadids.list;
        unsigned id = 1;

        if (!list && !def->iothreads.is_set)
                return;
        if (!list)
                list = def->iothreadids.list = g_ptr_array_new();
        if (domain_num_or(def->iothreads, 0) < list->len)
                def->iothreads = DOMAIN_NUM(list->len);
        while (list->len < def->iothreads.value) {
                DomainIothread *thread;

                while (has_iothread(list, id))
                        id++;
                thread = domain_element_new(&domain_iothread_element);
                thread->node.is_present = true;
                thread->id = DOMAIN_NUM(id);
                g_ptr_array_add(list, thread);
        }
}

/* ---- memory ---- */

static DomainCell *find_cell(const GPtrArray *cells, unsigned id) {
        for (guint i = 0; i < cells->len; i++) {
                DomainCell *cell = cells->pdata[i];

                if (cell->id.is_set && cell->id.value == id)
                        return cell;
        }
        return NULL;
}

static int compare_cells(gconstpointer a, gconstpointer b) {
        const DomainCell *first = *(DomainCell *const *)a, *second = *(DomainCell *const *)b;

        return (first->id.value > second->id.value) - (first->id.value < second->id.value);
}

static const DomainSibling *find_sibling(const DomainCell *cell, unsigned id) {
        const GPtrArray *siblings = cell->distances.siblings;

        for (guint i = 0; siblings && i < siblings->len; i++) {
                const DomainSibling *sibling = siblings->pdata[i];

                if (sibling->id.value == id)
                        return sibling;
        }
        return NULL;
}

/* As near as the other way where that is told, else as ACPI has it: 10 to itself, 20 to others. */
static void add_sibling(DomainCell *from, const DomainCell *to) {
        const DomainSibling *back = find_sibling(to, (unsigned)from->id.value);
        DomainSibling *sibling;

        if (find_sibling(from, (unsigned)to->id.value))
                return;
        if (!from->distances.siblings)
                from->distances.siblings = g_ptr_array_new();
        from->distances.node.is_present = true;
        sibling = domain_element_new(&domain_sibling_element);
        sibling->node.is_present = true;
        sibling->id = to->id;
        sibling->value = back ? back->value : DOMAIN_NUM(from == to ? 10 : 20);
        g_ptr_array_add(from->distances.siblings, sibling);
}

static int compare_siblings(gconstpointer a, gconstpointer b) {
        const DomainSibling *first = *(DomainSibling *const *)a;
        const DomainSibling *second = *(DomainSibling *const *)b;

        return (first->id.value > second->id.value) - (first->id.value < second->id.value);
}

/* Where one distance is told, all are. */
static void fill_distances(GPtrArray *cells) {
        bool has_any = false;

        for (guint i = 0; i < cells->len; i++)
                has_any |= ((const DomainCell *)cells->pdata[i])->distances.node.is_present;
        for (guint i = 0; has_any && i < cells->len; i++)
                for (guint j = 0; j < cells->len; j++)
                        add_sibling(cells->pdata[i], cells->pdata[j]);
        for (guint i = 0; has_any && i < cells->len; i++)
                g_ptr_array_sort(((DomainCell *)cells->pdata[i])->distances.siblings,
                                 compare_siblings);
}

static int fill_cells(DomainDef *def, Err *err) {
        GPtrArray *cells = def->cpu.numa.cells;
        unsigned id = 0;

        for (guint i = 0; cells && i < cells->len; i++) {
                DomainCell *cell = cells->pdata[i];
                int r = normalize(&cell->cpus, &cell->node, "cell", err);

                if (r < 0)
                        return r;
                while (!cell->id.is_set && find_cell(cells, id))
                        id++;
                fill_num(&cell->id, id);
        }
        if (!cells)
                return 0;
        g_ptr_array_sort(cells, compare_cells);
        fill_distances(cells);
        return 0;
}

void domain_def_sum_memory(DomainDef *def) {
        const GPtrArray *cells = def->cpu.numa.cells;
        uint64_t sum = 0;

        if (!cells)
                return;
        for (guint i = 0; i < cells->len; i++)
                sum += ((const DomainCell *)cells->pdata[i])->memory;
        DOMAIN_FOREACH(DomainMemory, memory, def, DOMAIN_MEMORY)
                sum += memory->target.size;
        def->memory = sum;
}

/* A balloon that was inflated stays as it is: what was told of less than all memory counts. */
static void fill_memory(DomainDef *def) {
        domain_def_sum_memory(def);
        if (def->current_memory == 0 || (def->cpu.numa.cells && def->current_memory > def->memory))
                def->current_memory = def->memory;
}

/* ---- clock ---- */

int domain_clock_adjustment(const char *text, int64_t *ret) {
        bool is_negative = *text == '-';
        uint64_t value;

        if (str_to_uint(text + is_negative, 10, INT64_MAX, &value) < 0)
                return -EINVAL;
        *ret = is_negative ? -(int64_t)value : (int64_t)value;
        return 0;
}

/* A clock that is off by some seconds is the same by another name. */
static void fill_clock(DomainClock *clock) {
        int64_t seconds;

        clock->node.is_present = true;
        FILL_ENUM(clock->offset, CLOCK_UTC);
        if ((clock->offset == CLOCK_UTC || clock->offset == CLOCK_LOCALTIME) && clock->adjustment &&
            domain_clock_adjustment(clock->adjustment, &seconds) == 0) {
                clock->basis = clock->offset == CLOCK_UTC ? CLOCK_BASIS_UTC : CLOCK_BASIS_LOCALTIME;
                clock->offset = CLOCK_VARIABLE;
        }
        if (clock->offset == CLOCK_VARIABLE) {
                fill_text(&clock->adjustment, "0");
                FILL_ENUM(clock->basis, CLOCK_BASIS_UTC);
        }
}

/* ---- the whole ---- */

/* The namespace of <qemu:commandline>, which the document may have had elsewhere. */
static void fill_qemu_namespace(DomainDef *def) {
        DomainNode *node = &def->node;

        if (!def->qemu_commandline.node.is_present ||
            (node->attrs && strstr(node->attrs->str, " xmlns:qemu=")))
                return;
        if (!node->attrs)
                node->attrs = g_string_new(NULL);
        g_string_append(node->attrs, " xmlns:qemu='" DOMAIN_QEMU_NS "'");
}

static void fill_lifecycle(DomainDef *def) {
        FILL_ENUM(def->on_poweroff, LIFECYCLE_DESTROY);
        FILL_ENUM(def->on_reboot, LIFECYCLE_RESTART);
        FILL_ENUM(def->on_crash, LIFECYCLE_DESTROY);
}

static void fill_threads(DomainDef *def) {
        def->vcpu.node.is_present = true;
        fill_num(&def->vcpu.count, 1);
        def->vcpu.placement = VCPU_STATIC;
        fill_vcpus(def);
        fill_iothreads(def);
        fill_numatune(&def->numatune);
}

static int fill_firmware(DomainDef *def, const DomainDefaults *defaults, Err *err) {
        if (def->os.nvram.file)
                fill_text(&def->os.nvram.path, def->os.nvram.file);
        if (defaults && defaults->choose_firmware) {
                int r = defaults->choose_firmware(def, defaults->firmware, err);

                if (r < 0)
                        return r;
        }
        fill_loader(&def->os);
        return 0;
}

int domain_defaults_fill_machine(DomainDef *def, const DomainDefaults *defaults, Err *err) {
        int r;

        fill_identity(def);
        fill_machine(&def->os, defaults);
        fill_boot(def);
        fill_features(&def->features);
        fill_cpu(&def->cpu, def->type);
        fill_threads(def);
        r = normalize_sets(def, err);
        if (r == 0)
                r = fill_cells(def, err);
        if (r == 0)
                r = fill_firmware(def, defaults, err);
        if (r < 0)
                return r;
        fill_memory(def);
        fill_clock(&def->clock);
        fill_lifecycle(def);
        fill_qemu_namespace(def);
        def->devices.node.is_present = true;
        fill_text(&def->devices.emulator,
                  defaults && defaults->emulator ? defaults->emulator : EMULATOR);
        return 0;
}
