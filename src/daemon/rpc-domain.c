/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-domain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dispatch.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_domain.h"

int rpc_find_vm(Manager *manager, const remote_domain *handle, Vm **ret, Err *err) {
        char text[DOMAIN_UUID_TEXT_MAX];
        Vm *vm = vm_find_by_uuid(manager, (const uint8_t *)handle->uuid);

        if (!vm) {
                fail(err, VIR_ERR_NO_DOMAIN, "no domain with matching uuid '%s' (%.200s)",
                     domain_uuid_format((const uint8_t *)handle->uuid, text), handle->name);
                return -ENOENT;
        }
        *ret = vm;
        return 0;
}

char *rpc_text(const char *text) {
        return g_strdup(text ? text : "");
}

void rpc_fill_domain(const Vm *vm, remote_domain *ret) {
        ret->name = rpc_text(vm_name(vm));
        memcpy(ret->uuid, vm_uuid(vm), VM_UUID_BYTES);
        ret->id = vm->id;
}

/* ---- looking up ---- */

static int lookup_by_name(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_lookup_by_name_args *args = data;
        remote_domain_lookup_by_name_ret *ret = result;
        const Vm *vm = vm_find_by_name(manager, args->name);

        if (!vm)
                return fail(err, VIR_ERR_NO_DOMAIN, "no domain with matching name '%.200s'",
                            args->name);
        rpc_fill_domain(vm, &ret->dom);
        return 0;
}

static int lookup_by_id(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_lookup_by_id_args *args = data;
        remote_domain_lookup_by_id_ret *ret = result;
        const Vm *vm = vm_find_by_id(manager, args->id);

        if (!vm)
                return fail(err, VIR_ERR_NO_DOMAIN, "no domain with matching id %d", args->id);
        rpc_fill_domain(vm, &ret->dom);
        return 0;
}

static int lookup_by_uuid(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_lookup_by_uuid_args *args = data;
        remote_domain_lookup_by_uuid_ret *ret = result;
        const uint8_t *uuid = (const uint8_t *)args->uuid;
        char text[DOMAIN_UUID_TEXT_MAX];
        const Vm *vm = vm_find_by_uuid(manager, uuid);

        if (!vm)
                return fail(err, VIR_ERR_NO_DOMAIN, "no domain with matching uuid '%s'",
                            domain_uuid_format(uuid, text));
        rpc_fill_domain(vm, &ret->dom);
        return 0;
}

/* ---- lists ---- */

static int compare_by_name(const void *a, const void *b) {
        return strcmp(vm_name(*(const Vm *const *)a), vm_name(*(const Vm *const *)b));
}

typedef bool (*VmFilter)(const Vm *vm, unsigned flags);

/* Guests that pass the filter, sorted by name; at most max of them. */
static GPtrArray *list_vms(Manager *manager, VmFilter filter, unsigned flags, int max) {
        GPtrArray *list = g_ptr_array_new();
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->vms_by_uuid);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (filter(value, flags))
                        g_ptr_array_add(list, value);
        if (list->len > 1)
                qsort(list->pdata, list->len, sizeof(void *), compare_by_name);
        if (max >= 0 && list->len > (guint)max)
                g_ptr_array_set_size(list, max);
        return list;
}

/* virConnectListAllDomainsFlags: bits of one line OR together, the lines AND. Guests here have no
 * snapshots or checkpoints, so those "without" bits fit all of them. */
enum {
        LIST_ACTIVE = 1 << 0,
        LIST_INACTIVE = 1 << 1,
        LIST_PERSISTENT = 1 << 2,
        LIST_TRANSIENT = 1 << 3,
        LIST_RUNNING = 1 << 4,
        LIST_PAUSED = 1 << 5,
        LIST_SHUTOFF = 1 << 6,
        LIST_OTHER = 1 << 7,
        LIST_MANAGED_SAVE = 1 << 8,
        LIST_NO_MANAGED_SAVE = 1 << 9,
        LIST_AUTOSTART = 1 << 10,
        LIST_NO_AUTOSTART = 1 << 11,
        LIST_SNAPSHOT = 1 << 12,
        LIST_NO_SNAPSHOT = 1 << 13,
        LIST_CHECKPOINT = 1 << 14,
        LIST_NO_CHECKPOINT = 1 << 15,
        LIST_ALL = (1 << 16) - 1,
};

