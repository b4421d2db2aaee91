/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/errand.h"
#include "daemon/vm-power.h"
#include "domain/function.h"

#define FD_NAME "transfer"

struct VmTransfer {
        Vm *vm; /* borrowed from the job */
        Job *job;
        VmOperation operation;
        char *path, *partial;
        char *xml; /* head of a save file; NULL: a dump */
        bool is_managed, bypass_cache, is_restored_running;
        bool memory_only, live, crash, reset;
        VmDumpFormat format;

        int fd;
        uint64_t began; /* usec, CLOCK_MONOTONIC */
        bool was_running, is_streaming, is_syncing, is_cancelled, is_committed;
};

/* What the last transfer of a guest has moved. */
struct VmTransferred {
        VmOperation operation;
        uint64_t elapsed; /* ms */
        json_t *result;   /* query-migrate or query-dump */
};

static void transfer_free(VmTransfer *transfer) {
        closep(&transfer->fd);
        g_free(transfer->path);
        g_free(transfer->partial);
        g_free(transfer->xml);
        g_free(transfer);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VmTransfer, transfer_free)

int vm_check_no_hostdev(const Vm *vm, const char *what, Err *err) {
        g_autoptr(GArray) functions = domain_functions(vm->live);
        g_autofree char *name = NULL;

        if (functions->len == 0)
                return 0;
        name = domain_device_describe(g_array_index(functions, DomainFunction, 0).device);
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_INVALID,
                              "cannot %s guest '%s' while %s is assigned to it: the state of a "
                              "host device cannot be kept",
                              what, vm_name(vm), name),
                         "detach it first");
}

/* ---- numbers ---- */

static uint64_t number(json_t *object, const char *name) {
        json_t *value = json_object_get(object, name);

        return (uint64_t)json_number_value(value);
}

static void add_memory(RpcParams *params, uint64_t total, uint64_t processed, uint64_t remaining) {
        static const char *const kinds[] = {"data", "memory"};

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                char field[32];

                snprintf(field, sizeof(field), "%s_total", kinds[i]);
                rpc_params_add_u64(params, field, total);
                snprintf(field, sizeof(field), "%s_processed", kinds[i]);
                rpc_params_add_u64(params, field, processed);
                snprintf(field, sizeof(field), "%s_remaining", kinds[i]);
                rpc_params_add_u64(params, field, remaining);
        }
}

static void add_ram(RpcParams *params, json_t *ram) {
        static const struct {
                const char *field, *name;
                unsigned factor;
        } counts[] = {
                {"memory_constant", "duplicate", 1},
                {"memory_normal", "normal", 1},
                {"memory_normal_bytes", "normal-bytes", 1},
                {"memory_dirty_rate", "dirty-pages-rate", 1},
                {"memory_iteration", "dirty-sync-count", 1},
                {"memory_postcopy_requests", "postcopy-requests", 1},
                {"memory_page_size", "page-size", 1},
        };

        add_memory(params, number(ram, "total"), number(ram, "transferred"),
                   number(ram, "remaining"));
        /* Megabits a second, as QEMU counts. */
        rpc_params_add_u64(params, "memory_bps",
                           (uint64_t)(json_number_value(json_object_get(ram, "mbps")) * 125000));
        for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
                rpc_params_add_u64(params, counts[i].field, number(ram, counts[i].name));
}

static RpcParams *make_params(VmOperation operation, uint64_t elapsed, json_t *result) {
        RpcParams *params = rpc_params_new();
        json_t *ram = json_object_get(result, "ram");

        rpc_params_add_int(params, "operation", (int)operation);
        rpc_params_add_u64(params, "time_elapsed", elapsed);
        if (json_object_get(result, "downtime"))
                rpc_params_add_u64(params, "downtime", number(result, "downtime"));
        if (json_object_get(result, "setup-time"))
                rpc_params_add_u64(params, "setup_time", number(result, "setup-time"));
        if (ram)
                add_ram(params, ram);
        else if (json_object_get(result, "total"))
                add_memory(params, number(result, "total"), number(result, "completed"),
                           number(result, "total") - number(result, "completed"));
        return params;
}

