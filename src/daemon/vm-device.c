/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "daemon/store.h"
#include "daemon/vm-hostdev.h"
#include "daemon/vm-image.h"
#include "daemon/vm-kind.h"
#include "daemon/vm-machine.h"
#include "daemon/vm-tune.h"
#include "domain/device.h"
#include "handover/handover.h"
#include "layout/assign.h"
#include "qemu/args.h"
#include "qemu/caps.h"

/* What old clients expect: a detach is answered after this even when the guest has not let go yet.
 */
#define DETACH_ANSWER_USEC (5 * UINT64_C(1000000))

/* A guest whose slot's power indicator blinks refuses a request for up to 5 s (PCIe 6.7.1.5); it is
 * asked again at this pace, this often. */
#define UNPLUG_RETRY_USEC UINT64_C(1000000)
#define UNPLUG_TRIES_MAX  20u

/* One change of a guest's devices: what was asked for, and what comes of it. */
typedef struct DeviceJob {
        Vm *vm;
        VmDeviceChange change;
        char *xml;
        DomainDef *config;  /* the next configuration; NULL: it stays */
        DomainDef *live;    /* attach: the next live definition; NULL: nothing is plugged */
        char *alias;        /* of the device in live */
        ImageFacts *images; /* of a disk; NULL: none is on this host */
} DeviceJob;

static void device_job_free(void *data) {
        DeviceJob *work = data;

        domain_def_free(work->config);
        domain_def_free(work->live);
        vm_unref(work->vm);
        g_free(work->xml);
        g_free(work->alias);
        image_facts_free(work->images);
        g_free(work);
}

static int settle_change(const Vm *vm, VmDeviceChange *change, Err *err) {
        return vm_settle(vm, &change->live, &change->config, err);
}

static int commit_config(DeviceJob *work, Err *err) {
        int r;

        if (!work->config)
                return 0;
        r = vm_set_config(work->vm, g_steal_pointer(&work->config), err);
        return r < 0 ? r : vm_cards_update(work->vm, err);
}

static void finish_change(Job *job, const Err *err) {
        g_auto(Err) failure = ERR_INIT;

        if (!err_is_set(err) && commit_config(job_data(job), &failure) < 0)
                err = &failure;
        job_finish(job, err_is_set(err) ? err : NULL);
}

static int submit(Vm *vm, const char *name, JobFunc run, DeviceJob *work, Call *call, Err *err) {
        return job_submit_call(vm,
                               &(JobSpec){.name = name,
                                          .run = run,
                                          .call = call,
                                          .data = work,
                                          .free_data = device_job_free},
                               err);
}

static DeviceJob *device_job_new(Vm *vm, const char *xml, const VmDeviceChange *change) {
        DeviceJob *work = g_new0(DeviceJob, 1);

        work->vm = vm_ref(vm);
        work->change = *change;
        work->xml = g_strdup(xml);
        return work;
}

/* ---- step: plug ---- */

/* The QMP commands that plug a device in, sent one after the other. */
typedef struct Plug {
        Vm *vm;
        json_t *commands;
        json_t *cleanup; /* frees what the commands before device_add made */
        size_t next;
        char *what;
        DomainDevice *device; /* in the definition that counts when it is plugged in */
        bool has_hostdev;
        uint64_t locked_memory;
} Plug;

static void plug_next(Step *step);

static void send_cleanup(Vm *vm, json_t *commands) {
        size_t i;
        json_t *command;

        json_array_foreach(commands, i, command)
                if (vm->qmp)
                        qmp_send(vm->qmp, json_string_value(json_object_get(command, "execute")),
                                 json_incref(json_object_get(command, "arguments")), NULL, NULL);
}

static void on_plugged(json_t *result, const Err *err, void *userdata) {
        Step *step = userdata;
        const Plug *plug = step_data(step);
        const char *terminal = json_string_value(json_object_get(result, "pty"));

        if (terminal)
                vm_char_set_terminal(plug->device, terminal);
        if (err)
                step_finish(step, -EIO, err);
        else
                plug_next(step);
}

