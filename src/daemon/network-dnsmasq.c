/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/network-host.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/errand.h"
#include "daemon/object-store.h"
#include "network/services.h"
#include "qemu/process.h"

#define PID_FILE_MAX 64
#define TEXT_MAX     (16u << 20)
#define INSTALL_HINT "install it: apt install dnsmasq-base"

/* A dnsmasq that ends by itself is started again so often in that time. */
#define RESTARTS_MAX  5
#define RESTARTS_TIME ((gint64)60 * G_USEC_PER_SEC)

struct NetworkWatch {
        Process *process; /* NULL: it is being started, or was given up */
        unsigned restarts;
        gint64 since;       /* of the first of them */
        bool is_told;       /* to end, because its options have changed */
        bool is_starting;   /* an errand is under way */
        GPtrArray *waiting; /* Call: those who changed the options */
};

/* ---- files ---- */

static char *format_config(const Network *network) {
        g_autofree char *pid = network_run_path(network, "pid");
        g_autofree char *hosts = network_run_path(network, "hosts");
        g_autofree char *names = network_run_path(network, "addnhosts");
        g_autofree char *leases = network_lease_path(network);
        const ServicePaths paths = {pid, leases, hosts, names};

        return services_dnsmasq_config(network->live, &paths);
}

/* dnsmasq, which answers whatever guests send, is not root once it runs: it must be able to read
 * its files all the same. */
static int write_text(const Network *network, const char *ending, char *text, Err *err) {
        g_autofree char *owned = text;
        g_autofree char *path = network_run_path(network, ending);
        g_autofree char *dir = g_path_get_dirname(path);
        int r = file_mkdir_p(dir, 0755, err);

        return r < 0 ? r : file_replace_atomic(path, owned, strlen(owned), 0644, err);
}

static int write_files(const Network *network, Err *err) {
        g_autofree char *leases = network_lease_path(network);
        g_autofree char *dir = g_path_get_dirname(leases);
        int r = file_mkdir_p(dir, 0755, err);

        if (r == 0)
                r = write_text(network, "conf", format_config(network), err);
        if (r == 0)
                r = write_text(network, "hosts", services_dnsmasq_hosts(network->live), err);
        if (r == 0)
                r = write_text(network, "addnhosts", services_dnsmasq_addn_hosts(network->live),
                               err);
        return r;
}

/* Whether a file of the network says that already. */
static bool is_written(const Network *network, const char *ending, const char *text) {
        g_autofree char *path = network_run_path(network, ending);
        g_autofree char *now = NULL;

        file_read(path, TEXT_MAX, &now, NULL, NULL);
        return g_strcmp0(now, text) == 0;
}

/* ---- the process ---- */

/* The process whose configuration file is this network's. */
static int find_dnsmasq(const Network *network, Process **ret) {
        g_autofree char *path = network_run_path(network, "pid");
        g_autofree char *config = network_run_path(network, "conf");
        g_autofree char *text = NULL, *cmdline_path = NULL, *cmdline = NULL;
        gsize size = 0;
        uint64_t pid;

        if (file_read(path, PID_FILE_MAX, &text, NULL, NULL) < 0 ||
            str_to_uint(g_strstrip(text), 10, INT32_MAX, &pid) < 0)
                return -ESRCH;
        cmdline_path = g_strdup_printf("/proc/%u/cmdline", (unsigned)pid);
        if (!g_file_get_contents(cmdline_path, &cmdline, &size, NULL) ||
            !memmem(cmdline, size, config, strlen(config)))
                return -ESRCH;
        return process_adopt((pid_t)pid, 0, ret);
}

void network_end_dnsmasq(const Network *network) {
        g_autoptr(Process) process = NULL;

        if (find_dnsmasq(network, &process) == 0)
                process_signal(process, SIGTERM);
}

static char *config_option(const Network *network) {
        g_autofree char *config = network_run_path(network, "conf");

        return g_strdup_printf("--conf-file=%s", config);
}

