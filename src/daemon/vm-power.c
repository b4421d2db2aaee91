/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-power.h"

#include <signal.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "daemon/vm-agent.h"
#include "daemon/vm-transfer.h"

/* ---- what QEMU tells ---- */

static int suspended_detail(int reason) {
        switch (reason) {
        case VM_PAUSED_IOERROR:
                return EVENT_SUSPENDED_IOERROR;
        case VM_PAUSED_WATCHDOG:
                return EVENT_SUSPENDED_WATCHDOG;
        default:
                return EVENT_SUSPENDED_PAUSED;
        }
}

void vm_on_stop(Vm *vm, json_t *data) {
        int reason = vm->pause_reason ? vm->pause_reason : VM_PAUSED_USER;

        vm->pause_reason = 0;
        if (vm->is_starting || vm->state != VM_RUNNING)
                return;
        vm_set_state(vm, VM_PAUSED, reason);
        vm_emit(vm, EVENT_SUSPENDED, suspended_detail(reason));
}

void vm_on_resume(Vm *vm, json_t *data) {
        int unsaid = vm->is_starting ? VM_RUNNING_BOOTED : VM_RUNNING_UNPAUSED;
        int reason = vm->resume_reason ? vm->resume_reason : unsaid;

        vm->resume_reason = 0;
        if (vm->state != VM_PAUSED && vm->state != VM_CRASHED)
                return;
        vm_set_state(vm, VM_RUNNING, reason);
        vm_emit(vm, EVENT_RESUMED,
                reason == VM_RUNNING_RESTORED ? EVENT_RESUMED_FROM_SNAPSHOT
                                              : EVENT_RESUMED_UNPAUSED);
}

static void set_action(Vm *vm, const char *event, const char *action) {
        qmp_send(vm->qmp, "set-action", json_pack("{s:s}", event, action), NULL, NULL);
}

/* Whether QEMU ends when the guest powers off, or waits for what we decide. */
static void apply_poweroff(Vm *vm) {
        bool waits = vm->reboot_on_poweroff || vm->live->on_poweroff != LIFECYCLE_DESTROY;

        set_action(vm, "shutdown", waits ? "pause" : "poweroff");
}

void vm_apply_lifecycle(Vm *vm) {
        if (!vm->qmp)
                return;
        apply_poweroff(vm);
        set_action(vm, "reboot", vm->live->on_reboot == LIFECYCLE_DESTROY ? "shutdown" : "reset");
        set_action(vm, "panic", "pause");
}

void vm_reset_and_run(Vm *vm, int reason) {
        vm->reboot_on_poweroff = false;
        apply_poweroff(vm);
        vm->resume_reason = reason;
        qmp_send(vm->qmp, "system_reset", NULL, NULL, NULL);
        qmp_send(vm->qmp, "cont", NULL, NULL, NULL);
}

static bool wants_restart(const Vm *vm) {
        return vm->reboot_on_poweroff || vm->live->on_poweroff == LIFECYCLE_RESTART;
}

void vm_on_shutdown(Vm *vm, json_t *data) {
        bool by_guest = json_is_true(json_object_get(data, "guest"));

        vm_agent_settle(vm);
        if (by_guest && wants_restart(vm)) {
                vm_reset_and_run(vm, 0);
                return;
        }
        if (vm->stop_reason == VM_SHUTOFF_UNKNOWN)
                vm->stop_reason = by_guest ? VM_SHUTOFF_SHUTDOWN : VM_SHUTOFF_DESTROYED;
        vm_set_state(vm, VM_SHUTDOWN, 0);
        vm_emit(vm, EVENT_SHUTDOWN, by_guest ? EVENT_SHUTDOWN_GUEST : EVENT_SHUTDOWN_HOST);
        if (by_guest && vm->live->on_poweroff != LIFECYCLE_PRESERVE)
                process_signal(vm->process, SIGTERM);
}

