/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Virtual CPUs that come and go. QEMU has a slot for each of the maximum; one that was plugged in
 * is the device "vcpuN" and can be taken out again when the guest lets go of it. */
#include "daemon/vm-pin.h"
#include "daemon/vm-tune.h"
#include "domain/threads.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"

/* How long a guest may take to let go of a virtual CPU before the caller is told. */
#define UNPLUG_USEC (5 * UINT64_C(1000000))

#define VCPU_ALIAS "vcpu"

static unsigned maximum_of(const DomainDef *def) {
        return (unsigned)domain_num_or(def->vcpu.count, 1);
}

/* The number in "vcpuN". */
static bool vcpu_of_alias(const char *alias, unsigned *ret) {
        uint64_t index;

        if (!alias || !g_str_has_prefix(alias, VCPU_ALIAS) ||
            str_to_uint(alias + strlen(VCPU_ALIAS), 10, DOMAIN_VCPUS_MAX, &index) < 0)
                return false;
        *ret = (unsigned)index;
        return true;
}

/* ---- how many are online ---- */

static int check_vcpus(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        if (tune->value == 0)
                return fail(err, VIR_ERR_INVALID_ARG, "a guest cannot have no virtual CPUs");
        if (tune->value <= maximum_of(def))
                return 0;
        return fail(err, VIR_ERR_INVALID_ARG,
                    "requested vcpus is greater than max allowable vcpus for the %s domain: "
                    "%" G_GUINT64_FORMAT " > %u",
                    is_live ? "live" : "persistent", tune->value, maximum_of(def));
}

static int begin_vcpus(VmTune *tune, Err *err) {
        if (tune->value != domain_def_online_vcpus(tune->vm->live))
                vm_tune_tell(tune, "query-hotpluggable-cpus", NULL);
        return 0;
}

static void tell_add(VmTune *tune, const json_t *slot, unsigned id) {
        json_t *device = json_pack("{s:O, s:o}", "driver", json_object_get(slot, "type"), "id",
                                   json_sprintf(VCPU_ALIAS "%u", id));

        json_object_update(device, json_object_get(slot, "props"));
        vm_tune_tell(tune, "device_add", device);
}

/* QEMU lists its slots from the last to the first. */
static void tell_plug(VmTune *tune, json_t *slots) {
        unsigned online = domain_def_online_vcpus(tune->vm->live);

        for (size_t i = json_array_size(slots); i-- > 0 && online < tune->value;) {
                const json_t *slot = json_array_get(slots, i);
                json_t *device;

                if (json_object_get(slot, "qom-path"))
                        continue;
                device = json_pack(
                        "{s:O, s:o}", "driver", json_object_get(slot, "type"), "id",
                        json_sprintf(VCPU_ALIAS "%u", (unsigned)(json_array_size(slots) - 1 - i)));
                json_object_update(device, json_object_get(slot, "props"));
                vm_tune_tell(tune, "device_add", device);
                online++;
        }
}

/* The last ones first; those that QEMU was started with have no name and stay. */
static int tell_unplug(VmTune *tune, json_t *slots, Err *err) {
        static const char prefix[] = "/machine/peripheral/" VCPU_ALIAS;
        unsigned online = domain_def_online_vcpus(tune->vm->live);
        size_t i;
        json_t *slot;

        json_array_foreach(slots, i, slot) {
                const char *path = json_string_value(json_object_get(slot, "qom-path"));

                if (online <= tune->value || !path || !g_str_has_prefix(path, prefix))
                        continue;
                vm_tune_tell(tune, "device_del",
                             json_pack("{s:s}", "id", path + strlen("/machine/peripheral/")));
                online--;
        }
        if (online <= tune->value)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "failed to find appropriate hotpluggable vcpus to reach the desired "
                              "target vcpu count: the guest was started with %u",
                              online),
                         "change the configuration (--config): it counts from the next start");
}

/* vm_tune_vcpu: tune->index is to come or go. */
static int tell_one(VmTune *tune, json_t *slots, Err *err) {
        size_t n = json_array_size(slots);
        const json_t *slot = tune->index < n ? json_array_get(slots, n - 1 - tune->index) : NULL;
        const char *path = json_string_value(json_object_get(slot, "qom-path"));

        if (tune->value != 0) {
                if (!path && slot)
                        tell_add(tune, slot, tune->index);
                return 0;
        }
        if (!path || !g_str_has_prefix(path, "/machine/peripheral/" VCPU_ALIAS))
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                            "vcpu '%u' can't be unplugged: the guest was started with it",
                            tune->index);
        vm_tune_tell(tune, "device_del",
                     json_pack("{s:o}", "id", json_sprintf(VCPU_ALIAS "%u", tune->index)));
        return 0;
}

static int on_unplug_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        VmTune *tune = userdata;
        g_auto(Err) err = ERR_INIT;

        fail(&err, VIR_ERR_OPERATION_TIMEOUT,
             "vcpu unplug request timed out: guest '%s' has not let go of it within %d s",
             vm_name(tune->vm), (int)(UNPLUG_USEC / 1000000));
        vm_tune_fail(tune, &err);
        return 0;
}

