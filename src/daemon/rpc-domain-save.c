/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-domain.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/dispatch.h"
#include "daemon/store.h"
#include "daemon/vm-hostdev.h"
#include "daemon/vm-transfer.h"
#include "rpc/proto.h"
#include "rpc/remote_domain.h"
#include "rpc/remote_domain_save.h"

/* virDomainSaveRestoreFlags. */
enum {
        SAVE_BYPASS_CACHE = 1,
        SAVE_RUNNING = 2,
        SAVE_PAUSED = 4,
        SAVE_RESET_NVRAM = 8,
        SAVE_FLAGS = SAVE_BYPASS_CACHE | SAVE_RUNNING | SAVE_PAUSED,
        RESTORE_FLAGS = SAVE_FLAGS | SAVE_RESET_NVRAM,
};

enum { SAVE_IMAGE_XML_SECURE = 1 };

/* virDomainCoreDumpFlags. */
enum {
        DUMP_CRASH = 1,
        DUMP_LIVE = 2,
        DUMP_BYPASS_CACHE = 4,
        DUMP_RESET = 8,
        DUMP_MEMORY_ONLY = 16,
        DUMP_FLAGS = DUMP_CRASH | DUMP_LIVE | DUMP_BYPASS_CACHE | DUMP_RESET | DUMP_MEMORY_ONLY,
};

enum { JOB_STATS_COMPLETED = 1, JOB_STATS_KEEP_COMPLETED = 2 };
enum { ABORT_JOB_POSTCOPY = 1 };

/* Two flags that say the opposite of each other. */
static int check_exclusive(unsigned flags, unsigned one, unsigned other, const char *names,
                           Err *err) {
        if ((flags & one) && (flags & other))
                return fail(err, VIR_ERR_INVALID_ARG, "Flags %s are mutually exclusive", names);
        return 0;
}

static int check_save_flags(unsigned flags, unsigned allowed, const char *function, Err *err) {
        int r = flags_check(flags, allowed, function, err);

        if (r < 0)
                return r;
        return check_exclusive(flags, SAVE_RUNNING, SAVE_PAUSED,
                               "'VIR_DOMAIN_SAVE_RUNNING' and 'VIR_DOMAIN_SAVE_PAUSED'", err);
}

static int check_path(const char *path, Err *err) {
        if (*path == '/')
                return 0;
        return fail(err, VIR_ERR_INVALID_ARG, "'%.200s' is not an absolute path", path);
}

/* ---- save ---- */

typedef struct SaveRequest {
        const remote_domain *dom;
        const char *path, *xml; /* path NULL: the managed save */
        unsigned flags;
} SaveRequest;

static int do_save(Manager *manager, Call *call, const SaveRequest *request, Err *err) {
        VmSave save = {
                .path = request->path,
                .xml = request->xml,
                .bypass_cache = request->flags & SAVE_BYPASS_CACHE,
                .running = request->flags & SAVE_RUNNING,
                .paused = request->flags & SAVE_PAUSED,
        };
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, request->dom, &vm, err);

        if (r == 0 && request->path)
                r = check_path(request->path, err);
        return r < 0 ? r : vm_save(vm, &save, call, err);
}

static int save(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_save_args *args = data;

        return do_save(manager, call, &(SaveRequest){&args->dom, args->to, NULL, 0}, err);
}

static int save_flags(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_save_flags_args *args = data;
        SaveRequest request = {&args->dom, args->to, args->dxml ? *args->dxml : NULL, args->flags};
        int r = check_save_flags(args->flags, SAVE_FLAGS, "virDomainSaveFlags", err);

        return r < 0 ? r : do_save(manager, call, &request, err);
}

static int managed_save(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_managed_save_args *args = data;
        SaveRequest request = {&args->dom, NULL, NULL, args->flags};
        int r = check_save_flags(args->flags, SAVE_FLAGS, "virDomainManagedSave", err);

        return r < 0 ? r : do_save(manager, call, &request, err);
}

/* The texts of a list of parameters; anything but the names in fields is refused. */
static int read_params(const remote_typed_param *list, size_t n, const char **ret_file,
                       const char **ret_xml, Err *err) {
        for (size_t i = 0; i < n; i++) {
                bool is_file = strcmp(list[i].field, "file") == 0;

                if (!is_file && strcmp(list[i].field, "dxml") != 0)
                        return fail(err, VIR_ERR_INVALID_ARG, "parameter '%.80s' not supported",
                                    list[i].field);
                if (list[i].value.type != RPC_PARAM_STRING)
                        return fail(err, VIR_ERR_INVALID_ARG, "parameter '%.80s' is not a text",
                                    list[i].field);
                *(is_file ? ret_file : ret_xml) = list[i].value.remote_typed_param_value_u.s;
        }
        return 0;
}

