/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processors: -cpu, -smp, and those that were plugged in from the start. */
#include "qemu/args-part.h"
#include "qemu/cpu-model.h"

static bool is_on(const DomainState *state) {
        return state->state == DOMAIN_SWITCH_ON;
}

static const char *on_off(DomainSwitch value) {
        return value == DOMAIN_SWITCH_ON ? "on" : "off";
}

/* ---- the model ---- */

/* A host-model that nobody has worked out (daemon/vm-cpu.h) is all that the host has. */
static const char *cpu_name(const DomainDef *def) {
        if (def->cpu.mode == CPU_CUSTOM)
                return def->cpu.model.name;
        if (def->cpu.mode == CPU_MAXIMUM || def->type == DOMAIN_TYPE_QEMU)
                return "max";
        return "host";
}

static void append_features(GString *out, const DomainCpu *cpu) {
        for (guint i = 0; cpu->features && i < cpu->features->len; i++) {
                const DomainCpuFeature *feature = cpu->features->pdata[i];
                bool is_off = feature->policy == CPU_DISABLE || feature->policy == CPU_FORBID;

                if (cpu_feature_is_foreign(feature->name))
                        continue;
                g_string_append_printf(out, ",%s=%s", feature->name, is_off ? "off" : "on");
        }
}

static void append_cache(GString *out, const DomainCpu *cpu) {
        bool is_host = cpu->mode == CPU_HOST_PASSTHROUGH || cpu->mode == CPU_MAXIMUM;

        if (!cpu->cache.node.is_present)
                return;
        if (cpu->cache.mode == CPU_CACHE_EMULATE)
                g_string_append(out, ",l3-cache=on");
        if (cpu->cache.mode == CPU_CACHE_PASSTHROUGH)
                g_string_append(out, ",host-cache-info=on");
        else if (is_host)
                g_string_append(out, ",host-cache-info=off");
        if (cpu->cache.mode != CPU_CACHE_EMULATE)
                g_string_append(out, ",l3-cache=off");
}

static void append_address_bits(GString *out, const DomainCpu *cpu) {
        if (!cpu->maxphysaddr.node.is_present)
                return;
        if (cpu->maxphysaddr.mode == CPU_ADDRESS_EMULATE)
                g_string_append_printf(out, ",phys-bits=%u", (unsigned)cpu->maxphysaddr.bits.value);
        else
                g_string_append(out, ",host-phys-bits=on");
        if (cpu->maxphysaddr.limit.is_set)
                g_string_append_printf(out, ",host-phys-bits-limit=%u",
                                       (unsigned)cpu->maxphysaddr.limit.value);
}

/* ---- what the guest is told of its hypervisor ---- */

static void append_state(GString *out, const char *property, const DomainState *state) {
        if (state->node.is_present)
                g_string_append_printf(out, ",%s=%s", property, on_off(state->state));
}

