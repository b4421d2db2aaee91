/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/utsname.h>

#include "base/util.h"
#include "daemon/dispatch.h"
#include "daemon/host.h"
#include "daemon/manager.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"

/* The host's processors, memory and tables. */

static int node_get_info(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        remote_node_get_info_ret *answer = ret;
        HostTopology topology;
        struct utsname name;
        uint64_t memory;
        int r;

        if (uname(&name) < 0)
                return fail_errno(err, neg_errno(), "cannot read the architecture of the host");
        r = host_topology_load(manager->sys, &topology, err);
        if (r < 0)
                return r;
        r = host_memory(manager->sys, -1, "MemTotal", &memory, err);
        if (r < 0)
                return r;
        g_strlcpy(answer->model, name.machine, sizeof(answer->model));
        answer->memory = memory;
        answer->cpus = (int)topology.cpus;
        answer->mhz = (int)topology.mhz;
        answer->nodes = (int)topology.nodes;
        answer->sockets = (int)topology.sockets;
        answer->cores = (int)topology.cores;
        answer->threads = (int)topology.threads;
        return 0;
}

static int get_free_memory(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        remote_node_get_free_memory_ret *answer = ret;
        uint64_t kib;
        int r;

        r = host_memory(manager->sys, -1, "MemFree", &kib, err);
        if (r < 0)
                return r;
        answer->freeMem = kib * 1024;
        return 0;
}

static int get_cells_free_memory(Manager *manager, Call *call, const void *args, void *ret,
                                 Err *err) {
        const remote_node_get_cells_free_memory_args *a = args;
        remote_node_get_cells_free_memory_ret *answer = ret;
        g_autofree uint64_t *cells = NULL;
        HostTopology topology;
        unsigned first, n;
        int r;

        r = host_topology_load(manager->sys, &topology, err);
        if (r < 0)
                return r;
        if (a->startCell < 0 || a->startCell >= (int)topology.nodes || a->maxcells <= 0)
                return fail(err, VIR_ERR_INVALID_ARG, "start cell %d out of range (0-%u)",
                            a->startCell, topology.nodes - 1);
        first = (unsigned)a->startCell;
        n = MIN((unsigned)a->maxcells, topology.nodes - first);
        cells = g_new0(uint64_t, n);
        for (unsigned i = 0; i < n; i++) {
                r = host_memory(manager->sys, (int)(first + i), "MemFree", &cells[i], err);
                if (r < 0)
                        return r;
                cells[i] *= 1024;
        }
        answer->cells.cells_len = n;
        answer->cells.cells_val = (void *)g_steal_pointer(&cells);
        return 0;
}

/* Statistics are asked for twice: for their number (0 given), then for themselves. */
static int check_n_params(int given, int have, Err *err) {
        if (given == 0 || given == have)
                return 0;
        return fail(err, VIR_ERR_INVALID_ARG, "nparams must be 0 or %d, not %d", have, given);
}

static int get_cpu_stats(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_get_cpu_stats_args *a = args;
        remote_node_get_cpu_stats_ret *answer = ret;
        remote_node_get_cpu_stats *list;
        HostCpuTime time;
        int r;

        r = flags_check(a->flags, 0, "virNodeGetCPUStats", err);
        if (r >= 0)
                r = check_n_params(a->nparams, 4, err);
        if (r >= 0 && a->cpuNum < -1)
                r = fail(err, VIR_ERR_INVALID_ARG, "there is no processor %d", a->cpuNum);
        if (r >= 0)
                r = host_cpu_time(manager->sys, a->cpuNum, &time, err);
        if (r < 0)
                return r;
        answer->nparams = 4;
        if (a->nparams == 0)
                return 0;
        list = g_new0(remote_node_get_cpu_stats, 4);
        list[0] = (remote_node_get_cpu_stats){g_strdup("kernel"), time.kernel};
        list[1] = (remote_node_get_cpu_stats){g_strdup("user"), time.user};
        list[2] = (remote_node_get_cpu_stats){g_strdup("idle"), time.idle};
        list[3] = (remote_node_get_cpu_stats){g_strdup("iowait"), time.iowait};
        answer->params.params_len = 4;
        answer->params.params_val = list;
        return 0;
}

