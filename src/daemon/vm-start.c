/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/cpu-store.h"
#include "daemon/emulator.h"
#include "daemon/store.h"
#include "daemon/vm-agent.h"
#include "daemon/vm-cpu.h"
#include "daemon/vm-hostdev.h"
#include "daemon/vm-power.h"
#include "daemon/vm-transfer.h"
#include "daemon/vm-image.h"
#include "daemon/vm-kind.h"
#include "daemon/vm-machine.h"
#include "daemon/vm-pin.h"
#include "domain/device.h"
#include "handover/handover.h"
#include "qemu/args.h"
#include "qemu/caps.h"

/* How much of a log's end goes into an error. */
#define LOG_TAIL_MAX 1024

/* One start, as its job sees it. */
typedef struct Start {
        VmStart options;
        ImageFacts *images; /* of the disks; NULL: none is on this host */
} Start;

/* The same, as the plan's steps see it. */
typedef struct Boot {
        Vm *vm;
        json_t *commands; /* for QEMU before the guest runs; NULL: not made yet */
        size_t next_command;
        bool is_incoming; /* the memory comes from an image */
} Boot;

static char *log_path(const Vm *vm) {
        return g_strdup_printf("%s/%s.log", vm->manager->paths.log_dir, vm_name(vm));
}

/* ---- what the definition leaves open until the start ---- */

static int check_accelerator(const Vm *vm, Err *err) {
        if ((vm->once ? vm->once : vm->config)->type != DOMAIN_TYPE_KVM ||
            access("/dev/kvm", R_OK | W_OK) == 0)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "guest '%s' wants KVM, and /dev/kvm cannot be used: %s", vm_name(vm),
                              g_strerror(errno)),
                         "enable virtualization in the firmware and load kvm_intel or kvm_amd, or "
                         "use <domain type='qemu'> (slow)");
}

/* The live definition of the next run. start NULL: it is only shown, and says nothing of images. */
static int make_live(Vm *vm, const Start *start, DomainDef **ret, Err *err) {
        g_autoptr(DomainDef) live = domain_def_copy(vm->once ? vm->once : vm->config);
        int r = check_accelerator(vm, err);

        if (r < 0)
                return r;
        r = vm_check_window(vm->manager, live, err);
        if (r == 0 && start)
                r = vm_image_fill_all(vm, live, start->images, err);
        if (r < 0)
                return r;
        domain_def_assign_aliases(live);
        r = vm_kind_fill_all(vm, live, err);
        if (r == 0)
                r = vm_machine_prepare(vm, live, err);
        if (r == 0)
                r = vm_cpu_prepare(vm, live, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&live);
        return 0;
}

/* ---- step: QEMU ---- */

static void boot_free(void *data) {
        Boot *boot = data;

        json_decref(boot->commands);
        vm_unref(boot->vm);
        g_free(boot);
}

static const QemuCaps *vm_caps(const Vm *vm) {
        const DomainDef *def = vm->live ? vm->live : vm->config;

        return manager_caps(vm->manager, def->devices.emulator);
}

unsigned vm_qemu_version(const Vm *vm) {
        const QemuCaps *caps = vm_caps(vm);

        return caps ? (unsigned)caps->version : QEMU_VERSION_MIN;
}

GHashTable *vm_qemu_devices(const Vm *vm) {
        const QemuCaps *caps = vm_caps(vm);

        return caps ? caps->devices : NULL;
}

static QemuRuntime qemu_runtime(const Vm *vm, int listen_fd) {
        const QemuCaps *caps = vm_caps(vm);

        return (QemuRuntime){
                .version = vm_qemu_version(vm),
                .devices = vm_qemu_devices(vm),
                .qmp_fd = listen_fd,
                .has_vhost_net = access("/dev/vhost-net", R_OK | W_OK) == 0,
                .has_sandbox = caps && caps->has_sandbox,
                .fds = vm->fds,
        };
}