void vm_on_reset(Vm *vm, json_t *data) {
        DomainRef ref = vm_domain_ref(vm);

        if (vm->boot_step) /* it belongs to the start */
                return;
        vm_agent_settle(vm);
        event_domain_reboot(vm->manager, &ref);
}

/* ---- a panic ---- */

static void dump_and(Vm *vm, bool restart) {
        g_autofree char *dir = g_build_filename(vm->manager->paths.state_dir, "dump", NULL);
        g_autoptr(GDateTime) now = g_date_time_new_now_utc();
        g_autofree char *time = g_date_time_format(now, "%Y-%m-%d-%H:%M:%S");
        g_autofree char *path = g_strdup_printf("%s/%d-%.80s-%s", dir, vm->id, vm_name(vm), time);
        VmDump dump = {.path = path, .memory_only = true, .crash = !restart, .reset = restart};
        g_auto(Err) err = ERR_INIT;
        int r = file_mkdir_p(dir, 0700, &err);

        if (r == 0)
                r = vm_dump(vm, &dump, NULL, &err);
        if (r < 0)
                log_err(&err, "guest '%s' panicked and stays as it is", vm_name(vm));
}

void vm_on_panic(Vm *vm, json_t *data) {
        if (vm->state != VM_CRASHED) {
                vm_set_state(vm, VM_CRASHED, VM_CRASHED_PANICKED);
                vm_emit(vm, EVENT_CRASHED, EVENT_CRASHED_PANICKED);
        }
        switch (vm->live->on_crash) {
        case LIFECYCLE_PRESERVE:
                return;
        case LIFECYCLE_RESTART:
                vm_reset_and_run(vm, VM_RUNNING_CRASHED);
                return;
        case LIFECYCLE_COREDUMP_DESTROY:
        case LIFECYCLE_COREDUMP_RESTART:
                dump_and(vm, vm->live->on_crash == LIFECYCLE_COREDUMP_RESTART);
                return;
        default:
                vm_end_process(vm, VM_SHUTOFF_CRASHED);
        }
}

/* ---- sleep ---- */

static void fall_asleep(Vm *vm, bool to_disk) {
        DomainRef ref = vm_domain_ref(vm);

        vm_agent_settle(vm);
        if (vm->state == VM_RUNNING)
                vm_set_state(vm, VM_PMSUSPENDED, 0);
        vm_emit(vm, EVENT_PMSUSPENDED, to_disk ? EVENT_PMSUSPENDED_DISK : EVENT_PMSUSPENDED_MEMORY);
        event_domain_pmsuspend(vm->manager, &ref, to_disk);
}

void vm_on_sleep(Vm *vm, json_t *data) {
        fall_asleep(vm, false);
}

void vm_on_sleep_disk(Vm *vm, json_t *data) {
        fall_asleep(vm, true);
}

void vm_on_wakeup(Vm *vm, json_t *data) {
        DomainRef ref = vm_domain_ref(vm);

        if (vm->state == VM_PMSUSPENDED) {
                vm_set_state(vm, VM_RUNNING, VM_RUNNING_WAKEUP);
                vm_emit(vm, EVENT_STARTED, EVENT_STARTED_WAKEUP);
        }
        event_domain_pmwakeup(vm->manager, &ref);
}

/* ---- the buttons ---- */

static void on_command_done(json_t *result, const Err *err, void *userdata) {
        job_finish(userdata, err);
}

/* A job that is one QMP command to a running guest; its data is the command's name. */
static void command_run(Job *job) {
        Vm *vm = job_vm(job);
        g_auto(Err) err = ERR_INIT;

        if (vm_check_active(vm, true, &err) < 0 || !vm->qmp)
                job_finish(job, err_is_set(&err) ? &err : NULL);
        else
                qmp_send(vm->qmp, job_data(job), NULL, on_command_done, job);
}

