/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-domain.h"

#include <errno.h>
#include <string.h>

#include "daemon/dispatch.h"
#include "daemon/vm-text.h"
#include "rpc/proto.h"
#include "rpc/remote_domain.h"
#include "rpc/remote_domain_save.h"

/* virDomainModificationImpact. */
enum { AFFECT_LIVE = 1, AFFECT_CONFIG = 2 };

/* ---- metadata ---- */

static int check_metadata_type(int type, Err *err) {
        if (type >= VM_METADATA_DESCRIPTION && type <= VM_METADATA_ELEMENT)
                return 0;
        return fail(err, VIR_ERR_INVALID_ARG, "unknown metadata type '%d'", type);
}

/* The definition that the flags of a reading call mean. */
static int choose_def(const Vm *vm, unsigned flags, const DomainDef **ret, Err *err) {
        if ((flags & AFFECT_LIVE) && (flags & AFFECT_CONFIG)) {
                fail(err, VIR_ERR_INVALID_ARG,
                     "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually "
                     "exclusive");
                return -EINVAL;
        }
        if ((flags & AFFECT_CONFIG) && !vm->persistent) {
                fail(err, VIR_ERR_OPERATION_INVALID,
                     "transient domains do not have any persistent config");
                return -EINVAL;
        }
        *ret = vm_def(vm, flags & AFFECT_CONFIG);
        return flags & AFFECT_LIVE ? vm_check_active(vm, true, err) : 0;
}

static int get_metadata(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_metadata_args *args = data;
        remote_domain_get_metadata_ret *ret = result;
        const DomainDef *def = NULL;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, AFFECT_LIVE | AFFECT_CONFIG, "virDomainGetMetadata",
                                err);
        if (r == 0)
                r = check_metadata_type(args->type, err);
        if (r == 0)
                r = choose_def(vm, args->flags, &def, err);
        if (r != 0)
                return r;
        if (args->type == VM_METADATA_DESCRIPTION)
                ret->metadata = g_strdup(def->description);
        else if (args->type == VM_METADATA_TITLE)
                ret->metadata = g_strdup(def->title);
        else if (args->uri)
                ret->metadata = domain_def_metadata(def, *args->uri);
        if (!ret->metadata)
                return fail(err, VIR_ERR_NO_DOMAIN_METADATA,
                            "Requested metadata element is not present");
        return 0;
}

static int set_metadata(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_set_metadata_args *args = data;
        VmMetadata change = {
                .type = (VmMetadataType)args->type,
                .text = args->metadata ? *args->metadata : NULL,
                .key = args->key ? *args->key : NULL,
                .uri = args->uri ? *args->uri : NULL,
        };
        VmAffect affect = {};
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, AFFECT_LIVE | AFFECT_CONFIG, "virDomainSetMetadata",
                                err);
        if (r == 0)
                r = check_metadata_type(args->type, err);
        if (r == 0)
                r = vm_affect(vm, args->flags & AFFECT_LIVE, args->flags & AFFECT_CONFIG, &affect,
                              err);
        return r < 0 ? r : vm_set_metadata(vm, &change, &affect, err);
}

/* ---- name and policies ---- */

static int rename_vm(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_rename_args *args = data;
        Vm *vm = NULL;
        int r = flags_check(args->flags, 0, "virDomainRename", err);

        if (r == 0)
                r = rpc_find_vm(manager, &args->dom, &vm, err);
        if (r < 0)
                return r;
        if (!args->new_name || !**args->new_name)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "string new_name in virDomainRename must not be empty");
        return vm_rename(vm, *args->new_name, err);
}

static int set_lifecycle_action(Manager *manager, Call *call, const void *data, void *result,
                                Err *err) {
        const remote_domain_set_lifecycle_action_args *args = data;
        VmAffect affect = {};
        Vm *vm = NULL;
        int r = flags_check(args->flags, AFFECT_LIVE | AFFECT_CONFIG, "virDomainSetLifecycleAction",
                            err);

        if (r == 0)
                r = rpc_find_vm(manager, &args->dom, &vm, err);
        if (r == 0)
                r = vm_affect(vm, args->flags & AFFECT_LIVE, args->flags & AFFECT_CONFIG, &affect,
                              err);
        return r < 0 ? r : vm_set_lifecycle_action(vm, args->type, args->action, &affect, err);
}

/* ---- the table ---- */

static const Procedure procedures[] = {
        READS(DOMAIN_GET_METADATA, "virDomainGetMetadata", remote_domain_get_metadata,
              get_metadata),
        DOES(DOMAIN_SET_METADATA, "virDomainSetMetadata", remote_domain_set_metadata, set_metadata),
        GIVES(DOMAIN_RENAME, "virDomainRename", remote_domain_rename, rename_vm),
        DOES(DOMAIN_SET_LIFECYCLE_ACTION, "virDomainSetLifecycleAction",
             remote_domain_set_lifecycle_action, set_lifecycle_action),
};

const ProcedureTable rpc_domain_text_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