/* The command line stands in the guest's log, before what QEMU says. */
static void log_command_line(Boot *boot, GPtrArray *argv) {
        g_autofree char *path = log_path(boot->vm);
        g_autofree char *line = g_strjoinv(" ", (char **)argv->pdata);
        g_autoptr(GDateTime) now = g_date_time_new_now_utc();
        g_autofree char *time = g_date_time_format_iso8601(now);
        g_autofree char *text = g_strdup_printf("%s: start: %s\n", time, line);
        _cleanup_(closep) int fd =
                open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

        if (n < 0)
                log_warning("cannot write the log '%s': %s", path, g_strerror(errno));
        boot->vm->log_offset = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
}

/* The monitor's socket and what the devices' steps have opened. */
static GArray *inherited_fds(const Vm *vm, int listen_fd) {
        GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));
        GHashTableIter iter;
        gpointer value;

        g_array_append_val(fds, listen_fd);
        if (vm->fds)
                g_hash_table_iter_init(&iter, vm->fds);
        while (vm->fds && g_hash_table_iter_next(&iter, NULL, &value)) {
                int fd = GPOINTER_TO_INT(value);

                g_array_append_val(fds, fd);
        }
        return fds;
}

/* Before the NULL at the end: QEMU waits to be told where its memory comes from. */
static void expect_memory(GPtrArray *argv) {
        g_ptr_array_insert(argv, (int)argv->len - 1, g_strdup("-incoming"));
        g_ptr_array_insert(argv, (int)argv->len - 1, g_strdup("defer"));
}

static int spawn_qemu(Boot *boot, int listen_fd, Err *err) {
        Vm *vm = boot->vm;
        QemuRuntime runtime = qemu_runtime(vm, listen_fd);
        g_autoptr(GPtrArray) argv = NULL;
        g_auto(GStrv) env = qemu_args_environment(vm->live);
        g_auto(VmMachine) machine = {};
        g_autofree char *log = log_path(vm);
        g_autofree char *run_dir = store_run_path(&vm->manager->paths, vm_name(vm), NULL);
        g_autoptr(GArray) fds = inherited_fds(vm, listen_fd);
        ProcessSpec spec = {.log_path = log, .fds = (int *)(void *)fds->data, .n_fds = fds->len};
        int r;

        vm_machine_read(vm, vm->live, &machine);
        vm_machine_fill_runtime(&machine, &runtime);
        runtime.run_dir = run_dir;
        r = qemu_args_build(vm->live, &runtime, &argv, err);
        if (r < 0)
                return r;
        if (boot->is_incoming)
                expect_memory(argv);
        spec.argv = (char *const *)argv->pdata;
        spec.env = env;
        spec.locked_memory = vm_locked_memory(vm->live);
        log_command_line(boot, argv);
        return process_spawn(&spec, &vm->process, err);
}

static int qemu_run(Step *step, Err *err) {
        Boot *boot = step_data(step);
        Vm *vm = boot->vm;
        _cleanup_(closep) int listen_fd = -1, fd = -1;
        int r = store_make_run_dir(&vm->manager->paths, vm_name(vm), err);

        vm->is_starting = true;
        vm->stop_reason = VM_SHUTOFF_UNKNOWN;
        vm->began = (uint64_t)g_get_real_time();
        vm_set_running(vm);
        vm_set_state(vm, VM_PAUSED, VM_PAUSED_STARTING_UP);
        if (r == 0)
                r = vm_monitor_listen(vm, &listen_fd, &fd, err);
        if (r == 0)
                r = vm_write_status(vm, err); /* before: a QEMU that nobody knows is never left */
        if (r == 0)
                r = spawn_qemu(boot, listen_fd, err);
        vm_drop_fds(vm);
        if (r == 0)
                r = vm_watch_consume_fd(vm, steal_fd(&fd), err);
        if (r == 0)
                r = vm_write_status(vm, err);
        if (r < 0)
                return r;
        vm->boot_step = step;
        return STEP_PENDING;
}