static void plug_next(Step *step) {
        Plug *plug = step_data(step);
        json_t *command = json_array_get(plug->commands, plug->next++);

        if (!command)
                step_finish(step, 0, NULL);
        else
                qmp_send(plug->vm->qmp, json_string_value(json_object_get(command, "execute")),
                         json_incref(json_object_get(command, "arguments")), on_plugged, step);
}

/* What earlier steps of the plan have opened, under the names by which the commands mean it. */
static void send_fds(Vm *vm) {
        GHashTableIter iter;
        gpointer name, fd;

        if (!vm->fds)
                return;
        g_hash_table_iter_init(&iter, vm->fds);
        while (g_hash_table_iter_next(&iter, &name, &fd))
                qmp_send_fd(vm->qmp, "getfd", json_pack("{s:s}", "fdname", name),
                            GPOINTER_TO_INT(fd), NULL, NULL);
}

/* Those that no command has taken; the others are known no more, and QEMU says so. */
static void close_fds(Vm *vm) {
        GHashTableIter iter;
        gpointer name;

        if (!vm->fds || !vm->qmp)
                return;
        g_hash_table_iter_init(&iter, vm->fds);
        while (g_hash_table_iter_next(&iter, &name, NULL))
                qmp_send(vm->qmp, "closefd", json_pack("{s:s}", "fdname", name), NULL, NULL);
}

static int plug_run(Step *step, Err *err) {
        Plug *plug = step_data(step);
        int r = 0;

        if (!plug->vm->qmp)
                return fail(err, VIR_ERR_OPERATION_INVALID, "domain is not running");
        if (plug->has_hostdev)
                r = process_raise_locked_memory(plug->vm->process, plug->locked_memory, err);
        if (r < 0)
                return r;
        send_fds(plug->vm);
        plug_next(step);
        return STEP_PENDING;
}

/* A device_add that failed made no device; what stood behind it goes. */
static int plug_undo(Step *step, Err *err) {
        Plug *plug = step_data(step);

        send_cleanup(plug->vm, plug->cleanup);
        close_fds(plug->vm);
        return 0;
}

static char *plug_describe(const Step *step, bool undo) {
        const Plug *plug = step_data(step);

        return undo ? NULL
                    : g_strdup_printf("plug %s into guest %s", plug->what, vm_name(plug->vm));
}

static void plug_free(void *data) {
        Plug *plug = data;

        json_decref(plug->commands);
        json_decref(plug->cleanup);
        vm_unref(plug->vm);
        g_free(plug->what);
        g_free(plug);
}

static const StepKind step_plug = {
        .name = "plug",
        .run = plug_run,
        .undo = plug_undo,
        .describe = plug_describe,
        .free = plug_free,
};

static int add_plug(Vm *vm, Plan *plan, const DomainDef *live, const DomainDevice *device,
                    Err *err) {
        g_autofree char *run_dir = store_run_path(&vm->manager->paths, vm_name(vm), NULL);
        QemuRuntime runtime = {
                .version = vm_qemu_version(vm),
                .devices = vm_qemu_devices(vm),
                .qmp_fd = -1,
                .run_dir = run_dir,
        };
        g_auto(VmMachine) machine = {};
        Plug *plug;
        json_t *commands;
        int r;

        vm_machine_read(vm, live, &machine);
        vm_machine_fill_runtime(&machine, &runtime);
        r = qemu_args_plug(live, device, &runtime, &commands, err);
        if (r < 0)
                return r;
        plug = g_new0(Plug, 1);
        *plug = (Plug){
                .vm = vm_ref(vm),
                .commands = commands,
                .cleanup = qemu_args_unplug(live, device),
                .what = domain_device_describe(device),
                .device = (DomainDevice *)(uintptr_t)device,
                .has_hostdev = vm_is_function(device),
                .locked_memory = vm_locked_memory(live),
        };
        plan_add(plan, &step_plug, NULL, plug);
        return 0;
}

/* ---- attach ---- */

static int find_live_place(const DomainDef *def, DomainDevice *device, Err *err) {
        int r = qemu_args_check_plug(def, device, err);

        if (r == 0)
                r = layout_find_free(def, device, err);
        if (r == 0)
                domain_def_assign_alias(def, device); /* a drive's is its place */
        return r;
}

