/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/guest-stats.h"

#include "client/conn.h"
#include "client/guest-call.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_domain_tune.h"

#define BLOCK_STATS_MAX  16
#define MEMORY_STATS_MAX 14
#define DISK_ERRORS_MAX  256
#define CPU_STATS_MAX    16

#define STRINGS_OKAY 4u

int guest_block(Conn *conn, const Guest *guest, const char *disk, GuestBlock *ret, Err *err) {
        remote_domain_get_block_info_args args = {guest_handle(guest), wire_text(disk), 0};
        remote_domain_get_block_info_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_BLOCK_INFO,
                                   CONN_ARGS(remote_domain_get_block_info_args, &args),
                                   CONN_RET(remote_domain_get_block_info_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = (GuestBlock){answer.capacity, answer.allocation, answer.physical};
        return 0;
}

int guest_block_stats(Conn *conn, const Guest *guest, const char *disk, GPtrArray **ret, Err *err) {
        remote_domain_block_stats_flags_args args = {
                .dom = guest_handle(guest),
                .path = wire_text(disk),
                .nparams = BLOCK_STATS_MAX,
                .flags = STRINGS_OKAY,
        };
        remote_domain_block_stats_flags_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_BLOCK_STATS_FLAGS,
                                   CONN_ARGS(remote_domain_block_stats_flags_args, &args),
                                   CONN_RET(remote_domain_block_stats_flags_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = params_new();
        params_add_wire(*ret, answer.params.params_val, answer.params.params_len);
        xdr_free((xdrproc_t)xdr_remote_domain_block_stats_flags_ret, &answer);
        return 0;
}

int guest_interface_stats(Conn *conn, const Guest *guest, const char *device, GPtrArray **ret,
                          Err *err) {
        remote_domain_interface_stats_args args = {guest_handle(guest), wire_text(device)};
        remote_domain_interface_stats_ret stats;
        const struct {
                const char *field;
                const quad_t *value;
        } fields[] = {
                {"rx_bytes", &stats.rx_bytes}, {"rx_packets", &stats.rx_packets},
                {"rx_errs", &stats.rx_errs},   {"rx_drop", &stats.rx_drop},
                {"tx_bytes", &stats.tx_bytes}, {"tx_packets", &stats.tx_packets},
                {"tx_errs", &stats.tx_errs},   {"tx_drop", &stats.tx_drop},
        };
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_INTERFACE_STATS,
                                   CONN_ARGS(remote_domain_interface_stats_args, &args),
                                   CONN_RET(remote_domain_interface_stats_ret, &stats)),
                      err);
        if (r < 0)
                return r;
        *ret = params_new();
        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
                if (*fields[i].value >= 0)
                        params_add_number(*ret, fields[i].field, (uint64_t)*fields[i].value);
        return 0;
}

int guest_memory_stats(Conn *conn, const Guest *guest, GPtrArray **ret, Err *err) {
        static const char *const names[MEMORY_STATS_MAX] = {
                "swap_in",        "swap_out",    "major_fault", "minor_fault",
                "unused",         "available",   "actual",      "rss",
                "usable",         "last_update", "disk_caches", "hugetlb_pgalloc",
                "hugetlb_pgfail",
        };
        remote_domain_memory_stats_args args = {guest_handle(guest), MEMORY_STATS_MAX, 0};
        remote_domain_memory_stats_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_MEMORY_STATS,
                                   CONN_ARGS(remote_domain_memory_stats_args, &args),
                                   CONN_RET(remote_domain_memory_stats_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = params_new();
        for (unsigned i = 0; i < answer.stats.stats_len; i++) {
                const remote_domain_memory_stat *stat = &answer.stats.stats_val[i];

                if (stat->tag >= 0 && stat->tag < MEMORY_STATS_MAX && names[stat->tag])
                        params_add_number(*ret, names[stat->tag], stat->val);
        }
        xdr_free((xdrproc_t)xdr_remote_domain_memory_stats_ret, &answer);
        return 0;
}

int guest_set_memory_stats_period(Conn *conn, const Guest *guest, int seconds, unsigned flags,
                                  Err *err) {
        remote_domain_set_memory_stats_period_args args = {guest_handle(guest), seconds, flags};

        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_SET_MEMORY_STATS_PERIOD,
                                      CONN_ARGS(remote_domain_set_memory_stats_period_args, &args)),
                         err);
}

