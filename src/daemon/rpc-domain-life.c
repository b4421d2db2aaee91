/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-domain.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "daemon/dispatch.h"
#include "daemon/emulator.h"
#include "daemon/store.h"
#include "daemon/vm-hostdev.h"
#include "daemon/vm-power.h"
#include "daemon/vm-tpm.h"
#include "daemon/vm-transfer.h"
#include "layout/assign.h"
#include "rpc/proto.h"
#include "rpc/remote_domain.h"
#include "rpc/remote_domain_save.h"

/* virDomainCreateFlags. */
enum {
        CREATE_PAUSED = 1,
        CREATE_BYPASS_CACHE = 4,
        CREATE_FORCE_BOOT = 8,
        CREATE_VALIDATE = 16,
        CREATE_RESET_NVRAM = 32,
        CREATE_FLAGS = CREATE_PAUSED | CREATE_BYPASS_CACHE | CREATE_FORCE_BOOT | CREATE_RESET_NVRAM,
};

enum { DEFINE_VALIDATE = 1 };

/* virDomainUndefineFlagsValues: snapshots and checkpoints there are none. */
enum {
        UNDEFINE_MANAGED_SAVE = 1,
        UNDEFINE_SNAPSHOTS_METADATA = 2,
        UNDEFINE_NVRAM = 4,
        UNDEFINE_KEEP_NVRAM = 8,
        UNDEFINE_CHECKPOINTS_METADATA = 16,
        UNDEFINE_TPM = 32,
        UNDEFINE_KEEP_TPM = 64,
        UNDEFINE_FLAGS = UNDEFINE_MANAGED_SAVE | UNDEFINE_SNAPSHOTS_METADATA | UNDEFINE_NVRAM |
                         UNDEFINE_KEEP_NVRAM | UNDEFINE_CHECKPOINTS_METADATA | UNDEFINE_TPM |
                         UNDEFINE_KEEP_TPM,
};

enum { DESTROY_GRACEFUL = 1 };

/* ---- definition ---- */

int rpc_parse_config(Manager *manager, const char *xml, bool validate, DomainDef **ret, Err *err) {
        g_autofree char *emulator = emulator_of_xml(xml);
        DomainDefaults defaults = manager_domain_defaults_for(manager, emulator);
        g_autoptr(DomainDef) def = NULL;
        LayoutOptions options;
        int r = domain_def_parse(xml, strlen(xml), &defaults, validate ? DOMAIN_PARSE_VALIDATE : 0,
                                 &def, err);

        if (r == 0)
                r = store_check_name(def->name, err);
        if (r < 0)
                return r;
        vm_note_conventional(manager, def);
        options.spare_ports = manager->limits.spare_root_ports;
        r = layout_assign(def, &options, err);
        if (r == 0)
                *ret = g_steal_pointer(&def);
        return r;
}

static int parse_and_log(Manager *manager, const char *xml, bool validate, DomainDef **ret,
                         Err *err) {
        int r = rpc_parse_config(manager, xml, validate, ret, err);

        for (guint i = 0; r == 0 && i < (*ret)->warnings->len; i++)
                log_message(LOG_WARNING, (*ret)->name, NULL, "%s",
                            (const char *)g_ptr_array_index((*ret)->warnings, i));
        return r;
}

int rpc_find_same(Manager *manager, const DomainDef *def, Vm **ret, Err *err) {
        Vm *by_uuid = vm_find_by_uuid(manager, def->uuid);
        const Vm *by_name = vm_find_by_name(manager, def->name);

        if (by_uuid && strcmp(vm_name(by_uuid), def->name) != 0)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "domain '%s' is already defined with uuid %s", vm_name(by_uuid),
                            vm_uuid_text(by_uuid));
        if (by_name && by_name != by_uuid)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "domain '%s' already exists with uuid %s", def->name,
                            vm_uuid_text(by_name));
        *ret = by_uuid;
        return 0;
}