static uint64_t elapsed_ms(const VmTransfer *transfer) {
        return ((uint64_t)g_get_monotonic_time() - transfer->began) / 1000;
}

void vm_transfer_forget_completed(Vm *vm) {
        if (!vm->transferred)
                return;
        json_decref(vm->transferred->result);
        g_clear_pointer(&vm->transferred, g_free);
}

RpcParams *vm_transfer_completed(const Vm *vm) {
        const VmTransferred *last = vm->transferred;

        return last ? make_params(last->operation, last->elapsed, last->result) : NULL;
}

static void keep_numbers(VmTransfer *transfer, json_t *result) {
        Vm *vm = transfer->vm;
        DomainRef ref = vm_domain_ref(vm);
        g_autoptr(RpcParams) params = NULL;

        vm_transfer_forget_completed(vm);
        vm->transferred = g_new0(VmTransferred, 1);
        *vm->transferred =
                (VmTransferred){transfer->operation, elapsed_ms(transfer), json_incref(result)};
        params = vm_transfer_completed(vm);
        event_domain_job_completed(vm->manager, &ref, params);
}

typedef struct Progress {
        Call *call;
        VmProgressFunc func;
        VmOperation operation;
        uint64_t elapsed;
} Progress;

static void on_progress(json_t *result, const Err *err, void *userdata) {
        g_autofree Progress *progress = userdata;
        g_autoptr(RpcParams) params = NULL;

        if (err) {
                call_fail(progress->call, err);
                return;
        }
        params = make_params(progress->operation, progress->elapsed, result);
        progress->func(progress->call, VM_JOB_UNBOUNDED, params);
        call_reply(progress->call);
}

static const char *query_command(const VmTransfer *transfer) {
        return transfer->memory_only ? "query-dump" : "query-migrate";
}

int vm_transfer_progress(Vm *vm, Call *call, VmProgressFunc func, Err *err) {
        const VmTransfer *transfer = vm->transfer;
        Progress *progress;

        if (!transfer || !vm->qmp)
                return 0;
        progress = g_new0(Progress, 1);
        *progress = (Progress){call_ref(call), func, transfer->operation, elapsed_ms(transfer)};
        qmp_send(vm->qmp, query_command(transfer), NULL, on_progress, progress);
        return CALL_LATER;
}

/* ---- the end ---- */

static void write_status(Vm *vm) {
        g_auto(Err) err = ERR_INIT;

        if (vm_write_status(vm, &err) < 0)
                log_err(&err, "a later airlockd may not know what guest '%s' does", vm_name(vm));
}

static void on_resumed(json_t *result, const Err *err, void *userdata) {
        if (err)
                log_err(err, "guest '%s' stays paused", vm_name(userdata));
        vm_unref(userdata);
}

/* The guest goes on as before. */
static void run_again(VmTransfer *transfer) {
        Vm *vm = transfer->vm;

        if (!transfer->was_running || !vm->qmp || vm->state != VM_PAUSED)
                return;
        vm->resume_reason = transfer->operation == VM_OPERATION_SAVE ? VM_RUNNING_SAVE_CANCELED
                                                                     : VM_RUNNING_UNPAUSED;
        qmp_send(vm->qmp, "cont", NULL, on_resumed, vm_ref(vm));
}

static void transfer_fail(VmTransfer *transfer, const Err *err) {
        Vm *vm = transfer->vm;
        g_auto(Err) cancelled = ERR_INIT;

        if (vm->qmp)
                qmp_forget(vm->qmp, transfer);
        vm->transfer = NULL;
        unlink(transfer->partial);
        run_again(transfer);
        if (vm->live)
                write_status(vm);
        if (transfer->is_cancelled)
                fail(&cancelled, VIR_ERR_OPERATION_ABORTED, "%s of guest '%s': canceled by client",
                     job_name(transfer->job), vm_name(vm));
        if (!job_call(transfer->job))
                log_err(err, "%s of guest '%s' failed", job_name(transfer->job), vm_name(vm));
        job_finish(transfer->job, transfer->is_cancelled ? &cancelled : err);
}

