/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/network.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <arpa/inet.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/errand.h"
#include "daemon/event.h"
#include "daemon/link.h"
#include "handover/handover.h"
#include "network/services.h"
#include "qemu/process.h"

#define CONFIG_FILE_MAX (1u << 20)
#define PID_FILE_MAX    64
#define LEASE_FILE_MAX  (16u << 20)
#define DNSMASQ         "/usr/sbin/dnsmasq"
#define NFT             "/usr/sbin/nft"
#define BRIDGE_PREFIX   "virbr"

/* ---- files ---- */

static char *config_path(const Manager *manager, const char *name) {
        return g_strdup_printf("%s/networks/%s.xml", manager->paths.config_dir, name);
}

static char *autostart_path(const Manager *manager, const char *name) {
        return g_strdup_printf("%s/networks/autostart/%s.xml", manager->paths.config_dir, name);
}

static char *run_path(const Manager *manager, const char *name, const char *ending) {
        return g_strdup_printf("%s/networks/%s.%s", manager->paths.run_dir, name, ending);
}

char *network_lease_path(const Network *network) {
        return g_strdup_printf("%s/networks/%s.leases", network->manager->paths.state_dir,
                               network_name(network));
}

char *network_leases(const Network *network) {
        g_autofree char *path = network_lease_path(network);
        char *text = NULL;

        file_read(path, LEASE_FILE_MAX, &text, NULL, NULL);
        return text ? text : g_strdup("");
}

unsigned network_prefix_of(const NetworkDef *def, const char *address) {
        for (guint i = 0; def->ips && i < def->ips->len; i++)
                if (network_ip_contains(def->ips->pdata[i], address))
                        return network_ip_prefix(def->ips->pdata[i]);
        return 0;
}

char *network_lease_address(Manager *manager, const char *name, const char *mac,
                            unsigned *ret_prefix) {
        const Network *network = network_find_by_name(manager, name);
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        if (!network || !network->live)
                return NULL;
        text = network_leases(network);
        lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++) {
                g_auto(GStrv) words = g_strsplit(*line, " ", -1);

                if (g_strv_length(words) != 5 || g_ascii_strcasecmp(words[1], mac) != 0)
                        continue;
                *ret_prefix = network_prefix_of(network->live, words[2]);
                return g_strdup(words[2]);
        }
        return NULL;
}

static int write_file(const char *path, const char *text, Err *err) {
        g_autofree char *dir = g_path_get_dirname(path);
        int r = file_mkdir_p(dir, 0755, err);

        return r < 0 ? r : file_write_atomic(path, text, strlen(text), err);
}

static int write_xml(const char *path, const NetworkDef *def, Err *err) {
        g_autofree char *xml = network_def_format(def);

        return write_file(path, xml, err);
}

/* ---- the object ---- */

Network *network_ref(Network *network) {
        network->refs++;
        return network;
}

void network_unref(Network *network) {
        if (!network || --network->refs > 0)
                return;
        network_def_free(network->config);
        network_def_free(network->live);
        g_free(network->uuid_text);
        g_free(network);
}

static Network *network_new_consume(Manager *manager, NetworkDef *def) {
        char text[DOMAIN_UUID_TEXT_MAX];
        Network *network = g_new0(Network, 1);

        network->refs = 1;
        network->manager = manager;
        network->config = def;
        network->uuid_text = g_strdup(domain_uuid_format(def->uuid, text));
        g_hash_table_insert(manager->networks, def->name, network);
        return network;
}

static void forget(Network *network) {
        g_hash_table_remove(network->manager->networks, network->config->name);
        network_unref(network);
}

static void replace_config(Network *network, NetworkDef *def) {
        g_hash_table_remove(network->manager->networks, network->config->name);
        network_def_free(network->config);
        network->config = def;
        g_hash_table_insert(network->manager->networks, def->name, network);
}

Network *network_find_by_name(Manager *manager, const char *name) {
        return g_hash_table_lookup(manager->networks, name);
}

Network *network_find_by_uuid(Manager *manager, const uint8_t uuid[16]) {
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (memcmp(((Network *)value)->config->uuid, uuid, 16) == 0)
                        return value;
        return NULL;
}