static void qemu_forget(Vm *vm) {
        vm->is_starting = false;
        vm_set_stopped(vm);
        vm_set_state(vm, VM_SHUTOFF, VM_SHUTOFF_FAILED);
}

static int qemu_undo(Step *step, Err *err) {
        Boot *boot = step_data(step);
        Vm *vm = boot->vm;

        if (!vm_is_active(vm))
                return 0;
        if (vm->process && !vm->qmp) { /* it could not be watched */
                process_signal(vm->process, SIGKILL);
                g_clear_pointer(&vm->process, process_free);
        }
        if (!vm->process) {
                qemu_forget(vm);
                return 0;
        }
        vm->is_starting = true; /* its end is the start's matter */
        vm->boot_step = step;
        process_signal(vm->process, SIGKILL);
        return STEP_PENDING;
}

static void qemu_cancel(Step *step) {
        const Boot *boot = step_data(step);

        if (boot->vm->process)
                process_signal(boot->vm->process, SIGKILL);
}

static char *qemu_describe(const Step *step, bool undo) {
        const Boot *boot = step_data(step);

        return g_strdup_printf(undo ? "end QEMU of guest %s" : "start QEMU of guest %s",
                               vm_name(boot->vm));
}

static const StepKind step_qemu = {
        .name = "start-qemu",
        .run = qemu_run,
        .undo = qemu_undo,
        .cancel = qemu_cancel,
        .describe = qemu_describe,
        .free = boot_free,
};

static void set_pty(GPtrArray *chars, const char *alias, const char *path) {
        for (guint i = 0; i < chars->len; i++) {
                DomainChar *chr = g_ptr_array_index(chars, i);

                if (g_strcmp0(chr->base.alias.name, alias) != 0)
                        continue;
                vm_char_set_terminal(&chr->base, path);
        }
}

/* The first console is the first serial port under another name. */
static void mirror_first_console(DomainDef *live) {
        const DomainChar *serial;
        DomainChar *console;

        if (live->devices.list[DOMAIN_SERIAL]->len == 0 ||
            live->devices.list[DOMAIN_CONSOLE]->len == 0)
                return;
        serial = g_ptr_array_index(live->devices.list[DOMAIN_SERIAL], 0);
        console = g_ptr_array_index(live->devices.list[DOMAIN_CONSOLE], 0);
        if (console->target.type != CHAR_TARGET_SERIAL || serial->type != CHAR_TYPE_PTY)
                return;
        console->source.node.is_present = true;
        g_free(console->source.path);
        console->source.path = g_strdup(serial->source.path);
}

static void set_ptys(DomainDef *live, const char *label, const char *path) {
        static const DomainDeviceKind kinds[] = {DOMAIN_SERIAL, DOMAIN_PARALLEL, DOMAIN_CONSOLE,
                                                 DOMAIN_CHANNEL};

        if (!g_str_has_prefix(label, "char"))
                return;
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                set_pty(live->devices.list[kinds[i]], label + strlen("char"), path);
}

static void name_console_ttys(DomainDef *live) {
        mirror_first_console(live);
        DOMAIN_FOREACH(DomainChar, console, live, DOMAIN_CONSOLE) {
                if (console->type != CHAR_TYPE_PTY || !console->source.path)
                        continue;
                g_free(console->tty);
                console->tty = g_strdup(console->source.path);
        }
}

/* What has to be said before the guest runs, one command after the other. */
static void prepare_next(Boot *boot);

static void on_prepared(json_t *result, const Err *err, void *userdata) {
        Boot *boot = userdata;
        Step *step = boot->vm->boot_step;

        if (!step) /* QEMU has ended, and the watch has told */
                return;
        if (err) {
                boot->vm->boot_step = NULL;
                step_finish(step, -EIO, err);
                return;
        }
        prepare_next(boot);
}

/* What QEMU says of the processor is written down; where it says nothing, nothing is. */
static void on_missing_features(json_t *result, const Err *err, void *userdata) {
        const Boot *boot = userdata;
        Step *step = boot->vm->boot_step;
        g_auto(Err) fault = ERR_INIT;
        int r = 0;

        if (!step)
                return;
        if (result)
                r = vm_cpu_take_missing(boot->vm, result, &fault);
        boot->vm->boot_step = NULL;
        step_finish(step, r, r < 0 ? &fault : NULL);
}