/* A copy of def with the device of xml in it; ret_device points into it. */
static int def_with_device(const Vm *vm, const DomainDef *def, const char *xml, bool is_live,
                           DomainDef **ret, DomainDevice **ret_device, Err *err) {
        g_autoptr(DomainDef) next = domain_def_copy(def);
        g_autoptr(DomainDevice) device = NULL;
        DomainDefaults defaults = manager_domain_defaults(vm->manager);
        DomainDevice *added;
        int r = domain_device_parse(next, xml, strlen(xml), 0, &device, err);

        if (r < 0)
                return r;
        vm_note_card_conventional(vm->manager, device);
        if (is_live)
                r = find_live_place(next, device, err);
        if (r == 0)
                r = domain_def_add_device(next, &defaults, device, err);
        if (r < 0)
                return r;
        added = g_steal_pointer(&device);
        if (!is_live)
                r = layout_assign(next, NULL, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&next);
        *ret_device = added;
        return 0;
}

static int plan_attach(Vm *vm, const DomainDef *live, DomainDevice *device,
                       const VmDeviceChange *change, Plan **ret, Err *err) {
        g_autofree char *title = g_strdup_printf("attach to %s", vm_name(vm));
        g_autoptr(Plan) plan =
                handover_plan_new(vm->manager->handover, title, vm_name(vm), vm_uuid_text(vm));
        VmTake take = {change->with_companions, change->take_host_devices};
        int r = 0;

        if (vm_is_function(device))
                r = vm_plan_take(vm, plan, live, device, &take, err);
        if (r == 0)
                r = vm_kind_plan(vm, plan, live, device, err);
        if (r == 0)
                r = add_plug(vm, plan, live, device, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&plan);
        return 0;
}

/* The device alone: others may have come and gone while QEMU took it. */
static void add_to_live(Vm *vm, DeviceJob *work) {
        DomainDefaults defaults = manager_domain_defaults(vm->manager);
        DomainDevice *device = domain_def_find_alias(work->live, work->alias);
        g_auto(Err) err = ERR_INIT;

        device = domain_def_take_device(work->live, device);
        if (domain_def_add_device(vm->live, &defaults, device, &err) == 0)
                return;
        log_err(&err, "'%s' of guest '%s' does not fit beside the others", work->alias,
                vm_name(vm));
        g_ptr_array_add(vm->live->devices.list[device->kind], device);
}

static void on_attached(Plan *plan, const Err *err, void *userdata) {
        Job *job = userdata;
        DeviceJob *work = job_data(job);
        Vm *vm = work->vm;
        g_auto(Err) status_err = ERR_INIT;

        plan_free(plan);
        vm_drop_fds(vm);
        if (err_is_set(err) || !vm->live) {
                finish_change(job, err);
                return;
        }
        add_to_live(vm, work);
        if (vm_write_status(vm, &status_err) < 0)
                log_err(&status_err, "the status of guest '%s' is old", vm_name(vm));
        vm_emit_device_added(vm, work->alias);
        finish_change(job, NULL);
}

static int attach_begin(Job *job, Err *err) {
        DeviceJob *work = job_data(job);
        Vm *vm = work->vm;
        g_autoptr(Plan) plan = NULL;
        DomainDevice *device;
        int r = work->change.live ? vm_check_active(vm, true, err) : 0; /* still */

        if (r == 0 && work->change.config)
                r = def_with_device(vm, vm->config, work->xml, false, &work->config, &device, err);
        if (r < 0 || !work->change.live)
                return r;
        r = def_with_device(vm, vm->live, work->xml, true, &work->live, &device, err);
        if (r == 0 && device->kind == DOMAIN_DISK)
                r = vm_image_fill(work->live, (DomainDisk *)device, work->images, err);
        if (r == 0)
                r = vm_kind_fill(vm, work->live, device, err);
        if (r < 0)
                return r;
        work->alias = g_strdup(device->alias.name);
        r = plan_attach(vm, work->live, device, &work->change, &plan, err);
        if (r == 0)
                r = plan_run(plan, on_attached, job, err);
        if (r < 0)
                return r;
        g_steal_pointer(&plan);
        return 1;
}

static void attach_now(Job *job) {
        g_auto(Err) err = ERR_INIT;

        if (attach_begin(job, &err) <= 0)
                finish_change(job, &err);
}