const NetworkDef *network_def(const Network *network, bool inactive) {
        return network->live && !inactive ? network->live : network->config;
}

const char *network_name(const Network *network) {
        return network->config->name;
}

int network_check_active(const Network *network, bool is_active, Err *err) {
        if ((network->live != NULL) == is_active)
                return 0;
        return fail(err, VIR_ERR_OPERATION_INVALID,
                    is_active ? "network '%s' is not active" : "network '%s' is already active",
                    network_name(network));
}

static int check_idle(const Network *network, Err *err) {
        if (!network->is_changing)
                return 0;
        return fail(err, VIR_ERR_RESOURCE_BUSY, "network '%s' is being started or stopped",
                    network_name(network));
}

static void emit(Network *network, NetworkEvent event) {
        event_network_lifecycle(network->manager, network_name(network), network->config->uuid,
                                (int)event);
}

/* ---- define ---- */

static bool bridge_is_taken(Manager *manager, const NetworkDef *def, const char *bridge) {
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;

                if (network_def_has_bridge(other->config) &&
                    g_strcmp0(other->config->bridge.name, bridge) == 0 &&
                    memcmp(other->config->uuid, def->uuid, 16) != 0)
                        return true;
        }
        return false;
}

static int fill_bridge(Manager *manager, NetworkDef *def, Err *err) {
        if (!network_def_has_bridge(def))
                return 0;
        if (def->bridge.name) {
                if (!bridge_is_taken(manager, def, def->bridge.name))
                        return 0;
                return fail(err, VIR_ERR_INTERNAL_ERROR,
                            "bridge name '%s' already in use by another network", def->bridge.name);
        }
        for (unsigned i = 0; i < NETWORKS_MAX; i++) {
                g_autofree char *name = g_strdup_printf(BRIDGE_PREFIX "%u", i);

                if (bridge_is_taken(manager, def, name) || link_exists(name))
                        continue;
                def->bridge.name = g_steal_pointer(&name);
                return 0;
        }
        return fail(err, VIR_ERR_INTERNAL_ERROR, "no name is free for the bridge of network '%s'",
                    def->name);
}

static int find_same(Manager *manager, const NetworkDef *def, Network **ret, Err *err) {
        Network *by_name = network_find_by_name(manager, def->name);
        Network *by_uuid = network_find_by_uuid(manager, def->uuid);

        if (by_uuid && by_uuid != by_name)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "network '%s' is already defined with uuid %s", network_name(by_uuid),
                            by_uuid->uuid_text);
        if (by_name && !by_uuid)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "network '%s' already exists with uuid %s", def->name,
                            by_name->uuid_text);
        if (!by_name && g_hash_table_size(manager->networks) >= NETWORKS_MAX)
                return fail(err, VIR_ERR_OPERATION_FAILED, "there are %d networks already",
                            NETWORKS_MAX);
        *ret = by_name;
        return 0;
}

static int parse(Manager *manager, const char *xml, bool validate, NetworkDef **ret, Err *err) {
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(NetworkDef) def = NULL;
        int r = network_def_parse(xml, validate, warnings, &def, err);

        if (r == 0)
                r = fill_bridge(manager, def, err);
        if (r < 0)
                return r;
        for (guint i = 0; i < warnings->len; i++)
                log_warning("network '%s': %s", def->name, (const char *)warnings->pdata[i]);
        *ret = g_steal_pointer(&def);
        return 0;
}

int network_define(Manager *manager, const char *xml, bool validate, Network **ret, Err *err) {
        g_autoptr(NetworkDef) def = NULL;
        g_autofree char *path = NULL;
        Network *network = NULL;
        int r = parse(manager, xml, validate, &def, err);

        if (r == 0)
                r = find_same(manager, def, &network, err);
        if (r < 0)
                return r;
        path = config_path(manager, def->name);
        r = write_xml(path, def, err);
        if (r < 0)
                return r;
        if (network)
                replace_config(network, g_steal_pointer(&def));
        else
                network = network_new_consume(manager, g_steal_pointer(&def));
        network->is_persistent = true;
        emit(network, NETWORK_DEFINED);
        *ret = network;
        return 0;
}

