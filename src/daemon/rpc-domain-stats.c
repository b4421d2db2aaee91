/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-domain.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/dispatch.h"
#include "daemon/vm-stats.h"
#include "domain/device.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_domain.h"
#include "storage/image.h"

/* ---- a question to one guest ---- */

typedef struct Query Query;

/* Fills ret from what QEMU said. */
typedef int (*QueryFill)(const Query *query, const VmAnswer *answer, void *ret, Err *err);

struct Query {
        Call *call;
        QueryFill fill;
        char *name;    /* of a disk; NULL: none is meant */
        unsigned max;  /* entries that the client takes */
        unsigned size; /* of one of them */
};

static void on_query_answer(const VmAnswer *answers, size_t n, void *userdata) {
        Query *query = userdata;
        const VmAnswer *answer = &answers[0];
        g_auto(Err) err = ERR_INIT;

        if (!answer->vm->live)
                vm_check_active(answer->vm, true, &err);
        else if (answer->is_late)
                fail(&err, VIR_ERR_OPERATION_TIMEOUT,
                     "QEMU of guest '%s' has not answered on its monitor within %d s",
                     vm_name(answer->vm), (int)(VM_ASK_USEC / 1000000));
        else
                query->fill(query, answer, call_ret(query->call), &err);
        call_finish(query->call, &err);
        g_free(query->name);
        g_free(query);
}

/* The common end of the handlers that ask QEMU: of is copied. */
static int ask_guest(Manager *manager, Vm *vm, unsigned questions, const Query *of, Err *err) {
        Query *query;
        int r = vm_check_active(vm, true, err);

        if (r < 0)
                return r;
        query = g_memdup2(of, sizeof(*of));
        query->call = call_ref(of->call);
        query->name = g_strdup(of->name);
        vm_ask(manager, &vm, 1, questions, VM_ASK_USEC, on_query_answer, query);
        return CALL_LATER;
}

/* ---- all guests at once ---- */

enum {
        STATS_LIST_FLAGS = (1 << 8) - 1, /* as in virConnectListAllDomains */
        STATS_NOWAIT = 1 << 29,
        STATS_BACKING = 1 << 30,
};
#define STATS_ENFORCE (UINT32_C(1) << 31)

typedef struct StatsCall {
        Call *call;
        unsigned groups;
        bool with_backing;
} StatsCall;

static int collect_vms(Manager *manager, const remote_connect_get_all_domain_stats_args *args,
                       GPtrArray **ret, Err *err) {
        g_autoptr(GPtrArray) list = NULL;

        if (args->doms.doms_len == 0) {
                *ret = rpc_list_vms(manager, args->flags & STATS_LIST_FLAGS);
                return 0;
        }
        list = g_ptr_array_new();
        for (u_int i = 0; i < args->doms.doms_len; i++) {
                Vm *vm = NULL;
                int r = rpc_find_vm(manager, &args->doms.doms_val[i], &vm, err);

                if (r < 0)
                        return r;
                g_ptr_array_add(list, vm);
        }
        *ret = g_steal_pointer(&list);
        return 0;
}

static void on_all_stats(const VmAnswer *answers, size_t n, void *userdata) {
        g_autofree StatsCall *stats = userdata;
        remote_connect_get_all_domain_stats_ret *ret = call_ret(stats->call);

        ret->retStats.retStats_val = g_new0(remote_domain_stats_record, n);
        ret->retStats.retStats_len = (u_int)n;
        for (size_t i = 0; i < n; i++) {
                remote_domain_stats_record *record = &ret->retStats.retStats_val[i];
                g_autoptr(RpcParams) params = rpc_params_new();

                rpc_fill_domain(answers[i].vm, &record->dom);
                vm_stats_add(params, &answers[i], stats->groups, stats->with_backing);
                rpc_params_steal(params, &record->params.params_len, &record->params.params_val);
        }
        call_reply(stats->call);
}