static int save_params(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_save_params_args *args = data;
        SaveRequest request = {&args->dom, NULL, NULL, args->flags};
        int r = check_save_flags(args->flags, SAVE_FLAGS, "virDomainSaveParams", err);

        if (r == 0)
                r = read_params(args->params.params_val, args->params.params_len, &request.path,
                                &request.xml, err);
        return r < 0 ? r : do_save(manager, call, &request, err);
}

/* ---- restore ---- */

typedef struct RestoreRequest {
        const char *path, *xml;
        unsigned flags;
} RestoreRequest;

/* The image's own definition, or what the client wants instead, which must be the same guest. */
static int choose_def(Manager *manager, const char *xml, DomainDef **def, Err *err) {
        DomainDefaults defaults = manager_domain_defaults(manager);
        g_autoptr(DomainDef) target = NULL;
        int r;

        if (!xml)
                return 0;
        r = domain_def_parse(xml, strlen(xml), &defaults, 0, &target, err);
        if (r == 0)
                r = vm_check_same_guest(*def, target, err);
        if (r < 0)
                return r;
        domain_def_free(*def);
        *def = g_steal_pointer(&target);
        return 0;
}

/* Takes over def and restore. */
static int start_restored(Manager *manager, DomainDef *def, VmRestore *restore, Call *call,
                          Err *err) {
        VmStart options = {.paused = !restore->file.is_running, .restore = restore};
        Vm *vm = vm_find_by_uuid(manager, def->uuid);
        bool is_new = !vm;

        if (is_new)
                vm = vm_new(manager, domain_def_copy(def), false);
        domain_def_free(vm->once);
        vm->once = def;
        if (is_new && vm_cards_update(vm, err) < 0) {
                vm_restore_free(restore);
                vm_forget(vm);
                return -EIO;
        }
        return vm_start(vm, &options, call, NULL, err);
}

static int do_restore(Manager *manager, Call *call, const RestoreRequest *request, Err *err) {
        g_autoptr(VmRestore) restore = NULL;
        g_autoptr(DomainDef) def = NULL;
        Vm *vm = NULL;
        int r = check_path(request->path, err);

        if (r == 0)
                r = vm_restore_open(manager, request->path, &restore, &def, err);
        if (r == 0)
                r = choose_def(manager, request->xml, &def, err);
        if (r == 0)
                r = store_check_name(def->name, err);
        if (r == 0)
                r = rpc_find_same(manager, def, &vm, err);
        if (r != 0)
                return r;
        if (vm && vm_is_active(vm))
                return fail(err, VIR_ERR_OPERATION_INVALID, "domain '%s' is already active",
                            vm_name(vm));
        restore->bypass_cache = request->flags & SAVE_BYPASS_CACHE;
        if (request->flags & (SAVE_RUNNING | SAVE_PAUSED))
                restore->file.is_running = request->flags & SAVE_RUNNING;
        if ((request->flags & SAVE_RESET_NVRAM) && def->os.nvram.path)
                unlink(def->os.nvram.path); /* the start makes it from its template */
        return start_restored(manager, g_steal_pointer(&def), g_steal_pointer(&restore), call, err);
}

static int restore(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_restore_args *args = data;

        return do_restore(manager, call, &(RestoreRequest){args->from, NULL, 0}, err);
}

static int restore_flags(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_restore_flags_args *args = data;
        RestoreRequest request = {args->from, args->dxml ? *args->dxml : NULL, args->flags};
        int r = check_save_flags(args->flags, RESTORE_FLAGS, "virDomainRestoreFlags", err);

        return r < 0 ? r : do_restore(manager, call, &request, err);
}

static int restore_params(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_restore_params_args *args = data;
        RestoreRequest request = {.flags = args->flags};
        int r = check_save_flags(args->flags, RESTORE_FLAGS, "virDomainRestoreParams", err);

        if (r == 0)
                r = read_params(args->params.params_val, args->params.params_len, &request.path,
                                &request.xml, err);
        if (r < 0)
                return r;
        if (!request.path)
                return fail(err, VIR_ERR_INVALID_ARG, "missing path to restore from");
        return do_restore(manager, call, &request, err);
}

/* ---- what an image says ---- */

