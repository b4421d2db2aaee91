/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm.h"

#include <string.h>

#include "base/log.h"
#include "daemon/store.h"
#include "daemon/vm-transfer.h"
#include "qemu/agent.h"
#include "daemon/vm-kind.h"

#define STATUS_FORMAT 1

Vm *vm_ref(Vm *vm) {
        vm->refs++;
        return vm;
}

void vm_unref(Vm *vm) {
        if (!vm || --vm->refs > 0)
                return;
        g_assert(g_queue_is_empty(&vm->jobs));
        sd_event_source_disable_unref(vm->kill_timer);
        sd_event_source_disable_unref(vm->closed_timer);
        g_assert(!vm->unplugs);
        vm_transfer_forget_completed(vm);
        agent_free(vm->agent);
        qmp_free(vm->qmp);
        process_free(vm->process);
        g_clear_pointer(&vm->cards, g_hash_table_unref);
        vm_drop_fds(vm);
        g_hash_table_unref(vm->consoles);
        domain_def_free(vm->config);
        domain_def_free(vm->live);
        domain_def_free(vm->once);
        g_free(vm->uuid_text);
        g_free(vm);
}

Vm *vm_new(Manager *manager, DomainDef *config, bool persistent) {
        char text[DOMAIN_UUID_TEXT_MAX];
        Vm *vm = g_new0(Vm, 1);

        *vm = (Vm){
                .refs = 1,
                .manager = manager,
                .config = config,
                .persistent = persistent,
                .id = -1,
                .state = VM_SHUTOFF,
                .agent_timeout = AGENT_WAIT_FOREVER,
                .uuid_text = g_strdup(domain_uuid_format(config->uuid, text)),
        };
        g_queue_init(&vm->jobs);
        vm->consoles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_hash_table_insert(manager->vms_by_uuid, vm->uuid_text, vm);
        g_hash_table_insert(manager->vms_by_name, config->name, vm);
        return vm;
}

void vm_forget(Vm *vm) {
        Manager *manager = vm->manager;

        if (g_hash_table_lookup(manager->vms_by_uuid, vm->uuid_text) != vm)
                return;
        g_hash_table_remove(manager->vms_by_name, vm->config->name);
        g_hash_table_remove(manager->vms_by_uuid, vm->uuid_text);
        vm_unref(vm);
}

Vm *vm_find_by_name(Manager *manager, const char *name) {
        return g_hash_table_lookup(manager->vms_by_name, name);
}

Vm *vm_find_by_uuid(Manager *manager, const uint8_t uuid[static VM_UUID_BYTES]) {
        char text[DOMAIN_UUID_TEXT_MAX];

        return g_hash_table_lookup(manager->vms_by_uuid, domain_uuid_format(uuid, text));
}

Vm *vm_find_by_id(Manager *manager, int id) {
        return g_hash_table_lookup(manager->vms_by_id, GINT_TO_POINTER(id));
}

const char *vm_name(const Vm *vm) {
        return vm->config->name;
}

const uint8_t *vm_uuid(const Vm *vm) {
        return vm->config->uuid;
}

const char *vm_uuid_text(const Vm *vm) {
        return vm->uuid_text;
}

bool vm_is_active(const Vm *vm) {
        return vm->id >= 0;
}

DomainRef vm_domain_ref(const Vm *vm) {
        return (DomainRef){vm_name(vm), vm_uuid(vm), vm->id};
}

const DomainDef *vm_def(const Vm *vm, bool inactive) {
        return vm->live && !inactive ? vm->live : vm->config;
}

const char *vm_state_to_string(VmState state) {
        static const char *const names[] = {
                [VM_RUNNING] = "running",      [VM_PAUSED] = "paused",
                [VM_SHUTDOWN] = "in shutdown", [VM_SHUTOFF] = "shut off",
                [VM_CRASHED] = "crashed",      [VM_PMSUSPENDED] = "pmsuspended",
        };

        G_STATIC_ASSERT(G_N_ELEMENTS(names) == _VM_STATE_MAX);
        return state < _VM_STATE_MAX && names[state] ? names[state] : "no state";
}

