/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-stats.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "domain/device.h"
#include "storage/image.h"

#define FIELD_MAX 80

typedef struct Stats {
        RpcParams *params;
        const VmAnswer *answer;
        const Vm *vm;
        const DomainDef *def;
        bool with_backing;
} Stats;

/* ---- reading QEMU's answers ---- */

bool vm_json_u64(const json_t *object, const char *key, uint64_t *ret) {
        json_t *value = json_object_get(object, key);
        double number = json_number_value(value);

        /* Beside a "not known" (all ones) every number of a message comes as a real. */
        if (!json_is_number(value) || number < 0 || number >= (double)INT64_MAX)
                return false;
        *ret = json_is_integer(value) ? (uint64_t)json_integer_value(value) : (uint64_t)number;
        return true;
}

uint64_t vm_block_count(const json_t *entry, const char *name) {
        uint64_t value = 0;

        vm_json_u64(json_object_get(entry, "stats"), name, &value);
        return value;
}

/* "sata0-0-0", or "/machine/peripheral/virtio-disk0/virtio-backend". */
static bool is_device(const char *qdev, const char *alias) {
        static const char prefix[] = "/machine/peripheral/";
        size_t size = strlen(alias);

        if (g_str_has_prefix(qdev, prefix))
                qdev += strlen(prefix);
        return strncmp(qdev, alias, size) == 0 && (qdev[size] == '\0' || qdev[size] == '/');
}

json_t *vm_find_block(json_t *list, const DomainDisk *disk) {
        size_t i;
        json_t *entry;

        json_array_foreach(list, i, entry) {
                const char *qdev = json_string_value(json_object_get(entry, "qdev"));

                if (qdev && disk->base.alias.name && is_device(qdev, disk->base.alias.name))
                        return entry;
        }
        return NULL;
}

const char *vm_disk_path(const DomainDisk *disk) {
        return disk->source.file ? disk->source.file : disk->source.dev;
}

DomainDisk *vm_find_disk(const DomainDef *def, const char *name) {
        DOMAIN_FOREACH(DomainDisk, disk, def, DOMAIN_DISK)
                if (g_strcmp0(disk->target.dev, name) == 0 ||
                    g_strcmp0(vm_disk_path(disk), name) == 0)
                        return disk;
        return NULL;
}

pid_t vm_vcpu_thread(json_t *cpus, unsigned vcpu) {
        size_t i;
        json_t *cpu;

        json_array_foreach(cpus, i, cpu) {
                uint64_t index, thread;

                if (vm_json_u64(cpu, "cpu-index", &index) && index == vcpu &&
                    vm_json_u64(cpu, "thread-id", &thread))
                        return (pid_t)thread;
        }
        return 0;
}

/* ---- blocks ---- */