int network_make_transient(Manager *manager, const char *xml, bool validate, Network **ret,
                           Err *err) {
        g_autoptr(NetworkDef) def = NULL;
        Network *network = NULL;
        int r = parse(manager, xml, validate, &def, err);

        if (r == 0)
                r = find_same(manager, def, &network, err);
        if (r == 0 && network)
                r = network_check_active(network, false, err);
        if (r < 0)
                return r;
        if (!network)
                network = network_new_consume(manager, g_steal_pointer(&def));
        *ret = network;
        return 0;
}

int network_undefine(Network *network, Err *err) {
        g_autofree char *path = config_path(network->manager, network_name(network));
        int r = check_idle(network, err);

        if (r == 0 && !network->is_persistent)
                r = fail(err, VIR_ERR_OPERATION_INVALID, "can't undefine transient network");
        if (r == 0)
                r = network_set_autostart(network, false, err);
        if (r == 0)
                r = file_remove(path, err);
        if (r < 0)
                return r;
        network->is_persistent = false;
        emit(network, NETWORK_UNDEFINED);
        if (!network->live)
                forget(network);
        return 0;
}

int network_set_autostart(Network *network, bool autostart, Err *err) {
        g_autofree char *link = autostart_path(network->manager, network_name(network));
        g_autofree char *dir = g_path_get_dirname(link);
        g_autofree char *target = g_strdup_printf("../%s.xml", network_name(network));
        int r;

        if (!network->is_persistent && autostart)
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "cannot set autostart for transient network");
        r = autostart ? file_mkdir_p(dir, 0700, err) : file_remove(link, err);
        if (r < 0)
                return r;
        if (autostart && symlink(target, link) < 0 && errno != EEXIST)
                return fail_errno(err, neg_errno(), "cannot mark network '%s' for autostart",
                                  network_name(network));
        network->autostart = autostart;
        return 0;
}

/* ---- steps of a start ---- */

static void free_step(void *data) {
        network_unref(data);
}

/* An address of the host in the same network: traffic would not find its way. */
static int check_addresses(const NetworkDef *def, Err *err) {
        struct ifaddrs *list = NULL;
        int r = 0;

        if (getifaddrs(&list) < 0)
                return fail_errno(err, neg_errno(), "cannot read the host's addresses");
        for (const struct ifaddrs *item = list; item && r == 0; item = item->ifa_next) {
                char text[INET6_ADDRSTRLEN];
                int family = item->ifa_addr ? item->ifa_addr->sa_family : AF_UNSPEC;
                const void *address =
                        family == AF_INET
                                ? (const void *)&((struct sockaddr_in *)(void *)item->ifa_addr)
                                          ->sin_addr
                                : (const void *)&((struct sockaddr_in6 *)(void *)item->ifa_addr)
                                          ->sin6_addr;

                if ((family != AF_INET && family != AF_INET6) ||
                    !inet_ntop(family, address, text, sizeof(text)))
                        continue;
                for (guint i = 0; def->ips && i < def->ips->len && r == 0; i++)
                        if (network_ip_is_v6(def->ips->pdata[i]) == (family == AF_INET6) &&
                            network_ip_contains(def->ips->pdata[i], text))
                                r = fail(err, VIR_ERR_INTERNAL_ERROR,
                                         "Network is already in use by interface %s, which has the "
                                         "address %s",
                                         item->ifa_name, text);
        }
        freeifaddrs(list);
        return r;
}

static int run_bridge(Step *step, Err *err) {
        const NetworkDef *def = ((Network *)step_data(step))->live;
        LinkBridge bridge = {.mac = def->mac.address,
                             .stp = def->bridge.stp == DOMAIN_SWITCH_ON,
                             .forward_delay = (unsigned)def->bridge.delay.value,
                             .mtu = (unsigned)domain_num_or(def->mtu.size, 0)};
        int r = check_addresses(def, err);

        if (r == 0)
                r = link_make_bridge(def->bridge.name, &bridge, err);
        for (guint i = 0; def->ips && i < def->ips->len && r == 0; i++) {
                const NetworkIp *ip = def->ips->pdata[i];

                r = link_add_address(def->bridge.name, network_ip_is_v6(ip), ip->address,
                                     network_ip_prefix(ip), err);
        }
        return r == 0 ? link_set_up(def->bridge.name, true, err) : r;
}