static void on_images(ImageFacts *facts, const Err *err, void *userdata) {
        Job *job = userdata;
        DeviceJob *work = job_data(job);

        work->images = facts;
        if (err)
                finish_change(job, err);
        else
                attach_now(job);
}

static void attach_run(Job *job) {
        DeviceJob *work = job_data(job);
        g_auto(Err) err = ERR_INIT;
        int r = settle_change(work->vm, &work->change, &err);

        if (r == 0 && work->change.live)
                r = vm_image_look_at(work->vm, work->xml, on_images, job, &err);
        if (r < 0)
                finish_change(job, &err);
        else if (r != VM_IMAGE_LATER)
                attach_now(job);
}

int vm_attach_device(Vm *vm, const char *xml, const VmDeviceChange *change, Call *call, Err *err) {
        return submit(vm, "attach device", attach_run, device_job_new(vm, xml, change), call, err);
}

int vm_plan_attach(Vm *vm, const char *xml, const VmDeviceChange *change, Plan **ret, Err *err) {
        g_autoptr(DomainDef) next = NULL;
        DomainDevice *device;
        int r = vm_check_active(vm, true, err);

        if (r == 0)
                r = def_with_device(vm, vm->live, xml, true, &next, &device, err);
        if (r == 0)
                r = vm_kind_fill(vm, next, device, err);
        return r != 0 ? r : plan_attach(vm, next, device, change, ret, err);
}

/* ---- detach: ask the guest, wait, give back ---- */

/* The step of a plan that waits for the guest. */
typedef struct Eject {
        Vm *vm;
        char *alias;
        VmUnplug *unplug; /* NULL: the plan is only shown */
} Eject;

static VmUnplug *find_unplug(const Vm *vm, const char *alias) {
        for (GList *l = vm->unplugs; l; l = l->next) {
                VmUnplug *unplug = l->data;

                if (strcmp(unplug->alias, alias) == 0)
                        return unplug;
        }
        return NULL;
}

static VmUnplug *unplug_new(Vm *vm, const char *alias, Job *job) {
        VmUnplug *unplug = g_new0(VmUnplug, 1);

        unplug->vm = vm_ref(vm);
        unplug->alias = g_strdup(alias);
        unplug->job = job;
        vm->unplugs = g_list_append(vm->unplugs, unplug);
        return unplug;
}

static void unplug_free(VmUnplug *unplug) {
        Vm *vm = unplug->vm;

        vm->unplugs = g_list_remove(vm->unplugs, unplug);
        if (vm->qmp)
                qmp_forget(vm->qmp, unplug);
        sd_event_source_disable_unref(unplug->timer);
        domain_device_free(unplug->device);
        g_free(unplug->alias);
        g_free(unplug);
        vm_unref(vm);
}

/* Ends the waiting of a job for its device. */
static void let_job_go(VmUnplug *unplug, const Err *err) {
        Job *job = g_steal_pointer(&unplug->job);

        unplug->timer = sd_event_source_disable_unref(unplug->timer);
        if (job)
                finish_change(job, err);
}

static int on_answer_time(sd_event_source *source, uint64_t usec, void *userdata) {
        let_job_go(userdata, NULL);
        return 0;
}

static void ask_guest(VmUnplug *unplug);

static int on_retry_time(sd_event_source *source, uint64_t usec, void *userdata) {
        ask_guest(userdata);
        return 0;
}

static void set_timer(VmUnplug *unplug, uint64_t usec, sd_event_time_handler_t handler) {
        unplug->timer = sd_event_source_disable_unref(unplug->timer);
        sd_event_add_time_relative(unplug->vm->manager->event, &unplug->timer, CLOCK_MONOTONIC,
                                   usec, 0, handler, unplug);
}

static void end_asking(VmUnplug *unplug, int r, const Err *err) {
        Step *step = g_steal_pointer(&unplug->step);

        if (step)
                step_finish(step, r, err);
}