static int get_all_stats(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_connect_get_all_domain_stats_args *args = data;
        unsigned groups = args->stats ? args->stats & VM_STATS_ALL : VM_STATS_ALL;
        g_autoptr(GPtrArray) list = NULL;
        StatsCall *stats;
        int r = flags_check(args->flags,
                            STATS_LIST_FLAGS | STATS_NOWAIT | STATS_BACKING | STATS_ENFORCE,
                            "virConnectGetAllDomainStats", err);

        if (r == 0 && (args->flags & STATS_ENFORCE) && (args->stats & ~VM_STATS_ALL))
                r = fail(err, VIR_ERR_ARGUMENT_UNSUPPORTED,
                         "Stats types bits 0x%x are not supported by this daemon",
                         args->stats & ~VM_STATS_ALL);
        if (r == 0)
                r = collect_vms(manager, args, &list, err);
        if (r != 0)
                return r;
        stats = g_new0(StatsCall, 1);
        *stats = (StatsCall){call_ref(call), groups, args->flags & STATS_BACKING};
        vm_ask(manager, (Vm *const *)list->pdata, list->len, vm_stats_questions(groups),
               args->flags & STATS_NOWAIT ? VM_ASK_NOWAIT_USEC : VM_ASK_USEC, on_all_stats, stats);
        return CALL_LATER;
}

/* ---- disks ---- */

/* QEMU's counters in the order in which libvirt gives them. */
static const struct BlockCount {
        const char *field, *name;
} block_counts[] = {
        {"wr_bytes", "wr_bytes"},
        {"wr_operations", "wr_operations"},
        {"rd_bytes", "rd_bytes"},
        {"rd_operations", "rd_operations"},
        {"flush_operations", "flush_operations"},
        {"wr_total_times", "wr_total_time_ns"},
        {"rd_total_times", "rd_total_time_ns"},
        {"flush_total_times", "flush_total_time_ns"},
};

/* A counter of the disk that is asked for; of all, where the name is empty. */
static uint64_t count_blocks(const Query *query, const VmAnswer *answer, const char *name) {
        uint64_t sum = 0;

        DOMAIN_FOREACH(DomainDisk, disk, answer->vm->live, DOMAIN_DISK)
                if (!*query->name || vm_find_disk(answer->vm->live, query->name) == disk)
                        sum += vm_block_count(
                                vm_find_block(answer->results[VM_Q_BLOCK_STATS], disk), name);
        return sum;
}

static int fill_block_stats(const Query *query, const VmAnswer *answer, void *result, Err *err) {
        remote_domain_block_stats_ret *ret = result;

        ret->rd_req = (int64_t)count_blocks(query, answer, "rd_operations");
        ret->rd_bytes = (int64_t)count_blocks(query, answer, "rd_bytes");
        ret->wr_req = (int64_t)count_blocks(query, answer, "wr_operations");
        ret->wr_bytes = (int64_t)count_blocks(query, answer, "wr_bytes");
        ret->errs = -1; /* QEMU does not tell */
        return 0;
}

static int fill_block_stats_flags(const Query *query, const VmAnswer *answer, void *result,
                                  Err *err) {
        remote_domain_block_stats_flags_ret *ret = result;
        g_autoptr(RpcParams) params = rpc_params_new();
        unsigned n = MIN(query->max, G_N_ELEMENTS(block_counts));

        ret->nparams = G_N_ELEMENTS(block_counts);
        if (n == 0)
                return 0;
        for (unsigned i = 0; i < n; i++)
                rpc_params_add_i64(params, block_counts[i].field,
                                   (int64_t)count_blocks(query, answer, block_counts[i].name));
        ret->nparams = (int)n;
        rpc_params_steal(params, &ret->params.params_len, &ret->params.params_val);
        return 0;
}

static int check_disk_name(const Vm *vm, const char *path, Err *err) {
        int r = vm_check_active(vm, true, err);

        if (r == 0 && *path && !vm_find_disk(vm->live, path))
                r = fail(err, VIR_ERR_INVALID_ARG, "invalid path: %.200s", path);
        return r;
}

static int block_stats(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_block_stats_args *args = data;
        Query query = {.call = call, .fill = fill_block_stats, .name = args->path};
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = check_disk_name(vm, args->path, err);
        return r < 0 ? r : ask_guest(manager, vm, VM_ASK(BLOCK_STATS), &query, err);
}

