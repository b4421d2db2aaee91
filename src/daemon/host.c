/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/host.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define CPU_DIR  "sys/devices/system/cpu"
#define NODE_DIR "sys/devices/system/node"
#define HUGE_DIR "sys/kernel/mm/hugepages"
#define CPUS_MAX 16384u

static void set_bit(GByteArray *map, uint64_t bit) {
        guint old = map->len;

        if (bit / 8 >= map->len) {
                g_byte_array_set_size(map, (guint)(bit / 8 + 1));
                memset(map->data + old, 0, map->len - old);
        }
        map->data[bit / 8] |= (uint8_t)(1u << (bit % 8));
}

/* "3" or "0-3". */
static int set_range(GByteArray *map, const char *text) {
        g_auto(GStrv) ends = g_strsplit(text, "-", 2);
        uint64_t first, last;
        int r;

        r = str_to_uint(ends[0], 10, CPUS_MAX - 1, &first);
        if (r < 0)
                return r;
        last = first;
        if (ends[1])
                r = str_to_uint(ends[1], 10, CPUS_MAX - 1, &last);
        if (r < 0)
                return r;
        for (uint64_t i = first; i <= last; i++)
                set_bit(map, i);
        return 0;
}

static int read_map(const Sys *sys, const char *path, const char *list, GByteArray **ret,
                    Err *err) {
        g_autoptr(GByteArray) map = g_byte_array_new();
        g_autofree char *text = NULL;
        g_auto(GStrv) ranges = NULL;
        int r;

        r = sys_read_text(sys, path, &text);
        if (r < 0)
                return fail_errno(err, r, "cannot read the list of %s processors", list);
        ranges = g_strsplit(text, ",", -1);
        STRV_FOREACH(range, ranges)
                if (r >= 0)
                        r = set_range(map, range);
        if (r < 0)
                return fail(err, VIR_ERR_INTERNAL_ERROR,
                            "cannot understand the list of %s processors, '%s'", list, text);
        *ret = g_steal_pointer(&map);
        return 0;
}

int host_cpu_map(const Sys *sys, const char *list, GByteArray **ret, Err *err) {
        g_autofree char *path = g_strdup_printf(CPU_DIR "/%s", list);

        return read_map(sys, path, list, ret, err);
}

int host_node_cpus(const Sys *sys, int node, GByteArray **ret, Err *err) {
        g_autofree char *path = g_strdup_printf(NODE_DIR "/node%d/cpulist", node);
        g_autofree char *name = g_strdup_printf("node %d's", node);

        if (node < 0)
                return host_cpu_map(sys, "online", ret, err);
        return read_map(sys, path, name, ret, err);
}

static bool has_cpu(const GByteArray *map, unsigned cpu) {
        return cpu / 8 < map->len && (map->data[cpu / 8] & (1u << (cpu % 8)));
}

static unsigned read_mhz(const Sys *sys) {
        g_autofree char *text = NULL;
        const char *at;

        if (sys_read(sys, "proc/cpuinfo", &text, NULL) < 0)
                return 0;
        at = strstr(text, "cpu MHz");
        at = at ? strchr(at, ':') : NULL;
        return at ? (unsigned)g_ascii_strtod(at + 1, NULL) : 0;
}

static int compare_numbers(gconstpointer a, gconstpointer b) {
        int first = *(const int *)a, second = *(const int *)b;

        return (first > second) - (first < second);
}

GArray *host_nodes(const Sys *sys) {
        GArray *nodes = g_array_new(FALSE, FALSE, sizeof(int));
        g_auto(GStrv) names = NULL;

        if (sys_list(sys, NODE_DIR, &names) < 0)
                return nodes;
        STRV_FOREACH(name, names) {
                uint64_t number;
                int node;

                if (!g_str_has_prefix(name, "node") ||
                    str_to_uint(name + 4, 10, CPUS_MAX, &number) < 0)
                        continue;
                node = (int)number;
                g_array_append_val(nodes, node);
        }
        g_array_sort(nodes, compare_numbers);
        return nodes;
}

static unsigned count_nodes(const Sys *sys) {
        g_autoptr(GArray) nodes = host_nodes(sys);

        return MAX(nodes->len, 1);
}

/* Where a processor is: "PACKAGE" and "PACKAGE:CORE", added to the sets. */
static void read_place(const Sys *sys, unsigned cpu, GHashTable *packages, GHashTable *cores) {
        g_autofree char *package_path =
                g_strdup_printf(CPU_DIR "/cpu%u/topology/physical_package_id", cpu);
        g_autofree char *core_path = g_strdup_printf(CPU_DIR "/cpu%u/topology/core_id", cpu);
        g_autofree char *package = NULL;
        g_autofree char *core = NULL;

        if (sys_read_text(sys, package_path, &package) < 0 ||
            sys_read_text(sys, core_path, &core) < 0)
                return;
        g_hash_table_add(cores, g_strdup_printf("%s:%s", package, core));
        g_hash_table_add(packages, g_steal_pointer(&package));
}

/* Divides evenly, or the host is shown as flat. */
static void set_shape(HostTopology *topology, unsigned packages, unsigned cores) {
        unsigned nodes = topology->nodes;

        if (packages == 0 || cores == 0 || packages % nodes || cores % packages ||
            topology->cpus % cores) {
                topology->nodes = topology->sockets = topology->threads = 1;
                topology->cores = topology->cpus;
                return;
        }
        topology->sockets = packages / nodes;
        topology->cores = cores / packages;
        topology->threads = topology->cpus / cores;
}

