/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/store.h"
#include "daemon/vm-agent.h"
#include "daemon/vm-hostdev.h"
#include "daemon/vm-power.h"
#include "daemon/vm-tell.h"
#include "daemon/vm-transfer.h"
#include "daemon/vm-tune.h"
#include "daemon/vm-kind.h"
#include "daemon/vm-tune.h"
#include "domain/device.h"
#include "handover/handover.h"

/* What QEMU gets to end by itself before it is killed. */
#define TERM_DEADLINE_USEC (10 * UINT64_C(1000000))

/* ---- the socket ---- */

/* A guest's name may be longer than a socket's address: the address goes through the directory. */
static int monitor_address(Vm *vm, struct sockaddr_un *ret, int *ret_dir, Err *err) {
        g_autofree char *dir = store_run_path(&vm->manager->paths, vm_name(vm), NULL);
        int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return fail_errno(err, neg_errno(), "cannot open '%s'", dir);
        *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
        snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/monitor.sock", fd);
        *ret_dir = fd;
        return 0;
}

int vm_monitor_connect(Vm *vm, int *ret, Err *err) {
        _cleanup_(closep) int dir = -1, fd = -1;
        struct sockaddr_un address;
        int r = monitor_address(vm, &address, &dir, err);

        if (r < 0)
                return r;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return fail_errno(err, neg_errno(), "cannot connect to the monitor of guest '%s'",
                                  vm_name(vm));
        *ret = steal_fd(&fd);
        return 0;
}

int vm_monitor_listen(Vm *vm, int *ret_listen, int *ret_connected, Err *err) {
        _cleanup_(closep) int dir = -1, fd = -1;
        struct sockaddr_un address;
        int r = monitor_address(vm, &address, &dir, err);

        if (r < 0)
                return r;
        unlink(address.sun_path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(fd, 1) < 0)
                return fail_errno(err, neg_errno(), "cannot make the monitor socket of guest '%s'",
                                  vm_name(vm));
        r = vm_monitor_connect(vm, ret_connected, err);
        if (r < 0)
                return r;
        *ret_listen = steal_fd(&fd);
        return 0;
}

/* ---- what QEMU tells ---- */

static void on_device_deleted(Vm *vm, json_t *data) {
        const char *alias = json_string_value(json_object_get(data, "device"));

        if (alias) /* what QEMU made by itself has no name */
                vm_device_deleted(vm, alias);
}

static void on_unplug_error(Vm *vm, json_t *data) {
        const char *alias = json_string_value(json_object_get(data, "device"));

        if (alias)
                vm_device_unplug_failed(vm, alias, "the guest refused");
}

static void on_migration(Vm *vm, json_t *data) {
        const char *status = json_string_value(json_object_get(data, "status"));

        if (!status)
                return;
        vm_restore_migration(vm, status);
        vm_transfer_migration(vm, status);
}

static void on_balloon(Vm *vm, json_t *data) {
        json_int_t bytes = json_integer_value(json_object_get(data, "actual"));

        if (bytes > 0)
                vm_balloon_changed(vm, (uint64_t)bytes);
}

static const struct MonitorEvent {
        const char *name;
        void (*run)(Vm *vm, json_t *data);
} monitor_events[] = {
        {"BALLOON_CHANGE", on_balloon},
        {"BLOCK_IO_ERROR", vm_tell_io_error},
        {"DEVICE_DELETED", on_device_deleted},
        {"DEVICE_TRAY_MOVED", vm_tell_tray},
        {"DEVICE_UNPLUG_GUEST_ERROR", on_unplug_error},
        {"DUMP_COMPLETED", vm_transfer_dumped},
        {"GUEST_PANICKED", vm_on_panic},
        {"MEMORY_DEVICE_SIZE_CHANGE", vm_tell_memory_device},
        {"MEMORY_FAILURE", vm_tell_memory_failure},
        {"MIGRATION", on_migration},
        {"RESET", vm_on_reset},
        {"RESUME", vm_on_resume},
        {"RTC_CHANGE", vm_tell_rtc},
        {"SHUTDOWN", vm_on_shutdown},
        {"STOP", vm_on_stop},
        {"SUSPEND", vm_on_sleep},
        {"SUSPEND_DISK", vm_on_sleep_disk},
        {"VNC_CONNECTED", vm_tell_vnc_connected},
        {"VNC_DISCONNECTED", vm_tell_vnc_disconnected},
        {"VNC_INITIALIZED", vm_tell_vnc_initialized},
        {"VSERPORT_CHANGE", vm_agent_port},
        {"WAKEUP", vm_on_wakeup},
        {"WATCHDOG", vm_tell_watchdog},
};