/* The file has its name: the guest ends, and the job with it. */
static void finish_save(VmTransfer *transfer) {
        Vm *vm = transfer->vm;

        vm->has_managed_save |= transfer->is_managed;
        vm->transfer = NULL;
        vm->stop_job = transfer->job;
        vm_end_process(vm, VM_SHUTOFF_SAVED);
}

static void finish_dump(VmTransfer *transfer) {
        Vm *vm = transfer->vm;

        vm->transfer = NULL;
        write_status(vm);
        if (transfer->crash && vm->process) {
                vm->stop_job = transfer->job;
                vm_end_process(vm, VM_SHUTOFF_CRASHED);
                return;
        }
        if (transfer->reset && vm->state == VM_CRASHED && vm->qmp)
                vm_reset_and_run(vm, VM_RUNNING_CRASHED);
        else if (transfer->reset && vm->qmp)
                qmp_send(vm->qmp, "system_reset", NULL, NULL, NULL);
        run_again(transfer);
        job_finish(transfer->job, NULL);
}

static void on_synced(int r, const char *output, size_t size, void *userdata) {
        VmTransfer *transfer = userdata;
        g_auto(Err) err = ERR_INIT;

        transfer->is_syncing = false;
        if (r == 0 && transfer->xml && !transfer->vm->process) {
                vm_transfer_ended(transfer->vm);
                return;
        }
        /* From here on a save is not undone: a guest that ran on beside an image of its past could
         * be started from that later. */
        if (r == 0 && transfer->xml) {
                transfer->is_committed = true;
                write_status(transfer->vm);
        }
        if (r == 0 && rename(transfer->partial, transfer->path) < 0)
                r = neg_errno();
        if (r < 0) {
                fail_errno(&err, r, "cannot write '%s'", transfer->path);
                transfer->is_committed = false;
                transfer_fail(transfer, &err);
                return;
        }
        file_sync_parent(transfer->path);
        if (transfer->xml)
                finish_save(transfer);
        else
                finish_dump(transfer);
}

static int sync_file(int out, void *data) {
        const VmTransfer *transfer = data;

        if (fsync(transfer->fd) < 0)
                return neg_errno();
        if (transfer->bypass_cache)
                return -posix_fadvise(transfer->fd, 0, 0, POSIX_FADV_DONTNEED);
        return 0;
}

static void on_numbers(json_t *result, const Err *err, void *userdata) {
        VmTransfer *transfer = userdata;
        g_auto(Err) problem = ERR_INIT;

        if (!err)
                keep_numbers(transfer, result);
        transfer->is_syncing = true;
        if (errand_run(transfer->vm->manager->event,
                       &(ErrandSpec){.func = sync_file,
                                     .data = transfer,
                                     .done = on_synced,
                                     .userdata = transfer,
                                     .keep_fd = transfer->fd},
                       NULL, &problem) == 0)
                return;
        transfer->is_syncing = false;
        transfer_fail(transfer, &problem);
}

/* All is in the file's cache. */
static void stream_complete(VmTransfer *transfer) {
        transfer->is_streaming = false;
        qmp_send(transfer->vm->qmp, query_command(transfer), NULL, on_numbers, transfer);
}

static void on_why(json_t *result, const Err *err, void *userdata) {
        VmTransfer *transfer = userdata;
        const char *why = json_string_value(json_object_get(result, "error-desc"));
        g_auto(Err) failure = ERR_INIT;

        fail(&failure, VIR_ERR_OPERATION_FAILED,
             "QEMU could not write the memory of guest '%s': %s", vm_name(transfer->vm),
             why ? why : "unexpectedly failed");
        transfer_fail(transfer, &failure);
}

