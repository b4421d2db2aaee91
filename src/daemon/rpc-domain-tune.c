/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-domain.h"

#include <string.h>

#include "daemon/dispatch.h"
#include "daemon/vm-tune.h"
#include "domain/cpuset.h"
#include "rpc/params.h"
#include "rpc/proto.h"
#include "rpc/remote_domain_tune.h"
#include "rpc/remote_event.h"

enum { AFFECT_LIVE = 1, AFFECT_CONFIG = 2, AFFECT_BOTH = 3 };
enum { MEMORY_MAXIMUM = 4 };
enum { VCPUS_MAXIMUM = 4, VCPUS_GUEST = 8, VCPUS_HOTPLUGGABLE = 16 };

/* What a call wants changed of which guest; of is completed by the flags. */
static int tune(Manager *manager, Call *call, const remote_domain *dom, unsigned flags,
                const VmTune *of, Err *err) {
        VmTune next = *of;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, dom, &vm, err);

        next.live = flags & AFFECT_LIVE;
        next.config = flags & AFFECT_CONFIG;
        return r < 0 ? r : vm_tune(vm, &next, call, err);
}

/* ---- memory ---- */

/* The calls without flags are for a running guest. */
static int set_memory(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_set_memory_args *args = data;
        VmTune of = {.kind = &vm_tune_memory, .value = args->memory};

        return tune(manager, call, &args->dom, AFFECT_LIVE, &of, err);
}

static int set_max_memory(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_set_max_memory_args *args = data;
        VmTune of = {.kind = &vm_tune_max_memory, .value = args->memory};

        return tune(manager, call, &args->dom, 0, &of, err);
}

static int set_memory_flags(Manager *manager, Call *call, const void *data, void *result,
                            Err *err) {
        const remote_domain_set_memory_flags_args *args = data;
        VmTune of = {
                .kind = args->flags & MEMORY_MAXIMUM ? &vm_tune_max_memory : &vm_tune_memory,
                .value = args->memory,
        };
        int r = flags_check(args->flags, AFFECT_BOTH | MEMORY_MAXIMUM, "virDomainSetMemoryFlags",
                            err);

        return r < 0 ? r : tune(manager, call, &args->dom, args->flags, &of, err);
}

static int set_memory_period(Manager *manager, Call *call, const void *data, void *result,
                             Err *err) {
        const remote_domain_set_memory_stats_period_args *args = data;
        VmTune of = {.kind = &vm_tune_memory_period, .value = (uint64_t)MAX(args->period, 0)};
        int r = flags_check(args->flags, AFFECT_BOTH, "virDomainSetMemoryStatsPeriod", err);

        if (r == 0 && args->period < 0)
                r = fail(err, VIR_ERR_INVALID_ARG, "a period is 0 or more seconds, not %d",
                         args->period);
        return r < 0 ? r : tune(manager, call, &args->dom, args->flags, &of, err);
}

/* ---- virtual CPUs ---- */

static int set_vcpus(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_set_vcpus_args *args = data;
        VmTune of = {.kind = &vm_tune_vcpus, .value = args->nvcpus};

        return tune(manager, call, &args->dom, AFFECT_LIVE, &of, err);
}

static int set_vcpus_flags(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_set_vcpus_flags_args *args = data;
        VmTune of = {
                .kind = args->flags & VCPUS_MAXIMUM ? &vm_tune_max_vcpus : &vm_tune_vcpus,
                .value = args->nvcpus,
        };
        int r = flags_check(args->flags,
                            AFFECT_BOTH | VCPUS_MAXIMUM | VCPUS_GUEST | VCPUS_HOTPLUGGABLE,
                            "virDomainSetVcpusFlags", err);

        if (r == 0 && (args->flags & VCPUS_GUEST))
                r = fail_hint(err,
                              fail(err, VIR_ERR_ARGUMENT_UNSUPPORTED,
                                   "virtual CPUs are not switched by the guest's agent here"),
                              "leave --guest out");
        return r < 0 ? r : tune(manager, call, &args->dom, args->flags, &of, err);
}

