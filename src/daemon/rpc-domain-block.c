/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-domain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/dispatch.h"
#include "daemon/store.h"
#include "daemon/vm-limits.h"
#include "daemon/vm-stats.h"
#include "daemon/vm-tune.h"
#include "rpc/proto.h"
#include "rpc/remote_domain_tune.h"

/* As the procedures limit it. */
#define PEEK_MAX 4194304u

enum { RESIZE_BYTES = 1, RESIZE_CAPACITY = 2 };
enum { PEEK_VIRTUAL = 1, PEEK_PHYSICAL = 2 };

/* ---- size ---- */

static int block_resize(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_block_resize_args *args = data;
        uint64_t unit = args->flags & RESIZE_BYTES ? 1 : 1024;
        VmTune of = {.kind = &vm_tune_disk_size, .live = true, .text = args->disk};
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, RESIZE_BYTES | RESIZE_CAPACITY, "virDomainBlockResize",
                                err);
        if (r == 0 && (args->flags & RESIZE_CAPACITY))
                r = fail_hint(err,
                              fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                                   "block resize to full capacity supported only with 'raw' local "
                                   "block-based disks"),
                              "give the size");
        if (r == 0 && args->size > (uint64_t)INT64_MAX / unit)
                r = fail(err, VIR_ERR_INVALID_ARG,
                         "a disk cannot have %" G_GUINT64_FORMAT " units of %" G_GUINT64_FORMAT
                         " bytes",
                         (uint64_t)args->size, unit);
        if (r < 0)
                return r;
        of.value = args->size * unit;
        return vm_tune(vm, &of, call, err);
}

/* ---- a look at a disk's image ---- */

static int read_at(const char *path, uint64_t offset, uint32_t size, char **ret, u_int *ret_size,
                   Err *err) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        g_autofree char *buffer = g_malloc(MAX(size, 1));
        ssize_t n = fd < 0 ? -1 : pread(fd, buffer, size, (off_t)offset);

        if (n < 0)
                return fail_errno(err, neg_errno(), "cannot read '%s'", path);
        if ((uint32_t)n < size)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "'%s' ends before the %u bytes at %" G_GUINT64_FORMAT, path, size,
                            offset);
        *ret = g_steal_pointer(&buffer);
        *ret_size = size;
        return 0;
}

static int check_peek(uint64_t offset, uint32_t size, Err *err) {
        if (size <= PEEK_MAX && offset <= (uint64_t)INT64_MAX - size)
                return 0;
        return fail(err, VIR_ERR_INVALID_ARG, "at most %u bytes can be read at once", PEEK_MAX);
}

static int block_peek(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_block_peek_args *args = data;
        remote_domain_block_peek_ret *ret = result;
        const DomainDisk *disk;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, 0, "virDomainBlockPeek", err);
        if (r == 0)
                r = check_peek(args->offset, args->size, err);
        if (r < 0)
                return r;
        disk = *args->path ? vm_find_disk(vm_def(vm, false), args->path) : NULL;
        if (!disk)
                return fail(err, VIR_ERR_INVALID_ARG, "disk '%.200s' not found in domain",
                            args->path);
        if (!vm_disk_path(disk) || disk->driver.type != DISK_FORMAT_RAW)
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                            "peeking is only supported for disk with 'raw' format, which '%.200s' "
                            "has not",
                            args->path);
        return read_at(vm_disk_path(disk), args->offset, args->size, &ret->buffer.buffer_val,
                       &ret->buffer.buffer_len, err);
}

/* ---- a look at the guest's memory ---- */

typedef struct Peek {
        Call *call;
        char *path; /* QEMU writes there */
        uint32_t size;
} Peek;

static void on_saved(json_t *result, const Err *err, void *userdata) {
        Peek *peek = userdata;
        remote_domain_memory_peek_ret *ret = call_ret(peek->call);
        g_auto(Err) failure = ERR_INIT;

        if (!err && read_at(peek->path, 0, peek->size, &ret->buffer.buffer_val,
                            &ret->buffer.buffer_len, &failure) < 0)
                err = &failure;
        call_finish(peek->call, err);
        unlink(peek->path);
        g_free(peek->path);
        g_free(peek);
}