static int block_stats_flags(Manager *manager, Call *call, const void *data, void *result,
                             Err *err) {
        const remote_domain_block_stats_flags_args *args = data;
        Query query = {
                .call = call,
                .fill = fill_block_stats_flags,
                .name = args->path,
                .max = (unsigned)MAX(args->nparams, 0),
        };
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, RPC_STRING_OKAY, "virDomainBlockStatsFlags", err);
        if (r == 0)
                r = check_disk_name(vm, args->path, err);
        return r < 0 ? r : ask_guest(manager, vm, VM_ASK(BLOCK_STATS), &query, err);
}

static void set_block_info(remote_domain_get_block_info_ret *ret, const VmBlockInfo *info) {
        ret->allocation = info->allocation;
        ret->capacity = info->capacity;
        ret->physical = info->physical;
}

static int fill_block_info(const Query *query, const VmAnswer *answer, void *result, Err *err) {
        const DomainDisk *disk = vm_find_disk(answer->vm->live, query->name);
        VmBlockInfo info;

        if (!disk || !vm_block_info(answer, disk, &info))
                return fail(err, VIR_ERR_OPERATION_FAILED, "QEMU does not know disk '%.200s'",
                            query->name);
        set_block_info(result, &info);
        return 0;
}

/* Of a guest that is off, the image itself tells. */
static int block_info_of_image(const DomainDisk *disk, remote_domain_get_block_info_ret *ret,
                               Err *err) {
        ImageInfo image;
        int r = image_read_info(vm_disk_path(disk), disk->driver.type == DISK_FORMAT_QCOW2, &image,
                                err);

        if (r < 0)
                return r;
        ret->allocation = image.allocated;
        ret->capacity = image.capacity;
        ret->physical = image.size;
        return 0;
}

static int get_block_info(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_block_info_args *args = data;
        Query query = {.call = call, .fill = fill_block_info, .name = args->path};
        const DomainDisk *disk;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, 0, "virDomainGetBlockInfo", err);
        if (r < 0)
                return r;
        disk = vm_find_disk(vm_def(vm, false), args->path);
        if (!disk || !*args->path)
                return fail(err, VIR_ERR_INVALID_ARG, "invalid path %.200s not assigned to domain",
                            args->path);
        if (!domain_disk_has_source(disk))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "disk '%.200s' does not currently have a source assigned", args->path);
        if (!vm_is_active(vm) && !vm_disk_path(disk))
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                            "disk '%.200s' comes over the network: nothing is known of it while "
                            "the guest is off",
                            args->path);
        if (!vm_is_active(vm))
                return block_info_of_image(disk, result, err);
        return ask_guest(manager, vm, VM_ASK(BLOCK) | VM_ASK(BLOCK_STATS), &query, err);
}

/* virDomainDiskErrorCode; 0: none. */
static int disk_error(const json_t *block) {
        const char *status = json_string_value(json_object_get(block, "io-status"));

        if (g_strcmp0(status, "nospace") == 0)
                return 2;
        return g_strcmp0(status, "failed") == 0 ? 1 : 0;
}

static int fill_disk_errors(const Query *query, const VmAnswer *answer, void *result, Err *err) {
        remote_domain_get_disk_errors_ret *ret = result;

        if (query->max == 0) { /* how many it may be */
                ret->nerrors = (int)answer->vm->live->devices.list[DOMAIN_DISK]->len;
                return 0;
        }
        ret->errors.errors_val = g_new0(remote_domain_disk_error, query->max);
        DOMAIN_FOREACH(DomainDisk, disk, answer->vm->live, DOMAIN_DISK) {
                int error = disk_error(vm_find_block(answer->results[VM_Q_BLOCK], disk));

                if (!error || ret->errors.errors_len >= query->max)
                        continue;
                ret->errors.errors_val[ret->errors.errors_len++] =
                        (remote_domain_disk_error){rpc_text(disk->target.dev), error};
        }
        ret->nerrors = (int)ret->errors.errors_len;
        return 0;
}