static int store_new(Manager *manager, DomainDef *def, Vm **ret, Err *err) {
        g_autofree char *xml =
                domain_def_format(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
        int r = store_write_config(&manager->paths, def->name, xml, err);

        if (r == 0)
                *ret = vm_new(manager, def, true);
        return r;
}

static int redefine(Vm *vm, DomainDef *def, Err *err) {
        bool was_persistent = vm->persistent;
        int r;

        vm->persistent = true;
        r = vm_set_config(vm, def, err);
        if (r < 0)
                vm->persistent = was_persistent;
        return r;
}

/* The results of both calls are this. */
G_STATIC_ASSERT(sizeof(remote_domain_define_xml_ret) == sizeof(remote_domain));
G_STATIC_ASSERT(sizeof(remote_domain_define_xml_flags_ret) == sizeof(remote_domain));

static int define_now(Manager *manager, Call *call, const char *xml, unsigned flags, Err *err) {
        g_autoptr(DomainDef) def = NULL;
        bool is_new, is_added;
        Vm *vm = NULL;
        int r = parse_and_log(manager, xml, flags & DEFINE_VALIDATE, &def, err);

        if (r == 0)
                r = rpc_find_same(manager, def, &vm, err);
        if (r < 0)
                return r;
        is_new = !vm;
        is_added = !vm || !vm->persistent;
        r = is_new ? store_new(manager, def, &vm, err) : redefine(vm, domain_def_copy(def), err);
        if (r < 0)
                return r;
        if (is_new)
                g_steal_pointer(&def);
        r = vm_cards_update(vm, err);
        if (r < 0)
                return r;
        vm_emit(vm, EVENT_DEFINED, is_added ? EVENT_DEFINED_ADDED : EVENT_DEFINED_UPDATED);
        rpc_fill_domain(vm, call_ret(call));
        return 0;
}

static int define(Manager *manager, Call *call, const char *xml, unsigned flags, Err *err) {
        g_autofree char *emulator = emulator_of_xml(xml);

        return emulators_call(manager, call, emulator,
                              &(EmulatorCall){.run = define_now, .text = xml, .flags = flags}, err);
}

static int define_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_define_xml_args *args = data;

        return define(manager, call, args->xml, 0, err);
}

static int define_xml_flags(Manager *manager, Call *call, const void *data, void *result,
                            Err *err) {
        const remote_domain_define_xml_flags_args *args = data;
        int r = flags_check(args->flags, DEFINE_VALIDATE, "virDomainDefineXMLFlags", err);

        if (r < 0)
                return r;
        return define(manager, call, args->xml, args->flags, err);
}

/* What goes by the guest and would be left behind: only with a word about it. */
static int check_undefine(const Vm *vm, unsigned flags, Err *err) {
        const char *nvram = vm->config->os.nvram.path;

        if (!vm->persistent)
                return fail(err, VIR_ERR_OPERATION_INVALID, "cannot undefine transient domain");
        if ((flags & UNDEFINE_NVRAM) && (flags & UNDEFINE_KEEP_NVRAM))
                return fail(err, VIR_ERR_OPERATION_INVALID, "cannot both keep and delete nvram");
        if ((flags & UNDEFINE_TPM) && (flags & UNDEFINE_KEEP_TPM))
                return fail(err, VIR_ERR_OPERATION_INVALID, "cannot both keep and delete TPM");
        if (vm->has_managed_save && !(flags & UNDEFINE_MANAGED_SAVE))
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "Refusing to undefine while domain managed save image exists");
        if (nvram && access(nvram, F_OK) == 0 && !(flags & (UNDEFINE_NVRAM | UNDEFINE_KEEP_NVRAM)))
                return fail_hint(
                        err,
                        fail(err, VIR_ERR_OPERATION_INVALID, "cannot undefine domain with nvram"),
                        "say what becomes of '%s': --nvram or --keep-nvram", nvram);
        return 0;
}

static int remove_belongings(Vm *vm, unsigned flags, Err *err) {
        int r = vm->has_managed_save ? vm_managed_save_remove(vm, err) : 0;

        if (r == 0 && (flags & UNDEFINE_NVRAM) && vm->config->os.nvram.path)
                r = file_remove(vm->config->os.nvram.path, err);
        return r;
}

/* One that is in use goes when the guest ends. */
static void remove_tpm(const Vm *vm, unsigned flags) {
        bool is_kept = (flags & UNDEFINE_KEEP_TPM) || vm_tpm_is_persistent(vm);

        if (!vm_is_active(vm) && (!is_kept || (flags & UNDEFINE_TPM)))
                vm_tpm_remove_state(vm);
}

static int do_undefine(Manager *manager, const remote_domain *handle, unsigned flags, Err *err) {
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, handle, &vm, err);

        if (r < 0)
                return r;
        r = check_undefine(vm, flags, err);
        if (r == 0)
                r = remove_belongings(vm, flags, err);
        if (r < 0)
                return r;
        r = store_remove_config(&manager->paths, vm_name(vm), err);
        if (r < 0)
                return r;
        remove_tpm(vm, flags);
        vm->persistent = false;
        vm->autostart = false;
        vm_emit(vm, EVENT_UNDEFINED, EVENT_UNDEFINED_REMOVED);
        if (!vm_is_active(vm))
                vm_forget(vm);
        return 0;
}

static int undefine(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_undefine_args *args = data;

        return do_undefine(manager, &args->dom, 0, err);
}