/* A QEMU that restores the guest has to begin with the board's own, as this one did: devices have
 * as many queues as the board has vCPUs. */
static void note_plugged(DomainDef *live, const json_t *command) {
        const json_t *arguments = json_object_get(command, "arguments");
        unsigned id;

        if (!vcpu_of_alias(json_string_value(json_object_get(arguments, "id")), &id))
                return;
        domain_def_list_vcpus(live);
        domain_def_set_vcpu(live, id, true);
}

static int vcpus_answered(VmTune *tune, json_t *result, Err *err) {
        DomainDef *live = tune->vm->live;
        const json_t *done = json_array_get(tune->commands, tune->next - 1);
        const char *command = json_string_value(json_object_get(done, "execute"));

        if (!live)
                return vm_check_active(tune->vm, true, err);
        if (strcmp(command, "device_add") == 0) {
                note_plugged(live, done);
                return 0;
        }
        if (strcmp(command, "device_del") == 0) {
                sd_event_add_time_relative(tune->vm->manager->event, &tune->timer, CLOCK_MONOTONIC,
                                           UNPLUG_USEC, 0, on_unplug_deadline, tune);
                return VM_TUNE_WAIT;
        }
        if (tune->kind == &vm_tune_vcpu)
                return tell_one(tune, result, err);
        if (tune->value < domain_def_online_vcpus(live))
                return tell_unplug(tune, result, err);
        tell_plug(tune, result);
        return 0;
}

/* The running guest's number moves with each device that comes or goes. */
static void apply_vcpus(const VmTune *tune, DomainDef *def, bool is_live) {
        if (is_live)
                vm_pin_threads(tune->vm);
        else
                domain_def_set_online_vcpus(def, (unsigned)tune->value);
}

const VmTuneKind vm_tune_vcpus = {
        .name = "set vcpus",
        .check = check_vcpus,
        .begin = begin_vcpus,
        .answered = vcpus_answered,
        .apply = apply_vcpus,
};

bool vm_vcpu_deleted(Vm *vm, const char *alias) {
        const Job *job = g_queue_peek_head(&vm->jobs);
        unsigned id;

        if (!vm->live || !vcpu_of_alias(alias, &id))
                return false;
        domain_def_set_vcpu(vm->live, id, false);
        vm_emit_device_removed(vm, alias);
        if (job && (strcmp(job_name(job), vm_tune_vcpus.name) == 0 ||
                    strcmp(job_name(job), vm_tune_vcpu.name) == 0)) {
                VmTune *tune = job_data(job);

                if (tune->timer)
                        vm_tune_next(tune);
        }
        return true;
}

/* ---- one of them ---- */

static int check_vcpu(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        if (tune->index >= maximum_of(def))
                return fail(err, VIR_ERR_INVALID_ARG, "vcpu %u is not present in %s config",
                            tune->index, is_live ? "live" : "persistent");
        if (domain_def_has_vcpu(def, tune->index) == (tune->value != 0))
                return fail(err, VIR_ERR_INVALID_ARG, "vcpu '%u' is already in desired state",
                            tune->index);
        if (tune->index == 0)
                return fail(err, VIR_ERR_INVALID_ARG, "vcpu '0' has to stay online");
        return 0;
}

static int begin_vcpu(VmTune *tune, Err *err) {
        vm_tune_tell(tune, "query-hotpluggable-cpus", NULL);
        return 0;
}

static void apply_vcpu(const VmTune *tune, DomainDef *def, bool is_live) {
        if (is_live)
                vm_pin_threads(tune->vm);
        else
                domain_def_set_vcpu(def, tune->index, tune->value != 0);
}

const VmTuneKind vm_tune_vcpu = {
        .name = "set vcpu",
        .check = check_vcpu,
        .begin = begin_vcpu,
        .answered = vcpus_answered,
        .apply = apply_vcpu,
};

/* ---- how many there are ---- */

static int check_max_vcpus(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        uint64_t places = domain_num_or(def->cpu.topology.sockets, 1) *
                          domain_num_or(def->cpu.topology.dies, 1) *
                          domain_num_or(def->cpu.topology.clusters, 1) *
                          domain_num_or(def->cpu.topology.cores, 1) *
                          domain_num_or(def->cpu.topology.threads, 1);

        if (is_live)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                                      "maximum vcpu count of a live domain can't be modified"),
                                 "change the configuration (--config): it counts from the next "
                                 "start");
        if (tune->value == 0 || tune->value > DOMAIN_VCPUS_MAX)
                return fail(err, VIR_ERR_INVALID_ARG, "a guest has 1 to %d virtual CPUs",
                            DOMAIN_VCPUS_MAX);
        if (def->cpu.topology.node.is_present && places != tune->value)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "CPU topology doesn't match the desired vcpu count: it has room for "
                            "%" G_GUINT64_FORMAT,
                            places);
        return 0;
}

static void apply_max_vcpus(const VmTune *tune, DomainDef *def, bool is_live) {
        domain_def_set_max_vcpus(def, (unsigned)tune->value);
}

const VmTuneKind vm_tune_max_vcpus = {
        .name = "set maximum vcpus",
        .check = check_max_vcpus,
        .apply = apply_max_vcpus,
};