static void append_hyperv(GString *out, const DomainHyperv *hyperv) {
        const struct {
                const DomainState *state;
                const char *property;
        } plain[] = {
                {&hyperv->relaxed, "hv-relaxed"},
                {&hyperv->vapic, "hv-vapic"},
                {&hyperv->vpindex, "hv-vpindex"},
                {&hyperv->runtime, "hv-runtime"},
                {&hyperv->synic, "hv-synic"},
                {&hyperv->stimer.direct, "hv-stimer-direct"},
                {&hyperv->reset, "hv-reset"},
                {&hyperv->frequencies, "hv-frequencies"},
                {&hyperv->reenlightenment, "hv-reenlightenment"},
                {&hyperv->tlbflush.direct, "hv-tlbflush-direct"},
                {&hyperv->tlbflush.extended, "hv-tlbflush-ext"},
                {&hyperv->ipi, "hv-ipi"},
                {&hyperv->evmcs, "hv-evmcs"},
                {&hyperv->avic, "hv-avic"},
                {&hyperv->emsr_bitmap, "hv-emsr-bitmap"},
                {&hyperv->xmm_input, "hv-xmm-input"},
        };

        if (hyperv->mode == HYPERV_PASSTHROUGH)
                g_string_append(out, ",hv-passthrough=on");
        for (size_t i = 0; i < G_N_ELEMENTS(plain); i++)
                if (is_on(plain[i].state))
                        g_string_append_printf(out, ",%s=on", plain[i].property);
        if (hyperv->stimer.state == DOMAIN_SWITCH_ON)
                g_string_append(out, ",hv-stimer=on");
        if (hyperv->tlbflush.state == DOMAIN_SWITCH_ON)
                g_string_append(out, ",hv-tlbflush=on");
        if (hyperv->spinlocks.state == DOMAIN_SWITCH_ON)
                g_string_append_printf(out, ",hv-spinlocks=0x%x",
                                       (unsigned)hyperv->spinlocks.retries.value);
        if (hyperv->vendor_id.state == DOMAIN_SWITCH_ON)
                g_string_append_printf(out, ",hv-vendor-id=%s", hyperv->vendor_id.value);
}

/* Through a register of the hypervisor's, the guest's last words reach us. */
static void append_panic(GString *out, const DomainDef *def) {
        DOMAIN_FOREACH(DomainPanic, panic, def, DOMAIN_PANIC)
                if (panic->model == PANIC_HYPERV)
                        g_string_append(out, ",hv-crash=on");
}

static void append_kvm(GString *out, const DomainFeatures *features) {
        if (features->apic.eoi)
                g_string_append_printf(out, ",kvm-pv-eoi=%s", on_off(features->apic.eoi));
        append_state(out, "kvm-pv-unhalt", &features->pvspinlock);
        if (is_on(&features->kvm.hidden))
                g_string_append(out, ",kvm=off");
        append_state(out, "kvm-hint-dedicated", &features->kvm.hint_dedicated);
        append_state(out, "kvm-poll-control", &features->kvm.poll_control);
        append_state(out, "kvm-pv-ipi", &features->kvm.pv_ipi);
        append_state(out, "pmu", &features->pmu);
}

static void append_timers(GString *out, const DomainDef *def) {
        const DomainTimer *kvmclock = qemu_args_find_timer(def, TIMER_KVMCLOCK);
        const DomainTimer *hyperv = qemu_args_find_timer(def, TIMER_HYPERVCLOCK);
        const DomainTimer *tsc = qemu_args_find_timer(def, TIMER_TSC);

        if (hyperv && hyperv->present != DOMAIN_SWITCH_OFF)
                g_string_append(out, ",hv-time=on");
        if (kvmclock && kvmclock->present == DOMAIN_SWITCH_OFF)
                g_string_append(out, ",kvmclock=off");
        if (tsc && tsc->present == DOMAIN_SWITCH_OFF)
                g_string_append(out, ",tsc=off");
        if (tsc && tsc->frequency.is_set)
                g_string_append_printf(out, ",tsc-frequency=%" G_GUINT64_FORMAT,
                                       tsc->frequency.value);
}

void qemu_args_cpu(GPtrArray *args, const DomainDef *def) {
        g_autoptr(GString) out = g_string_new(cpu_name(def));

        if (def->cpu.migratable && def->type == DOMAIN_TYPE_KVM)
                g_string_append_printf(out, ",migratable=%s", on_off(def->cpu.migratable));
        if (def->cpu.model.vendor_id)
                g_string_append_printf(out, ",vendor=%s", def->cpu.model.vendor_id);
        append_features(out, &def->cpu);
        append_timers(out, def);
        append_hyperv(out, &def->features.hyperv);
        append_panic(out, def);
        append_kvm(out, &def->features);
        append_cache(out, &def->cpu);
        append_address_bits(out, &def->cpu);
        if (def->cpu.check == CPU_CHECK_FULL)
                g_string_append(out, ",enforce=on");
        qemu_args_add(args, "-cpu", out->str);
}

