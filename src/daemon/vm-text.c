/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-text.h"

#include <string.h>

#include "base/log.h"
#include "daemon/store-rename.h"
#include "daemon/store.h"
#include "daemon/vm-power.h"
#include "daemon/vm-transfer.h"

int vm_affect(const Vm *vm, bool live, bool config, VmAffect *ret, Err *err) {
        if (live && !vm_is_active(vm))
                return vm_check_active(vm, true, err);
        if (config && !vm->persistent)
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "transient domains do not have any persistent config");
        *ret = (VmAffect){live, config};
        if (!live && !config) {
                ret->live = vm_is_active(vm);
                ret->config = !ret->live;
        }
        return 0;
}

/* ---- metadata ---- */

static void set_text(char **field, const char *text) {
        g_free(*field);
        *field = text && *text ? g_strdup(text) : NULL;
}

static int change_metadata(DomainDef *def, const VmMetadata *change, Err *err) {
        switch (change->type) {
        case VM_METADATA_DESCRIPTION:
                set_text(&def->description, change->text);
                return 0;
        case VM_METADATA_TITLE:
                set_text(&def->title, change->text);
                return 0;
        case VM_METADATA_ELEMENT:
                break;
        }
        return domain_def_set_metadata(def, change->key, change->uri, change->text, err);
}

static int check_metadata(const VmMetadata *change, Err *err) {
        if (change->type == VM_METADATA_TITLE && change->text && strchr(change->text, '\n'))
                return fail(err, VIR_ERR_INVALID_ARG, "metadata title can't contain newlines");
        if (change->type != VM_METADATA_ELEMENT)
                return 0;
        if (!change->uri)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "uri in virDomainSetMetadata must not be NULL");
        if (change->text && !change->key)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "key in virDomainSetMetadata must not be NULL");
        return 0;
}

/* Makes the change to a copy each, so that both take it or none. */
static int change_both(Vm *vm, const VmMetadata *change, const VmAffect *affect, Err *err) {
        g_autoptr(DomainDef) live = affect->live ? domain_def_copy(vm->live) : NULL;
        g_autoptr(DomainDef) config = affect->config ? domain_def_copy(vm->config) : NULL;
        int r = live ? change_metadata(live, change, err) : 0;

        if (r == 0 && config)
                r = change_metadata(config, change, err);
        if (r == 0 && config)
                r = vm_set_config(vm, g_steal_pointer(&config), err);
        if (r < 0 || !live)
                return r;
        domain_def_free(vm->live);
        vm->live = g_steal_pointer(&live);
        return vm_write_status(vm, err);
}

int vm_set_metadata(Vm *vm, const VmMetadata *change, const VmAffect *affect, Err *err) {
        DomainRef ref = vm_domain_ref(vm);
        int r = check_metadata(change, err);

        if (r == 0)
                r = change_both(vm, change, affect, err);
        if (r < 0)
                return r;
        ref = vm_domain_ref(vm);
        event_domain_metadata_change(vm->manager, &ref, (int)change->type, change->uri);
        return 0;
}

/* ---- name ---- */

static int check_rename(const Vm *vm, const char *name, Err *err) {
        if (vm_is_active(vm))
                return fail(err, VIR_ERR_OPERATION_INVALID, "cannot rename active domain");
        if (!vm->persistent)
                return fail(err, VIR_ERR_OPERATION_INVALID, "cannot rename a transient domain");
        if (vm->jobs.length > 0)
                return fail(err, VIR_ERR_RESOURCE_BUSY, "guest '%s' has an operation under way",
                            vm_name(vm));
        if (strcmp(vm_name(vm), name) == 0)
                return fail(err, VIR_ERR_OPERATION_INVALID, "Can't rename domain to itself");
        if (vm_find_by_name(vm->manager, name))
                return fail(err, VIR_ERR_OPERATION_INVALID, "domain with name '%s' already exists",
                            name);
        return store_check_name(name, err);
}

/* The path under the new name of a file below STATE/nvram that goes by the old one; NULL: its name
 * is the guest owner's matter. */
static char *renamed_nvram(const Vm *vm, const char *name) {
        const char *path = vm->config->os.nvram.path;
        g_autofree char *prefix =
                g_strdup_printf("%s/nvram/%s", vm->manager->paths.state_dir, vm_name(vm));
        const char *rest;

        if (!path || !g_str_has_prefix(path, prefix))
                return NULL;
        rest = path + strlen(prefix);
        if (*rest != '_' && *rest != '.')
                return NULL;
        return g_strdup_printf("%s/nvram/%s%s", vm->manager->paths.state_dir, name, rest);
}

/* The image of a managed save knows the name, too. Before the files move: an image of a guest that
 * keeps its name after all is put right again by the caller. */