static int image_xml(Manager *manager, const char *path, bool is_secure, char **ret, Err *err) {
        g_autoptr(VmRestore) image = NULL;
        g_autoptr(DomainDef) def = NULL;
        int r = vm_restore_open(manager, path, &image, &def, err);

        if (r == 0)
                *ret = domain_def_format(def, DOMAIN_FORMAT_INACTIVE |
                                                      (is_secure ? DOMAIN_FORMAT_SECURE : 0));
        return r;
}

static int rewrite_image(Manager *manager, const char *path, const char *xml, unsigned flags,
                         Err *err) {
        g_autoptr(VmRestore) image = NULL;
        g_autoptr(DomainDef) def = NULL;
        g_autofree char *text = NULL;
        bool is_running;
        int r = vm_restore_open(manager, path, &image, &def, err);

        if (r == 0)
                r = choose_def(manager, xml, &def, err);
        if (r < 0)
                return r;
        is_running = flags & (SAVE_RUNNING | SAVE_PAUSED) ? flags & SAVE_RUNNING
                                                          : image->file.is_running;
        text = domain_def_format(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
        return save_file_rewrite(path, text, is_running, err);
}

static int image_get_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_save_image_get_xml_desc_args *args = data;
        remote_domain_save_image_get_xml_desc_ret *ret = result;
        int r = flags_check(args->flags, SAVE_IMAGE_XML_SECURE, "virDomainSaveImageGetXMLDesc",
                            err);

        return r < 0 ? r : image_xml(manager, args->file, args->flags, &ret->xml, err);
}

static int image_define_xml(Manager *manager, Call *call, const void *data, void *result,
                            Err *err) {
        const remote_domain_save_image_define_xml_args *args = data;
        int r = check_save_flags(args->flags, SAVE_RUNNING | SAVE_PAUSED,
                                 "virDomainSaveImageDefineXML", err);

        return r < 0 ? r : rewrite_image(manager, args->file, args->dxml, args->flags, err);
}

static int find_saved(Manager *manager, const remote_domain *handle, char **ret_path, Err *err) {
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, handle, &vm, err);

        if (r < 0)
                return r;
        if (!vm->has_managed_save)
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "domain does not have managed save image");
        *ret_path = vm_managed_save_path(vm);
        return 0;
}

static int managed_get_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_managed_save_get_xml_desc_args *args = data;
        remote_domain_managed_save_get_xml_desc_ret *ret = result;
        g_autofree char *path = NULL;
        int r = flags_check(args->flags, SAVE_IMAGE_XML_SECURE, "virDomainManagedSaveGetXMLDesc",
                            err);

        if (r == 0 && (args->flags & SAVE_IMAGE_XML_SECURE) && call_is_read_only(call))
                r = fail(err, VIR_ERR_OPERATION_DENIED,
                         "read only access prevents virDomainManagedSaveGetXMLDesc with secure "
                         "flag");
        if (r == 0)
                r = find_saved(manager, &args->dom, &path, err);
        return r < 0 ? r : image_xml(manager, path, args->flags, &ret->xml, err);
}

static int managed_define_xml(Manager *manager, Call *call, const void *data, void *result,
                              Err *err) {
        const remote_domain_managed_save_define_xml_args *args = data;
        g_autofree char *path = NULL;
        int r = check_save_flags(args->flags, SAVE_RUNNING | SAVE_PAUSED,
                                 "virDomainManagedSaveDefineXML", err);

        if (r == 0)
                r = find_saved(manager, &args->dom, &path, err);
        return r < 0 ? r
                     : rewrite_image(manager, path, args->dxml ? *args->dxml : NULL, args->flags,
                                     err);
}

static int has_managed_save(Manager *manager, Call *call, const void *data, void *result,
                            Err *err) {
        const remote_domain_has_managed_save_image_args *args = data;
        remote_domain_has_managed_save_image_ret *ret = result;
        Vm *vm = NULL;
        int r = flags_check(args->flags, 0, "virDomainHasManagedSaveImage", err);

        if (r == 0)
                r = rpc_find_vm(manager, &args->dom, &vm, err);
        if (r == 0)
                ret->result = vm->has_managed_save;
        return r;
}

static int managed_remove(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_managed_save_remove_args *args = data;
        Vm *vm = NULL;
        int r = flags_check(args->flags, 0, "virDomainManagedSaveRemove", err);

        if (r == 0)
                r = rpc_find_vm(manager, &args->dom, &vm, err);
        if (r != 0)
                return r;
        if (!vm->has_managed_save)
                return fail_errno(err, -ENOENT, "guest '%s' has no managed save", vm_name(vm));
        return vm_managed_save_remove(vm, err);
}

