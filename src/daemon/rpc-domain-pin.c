/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-domain.h"

#include <string.h>

#include "daemon/dispatch.h"
#include "daemon/vm-ask.h"
#include "daemon/vm-pin.h"
#include "daemon/vm-tune.h"
#include "domain/threads.h"
#include "rpc/params.h"
#include "rpc/proto.h"
#include "rpc/remote_domain_tune.h"

enum { AFFECT_LIVE = 1, AFFECT_CONFIG = 2, AFFECT_BOTH = 3 };

/* A map for a client: one bit a processor, lowest first. */
#define CPUMAP_MAX  2048
#define CPUMAPS_MAX 8388608

static void fill_map(const DomainCpuset *set, uint8_t *map, size_t size) {
        for (unsigned cpu = 0; cpu < size * 8; cpu++)
                if (domain_cpuset_has(set, cpu))
                        map[cpu / 8] |= (uint8_t)(1u << (cpu % 8));
}

/* ---- pinning ---- */

typedef struct PinCall {
        const remote_domain *dom;
        const VmTuneKind *kind;
        unsigned index, flags;
        const char *map;
        u_int map_size;
        const char *function;
} PinCall;

static int pin(Manager *manager, Call *call, const PinCall *what, Err *err) {
        VmTune of = {
                .kind = what->kind,
                .live = what->flags & AFFECT_LIVE,
                .config = what->flags & AFFECT_CONFIG,
                .index = what->index,
                .map = (const uint8_t *)what->map,
                .map_size = what->map_size,
        };
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, what->dom, &vm, err);

        if (r == 0)
                r = flags_check(what->flags, AFFECT_BOTH, what->function, err);
        return r != 0 ? r : vm_tune(vm, &of, call, err);
}

/* Without flags: a running guest. */
static int pin_vcpu(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_pin_vcpu_args *args = data;
        PinCall what = {&args->dom,        &vm_tune_vcpu_pin,       args->vcpu,
                        AFFECT_LIVE,       args->cpumap.cpumap_val, args->cpumap.cpumap_len,
                        "virDomainPinVcpu"};

        return pin(manager, call, &what, err);
}

static int pin_vcpu_flags(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_pin_vcpu_flags_args *args = data;
        PinCall what = {&args->dom,
                        &vm_tune_vcpu_pin,
                        args->vcpu,
                        args->flags,
                        args->cpumap.cpumap_val,
                        args->cpumap.cpumap_len,
                        "virDomainPinVcpuFlags"};

        return pin(manager, call, &what, err);
}

static int pin_emulator(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_pin_emulator_args *args = data;
        PinCall what = {&args->dom,
                        &vm_tune_emulator_pin,
                        0,
                        args->flags,
                        args->cpumap.cpumap_val,
                        args->cpumap.cpumap_len,
                        "virDomainPinEmulator"};

        return pin(manager, call, &what, err);
}

static int pin_iothread(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_pin_iothread_args *args = data;
        PinCall what = {&args->dom,
                        &vm_tune_iothread_pin,
                        args->iothreads_id,
                        args->flags,
                        args->cpumap.cpumap_val,
                        args->cpumap.cpumap_len,
                        "virDomainPinIOThread"};

        return pin(manager, call, &what, err);
}

static int change_iothread(Manager *manager, Call *call, const PinCall *what, Err *err) {
        if (what->index == 0)
                return fail(err, VIR_ERR_INVALID_ARG, "invalid value of 0 for iothread_id");
        return pin(manager, call, what, err);
}

static int add_iothread(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_add_iothread_args *args = data;
        PinCall what = {.dom = &args->dom,
                        .kind = &vm_tune_add_iothread,
                        .index = args->iothread_id,
                        .flags = args->flags,
                        .function = "virDomainAddIOThread"};

        return change_iothread(manager, call, &what, err);
}

static int del_iothread(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_del_iothread_args *args = data;
        PinCall what = {.dom = &args->dom,
                        .kind = &vm_tune_del_iothread,
                        .index = args->iothread_id,
                        .flags = args->flags,
                        .function = "virDomainDelIOThread"};

        return change_iothread(manager, call, &what, err);
}