static void on_event(const char *name, json_t *data, void *userdata) {
        g_autoptr(Vm) vm = vm_ref(userdata);
        DomainRef ref = vm_domain_ref(vm);
        char *details = data ? json_dumps(data, JSON_COMPACT) : NULL;

        event_domain_monitor(vm->manager, &ref, name, details);
        free(details);
        for (size_t i = 0; i < G_N_ELEMENTS(monitor_events); i++)
                if (strcmp(monitor_events[i].name, name) == 0)
                        monitor_events[i].run(vm, data);
}

static void on_ready(void *userdata) {
        vm_ready(userdata);
}

/* The process's end is what counts, and follows; one that hangs without its monitor can be
 * destroyed. */
static void on_closed(void *userdata) {
        vm_tell_control_error(userdata);
}

/* ---- the end ---- */

/* A guest that panics crashed; a QEMU that ends unasked failed, and the state says crashed too. */
static void emit_stopped(Vm *vm, bool is_failure) {
        static const int details[] = {
                [VM_SHUTOFF_SHUTDOWN] = EVENT_STOPPED_SHUTDOWN,
                [VM_SHUTOFF_DESTROYED] = EVENT_STOPPED_DESTROYED,
                [VM_SHUTOFF_CRASHED] = EVENT_STOPPED_CRASHED,
                [VM_SHUTOFF_SAVED] = EVENT_STOPPED_SAVED,
        };

        vm_emit(vm, EVENT_STOPPED, is_failure ? EVENT_STOPPED_FAILED : details[vm->reason]);
}

static void finish_stop(Job *job) {
        Vm *vm = job_vm(job);
        bool is_failure = vm->stop_reason == VM_SHUTOFF_UNKNOWN;
        int reason = is_failure ? VM_SHUTOFF_CRASHED : vm->stop_reason;

        vm_kind_release_all(vm);
        vm->stop_job = NULL;
        vm_set_stopped(vm);
        vm_set_state(vm, VM_SHUTOFF, reason);
        emit_stopped(vm, is_failure);
        if (!vm->persistent)
                vm_forget(vm);
        job_finish(job, NULL);
}

static void on_given(Plan *plan, const Err *err, void *userdata) {
        Job *job = userdata;

        if (err_is_set(err))
                log_err(err, "devices of guest '%s' did not all come back", vm_name(job_vm(job)));
        plan_free(plan);
        finish_stop(job);
}

/* After QEMU has ended: its functions go back, then the guest is off. */
static void clean_up(Job *job) {
        Vm *vm = job_vm(job);
        g_autoptr(GArray) addrs = vm_functions(vm->live);
        g_autofree char *title = g_strdup_printf("stop %s", vm_name(vm));
        g_auto(Err) err = ERR_INIT;
        Plan *plan;
        int r;

        if (vm->state != VM_SHUTDOWN)
                vm_set_state(vm, VM_SHUTDOWN, 0);
        if (addrs->len == 0) {
                finish_stop(job);
                return;
        }
        plan = handover_plan_new(vm->manager->handover, title, vm_name(vm), vm_uuid_text(vm));
        r = handover_plan_give(vm->manager->handover, plan, (PciAddr *)(void *)addrs->data,
                               addrs->len, &err);
        if (r == 0)
                r = plan_run(plan, on_given, job, &err);
        if (r < 0)
                on_given(plan, &err, job);
}