/* Names on the wire and in meminfo; a single cell has the first two. */
static const struct MemoryStat {
        const char *field, *line;
} memory_stats[] = {
        {"total", "MemTotal"},
        {"free", "MemFree"},
        {"buffers", "Buffers"},
        {"cached", "Cached"},
};
#define CELL_MEMORY_STATS 2

static int check_cell(const Sys *sys, int cell, Err *err) {
        HostTopology topology;
        int r;

        r = host_topology_load(sys, &topology, err);
        if (r >= 0 && cell >= (int)topology.nodes)
                r = fail(err, VIR_ERR_INVALID_ARG, "there is no cell %d", cell);
        return r;
}

static int get_memory_stats(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_get_memory_stats_args *a = args;
        remote_node_get_memory_stats_ret *answer = ret;
        int n = a->cellNum < 0 ? (int)G_N_ELEMENTS(memory_stats) : CELL_MEMORY_STATS;
        int r;

        r = flags_check(a->flags, 0, "virNodeGetMemoryStats", err);
        if (r >= 0)
                r = check_n_params(a->nparams, n, err);
        if (r >= 0)
                r = check_cell(manager->sys, a->cellNum, err);
        if (r < 0)
                return r;
        answer->nparams = n;
        if (a->nparams == 0)
                return 0;
        answer->params.params_val = g_new0(remote_node_get_memory_stats, n);
        for (int i = 0; i < n; i++) {
                remote_node_get_memory_stats *stat = &answer->params.params_val[i];
                uint64_t kib;

                r = host_memory(manager->sys, a->cellNum, memory_stats[i].line, &kib, err);
                if (r < 0)
                        return r;
                answer->params.params_len++;
                stat->field = g_strdup(memory_stats[i].field);
                stat->value = kib;
        }
        return 0;
}

static unsigned count_bits(const GByteArray *map) {
        unsigned n = 0;

        for (guint i = 0; i < map->len; i++)
                n += (unsigned)__builtin_popcount(map->data[i]);
        return n;
}

/* The last processor's number and one. */
static int map_length(const GByteArray *map) {
        int last = (int)map->len * 8;

        while (last > 0 && !(map->data[(last - 1) / 8] & (1u << ((last - 1) % 8))))
                last--;
        return last;
}

static int get_cpu_map(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_get_cpu_map_args *a = args;
        remote_node_get_cpu_map_ret *answer = ret;
        g_autoptr(GByteArray) present = NULL;
        g_autoptr(GByteArray) online = NULL;
        int r;

        r = flags_check(a->flags, 0, "virNodeGetCPUMap", err);
        if (r >= 0)
                r = host_cpu_map(manager->sys, "present", &present, err);
        if (r >= 0)
                r = host_cpu_map(manager->sys, "online", &online, err);
        if (r < 0)
                return r;
        answer->ret = map_length(present);
        if (a->need_online)
                answer->online = count_bits(online);
        if (!a->need_map)
                return 0;
        answer->cpumap.cpumap_len = present->len;
        answer->cpumap.cpumap_val = g_malloc0(present->len);
        memcpy(answer->cpumap.cpumap_val, online->data, MIN(online->len, present->len));
        return 0;
}

/* One block of the host's SMBIOS tables, as the kernel shows it. */
static const struct SysinfoEntry {
        const char *block, *name, *file;
} sysinfo_entries[] = {
        {"bios", "vendor", "bios_vendor"},
        {"bios", "version", "bios_version"},
        {"bios", "date", "bios_date"},
        {"bios", "release", "bios_release"},
        {"system", "manufacturer", "sys_vendor"},
        {"system", "product", "product_name"},
        {"system", "version", "product_version"},
        {"system", "serial", "product_serial"},
        {"system", "uuid", "product_uuid"},
        {"system", "sku", "product_sku"},
        {"system", "family", "product_family"},
        {"baseBoard", "manufacturer", "board_vendor"},
        {"baseBoard", "product", "board_name"},
        {"baseBoard", "version", "board_version"},
        {"baseBoard", "serial", "board_serial"},
        {"baseBoard", "asset", "board_asset_tag"},
};

static void append_entry(GString *out, const Sys *sys, const struct SysinfoEntry *entry) {
        g_autofree char *path = g_strdup_printf("sys/class/dmi/id/%s", entry->file);
        g_autofree char *escaped = NULL;
        g_autofree char *text = NULL;

        if (sys_read_text(sys, path, &text) < 0 || !*text || !g_utf8_validate(text, -1, NULL))
                return;
        escaped = g_markup_escape_text(text, -1);
        g_string_append_printf(out, "    <entry name='%s'>%s</entry>\n", entry->name, escaped);
}