static unsigned list_bits(const Vm *vm) {
        unsigned bits = LIST_NO_SNAPSHOT | LIST_NO_CHECKPOINT;

        bits |= vm->has_managed_save ? LIST_MANAGED_SAVE : LIST_NO_MANAGED_SAVE;
        bits |= vm_is_active(vm) ? LIST_ACTIVE : LIST_INACTIVE;
        bits |= vm->persistent ? LIST_PERSISTENT : LIST_TRANSIENT;
        bits |= vm->autostart ? LIST_AUTOSTART : LIST_NO_AUTOSTART;
        switch (vm->state) {
        case VM_RUNNING:
                return bits | LIST_RUNNING;
        case VM_PAUSED:
                return bits | LIST_PAUSED;
        case VM_SHUTOFF:
                return bits | LIST_SHUTOFF;
        default:
                return bits | LIST_OTHER;
        }
}

static bool passes_flags(const Vm *vm, unsigned flags) {
        static const unsigned groups[] = {
                LIST_ACTIVE | LIST_INACTIVE,
                LIST_PERSISTENT | LIST_TRANSIENT,
                LIST_RUNNING | LIST_PAUSED | LIST_SHUTOFF | LIST_OTHER,
                LIST_MANAGED_SAVE | LIST_NO_MANAGED_SAVE,
                LIST_AUTOSTART | LIST_NO_AUTOSTART,
                LIST_SNAPSHOT | LIST_NO_SNAPSHOT,
                LIST_CHECKPOINT | LIST_NO_CHECKPOINT,
        };
        unsigned bits = list_bits(vm);

        for (size_t i = 0; i < G_N_ELEMENTS(groups); i++)
                if ((flags & groups[i]) && !(flags & groups[i] & bits))
                        return false;
        return true;
}

GPtrArray *rpc_list_vms(Manager *manager, unsigned flags) {
        return list_vms(manager, passes_flags, flags, -1);
}

static int list_all_domains(Manager *manager, Call *call, const void *data, void *result,
                            Err *err) {
        const remote_connect_list_all_domains_args *args = data;
        remote_connect_list_all_domains_ret *ret = result;
        g_autoptr(GPtrArray) list = NULL;
        int r = flags_check(args->flags, LIST_ALL, "virConnectListAllDomains", err);

        if (r < 0)
                return r;
        list = list_vms(manager, passes_flags, args->flags, -1);
        ret->ret = list->len;
        if (!args->need_results)
                return 0;
        ret->domains.domains_val = g_new0(remote_domain, list->len);
        ret->domains.domains_len = list->len;
        for (guint i = 0; i < list->len; i++)
                rpc_fill_domain(g_ptr_array_index(list, i), &ret->domains.domains_val[i]);
        return 0;
}

static int num_of_domains(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        remote_connect_num_of_domains_ret *ret = result;

        ret->num = (int)g_hash_table_size(manager->vms_by_id);
        return 0;
}

static int list_domains(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_connect_list_domains_args *args = data;
        remote_connect_list_domains_ret *ret = result;
        g_autoptr(GPtrArray) list = list_vms(manager, passes_flags, LIST_ACTIVE, args->maxids);

        ret->ids.ids_val = g_new0(int, list->len);
        ret->ids.ids_len = list->len;
        for (guint i = 0; i < list->len; i++)
                ret->ids.ids_val[i] = ((const Vm *)g_ptr_array_index(list, i))->id;
        return 0;
}

static int num_of_defined(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        remote_connect_num_of_defined_domains_ret *ret = result;
        g_autoptr(GPtrArray) list = list_vms(manager, passes_flags, LIST_INACTIVE, -1);

        ret->num = (int)list->len;
        return 0;
}

static int list_defined(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_connect_list_defined_domains_args *args = data;
        remote_connect_list_defined_domains_ret *ret = result;
        g_autoptr(GPtrArray) list = list_vms(manager, passes_flags, LIST_INACTIVE, args->maxnames);

        ret->names.names_val = g_new0(char *, list->len);
        ret->names.names_len = list->len;
        for (guint i = 0; i < list->len; i++)
                ret->names.names_val[i] = rpc_text(vm_name(g_ptr_array_index(list, i)));
        return 0;
}

/* ---- facts of one guest ---- */

enum { XML_SECURE = 1, XML_INACTIVE = 2, XML_UPDATE_CPU = 4, XML_MIGRATABLE = 8 };

