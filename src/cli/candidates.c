/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/candidates.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/object.h"
#include "cli/report.h"
#include "client/assign.h"
#include "client/network.h"
#include "client/nodedev.h"
#include "client/storage.h"
#include "doctor/doctor.h"

void candidate_free(Candidate *candidate) {
        g_free(candidate->text);
        g_free(candidate->what);
        g_free(candidate);
}

/* Shells read one candidate a line, with a tab before what it is. */
static bool is_one_line(const char *text) {
        for (; *text; text++)
                if (g_ascii_iscntrl(*text))
                        return false;
        return true;
}

void offer_add(Offer *o, const char *text, const char *what) {
        Candidate *candidate;

        if (!g_str_has_prefix(text, o->prefix) || !is_one_line(text))
                return;
        candidate = g_new0(Candidate, 1);
        candidate->text = g_strconcat(o->head, text, NULL);
        candidate->what = what && o->describe ? g_strdelimit(g_strdup(what), "\n\t", ' ') : NULL;
        g_ptr_array_add(o->list, candidate);
}

/* ---- guests ---- */

static bool has_guest(const GPtrArray *guests, const Guest *guest) {
        for (guint i = 0; guests && i < guests->len; i++)
                if (g_str_equal(((Guest *)guests->pdata[i])->name, guest->name))
                        return true;
        return false;
}

static void offer_guests(Offer *o, unsigned flags) {
        g_autoptr(GPtrArray) guests = NULL, paused = NULL;

        if (guest_list(o->cli->conn, flags, &guests, NULL) < 0)
                return;
        if (o->describe && flags != GUEST_LIST_INACTIVE)
                guest_list(o->cli->conn, GUEST_LIST_PAUSED, &paused, NULL);
        for (guint i = 0; i < guests->len; i++) {
                const Guest *guest = guests->pdata[i];
                const char *state = guest->id < 0 ? "shut off" : "running";

                offer_add(o, guest->name, has_guest(paused, guest) ? "paused" : state);
        }
}

/* The target of the guest's disk or interface: <target dev='vda'/>. */
static void offer_target(Offer *o, const xmlNode *device) {
        const xmlNode *target = xml_child(device, "target"), *source = xml_child(device, "source");
        g_autofree char *dev = target ? xml_attr(target, "dev") : NULL;
        g_autofree char *what = NULL;

        for (const xmlAttr *attr = source ? source->properties : NULL; attr && !what;
             attr = attr->next)
                what = xml_attr(source, (const char *)attr->name);
        if (dev)
                offer_add(o, dev, what);
}

static void offer_guest_devices(Offer *o, const char *element) {
        const char *name = g_hash_table_lookup(o->given, "domain");
        g_autoptr(XmlDoc) doc = NULL;
        g_autoptr(Guest) guest = NULL;

        if (!name || cli_guest_named(o->cli, name, GUEST_BY_ANY, &guest, NULL) < 0)
                return;
        if (cli_guest_doc(o->cli, guest, 0, &doc, NULL) < 0)
                return;
        XML_FOREACH_CHILD(device, xml_child(xml_doc_root(doc), "devices"))
                if (g_str_equal(xml_name(device), element))
                        offer_target(o, device);
}

/* ---- devices ---- */

static const char *text_of(const json_t *object, const char *key) {
        return json_string_value(json_object_get(object, key));
}

/* "Intel Corporation 82576 …; guest1". */
static char *describe_device(const json_t *device) {
        const char *vendor = text_of(device, "vendor"), *product = text_of(device, "product");
        const char *class = text_of(device, "class_name"), *owner = text_of(device, "owner");
        const char *side = text_of(device, "side");

        return g_strdup_printf("%s%s%s; %s", vendor && product ? vendor : "",
                               vendor && product ? " " : "", product ?: vendor ?: class ?: "",
                               owner ?: side ?: "");
}