static int submit_command(Vm *vm, const char *name, const char *command, Call *call, Err *err) {
        int r = vm_check_active(vm, true, err);

        if (r < 0)
                return r;
        return job_submit_call(vm,
                               &(JobSpec){.name = name,
                                          .run = command_run,
                                          .call = call,
                                          .data = (void *)(uintptr_t)command},
                               err);
}

static int press_shutdown(Vm *vm, Call *call, Err *err) {
        if (vm->reboot_on_poweroff && vm->qmp) {
                vm->reboot_on_poweroff = false;
                apply_poweroff(vm);
        }
        return submit_command(vm, "shutdown", "system_powerdown", call, err);
}

/* The guest is asked to power off, and is reset when it has. */
static int press_reboot(Vm *vm, Call *call, Err *err) {
        vm->reboot_on_poweroff = true;
        if (vm->qmp)
                apply_poweroff(vm);
        return submit_command(vm, "reboot", "system_powerdown", call, err);
}

/* The agent where it is asked for, or where it listens and nothing was said. */
static int choose_mode(Vm *vm, unsigned modes, bool *ret_agent, Err *err) {
        bool wants_agent = (modes & VM_POWER_AGENT) || !modes;
        bool may_press = (modes & VM_POWER_ACPI) || !modes;
        int r = vm_check_active(vm, true, err);

        if (r < 0)
                return r;
        *ret_agent = wants_agent && vm_agent_is_connected(vm);
        return *ret_agent || may_press ? 0 : vm_agent_check(vm, err);
}

int vm_shutdown(Vm *vm, unsigned modes, Call *call, Err *err) {
        bool by_agent = false;
        int r = choose_mode(vm, modes, &by_agent, err);

        if (r < 0)
                return r;
        return by_agent ? vm_agent_power(vm, "powerdown", call, err)
                        : press_shutdown(vm, call, err);
}

int vm_reboot(Vm *vm, unsigned modes, Call *call, Err *err) {
        bool by_agent = false;
        int r = choose_mode(vm, modes, &by_agent, err);

        if (r < 0)
                return r;
        return by_agent ? vm_agent_power(vm, "reboot", call, err) : press_reboot(vm, call, err);
}

int vm_reset(Vm *vm, Call *call, Err *err) {
        return submit_command(vm, "reset", "system_reset", call, err);
}

static int check_awake(const Vm *vm, Err *err) {
        if (vm->state == VM_PMSUSPENDED)
                return fail(err, VIR_ERR_OPERATION_INVALID, "domain is pmsuspended");
        return vm_check_active(vm, true, err);
}

int vm_suspend(Vm *vm, Call *call, Err *err) {
        int r = check_awake(vm, err);

        return r < 0 ? r : submit_command(vm, "suspend", "stop", call, err);
}

int vm_resume(Vm *vm, Call *call, Err *err) {
        int r = check_awake(vm, err);

        if (r < 0)
                return r;
        if (vm->state == VM_RUNNING)
                return fail(err, VIR_ERR_OPERATION_INVALID, "domain is already running");
        return submit_command(vm, "resume", "cont", call, err);
}

int vm_inject_nmi(Vm *vm, Call *call, Err *err) {
        return submit_command(vm, "inject-nmi", "inject-nmi", call, err);
}

int vm_pm_wakeup(Vm *vm, Call *call, Err *err) {
        return submit_command(vm, "wakeup", "system_wakeup", call, err);
}

int vm_pm_suspend(Vm *vm, VmSleep target, Call *call, Err *err) {
        static const char *const commands[] = {
                [VM_SLEEP_MEM] = "guest-suspend-ram",
                [VM_SLEEP_DISK] = "guest-suspend-disk",
                [VM_SLEEP_HYBRID] = "guest-suspend-hybrid",
        };
        int r = vm_check_active(vm, true, err);

        G_STATIC_ASSERT(G_N_ELEMENTS(commands) == _VM_SLEEP_MAX);
        return r < 0 ? r : vm_agent_one_way(vm, commands[target], NULL, call, err);
}