static uint64_t file_size(const char *path) {
        struct stat status;

        return path && stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static json_t *image_of(const json_t *block) {
        return json_object_get(json_object_get(block, "inserted"), "image");
}

/* The end of what was ever written, counted where the image lies. */
static uint64_t highest_offset(const json_t *stats) {
        const json_t *parent = json_object_get(stats, "parent");

        return vm_block_count(parent ? parent : stats, "wr_highest_offset");
}

/* The bytes that an image takes on the host. */
static uint64_t image_physical(const json_t *image, const char *path) {
        uint64_t actual = 0;

        vm_json_u64(image, "actual-size", &actual);
        return actual ? actual : file_size(path);
}

bool vm_block_info(const VmAnswer *answer, const DomainDisk *disk, VmBlockInfo *ret) {
        json_t *block = vm_find_block(answer->results[VM_Q_BLOCK], disk);
        json_t *stats = vm_find_block(answer->results[VM_Q_BLOCK_STATS], disk);
        json_t *image = image_of(block);
        const char *format = json_string_value(json_object_get(image, "format"));
        uint64_t size = file_size(vm_disk_path(disk)), actual = 0;

        if (!image)
                return false;
        *ret = (VmBlockInfo){};
        vm_json_u64(image, "virtual-size", &ret->capacity);
        vm_json_u64(image, "actual-size", &actual);
        ret->physical = size ? size : actual;
        ret->allocation = g_strcmp0(format, "raw") == 0 ? actual : highest_offset(stats);
        if (!ret->allocation)
                ret->allocation = actual;
        return true;
}

static void add_block_field(const Stats *stats, unsigned index, const char *name, uint64_t value) {
        char field[FIELD_MAX];

        snprintf(field, sizeof(field), "block.%u.%s", index, name);
        rpc_params_add_u64(stats->params, field, value);
}

static void add_block_text(const Stats *stats, unsigned index, const char *name,
                           const char *value) {
        char field[FIELD_MAX];

        if (!value)
                return;
        snprintf(field, sizeof(field), "block.%u.%s", index, name);
        rpc_params_add_string(stats->params, field, value);
}

static void add_backing_index(const Stats *stats, unsigned index, DomainNum number) {
        char field[FIELD_MAX];

        if (!number.is_set)
                return;
        snprintf(field, sizeof(field), "block.%u.backingIndex", index);
        rpc_params_add_uint(stats->params, field, (unsigned)number.value);
}

static void add_block_counts(const Stats *stats, unsigned index, const json_t *entry) {
        static const struct {
                const char *field, *name;
        } counts[] = {
                {"rd.reqs", "rd_operations"},     {"rd.bytes", "rd_bytes"},
                {"rd.times", "rd_total_time_ns"}, {"wr.reqs", "wr_operations"},
                {"wr.bytes", "wr_bytes"},         {"wr.times", "wr_total_time_ns"},
                {"fl.reqs", "flush_operations"},  {"fl.times", "flush_total_time_ns"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
                add_block_field(stats, index, counts[i].field,
                                vm_block_count(entry, counts[i].name));
}

static void add_image(const Stats *stats, unsigned index, const json_t *image, const char *path,
                      uint64_t allocation) {
        uint64_t capacity = 0;

        if (!image)
                return;
        vm_json_u64(image, "virtual-size", &capacity);
        add_block_field(stats, index, "allocation", allocation);
        add_block_field(stats, index, "capacity", capacity);
        add_block_field(stats, index, "physical", image_physical(image, path));
}

static unsigned add_backing(const Stats *stats, unsigned index, const DomainDisk *disk,
                            const json_t *image) {
        const json_t *backing = json_object_get(image, "backing-image");

        for (; backing; backing = json_object_get(backing, "backing-image")) {
                const char *path = json_string_value(json_object_get(backing, "filename"));

                add_block_text(stats, index, "name", disk->target.dev);
                add_block_text(stats, index, "path", path);
                add_image(stats, index++, backing, path, 0);
        }
        return index;
}

/* Of a guest that is off: as the image itself tells. */
static void add_stored_image(const Stats *stats, unsigned index, const DomainDisk *disk) {
        bool is_raw = disk->driver.type != DISK_FORMAT_QCOW2;
        ImageInfo image;

        if (!vm_disk_path(disk) || image_read_info(vm_disk_path(disk), !is_raw, &image, NULL) < 0)
                return;
        if (!is_raw)
                add_block_field(stats, index, "allocation", image.allocated);
        add_block_field(stats, index, "capacity", image.capacity);
        add_block_field(stats, index, "physical", image.size);
}

static unsigned add_disk(const Stats *stats, unsigned index, const DomainDisk *disk) {
        json_t *block = vm_find_block(stats->answer->results[VM_Q_BLOCK], disk);
        json_t *entry = vm_find_block(stats->answer->results[VM_Q_BLOCK_STATS], disk);

        add_block_text(stats, index, "name", disk->target.dev);
        add_block_text(stats, index, "path", vm_disk_path(disk));
        add_backing_index(stats, index, disk->source.index);
        if (entry)
                add_block_counts(stats, index, entry);
        if (!stats->vm->live)
                add_stored_image(stats, index, disk);
        add_image(stats, index, image_of(block), vm_disk_path(disk), highest_offset(entry));
        return stats->with_backing ? add_backing(stats, index + 1, disk, image_of(block))
                                   : index + 1;
}

/* The length of a disk's chain of images without itself. */
static unsigned count_backing(const Stats *stats, const DomainDisk *disk) {
        const json_t *image = image_of(vm_find_block(stats->answer->results[VM_Q_BLOCK], disk));
        unsigned n = 0;

        while (stats->with_backing && (image = json_object_get(image, "backing-image")))
                n++;
        return n;
}

static void add_blocks(const Stats *stats) {
        unsigned count = 0, index = 0;

        DOMAIN_FOREACH(DomainDisk, disk, stats->def, DOMAIN_DISK)
                count += 1 + count_backing(stats, disk);
        rpc_params_add_uint(stats->params, "block.count", count);
        DOMAIN_FOREACH(DomainDisk, disk, stats->def, DOMAIN_DISK)
                index = add_disk(stats, index, disk);
}

/* ---- state, processor time ---- */

static void add_state(const Stats *stats) {
        rpc_params_add_int(stats->params, "state.state", (int)stats->vm->state);
        rpc_params_add_int(stats->params, "state.reason", stats->vm->reason);
}

static void add_cpu(const Stats *stats) {
        ProcTask task;

        if (!stats->vm->process)
                return;
        task = proc_read_task(stats->vm->manager->sys, process_pid(stats->vm->process), 0);
        rpc_params_add_u64(stats->params, "cpu.time", task.user + task.system);
        rpc_params_add_u64(stats->params, "cpu.user", task.user);
        rpc_params_add_u64(stats->params, "cpu.system", task.system);
        rpc_params_add_uint(stats->params, "cpu.cache.monitor.count", 0);
}

static void add_vcpu_field(const Stats *stats, unsigned vcpu, const char *name, uint64_t value) {
        char field[FIELD_MAX];

        snprintf(field, sizeof(field), "vcpu.%u.%s", vcpu, name);
        rpc_params_add_u64(stats->params, field, value);
}

static void add_vcpu(const Stats *stats, unsigned vcpu, pid_t thread) {
        ProcTask task =
                proc_read_task(stats->vm->manager->sys, process_pid(stats->vm->process), thread);
        char field[FIELD_MAX];

        snprintf(field, sizeof(field), "vcpu.%u.state", vcpu);
        rpc_params_add_int(stats->params, field, 1); /* VIR_VCPU_RUNNING */
        add_vcpu_field(stats, vcpu, "time", task.user + task.system);
        add_vcpu_field(stats, vcpu, "wait", task.wait);
        add_vcpu_field(stats, vcpu, "delay", task.delay);
}

static void add_vcpus(const Stats *stats) {
        unsigned count = (unsigned)domain_num_or(stats->def->vcpu.count, 1);
        json_t *cpus = stats->answer->results[VM_Q_CPUS];

        rpc_params_add_uint(stats->params, "vcpu.current",
                            (unsigned)domain_num_or(stats->def->vcpu.current, count));
        rpc_params_add_uint(stats->params, "vcpu.maximum", count);
        for (unsigned vcpu = 0; cpus && stats->vm->process && vcpu < count; vcpu++) {
                pid_t thread = vm_vcpu_thread(cpus, vcpu);

                if (thread)
                        add_vcpu(stats, vcpu, thread);
        }
}

static void add_iothreads(const Stats *stats) {
        static const char *const names[] = {"poll-max-ns", "poll-grow", "poll-shrink"};
        json_t *threads = stats->answer->results[VM_Q_IOTHREADS], *thread;
        size_t i;

        if (json_array_size(threads) == 0)
                return;
        rpc_params_add_uint(stats->params, "iothread.count", (unsigned)json_array_size(threads));
        json_array_foreach(threads, i, thread) {
                const char *id = json_string_value(json_object_get(thread, "id"));

                for (size_t n = 0; id && n < G_N_ELEMENTS(names); n++) {
                        char field[FIELD_MAX];
                        uint64_t value = 0;

                        vm_json_u64(thread, names[n], &value);
                        snprintf(field, sizeof(field), "iothread.%s.%s",
                                 id + strcspn(id, "0123456789"), names[n]);
                        if (n == 0)
                                rpc_params_add_u64(stats->params, field, value);
                        else
                                rpc_params_add_uint(stats->params, field, (unsigned)value);
                }
        }
}

/* ---- memory ---- */

/* A value of the balloon's driver: its name in QEMU (virtio-balloon's statistics), in libvirt's
 * statistics and as a tag; is_size: bytes that travel as KiB. */
static const struct BalloonStat {
        const char *name, *field;
        int tag;
        bool is_size;
} balloon_stats[] = {
        {"stat-swap-in", "balloon.swap_in", 0, true},
        {"stat-swap-out", "balloon.swap_out", 1, true},
        {"stat-major-faults", "balloon.major_fault", 2, false},
        {"stat-minor-faults", "balloon.minor_fault", 3, false},
        {"stat-free-memory", "balloon.unused", 4, true},
        {"stat-total-memory", "balloon.available", 5, true},
        {"stat-available-memory", "balloon.usable", 8, true},
        {"stat-disk-caches", "balloon.disk_caches", 10, true},
        {"stat-htlb-pgalloc", "balloon.hugetlb_pgalloc", 11, false},
        {"stat-htlb-pgfail", "balloon.hugetlb_pgfail", 12, false},
};
enum { TAG_ACTUAL = 6, TAG_RSS = 7, TAG_LAST_UPDATE = 9 };

static bool balloon_stat(const VmAnswer *answer, const struct BalloonStat *stat, uint64_t *ret) {
        const json_t *stats = json_object_get(answer->results[VM_Q_BALLOON_STATS], "stats");

        if (!vm_json_u64(stats, stat->name, ret))
                return false;
        if (stat->is_size)
                *ret /= 1024;
        return true;
}

static uint64_t rss(const Vm *vm) {
        return vm->process ? proc_read_rss(vm->manager->sys, process_pid(vm->process)) : 0;
}

size_t vm_memory_stats(const VmAnswer *answer, VmMemoryStat ret[static VM_MEMORY_STATS_MAX]) {
        const Vm *vm = answer->vm;
        uint64_t value;
        size_t n = 0;

        ret[n++] = (VmMemoryStat){TAG_ACTUAL, vm_def(vm, false)->current_memory};
        for (size_t i = 0; i < G_N_ELEMENTS(balloon_stats); i++)
                if (balloon_stat(answer, &balloon_stats[i], &value))
                        ret[n++] = (VmMemoryStat){balloon_stats[i].tag, value};
        if (vm_json_u64(answer->results[VM_Q_BALLOON_STATS], "last-update", &value))
                ret[n++] = (VmMemoryStat){TAG_LAST_UPDATE, value};
        ret[n++] = (VmMemoryStat){TAG_RSS, rss(vm)};
        return n;
}

static void add_balloon(const Stats *stats) {
        uint64_t value;

        rpc_params_add_u64(stats->params, "balloon.current", stats->def->current_memory);
        rpc_params_add_u64(stats->params, "balloon.maximum", stats->def->memory);
        for (size_t i = 0; i < G_N_ELEMENTS(balloon_stats); i++)
                if (balloon_stat(stats->answer, &balloon_stats[i], &value))
                        rpc_params_add_u64(stats->params, balloon_stats[i].field, value);
        if (vm_json_u64(stats->answer->results[VM_Q_BALLOON_STATS], "last-update", &value))
                rpc_params_add_u64(stats->params, "balloon.last-update", value);
        if (stats->vm->process)
                rpc_params_add_u64(stats->params, "balloon.rss", rss(stats->vm));
}

/* ---- network ---- */

int vm_net_stats(const Vm *vm, const DomainInterface *net, ProcNet *ret) {
        ProcNet host;
        int r = net->target.dev ? proc_read_net(vm->manager->sys, net->target.dev, &host) : -ENOENT;

        if (r < 0)
                return r;
        *ret = (ProcNet){
                .rx_bytes = host.tx_bytes,
                .rx_packets = host.tx_packets,
                .rx_errors = host.tx_errors,
                .rx_drops = host.tx_drops,
                .tx_bytes = host.rx_bytes,
                .tx_packets = host.rx_packets,
                .tx_errors = host.rx_errors,
                .tx_drops = host.rx_drops,
        };
        return 0;
}

static void add_net(const Stats *stats, unsigned index, const DomainInterface *net) {
        static const struct {
                const char *field;
                size_t offset;
        } counts[] = {
                {"rx.bytes", offsetof(ProcNet, rx_bytes)},
                {"rx.pkts", offsetof(ProcNet, rx_packets)},
                {"rx.errs", offsetof(ProcNet, rx_errors)},
                {"rx.drop", offsetof(ProcNet, rx_drops)},
                {"tx.bytes", offsetof(ProcNet, tx_bytes)},
                {"tx.pkts", offsetof(ProcNet, tx_packets)},
                {"tx.errs", offsetof(ProcNet, tx_errors)},
                {"tx.drop", offsetof(ProcNet, tx_drops)},
        };
        char field[FIELD_MAX];
        ProcNet numbers;

        if (vm_net_stats(stats->vm, net, &numbers) < 0)
                return;
        snprintf(field, sizeof(field), "net.%u.name", index);
        rpc_params_add_string(stats->params, field, net->target.dev);
        for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
                snprintf(field, sizeof(field), "net.%u.%s", index, counts[i].field);
                rpc_params_add_u64(stats->params, field,
                                   *(const uint64_t *)(const void *)((const char *)&numbers +
                                                                     counts[i].offset));
        }
}

static void add_nets(const Stats *stats) {
        unsigned index = 0;

        if (!stats->vm->process)
                return;
        rpc_params_add_uint(stats->params, "net.count",
                            stats->def->devices.list[DOMAIN_INTERFACE]->len);
        DOMAIN_FOREACH(DomainInterface, net, stats->def, DOMAIN_INTERFACE)
                add_net(stats, index++, net);
}

/* ---- all groups ---- */

/* Nothing measures these unless somebody asks for it by a call that is not served. */
static void add_dirty_rate(const Stats *stats) {
        if (!stats->vm->process)
                return;
        rpc_params_add_int(stats->params, "dirtyrate.calc_status", 0);
        rpc_params_add_i64(stats->params, "dirtyrate.calc_start_time", 0);
        rpc_params_add_int(stats->params, "dirtyrate.calc_period", 0);
        rpc_params_add_string(stats->params, "dirtyrate.calc_mode", "page-sampling");
}

static void add_nothing(const Stats *stats) {
}

static const struct StatsGroup {
        unsigned bit, questions;
        void (*add)(const Stats *stats);
} groups_of_stats[] = {
        {VM_STATS_STATE, 0, add_state},
        {VM_STATS_CPU, 0, add_cpu},
        {VM_STATS_BALLOON, VM_ASK(BALLOON_STATS), add_balloon},
        {VM_STATS_VCPU, VM_ASK(CPUS), add_vcpus},
        {VM_STATS_INTERFACE, 0, add_nets},
        {VM_STATS_BLOCK, VM_ASK(BLOCK_STATS) | VM_ASK(BLOCK), add_blocks},
        {VM_STATS_PERF, 0, add_nothing},
        {VM_STATS_IOTHREAD, VM_ASK(IOTHREADS), add_iothreads},
        {VM_STATS_MEMORY, 0, add_nothing},
        {VM_STATS_DIRTYRATE, 0, add_dirty_rate},
        {VM_STATS_VM, 0, add_nothing},
};

unsigned vm_stats_questions(unsigned groups) {
        unsigned questions = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(groups_of_stats); i++)
                if (groups & groups_of_stats[i].bit)
                        questions |= groups_of_stats[i].questions;
        return questions;
}

void vm_stats_add(RpcParams *params, const VmAnswer *answer, unsigned groups, bool with_backing) {
        Stats stats = {params, answer, answer->vm, vm_def(answer->vm, false), with_backing};

        for (size_t i = 0; i < G_N_ELEMENTS(groups_of_stats); i++)
                if (groups & groups_of_stats[i].bit)
                        groups_of_stats[i].add(&stats);
}