/* Ours is known by its MAC address: a bridge of that name may have been there before. */
static int remove_bridge(const NetworkDef *def, Err *err) {
        if (!network_def_has_bridge(def) || !link_has_mac(def->bridge.name, def->mac.address))
                return 0;
        return link_remove(def->bridge.name, err);
}

static int undo_bridge(Step *step, Err *err) {
        return remove_bridge(((Network *)step_data(step))->live, err);
}

static char *describe_bridge(const Step *step, bool undo) {
        const NetworkDef *def = ((Network *)step_data(step))->live;

        return g_strdup_printf(undo ? "remove the bridge %s" : "make the bridge %s",
                               def->bridge.name);
}

static const StepKind step_bridge = {
        .name = "make-bridge",
        .run = run_bridge,
        .undo = undo_bridge,
        .describe = describe_bridge,
        .free = free_step,
};

/* ---- rules ---- */

static void on_step_errand(int r, const char *output, size_t size, void *userdata) {
        Step *step = userdata;
        g_auto(Err) err = ERR_INIT;

        if (r < 0)
                fail(&err, VIR_ERR_INTERNAL_ERROR, "%s of network '%s' failed: %.1000s",
                     step_name(step), network_name(step_data(step)), output);
        step_finish(step, r, r < 0 ? &err : NULL);
}

/* A program's name and arguments as an errand of the step. */
static int run_program(Step *step, const char *const *argv, const char *hint, Err *err) {
        const Network *network = step_data(step);
        ErrandSpec spec = {
                .argv = (char *const *)(uintptr_t)argv, .done = on_step_errand, .userdata = step};
        int r;

        if (access(argv[0], X_OK) < 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "network '%s' needs '%s', which is not there",
                                      network_name(network), argv[0]),
                                 "%s", hint);
        r = errand_run(network->manager->event, &spec, NULL, err);
        return r < 0 ? r : STEP_PENDING;
}

static int run_nft(Step *step, char *script, Err *err) {
        const Network *network = step_data(step);
        g_autofree char *text = script;
        g_autofree char *path = run_path(network->manager, network_name(network), "nft");
        const char *const argv[] = {NFT, "-f", path, NULL};
        int r;

        if (!text)
                return 0;
        r = write_file(path, text, err);
        return r < 0 ? r : run_program(step, argv, "install it: apt install nftables", err);
}

static int run_rules(Step *step, Err *err) {
        return run_nft(step, services_rules(((Network *)step_data(step))->live), err);
}

static int undo_rules(Step *step, Err *err) {
        return run_nft(step, services_rules_removal(((Network *)step_data(step))->live), err);
}

static char *describe_rules(const Step *step, bool undo) {
        const NetworkDef *def = ((Network *)step_data(step))->live;

        return g_strdup_printf(undo ? "remove the rules of table airlock_%s"
                                    : "set the rules of table airlock_%s",
                               def->bridge.name);
}

static const StepKind step_rules = {
        .name = "set-rules",
        .run = run_rules,
        .undo = undo_rules,
        .describe = describe_rules,
        .free = free_step,
};

/* Packets of other hosts are passed on; that is the host's own setting, and stays. */
static int run_forwarding(Step *step, Err *err) {
        static const char *const paths[] = {"/proc/sys/net/ipv4/ip_forward",
                                            "/proc/sys/net/ipv6/conf/all/forwarding"};
        const NetworkDef *def = ((Network *)step_data(step))->live;
        bool is_wanted[G_N_ELEMENTS(paths)] = {};

        for (guint i = 0; def->ips && i < def->ips->len; i++)
                is_wanted[network_ip_is_v6(def->ips->pdata[i])] = true;
        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
                _cleanup_(closep) int fd = is_wanted[i] ? open(paths[i], O_WRONLY | O_CLOEXEC) : -1;

                if (is_wanted[i] && (fd < 0 || write(fd, "1", 1) < 0))
                        return fail_errno(err, neg_errno(), "cannot set '%s'", paths[i]);
        }
        return 0;
}

static char *describe_forwarding(const Step *step, bool undo) {
        return undo ? NULL : g_strdup("let the host pass packets on");
}