/* ---- how many ---- */

typedef struct Topology {
        unsigned sockets, dies, cores, threads;
} Topology;

static Topology topology_of(const DomainDef *def) {
        const DomainCpu *cpu = &def->cpu;
        unsigned count = (unsigned)def->vcpu.count.value;

        return (Topology){
                .sockets = cpu->topology.node.is_present
                                   ? (unsigned)domain_num_or(cpu->topology.sockets, 1)
                                   : count,
                .dies = (unsigned)domain_num_or(cpu->topology.dies, 1),
                .cores = (unsigned)domain_num_or(cpu->topology.cores, 1),
                .threads = (unsigned)domain_num_or(cpu->topology.threads, 1),
        };
}

static bool is_plugged(const DomainVcpu *vcpu) {
        return vcpu->enabled == DOMAIN_SWITCH_ON && vcpu->hotpluggable == DOMAIN_SWITCH_ON;
}

/* Those that QEMU makes with the board: what can be unplugged is plugged in after. */
static unsigned boot_count(const DomainDef *def) {
        unsigned count = (unsigned)domain_num_or(def->vcpu.current, def->vcpu.count.value);
        const GPtrArray *list = def->vcpus.list;

        for (guint i = 0; list && i < list->len; i++)
                count -= is_plugged(list->pdata[i]);
        return count;
}

static void add_boot_cpus(GPtrArray *args, const DomainDef *def) {
        Topology topology = topology_of(def);

        qemu_args_add_format(args, "-smp", "%u,maxcpus=%u,sockets=%u,dies=%u,cores=%u,threads=%u",
                             boot_count(def), (unsigned)def->vcpu.count.value, topology.sockets,
                             topology.dies, topology.cores, topology.threads);
}

/* The slot of a vCPU is its place in the topology, threads counted first. */
static json_t *vcpu_device(const DomainDef *def, unsigned id) {
        Topology topology = topology_of(def);
        unsigned core = id / topology.threads, die = core / topology.cores;
        json_t *object = json_object();

        json_object_set_new(object, "driver", json_sprintf("%s-x86_64-cpu", cpu_name(def)));
        json_object_set_new(object, "id", json_sprintf("vcpu%u", id));
        SET_INT(object, "socket-id", die / topology.dies);
        if (topology.dies > 1)
                SET_INT(object, "die-id", die % topology.dies);
        SET_INT(object, "core-id", core % topology.cores);
        SET_INT(object, "thread-id", id % topology.threads);
        return object;
}

static int compare_orders(gconstpointer a, gconstpointer b) {
        const DomainVcpu *first = *(DomainVcpu *const *)a, *second = *(DomainVcpu *const *)b;
        uint64_t first_order = domain_num_or(first->order, UINT64_MAX);
        uint64_t second_order = domain_num_or(second->order, UINT64_MAX);

        if (first_order != second_order)
                return first_order > second_order ? 1 : -1;
        return (first->id.value > second->id.value) - (first->id.value < second->id.value);
}

static void add_plugged(GPtrArray *args, const DomainDef *def) {
        g_autoptr(GPtrArray) plugged = g_ptr_array_new();
        const GPtrArray *list = def->vcpus.list;

        for (guint i = 0; list && i < list->len; i++)
                if (is_plugged(list->pdata[i]))
                        g_ptr_array_add(plugged, list->pdata[i]);
        g_ptr_array_sort(plugged, compare_orders);
        for (guint i = 0; i < plugged->len; i++) {
                const DomainVcpu *vcpu = plugged->pdata[i];

                qemu_args_add_json(args, "-device", vcpu_device(def, (unsigned)vcpu->id.value));
        }
}

void qemu_args_smp(GPtrArray *args, const DomainDef *def) {
        add_boot_cpus(args, def);
        add_plugged(args, def);
}