static void on_cpus(json_t *result, const Err *err, void *userdata) {
        const Boot *boot = userdata;
        const char *path = result ? vm_cpu_path(result) : NULL;

        if (!boot->vm->boot_step || !boot->vm->qmp || !path) {
                on_missing_features(NULL, err, userdata);
                return;
        }
        qmp_send(boot->vm->qmp, "qom-get",
                 json_pack("{s:s, s:s}", "path", path, "property", "unavailable-features"),
                 on_missing_features, userdata);
}

static void prepare_next(Boot *boot) {
        json_t *command = json_array_get(boot->commands, boot->next_command++);

        if (!command) {
                if (vm_cpu_wants_missing(boot->vm->live))
                        qmp_send(boot->vm->qmp, "query-cpus-fast", NULL, on_cpus, boot);
                else
                        on_missing_features(NULL, NULL, boot);
                return;
        }
        qmp_send(boot->vm->qmp, json_string_value(json_object_get(command, "execute")),
                 json_incref(json_object_get(command, "arguments")), on_prepared, boot);
}

static void on_chardevs(json_t *result, const Err *err, void *userdata) {
        Boot *boot = userdata;
        Vm *vm = boot->vm;
        QemuRuntime runtime = qemu_runtime(vm, -1);
        g_auto(Err) fault = ERR_INIT;
        size_t i;
        json_t *item;

        if (err || !vm->boot_step) /* its end is told by the watch */
                return;
        json_array_foreach(result, i, item) {
                const char *label = json_string_value(json_object_get(item, "label"));
                const char *file = json_string_value(json_object_get(item, "filename"));

                if (label && file && g_str_has_prefix(file, "pty:"))
                        set_ptys(vm->live, label, file + strlen("pty:"));
        }
        name_console_ttys(vm->live);
        vm_agent_resync(vm, result);
        if (qemu_args_ready(vm->live, &runtime, &boot->commands, &fault) < 0)
                on_prepared(NULL, &fault, boot);
        else
                prepare_next(boot);
}

void vm_ready(Vm *vm) {
        vm_apply_lifecycle(vm);
        if (vm->boot_step)
                qmp_send(vm->qmp, "query-chardev", NULL, on_chardevs, step_data(vm->boot_step));
        else
                vm_resync(vm);
}

/* What QEMU printed since the start, the last lines of it. */
static char *read_log_tail(const Vm *vm) {
        g_autofree char *path = log_path(vm);
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
        off_t begin = MAX(vm->log_offset, end - LOG_TAIL_MAX);
        g_autofree char *text = g_malloc0(LOG_TAIL_MAX + 1);
        ssize_t n = end > begin ? pread(fd, text, (size_t)(end - begin), begin) : 0;

        if (n <= 0)
                return g_strdup("it printed nothing");
        return g_strdup(g_strstrip(text));
}

bool vm_start_ended(Vm *vm) {
        Step *step = g_steal_pointer(&vm->boot_step);
        g_auto(Err) err = ERR_INIT;
        g_autofree char *tail = NULL;

        if (!step && !vm->load_step)
                return vm->is_starting; /* the step after it finds out */
        if (step && plan_state(step_plan(step)) == PLAN_UNDOING) {
                qemu_forget(vm);
                step_finish(step, 0, NULL);
                return true;
        }
        tail = read_log_tail(vm);
        if (vm->stop_reason == VM_SHUTOFF_DESTROYED)
                fail(&err, VIR_ERR_OPERATION_ABORTED, "guest '%s' was destroyed while it started",
                     vm_name(vm));
        else
                fail(&err, VIR_ERR_INTERNAL_ERROR, "QEMU ended while guest '%s' started: %s",
                     vm_name(vm), tail);
        if (step)
                step_finish(step, -EIO, &err);
        else
                vm_restore_ended(vm, &err);
        return true;
}

