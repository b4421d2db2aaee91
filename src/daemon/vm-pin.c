/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-pin.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/vm-stats.h"
#include "daemon/vm-tune.h"
#include "domain/device.h"
#include "domain/threads.h"

#define IOTHREAD_ALIAS "iothread"

unsigned vm_host_cpus(void) {
        long n = sysconf(_SC_NPROCESSORS_CONF);

        return n > 0 ? (unsigned)n : 1;
}

void vm_pin_set(const char *cpuset, DomainCpuset *ret) {
        *ret = (DomainCpuset){};
        if (cpuset && domain_cpuset_parse(cpuset, ret) == 0)
                return;
        for (unsigned cpu = 0; cpu < vm_host_cpus(); cpu++)
                domain_cpuset_add(ret, cpu);
}

/* ---- threads ---- */

/* What is known of QEMU's threads, and where they shall be. */
typedef struct Threads {
        const Vm *vm;
        const DomainDef *def;
        json_t *cpus, *iothreads;
} Threads;

static int set_affinity(pid_t thread, const char *cpuset, Err *err) {
        DomainCpuset wanted;
        cpu_set_t set;
        int r;

        CPU_ZERO(&set);
        vm_pin_set(cpuset, &wanted);
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
                if (domain_cpuset_has(&wanted, (unsigned)cpu))
                        CPU_SET(cpu, &set);
        if (sched_setaffinity(thread, sizeof(set), &set) == 0)
                return 0;
        r = neg_errno();
        return r == -ESRCH ? 0
                           : fail_errno(err, r, "cannot keep thread %d on processors %s",
                                        (int)thread, cpuset ? cpuset : "(all)");
}

/* Nothing said leaves a thread where it is, which is where QEMU was started. */
static int place(pid_t thread, const DomainPin *pin, const DomainDef *def, Err *err) {
        const char *cpuset = pin && pin->cpuset ? pin->cpuset : def->vcpu.cpuset;

        return thread && cpuset ? set_affinity(thread, cpuset, err) : 0;
}

static int schedule(pid_t thread, const DomainSched *sched, Err *err) {
        static const int policies[] = {
                [SCHED_POLICY_BATCH] = SCHED_BATCH,
                [SCHED_POLICY_IDLE] = SCHED_IDLE,
                [SCHED_POLICY_FIFO] = SCHED_FIFO,
                [SCHED_POLICY_RR] = SCHED_RR,
        };
        struct sched_param param = {};
        int r;

        if (!thread || !sched || sched->policy == SCHED_POLICY_UNSET)
                return 0;
        param.sched_priority = (int)domain_num_or(sched->priority, 0);
        if (sched_setscheduler(thread, policies[sched->policy], &param) == 0)
                return 0;
        r = neg_errno();
        return r == -ESRCH
                       ? 0
                       : fail_errno(err, r, "cannot set the scheduling of thread %d", (int)thread);
}

static const DomainSched *find_sched(const GPtrArray *scheds, unsigned id) {
        DomainCpuset ids;

        for (guint i = 0; scheds && i < scheds->len; i++) {
                const DomainSched *sched = scheds->pdata[i];

                if (sched->ids && domain_cpuset_parse(sched->ids, &ids) == 0 &&
                    domain_cpuset_has(&ids, id))
                        return sched;
        }
        return NULL;
}

/* Of a member of query-iothreads: its id; 0: it is none of ours. */
static unsigned iothread_of(const json_t *entry, pid_t *ret_thread) {
        const char *id = json_string_value(json_object_get(entry, "id"));
        uint64_t number = 0, thread = 0;

        if (!id || !g_str_has_prefix(id, IOTHREAD_ALIAS) ||
            str_to_uint(id + strlen(IOTHREAD_ALIAS), 10, UINT32_MAX, &number) < 0 ||
            !vm_json_u64(entry, "thread-id", &thread))
                return 0;
        *ret_thread = (pid_t)thread;
        return (unsigned)number;
}

pid_t vm_iothread_thread(json_t *iothreads, unsigned id) {
        size_t i;
        json_t *entry;

        json_array_foreach(iothreads, i, entry) {
                pid_t thread = 0;

                if (iothread_of(entry, &thread) == id)
                        return thread;
        }
        return 0;
}

static int place_vcpus(const Threads *threads, Err *err) {
        const DomainCputune *tune = &threads->def->cputune;
        unsigned n = (unsigned)domain_num_or(threads->def->vcpu.count, 1);
        int r = 0;

        for (unsigned id = 0; r == 0 && id < n; id++) {
                pid_t thread = vm_vcpu_thread(threads->cpus, id);

                r = place(thread, domain_pin_find(tune->vcpupins, id), threads->def, err);
                if (r == 0)
                        r = schedule(thread, find_sched(tune->vcpuscheds, id), err);
        }
        return r;
}