/* ---- dump ---- */

static int check_dump_flags(unsigned flags, const char *function, Err *err) {
        int r = flags_check(flags, DUMP_FLAGS, function, err);

        if (r == 0)
                r = check_exclusive(flags, DUMP_CRASH, DUMP_LIVE,
                                    "'VIR_DUMP_CRASH' and 'VIR_DUMP_LIVE'", err);
        if (r == 0)
                r = check_exclusive(flags, DUMP_CRASH, DUMP_RESET,
                                    "'VIR_DUMP_CRASH' and 'VIR_DUMP_RESET'", err);
        if (r == 0)
                r = check_exclusive(flags, DUMP_LIVE, DUMP_RESET,
                                    "'VIR_DUMP_LIVE' and 'VIR_DUMP_RESET'", err);
        return r;
}

static VmDump dump_of(const char *path, unsigned format, unsigned flags) {
        return (VmDump){
                .path = path,
                .format = (VmDumpFormat)format,
                .memory_only = flags & DUMP_MEMORY_ONLY,
                .live = flags & DUMP_LIVE,
                .crash = flags & DUMP_CRASH,
                .reset = flags & DUMP_RESET,
                .bypass_cache = flags & DUMP_BYPASS_CACHE,
        };
}

static int do_dump(Manager *manager, Call *call, const remote_domain *dom, const VmDump *dump,
                   Err *err) {
        Vm *vm = NULL;
        int r = check_path(dump->path, err);

        if (r == 0)
                r = rpc_find_vm(manager, dom, &vm, err);
        return r < 0 ? r : vm_dump(vm, dump, call, err);
}

static int core_dump(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_core_dump_args *args = data;
        VmDump dump = dump_of(args->to, VM_DUMP_RAW, args->flags);
        int r = check_dump_flags(args->flags, "virDomainCoreDump", err);

        return r < 0 ? r : do_dump(manager, call, &args->dom, &dump, err);
}

static int core_dump_with_format(Manager *manager, Call *call, const void *data, void *result,
                                 Err *err) {
        const remote_domain_core_dump_with_format_args *args = data;
        VmDump dump = dump_of(args->to, args->dumpformat, args->flags);
        int r = check_dump_flags(args->flags, "virDomainCoreDumpWithFormat", err);

        if (r < 0)
                return r;
        if (args->dumpformat >= _VM_DUMP_FORMAT_MAX)
                return fail(err, VIR_ERR_INVALID_ARG, "dump format %u is unknown",
                            args->dumpformat);
        if (args->dumpformat != VM_DUMP_RAW && !(args->flags & DUMP_MEMORY_ONLY))
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                            "kdump-compressed format is only supported with memory-only dump");
        return do_dump(manager, call, &args->dom, &dump, err);
}

/* ---- progress ---- */

static uint64_t param(const remote_domain_get_job_stats_ret *stats, const char *field) {
        const remote_typed_param *found =
                rpc_params_find(stats->params.params_val, stats->params.params_len, field);

        return found ? found->value.remote_typed_param_value_u.ul : 0;
}

static void fill_stats(remote_domain_get_job_stats_ret *ret, int type, RpcParams *params) {
        ret->type = type;
        rpc_params_steal(params, &ret->params.params_len, &ret->params.params_val);
}

static void on_info(Call *call, int type, RpcParams *params) {
        remote_domain_get_job_info_ret *ret = call_ret(call);
        remote_domain_get_job_stats_ret stats = {};

        fill_stats(&stats, type, params);
        ret->type = type;
        ret->timeElapsed = param(&stats, "time_elapsed");
        ret->dataTotal = ret->memTotal = param(&stats, "memory_total");
        ret->dataProcessed = ret->memProcessed = param(&stats, "memory_processed");
        ret->dataRemaining = ret->memRemaining = param(&stats, "memory_remaining");
        xdr_free((xdrproc_t)xdr_remote_domain_get_job_stats_ret, (char *)&stats);
}

static int get_job_info(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_job_info_args *args = data;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = vm_check_active(vm, true, err);
        return r < 0 ? r : vm_transfer_progress(vm, call, on_info, err);
}

static void on_stats(Call *call, int type, RpcParams *params) {
        fill_stats(call_ret(call), type, params);
}