/* Where a state may come from; VM_SHUTOFF and VM_PAUSED (starting) are the ends of an off guest. */
static bool state_may_follow(VmState from, VmState to) {
        switch (to) {
        case VM_RUNNING:
                return from == VM_PAUSED || from == VM_CRASHED || from == VM_PMSUSPENDED;
        case VM_PAUSED:
                return from == VM_SHUTOFF || from == VM_RUNNING || from == VM_CRASHED;
        case VM_SHUTDOWN:
        case VM_CRASHED:
        case VM_PMSUSPENDED:
                return from != VM_SHUTOFF;
        case VM_SHUTOFF:
                return true;
        case _VM_STATE_MAX:
                break;
        }
        return false;
}

void vm_set_state(Vm *vm, VmState state, int reason) {
        g_assert(vm->state == state || state_may_follow(vm->state, state));
        if (vm->state != state)
                log_message(LOG_DEBUG, vm_name(vm), NULL, "%s, was %s", vm_state_to_string(state),
                            vm_state_to_string(vm->state));
        vm->state = state;
        vm->reason = reason;
}

int vm_set_config(Vm *vm, DomainDef *config, Err *err) {
        g_autoptr(DomainDef) fresh = config;
        g_autofree char *xml =
                domain_def_format(fresh, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
        int r = 0;

        if (vm->persistent)
                r = store_write_config(&vm->manager->paths, fresh->name, xml, err);
        if (r < 0)
                return r;
        g_hash_table_remove(vm->manager->vms_by_name, vm->config->name);
        domain_def_free(vm->config);
        vm->config = g_steal_pointer(&fresh);
        g_hash_table_insert(vm->manager->vms_by_name, vm->config->name, vm);
        return 0;
}

void vm_set_running(Vm *vm) {
        if (vm->id < 0)
                vm->id = vm->manager->next_id++;
        if (vm->manager->next_id <= vm->id)
                vm->manager->next_id = vm->id + 1;
        vm->live->id = DOMAIN_NUM((uint64_t)vm->id);
        g_hash_table_insert(vm->manager->vms_by_id, GINT_TO_POINTER(vm->id), vm);
}

void vm_set_stopped(Vm *vm) {
        g_hash_table_remove(vm->manager->vms_by_id, GINT_TO_POINTER(vm->id));
        vm->id = -1;
        g_clear_pointer(&vm->live, domain_def_free);
        store_remove_run_dir(&vm->manager->paths, vm_name(vm));
}

void vm_emit(Vm *vm, int event, int detail) {
        DomainRef ref = vm_domain_ref(vm);

        event_domain_lifecycle(vm->manager, &ref, event, detail);
}

void vm_emit_device_added(Vm *vm, const char *alias) {
        DomainRef ref = vm_domain_ref(vm);

        event_domain_device_added(vm->manager, &ref, alias);
}

void vm_emit_device_removed(Vm *vm, const char *alias) {
        DomainRef ref = vm_domain_ref(vm);

        event_domain_device_removed(vm->manager, &ref, alias);
}

void vm_emit_device_removal_failed(Vm *vm, const char *alias) {
        DomainRef ref = vm_domain_ref(vm);

        event_domain_device_removal_failed(vm->manager, &ref, alias);
}

int vm_check_active(const Vm *vm, bool is_active, Err *err) {
        if (vm_is_active(vm) == is_active)
                return 0;
        if (is_active)
                return fail(err, VIR_ERR_OPERATION_INVALID, "domain is not running");
        return fail(err, VIR_ERR_OPERATION_INVALID, "domain is already running");
}

int vm_write_status(Vm *vm, Err *err) {
        g_autofree char *live = domain_def_format(vm->live, DOMAIN_FORMAT_SECURE);
        g_autofree char *config =
                domain_def_format(vm->config, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
        json_t *status = json_pack(
                "{s:i, s:s, s:i, s:i, s:i, s:b, s:b, s:I, s:I, s:I, s:s, s:s, s:o*}", "format",
                STATUS_FORMAT, "uuid", vm->uuid_text, "id", vm->id, "state", vm->state, "reason",
                vm->reason, "persistent", vm->persistent, "starting", vm->is_starting, "pid",
                (json_int_t)(vm->process ? process_pid(vm->process) : 0), "start_time",
                (json_int_t)(vm->process ? process_start_time(vm->process) : 0), "began",
                (json_int_t)vm->began, "live", live, "config", config, "transfer",
                vm_transfer_to_json(vm));
        char *text = json_dumps(status, JSON_INDENT(1));
        int r = store_write_status(&vm->manager->paths, vm_name(vm), text, err);

        free(text);
        json_decref(status);
        return r;
}
