/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/network.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/errand.h"
#include "daemon/event.h"
#include "daemon/link.h"
#include "daemon/network-host.h"
#include "daemon/object-store.h"
#include "network/services.h"

#define LEASE_FILE_MAX (16u << 20)
#define BRIDGE_PREFIX  "virbr"

/* ---- files ---- */

char *network_run_path(const Network *network, const char *ending) {
        return object_run_path(network->manager, NETWORK_KIND, network_name(network), ending);
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

int network_write_config(const Network *network, const NetworkDef *def, Err *err) {
        g_autofree char *path = object_config_path(network->manager, NETWORK_KIND, def->name);
        g_autofree char *xml = network_def_format(def);

        return object_write_file(path, xml, err);
}

int network_write_live(const Network *network, const NetworkDef *def, Err *err) {
        g_autofree char *path = network_run_path(network, "xml");
        g_autofree char *xml = network_def_format(def);

        return object_write_file(path, xml, err);
}

/* ---- the object ---- */

Network *network_ref(Network *network) {
        network->refs++;
        return network;
}

void network_unref(Network *network) {
        if (!network || --network->refs > 0)
                return;
        network_unwatch_dnsmasq(network);
        network_def_free(network->config);
        network_def_free(network->live);
        network_def_free(network->next);
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

void network_replace_config(Network *network, NetworkDef *def) {
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

int network_check_idle(const Network *network, Err *err) {
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
        Network *network = NULL, *fresh = NULL;
        int r = parse(manager, xml, validate, &def, err);

        if (r == 0)
                r = find_same(manager, def, &network, err);
        if (r < 0)
                return r;
        if (!network)
                fresh = network = network_new_consume(manager, network_def_copy(def));
        r = network_write_config(network, def, err);
        if (r < 0) {
                if (fresh)
                        forget(fresh);
                return r;
        }
        network_replace_config(network, g_steal_pointer(&def));
        network->is_persistent = true;
        emit(network, NETWORK_DEFINED);
        *ret = network;
        return 0;
}

/* One that is here already under another UUID, and is the same in all else, is taken for the same:
 * each host has its own "default". */
static Network *find_twin(Manager *manager, NetworkDef *def) {
        Network *twin = network_find_by_name(manager, def->name);
        g_autoptr(NetworkDef) copy = NULL;
        g_autofree char *a = NULL, *b = NULL;

        if (!twin || network_find_by_uuid(manager, def->uuid))
                return NULL;
        copy = network_def_copy(def);
        memcpy(copy->uuid, twin->config->uuid, sizeof(copy->uuid));
        g_free(copy->mac.address);
        copy->mac.address = g_strdup(twin->config->mac.address);
        a = network_def_format(copy);
        b = network_def_format(twin->config);
        return g_str_equal(a, b) ? twin : NULL;
}

int network_try_define(Manager *manager, const char *xml, GPtrArray *warnings, NetworkDef **ret,
                       Network **ret_same, Err *err) {
        g_autoptr(NetworkDef) def = NULL;
        Network *same;
        int r = network_def_parse(xml, false, warnings, &def, err);

        if (r < 0)
                return r;
        same = find_twin(manager, def);
        if (same) {
                *ret = network_def_copy(same->config);
                *ret_same = same;
                return 0;
        }
        r = find_same(manager, def, &same, err);
        if (r == 0)
                r = fill_bridge(manager, def, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&def);
        *ret_same = same;
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
        if (r == 0 && network)
                r = network_check_idle(network, err);
        if (r < 0)
                return r;
        if (!network) {
                network = network_new_consume(manager, g_steal_pointer(&def));
        } else {
                network_def_free(network->next);
                network->next = g_steal_pointer(&def);
        }
        *ret = network;
        return 0;
}

int network_undefine(Network *network, Err *err) {
        g_autofree char *path =
                object_config_path(network->manager, NETWORK_KIND, network_name(network));
        int r = network_check_idle(network, err);

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
        int r;

        if (!network->is_persistent && autostart)
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "cannot set autostart for transient network");
        r = object_set_autostart(network->manager, NETWORK_KIND, network_name(network), autostart,
                                 err);
        if (r == 0)
                network->autostart = autostart;
        return r;
}

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

static void remove_run_files(const Network *network) {
        static const char *const endings[] = {"xml",  "starting", "nft",      "pid",
                                              "conf", "hosts",    "addnhosts"};

        for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
                g_autofree char *path = network_run_path(network, endings[i]);

                unlink(path);
        }
}

/* Nothing of it is on the host any more. */
static void become_inactive(Network *network) {
        remove_run_files(network);
        g_clear_pointer(&network->live, network_def_free);
}

/* The start has failed; a transient network is gone after. */
static void give_up(Network *network) {
        become_inactive(network);
        if (!network->is_persistent)
                forget(network);
}

static void on_started(Plan *plan, const Err *err, void *userdata) {
        Work *work = userdata;
        Network *network = work->network;
        g_autofree char *mark = network_run_path(network, "starting");

        plan_free(plan);
        if (err_is_set(err)) {
                give_up(network);
        } else {
                unlink(mark);
                network_watch_dnsmasq(network);
                emit(network, NETWORK_STARTED);
        }
        work_end(work, err_is_set(err) ? err : NULL);
}

/* The files by which a later daemon knows what to take up, or to clear away. */
static int write_marks(const Network *network, Err *err) {
        g_autofree char *mark = network_run_path(network, "starting");
        int r = object_write_file(mark, "", err);

        return r < 0 ? r : network_write_live(network, network->live, err);
}

static int start(Network *network, Call *call, NetworkFunc done, Boot *boot, Err *err) {
        Plan *plan;
        Work *work;
        int r = network_check_active(network, false, err);

        if (r == 0)
                r = network_check_idle(network, err);
        if (r < 0)
                return r;
        network->live =
                network->next ? g_steal_pointer(&network->next) : network_def_copy(network->config);
        r = write_marks(network, err);
        if (r < 0) {
                give_up(network);
                return r;
        }
        plan = network_make_plan(network);
        work = work_new(network, call, done);
        work->boot = boot;
        r = plan_run(plan, on_started, work, err);
        if (r == 0)
                return CALL_LATER;
        plan_free(plan);
        network->is_changing = false;
        if (work->call)
                call_unref(work->call);
        g_free(work);
        give_up(network);
        network_unref(network);
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
        g_autofree char *path = network_run_path(network, "nft");
        char *const argv[] = {(char *)(uintptr_t)NETWORK_NFT, (char *)(uintptr_t) "-f", path, NULL};
        ErrandSpec spec = {.argv = argv, .done = on_rules_removed, .userdata = work};
        g_auto(Err) err = ERR_INIT;

        network_unwatch_dnsmasq(network);
        network_end_dnsmasq(network);
        if (network_remove_bridge(network->live, &err) < 0)
                log_err(&err, "network '%s'", network_name(network));
        if (!script || access(NETWORK_NFT, X_OK) < 0 || object_write_file(path, script, NULL) < 0 ||
            errand_run(network->manager->event, &spec, NULL, NULL) < 0)
                on_rules_removed(0, "", 0, work);
}

int network_stop(Network *network, Call *call, Err *err) {
        int r = network_check_active(network, true, err);

        if (r == 0)
                r = network_check_idle(network, err);
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

/* A file that was put there by hand, or by a package, may leave the UUID open. */
static NetworkDef *read_def(const char *path, bool *ret_is_incomplete) {
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *text = NULL;
        g_auto(Err) err = ERR_INIT;
        NetworkDef *def = NULL;
        int r = file_read(path, OBJECT_FILE_MAX, &text, NULL, &err);

        if (r == 0)
                r = network_def_parse(text, false, warnings, &def, &err);
        if (r < 0)
                log_err(&err, "cannot load the network of '%s'; its file is kept", path);
        *ret_is_incomplete = r == 0 && !strstr(text, "<uuid>");
        return r < 0 ? NULL : def;
}

static void load_config(Manager *manager, const char *path) {
        bool is_incomplete = false;
        g_autoptr(NetworkDef) def = read_def(path, &is_incomplete);
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
        if (is_incomplete && (fill_bridge(manager, network->config, &err) < 0 ||
                              network_write_config(network, network->config, &err) < 0))
                log_err(&err, "what network '%s' was given cannot be kept", network_name(network));
        network->is_persistent = true;
        network->autostart = object_has_autostart(manager, NETWORK_KIND, network_name(network));
}

/* One that runs is known again; what is half there goes. */
static void load_run(Manager *manager, const char *path) {
        bool is_incomplete = false;
        g_autoptr(NetworkDef) def = read_def(path, &is_incomplete);
        g_autofree char *mark = NULL;
        Network *network;

        if (!def)
                return;
        network = network_find_by_uuid(manager, def->uuid);
        if (!network)
                network = network_new_consume(manager, network_def_copy(def));
        network->live = g_steal_pointer(&def);
        mark = network_run_path(network, "starting");
        if (access(mark, F_OK) == 0 ||
            (network_def_has_bridge(network->live) && !link_exists(network->live->bridge.name))) {
                log_message(LOG_NOTICE, NULL, NULL,
                            "network '%s' was half-made; what is left of it goes",
                            network_name(network));
                clear_away(work_new(network, NULL, NULL));
        } else {
                network_watch_dnsmasq(network);
        }
}

void networks_load(Manager *manager) {
        manager->networks = g_hash_table_new(g_str_hash, g_str_equal);
        object_each_file(manager, manager->paths.config_dir, NETWORK_KIND, load_config);
        object_each_file(manager, manager->paths.run_dir, NETWORK_KIND, load_run);
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