static void on_asked(json_t *result, const Err *err, void *userdata) {
        VmUnplug *unplug = userdata;
        const DeviceJob *work = unplug->job ? job_data(unplug->job) : NULL;

        if (!err || strstr(err->message, "already in the process of unplug")) {
                if (work && !work->change.wait)
                        set_timer(unplug, DETACH_ANSWER_USEC, on_answer_time);
        } else if (strstr(err->message, "guest is busy") && ++unplug->tries < UNPLUG_TRIES_MAX)
                set_timer(unplug, UNPLUG_RETRY_USEC, on_retry_time);
        else
                end_asking(unplug, -EIO, err);
}

static void ask_guest(VmUnplug *unplug) {
        if (unplug->vm->qmp)
                qmp_send(unplug->vm->qmp, "device_del", json_pack("{s:s}", "id", unplug->alias),
                         on_asked, unplug);
}

static int eject_run(Step *step, Err *err) {
        Eject *eject = step_data(step);

        if (!eject->vm->qmp)
                return fail(err, VIR_ERR_OPERATION_INVALID, "domain is not running");
        eject->unplug->step = step;
        ask_guest(eject->unplug);
        return STEP_PENDING;
}

static char *eject_describe(const Step *step, bool undo) {
        const Eject *eject = step_data(step);

        return undo ? NULL
                    : g_strdup_printf("ask guest %s to let go of %s, and wait until it has",
                                      vm_name(eject->vm), eject->alias);
}

static void eject_free(void *data) {
        Eject *eject = data;

        vm_unref(eject->vm);
        g_free(eject->alias);
        g_free(eject);
}

static const StepKind step_eject = {
        .name = "eject",
        .run = eject_run,
        .describe = eject_describe,
        .free = eject_free,
};

/* unplug NULL: to be shown. is_gone: the guest has let go already. */
static int plan_detach(Vm *vm, const DomainDevice *device, VmUnplug *unplug, bool is_gone,
                       Plan **ret, Err *err) {
        g_autofree char *title = g_strdup_printf("detach from %s", vm_name(vm));
        g_autoptr(Plan) plan =
                handover_plan_new(vm->manager->handover, title, vm_name(vm), vm_uuid_text(vm));
        DomainFunction function;
        int r = 0;

        if (!is_gone) {
                Eject *eject = g_new0(Eject, 1);

                *eject = (Eject){vm_ref(vm), g_strdup(device->alias.name), unplug};
                plan_add(plan, &step_eject, NULL, eject);
        }
        if (domain_function_of(device, &function))
                r = handover_plan_give(vm->manager->handover, plan, &function.addr, 1, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&plan);
        return 0;
}

/* All is back, or the guest has refused. */
static void on_unplugged(Plan *plan, const Err *err, void *userdata) {
        VmUnplug *unplug = userdata;
        g_autoptr(Vm) vm = vm_ref(unplug->vm);
        g_auto(Err) status_err = ERR_INIT;

        plan_free(plan);
        if (!err_is_set(err))
                vm_emit_device_removed(vm, unplug->alias);
        else if (!unplug->job || unplug->device)
                log_err(err, "device '%s' of guest '%s' did not come back", unplug->alias,
                        vm_name(vm));
        if (vm->live && vm->process && vm_write_status(vm, &status_err) < 0)
                log_err(&status_err, "the status of guest '%s' is old", vm_name(vm));
        let_job_go(unplug, err);
        unplug_free(unplug);
        if (!vm->process && !vm->unplugs && vm_is_active(vm))
                vm_ended(vm);
}

static int run_detach(VmUnplug *unplug, const DomainDevice *device, bool is_gone, Err *err) {
        g_autoptr(Plan) plan = NULL;
        int r = plan_detach(unplug->vm, device, unplug, is_gone, &plan, err);

        if (r == 0)
                r = plan_run(plan, on_unplugged, unplug, err);
        if (r == 0)
                g_steal_pointer(&plan);
        return r;
}

/* The device of xml taken out of a copy of def. */
static int def_without_device(const DomainDef *def, const char *xml, DomainDef **ret, Err *err) {
        g_autoptr(DomainDef) next = domain_def_copy(def);
        g_autoptr(DomainDevice) wanted = NULL;
        DomainDevice *found;
        int r = domain_device_parse(next, xml, strlen(xml), 0, &wanted, err);

        if (r == 0)
                r = domain_def_find_device(next, wanted, &found, err);
        if (r != 0)
                return r;
        domain_device_free(domain_def_take_device(next, found));
        *ret = g_steal_pointer(&next);
        return 0;
}

