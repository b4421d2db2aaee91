/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/host-stats.h"

#include "client/conn.h"
#include "rpc/remote_connect.h"

/* The daemon is asked for their number first, as the protocol has it. */
static void add(GArray *stats, const char *name, uint64_t value) {
        HostStat stat = {.value = value};

        g_strlcpy(stat.name, name, sizeof(stat.name));
        g_array_append_val(stats, stat);
}

static int call_cpu_stats(Conn *conn, remote_node_get_cpu_stats_args *args,
                          remote_node_get_cpu_stats_ret *ret, Err *err) {
        return conn_call(conn,
                         &CONN_REMOTE(NODE_GET_CPU_STATS,
                                      CONN_ARGS(remote_node_get_cpu_stats_args, args),
                                      CONN_RET(remote_node_get_cpu_stats_ret, ret)),
                         err);
}

int host_cpu_stats(Conn *conn, int cpu, GArray **ret, Err *err) {
        remote_node_get_cpu_stats_args args = {.cpuNum = cpu};
        remote_node_get_cpu_stats_ret answer;
        GArray *stats;
        int r = call_cpu_stats(conn, &args, &answer, err);

        if (r < 0)
                return r;
        args.nparams = answer.nparams;
        r = call_cpu_stats(conn, &args, &answer, err);
        if (r < 0)
                return r;
        stats = g_array_new(FALSE, FALSE, sizeof(HostStat));
        for (u_int i = 0; i < answer.params.params_len; i++)
                add(stats, answer.params.params_val[i].field, answer.params.params_val[i].value);
        xdr_free((xdrproc_t)xdr_remote_node_get_cpu_stats_ret, &answer);
        *ret = stats;
        return 0;
}

static int call_memory_stats(Conn *conn, remote_node_get_memory_stats_args *args,
                             remote_node_get_memory_stats_ret *ret, Err *err) {
        return conn_call(conn,
                         &CONN_REMOTE(NODE_GET_MEMORY_STATS,
                                      CONN_ARGS(remote_node_get_memory_stats_args, args),
                                      CONN_RET(remote_node_get_memory_stats_ret, ret)),
                         err);
}

int host_memory_stats(Conn *conn, int cell, GArray **ret, Err *err) {
        remote_node_get_memory_stats_args args = {.cellNum = cell};
        remote_node_get_memory_stats_ret answer;
        GArray *stats;
        int r = call_memory_stats(conn, &args, &answer, err);

        if (r < 0)
                return r;
        args.nparams = answer.nparams;
        r = call_memory_stats(conn, &args, &answer, err);
        if (r < 0)
                return r;
        stats = g_array_new(FALSE, FALSE, sizeof(HostStat));
        for (u_int i = 0; i < answer.params.params_len; i++)
                add(stats, answer.params.params_val[i].field, answer.params.params_val[i].value);
        xdr_free((xdrproc_t)xdr_remote_node_get_memory_stats_ret, &answer);
        *ret = stats;
        return 0;
}

int host_cpu_map(Conn *conn, unsigned *ret_present, unsigned *ret_online, GByteArray **ret,
                 Err *err) {
        remote_node_get_cpu_map_args args = {.need_map = 1, .need_online = 1};
        remote_node_get_cpu_map_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(NODE_GET_CPU_MAP, CONN_ARGS(remote_node_get_cpu_map_args, &args),
                                   CONN_RET(remote_node_get_cpu_map_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret_present = (unsigned)answer.ret;
        *ret_online = answer.online;
        *ret = g_byte_array_new();
        g_byte_array_append(*ret, (const guint8 *)answer.cpumap.cpumap_val,
                            answer.cpumap.cpumap_len);
        xdr_free((xdrproc_t)xdr_remote_node_get_cpu_map_ret, &answer);
        return 0;
}

int host_free_memory(Conn *conn, uint64_t *ret, Err *err) {
        remote_node_get_free_memory_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(NODE_GET_FREE_MEMORY,
                                   CONN_RET(remote_node_get_free_memory_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = answer.freeMem;
        return 0;
}

int host_cells_free_memory(Conn *conn, unsigned n, GArray **ret, Err *err) {
        remote_node_get_cells_free_memory_args args = {.maxcells = (int)n};
        remote_node_get_cells_free_memory_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(NODE_GET_CELLS_FREE_MEMORY,
                                   CONN_ARGS(remote_node_get_cells_free_memory_args, &args),
                                   CONN_RET(remote_node_get_cells_free_memory_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        for (u_int i = 0; i < answer.cells.cells_len; i++) {
                uint64_t bytes = answer.cells.cells_val[i];

                g_array_append_val(*ret, bytes);
        }
        xdr_free((xdrproc_t)xdr_remote_node_get_cells_free_memory_ret, &answer);
        return 0;
}

int host_free_pages(Conn *conn, int cell, unsigned size, uint64_t *ret, Err *err) {
        remote_node_get_free_pages_args args = {
                .pages = {1, &size},
                .startCell = cell,
                .cellCount = 1,
        };
        remote_node_get_free_pages_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(NODE_GET_FREE_PAGES,
                                   CONN_ARGS(remote_node_get_free_pages_args, &args),
                                   CONN_RET(remote_node_get_free_pages_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = answer.counts.counts_len > 0 ? answer.counts.counts_val[0] : 0;
        xdr_free((xdrproc_t)xdr_remote_node_get_free_pages_ret, &answer);
        return 0;
}

int host_alloc_pages(Conn *conn, const HostPages *pages, Err *err) {
        u_int size = pages->size;
        u_quad_t count = pages->count;
        remote_node_alloc_pages_args args = {
                .pageSizes = {1, &size},
                .pageCounts = {1, &count},
                .startCell = pages->cell,
                .cellCount = pages->cells,
                .flags = pages->is_more ? 0 : 1,
        };
        remote_node_alloc_pages_ret answer;

        return conn_call(conn,
                         &CONN_REMOTE(NODE_ALLOC_PAGES,
                                      CONN_ARGS(remote_node_alloc_pages_args, &args),
                                      CONN_RET(remote_node_alloc_pages_ret, &answer)),
                         err);
}

int host_sysinfo(Conn *conn, char **ret, Err *err) {
        remote_connect_get_sysinfo_args args = {};

        return conn_call_text(
                conn,
                CONN_REMOTE(CONNECT_GET_SYSINFO, CONN_ARGS(remote_connect_get_sysinfo_args, &args)),
                ret, err);
}

int host_max_vcpus(Conn *conn, const char *type, int *ret, Err *err) {
        remote_string word = (char *)(uintptr_t)type;
        remote_connect_get_max_vcpus_args args = {.type = word ? &word : NULL};
        remote_connect_get_max_vcpus_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(CONNECT_GET_MAX_VCPUS,
                                   CONN_ARGS(remote_connect_get_max_vcpus_args, &args),
                                   CONN_RET(remote_connect_get_max_vcpus_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = answer.max_vcpus;
        return 0;
}