static int set_vcpu(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_set_vcpu_args *args = data;
        VmTune of = {.kind = &vm_tune_vcpu, .value = args->state ? 1 : 0};
        DomainCpuset ids;
        int r = flags_check(args->flags, AFFECT_BOTH, "virDomainSetVcpu", err);

        if (r == 0 &&
            (domain_cpuset_parse(args->cpumap, &ids) < 0 || domain_cpuset_count(&ids) != 1))
                r = fail(err, VIR_ERR_INVALID_ARG,
                         "'%.80s' is no vcpu: one can be switched at once", args->cpumap);
        if (r < 0)
                return r;
        of.index = (unsigned)domain_cpuset_next(&ids, 0);
        return tune(manager, call, &args->dom, args->flags, &of, err);
}

/* ---- what the host's scheduler and memory policy say ---- */

/* QEMU's threads share the processors as the kernel's default has it; there is nothing to tune. */
static int scheduler_type(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_scheduler_type_args *args = data;
        remote_domain_get_scheduler_type_ret *ret = result;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                ret->type = rpc_text("posix");
        return r;
}

static int scheduler_parameters(Manager *manager, Call *call, const void *data, void *result,
                                Err *err) {
        const remote_domain_get_scheduler_parameters_args *args = data;
        Vm *vm = NULL;

        return rpc_find_vm(manager, &args->dom, &vm, err);
}

static int scheduler_parameters_flags(Manager *manager, Call *call, const void *data, void *result,
                                      Err *err) {
        const remote_domain_get_scheduler_parameters_flags_args *args = data;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, AFFECT_BOTH | RPC_STRING_OKAY,
                                "virDomainGetSchedulerParametersFlags", err);
        return r;
}

/* Counters of the processor that a guest may have counted: none is. */
static int perf_events(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        static const char *const names[] = {
                "cmt",
                "mbmt",
                "mbml",
                "cpu_cycles",
                "instructions",
                "cache_references",
                "cache_misses",
                "branch_instructions",
                "branch_misses",
                "bus_cycles",
                "stalled_cycles_frontend",
                "stalled_cycles_backend",
                "ref_cpu_cycles",
                "cpu_clock",
                "task_clock",
                "page_faults",
                "context_switches",
                "cpu_migrations",
                "page_faults_min",
                "page_faults_maj",
                "alignment_faults",
                "emulation_faults",
        };
        const remote_domain_get_perf_events_args *args = data;
        remote_domain_get_perf_events_ret *ret = result;
        g_autoptr(RpcParams) params = rpc_params_new();
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, AFFECT_BOTH | RPC_STRING_OKAY,
                                "virDomainGetPerfEvents", err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                rpc_params_add_bool(params, names[i], false);
        rpc_params_steal(params, &ret->params.params_len, &ret->params.params_val);
        return 0;
}

/* ---- the table ---- */

static const Procedure procedures[] = {
        DOES(DOMAIN_SET_MEMORY, "virDomainSetMemory", remote_domain_set_memory, set_memory),
        DOES(DOMAIN_SET_MAX_MEMORY, "virDomainSetMaxMemory", remote_domain_set_max_memory,
             set_max_memory),
        DOES(DOMAIN_SET_MEMORY_FLAGS, "virDomainSetMemoryFlags", remote_domain_set_memory_flags,
             set_memory_flags),
        DOES(DOMAIN_SET_MEMORY_STATS_PERIOD, "virDomainSetMemoryStatsPeriod",
             remote_domain_set_memory_stats_period, set_memory_period),
        DOES(DOMAIN_SET_VCPUS, "virDomainSetVcpus", remote_domain_set_vcpus, set_vcpus),
        DOES(DOMAIN_SET_VCPUS_FLAGS, "virDomainSetVcpusFlags", remote_domain_set_vcpus_flags,
             set_vcpus_flags),
        DOES(DOMAIN_SET_VCPU, "virDomainSetVcpu", remote_domain_set_vcpu, set_vcpu),
        READS(DOMAIN_GET_PERF_EVENTS, "virDomainGetPerfEvents", remote_domain_get_perf_events,
              perf_events),
        READS(DOMAIN_GET_SCHEDULER_TYPE, "virDomainGetSchedulerType",
              remote_domain_get_scheduler_type, scheduler_type),
        READS(DOMAIN_GET_SCHEDULER_PARAMETERS, "virDomainGetSchedulerParameters",
              remote_domain_get_scheduler_parameters, scheduler_parameters),
        READS(DOMAIN_GET_SCHEDULER_PARAMETERS_FLAGS, "virDomainGetSchedulerParametersFlags",
              remote_domain_get_scheduler_parameters_flags, scheduler_parameters_flags),
};

const ProcedureTable rpc_domain_tune_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