static int get_sysinfo(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_connect_get_sysinfo_args *a = args;
        remote_connect_get_sysinfo_ret *answer = ret;
        g_autoptr(GString) out = g_string_new("<sysinfo type='smbios'>\n");
        const char *block = NULL;
        int r;

        r = flags_check(a->flags, 0, "virConnectGetSysinfo", err);
        if (r < 0)
                return r;
        if (!sys_exists(manager->sys, "sys/class/dmi/id"))
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                            "Host SMBIOS information is not available");
        for (size_t i = 0; i < G_N_ELEMENTS(sysinfo_entries); i++) {
                if (!block || !g_str_equal(block, sysinfo_entries[i].block)) {
                        if (block)
                                g_string_append_printf(out, "  </%s>\n", block);
                        block = sysinfo_entries[i].block;
                        g_string_append_printf(out, "  <%s>\n", block);
                }
                append_entry(out, manager->sys, &sysinfo_entries[i]);
        }
        g_string_append_printf(out, "  </%s>\n</sysinfo>\n", block);
        answer->sysinfo = g_string_free(g_steal_pointer(&out), FALSE);
        return 0;
}

static void set_text(char **ret, u_int *ret_n, const char *text) {
        *ret = g_strdup(text);
        *ret_n = (u_int)strlen(text) + 1; /* the NUL counts on the wire */
}

/* Guests are confined by QEMU's own sandbox, which is no model of labels. */
static int get_security_model(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        remote_node_get_security_model_ret *answer = ret;

        set_text(&answer->model.model_val, &answer->model.model_len, "none");
        set_text(&answer->doi.doi_val, &answer->doi.doi_len, "0");
        return 0;
}

static const Procedure procedures[] = {
        {.number = REMOTE_PROC_NODE_GET_INFO,
         .name = "virNodeGetInfo",
         PROC_RET(remote_node_get_info_ret),
         .read_only = true,
         .run = node_get_info},
        {.number = REMOTE_PROC_NODE_GET_FREE_MEMORY,
         .name = "virNodeGetFreeMemory",
         PROC_RET(remote_node_get_free_memory_ret),
         .read_only = true,
         .run = get_free_memory},
        {.number = REMOTE_PROC_NODE_GET_CELLS_FREE_MEMORY,
         .name = "virNodeGetCellsFreeMemory",
         PROC_ARGS(remote_node_get_cells_free_memory_args),
         PROC_RET(remote_node_get_cells_free_memory_ret),
         .read_only = true,
         .run = get_cells_free_memory},
        {.number = REMOTE_PROC_NODE_GET_CPU_STATS,
         .name = "virNodeGetCPUStats",
         PROC_ARGS(remote_node_get_cpu_stats_args),
         PROC_RET(remote_node_get_cpu_stats_ret),
         .read_only = true,
         .run = get_cpu_stats},
        {.number = REMOTE_PROC_NODE_GET_MEMORY_STATS,
         .name = "virNodeGetMemoryStats",
         PROC_ARGS(remote_node_get_memory_stats_args),
         PROC_RET(remote_node_get_memory_stats_ret),
         .read_only = true,
         .run = get_memory_stats},
        {.number = REMOTE_PROC_NODE_GET_CPU_MAP,
         .name = "virNodeGetCPUMap",
         PROC_ARGS(remote_node_get_cpu_map_args),
         PROC_RET(remote_node_get_cpu_map_ret),
         .read_only = true,
         .run = get_cpu_map},
        {.number = REMOTE_PROC_CONNECT_GET_SYSINFO,
         .name = "virConnectGetSysinfo",
         PROC_ARGS(remote_connect_get_sysinfo_args),
         PROC_RET(remote_connect_get_sysinfo_ret),
         .read_only = true,
         .run = get_sysinfo},
        {.number = REMOTE_PROC_NODE_GET_SECURITY_MODEL,
         .name = "virNodeGetSecurityModel",
         PROC_RET(remote_node_get_security_model_ret),
         .read_only = true,
         .run = get_security_model},
};

const ProcedureTable rpc_host_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