/* Names to what the devices are. Only airlockd tells. */
static GHashTable *describe_devices(Offer *o) {
        GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_autofree char *text = NULL;
        json_t *doc = NULL, *device;
        size_t i;

        if (!o->describe || assign_devices(o->cli->conn, &text, NULL) < 0 ||
            report_parse(text, &doc, NULL) < 0)
                return table;
        json_array_foreach(json_object_get(doc, "devices"), i, device)
                if (text_of(device, "name"))
                        g_hash_table_insert(table, g_strdup(text_of(device, "name")),
                                            describe_device(device));
        json_decref(doc);
        return table;
}

/* "pci_0000_01_00_0" as "0000:01:00.0", or as "01:00.0" where that is begun. NULL: it has none. */
static char *address_of(const char *name, bool is_short) {
        g_auto(GStrv) parts = g_strsplit(name, "_", -1);

        if (g_strv_length(parts) != 5 || !g_str_equal(parts[0], "pci"))
                return NULL;
        if (is_short && !g_str_equal(parts[1], "0000"))
                return NULL;
        return g_strdup_printf("%s%s%s:%s.%s", is_short ? "" : parts[1], is_short ? "" : ":",
                               parts[2], parts[3], parts[4]);
}

static void offer_devices(Offer *o, unsigned flags) {
        bool is_address = g_ascii_isxdigit(o->prefix[0]);
        g_auto(GStrv) names = NULL;
        g_autoptr(GHashTable) whats = NULL;

        if (nodedev_list(o->cli->conn, flags | NODEDEV_LIST_ACTIVE, &names, NULL) < 0)
                return;
        whats = describe_devices(o);
        STRV_FOREACH(name, names) {
                g_autofree char *address =
                        is_address ? address_of(name, strcspn(o->prefix, ":") <= 2) : NULL;

                offer_add(o, address ?: name, g_hash_table_lookup(whats, name));
        }
}

/* ---- networks, pools, volumes ---- */

static void offer_networks(Offer *o) {
        g_autoptr(GPtrArray) nets = NULL;

        if (net_list(o->cli->conn, 0, &nets, NULL) < 0)
                return;
        for (guint i = 0; i < nets->len; i++) {
                const Net *net = nets->pdata[i];
                bool active = false;

                if (o->describe)
                        net_ask(o->cli->conn, net, NET_IS_ACTIVE, &active, NULL);
                offer_add(o, net->name, active ? "active" : "inactive");
        }
}

static void offer_pools(Offer *o) {
        g_autoptr(GPtrArray) pools = NULL;

        if (storage_pool_list(o->cli->conn, 0, &pools, NULL) < 0)
                return;
        for (guint i = 0; i < pools->len; i++)
                offer_add(o, ((StoragePool *)pools->pdata[i])->name, NULL);
}

/* The key of a file is its path. */
static void offer_pool_volumes(Offer *o, const StoragePool *pool) {
        bool is_path = o->prefix[0] == '/';
        g_autoptr(GPtrArray) vols = NULL;

        if (storage_pool_vols(o->cli->conn, pool, &vols, NULL) < 0)
                return;
        for (guint i = 0; i < vols->len; i++) {
                const StorageVol *vol = vols->pdata[i];

                offer_add(o, is_path ? vol->key : vol->name, is_path ? pool->name : vol->key);
        }
}

static void offer_volumes(Offer *o) {
        g_autoptr(GPtrArray) pools = NULL;

        if (storage_pool_list(o->cli->conn, OBJECT_ACTIVE, &pools, NULL) < 0)
                return;
        for (guint i = 0; i < pools->len; i++)
                offer_pool_volumes(o, pools->pdata[i]);
}

/* ---- words and files ---- */