/* ---- step: let it run ---- */

static void on_continued(json_t *result, const Err *err, void *userdata) {
        step_finish(userdata, err ? -EIO : 0, err);
}

static int continue_run(Step *step, Err *err) {
        const Boot *boot = step_data(step);

        if (!boot->vm->qmp)
                return fail(err, VIR_ERR_OPERATION_FAILED, "QEMU of guest '%s' has ended",
                            vm_name(boot->vm));
        qmp_send(boot->vm->qmp, "cont", NULL, on_continued, step);
        return STEP_PENDING;
}

static char *continue_describe(const Step *step, bool undo) {
        const Boot *boot = step_data(step);

        return undo ? NULL : g_strdup_printf("let guest %s run", vm_name(boot->vm));
}

static const StepKind step_continue = {
        .name = "run",
        .run = continue_run,
        .describe = continue_describe,
        .free = boot_free,
};

/* ---- the plan and the job ---- */

static Boot *boot_new(Vm *vm) {
        Boot *boot = g_new0(Boot, 1);

        boot->vm = vm_ref(vm);
        return boot;
}

static int build_plan(Vm *vm, const VmStart *options, const DomainDef *live, Plan **ret, Err *err) {
        g_autofree char *title = g_strdup_printf("start %s", vm_name(vm));
        g_autoptr(Plan) plan =
                handover_plan_new(vm->manager->handover, title, vm_name(vm), vm_uuid_text(vm));
        VmTake take = {.with_companions = options->with_companions,
                       .take_host_devices = options->take_host_devices};
        Boot *boot;
        int r = vm_plan_take(vm, plan, live, NULL, &take, err);

        if (r < 0)
                return r;
        r = vm_kind_plan_all(vm, plan, live, err);
        if (r < 0)
                return r;
        boot = boot_new(vm);
        boot->is_incoming = options->restore;
        plan_add(plan, &step_qemu, NULL, boot);
        if (options->restore)
                vm_restore_add_step(plan, vm, options->restore);
        if (!options->paused)
                plan_add(plan, &step_continue, NULL, boot_new(vm));
        *ret = g_steal_pointer(&plan);
        return 0;
}

int vm_plan_start(Vm *vm, const VmStart *options, Plan **ret, Err *err) {
        g_autoptr(DomainDef) live = NULL;
        int r = vm_check_active(vm, false, err);

        if (r == 0)
                r = make_live(vm, NULL, &live, err);
        return r < 0 ? r : build_plan(vm, options, live, ret, err);
}

static void start_failed(Job *job, const Err *err) {
        Vm *vm = job_vm(job);

        vm_drop_fds(vm);
        g_clear_pointer(&vm->live, domain_def_free);
        if (!vm->persistent)
                vm_forget(vm);
        job_finish(job, err);
}

static void emit_started(Vm *vm, const VmStart *options) {
        bool is_restored = options->restore; /* and was said to be started when it was read */

        if (!is_restored)
                vm_emit(vm, EVENT_STARTED, EVENT_STARTED_BOOTED);
        if (!options->paused)
                return;
        if (is_restored && !options->restore->file.is_running)
                vm_emit(vm, EVENT_SUSPENDED, EVENT_SUSPENDED_RESTORED);
        else
                vm_emit(vm, EVENT_SUSPENDED, EVENT_SUSPENDED_PAUSED);
}