void vm_transfer_migration(Vm *vm, const char *status) {
        VmTransfer *transfer = vm->transfer;

        if (!transfer || !transfer->is_streaming || transfer->memory_only)
                return;
        if (strcmp(status, "completed") == 0) {
                stream_complete(transfer);
        } else if (strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0) {
                transfer->is_streaming = false;
                qmp_send(vm->qmp, "query-migrate", NULL, on_why, transfer);
        }
}

void vm_transfer_dumped(Vm *vm, json_t *data) {
        VmTransfer *transfer = vm->transfer;
        const char *why = json_string_value(json_object_get(data, "error"));
        g_auto(Err) err = ERR_INIT;

        if (!transfer || !transfer->is_streaming || !transfer->memory_only)
                return;
        if (!why) {
                stream_complete(transfer);
                return;
        }
        fail(&err, VIR_ERR_OPERATION_FAILED, "QEMU could not dump guest '%s': %s", vm_name(vm),
             why);
        transfer_fail(transfer, &err);
}

void vm_transfer_ended(Vm *vm) {
        VmTransfer *transfer = vm->transfer;
        g_auto(Err) err = ERR_INIT;

        if (!transfer || transfer->is_syncing) /* then on_synced() finds out */
                return;
        fail(&err, VIR_ERR_OPERATION_FAILED, "guest '%s' ended before %s was complete", vm_name(vm),
             job_name(transfer->job));
        transfer_fail(transfer, &err);
}

int vm_transfer_abort(Vm *vm, Err *err) {
        VmTransfer *transfer = vm->transfer;

        if (!transfer)
                return fail(err, VIR_ERR_OPERATION_INVALID, "no job is active on the domain");
        if (transfer->memory_only)
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "cannot abort memory-only dump: QEMU has no way to end it");
        if (!transfer->is_streaming)
                return 0; /* nothing of it can be held back any more */
        transfer->is_cancelled = true;
        qmp_send(vm->qmp, "migrate_cancel", NULL, NULL, NULL);
        return 0;
}

/* ---- the way there ---- */

static void on_command(json_t *result, const Err *err, void *userdata) {
        if (err)
                transfer_fail(userdata, err);
}

static void send_migrate(VmTransfer *transfer) {
        Qmp *qmp = transfer->vm->qmp;

        qmp_send(qmp, "migrate-set-capabilities",
                 json_pack("{s:[{s:s, s:b}]}", "capabilities", "capability", "events", "state", 1),
                 on_command, transfer);
        /* As fast as the disk takes it. */
        qmp_send(qmp, "migrate-set-parameters",
                 json_pack("{s:I}", "max-bandwidth", (json_int_t)INT64_MAX >> 20 << 20), on_command,
                 transfer);
        qmp_send_fd(qmp, "getfd", json_pack("{s:s}", "fdname", FD_NAME), transfer->fd, on_command,
                    transfer);
        qmp_send(qmp, "migrate", json_pack("{s:s}", "uri", "fd:" FD_NAME), on_command, transfer);
}

static void send_dump(VmTransfer *transfer) {
        static const char *const names[] = {
                [VM_DUMP_RAW] = "elf",
                [VM_DUMP_KDUMP_ZLIB] = "kdump-zlib",
                [VM_DUMP_KDUMP_LZO] = "kdump-lzo",
                [VM_DUMP_KDUMP_SNAPPY] = "kdump-snappy",
                [VM_DUMP_WIN_DMP] = "win-dmp",
                [VM_DUMP_KDUMP_RAW_ZLIB] = "kdump-raw-zlib",
                [VM_DUMP_KDUMP_RAW_LZO] = "kdump-raw-lzo",
                [VM_DUMP_KDUMP_RAW_SNAPPY] = "kdump-raw-snappy",
        };
        Qmp *qmp = transfer->vm->qmp;

        G_STATIC_ASSERT(G_N_ELEMENTS(names) == _VM_DUMP_FORMAT_MAX);
        qmp_send_fd(qmp, "getfd", json_pack("{s:s}", "fdname", FD_NAME), transfer->fd, on_command,
                    transfer);
        qmp_send(qmp, "dump-guest-memory",
                 json_pack("{s:b, s:s, s:b, s:s}", "paging", 0, "protocol", "fd:" FD_NAME, "detach",
                           1, "format", names[transfer->format]),
                 on_command, transfer);
}