int host_topology_load(const Sys *sys, HostTopology *ret, Err *err) {
        g_autoptr(GHashTable) packages =
                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GHashTable) cores = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        HostTopology topology = {.mhz = read_mhz(sys), .nodes = count_nodes(sys)};
        g_autoptr(GByteArray) online = NULL;
        int r;

        r = host_cpu_map(sys, "online", &online, err);
        if (r < 0)
                return r;
        g_assert(online);
        for (unsigned cpu = 0; cpu < online->len * 8; cpu++) {
                if (!has_cpu(online, cpu))
                        continue;
                topology.cpus++;
                read_place(sys, cpu, packages, cores);
        }
        set_shape(&topology, g_hash_table_size(packages), g_hash_table_size(cores));
        *ret = topology;
        return 0;
}

/* The word behind "NAME:" on some line of text. */
static int find_value(const char *text, const char *what, uint64_t *ret) {
        g_autofree char *label = g_strconcat(what, ":", NULL);
        const char *at = strstr(text, label);
        g_autofree char *number = NULL;

        if (!at)
                return -ENOENT;
        at += strlen(label);
        at += strspn(at, " ");
        number = g_strndup(at, strcspn(at, " \n"));
        return str_to_uint(number, 10, UINT64_MAX / 1024, ret);
}

int host_memory(const Sys *sys, int node, const char *what, uint64_t *ret, Err *err) {
        g_autofree char *path = node < 0 ? g_strdup("proc/meminfo")
                                         : g_strdup_printf(NODE_DIR "/node%d/meminfo", node);
        g_autofree char *text = NULL;
        int r;

        r = sys_read(sys, path, &text, NULL);
        if (r >= 0)
                r = find_value(text, what, ret);
        if (r < 0)
                return fail_errno(err, r, "cannot read %s in /%s", what, path);
        return 0;
}

int host_cpu_time(const Sys *sys, int cpu, HostCpuTime *ret, Err *err) {
        g_autofree char *label = cpu < 0 ? g_strdup("cpu ") : g_strdup_printf("cpu%d ", cpu);
        const uint64_t tick = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
        g_autofree char *text = NULL;
        uint64_t times[7] = {};
        const char *at;
        char *end;
        int r;

        r = sys_read(sys, "proc/stat", &text, NULL);
        if (r < 0)
                return fail_errno(err, r, "cannot read /proc/stat");
        /* The lines of the processors come first. */
        at = strstr(text, label);
        if (!at)
                return fail(err, VIR_ERR_INVALID_ARG, "there is no processor %d", cpu);
        end = (char *)(uintptr_t)at + strlen(label);
        for (size_t i = 0; i < G_N_ELEMENTS(times); i++)
                times[i] = g_ascii_strtoull(end, &end, 10) * tick;
        /* user nice system idle iowait irq softirq: proc(5) */
        *ret = (HostCpuTime){
                .user = times[0] + times[1],
                .kernel = times[2] + times[5] + times[6],
                .idle = times[3],
                .iowait = times[4],
        };
        return 0;
}

/* ---- pages ---- */

#define PAGE_KIB_MAX (UINT64_C(1) << 30)

GArray *host_page_sizes(const Sys *sys) {
        GArray *sizes = g_array_new(FALSE, FALSE, sizeof(unsigned));
        unsigned size = (unsigned)sysconf(_SC_PAGESIZE) / 1024;
        g_auto(GStrv) names = NULL;

        g_array_append_val(sizes, size);
        if (sys_list(sys, HUGE_DIR, &names) < 0)
                return sizes;
        STRV_FOREACH(name, names) {
                g_autofree char *text = g_strdup(name);
                uint64_t number;

                if (!g_str_has_prefix(text, "hugepages-") || !g_str_has_suffix(text, "kB"))
                        continue;
                text[strlen(text) - 2] = '\0';
                if (str_to_uint(text + strlen("hugepages-"), 10, PAGE_KIB_MAX, &number) < 0)
                        continue;
                size = (unsigned)number;
                g_array_append_val(sizes, size);
        }
        g_array_sort(sizes, compare_numbers);
        return sizes;
}

static char *pages_path(int node, unsigned size, const char *file) {
        if (node < 0)
                return g_strdup_printf(HUGE_DIR "/hugepages-%ukB/%s", size, file);
        return g_strdup_printf(NODE_DIR "/node%d/hugepages/hugepages-%ukB/%s", node, size, file);
}

static int fail_size(int node, unsigned size, Err *err) {
        fail(err, VIR_ERR_OPERATION_FAILED, "pages of %u KiB are not available on node %d", size,
             node);
        return -ENOENT;
}

int host_pages(const Sys *sys, int node, unsigned size, HostPages which, uint64_t *ret, Err *err) {
        unsigned own = (unsigned)sysconf(_SC_PAGESIZE) / 1024;
        g_autofree char *path =
                pages_path(node, size, which == HOST_PAGES_ALL ? "nr_hugepages" : "free_hugepages");
        int r;

        if (size != own) {
                r = sys_read_uint(sys, path, 10, UINT64_MAX, ret);
                return r < 0 ? fail_size(node, size, err) : 0;
        }
        r = host_memory(sys, node, which == HOST_PAGES_ALL ? "MemTotal" : "MemFree", ret, err);
        if (r < 0)
                return r;
        *ret /= own;
        return 0;
}

int host_pages_path(const Sys *sys, int node, unsigned size, char **ret, Err *err) {
        g_autofree char *path = pages_path(node, size, "nr_hugepages");

        if (size == (unsigned)sysconf(_SC_PAGESIZE) / 1024)
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                            "the number of pages of %u KiB cannot be changed: only huge pages are "
                            "set aside",
                            size);
        if (!sys_exists(sys, path))
                return fail_size(node, size, err);
        *ret = g_steal_pointer(&path);
        return 0;
}