static void on_started(Plan *plan, const Err *err, void *userdata) {
        Job *job = userdata;
        const VmStart *options = &((const Start *)job_data(job))->options;
        Vm *vm = job_vm(job);
        g_auto(Err) status_err = ERR_INIT;

        if (err_is_set(err)) {
                start_failed(job, err);
                plan_free(plan);
                return;
        }
        plan_free(plan);
        vm->is_starting = false;
        if (vm->live && vm->process)
                vm_pin_threads(vm);
        if (options->paused)
                vm_set_state(vm, VM_PAUSED, VM_PAUSED_USER);
        if (vm_write_status(vm, &status_err) < 0)
                log_err(&status_err, "a later airlockd may not find guest '%s' again", vm_name(vm));
        emit_started(vm, options);
        if (options->restore && options->restore->is_managed &&
            vm_managed_save_remove(vm, &status_err) < 0)
                log_err(&status_err, "the managed save of guest '%s' stays", vm_name(vm));
        job_finish(job, NULL);
        if (!vm->process && vm_is_active(vm)) /* it ended between its first instruction and now */
                vm_ended(vm);
}

static void start_now(Job *job) {
        const Start *start = job_data(job);
        Vm *vm = job_vm(job);
        g_autoptr(Plan) plan = NULL;
        g_auto(Err) err = ERR_INIT;
        int r;

        r = make_live(vm, start, &vm->live, &err);
        g_clear_pointer(&vm->once, domain_def_free);
        if (r == 0)
                r = build_plan(vm, &start->options, vm->live, &plan, &err);
        if (r == 0)
                r = plan_run(plan, on_started, job, &err);
        if (r < 0)
                start_failed(job, &err);
        else
                g_steal_pointer(&plan);
}

static void on_models(const CpuFacts *facts, const Err *err, void *userdata) {
        Job *job = userdata;

        if (err)
                start_failed(job, err);
        else
                start_now(job);
}

/* The CPU models take longer to ask for, and few guests need to know them. */
static void start_with_models(Job *job) {
        const Vm *vm = job_vm(job);
        const DomainDef *def = vm->once ? vm->once : vm->config;
        const char *path = def->devices.emulator;
        g_auto(Err) err = ERR_INIT;

        if (!vm_cpu_needs_models(def) || cpu_store_find(vm->manager->cpus, path))
                start_now(job);
        else if (cpu_store_ask(vm->manager->cpus, path, on_models, job, &err) < 0)
                start_failed(job, &err);
}

static void on_emulator(const QemuCaps *caps, const Err *err, void *userdata) {
        Job *job = userdata;

        if (err)
                start_failed(job, err);
        else
                start_with_models(job);
}

/* A binary that is new, or another than it was, is asked first what it can do. */
static void start_with_emulator(Job *job) {
        const Vm *vm = job_vm(job);
        Manager *manager = vm->manager;
        const char *path = (vm->once ? vm->once : vm->config)->devices.emulator;
        g_auto(Err) err = ERR_INIT;

        if (emulators_find(manager->emulators, path))
                start_with_models(job);
        else if (emulators_ask(manager->emulators, path, on_emulator, job, &err) < 0)
                start_failed(job, &err);
}

static void on_images(ImageFacts *facts, const Err *err, void *userdata) {
        Job *job = userdata;
        Start *start = job_data(job);

        start->images = facts;
        if (err)
                start_failed(job, err);
        else
                start_with_emulator(job);
}

static void start_run(Job *job) {
        Vm *vm = job_vm(job);
        const DomainDef *def = vm->once ? vm->once : vm->config;
        g_auto(Err) err = ERR_INIT;
        int r = vm_check_active(vm, false, &err);

        if (r < 0) {
                job_finish(job, &err);
                return;
        }
        r = vm_image_look(vm, def->devices.list[DOMAIN_DISK], on_images, job, &err);
        if (r < 0)
                start_failed(job, &err);
        else if (r != VM_IMAGE_LATER)
                start_with_emulator(job);
}

static void start_free(void *data) {
        Start *start = data;

        vm_restore_free(start->options.restore);
        image_facts_free(start->images);
        g_free(start);
}

int vm_start(Vm *vm, const VmStart *options, Call *call, JobFunc done, Err *err) {
        Start *start = g_new0(Start, 1);

        start->options = *options;
        return job_submit_call(vm,
                               &(JobSpec){.name = "start",
                                          .run = start_run,
                                          .done = done,
                                          .call = call,
                                          .data = start,
                                          .free_data = start_free},
                               err);
}