static int get_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_xml_desc_args *args = data;
        remote_domain_get_xml_desc_ret *ret = result;
        DomainFormatFlags flags = 0;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags,
                                XML_SECURE | XML_INACTIVE | XML_UPDATE_CPU | XML_MIGRATABLE,
                                "virDomainGetXMLDesc", err);
        if (r < 0)
                return r;
        if ((args->flags & XML_SECURE) && call_is_read_only(call))
                return fail(err, VIR_ERR_OPERATION_DENIED,
                            "read only access prevents virDomainGetXMLDesc with secure flag");
        if (args->flags & XML_SECURE)
                flags |= DOMAIN_FORMAT_SECURE;
        if ((args->flags & XML_INACTIVE) || !vm->live)
                flags |= DOMAIN_FORMAT_INACTIVE;
        ret->xml = domain_def_format(vm_def(vm, args->flags & XML_INACTIVE), flags);
        return 0;
}

static uint64_t cpu_time(const Vm *vm) {
        return vm->process ? process_cpu_time(vm->process) : 0;
}

static int get_info(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_info_args *args = data;
        remote_domain_get_info_ret *ret = result;
        const DomainDef *def;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r < 0)
                return r;
        def = vm_def(vm, false);
        ret->state = (u_char)vm->state;
        ret->maxMem = def->memory;
        ret->memory = def->current_memory;
        ret->nrVirtCpu =
                (u_short)domain_num_or(def->vcpu.current, domain_num_or(def->vcpu.count, 1));
        ret->cpuTime = cpu_time(vm);
        return 0;
}

static int get_state(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_state_args *args = data;
        remote_domain_get_state_ret *ret = result;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, 0, "virDomainGetState", err);
        if (r < 0)
                return r;
        ret->state = (int)vm->state;
        ret->reason = vm->reason;
        return 0;
}

/* The procedures that answer one number of a guest share this shape: handle in, int out. */
#define INT_OF_VM(function, type, field, expression)                                      \
        static int function(Manager *manager, Call *call, const void *data, void *result, \
                            Err *err) {                                                   \
                const type##_args *args = data;                                           \
                type##_ret *ret = result;                                                 \
                Vm *vm = NULL;                                                            \
                int r = rpc_find_vm(manager, &args->dom, &vm, err);                       \
                                                                                          \
                if (r < 0)                                                                \
                        return r;                                                         \
                ret->field = (expression);                                                \
                return 0;                                                                 \
        }

INT_OF_VM(is_active, remote_domain_is_active, active, vm_is_active(vm))
INT_OF_VM(is_persistent, remote_domain_is_persistent, persistent, vm->persistent)
INT_OF_VM(is_updated, remote_domain_is_updated, updated, 0)
INT_OF_VM(get_autostart, remote_domain_get_autostart, autostart, vm->autostart)
INT_OF_VM(get_max_memory, remote_domain_get_max_memory, memory, vm_def(vm, false)->memory)
INT_OF_VM(get_max_vcpus, remote_domain_get_max_vcpus, num,
          (int)domain_num_or(vm_def(vm, false)->vcpu.count, 1))
INT_OF_VM(snapshot_num, remote_domain_snapshot_num, num, 0)
INT_OF_VM(list_all_snapshots, remote_domain_list_all_snapshots, ret, 0)
INT_OF_VM(has_current_snapshot, remote_domain_has_current_snapshot, result, 0)
/* The monitor is never waited for, so it is always free. */
INT_OF_VM(get_control_info, remote_domain_get_control_info, state, 0)

static int get_os_type(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_os_type_args *args = data;
        remote_domain_get_os_type_ret *ret = result;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                ret->type = rpc_text("hvm");
        return r;
}

enum { AFFECT_LIVE = 1, AFFECT_CONFIG = 2, VCPUS_MAXIMUM = 4 };

static int get_vcpus_flags(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_vcpus_flags_args *args = data;
        remote_domain_get_vcpus_flags_ret *ret = result;
        const DomainDef *def;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, AFFECT_LIVE | AFFECT_CONFIG | VCPUS_MAXIMUM,
                                "virDomainGetVcpusFlags", err);
        if (r == 0 && (args->flags & AFFECT_LIVE))
                r = vm_check_active(vm, true, err);
        if (r < 0)
                return r;
        def = vm_def(vm, args->flags & AFFECT_CONFIG);
        ret->num = (int)domain_num_or(def->vcpu.count, 1);
        if (!(args->flags & VCPUS_MAXIMUM) && def->vcpu.current.is_set)
                ret->num = (int)def->vcpu.current.value;
        return 0;
}