static int find_live_device(const Vm *vm, const char *xml, DomainDevice **ret, Err *err) {
        g_autoptr(DomainDevice) wanted = NULL;
        int r = domain_device_parse(vm->live, xml, strlen(xml), DOMAIN_PARSE_LIVE, &wanted, err);

        if (r == 0)
                r = domain_def_find_device(vm->live, wanted, ret, err);
        if (r != 0)
                return r;
        if (!(*ret)->alias.name)
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                            "this device cannot be detached from a running guest");
        return 0;
}

static int detach_begin(Job *job, Err *err) {
        DeviceJob *work = job_data(job);
        Vm *vm = work->vm;
        DomainDevice *device = NULL;
        VmUnplug *unplug;
        int r = settle_change(vm, &work->change, err);

        if (r == 0 && work->change.config)
                r = def_without_device(vm->config, work->xml, &work->config, err);
        if (r < 0 || !work->change.live)
                return r;
        r = find_live_device(vm, work->xml, &device, err);
        if (r != 0)
                return r;
        unplug = find_unplug(vm, device->alias.name);
        if (unplug) { /* asked before, and still waiting: ask again */
                unplug->job = job;
                unplug->tries = 0;
                ask_guest(unplug);
                return 1;
        }
        unplug = unplug_new(vm, device->alias.name, job);
        r = run_detach(unplug, device, false, err);
        if (r < 0)
                unplug_free(unplug);
        return r < 0 ? r : 1;
}

static void detach_run(Job *job) {
        g_auto(Err) err = ERR_INIT;

        if (detach_begin(job, &err) <= 0)
                finish_change(job, &err);
}

int vm_detach_device(Vm *vm, const char *xml, const VmDeviceChange *change, Call *call, Err *err) {
        return submit(vm, "detach device", detach_run, device_job_new(vm, xml, change), call, err);
}

int vm_plan_detach(Vm *vm, const char *xml, Plan **ret, Err *err) {
        DomainDevice *device;
        int r = vm_check_active(vm, true, err);

        if (r == 0)
                r = find_live_device(vm, xml, &device, err);
        return r != 0 ? r : plan_detach(vm, device, NULL, false, ret, err);
}

/* ---- what the guest does ---- */

/* What stood behind the device in QEMU and on the host beside its PCI function. */
static void free_backends(Vm *vm, const DomainDevice *device) {
        json_t *commands = qemu_args_unplug(vm->live, device);

        send_cleanup(vm, commands);
        json_decref(commands);
        vm_kind_release(vm, device);
}

void vm_device_deleted(Vm *vm, const char *alias) {
        DomainDevice *device = vm->live ? domain_def_find_alias(vm->live, alias) : NULL;
        VmUnplug *unplug = find_unplug(vm, alias);
        g_auto(Err) err = ERR_INIT;

        if (!device) {
                vm_vcpu_deleted(vm, alias);
                return;
        }
        free_backends(vm, device);
        device = domain_def_take_device(vm->live, device);
        if (unplug) {
                unplug->device = device;
                end_asking(unplug, 0, NULL);
                return;
        }
        unplug = unplug_new(vm, alias,
                            NULL); /* nobody asked: the host took the card, or the guest */
        unplug->device = device;
        if (run_detach(unplug, device, true, &err) < 0)
                on_unplugged(NULL, &err, unplug);
}

void vm_device_unplug_failed(Vm *vm, const char *alias, const char *why) {
        VmUnplug *unplug = find_unplug(vm, alias);
        g_auto(Err) err = ERR_INIT;

        fail(&err, VIR_ERR_OPERATION_FAILED, "device '%s' stays in guest '%s': %s", alias,
             vm_name(vm), why);
        vm_emit_device_removal_failed(vm, alias);
        if (unplug)
                end_asking(unplug, -EIO, &err);
}

bool vm_unplugs_end(Vm *vm) {
        g_autoptr(GList) unplugs = g_list_copy(vm->unplugs);

        for (GList *l = unplugs; l; l = l->next)
                vm_device_deleted(vm, ((VmUnplug *)l->data)->alias);
        return vm->unplugs != NULL;
}