static void begin_stream(VmTransfer *transfer) {
        transfer->is_streaming = true;
        if (transfer->memory_only)
                send_dump(transfer);
        else
                send_migrate(transfer);
}

static void on_stopped(json_t *result, const Err *err, void *userdata) {
        VmTransfer *transfer = userdata;

        if (err)
                transfer_fail(transfer, err);
        else
                begin_stream(transfer);
}

static int create_dump(const VmTransfer *transfer, Err *err) {
        int fd = open(transfer->partial, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

        return fd < 0 ? fail_errno(err, neg_errno(), "Failed to create file '%s'", transfer->path)
                      : fd;
}

/* What stands there already is replaced by a rename: it must be a file. */
static int check_place(const char *path, Err *err) {
        struct stat st;

        if (lstat(path, &st) < 0 || S_ISREG(st.st_mode))
                return 0;
        return fail(err, VIR_ERR_INVALID_ARG, "'%s' exists and is not a regular file", path);
}

static int create_file(VmTransfer *transfer, Err *err) {
        int r = check_place(transfer->path, err);

        if (r < 0)
                return r;
        if (transfer->xml)
                return save_file_create(transfer->partial, transfer->xml,
                                        transfer->is_restored_running, &transfer->fd, err);
        r = create_dump(transfer, err);
        if (r < 0)
                return r;
        transfer->fd = r;
        return 0;
}

static int prepare(VmTransfer *transfer, Err *err) {
        int r = vm_check_active(transfer->vm, true, err);

        if (r == 0 && !transfer->memory_only)
                r = vm_check_no_hostdev(transfer->vm, transfer->xml ? "save" : "dump", err);
        if (r == 0 && !transfer->vm->qmp)
                r = fail(err, VIR_ERR_OPERATION_FAILED, "QEMU of guest '%s' has ended",
                         vm_name(transfer->vm));
        return r < 0 ? r : create_file(transfer, err);
}

static void transfer_run(Job *job) {
        VmTransfer *transfer = job_data(job);
        Vm *vm = job_vm(job);
        g_auto(Err) err = ERR_INIT;

        transfer->vm = vm;
        transfer->job = job;
        if (prepare(transfer, &err) < 0) {
                job_finish(job, &err);
                return;
        }
        transfer->began = (uint64_t)g_get_monotonic_time();
        transfer->was_running = vm->state == VM_RUNNING;
        vm->transfer = transfer;
        write_status(vm);
        vm->pause_reason =
                transfer->operation == VM_OPERATION_SAVE ? VM_PAUSED_SAVE : VM_PAUSED_DUMP;
        if (transfer->was_running && !transfer->live)
                qmp_send(vm->qmp, "stop", NULL, on_stopped, transfer);
        else
                begin_stream(transfer);
}

static int submit(Vm *vm, const char *name, VmTransfer *transfer, Call *call, Err *err) {
        return job_submit_call(vm,
                               &(JobSpec){.name = name,
                                          .run = transfer_run,
                                          .call = call,
                                          .data = transfer,
                                          .free_data = (GDestroyNotify)transfer_free},
                               err);
}

static VmTransfer *transfer_new(const Vm *vm, VmOperation operation, const char *path) {
        VmTransfer *transfer = g_new0(VmTransfer, 1);

        transfer->fd = -1;
        transfer->operation = operation;
        transfer->path = g_strdup(path);
        transfer->partial = g_strdup_printf("%s.partial-%s", path, vm_uuid_text(vm));
        return transfer;
}

static int choose_xml(const Vm *vm, const char *given, char **ret, Err *err) {
        DomainDefaults defaults = manager_domain_defaults(vm->manager);
        g_autoptr(DomainDef) def = NULL;
        int r = 0;

        if (given)
                r = domain_def_parse(given, strlen(given), &defaults, 0, &def, err);
        if (r == 0 && given)
                r = vm_check_same_guest(vm->live, def, err);
        if (r == 0)
                *ret = domain_def_format(def ? def : vm->live,
                                         DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
        return r;
}

int vm_save(Vm *vm, const VmSave *save, Call *call, Err *err) {
        g_autofree char *managed = vm_managed_save_path(vm);
        const char *name = save->path ? "save" : "managed save";
        g_autoptr(VmTransfer) transfer = NULL;
        int r = vm_check_active(vm, true, err);

        if (r == 0 && !save->path && !vm->persistent)
                r = fail(err, VIR_ERR_OPERATION_INVALID,
                         "cannot do managed save for transient domain");
        if (r == 0)
                r = vm_check_no_hostdev(vm, "save", err);
        if (r < 0)
                return r;
        transfer = transfer_new(vm, VM_OPERATION_SAVE, save->path ? save->path : managed);
        transfer->is_managed = !save->path;
        transfer->bypass_cache = save->bypass_cache;
        transfer->is_restored_running = save->running || (!save->paused && vm->state == VM_RUNNING);
        r = choose_xml(vm, save->xml, &transfer->xml, err);
        if (r == 0 && transfer->is_managed) {
                g_autofree char *dir = g_path_get_dirname(managed);

                r = file_mkdir_p(dir, 0700, err);
        }
        return r < 0 ? r : submit(vm, name, g_steal_pointer(&transfer), call, err);
}

int vm_dump(Vm *vm, const VmDump *dump, Call *call, Err *err) {
        VmTransfer *transfer;
        int r = vm_check_active(vm, true, err);

        if (r == 0 && !dump->memory_only)
                r = vm_check_no_hostdev(vm, "dump", err);
        if (r < 0)
                return r;
        transfer = transfer_new(vm, VM_OPERATION_DUMP, dump->path);
        transfer->memory_only = dump->memory_only;
        transfer->format = dump->format;
        transfer->live = dump->live;
        transfer->crash = dump->crash;
        transfer->reset = dump->reset;
        transfer->bypass_cache = dump->bypass_cache;
        return submit(vm, "dump", transfer, call, err);
}

/* ---- what a daemon that was cut off has left ---- */

json_t *vm_transfer_to_json(const Vm *vm) {
        const VmTransfer *transfer = vm->transfer;

        if (!transfer)
                return NULL;
        return json_pack("{s:s, s:s, s:b, s:b, s:b}", "path", transfer->path, "partial",
                         transfer->partial, "resume", transfer->was_running, "committed",
                         transfer->is_committed, "managed", transfer->is_managed);
}

bool vm_transfer_recover(Vm *vm, json_t *status) {
        const char *path = json_string_value(json_object_get(status, "path"));
        const char *partial = json_string_value(json_object_get(status, "partial"));

        if (!path || !partial)
                return true;
        if (!json_is_true(json_object_get(status, "committed"))) {
                unlink(partial);
                vm->recovers_transfer = true;
                vm->resumes_transfer = json_is_true(json_object_get(status, "resume"));
                return true;
        }
        rename(partial, path); /* or it was done */
        file_sync_parent(path);
        if (json_is_true(json_object_get(status, "managed")))
                vm->has_managed_save = true;
        return false;
}

static void on_cancelled(json_t *result, const Err *err, void *userdata) {
        g_autoptr(Vm) vm = userdata;

        if (err || !vm->qmp || !vm->resumes_transfer)
                return;
        vm->resumes_transfer = false;
        vm_set_state(vm, VM_PAUSED, VM_PAUSED_SAVE);
        vm->resume_reason = VM_RUNNING_SAVE_CANCELED;
        qmp_send(vm->qmp, "cont", NULL, on_resumed, vm_ref(vm));
}

void vm_transfer_recover_later(Vm *vm) {
        if (!vm->recovers_transfer)
                return;
        vm->recovers_transfer = false;
        qmp_send(vm->qmp, "migrate_cancel", NULL, on_cancelled, vm_ref(vm));
}