/* ---- where they are pinned ---- */

/* The definition that the flags mean. */
static int find_def(Manager *manager, const remote_domain *dom, unsigned flags,
                    const char *function, const DomainDef **ret, Err *err) {
        bool live = flags & AFFECT_LIVE, config = flags & AFFECT_CONFIG;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, dom, &vm, err);

        if (r == 0)
                r = flags_check(flags, AFFECT_BOTH | RPC_STRING_OKAY, function, err);
        if (r == 0 && live && config)
                r = fail(err, VIR_ERR_INVALID_ARG,
                         "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are "
                         "mutually exclusive");
        if (r == 0)
                r = vm_settle(vm, &live, &config, err);
        if (r != 0)
                return r;
        *ret = vm_def(vm, config);
        return 0;
}

/* Whoever has no set of its own has that of all vCPUs. */
static const char *cpuset_of(const DomainDef *def, const char *own) {
        return own ? own : def->vcpu.cpuset;
}

static const char *cpuset_at(const DomainDef *def, const GPtrArray *pins, unsigned id) {
        const DomainPin *pin = domain_pin_find(pins, id);

        return cpuset_of(def, pin ? pin->cpuset : NULL);
}

static int vcpu_pin_info(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_vcpu_pin_info_args *args = data;
        remote_domain_get_vcpu_pin_info_ret *ret = result;
        const DomainDef *def = NULL;
        unsigned n;
        int r = find_def(manager, &args->dom, args->flags, "virDomainGetVcpuPinInfo", &def, err);

        if (r != 0)
                return r;
        if (args->ncpumaps < 0 || args->maplen < 0 ||
            (int64_t)args->ncpumaps * args->maplen > CPUMAPS_MAX)
                return fail(err, VIR_ERR_INVALID_ARG, "%d maps of %d bytes are too many",
                            args->ncpumaps, args->maplen);
        n = MIN((unsigned)args->ncpumaps, (unsigned)domain_num_or(def->vcpu.count, 1));
        ret->num = (int)n;
        ret->cpumaps.cpumaps_len = n * (unsigned)args->maplen;
        ret->cpumaps.cpumaps_val = g_malloc0(MAX(ret->cpumaps.cpumaps_len, 1));
        for (unsigned id = 0; id < n; id++) {
                DomainCpuset set;

                vm_pin_set(cpuset_at(def, def->cputune.vcpupins, id), &set);
                fill_map(&set, (uint8_t *)ret->cpumaps.cpumaps_val + (size_t)id * args->maplen,
                         (size_t)args->maplen);
        }
        return 0;
}

static int emulator_pin_info(Manager *manager, Call *call, const void *data, void *result,
                             Err *err) {
        const remote_domain_get_emulator_pin_info_args *args = data;
        remote_domain_get_emulator_pin_info_ret *ret = result;
        const DomainDef *def = NULL;
        DomainCpuset set;
        int r = find_def(manager, &args->dom, args->flags, "virDomainGetEmulatorPinInfo", &def,
                         err);

        if (r != 0)
                return r;
        if (args->maplen < 0 || args->maplen > CPUMAPS_MAX)
                return fail(err, VIR_ERR_INVALID_ARG, "a map of %d bytes is too long",
                            args->maplen);
        vm_pin_set(cpuset_of(def, def->cputune.emulatorpin.cpuset), &set);
        ret->ret = 1;
        ret->cpumaps.cpumaps_len = (u_int)args->maplen;
        ret->cpumaps.cpumaps_val = g_malloc0(MAX((size_t)args->maplen, 1));
        fill_map(&set, (uint8_t *)ret->cpumaps.cpumaps_val, (size_t)args->maplen);
        return 0;
}