static int get_job_stats(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_job_stats_args *args = data;
        g_autoptr(RpcParams) completed = NULL;
        Vm *vm = NULL;
        int r = flags_check(args->flags, JOB_STATS_COMPLETED | JOB_STATS_KEEP_COMPLETED,
                            "virDomainGetJobStats", err);

        if (r == 0)
                r = rpc_find_vm(manager, &args->dom, &vm, err);
        if (r < 0)
                return r;
        if (!(args->flags & JOB_STATS_COMPLETED)) {
                r = vm_check_active(vm, true, err);
                return r < 0 ? r : vm_transfer_progress(vm, call, on_stats, err);
        }
        completed = vm_transfer_completed(vm);
        if (completed)
                fill_stats(result, VM_JOB_COMPLETED, completed);
        if (!(args->flags & JOB_STATS_KEEP_COMPLETED))
                vm_transfer_forget_completed(vm);
        return 0;
}

static int do_abort(Manager *manager, const remote_domain *dom, Err *err) {
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, dom, &vm, err);

        if (r == 0)
                r = vm_check_active(vm, true, err);
        return r < 0 ? r : vm_transfer_abort(vm, err);
}

static int abort_job(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_abort_job_args *args = data;

        return do_abort(manager, &args->dom, err);
}

static int abort_job_flags(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_abort_job_flags_args *args = data;
        int r = flags_check(args->flags, ABORT_JOB_POSTCOPY, "virDomainAbortJobFlags", err);

        if (r < 0)
                return r;
        if (args->flags & ABORT_JOB_POSTCOPY)
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "current job is not outgoing migration in post-copy mode");
        return do_abort(manager, &args->dom, err);
}

/* ---- the table ---- */

static const Procedure procedures[] = {
        DOES(DOMAIN_SAVE, "virDomainSave", remote_domain_save, save),
        DOES(DOMAIN_SAVE_FLAGS, "virDomainSaveFlags", remote_domain_save_flags, save_flags),
        DOES(DOMAIN_SAVE_PARAMS, "virDomainSaveParams", remote_domain_save_params, save_params),
        DOES(DOMAIN_RESTORE, "virDomainRestore", remote_domain_restore, restore),
        DOES(DOMAIN_RESTORE_FLAGS, "virDomainRestoreFlags", remote_domain_restore_flags,
             restore_flags),
        DOES(DOMAIN_RESTORE_PARAMS, "virDomainRestoreParams", remote_domain_restore_params,
             restore_params),
        GIVES(DOMAIN_SAVE_IMAGE_GET_XML_DESC, "virDomainSaveImageGetXMLDesc",
              remote_domain_save_image_get_xml_desc, image_get_xml),
        DOES(DOMAIN_SAVE_IMAGE_DEFINE_XML, "virDomainSaveImageDefineXML",
             remote_domain_save_image_define_xml, image_define_xml),
        DOES(DOMAIN_MANAGED_SAVE, "virDomainManagedSave", remote_domain_managed_save, managed_save),
        READS(DOMAIN_HAS_MANAGED_SAVE_IMAGE, "virDomainHasManagedSaveImage",
              remote_domain_has_managed_save_image, has_managed_save),
        DOES(DOMAIN_MANAGED_SAVE_REMOVE, "virDomainManagedSaveRemove",
             remote_domain_managed_save_remove, managed_remove),
        READS(DOMAIN_MANAGED_SAVE_GET_XML_DESC, "virDomainManagedSaveGetXMLDesc",
              remote_domain_managed_save_get_xml_desc, managed_get_xml),
        DOES(DOMAIN_MANAGED_SAVE_DEFINE_XML, "virDomainManagedSaveDefineXML",
             remote_domain_managed_save_define_xml, managed_define_xml),
        DOES(DOMAIN_CORE_DUMP, "virDomainCoreDump", remote_domain_core_dump, core_dump),
        DOES(DOMAIN_CORE_DUMP_WITH_FORMAT, "virDomainCoreDumpWithFormat",
             remote_domain_core_dump_with_format, core_dump_with_format),
        READS(DOMAIN_GET_JOB_INFO, "virDomainGetJobInfo", remote_domain_get_job_info, get_job_info),
        READS(DOMAIN_GET_JOB_STATS, "virDomainGetJobStats", remote_domain_get_job_stats,
              get_job_stats),
        DOES(DOMAIN_ABORT_JOB, "virDomainAbortJob", remote_domain_abort_job, abort_job),
        DOES(DOMAIN_ABORT_JOB_FLAGS, "virDomainAbortJobFlags", remote_domain_abort_job_flags,
             abort_job_flags),
};

const ProcedureTable rpc_domain_save_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