static const StepKind step_forwarding = {
        .name = "forward",
        .run = run_forwarding,
        .describe = describe_forwarding,
        .free = free_step,
};

/* ---- dnsmasq ---- */

static int write_dnsmasq_files(const Network *network, const char *config, Err *err) {
        g_autofree char *pid = run_path(network->manager, network_name(network), "pid");
        g_autofree char *hosts = run_path(network->manager, network_name(network), "hosts");
        g_autofree char *names = run_path(network->manager, network_name(network), "addnhosts");
        g_autofree char *leases = network_lease_path(network);
        g_autofree char *dir = g_path_get_dirname(leases);
        ServicePaths paths = {pid, leases, hosts, names};
        g_autofree char *config_text = services_dnsmasq_config(network->live, &paths);
        g_autofree char *hosts_text = services_dnsmasq_hosts(network->live);
        g_autofree char *names_text = services_dnsmasq_addn_hosts(network->live);
        int r = file_mkdir_p(dir, 0755, err);

        if (r == 0)
                r = write_file(config, config_text, err);
        if (r == 0)
                r = write_file(hosts, hosts_text, err);
        return r == 0 ? write_file(names, names_text, err) : r;
}

static int run_dnsmasq(Step *step, Err *err) {
        const Network *network = step_data(step);
        g_autofree char *config = run_path(network->manager, network_name(network), "conf");
        g_autofree char *option = g_strdup_printf("--conf-file=%s", config);
        const char *const argv[] = {DNSMASQ, option, "--user=root", NULL};
        int r = write_dnsmasq_files(network, config, err);

        return r < 0 ? r : run_program(step, argv, "install it: apt install dnsmasq-base", err);
}

/* The process whose configuration file is this network's. */
static int find_dnsmasq(const Network *network, Process **ret) {
        g_autofree char *path = run_path(network->manager, network_name(network), "pid");
        g_autofree char *config = run_path(network->manager, network_name(network), "conf");
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

static void end_dnsmasq(const Network *network) {
        g_autoptr(Process) process = NULL;

        if (find_dnsmasq(network, &process) == 0)
                process_signal(process, SIGTERM);
}

static int undo_dnsmasq(Step *step, Err *err) {
        end_dnsmasq(step_data(step));
        return 0;
}

static char *describe_dnsmasq(const Step *step, bool undo) {
        return g_strdup_printf(undo ? "end dnsmasq of network %s" : "start dnsmasq of network %s",
                               network_name(step_data(step)));
}

static const StepKind step_dnsmasq = {
        .name = "start-dnsmasq",
        .run = run_dnsmasq,
        .undo = undo_dnsmasq,
        .describe = describe_dnsmasq,
        .free = free_step,
};

/* ---- start ---- */

/* The starts at the host's boot; guests come after them. */
typedef struct Boot {
        Manager *manager;
        unsigned pending;
        void (*done)(Manager *manager);
} Boot;

typedef struct Work {
        Network *network;
        Call *call; /* NULL: nobody waits */
        NetworkFunc done;
        Boot *boot; /* NULL: none waits */
} Work;

static void boot_end(Boot *boot) {
        if (--boot->pending > 0)
                return;
        boot->done(boot->manager);
        g_free(boot);
}

static Work *work_new(Network *network, Call *call, NetworkFunc done) {
        Work *work = g_new0(Work, 1);

        *work = (Work){network_ref(network), call ? call_ref(call) : NULL, done, NULL};
        network->is_changing = true;
        return work;
}

static void work_end(Work *work, const Err *err) {
        work->network->is_changing = false;
        if (work->call && !err && work->done)
                work->done(work->call, work->network);
        if (work->call)
                call_finish(work->call, err);
        else if (err)
                log_err(err, "network '%s'", network_name(work->network));
        if (work->boot)
                boot_end(work->boot);
        network_unref(work->network);
        g_free(work);
}

static Plan *make_plan(Network *network) {
        g_autofree char *title = g_strdup_printf("start network %s", network_name(network));
        Plan *plan = handover_plan_new(network->manager->handover, title, NULL, NULL);
        const NetworkDef *def = network->live;

        if (!network_def_has_bridge(def))
                return plan;
        plan_add(plan, &step_bridge, NULL, network_ref(network));
        plan_add(plan, &step_rules, NULL, network_ref(network));
        if (def->forward.mode)
                plan_add(plan, &step_forwarding, NULL, network_ref(network));
        if (services_need_dnsmasq(def))
                plan_add(plan, &step_dnsmasq, NULL, network_ref(network));
        return plan;
}

static void remove_run_files(const Network *network) {
        static const char *const endings[] = {"xml",  "starting", "nft",      "pid",
                                              "conf", "hosts",    "addnhosts"};

        for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
                g_autofree char *path =
                        run_path(network->manager, network_name(network), endings[i]);

                unlink(path);
        }
}

