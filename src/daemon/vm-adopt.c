/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/store.h"
#include "daemon/vm-agent.h"
#include "daemon/vm-kind.h"
#include "daemon/vm-transfer.h"
#include "domain/function.h"

/* What a QEMU that was cut off in its start gets to die of SIGKILL, before the daemon serves. */
#define KILL_WAIT_MS 5000

/* The status file of an earlier daemon, decoded. */
typedef struct Status {
        const char *uuid, *live, *config;
        int id, state, reason, persistent, starting;
        json_int_t pid, start_time, began;
} Status;

static int status_read(json_t *json, Status *ret, Err *err) {
        json_error_t problem;
        int format;

        if (json_unpack_ex(json, &problem, 0,
                           "{s:i, s:s, s:i, s:i, s:i, s:b, s:b, s:I, s:I, s:I, s:s, s:s}", "format",
                           &format, "uuid", &ret->uuid, "id", &ret->id, "state", &ret->state,
                           "reason", &ret->reason, "persistent", &ret->persistent, "starting",
                           &ret->starting, "pid", &ret->pid, "start_time", &ret->start_time,
                           "began", &ret->began, "live", &ret->live, "config", &ret->config) < 0)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "its status is damaged: %s", problem.text);
        if (ret->state <= 0 || ret->state >= _VM_STATE_MAX || ret->id < 0)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "its status is of another Airlock");
        return 0;
}

/* The guest of the status: defined already, or transient and only known from here. */
static int find_or_make(Manager *manager, const Status *status, Vm **ret, Err *err) {
        DomainDefaults defaults = manager_domain_defaults(manager);
        g_autoptr(DomainDef) config = NULL;
        Vm *vm = g_hash_table_lookup(manager->vms_by_uuid, status->uuid);
        int r;

        if (!vm) {
                r = domain_def_parse(status->config, strlen(status->config), &defaults, 0, &config,
                                     err);
                if (r < 0)
                        return r;
                vm = vm_new(manager, g_steal_pointer(&config), false);
        }
        *ret = vm;
        return 0;
}

static void kill_and_wait(const Process *process) {
        struct pollfd fd = {.fd = process_fd(process), .events = POLLIN};

        process_signal(process, SIGKILL);
        if (poll(&fd, 1, KILL_WAIT_MS) == 0)
                log_warning("process %d does not end although it was killed",
                            (int)process_pid(process));
}

static int take_up(Vm *vm, const Status *status, Err *err) {
        _cleanup_(closep) int fd = -1;
        int r = vm_monitor_connect(vm, &fd, err);

        if (r < 0)
                return r;
        vm->id = status->id;
        vm->began = (uint64_t)status->began;
        vm_set_running(vm);
        vm->state = (VmState)status->state;
        vm->reason = status->reason;
        return vm_watch_consume_fd(vm, steal_fd(&fd), err);
}

/* Nothing of it runs: what it left on the host beside its PCI functions goes. */
static void clear_away(Vm *vm) {
        vm_kind_release_all(vm);
        g_clear_pointer(&vm->live, domain_def_free);
        store_remove_run_dir(&vm->manager->paths, vm_name(vm));
        vm->reason = VM_SHUTOFF_CRASHED;
        log_message(LOG_NOTICE, vm_name(vm), NULL, "ended while no airlockd watched it");
        if (!vm->persistent)
                vm_forget(vm);
}

/* A daemon that was killed between the two writings of the status did not note the pid: then the
 * guest is known by its UUID on QEMU's command line. */
static int find_process(const Status *status, Process **ret) {
        if (status->pid > 0)
                return process_adopt((pid_t)status->pid, (uint64_t)status->start_time, ret);
        return process_find("-uuid", status->uuid, ret);
}

static int adopt(Manager *manager, json_t *json, Err *err) {
        g_autoptr(Process) process = NULL;
        DomainDefaults defaults = manager_domain_defaults(manager);
        Status status = {};
        bool is_saved;
        Vm *vm = NULL;
        int r = status_read(json, &status, err);

        if (r == 0)
                r = find_or_make(manager, &status, &vm, err);
        if (r == 0)
                r = domain_def_parse(status.live, strlen(status.live), &defaults, DOMAIN_PARSE_LIVE,
                                     &vm->live, err);
        if (r != 0)
                return r;
        is_saved = !vm_transfer_recover(vm, json_object_get(json, "transfer"));
        if (find_process(&status, &process) == 0 && status.starting)
                kill_and_wait(process);
        if (!process || status.starting) {
                clear_away(vm);
                return 0;
        }
        vm->process = g_steal_pointer(&process);
        r = take_up(vm, &status, err);
        if (r == 0 && !is_saved && vm->has_managed_save) /* it was started from it */
                r = vm_managed_save_remove(vm, err);
        if (is_saved)
                vm_end_process(vm, VM_SHUTOFF_SAVED);
        return r;
}

int vm_adopt(Manager *manager, const char *name, const char *status, Err *err) {
        json_t *json = json_loads(status, 0, NULL);
        int r = adopt(manager, json, err);

        json_decref(json);
        return r;
}

/* ---- what changed while nobody watched ---- */

static void on_status(json_t *result, const Err *err, void *userdata) {
        Vm *vm = userdata;
        const char *status = json_string_value(json_object_get(result, "status"));

        if (err || !status || vm->state == VM_SHUTDOWN)
                return;
        if (strcmp(status, "running") == 0) {
                /* Who paused it and let it go on meanwhile was not us. */
                if (vm->state != VM_RUNNING)
                        vm->reason = VM_RUNNING_UNPAUSED;
                vm->state = VM_RUNNING;
        } else if (strcmp(status, "shutdown") == 0) {
                vm->state = VM_SHUTDOWN;
                vm->stop_reason = VM_SHUTOFF_SHUTDOWN;
                process_signal(vm->process, SIGTERM);
        } else if (strcmp(status, "paused") == 0) {
                vm->state = VM_PAUSED;
                vm->reason = VM_PAUSED_USER;
        }
}

static bool list_has(json_t *list, const char *name) {
        size_t i;
        json_t *item;

        json_array_foreach(list, i, item)
                if (g_strcmp0(json_string_value(json_object_get(item, "name")), name) == 0)
                        return true;
        return false;
}

/* Functions that the guest let go of meanwhile: DEVICE_DELETED was told to nobody. */
static void on_peripherals(json_t *result, const Err *err, void *userdata) {
        g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);
        Vm *vm = userdata;
        g_autoptr(GArray) functions = domain_functions(vm->live);

        if (err)
                return;
        for (guint i = 0; i < functions->len; i++) {
                const char *alias = g_array_index(functions, DomainFunction, i).device->alias.name;

                if (!list_has(result, alias))
                        g_ptr_array_add(gone, g_strdup(alias));
        }
        for (guint i = 0; i < gone->len; i++)
                vm_device_deleted(vm, g_ptr_array_index(gone, i));
}

static void on_chardevs(json_t *result, const Err *err, void *userdata) {
        if (!err)
                vm_agent_resync(userdata, result);
}

void vm_resync(Vm *vm) {
        qmp_send(vm->qmp, "query-chardev", NULL, on_chardevs, vm);
        vm_transfer_recover_later(vm);
        qmp_send(vm->qmp, "query-status", NULL, on_status, vm);
        qmp_send(vm->qmp, "qom-list", json_pack("{s:s}", "path", "/machine/peripheral"),
                 on_peripherals, vm);
}