static int undefine_flags(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_undefine_flags_args *args = data;
        int r = flags_check(args->flags, UNDEFINE_FLAGS, "virDomainUndefineFlags", err);

        return r < 0 ? r : do_undefine(manager, &args->dom, args->flags, err);
}

static int set_autostart(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_set_autostart_args *args = data;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r < 0)
                return r;
        if (!vm->persistent)
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "cannot set autostart for transient domain");
        r = store_set_autostart(&manager->paths, vm_name(vm), args->autostart != 0, err);
        if (r == 0)
                vm->autostart = args->autostart != 0;
        return r;
}

/* ---- start ---- */

static int create(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        static const VmStart options = {};
        const remote_domain_create_args *args = data;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = vm_check_active(vm, false, err);
        return r < 0 ? r : vm_boot(vm, &options, false, false, call, NULL, err);
}

static void fill_create_ret(Job *job) {
        remote_domain_create_with_flags_ret *ret = call_ret(job_call(job));

        rpc_fill_domain(job_vm(job), &ret->dom);
}

static int create_with_flags(Manager *manager, Call *call, const void *data, void *result,
                             Err *err) {
        const remote_domain_create_with_flags_args *args = data;
        VmStart options = {.paused = args->flags & CREATE_PAUSED};
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, CREATE_FLAGS, "virDomainCreateWithFlags", err);
        if (r == 0)
                r = vm_check_active(vm, false, err);
        if (r < 0)
                return r;
        if ((args->flags & CREATE_RESET_NVRAM) && vm->config->os.nvram.path)
                unlink(vm->config->os.nvram.path); /* the start makes it from its template */
        return vm_boot(vm, &options, args->flags & CREATE_FORCE_BOOT,
                       args->flags & CREATE_BYPASS_CACHE, call, fill_create_ret, err);
}

static void fill_create_xml_ret(Job *job) {
        remote_domain_create_xml_ret *ret = call_ret(job_call(job));

        rpc_fill_domain(job_vm(job), &ret->dom);
}

static int create_xml_now(Manager *manager, Call *call, const char *xml, unsigned flags, Err *err) {
        VmStart options = {.paused = flags & CREATE_PAUSED};
        g_autoptr(DomainDef) def = NULL;
        Vm *vm = NULL;
        int r = parse_and_log(manager, xml, flags & CREATE_VALIDATE, &def, err);

        if (r == 0)
                r = rpc_find_same(manager, def, &vm, err);
        if (r < 0)
                return r;
        if (vm && vm_is_active(vm))
                return fail(err, VIR_ERR_OPERATION_INVALID, "domain is already active as '%s'",
                            vm_name(vm));
        if (vm) { /* its definition stays, this run is by another */
                domain_def_free(vm->once);
                vm->once = g_steal_pointer(&def);
                return vm_start(vm, &options, call, fill_create_xml_ret, err);
        }
        vm = vm_new(manager, g_steal_pointer(&def), false);
        r = vm_cards_update(vm, err);
        if (r == 0)
                r = vm_start(vm, &options, call, fill_create_xml_ret, err);
        if (r < 0)
                vm_forget(vm);
        return r;
}

static int create_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_create_xml_args *args = data;
        const EmulatorCall what = {create_xml_now, args->xml_desc, args->flags};
        g_autofree char *emulator = NULL;
        int r = flags_check(args->flags, CREATE_FLAGS | CREATE_VALIDATE, "virDomainCreateXML", err);

        if (r < 0)
                return r;
        emulator = emulator_of_xml(args->xml_desc);
        return emulators_call(manager, call, emulator, &what, err);
}

/* ---- power ---- */

static int destroy(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_destroy_args *args = data;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        return r < 0 ? r : vm_destroy(vm, false, call, err);
}

static int destroy_flags(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_destroy_flags_args *args = data;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, DESTROY_GRACEFUL, "virDomainDestroyFlags", err);
        return r < 0 ? r : vm_destroy(vm, args->flags & DESTROY_GRACEFUL, call, err);
}

typedef int (*PowerFunc)(Vm *vm, Call *call, Err *err);

static int power(Manager *manager, Call *call, const remote_domain *dom, PowerFunc func, Err *err) {
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, dom, &vm, err);

        return r < 0 ? r : func(vm, call, err);
}

static int do_shutdown(Manager *manager, Call *call, const remote_domain *dom, unsigned modes,
                       Err *err) {
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, dom, &vm, err);

        return r < 0 ? r : vm_shutdown(vm, modes, call, err);
}

static int shutdown_vm(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_shutdown_args *args = data;

        return do_shutdown(manager, call, &args->dom, 0, err);
}

static int shutdown_flags(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_shutdown_flags_args *args = data;
        int r = flags_check(args->flags, VM_POWER_ACPI | VM_POWER_AGENT, "virDomainShutdownFlags",
                            err);

        return r < 0 ? r : do_shutdown(manager, call, &args->dom, args->flags, err);
}