/* Nothing of it is on the host any more. */
static void become_inactive(Network *network) {
        remove_run_files(network);
        g_clear_pointer(&network->live, network_def_free);
}

static void on_started(Plan *plan, const Err *err, void *userdata) {
        Work *work = userdata;
        Network *network = work->network;
        g_autofree char *mark = run_path(network->manager, network_name(network), "starting");

        plan_free(plan);
        if (err_is_set(err)) {
                become_inactive(network);
                if (!network->is_persistent)
                        forget(network);
        } else {
                unlink(mark);
                emit(network, NETWORK_STARTED);
        }
        work_end(work, err_is_set(err) ? err : NULL);
}

/* The files by which a later daemon knows what to take up, or to clear away. */
static int write_marks(const Network *network, Err *err) {
        g_autofree char *mark = run_path(network->manager, network_name(network), "starting");
        g_autofree char *path = run_path(network->manager, network_name(network), "xml");
        int r = write_file(mark, "", err);

        return r < 0 ? r : write_xml(path, network->live, err);
}

static int start(Network *network, Call *call, NetworkFunc done, Boot *boot, Err *err) {
        Plan *plan;
        Work *work;
        int r = network_check_active(network, false, err);

        if (r == 0)
                r = check_idle(network, err);
        if (r < 0)
                return r;
        network->live = network_def_copy(network->config);
        r = write_marks(network, err);
        if (r < 0) {
                become_inactive(network);
                return r;
        }
        plan = make_plan(network);
        work = work_new(network, call, done);
        work->boot = boot;
        r = plan_run(plan, on_started, work, err);
        if (r == 0)
                return CALL_LATER;
        plan_free(plan);
        become_inactive(network);
        network->is_changing = false;
        if (work->call)
                call_unref(work->call);
        network_unref(network);
        g_free(work);
        return r;
}

int network_start(Network *network, Call *call, NetworkFunc done, Err *err) {
        return start(network, call, done, NULL, err);
}

/* ---- stop ---- */

static void on_rules_removed(int r, const char *output, size_t size, void *userdata) {
        Work *work = userdata;
        Network *network = work->network;

        if (r < 0)
                log_warning("the rules of network '%s' may be there still: %.1000s",
                            network_name(network), output);
        become_inactive(network);
        emit(network, NETWORK_STOPPED);
        if (!network->is_persistent)
                forget(network);
        work_end(work, NULL);
}

/* What of it is on the host goes; on_rules_removed() comes in any case. */
static void clear_away(Work *work) {
        Network *network = work->network;
        g_autofree char *script = services_rules_removal(network->live);
        g_autofree char *path = run_path(network->manager, network_name(network), "nft");
        char *const argv[] = {(char *)(uintptr_t)NFT, (char *)(uintptr_t) "-f", path, NULL};
        ErrandSpec spec = {.argv = argv, .done = on_rules_removed, .userdata = work};
        g_auto(Err) err = ERR_INIT;

        end_dnsmasq(network);
        if (remove_bridge(network->live, &err) < 0)
                log_err(&err, "network '%s'", network_name(network));
        if (!script || access(NFT, X_OK) < 0 || write_file(path, script, NULL) < 0 ||
            errand_run(network->manager->event, &spec, NULL, NULL) < 0)
                on_rules_removed(0, "", 0, work);
}

int network_stop(Network *network, Call *call, Err *err) {
        int r = network_check_active(network, true, err);

        if (r == 0)
                r = check_idle(network, err);
        if (r < 0)
                return r;
        clear_away(work_new(network, call, NULL));
        return CALL_LATER;
}