int guest_disk_errors(Conn *conn, const Guest *guest, GPtrArray **ret, Err *err) {
        remote_domain_get_disk_errors_args args = {guest_handle(guest), DISK_ERRORS_MAX, 0};
        remote_domain_get_disk_errors_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_DISK_ERRORS,
                                   CONN_ARGS(remote_domain_get_disk_errors_args, &args),
                                   CONN_RET(remote_domain_get_disk_errors_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = params_new();
        for (unsigned i = 0; i < answer.errors.errors_len; i++)
                params_add_number(*ret, answer.errors.errors_val[i].disk,
                                  (uint64_t)answer.errors.errors_val[i].error);
        xdr_free((xdrproc_t)xdr_remote_domain_get_disk_errors_ret, &answer);
        return 0;
}

int guest_cpu_stats(Conn *conn, const Guest *guest, int cpu, GPtrArray **ret, Err *err) {
        remote_domain_get_cpu_stats_args args = {
                .dom = guest_handle(guest),
                .nparams = CPU_STATS_MAX,
                .start_cpu = cpu,
                .ncpus = 1,
                .flags = STRINGS_OKAY,
        };
        remote_domain_get_cpu_stats_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_CPU_STATS,
                                   CONN_ARGS(remote_domain_get_cpu_stats_args, &args),
                                   CONN_RET(remote_domain_get_cpu_stats_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = params_new();
        params_add_wire(*ret, answer.params.params_val, answer.params.params_len);
        xdr_free((xdrproc_t)xdr_remote_domain_get_cpu_stats_ret, &answer);
        return 0;
}

static void stats_free(void *data) {
        GuestStats *stats = data;

        guest_free(stats->guest);
        g_ptr_array_unref(stats->params);
        g_free(stats);
}

static GuestStats *stats_new(const remote_domain_stats_record *record) {
        GuestStats *stats = g_new0(GuestStats, 1);

        stats->guest = guest_new(&record->dom);
        stats->params = params_new();
        params_add_wire(stats->params, record->params.params_val, record->params.params_len);
        return stats;
}

int guest_all_stats(Conn *conn, const GuestStatsQuery *query, GPtrArray **ret, Err *err) {
        g_autofree remote_domain *doms = g_new0(remote_domain, query->guests->len + 1);
        remote_connect_get_all_domain_stats_args args = {
                .doms = {query->guests->len, doms},
                .stats = query->groups,
                .flags = query->flags,
        };
        remote_connect_get_all_domain_stats_ret answer;
        int r;

        for (unsigned i = 0; i < query->guests->len; i++)
                doms[i] = guest_handle(query->guests->pdata[i]);
        r = conn_call(conn,
                      &CONN_REMOTE(CONNECT_GET_ALL_DOMAIN_STATS,
                                   CONN_ARGS(remote_connect_get_all_domain_stats_args, &args),
                                   CONN_RET(remote_connect_get_all_domain_stats_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = g_ptr_array_new_with_free_func(stats_free);
        for (unsigned i = 0; i < answer.retStats.retStats_len; i++)
                g_ptr_array_add(*ret, stats_new(&answer.retStats.retStats_val[i]));
        xdr_free((xdrproc_t)xdr_remote_connect_get_all_domain_stats_ret, &answer);
        return 0;
}

int guest_control(Conn *conn, const Guest *guest, GuestControl *ret, Err *err) {
        GuestFlagsArgs args = {.dom = guest_handle(guest)};
        remote_domain_get_control_info_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_CONTROL_INFO, CONN_ARGS(GuestFlagsArgs, &args),
                                   CONN_RET(remote_domain_get_control_info_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = (GuestControl){answer.state, answer.details, answer.stateTime};
        return 0;
}

int guest_job_stats(Conn *conn, const Guest *guest, unsigned flags, int *ret_type, GPtrArray **ret,
                    Err *err) {
        GuestFlagsArgs args = {.dom = guest_handle(guest), .flags = flags};
        remote_domain_get_job_stats_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_JOB_STATS, CONN_ARGS(GuestFlagsArgs, &args),
                                   CONN_RET(remote_domain_get_job_stats_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret_type = answer.type;
        *ret = params_new();
        params_add_wire(*ret, answer.params.params_val, answer.params.params_len);
        xdr_free((xdrproc_t)xdr_remote_domain_get_job_stats_ret, &answer);
        return 0;
}

static void address_free(void *data) {
        GuestAddress *address = data;

        g_free(address->interface);
        g_free(address->mac);
        g_free(address->text);
        g_free(address);
}

static GuestAddress *address_add(GPtrArray *addresses, const remote_domain_interface *interface) {
        GuestAddress *address = g_new0(GuestAddress, 1);

        address->interface = g_strdup(interface->name);
        address->mac = interface->hwaddr ? g_strdup(*interface->hwaddr) : NULL;
        g_ptr_array_add(addresses, address);
        return address;
}

static void add_interface(GPtrArray *addresses, const remote_domain_interface *interface) {
        if (interface->addrs.addrs_len == 0)
                address_add(addresses, interface);
        for (unsigned i = 0; i < interface->addrs.addrs_len; i++) {
                const remote_domain_ip_addr *ip = &interface->addrs.addrs_val[i];
                GuestAddress *address = address_add(addresses, interface);

                address->text = g_strdup(ip->addr);
                address->is_next = i > 0;
                address->is_ipv6 = ip->type == 1;
                address->prefix = ip->prefix;
        }
}

int guest_addresses(Conn *conn, const Guest *guest, unsigned source, GPtrArray **ret, Err *err) {
        remote_domain_interface_addresses_args args = {guest_handle(guest), source, 0};
        remote_domain_interface_addresses_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_INTERFACE_ADDRESSES,
                                   CONN_ARGS(remote_domain_interface_addresses_args, &args),
                                   CONN_RET(remote_domain_interface_addresses_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = g_ptr_array_new_with_free_func(address_free);
        for (unsigned i = 0; i < answer.ifaces.ifaces_len; i++)
                add_interface(*ret, &answer.ifaces.ifaces_val[i]);
        xdr_free((xdrproc_t)xdr_remote_domain_interface_addresses_ret, &answer);
        return 0;
}
