/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-tune.h"

#include "base/log.h"
#include "domain/device.h"

int vm_settle(const Vm *vm, bool *live, bool *config, Err *err) {
        if (!*live && !*config) {
                *live = vm_is_active(vm);
                *config = !*live;
        }
        if (*live && !vm_is_active(vm))
                return fail(err, VIR_ERR_OPERATION_INVALID, "domain is not running");
        if (*config && !vm->persistent)
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "guest '%s' is transient and has no configuration to change",
                            vm_name(vm));
        return 0;
}

/* ---- the mechanism ---- */

static void tune_free(void *data) {
        VmTune *tune = data;

        sd_event_source_disable_unref(tune->timer);
        json_decref(tune->commands);
        json_decref(tune->first_answer);
        image_facts_free(tune->images);
        g_free((void *)(uintptr_t)tune->data);
        g_free((char *)(uintptr_t)tune->text);
        g_free((uint8_t *)(uintptr_t)tune->map);
        vm_unref(tune->vm);
        g_free(tune);
}

void vm_tune_tell(VmTune *tune, const char *command, json_t *arguments) {
        json_array_append_new(tune->commands,
                              json_pack("{s:s, s:o*}", "execute", command, "arguments", arguments));
}

void vm_tune_fail(VmTune *tune, const Err *err) {
        job_finish(tune->job, err);
}

static int apply_config(const VmTune *tune, Err *err) {
        g_autoptr(DomainDef) next = NULL;

        if (!tune->config || !tune->kind->apply)
                return 0;
        next = domain_def_copy(tune->vm->config);
        tune->kind->apply(tune, next, false);
        return vm_set_config(tune->vm, g_steal_pointer(&next), err);
}

static void finish(VmTune *tune) {
        Vm *vm = tune->vm;
        g_auto(Err) err = ERR_INIT, status_err = ERR_INIT;

        if (tune->live && vm->live && tune->kind->apply)
                tune->kind->apply(tune, vm->live, true);
        if (tune->live && vm->live && vm->process && vm_write_status(vm, &status_err) < 0)
                log_err(&status_err, "the status of guest '%s' is old", vm_name(vm));
        apply_config(tune, &err);
        job_finish(tune->job, err_is_set(&err) ? &err : NULL);
}

static int on_again(sd_event_source *source, uint64_t usec, void *userdata) {
        vm_tune_next(userdata);
        return 0;
}

static void put_back(VmTune *tune) {
        json_t *command;
        size_t i;

        json_array_clear(tune->commands);
        tune->kind->failed(tune);
        json_array_foreach(tune->commands, i, command)
                if (tune->vm->qmp)
                        qmp_send(tune->vm->qmp,
                                 json_string_value(json_object_get(command, "execute")),
                                 json_incref(json_object_get(command, "arguments")), NULL, NULL);
}

static void on_refused(VmTune *tune, const Err *err) {
        if (tune->kind->again && tune->vm->qmp && tune->kind->again(tune, err)) {
                tune->next--;
                sd_event_add_time_relative(tune->vm->manager->event, &tune->timer, CLOCK_MONOTONIC,
                                           VM_TUNE_AGAIN_USEC, 0, on_again, tune);
                return;
        }
        if (tune->kind->failed)
                put_back(tune);
        vm_tune_fail(tune, err);
}

static void on_told(json_t *result, const Err *err, void *userdata) {
        VmTune *tune = userdata;
        g_auto(Err) failure = ERR_INIT;
        int r = 0;

        if (err) {
                on_refused(tune, err);
                return;
        }
        if (tune->kind->answered)
                r = tune->kind->answered(tune, result, &failure);
        if (r < 0)
                vm_tune_fail(tune, &failure);
        else if (r != VM_TUNE_WAIT)
                vm_tune_next(tune);
}

void vm_tune_next(VmTune *tune) {
        json_t *command = json_array_get(tune->commands, tune->next++);

        tune->timer = sd_event_source_disable_unref(tune->timer);
        if (!command || !tune->vm->qmp)
                finish(tune);
        else
                qmp_send(tune->vm->qmp, json_string_value(json_object_get(command, "execute")),
                         json_incref(json_object_get(command, "arguments")), on_told, tune);
}

static int tune_begin(VmTune *tune, Err *err) {
        Vm *vm = tune->vm;
        int r = 0;

        if (tune->live && !vm->live)
                r = vm_check_active(vm, true, err);
        if (r == 0 && tune->live)
                r = tune->kind->check(tune, vm->live, true, err);
        if (r == 0 && tune->config)
                r = tune->kind->check(tune, vm->config, false, err);
        if (r == 0 && tune->live && tune->kind->begin)
                r = tune->kind->begin(tune, err);
        return r;
}

void vm_tune_checks(VmTune *tune) {
        g_auto(Err) err = ERR_INIT;

        if (tune_begin(tune, &err) < 0)
                vm_tune_fail(tune, &err);
        else
                vm_tune_next(tune);
}