static int get_disk_errors(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_disk_errors_args *args = data;
        Query query = {.call = call, .fill = fill_disk_errors, .max = MIN(args->maxerrors, 256)};
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, 0, "virDomainGetDiskErrors", err);
        return r < 0 ? r : ask_guest(manager, vm, VM_ASK(BLOCK), &query, err);
}

/* ---- network ---- */

static const DomainInterface *find_interface(const DomainDef *def, const char *name) {
        DOMAIN_FOREACH(DomainInterface, net, def, DOMAIN_INTERFACE)
                if (g_strcmp0(net->target.dev, name) == 0 ||
                    (net->mac.address && g_ascii_strcasecmp(net->mac.address, name) == 0))
                        return net;
        return NULL;
}

static int interface_stats(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_interface_stats_args *args = data;
        remote_domain_interface_stats_ret *ret = result;
        const DomainInterface *net;
        ProcNet stats;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = vm_check_active(vm, true, err);
        if (r < 0)
                return r;
        net = find_interface(vm->live, args->device);
        if (!net)
                return fail(err, VIR_ERR_INVALID_ARG, "'%.200s' is not a known interface",
                            args->device);
        if (!net->target.dev)
                return fail(err, VIR_ERR_INTERNAL_ERROR,
                            "interface %s is no network device of the host: nobody counts for it",
                            net->mac.address);
        r = vm_net_stats(vm, net, &stats);
        if (r < 0)
                return fail_errno(err, r, "cannot read the counters of '%s'", net->target.dev);
        *ret = (remote_domain_interface_stats_ret){
                (int64_t)stats.rx_bytes,  (int64_t)stats.rx_packets, (int64_t)stats.rx_errors,
                (int64_t)stats.rx_drops,  (int64_t)stats.tx_bytes,   (int64_t)stats.tx_packets,
                (int64_t)stats.tx_errors, (int64_t)stats.tx_drops,
        };
        return 0;
}

/* ---- memory ---- */

static int fill_memory_stats(const Query *query, const VmAnswer *answer, void *result, Err *err) {
        remote_domain_memory_stats_ret *ret = result;
        VmMemoryStat stats[VM_MEMORY_STATS_MAX];
        size_t n = MIN(vm_memory_stats(answer, stats), query->max);

        ret->stats.stats_val = g_new0(remote_domain_memory_stat, MAX(n, 1));
        ret->stats.stats_len = (u_int)n;
        for (size_t i = 0; i < n; i++)
                ret->stats.stats_val[i] = (remote_domain_memory_stat){stats[i].tag, stats[i].value};
        return 0;
}

static int memory_stats(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_memory_stats_args *args = data;
        Query query = {.call = call, .fill = fill_memory_stats, .max = args->maxStats};
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, 0, "virDomainMemoryStats", err);
        return r < 0 ? r : ask_guest(manager, vm, VM_ASK(BALLOON_STATS), &query, err);
}

/* ---- processors ---- */

/* The host's processors on which a thread may run, as bytes, lowest bit first. */
static void read_affinity(pid_t thread, uint8_t *map, size_t size) {
        cpu_set_t set;

        if (sched_getaffinity(thread, sizeof(set), &set) < 0)
                return;
        for (size_t cpu = 0; cpu < CPU_SETSIZE && cpu / 8 < size; cpu++)
                if (CPU_ISSET(cpu, &set))
                        map[cpu / 8] |= (uint8_t)(1u << (cpu % 8));
}

/* VIR_VCPU_RUNNING */
#define VCPU_RUNNING 1

static int fill_vcpus(const Query *query, const VmAnswer *answer, void *result, Err *err) {
        remote_domain_get_vcpus_ret *ret = result;
        const Vm *vm = answer->vm;
        unsigned count = (unsigned)domain_num_or(vm->live->vcpu.count, 1);
        unsigned max = MIN(query->max, count);

        ret->info.info_val = g_new0(remote_vcpu_info, MAX(max, 1));
        ret->cpumaps.cpumaps_len = max * query->size;
        ret->cpumaps.cpumaps_val = g_malloc0(MAX((size_t)max * query->size, 1));
        for (unsigned vcpu = 0; vcpu < count && ret->info.info_len < max; vcpu++) {
                pid_t thread = vm_vcpu_thread(answer->results[VM_Q_CPUS], vcpu);
                unsigned i = ret->info.info_len;
                ProcTask task;

                if (!thread || !vm->process)
                        continue;
                task = proc_read_task(vm->manager->sys, process_pid(vm->process), thread);
                ret->info.info_val[i] =
                        (remote_vcpu_info){vcpu, VCPU_RUNNING, task.user + task.system, task.cpu};
                read_affinity(thread, (uint8_t *)ret->cpumaps.cpumaps_val + (size_t)i * query->size,
                              query->size);
                ret->info.info_len++;
        }
        ret->cpumaps.cpumaps_len = ret->info.info_len * query->size;
        return 0;
}

