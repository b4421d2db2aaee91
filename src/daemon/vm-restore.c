/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "daemon/store.h"
#include "daemon/vm-transfer.h"

#define FD_NAME "restore"

/* The reading of one image by QEMU, as the plan's step sees it. */
typedef struct Load {
        Vm *vm;
        const VmRestore *restore; /* belongs to the job of the start */
} Load;

void vm_restore_free(VmRestore *restore) {
        if (!restore)
                return;
        save_file_done(&restore->file);
        g_free(restore->path);
        g_free(restore);
}

int vm_restore_open(Manager *manager, const char *path, VmRestore **ret, DomainDef **ret_def,
                    Err *err) {
        DomainDefaults defaults = manager_domain_defaults(manager);
        g_autoptr(VmRestore) restore = g_new0(VmRestore, 1);
        int r;

        restore->file = (SaveFile)SAVE_FILE_INIT;
        restore->path = g_strdup(path);
        r = save_file_open(path, &restore->file, err);
        if (r == 0)
                r = domain_def_parse(restore->file.xml, strlen(restore->file.xml), &defaults, 0,
                                     ret_def, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&restore);
        return 0;
}

/* ---- the same guest? ---- */

static int check_uuid(const DomainDef *source, const DomainDef *target, Err *err) {
        char from[DOMAIN_UUID_TEXT_MAX], to[DOMAIN_UUID_TEXT_MAX];

        if (memcmp(source->uuid, target->uuid, sizeof(source->uuid)) == 0)
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "Target domain uuid %s does not match source %s",
                    domain_uuid_format(target->uuid, to), domain_uuid_format(source->uuid, from));
}

static int check_number(const char *what, uint64_t source, uint64_t target, Err *err) {
        if (source == target)
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "Target domain %s %" G_GUINT64_FORMAT
                    " does not match source %" G_GUINT64_FORMAT,
                    what, target, source);
}

static int check_text(const char *what, const char *source, const char *target, Err *err) {
        if (g_strcmp0(source, target) == 0)
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "Target domain %s %s does not match source %s",
                    what, target, source);
}

static int check_devices(const DomainDef *source, const DomainDef *target, Err *err) {
        for (size_t kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                guint from = source->devices.list[kind]->len, to = target->devices.list[kind]->len;

                if (from != to)
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                    "Target domain %s device count %u does not match source %u",
                                    domain_device_kind_to_string((DomainDeviceKind)kind), to, from);
        }
        return 0;
}

int vm_check_same_guest(const DomainDef *source, const DomainDef *target, Err *err) {
        int r = check_uuid(source, target, err);

        if (r == 0)
                r = check_text("name", source->name, target->name, err);
        if (r == 0)
                r = check_text("OS type", source->os.type.machine, target->os.type.machine, err);
        if (r == 0)
                r = check_number("max memory", source->memory, target->memory, err);
        if (r == 0)
                r = check_number("vCPU max", domain_num_or(source->vcpu.count, 1),
                                 domain_num_or(target->vcpu.count, 1), err);
        return r < 0 ? r : check_devices(source, target, err);
}

/* ---- the step ---- */

static Step *steal_step(Vm *vm) {
        return g_steal_pointer(&vm->load_step);
}

static void on_command(json_t *result, const Err *err, void *userdata) {
        g_autoptr(Vm) vm = userdata;
        Step *step = err ? steal_step(vm) : NULL;

        if (step)
                step_finish(step, -EIO, err);
}

static void loaded(Vm *vm) {
        Step *step = steal_step(vm);
        const Load *load = step_data(step);

        if (load->restore->bypass_cache)
                posix_fadvise(load->restore->file.fd, 0, 0, POSIX_FADV_DONTNEED);
        vm->resume_reason = VM_RUNNING_RESTORED;
        vm_emit(vm, EVENT_STARTED, EVENT_STARTED_RESTORED);
        step_finish(step, 0, NULL);
}