static void free_step(void *data) {
        network_unref(data);
}

static int run_dnsmasq(Step *step, Err *err) {
        const Network *network = step_data(step);
        g_autofree char *option = config_option(network);
        const char *const argv[] = {NETWORK_DNSMASQ, option, NULL};
        int r = write_files(network, err);

        return r < 0 ? r : network_run_program(step, argv, INSTALL_HINT, err);
}

static int undo_dnsmasq(Step *step, Err *err) {
        network_end_dnsmasq(step_data(step));
        return 0;
}

static char *describe_dnsmasq(const Step *step, bool undo) {
        return g_strdup_printf(undo ? "end dnsmasq of network %s" : "start dnsmasq of network %s",
                               network_name(step_data(step)));
}

const StepKind network_step_dnsmasq = {
        .name = "start-dnsmasq",
        .run = run_dnsmasq,
        .undo = undo_dnsmasq,
        .describe = describe_dnsmasq,
        .free = free_step,
};

/* ---- the watch ---- */

static void answer(NetworkWatch *watch, const Err *err) {
        g_autoptr(GPtrArray) waiting = g_steal_pointer(&watch->waiting);

        watch->waiting = g_ptr_array_new();
        for (guint i = 0; i < waiting->len; i++)
                call_finish(waiting->pdata[i], err);
}

static int start_again(Network *network, Err *err);
static void on_dnsmasq_end(int status, void *userdata);

/* Takes up the one that runs. */
static int attach(Network *network) {
        NetworkWatch *watch = network->watch;
        int r = find_dnsmasq(network, &watch->process);

        if (r == 0)
                r = process_watch(watch->process, network->manager->event, on_dnsmasq_end, network,
                                  NULL);
        if (r < 0)
                g_clear_pointer(&watch->process, process_free);
        return r;
}

static void on_started(int r, const char *output, size_t size, void *userdata) {
        g_autoptr(Network) network = userdata;
        NetworkWatch *watch = network->watch;
        g_auto(Err) err = ERR_INIT;

        if (!watch) { /* the network was stopped meanwhile */
                network_end_dnsmasq(network);
                return;
        }
        watch->is_starting = false;
        if (r == 0)
                r = attach(network);
        if (r < 0) {
                fail(&err, VIR_ERR_INTERNAL_ERROR,
                     "dnsmasq of network '%s' cannot be started: %.1000s", network_name(network),
                     output);
                log_err(&err, "no DHCP and DNS");
        }
        answer(watch, r < 0 ? &err : NULL);
}

static int start_again(Network *network, Err *err) {
        g_autofree char *option = config_option(network);
        const char *const argv[] = {NETWORK_DNSMASQ, option, NULL};
        int r = errand_run(network->manager->event,
                           &(ErrandSpec){.argv = (char *const *)(uintptr_t)argv,
                                         .done = on_started,
                                         .userdata = network},
                           NULL, err);

        if (r < 0)
                return r;
        network_ref(network);
        network->watch->is_starting = true;
        return 0;
}

/* Whether another attempt is worth while. */
static bool count_restart(NetworkWatch *watch) {
        gint64 now = g_get_monotonic_time();

        if (now - watch->since > RESTARTS_TIME) {
                watch->since = now;
                watch->restarts = 0;
        }
        return ++watch->restarts <= RESTARTS_MAX;
}

static void on_dnsmasq_end(int status, void *userdata) {
        Network *network = userdata;
        NetworkWatch *watch = network->watch;
        g_auto(Err) err = ERR_INIT;
        bool was_told = watch->is_told;

        g_clear_pointer(&watch->process, process_free);
        watch->is_told = false;
        if (!was_told)
                log_warning("dnsmasq of network '%s' has ended by itself", network_name(network));
        if (!was_told && !count_restart(watch)) {
                log_error("dnsmasq of network '%s' ends again and again: no DHCP and DNS until the "
                          "network is started anew",
                          network_name(network));
                return;
        }
        if (start_again(network, &err) < 0) {
                log_err(&err, "network '%s'", network_name(network));
                answer(watch, &err);
        }
}