static int memory_peek(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        static unsigned counter;
        const remote_domain_memory_peek_args *args = data;
        g_autofree char *file = g_strdup_printf("peek-%u", counter++);
        bool is_physical = args->flags == PEEK_PHYSICAL;
        Peek *peek;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, PEEK_VIRTUAL | PEEK_PHYSICAL, "virDomainMemoryPeek",
                                err);
        if (r == 0 && args->flags != PEEK_VIRTUAL && args->flags != PEEK_PHYSICAL)
                r = fail(err, VIR_ERR_INVALID_ARG,
                         "flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL");
        if (r == 0)
                r = check_peek(args->offset, args->size, err);
        if (r == 0)
                r = vm_check_active(vm, true, err);
        if (r < 0)
                return r;
        if (!vm->qmp)
                return fail(err, VIR_ERR_OPERATION_INVALID, "QEMU of guest '%s' is not ready yet",
                            vm_name(vm));
        peek = g_new0(Peek, 1);
        *peek = (Peek){call_ref(call), store_run_path(&manager->paths, vm_name(vm), file),
                       args->size};
        qmp_send(vm->qmp, is_physical ? "pmemsave" : "memsave",
                 json_pack("{s:I, s:I, s:s}", "val", (json_int_t)args->offset, "size",
                           (json_int_t)args->size, "filename", peek->path),
                 on_saved, peek);
        return CALL_LATER;
}

/* ---- limits ---- */

enum { AFFECT_LIVE = 1, AFFECT_CONFIG = 2 };

static int set_io_tune(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_set_block_io_tune_args *args = data;
        VmLimits limits;
        VmTune of = {
                .kind = &vm_tune_disk_limits,
                .live = args->flags & AFFECT_LIVE,
                .config = args->flags & AFFECT_CONFIG,
                .text = args->disk,
                .data = &limits,
                .data_size = sizeof(limits),
        };
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, AFFECT_LIVE | AFFECT_CONFIG | RPC_STRING_OKAY,
                                "virDomainSetBlockIoTune", err);
        if (r == 0)
                r = vm_limits_read(args->params.params_val, args->params.params_len, &limits, err);
        return r < 0 ? r : vm_tune(vm, &of, call, err);
}

/* The definition that is asked, and the disk in it; without one the question is how many there
 * are. */
static int find_limited(Manager *manager, const remote_domain_get_block_io_tune_args *args,
                        const DomainDisk **ret, Err *err) {
        bool live = args->flags & AFFECT_LIVE, config = args->flags & AFFECT_CONFIG;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, AFFECT_LIVE | AFFECT_CONFIG | RPC_STRING_OKAY,
                                "virDomainGetBlockIoTune", err);
        if (r == 0 && live && config)
                r = fail(err, VIR_ERR_INVALID_ARG,
                         "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are "
                         "mutually exclusive");
        if (r == 0)
                r = vm_settle(vm, &live, &config, err);
        *ret = r == 0 && args->disk ? vm_find_disk(vm_def(vm, config), *args->disk) : NULL;
        if (r == 0 && args->disk && !*ret)
                r = fail(err, VIR_ERR_INVALID_ARG, "disk '%.200s' not found in domain",
                         *args->disk);
        return r;
}

static int get_io_tune(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_block_io_tune_args *args = data;
        remote_domain_get_block_io_tune_ret *ret = result;
        g_autoptr(RpcParams) params = rpc_params_new();
        const DomainDisk *disk = NULL;
        int r = find_limited(manager, args, &disk, err);

        if (r < 0)
                return r;
        ret->nparams = VM_LIMITS_PARAMS;
        if (args->nparams == 0 || !disk)
                return 0;
        vm_limits_add(params, disk, args->flags & RPC_STRING_OKAY);
        rpc_params_steal(params, &ret->params.params_len, &ret->params.params_val);
        ret->nparams = (int)ret->params.params_len;
        return 0;
}

/* ---- the table ---- */

static const Procedure procedures[] = {
        DOES(DOMAIN_BLOCK_RESIZE, "virDomainBlockResize", remote_domain_block_resize, block_resize),
        GIVES(DOMAIN_BLOCK_PEEK, "virDomainBlockPeek", remote_domain_block_peek, block_peek),
        DOES(DOMAIN_SET_BLOCK_IO_TUNE, "virDomainSetBlockIoTune", remote_domain_set_block_io_tune,
             set_io_tune),
        READS(DOMAIN_GET_BLOCK_IO_TUNE, "virDomainGetBlockIoTune", remote_domain_get_block_io_tune,
              get_io_tune),
        GIVES(DOMAIN_MEMORY_PEEK, "virDomainMemoryPeek", remote_domain_memory_peek, memory_peek),
};

const ProcedureTable rpc_domain_block_table = {REMOTE_PROGRAM, procedures,
                                               G_N_ELEMENTS(procedures)};