static int iothread_info(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_iothread_info_args *args = data;
        remote_domain_get_iothread_info_ret *ret = result;
        size_t size = (vm_host_cpus() + 7) / 8;
        const DomainDef *def = NULL;
        const GPtrArray *list;
        int r = find_def(manager, &args->dom, args->flags, "virDomainGetIOThreadInfo", &def, err);

        if (r != 0)
                return r;
        list = def->iothreadids.list;
        ret->ret = ret->info.info_len = list ? list->len : 0;
        ret->info.info_val = g_new0(remote_domain_iothread_info, MAX(ret->ret, 1));
        for (guint i = 0; i < ret->ret; i++) {
                const DomainIothread *thread = list->pdata[i];
                remote_domain_iothread_info *info = &ret->info.info_val[i];
                unsigned id = (unsigned)thread->id.value;
                DomainCpuset set;

                vm_pin_set(cpuset_at(def, def->cputune.iothreadpins, id), &set);
                info->iothread_id = id;
                info->cpumap.cpumap_len = (u_int)MIN(size, CPUMAP_MAX);
                info->cpumap.cpumap_val = g_malloc0(MAX(size, 1));
                fill_map(&set, (uint8_t *)info->cpumap.cpumap_val, info->cpumap.cpumap_len);
        }
        return 0;
}

/* ---- memory of which nodes ---- */

/* virDomainNumatuneMemMode, by NumaMode. */
static const int numa_modes[] = {
        [NUMA_MODE_UNSET] = 0,
        [NUMA_STRICT] = 0,
        [NUMA_PREFERRED] = 1,
        [NUMA_INTERLEAVE] = 2,
};

static int numa_parameters(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_numa_parameters_args *args = data;
        remote_domain_get_numa_parameters_ret *ret = result;
        g_autoptr(RpcParams) params = rpc_params_new();
        const DomainDef *def = NULL;
        int r = find_def(manager, &args->dom, args->flags, "virDomainGetNumaParameters", &def, err);

        if (r != 0)
                return r;
        ret->nparams = 2;
        if (args->nparams == 0)
                return 0;
        rpc_params_add_int(params, "numa_mode", numa_modes[def->numatune.memory.mode]);
        if (args->flags & RPC_STRING_OKAY)
                rpc_params_add_string(params, "numa_nodeset",
                                      def->numatune.memory.nodeset ? def->numatune.memory.nodeset
                                                                   : "");
        rpc_params_steal(params, &ret->params.params_len, &ret->params.params_val);
        ret->nparams = (int)ret->params.params_len;
        return 0;
}

/* ---- the table ---- */

static const Procedure procedures[] = {
        DOES(DOMAIN_PIN_VCPU, "virDomainPinVcpu", remote_domain_pin_vcpu, pin_vcpu),
        DOES(DOMAIN_PIN_VCPU_FLAGS, "virDomainPinVcpuFlags", remote_domain_pin_vcpu_flags,
             pin_vcpu_flags),
        DOES(DOMAIN_PIN_EMULATOR, "virDomainPinEmulator", remote_domain_pin_emulator, pin_emulator),
        DOES(DOMAIN_PIN_IOTHREAD, "virDomainPinIOThread", remote_domain_pin_iothread, pin_iothread),
        DOES(DOMAIN_ADD_IOTHREAD, "virDomainAddIOThread", remote_domain_add_iothread, add_iothread),
        DOES(DOMAIN_DEL_IOTHREAD, "virDomainDelIOThread", remote_domain_del_iothread, del_iothread),
        READS(DOMAIN_GET_VCPU_PIN_INFO, "virDomainGetVcpuPinInfo", remote_domain_get_vcpu_pin_info,
              vcpu_pin_info),
        READS(DOMAIN_GET_EMULATOR_PIN_INFO, "virDomainGetEmulatorPinInfo",
              remote_domain_get_emulator_pin_info, emulator_pin_info),
        READS(DOMAIN_GET_IOTHREAD_INFO, "virDomainGetIOThreadInfo", remote_domain_get_iothread_info,
              iothread_info),
        READS(DOMAIN_GET_NUMA_PARAMETERS, "virDomainGetNumaParameters",
              remote_domain_get_numa_parameters, numa_parameters),
};

const ProcedureTable rpc_domain_pin_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
