/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A guest's memory on its way to a file and back: save, managed save and core dump as jobs; restore
 * as a step of the plan that starts a guest.
 *
 * A file is written beside its place and gets its name when it is on the disk. Whatever ends a save
 * early (QEMU, the disk, the client, the daemon) leaves the guest as it was and no file. */

#include <stdbool.h>

#include "daemon/save-file.h"
#include "daemon/vm.h"
#include "rpc/params.h"

/* virDomainJobOperation, as far as guests here have such jobs. */
typedef enum VmOperation { VM_OPERATION_SAVE = 2, VM_OPERATION_DUMP = 8 } VmOperation;

/* virDomainJobType. */
enum { VM_JOB_NONE, VM_JOB_UNBOUNDED = 2, VM_JOB_COMPLETED = 3 };

/* Numbers of virDomainCoreDumpFormat. */
typedef enum VmDumpFormat {
        VM_DUMP_RAW,
        VM_DUMP_KDUMP_ZLIB,
        VM_DUMP_KDUMP_LZO,
        VM_DUMP_KDUMP_SNAPPY,
        VM_DUMP_WIN_DMP,
        VM_DUMP_KDUMP_RAW_ZLIB,
        VM_DUMP_KDUMP_RAW_LZO,
        VM_DUMP_KDUMP_RAW_SNAPPY,
        _VM_DUMP_FORMAT_MAX,
} VmDumpFormat;

typedef struct VmSave {
        const char *path; /* NULL: the managed save */
        const char *xml;  /* instead of the guest's own; NULL: none. Must describe the same guest */
        bool bypass_cache;
        /* How it is to be restored; neither: as it is now. */
        bool running, paused;
} VmSave;

typedef struct VmDump {
        const char *path;
        VmDumpFormat format;
        bool memory_only; /* else QEMU's whole state, as a migration stream */
        bool live;        /* the guest runs on as far as QEMU lets it */
        bool crash;       /* ... and is destroyed afterwards */
        bool reset;       /* ... and is reset afterwards */
        bool bypass_cache;
} VmDump;

/* Fails while a host device is assigned, naming it: its state cannot be kept. */
int vm_check_no_hostdev(const Vm *vm, const char *what, Err *err);

int vm_save(Vm *vm, const VmSave *save, Call *call, Err *err);
/* call NULL: nobody waits. */
int vm_dump(Vm *vm, const VmDump *dump, Call *call, Err *err);

/* Progress of the running transfer, or what the last one has moved: answers the call later, or
 * gives CALL_LATER's 0 with nothing filled where there is none. */
typedef void (*VmProgressFunc)(Call *call, int type, RpcParams *params);
int vm_transfer_progress(Vm *vm, Call *call, VmProgressFunc func, Err *err);
/* NULL: none has ended. */
RpcParams *vm_transfer_completed(const Vm *vm);
void vm_transfer_forget_completed(Vm *vm);

/* Cancels the running transfer; answered when QEMU has been told. */
int vm_transfer_abort(Vm *vm, Err *err);

/* ---- called by the watch and by what takes a guest up ---- */

/* MIGRATION and DUMP_COMPLETED of QEMU. */
void vm_transfer_migration(Vm *vm, const char *status);
void vm_transfer_dumped(Vm *vm, json_t *data);

/* QEMU has ended, whatever was under way. */
void vm_transfer_ended(Vm *vm);

/* {"path", "partial", "resume", "committed"} for the status of the guest; NULL: no transfer. */
json_t *vm_transfer_to_json(const Vm *vm);

/* The daemon before was cut off in a transfer: the file goes, unless it was whole; then the guest
 * is ended as saved. before: the monitor is not there yet; true: the guest runs on, and
 * vm_transfer_recover_later() puts QEMU right when its monitor is. */
bool vm_transfer_recover(Vm *vm, json_t *status);
void vm_transfer_recover_later(Vm *vm);

/* ---- restore (vm-restore.c) ---- */

typedef struct VmRestore {
        SaveFile file;
        char *path;
        bool is_managed, bypass_cache;
} VmRestore;

void vm_restore_free(VmRestore *restore);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VmRestore, vm_restore_free)

/* Reads the image; the definition is what it says of the guest. */
int vm_restore_open(Manager *manager, const char *path, VmRestore **ret, DomainDef **ret_def,
                    Err *err);

/* Fails unless target describes the guest that source does, as far as its memory depends on it. */
int vm_check_same_guest(const DomainDef *source, const DomainDef *target, Err *err);

/* The step after QEMU's start: reads the memory. The guest is told to be started here. */
void vm_restore_add_step(Plan *plan, Vm *vm, const VmRestore *restore);

/* MIGRATION of QEMU, while it reads. */
void vm_restore_migration(Vm *vm, const char *status);

/* QEMU has ended while it read; err is why. True: it was reading. */
bool vm_restore_ended(Vm *vm, const Err *err);

/* ---- managed save ---- */

char *vm_managed_save_path(const Vm *vm);
int vm_managed_save_remove(Vm *vm, Err *err);

/* Starts the guest, from its managed save where it has one; force: without it. */
int vm_boot(Vm *vm, const VmStart *options, bool force, bool bypass_cache, Call *call, JobFunc done,
            Err *err);