static int reboot(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_reboot_args *args = data;
        Vm *vm = NULL;
        int r = flags_check(args->flags, VM_POWER_ACPI | VM_POWER_AGENT, "virDomainReboot", err);

        if (r == 0)
                r = rpc_find_vm(manager, &args->dom, &vm, err);
        return r < 0 ? r : vm_reboot(vm, args->flags, call, err);
}

static int reset(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_reset_args *args = data;
        int r = flags_check(args->flags, 0, "virDomainReset", err);

        return r < 0 ? r : power(manager, call, &args->dom, vm_reset, err);
}

static int suspend(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_suspend_args *args = data;

        return power(manager, call, &args->dom, vm_suspend, err);
}

static int resume(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_resume_args *args = data;

        return power(manager, call, &args->dom, vm_resume, err);
}

static int inject_nmi(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_inject_nmi_args *args = data;
        int r = flags_check(args->flags, 0, "virDomainInjectNMI", err);

        return r < 0 ? r : power(manager, call, &args->dom, vm_inject_nmi, err);
}

static int pm_wakeup(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_pm_wakeup_args *args = data;
        int r = flags_check(args->flags, 0, "virDomainPMWakeup", err);

        return r < 0 ? r : power(manager, call, &args->dom, vm_pm_wakeup, err);
}

static int pm_suspend(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_pm_suspend_for_duration_args *args = data;
        Vm *vm = NULL;
        int r = flags_check(args->flags, 0, "virDomainPMSuspendForDuration", err);

        if (r == 0)
                r = rpc_find_vm(manager, &args->dom, &vm, err);
        if (r < 0)
                return r;
        if (args->duration)
                return fail(err, VIR_ERR_ARGUMENT_UNSUPPORTED,
                            "Duration not supported. Use 0 for now");
        if (args->target >= _VM_SLEEP_MAX)
                return fail(err, VIR_ERR_INVALID_ARG, "Unknown suspend target: %u", args->target);
        return vm_pm_suspend(vm, (VmSleep)args->target, call, err);
}

/* ---- the table ---- */

static const Procedure procedures[] = {
        GIVES(DOMAIN_DEFINE_XML, "virDomainDefineXML", remote_domain_define_xml, define_xml),
        GIVES(DOMAIN_DEFINE_XML_FLAGS, "virDomainDefineXMLFlags", remote_domain_define_xml_flags,
              define_xml_flags),
        DOES(DOMAIN_UNDEFINE, "virDomainUndefine", remote_domain_undefine, undefine),
        DOES(DOMAIN_UNDEFINE_FLAGS, "virDomainUndefineFlags", remote_domain_undefine_flags,
             undefine_flags),
        DOES(DOMAIN_SET_AUTOSTART, "virDomainSetAutostart", remote_domain_set_autostart,
             set_autostart),
        DOES(DOMAIN_CREATE, "virDomainCreate", remote_domain_create, create),
        GIVES(DOMAIN_CREATE_WITH_FLAGS, "virDomainCreateWithFlags", remote_domain_create_with_flags,
              create_with_flags),
        GIVES(DOMAIN_CREATE_XML, "virDomainCreateXML", remote_domain_create_xml, create_xml),
        DOES(DOMAIN_DESTROY, "virDomainDestroy", remote_domain_destroy, destroy),
        DOES(DOMAIN_DESTROY_FLAGS, "virDomainDestroyFlags", remote_domain_destroy_flags,
             destroy_flags),
        DOES(DOMAIN_SHUTDOWN, "virDomainShutdown", remote_domain_shutdown, shutdown_vm),
        DOES(DOMAIN_SHUTDOWN_FLAGS, "virDomainShutdownFlags", remote_domain_shutdown_flags,
             shutdown_flags),
        DOES(DOMAIN_REBOOT, "virDomainReboot", remote_domain_reboot, reboot),
        DOES(DOMAIN_RESET, "virDomainReset", remote_domain_reset, reset),
        DOES(DOMAIN_SUSPEND, "virDomainSuspend", remote_domain_suspend, suspend),
        DOES(DOMAIN_RESUME, "virDomainResume", remote_domain_resume, resume),
        DOES(DOMAIN_INJECT_NMI, "virDomainInjectNMI", remote_domain_inject_nmi, inject_nmi),
        DOES(DOMAIN_PM_WAKEUP, "virDomainPMWakeup", remote_domain_pm_wakeup, pm_wakeup),
        DOES(DOMAIN_PM_SUSPEND_FOR_DURATION, "virDomainPMSuspendForDuration",
             remote_domain_pm_suspend_for_duration, pm_suspend),
};

const ProcedureTable rpc_domain_life_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