static int place_iothreads(const Threads *threads, Err *err) {
        const DomainCputune *tune = &threads->def->cputune;
        size_t i;
        json_t *entry;
        int r = 0;

        json_array_foreach(threads->iothreads, i, entry) {
                pid_t thread = 0;
                unsigned id = iothread_of(entry, &thread);

                if (r == 0 && id)
                        r = place(thread, domain_pin_find(tune->iothreadpins, id), threads->def,
                                  err);
                if (r == 0 && id)
                        r = schedule(thread, find_sched(tune->iothreadscheds, id), err);
        }
        return r;
}

static bool is_named(json_t *list, pid_t thread) {
        size_t i;
        json_t *entry;

        json_array_foreach(list, i, entry) {
                uint64_t number;

                if (vm_json_u64(entry, "thread-id", &number) && (pid_t)number == thread)
                        return true;
        }
        return false;
}

static int place_others(const Threads *threads, Err *err) {
        const DomainCputune *tune = &threads->def->cputune;
        g_autofree char *path =
                g_strdup_printf("proc/%d/task", (int)process_pid(threads->vm->process));
        g_auto(GStrv) names = NULL;
        int r = sys_list(threads->vm->manager->sys, path, &names);

        if (r < 0)
                return 0; /* it has ended */
        STRV_FOREACH(name, names) {
                uint64_t thread;

                if (str_to_uint(name, 10, INT32_MAX, &thread) < 0 ||
                    is_named(threads->cpus, (pid_t)thread) ||
                    is_named(threads->iothreads, (pid_t)thread))
                        continue;
                r = place((pid_t)thread, &tune->emulatorpin, threads->def, err);
                if (r == 0)
                        r = schedule((pid_t)thread, &tune->emulatorsched, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int place_all(const Threads *threads, Err *err) {
        int r = place_vcpus(threads, err);

        if (r == 0)
                r = place_iothreads(threads, err);
        return r == 0 ? place_others(threads, err) : r;
}

static void on_threads(const VmAnswer *answers, size_t n, void *userdata) {
        Vm *vm = answers[0].vm;
        Threads threads = {vm, vm->live, answers[0].results[VM_Q_CPUS],
                           answers[0].results[VM_Q_IOTHREADS]};
        g_auto(Err) err = ERR_INIT;

        if (vm->live && vm->process && threads.cpus && place_all(&threads, &err) < 0)
                log_err(&err, "threads of guest '%s' are not where they shall be", vm_name(vm));
}

void vm_pin_threads(Vm *vm) {
        const DomainCputune *tune = &vm->live->cputune;

        if (tune->node.is_present || vm->live->vcpu.cpuset)
                vm_ask(vm->manager, &vm, 1, VM_ASK(CPUS) | VM_ASK(IOTHREADS), VM_ASK_USEC,
                       on_threads, NULL);
}

/* ---- changes of pins ---- */

static char *cpuset_of(const VmTune *tune) {
        DomainCpuset set = {};

        for (size_t bit = 0; bit < tune->map_size * 8 && bit < vm_host_cpus(); bit++)
                if (tune->map[bit / 8] & (1u << (bit % 8)))
                        domain_cpuset_add(&set, (unsigned)bit);
        return domain_cpuset_format(&set);
}

static int check_map(const VmTune *tune, Err *err) {
        g_autofree char *text = cpuset_of(tune);

        return *text ? 0 : fail(err, VIR_ERR_INVALID_ARG, "Empty cpu list for pinning");
}

static int begin_pin(VmTune *tune, Err *err) {
        vm_tune_tell(tune, "query-cpus-fast", NULL);
        vm_tune_tell(tune, "query-iothreads", NULL);
        return 0;
}

/* The threads move as the changed definition says, before it counts. */
static int pin_answered(VmTune *tune, json_t *result, Err *err) {
        g_autoptr(DomainDef) next = NULL;
        Threads threads = {.vm = tune->vm};
        int r;

        if (!tune->first_answer) {
                tune->first_answer = json_incref(result);
                return 0;
        }
        if (!tune->vm->live || !tune->vm->process)
                return vm_check_active(tune->vm, true, err);
        next = domain_def_copy(tune->vm->live);
        tune->kind->apply(tune, next, true);
        threads.def = next;
        threads.cpus = tune->first_answer;
        threads.iothreads = result;
        r = place_all(&threads, err);
        return r < 0 ? r : 0;
}

static int check_vcpu_pin(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        unsigned count = (unsigned)domain_num_or(def->vcpu.count, 1);

        if (tune->index >= count)
                return fail(err, VIR_ERR_INVALID_ARG, "vcpu %u is out of range of %s cpu count %u",
                            tune->index, is_live ? "live" : "persistent", count);
        return check_map(tune, err);
}

static void apply_vcpu_pin(const VmTune *tune, DomainDef *def, bool is_live) {
        g_autofree char *cpuset = cpuset_of(tune);

        domain_def_pin_vcpu(def, tune->index, cpuset);
}

const VmTuneKind vm_tune_vcpu_pin = {
        .name = "pin vcpu",
        .check = check_vcpu_pin,
        .begin = begin_pin,
        .answered = pin_answered,
        .apply = apply_vcpu_pin,
};

static int check_emulator_pin(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        return check_map(tune, err);
}

static void apply_emulator_pin(const VmTune *tune, DomainDef *def, bool is_live) {
        g_autofree char *cpuset = cpuset_of(tune);

        domain_def_pin_emulator(def, cpuset);
}

const VmTuneKind vm_tune_emulator_pin = {
        .name = "pin emulator",
        .check = check_emulator_pin,
        .begin = begin_pin,
        .answered = pin_answered,
        .apply = apply_emulator_pin,
};

/* ---- I/O threads ---- */

static int check_iothread_pin(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        if (!domain_def_find_iothread(def, tune->index))
                return fail(err, VIR_ERR_INVALID_ARG, "iothread %u not found", tune->index);
        return check_map(tune, err);
}

static void apply_iothread_pin(const VmTune *tune, DomainDef *def, bool is_live) {
        g_autofree char *cpuset = cpuset_of(tune);

        domain_def_pin_iothread(def, tune->index, cpuset);
}

const VmTuneKind vm_tune_iothread_pin = {
        .name = "pin iothread",
        .check = check_iothread_pin,
        .begin = begin_pin,
        .answered = pin_answered,
        .apply = apply_iothread_pin,
};

static int check_add_iothread(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        if (domain_def_find_iothread(def, tune->index))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "an IOThread is already using iothread_id '%u'", tune->index);
        if (domain_num_or(def->iothreads, 0) >= DOMAIN_IOTHREADS_MAX)
                return fail(err, VIR_ERR_INVALID_ARG, "a guest has at most %d I/O threads",
                            DOMAIN_IOTHREADS_MAX);
        return 0;
}

static int begin_add_iothread(VmTune *tune, Err *err) {
        vm_tune_tell(tune, "object-add",
                     json_pack("{s:s, s:o}", "qom-type", "iothread", "id",
                               json_sprintf(IOTHREAD_ALIAS "%u", tune->index)));
        return 0;
}

static void apply_add_iothread(const VmTune *tune, DomainDef *def, bool is_live) {
        domain_def_add_iothread(def, tune->index);
}

const VmTuneKind vm_tune_add_iothread = {
        .name = "add iothread",
        .check = check_add_iothread,
        .begin = begin_add_iothread,
        .apply = apply_add_iothread,
};

static int check_del_iothread(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        if (!domain_def_find_iothread(def, tune->index))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "cannot find IOThread '%u' in iothreadids list", tune->index);
        DOMAIN_FOREACH(DomainDisk, disk, def, DOMAIN_DISK)
                if (disk->driver.iothread.is_set && disk->driver.iothread.value == tune->index)
                        return fail(err, VIR_ERR_INVALID_ARG,
                                    "cannot remove IOThread %u since it is being used by disk '%s'",
                                    tune->index, disk->target.dev);
        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER)
                if (controller->driver.iothread.is_set &&
                    controller->driver.iothread.value == tune->index)
                        return fail(err, VIR_ERR_INVALID_ARG,
                                    "cannot remove IOThread %u since it is being used by a "
                                    "controller",
                                    tune->index);
        return 0;
}

static int begin_del_iothread(VmTune *tune, Err *err) {
        vm_tune_tell(tune, "object-del",
                     json_pack("{s:o}", "id", json_sprintf(IOTHREAD_ALIAS "%u", tune->index)));
        return 0;
}

static void apply_del_iothread(const VmTune *tune, DomainDef *def, bool is_live) {
        domain_def_remove_iothread(def, tune->index);
}

const VmTuneKind vm_tune_del_iothread = {
        .name = "remove iothread",
        .check = check_del_iothread,
        .begin = begin_del_iothread,
        .apply = apply_del_iothread,
};