int network_bridge(Manager *manager, const char *name, char **ret, Err *err) {
        const Network *network = network_find_by_name(manager, name);

        if (!network)
                return fail(err, VIR_ERR_NO_NETWORK,
                            "no network with matching "
                            "name '%.200s'",
                            name);
        if (!network->live)
                return fail_hint(
                        err,
                        fail(err, VIR_ERR_OPERATION_INVALID, "network '%s' is not active", name),
                        "start it: net-start %s; at each boot: net-autostart %s", name, name);
        *ret = g_strdup(network->live->bridge.name);
        return 0;
}

/* ---- all of them ---- */

static NetworkDef *read_def(const char *path) {
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *text = NULL;
        g_auto(Err) err = ERR_INIT;
        NetworkDef *def = NULL;
        int r = file_read(path, CONFIG_FILE_MAX, &text, NULL, &err);

        if (r == 0)
                r = network_def_parse(text, false, warnings, &def, &err);
        if (r < 0)
                log_err(&err, "cannot load the network of '%s'; its file is kept", path);
        return r < 0 ? NULL : def;
}

static void load_config(Manager *manager, const char *path) {
        g_autoptr(NetworkDef) def = read_def(path);
        g_autofree char *link = NULL;
        g_auto(Err) err = ERR_INIT;
        Network *network = NULL;

        if (!def)
                return;
        if (find_same(manager, def, &network, &err) < 0 || network) {
                log_error("the network of '%s' is another one's twin; the file is passed over",
                          path);
                return;
        }
        network = network_new_consume(manager, g_steal_pointer(&def));
        link = autostart_path(manager, network_name(network));
        network->is_persistent = true;
        network->autostart = g_file_test(link, G_FILE_TEST_IS_SYMLINK);
}

/* One that runs is known again; what is half there goes. */
static void load_run(Manager *manager, const char *path) {
        g_autoptr(NetworkDef) def = read_def(path);
        g_autofree char *mark = NULL;
        Network *network;

        if (!def)
                return;
        network = network_find_by_uuid(manager, def->uuid);
        if (!network)
                network = network_new_consume(manager, network_def_copy(def));
        network->live = g_steal_pointer(&def);
        mark = run_path(manager, network_name(network), "starting");
        if (access(mark, F_OK) == 0 ||
            (network_def_has_bridge(network->live) && !link_exists(network->live->bridge.name))) {
                log_message(LOG_NOTICE, NULL, NULL,
                            "network '%s' was half-made; what is left of it goes",
                            network_name(network));
                clear_away(work_new(network, NULL, NULL));
        }
}

static void load_directory(Manager *manager, const char *parent,
                           void (*load)(Manager *manager, const char *path)) {
        g_autofree char *path = g_build_filename(parent, "networks", NULL);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *file = g_build_filename(path, name, NULL);

                if (g_str_has_suffix(name, ".xml"))
                        load(manager, file);
        }
}

void networks_load(Manager *manager) {
        manager->networks = g_hash_table_new(g_str_hash, g_str_equal);
        load_directory(manager, manager->paths.config_dir, load_config);
        load_directory(manager, manager->paths.run_dir, load_run);
}

void networks_autostart(Manager *manager, void (*done)(Manager *manager)) {
        g_autoptr(GList) networks = g_hash_table_get_values(manager->networks);
        Boot *boot = g_new0(Boot, 1);

        *boot = (Boot){manager, 1, done};

        for (GList *l = networks; l; l = l->next) {
                g_auto(Err) err = ERR_INIT;
                Network *network = l->data;

                if (!network->autostart || network->live || network->is_changing)
                        continue;
                if (start(network, NULL, NULL, boot, &err) < 0)
                        log_err(&err, "cannot start network '%s'", network_name(network));
                else
                        boot->pending++;
        }
        boot_end(boot);
}

void networks_free(Manager *manager) {
        g_autoptr(GList) networks =
                manager->networks ? g_hash_table_get_values(manager->networks) : NULL;

        for (GList *l = networks; l; l = l->next)
                forget(l->data);
        g_clear_pointer(&manager->networks, g_hash_table_unref);
}