/* A QEMU that cannot read it ends by itself, and the log has why. */
void vm_restore_migration(Vm *vm, const char *status) {
        if (!vm->load_step)
                return;
        if (strcmp(status, "completed") == 0)
                loaded(vm);
        else if (strcmp(status, "failed") == 0)
                process_signal(vm->process, SIGTERM);
}

bool vm_restore_ended(Vm *vm, const Err *err) {
        Step *step = steal_step(vm);

        if (step)
                step_finish(step, -EIO, err);
        return step;
}

static int load_run(Step *step, Err *err) {
        const Load *load = step_data(step);
        Vm *vm = load->vm;

        if (!vm->qmp)
                return fail(err, VIR_ERR_OPERATION_FAILED, "QEMU of guest '%s' has ended",
                            vm_name(vm));
        vm->load_step = step;
        qmp_send(vm->qmp, "migrate-set-capabilities",
                 json_pack("{s:[{s:s, s:b}]}", "capabilities", "capability", "events", "state", 1),
                 on_command, vm_ref(vm));
        qmp_send_fd(vm->qmp, "getfd", json_pack("{s:s}", "fdname", FD_NAME), load->restore->file.fd,
                    on_command, vm_ref(vm));
        qmp_send(vm->qmp, "migrate-incoming", json_pack("{s:s}", "uri", "fd:" FD_NAME), on_command,
                 vm_ref(vm));
        return STEP_PENDING;
}

static void load_cancel(Step *step) {
        const Load *load = step_data(step);

        if (load->vm->process)
                process_signal(load->vm->process, SIGKILL);
}

static char *load_describe(const Step *step, bool undo) {
        const Load *load = step_data(step);

        return undo ? NULL
                    : g_strdup_printf("read the memory of guest %s from %s", vm_name(load->vm),
                                      load->restore->path);
}

static void load_free(void *data) {
        Load *load = data;

        vm_unref(load->vm);
        g_free(load);
}

static const StepKind step_load = {
        .name = "load-memory",
        .run = load_run,
        .cancel = load_cancel,
        .describe = load_describe,
        .free = load_free,
};

void vm_restore_add_step(Plan *plan, Vm *vm, const VmRestore *restore) {
        Load *load = g_new0(Load, 1);

        *load = (Load){vm_ref(vm), restore};
        plan_add(plan, &step_load, NULL, load);
}

/* ---- managed save ---- */

char *vm_managed_save_path(const Vm *vm) {
        return store_save_path(&vm->manager->paths, vm_name(vm));
}

int vm_managed_save_remove(Vm *vm, Err *err) {
        g_autofree char *path = vm_managed_save_path(vm);
        int r = file_remove(path, err);

        if (r == 0)
                vm->has_managed_save = false;
        return r;
}

static int boot_saved(Vm *vm, const VmStart *options, bool bypass_cache, Call *call, JobFunc done,
                      Err *err) {
        g_autofree char *path = vm_managed_save_path(vm);
        g_autoptr(VmRestore) restore = NULL;
        VmStart with_restore = *options;
        DomainDef *def = NULL;
        int r = vm_restore_open(vm->manager, path, &restore, &def, err);

        if (r < 0)
                return fail_hint(err, r,
                                 "start it anew with --force-boot, or remove the image: virsh "
                                 "managedsave-remove");
        domain_def_free(vm->once);
        vm->once = def;
        restore->is_managed = true;
        restore->bypass_cache = bypass_cache;
        with_restore.paused |= !restore->file.is_running;
        with_restore.restore = g_steal_pointer(&restore);
        return vm_start(vm, &with_restore, call, done, err);
}

int vm_boot(Vm *vm, const VmStart *options, bool force, bool bypass_cache, Call *call, JobFunc done,
            Err *err) {
        int r = vm_check_active(vm, false, err);

        if (r < 0)
                return r;
        if (vm->has_managed_save && !force)
                return boot_saved(vm, options, bypass_cache, call, done, err);
        if (vm->has_managed_save)
                r = vm_managed_save_remove(vm, err);
        return r < 0 ? r : vm_start(vm, options, call, done, err);
}