/* Guests that are asked to let go have their own plans; the stop comes after them. */
static void clean_up_after_exit(Job *job) {
        if (vm_is_active(job_vm(job)) && !job_vm(job)->process)
                clean_up(job);
        else /* a destroy that was waiting has done it */
                job_finish(job, NULL);
}

static void on_exit_of_qemu(int status, void *userdata) {
        g_autoptr(Vm) vm = vm_ref(userdata);

        vm->kill_timer = sd_event_source_disable_unref(vm->kill_timer);
        qmp_close(vm->qmp);
        g_clear_pointer(&vm->qmp, qmp_free);
        g_clear_pointer(&vm->process, process_free);
        vm_agent_ended(vm);
        if (!vm_start_ended(vm))
                vm_ended(vm);
        vm_transfer_ended(vm);
}

void vm_ended(Vm *vm) {
        if (vm_unplugs_end(vm))
                return;
        if (vm->stop_job)
                clean_up(vm->stop_job);
        else
                job_submit(vm, &(JobSpec){.name = "clean up", .run = clean_up_after_exit}, NULL);
}

int vm_watch_consume_fd(Vm *vm, int fd, Err *err) {
        static const QmpHandlers handlers = {on_ready, on_event, on_closed};
        int r = qmp_new_consume_fd(vm->manager->event, fd, &handlers, vm, &vm->qmp, err);

        if (r == 0)
                r = process_watch(vm->process, vm->manager->event, on_exit_of_qemu, vm, err);
        return r;
}

static int on_term_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Vm *vm = userdata;

        if (vm->process)
                process_signal(vm->process, SIGKILL);
        return 0;
}

static int on_graceful_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        g_auto(Err) err = ERR_INIT;
        Vm *vm = userdata;

        fail(&err, VIR_ERR_OPERATION_FAILED,
             "QEMU of guest '%s' has not ended within 10 s; destroy it without --graceful",
             vm_name(vm));
        vm->stop_reason = VM_SHUTOFF_UNKNOWN;
        if (vm->stop_job)
                job_finish(g_steal_pointer(&vm->stop_job), &err);
        return 0;
}

static void kill_process(Vm *vm, int reason, bool graceful) {
        vm->stop_reason = reason;
        vm->reboot_on_poweroff = false;
        if (!vm->process)
                return;
        process_signal(vm->process, vm->is_starting ? SIGKILL : SIGTERM);
        vm->kill_timer = sd_event_source_disable_unref(vm->kill_timer);
        sd_event_add_time_relative(vm->manager->event, &vm->kill_timer, CLOCK_MONOTONIC,
                                   TERM_DEADLINE_USEC, 0,
                                   graceful ? on_graceful_deadline : on_term_deadline, vm);
}

void vm_end_process(Vm *vm, int reason) {
        kill_process(vm, reason, false);
}

static void destroy_run(Job *job) {
        Vm *vm = job_vm(job);
        bool graceful = GPOINTER_TO_INT(job_data(job));

        if (!vm_is_active(vm)) /* it ended while we waited: that is what was asked for */
                job_finish(job, NULL);
        else {
                vm->stop_job = job;
                if (vm->process)
                        kill_process(vm, VM_SHUTOFF_DESTROYED, graceful);
                else if (!vm->unplugs)
                        clean_up(job);
        }
}

int vm_destroy(Vm *vm, bool graceful, Call *call, Err *err) {
        int r = vm_check_active(vm, true, err);

        if (r < 0)
                return r;
        /* A job that waits for a guest which does not answer must not hold up its end. */
        if (vm->jobs.length > 0 && !graceful)
                kill_process(vm, VM_SHUTOFF_DESTROYED, false);
        return job_submit_call(vm,
                               &(JobSpec){.name = "destroy",
                                          .run = destroy_run,
                                          .call = call,
                                          .data = GINT_TO_POINTER(graceful)},
                               err);
}