static void offer_files(Offer *o) {
        const char *slash = strrchr(o->prefix, '/');
        g_autofree char *dir = slash ? g_strndup(o->prefix, (size_t)(slash + 1 - o->prefix)) : NULL;
        g_autoptr(GDir) entries = NULL;
        const char *name;

        o->wants_file = o->leaves_files && !*o->head;
        if (o->wants_file)
                return;
        entries = g_dir_open(dir ?: ".", 0, NULL);
        while (entries && (name = g_dir_read_name(entries))) {
                g_autofree char *path = g_strconcat(dir ?: "", name, NULL);
                g_autofree char *shown =
                        g_strconcat(path, g_file_test(path, G_FILE_TEST_IS_DIR) ? "/" : "", NULL);

                offer_add(o, shown, NULL);
        }
}

static void offer_commands(Offer *o) {
        GROUP_FOREACH(group, o->cli->groups) {
                COMMAND_FOREACH(command, group)
                offer_add(o, command->name, command->summary);
                offer_add(o, group->keyword, group->title);
        }
}

static void offer_checks(Offer *o) {
        size_t n;
        const DoctorCheck *checks = doctor_checks(&n);

        for (size_t i = 0; i < n; i++)
                offer_add(o, checks[i].name, checks[i].title);
}

/* What a plan is about: a guest where it has one, then a device of the host, or its XML. */
static void offer_subject(Offer *o) {
        static const char *const with_guest[] = {"start", "attach", "detach", NULL};
        const char *kind = g_hash_table_lookup(o->given, "kind") ?: "";
        bool has_guest = g_strv_contains(with_guest, kind);

        if (has_guest && !g_hash_table_contains(o->given, "subject")) {
                offer_guests(o, g_str_equal(kind, "start") ? GUEST_LIST_INACTIVE : 0);
                return;
        }
        if (g_str_equal(kind, "start"))
                return;
        offer_devices(o, nodedev_cap_flag("pci"));
        if (has_guest)
                offer_files(o);
}

static void offer_words(Offer *o, const char *const *words) {
        for (; *words; words++)
                offer_add(o, *words, NULL);
}

static bool needs_daemon(Candidates candidates) {
        return candidates >= CANDIDATES_GUEST && candidates <= CANDIDATES_SUBJECT;
}

static bool is_reachable(Cli *cli) {
        bool reachable = cli_connect(cli, NULL) >= 0;

        g_clear_pointer(&cli->what, g_free);
        return reachable;
}

static void offer_local(Offer *o, const Option *option) {
        switch (option->candidates) {
        case CANDIDATES_FILE:
                offer_files(o);
                break;
        case CANDIDATES_COMMAND:
                offer_commands(o);
                break;
        case CANDIDATES_CHECK:
                offer_checks(o);
                break;
        case CANDIDATES_WORDS:
                offer_words(o, option->words);
                break;
        default:
                break;
        }
}

static void offer_live(Offer *o, Candidates candidates) {
        switch (candidates) {
        case CANDIDATES_GUEST:
                offer_guests(o, 0);
                break;
        case CANDIDATES_GUEST_ACTIVE:
                offer_guests(o, GUEST_LIST_ACTIVE);
                break;
        case CANDIDATES_GUEST_INACTIVE:
                offer_guests(o, GUEST_LIST_INACTIVE);
                break;
        case CANDIDATES_GUEST_DISK:
                offer_guest_devices(o, "disk");
                break;
        case CANDIDATES_GUEST_INTERFACE:
                offer_guest_devices(o, "interface");
                break;
        case CANDIDATES_DEVICE:
                offer_devices(o, 0);
                break;
        case CANDIDATES_PCI:
                offer_devices(o, nodedev_cap_flag("pci"));
                break;
        case CANDIDATES_NETWORK:
                offer_networks(o);
                break;
        case CANDIDATES_POOL:
                offer_pools(o);
                break;
        case CANDIDATES_VOLUME:
                offer_volumes(o);
                break;
        default:
                offer_subject(o);
        }
}

void offer_values(Offer *o, const Option *option) {
        if (!needs_daemon(option->candidates))
                offer_local(o, option);
        else if (is_reachable(o->cli))
                offer_live(o, option->candidates);
        /* Why a guest could not be found is nothing to tell here. */
        g_clear_pointer(&o->cli->what, g_free);
}
