/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-cpu.h"

#include <errno.h>

#include "base/util.h"
#include "daemon/cpu-store.h"
#include "qemu/cpu-match.h"

static bool is_checked(const DomainCpu *cpu) {
        return cpu->check == CPU_CHECK_PARTIAL || cpu->check == CPU_CHECK_FULL;
}

static bool is_worked_out(const DomainCpu *cpu) {
        return cpu->mode == CPU_HOST_MODEL ||
               (cpu->mode == CPU_CUSTOM && cpu->match == CPU_MINIMUM);
}

bool vm_cpu_needs_models(const DomainDef *def) {
        const DomainCpu *cpu = &def->cpu;

        return is_worked_out(cpu) || (cpu->features && cpu->features->len > 0) ||
               (cpu->mode == CPU_CUSTOM && is_checked(cpu));
}

/* ---- before ---- */

static int check(const Vm *vm, const CpuFacts *facts, const CpuNeed *need, const CpuHost *host,
                 bool is_full, Err *err) {
        g_auto(Err) why = ERR_INIT;

        if (cpu_need_compare(facts, need, host, &why) != CPU_INCOMPATIBLE)
                return 0;
        return fail_hint(err,
                         fail(err, is_full ? VIR_ERR_OPERATION_FAILED : VIR_ERR_CPU_INCOMPATIBLE,
                              "guest '%s' cannot have its CPU here: %s", vm_name(vm), why.message),
                         "choose a model that domcapabilities calls usable, host-model, or "
                         "<cpu check='none'>");
}

/* What is optional is decided by the host. */
static void decide_optional(const CpuFacts *facts, const CpuHost *host, DomainCpu *cpu) {
        for (guint i = 0; cpu->features && i < cpu->features->len; i++) {
                DomainCpuFeature *feature = cpu->features->pdata[i];
                int number = cpu_facts_feature(facts, feature->name);

                if (feature->policy == CPU_OPTIONAL && number >= 0)
                        feature->policy = cpu_set_has(&host->features, (unsigned)number)
                                                  ? CPU_REQUIRE
                                                  : CPU_DISABLE;
        }
}

static int work_out(const Vm *vm, const CpuFacts *facts, const CpuHost *host, DomainCpu *cpu,
                    Err *err) {
        const CpuModel *model = cpu_host_model(facts, host);

        if (!model)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "guest '%s' wants the host's CPU model, and QEMU has none for this "
                            "host",
                            vm_name(vm));
        cpu_fill_host_model(facts, host, model, cpu);
        return 0;
}

int vm_cpu_prepare(const Vm *vm, DomainDef *live, Err *err) {
        DomainCpu *cpu = &live->cpu;
        const CpuFacts *facts;
        const CpuHost *host;
        CpuNeed need = {};
        int r;

        if (!vm_cpu_needs_models(live))
                return 0;
        facts = cpu_store_find(vm->manager->cpus, live->devices.emulator);
        host = facts ? &facts->hosts[live->type == DOMAIN_TYPE_KVM ? CPU_KVM : CPU_TCG] : NULL;
        if (!facts || !host->is_known)
                return 0;
        r = cpu_need_read(facts, cpu, VIR_ERR_CONFIG_UNSUPPORTED, &need, err);
        if (live->type != DOMAIN_TYPE_KVM) /* an emulated processor calls itself what it is told */
                need.vendor = NULL;
        if (r == 0 && (is_checked(cpu) || cpu->match == CPU_MINIMUM))
                r = check(vm, facts, &need, host, cpu->check == CPU_CHECK_FULL, err);
        if (r < 0)
                return r;
        decide_optional(facts, host, cpu);
        return is_worked_out(cpu) ? work_out(vm, facts, host, cpu, err) : 0;
}

/* ---- after ---- */

const char *vm_cpu_path(const json_t *cpus) {
        return json_string_value(json_object_get(json_array_get(cpus, 0), "qom-path"));
}

static bool is_forced(const DomainCpu *cpu, const char *name) {
        for (guint i = 0; cpu->features && i < cpu->features->len; i++) {
                const DomainCpuFeature *feature = cpu->features->pdata[i];

                if (g_str_equal(feature->name, cpu_feature_name(name)))
                        return feature->policy == CPU_FORCE;
        }
        return false;
}

static char *name_insisted(const DomainCpu *cpu, const json_t *missing) {
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        size_t i;
        json_t *item;

        json_array_foreach(missing, i, item) {
                const char *name = json_string_value(item);

                if (name && is_checked(cpu) && !is_forced(cpu, name))
                        g_ptr_array_add(names, (gpointer)(uintptr_t)cpu_feature_name(name));
        }
        g_ptr_array_add(names, NULL);
        return names->len > 1 ? strv_join_human((char **)names->pdata) : NULL;
}

bool vm_cpu_wants_missing(const DomainDef *live) {
        return live->cpu.mode == CPU_CUSTOM || is_checked(&live->cpu);
}

int vm_cpu_take_missing(Vm *vm, const json_t *missing, Err *err) {
        DomainCpu *cpu = &vm->live->cpu;
        g_autofree char *names = name_insisted(cpu, missing);
        size_t i;
        json_t *item;

        if (names)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "guest '%s' cannot have its CPU here: QEMU does not provide %s",
                            vm_name(vm), names);
        if (cpu->mode != CPU_CUSTOM)
                return 0;
        json_array_foreach(missing, i, item)
                if (json_is_string(item))
                        cpu_set_policy(cpu, json_string_value(item), CPU_DISABLE);
        cpu->check = CPU_CHECK_FULL;
        cpu->model.fallback = CPU_FALLBACK_FORBID;
        if (cpu->match == CPU_MINIMUM)
                cpu->match = CPU_EXACT;
        return 0;
}