static int get_block_job_info(Manager *manager, Call *call, const void *data, void *result,
                              Err *err) {
        const remote_domain_get_block_job_info_args *args = data;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = vm_check_active(vm, true, err);
        if (r < 0)
                return r;
        DOMAIN_FOREACH(DomainDisk, disk, vm->live, DOMAIN_DISK)
                if (g_strcmp0(disk->target.dev, args->path) == 0 ||
                    g_strcmp0(disk->source.file, args->path) == 0)
                        return 0; /* found 0: no job runs on it */
        return fail(err, VIR_ERR_INVALID_ARG, "disk '%.200s' not found in domain", args->path);
}

/* ---- the table ---- */

#define COUNTS(proc, function, type, func)                                              \
        {                                                                               \
                .number = REMOTE_PROC_##proc, .name = (function), PROC_RET(type##_ret), \
                .read_only = true, .run = (func)                                        \
        }

static const Procedure procedures[] = {
        READS(DOMAIN_LOOKUP_BY_NAME, "virDomainLookupByName", remote_domain_lookup_by_name,
              lookup_by_name),
        READS(DOMAIN_LOOKUP_BY_ID, "virDomainLookupByID", remote_domain_lookup_by_id, lookup_by_id),
        READS(DOMAIN_LOOKUP_BY_UUID, "virDomainLookupByUUID", remote_domain_lookup_by_uuid,
              lookup_by_uuid),
        READS(CONNECT_LIST_ALL_DOMAINS, "virConnectListAllDomains", remote_connect_list_all_domains,
              list_all_domains),
        COUNTS(CONNECT_NUM_OF_DOMAINS, "virConnectNumOfDomains", remote_connect_num_of_domains,
               num_of_domains),
        READS(CONNECT_LIST_DOMAINS, "virConnectListDomains", remote_connect_list_domains,
              list_domains),
        COUNTS(CONNECT_NUM_OF_DEFINED_DOMAINS, "virConnectNumOfDefinedDomains",
               remote_connect_num_of_defined_domains, num_of_defined),
        READS(CONNECT_LIST_DEFINED_DOMAINS, "virConnectListDefinedDomains",
              remote_connect_list_defined_domains, list_defined),
        READS(DOMAIN_GET_XML_DESC, "virDomainGetXMLDesc", remote_domain_get_xml_desc, get_xml),
        READS(DOMAIN_GET_INFO, "virDomainGetInfo", remote_domain_get_info, get_info),
        READS(DOMAIN_GET_STATE, "virDomainGetState", remote_domain_get_state, get_state),
        READS(DOMAIN_IS_ACTIVE, "virDomainIsActive", remote_domain_is_active, is_active),
        READS(DOMAIN_IS_PERSISTENT, "virDomainIsPersistent", remote_domain_is_persistent,
              is_persistent),
        READS(DOMAIN_IS_UPDATED, "virDomainIsUpdated", remote_domain_is_updated, is_updated),
        READS(DOMAIN_GET_AUTOSTART, "virDomainGetAutostart", remote_domain_get_autostart,
              get_autostart),
        READS(DOMAIN_GET_OS_TYPE, "virDomainGetOSType", remote_domain_get_os_type, get_os_type),
        READS(DOMAIN_GET_MAX_MEMORY, "virDomainGetMaxMemory", remote_domain_get_max_memory,
              get_max_memory),
        READS(DOMAIN_GET_MAX_VCPUS, "virDomainGetMaxVcpus", remote_domain_get_max_vcpus,
              get_max_vcpus),
        READS(DOMAIN_GET_VCPUS_FLAGS, "virDomainGetVcpusFlags", remote_domain_get_vcpus_flags,
              get_vcpus_flags),
        READS(DOMAIN_GET_CONTROL_INFO, "virDomainGetControlInfo", remote_domain_get_control_info,
              get_control_info),
        READS(DOMAIN_GET_BLOCK_JOB_INFO, "virDomainGetBlockJobInfo",
              remote_domain_get_block_job_info, get_block_job_info),
        READS(DOMAIN_SNAPSHOT_NUM, "virDomainSnapshotNum", remote_domain_snapshot_num,
              snapshot_num),
        READS(DOMAIN_LIST_ALL_SNAPSHOTS, "virDomainListAllSnapshots",
              remote_domain_list_all_snapshots, list_all_snapshots),
        READS(DOMAIN_HAS_CURRENT_SNAPSHOT, "virDomainHasCurrentSnapshot",
              remote_domain_has_current_snapshot, has_current_snapshot),
};

const ProcedureTable rpc_domain_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