static NetworkWatch *make_watch(Network *network) {
        if (!network->watch) {
                network->watch = g_new0(NetworkWatch, 1);
                network->watch->waiting = g_ptr_array_new();
        }
        return network->watch;
}

void network_watch_dnsmasq(Network *network) {
        g_auto(Err) err = ERR_INIT;

        if (!services_need_dnsmasq(network->live))
                return;
        make_watch(network);
        if (attach(network) == 0)
                return;
        log_warning("dnsmasq of network '%s' is not there, and is started again",
                    network_name(network));
        if (start_again(network, &err) < 0)
                log_err(&err, "network '%s'", network_name(network));
}

void network_unwatch_dnsmasq(Network *network) {
        NetworkWatch *watch = g_steal_pointer(&network->watch);
        g_auto(Err) err = ERR_INIT;

        if (!watch)
                return;
        fail(&err, VIR_ERR_OPERATION_ABORTED, "network '%s' was stopped", network_name(network));
        answer(watch, &err);
        g_ptr_array_unref(watch->waiting);
        process_free(watch->process);
        g_free(watch);
}

/* ---- changes ---- */

/* The call is answered when the new one runs. */
static int restart(Network *network, Call *call, Err *err) {
        NetworkWatch *watch = make_watch(network);
        int r = 0;

        if (watch->process && !watch->is_told) {
                watch->is_told = true;
                r = process_signal(watch->process, SIGTERM);
        } else if (!watch->process && !watch->is_starting) {
                r = start_again(network, err);
        }
        if (r < 0)
                return r;
        g_ptr_array_add(watch->waiting, call_ref(call));
        return CALL_LATER;
}

/* What stands in the files of hosts is read again on a signal; other options want a new process. */
static int follow_options(Network *network, Call *call, Err *err) {
        g_autofree char *config = NULL;
        bool is_same;
        int r;

        if (!services_need_dnsmasq(network->live))
                return 0;
        config = format_config(network);
        is_same = is_written(network, "conf", config);
        r = write_files(network, err);
        if (r < 0)
                return r;
        if (!is_same || !network->watch || !network->watch->process)
                return restart(network, call, err);
        return process_signal(network->watch->process, SIGHUP);
}

typedef struct Follow {
        Network *network;
        Call *call;
} Follow;

static void on_rules(int r, const char *output, size_t size, void *userdata) {
        g_autofree Follow *follow = userdata;
        g_autoptr(Network) network = follow->network;
        g_auto(Err) err = ERR_INIT;

        if (r < 0)
                r = fail(&err, VIR_ERR_INTERNAL_ERROR, "the rules of network '%s' fail: %.1000s",
                         network_name(network), output);
        else if (network->live)
                r = follow_options(network, follow->call, &err);
        if (r == CALL_LATER)
                call_unref(follow->call);
        else
                call_finish(follow->call, r < 0 ? &err : NULL);
}

static int set_rules(Network *network, Call *call, Err *err) {
        g_autofree char *path = network_run_path(network, "nft");
        const char *const argv[] = {NETWORK_NFT, "-f", path, NULL};
        Follow *follow = g_new0(Follow, 1);
        int r;

        *follow = (Follow){network_ref(network), call_ref(call)};
        r = errand_run(network->manager->event,
                       &(ErrandSpec){.argv = (char *const *)(uintptr_t)argv,
                                     .done = on_rules,
                                     .userdata = follow},
                       NULL, err);
        if (r == 0)
                return CALL_LATER;
        network_unref(network);
        call_unref(call);
        g_free(follow);
        return r;
}

int network_follow(Network *network, Call *call, Err *err) {
        g_autofree char *rules = services_rules(network->live);
        int r;

        if (!rules || is_written(network, "nft", rules))
                return follow_options(network, call, err);
        r = write_text(network, "nft", g_steal_pointer(&rules), err);
        return r < 0 ? r : set_rules(network, call, err);
}
