/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/network-host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "daemon/errand.h"
#include "daemon/link.h"
#include "daemon/object-store.h"
#include "handover/handover.h"
#include "network/services.h"

static void free_step(void *data) {
        network_unref(data);
}

/* "interface virbr0 of network 'lan'", for messages. */
static char *describe_device(const Manager *manager, const char *device) {
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;

                if (other->live && network_def_has_bridge(other->live) &&
                    g_strcmp0(other->live->bridge.name, device) == 0)
                        return g_strdup_printf("interface %s of network '%s'", device,
                                               network_name(other));
        }
        return g_strdup_printf("interface %s", device);
}

/* The address as text; false: it is none of IP. */
static bool read_address(const struct sockaddr *address, bool *ret_is_v6,
                         char ret[static INET6_ADDRSTRLEN]) {
        int family = address ? address->sa_family : AF_UNSPEC;
        const void *bytes =
                family == AF_INET
                        ? (const void *)&((const struct sockaddr_in *)(const void *)address)
                                  ->sin_addr
                        : (const void *)&((const struct sockaddr_in6 *)(const void *)address)
                                  ->sin6_addr;

        *ret_is_v6 = family == AF_INET6;
        return (family == AF_INET || family == AF_INET6) &&
               inet_ntop(family, bytes, ret, INET6_ADDRSTRLEN);
}

static int check_address(const Network *network, const struct ifaddrs *item, Err *err) {
        char text[INET6_ADDRSTRLEN];
        bool is_v6;

        if (!read_address(item->ifa_addr, &is_v6, text))
                return 0;
        NETWORK_FOREACH(NetworkIp, ip, network->live->ips) {
                g_autofree char *device = NULL;

                if (network_ip_is_v6(ip) != is_v6 || !network_ip_contains(ip, text))
                        continue;
                device = describe_device(network->manager, item->ifa_name);
                return fail_hint(err,
                                 fail(err, VIR_ERR_INTERNAL_ERROR,
                                      "Network is already in use by %s, which has the address %s",
                                      device, text),
                                 "give network '%s' another <ip address>", network_name(network));
        }
        return 0;
}

/* An address of the host in the same network: traffic would not find its way. */
static int check_addresses(const Network *network, Err *err) {
        struct ifaddrs *list = NULL;
        int r = 0;

        if (getifaddrs(&list) < 0)
                return fail_errno(err, neg_errno(), "cannot read the host's addresses");
        for (const struct ifaddrs *item = list; item && r == 0; item = item->ifa_next)
                r = check_address(network, item, err);
        freeifaddrs(list);
        return r;
}

static int check_name(const Network *network, Err *err) {
        const char *name = network->live->bridge.name;
        g_autofree char *device = NULL;

        if (!link_exists(name))
                return 0;
        device = describe_device(network->manager, name);
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_FAILED,
                              "the bridge of network '%s' would be %s, which is there already",
                              network_name(network), device),
                         "give it another name: <bridge name='…'/>");
}

static int add_routes(const NetworkDef *def, Err *err) {
        NETWORK_FOREACH(NetworkRoute, route, def->routes) {
                const LinkRoute way = {.is_v6 = network_route_is_v6(route),
                                       .address = route->address,
                                       .prefix = network_route_prefix(route),
                                       .gateway = route->gateway,
                                       .metric = (unsigned)domain_num_or(route->metric, 1)};
                int r = link_add_route(def->bridge.name, &way, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int run_bridge(Step *step, Err *err) {
        const Network *network = step_data(step);
        const NetworkDef *def = network->live;
        LinkBridge bridge = {.mac = def->mac.address,
                             .stp = def->bridge.stp == DOMAIN_SWITCH_ON,
                             .forward_delay = (unsigned)def->bridge.delay.value,
                             .mtu = (unsigned)domain_num_or(def->mtu.size, 0)};
        int r = check_name(network, err);

        if (r == 0)
                r = check_addresses(network, err);
        if (r == 0)
                r = link_make_bridge(def->bridge.name, &bridge, err);
        for (guint i = 0; def->ips && i < def->ips->len && r == 0; i++) {
                const NetworkIp *ip = def->ips->pdata[i];

                r = link_add_address(def->bridge.name, network_ip_is_v6(ip), ip->address,
                                     network_ip_prefix(ip), err);
        }
        if (r == 0)
                r = link_set_up(def->bridge.name, true, err);
        return r == 0 ? add_routes(def, err) : r;
}

/* Ours is known by its MAC address: a bridge of that name may have been there before. */
int network_remove_bridge(const NetworkDef *def, Err *err) {
        if (!network_def_has_bridge(def) || !link_has_mac(def->bridge.name, def->mac.address))
                return 0;
        return link_remove(def->bridge.name, err);
}

static int undo_bridge(Step *step, Err *err) {
        return network_remove_bridge(((Network *)step_data(step))->live, err);
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
int network_run_program(Step *step, const char *const *argv, const char *hint, Err *err) {
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
        g_autofree char *path = network_run_path(network, "nft");
        const char *const argv[] = {NETWORK_NFT, "-f", path, NULL};
        int r;

        if (!text)
                return 0;
        r = object_write_file(path, text, err);
        return r < 0 ? r : network_run_program(step, argv, "install it: apt install nftables", err);
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

Plan *network_make_plan(Network *network) {
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
                plan_add(plan, &network_step_dnsmasq, NULL, network_ref(network));
        return plan;
}