static void tune_run(Job *job) {
        VmTune *tune = job_data(job);
        g_auto(Err) err = ERR_INIT;
        int r = vm_settle(tune->vm, &tune->live, &tune->config, &err);

        tune->job = job;
        if (r == 0 && tune->live && tune->vm->live && tune->kind->look)
                r = tune->kind->look(tune, &err);
        if (r < 0)
                vm_tune_fail(tune, &err);
        else if (r != VM_TUNE_WAIT)
                vm_tune_checks(tune);
}

int vm_tune(Vm *vm, const VmTune *of, Call *call, Err *err) {
        VmTune *tune = g_memdup2(of, sizeof(*of));

        tune->vm = vm_ref(vm);
        tune->text = g_strdup(of->text);
        tune->map = g_memdup2(of->map, of->map_size);
        tune->data = g_memdup2(of->data, of->data_size);
        tune->commands = json_array();
        return job_submit_call(vm,
                               &(JobSpec){.name = of->kind->name,
                                          .run = tune_run,
                                          .call = call,
                                          .data = tune,
                                          .free_data = tune_free},
                               err);
}

/* ---- memory ---- */

static DomainMemballoon *find_balloon(const DomainDef *def) {
        DOMAIN_FOREACH(DomainMemballoon, balloon, def, DOMAIN_MEMBALLOON)
                if (balloon->model == BALLOON_VIRTIO)
                        return balloon;
        return NULL;
}

static int check_memory(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        if (tune->value > def->memory)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "cannot set memory higher than max memory: %" G_GUINT64_FORMAT
                            " KiB are more than %" G_GUINT64_FORMAT " KiB",
                            tune->value, def->memory);
        if (tune->value == 0)
                return fail(err, VIR_ERR_INVALID_ARG, "a guest cannot have no memory");
        if (is_live && !find_balloon(def))
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "Unable to change memory of active domain without the "
                                      "balloon device and guest OS balloon driver"),
                                 "change the configuration (--config): it counts from the next "
                                 "start");
        return 0;
}

static int begin_memory(VmTune *tune, Err *err) {
        vm_tune_tell(tune, "balloon", json_pack("{s:I}", "value", (json_int_t)tune->value * 1024));
        return 0;
}

/* What runs has the memory that the guest's driver says it has (vm_balloon_changed). */
static void apply_memory(const VmTune *tune, DomainDef *def, bool is_live) {
        if (!is_live)
                def->current_memory = tune->value;
}

const VmTuneKind vm_tune_memory = {
        .name = "set memory",
        .check = check_memory,
        .begin = begin_memory,
        .apply = apply_memory,
};

static int check_max_memory(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        if (is_live)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "cannot resize the maximum memory on an active domain"),
                                 "change the configuration (--config): it counts from the next "
                                 "start");
        if (tune->value == 0 || tune->value > DOMAIN_MEMORY_MAX)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "a guest's memory is 1 to %" G_GUINT64_FORMAT " KiB",
                            DOMAIN_MEMORY_MAX);
        return 0;
}

static void apply_max_memory(const VmTune *tune, DomainDef *def, bool is_live) {
        def->memory = tune->value;
        def->current_memory = MIN(def->current_memory, def->memory);
}

const VmTuneKind vm_tune_max_memory = {
        .name = "set maximum memory",
        .check = check_max_memory,
        .apply = apply_max_memory,
};

static int check_period(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        if (find_balloon(def))
                return 0;
        return fail(err, VIR_ERR_INTERNAL_ERROR,
                    "No memory balloon device configured, can not set the collection period");
}

static int begin_period(VmTune *tune, Err *err) {
        const DomainMemballoon *balloon = find_balloon(tune->vm->live);

        g_assert(balloon); /* check_period */
        vm_tune_tell(tune, "qom-set",
                     json_pack("{s:o, s:s, s:I}", "path",
                               json_sprintf("/machine/peripheral/%s", balloon->base.alias.name),
                               "property", "guest-stats-polling-interval", "value",
                               (json_int_t)tune->value));
        return 0;
}

static void apply_period(const VmTune *tune, DomainDef *def, bool is_live) {
        DomainMemballoon *balloon = find_balloon(def);

        g_assert(balloon); /* check_period */
        balloon->stats.node.is_present = tune->value > 0;
        balloon->stats.period = DOMAIN_NUM(tune->value);
}

const VmTuneKind vm_tune_memory_period = {
        .name = "set period of memory statistics",
        .check = check_period,
        .begin = begin_period,
        .apply = apply_period,
};

void vm_balloon_changed(Vm *vm, uint64_t bytes) {
        DomainRef ref = vm_domain_ref(vm);

        if (!vm->live)
                return;
        vm->live->current_memory = bytes / 1024;
        event_domain_balloon_change(vm->manager, &ref, vm->live->current_memory);
}