static int rename_in_image(const Vm *vm, const char *name, const char *nvram, Err *err) {
        g_autofree char *path = vm_managed_save_path(vm);
        g_autofree char *xml = NULL;
        g_autoptr(VmRestore) image = NULL;
        g_autoptr(DomainDef) def = NULL;
        int r;

        if (!vm->has_managed_save)
                return 0;
        r = vm_restore_open(vm->manager, path, &image, &def, err);
        if (r < 0)
                return r;
        g_free(def->name);
        def->name = g_strdup(name);
        if (nvram) {
                g_free(def->os.nvram.path);
                def->os.nvram.path = g_strdup(nvram);
        }
        xml = domain_def_format(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
        return save_file_rewrite(path, xml, image->file.is_running, err);
}

static int rename_files(Vm *vm, DomainDef *fresh, const char *nvram, Err *err) {
        g_autofree char *xml =
                domain_def_format(fresh, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
        StoreRename rename = {
                .from = vm_name(vm),
                .to = fresh->name,
                .xml = xml,
                .nvram_from = nvram ? vm->config->os.nvram.path : NULL,
                .nvram_to = nvram,
        };
        int r = rename_in_image(vm, fresh->name, nvram, err);

        if (r == 0)
                r = store_rename(&vm->manager->paths, &rename, STORE_RENAME_STEPS, err);
        if (r < 0)
                rename_in_image(vm, vm_name(vm), vm->config->os.nvram.path, NULL);
        return r;
}

static DomainDef *renamed_def(const Vm *vm, const char *name, const char *nvram) {
        DomainDef *fresh = domain_def_copy(vm->config);

        g_free(fresh->name);
        fresh->name = g_strdup(name);
        if (nvram) {
                g_free(fresh->os.nvram.path);
                fresh->os.nvram.path = g_strdup(nvram);
        }
        return fresh;
}

int vm_rename(Vm *vm, const char *name, Err *err) {
        GHashTable *by_name = vm->manager->vms_by_name;
        g_autofree char *nvram = renamed_nvram(vm, name);
        g_autoptr(DomainDef) fresh = NULL;
        int r = check_rename(vm, name, err);

        if (r < 0)
                return r;
        fresh = renamed_def(vm, name, nvram);
        r = rename_files(vm, fresh, nvram, err);
        if (r < 0)
                return r;
        vm_emit(vm, EVENT_UNDEFINED, EVENT_UNDEFINED_RENAMED);
        g_hash_table_remove(by_name, vm_name(vm));
        domain_def_free(vm->config);
        vm->config = g_steal_pointer(&fresh);
        g_hash_table_insert(by_name, vm->config->name, vm);
        vm_emit(vm, EVENT_DEFINED, EVENT_DEFINED_RENAMED);
        return 0;
}

/* ---- what follows an end ---- */

enum { LIFECYCLE_OF_POWEROFF, LIFECYCLE_OF_REBOOT, LIFECYCLE_OF_CRASH, _LIFECYCLE_OF_MAX };

static const char *const lifecycle_events[] = {"poweroff", "reboot", "crash"};

/* By virDomainLifecycleAction. LIFECYCLE_UNSET: QEMU has no such thing. */
static const struct {
        LifecycleAction action;
        const char *name;
        bool crash_only;
} lifecycle_actions[] = {
        {LIFECYCLE_DESTROY, "destroy", false},
        {LIFECYCLE_RESTART, "restart", false},
        {LIFECYCLE_UNSET, "rename-restart", false},
        {LIFECYCLE_PRESERVE, "preserve", false},
        {LIFECYCLE_COREDUMP_DESTROY, "coredump-destroy", true},
        {LIFECYCLE_COREDUMP_RESTART, "coredump-restart", true},
};

static LifecycleAction *lifecycle_field(DomainDef *def, unsigned type) {
        LifecycleAction *const fields[] = {&def->on_poweroff, &def->on_reboot, &def->on_crash};

        return fields[type];
}

static int check_lifecycle(unsigned type, unsigned action, Err *err) {
        if (type >= _LIFECYCLE_OF_MAX)
                return fail(err, VIR_ERR_INVALID_ARG, "invalid lifecycle type '%u'", type);
        if (action >= G_N_ELEMENTS(lifecycle_actions))
                return fail(err, VIR_ERR_INVALID_ARG, "invalid lifecycle action '%u'", action);
        if (lifecycle_actions[action].crash_only && type != LIFECYCLE_OF_CRASH)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "Lifecycle event '%s' doesn't support '%s' action",
                            lifecycle_events[type], lifecycle_actions[action].name);
        if (lifecycle_actions[action].action == LIFECYCLE_UNSET ||
            (lifecycle_actions[action].action == LIFECYCLE_PRESERVE && type != LIFECYCLE_OF_CRASH))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "QEMU has no action '%s' for 'on_%s'",
                            lifecycle_actions[action].name, lifecycle_events[type]);
        return 0;
}

/* QEMU can do the one or the other when a guest resets itself. */
static int check_pair(const DomainDef *def, Err *err) {
        if (def->on_reboot != LIFECYCLE_DESTROY || def->on_poweroff != LIFECYCLE_RESTART)
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "QEMU cannot have 'on_reboot' destroy and 'on_poweroff' restart");
}

static int set_config_action(Vm *vm, unsigned type, LifecycleAction action, Err *err) {
        g_autoptr(DomainDef) fresh = domain_def_copy(vm->config);
        int r;

        *lifecycle_field(fresh, type) = action;
        r = check_pair(fresh, err);
        return r < 0 ? r : vm_set_config(vm, g_steal_pointer(&fresh), err);
}

static int set_live_action(Vm *vm, unsigned type, LifecycleAction action, Err *err) {
        LifecycleAction before = *lifecycle_field(vm->live, type);
        int r;

        *lifecycle_field(vm->live, type) = action;
        r = check_pair(vm->live, err);
        if (r < 0) {
                *lifecycle_field(vm->live, type) = before;
                return r;
        }
        vm_apply_lifecycle(vm);
        return vm_write_status(vm, err);
}

int vm_set_lifecycle_action(Vm *vm, unsigned type, unsigned action, const VmAffect *affect,
                            Err *err) {
        LifecycleAction wanted;
        int r = check_lifecycle(type, action, err);

        if (r < 0)
                return r;
        wanted = lifecycle_actions[action].action;
        if (affect->live)
                r = set_live_action(vm, type, wanted, err);
        if (r == 0 && affect->config)
                r = set_config_action(vm, type, wanted, err);
        return r;
}