#define CPUMAPS_MAX 8388608

static int get_vcpus(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_vcpus_args *args = data;
        Query query = {
                .call = call,
                .fill = fill_vcpus,
                .max = (unsigned)args->maxinfo,
                .size = (unsigned)args->maplen,
        };
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r < 0)
                return r;
        if (args->maxinfo < 0 || args->maxinfo > 16384 || args->maplen < 0 ||
            (int64_t)args->maxinfo * args->maplen > CPUMAPS_MAX)
                return fail(err, VIR_ERR_INVALID_ARG, "%d maps of %d bytes are too many",
                            args->maxinfo, args->maplen);
        return ask_guest(manager, vm, VM_ASK(CPUS), &query, err);
}

/* virDomainGetCPUStats: of all processors together (start -1), which is what the kernel counts for
 * a process. */
static int get_cpu_stats(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_cpu_stats_args *args = data;
        remote_domain_get_cpu_stats_ret *ret = result;
        g_autoptr(RpcParams) params = rpc_params_new();
        ProcTask task;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, RPC_STRING_OKAY, "virDomainGetCPUStats", err);
        if (r == 0)
                r = vm_check_active(vm, true, err);
        if (r < 0)
                return r;
        if (args->start_cpu != -1)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                                      "the kernel does not count the time of guest '%s' on each "
                                      "processor",
                                      vm_name(vm)),
                                 "--total shows the sum");
        ret->nparams = 3;
        if (args->nparams == 0 || !vm->process)
                return 0;
        task = proc_read_task(manager->sys, process_pid(vm->process), 0);
        rpc_params_add_u64(params, "cpu_time", task.user + task.system);
        rpc_params_add_u64(params, "user_time", task.user);
        rpc_params_add_u64(params, "system_time", task.system);
        rpc_params_steal(params, &ret->params.params_len, &ret->params.params_val);
        return 0;
}

/* ---- the table ---- */

static const Procedure procedures[] = {
        READS(CONNECT_GET_ALL_DOMAIN_STATS, "virConnectGetAllDomainStats",
              remote_connect_get_all_domain_stats, get_all_stats),
        READS(DOMAIN_BLOCK_STATS, "virDomainBlockStats", remote_domain_block_stats, block_stats),
        READS(DOMAIN_BLOCK_STATS_FLAGS, "virDomainBlockStatsFlags", remote_domain_block_stats_flags,
              block_stats_flags),
        READS(DOMAIN_GET_BLOCK_INFO, "virDomainGetBlockInfo", remote_domain_get_block_info,
              get_block_info),
        READS(DOMAIN_GET_DISK_ERRORS, "virDomainGetDiskErrors", remote_domain_get_disk_errors,
              get_disk_errors),
        READS(DOMAIN_INTERFACE_STATS, "virDomainInterfaceStats", remote_domain_interface_stats,
              interface_stats),
        READS(DOMAIN_MEMORY_STATS, "virDomainMemoryStats", remote_domain_memory_stats,
              memory_stats),
        READS(DOMAIN_GET_VCPUS, "virDomainGetVcpus", remote_domain_get_vcpus, get_vcpus),
        READS(DOMAIN_GET_CPU_STATS, "virDomainGetCPUStats", remote_domain_get_cpu_stats,
              get_cpu_stats),
};

const ProcedureTable rpc_domain_stats_table = {REMOTE_PROGRAM, procedures,
                                               G_N_ELEMENTS(procedures)};
