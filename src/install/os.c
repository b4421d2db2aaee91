/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/os.h"

#include <osinfo/osinfo.h>

#include "base/nearest.h"

#define ARCH    "x86_64"
#define GENERIC "generic"

struct Os {
        OsinfoOs *os; /* NULL: generic */
};

struct OsDb {
        OsinfoLoader *loader;
        GHashTable *found; /* OsinfoOs to Os */
        Os generic;
};

int os_db_load(OsDb **ret, Err *err) {
        g_autoptr(GError) error = NULL;
        g_autoptr(OsDb) db = g_new0(OsDb, 1);

        db->loader = osinfo_loader_new();
        db->found = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
        osinfo_loader_process_default_path(db->loader, &error);
        if (error)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_FAILED,
                                      "cannot read what is known of systems: %s", error->message),
                                 "is the package osinfo-db installed?");
        *ret = g_steal_pointer(&db);
        return 0;
}

void os_db_free(OsDb *db) {
        if (!db)
                return;
        g_hash_table_unref(db->found);
        g_object_unref(db->loader);
        g_free(db);
}

/* The Os of what the library knows; the library's object lives in the loader. */
static const Os *wrap(OsDb *db, OsinfoOs *os) {
        Os *wrapped = g_hash_table_lookup(db->found, os);

        if (wrapped)
                return wrapped;
        wrapped = g_new0(Os, 1);
        wrapped->os = os;
        g_hash_table_insert(db->found, os, wrapped);
        return wrapped;
}

static OsinfoDb *library(OsDb *db) {
        return osinfo_loader_get_db(db->loader);
}

static const char *short_id(OsinfoOs *os) {
        return osinfo_product_get_short_id(OSINFO_PRODUCT(os));
}

static int compare_names(const void *a, const void *b) {
        return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

char **os_db_names(OsDb *db) {
        g_autoptr(OsinfoList) list = OSINFO_LIST(osinfo_db_get_os_list(library(db)));
        int n = osinfo_list_get_length(list);
        GPtrArray *names = g_ptr_array_new();

        for (int i = 0; i < n; i++)
                g_ptr_array_add(names, g_strdup(short_id(OSINFO_OS(osinfo_list_get_nth(list, i)))));
        g_ptr_array_add(names, g_strdup(GENERIC));
        g_ptr_array_sort(names, compare_names);
        g_ptr_array_add(names, NULL);
        return (char **)g_ptr_array_free(names, FALSE);
}

static OsinfoOs *find_short_id(OsDb *db, const char *name) {
        g_autoptr(OsinfoList) list = OSINFO_LIST(osinfo_db_get_os_list(library(db)));
        int n = osinfo_list_get_length(list);

        for (int i = 0; i < n; i++) {
                OsinfoOs *os = OSINFO_OS(osinfo_list_get_nth(list, i));

                if (g_strcmp0(short_id(os), name) == 0)
                        return os;
        }
        return NULL;
}

static int refuse_name(OsDb *db, const char *name, Err *err) {
        g_auto(GStrv) names = os_db_names(db);
        Nearest nearest = {.to = name};
        int r;

        for (char **known = names; *known; known++)
                nearest_offer(&nearest, *known);
        r = fail(err, VIR_ERR_INVALID_ARG, "there is no system called '%s'", name);
        if (nearest.name)
                return fail_hint(err, r, "did you mean '%s'? --osinfo list shows all",
                                 nearest.name);
        return fail_hint(err, r, "--osinfo list shows all");
}

int os_db_find(OsDb *db, const char *name, const Os **ret, Err *err) {
        g_autofree char *first = g_strdup_printf("%s.0", name);
        OsinfoOs *os = osinfo_db_get_os(library(db), name);

        if (g_str_equal(name, GENERIC)) {
                *ret = &db->generic;
                return 0;
        }
        if (!os)
                os = find_short_id(db, name);
        /* "rhel7" was a name of its own once. */
        if (!os)
                os = find_short_id(db, first);
        if (!os)
                return refuse_name(db, name, err);
        *ret = wrap(db, os);
        return 0;
}

const Os *os_db_guess_image(OsDb *db, const char *path) {
        g_autoptr(GError) error = NULL;
        g_autoptr(OsinfoMedia) media = osinfo_media_create_from_location(path, NULL, &error);
        g_autoptr(OsinfoOs) os = NULL;

        if (!media || !osinfo_db_identify_media(library(db), media))
                return NULL;
        os = osinfo_media_get_os(media);
        return os ? wrap(db, osinfo_db_get_os(library(db), osinfo_entity_get_id(OSINFO_ENTITY(os))))
                  : NULL;
}

const Os *os_db_guess_tree(OsDb *db, const char *treeinfo, const char *url) {
        g_autoptr(GError) error = NULL;
        /* It writes its error without a look at whether one is wanted. */
        g_autoptr(OsinfoTree) tree = osinfo_tree_create_from_treeinfo(treeinfo, url, &error);
        g_autoptr(OsinfoOs) os = NULL;

        if (!tree || !osinfo_db_identify_tree(library(db), tree))
                return NULL;
        os = osinfo_tree_get_os(tree);
        return os ? wrap(db, osinfo_db_get_os(library(db), osinfo_entity_get_id(OSINFO_ENTITY(os))))
                  : NULL;
}

const char *os_id(const Os *os) {
        return os->os ? osinfo_entity_get_id(OSINFO_ENTITY(os->os))
                      : "http://libosinfo.org/generic";
}

const char *os_short_id(const Os *os) {
        return os->os ? short_id(os->os) : GENERIC;
}

bool os_is_windows(const Os *os) {
        return os->os && g_strcmp0(osinfo_os_get_family(os->os), "winnt") == 0;
}

bool os_supports(const Os *os, OsDevice device) {
        /* The data's names of the devices: of virtio before and since 1.0. */
        static const char *const ids[_OS_DEVICE_MAX][2] = {
                [OS_VIRTIO_DISK] = {"http://pcisig.com/pci/1af4/1001",
                                    "http://pcisig.com/pci/1af4/1042"},
                [OS_VIRTIO_NET] = {"http://pcisig.com/pci/1af4/1000",
                                   "http://pcisig.com/pci/1af4/1041"},
                [OS_VIRTIO_1] = {"http://pcisig.com/pci/1af4/1041"},
                [OS_VIRTIO_SCSI] = {"http://pcisig.com/pci/1af4/1004",
                                    "http://pcisig.com/pci/1af4/1048"},
                [OS_VIRTIO_RNG] = {"http://pcisig.com/pci/1af4/1005",
                                   "http://pcisig.com/pci/1af4/1044"},
                [OS_VIRTIO_GPU] = {"http://pcisig.com/pci/1af4/1050"},
                [OS_VIRTIO_BALLOON] = {"http://pcisig.com/pci/1af4/1002",
                                       "http://pcisig.com/pci/1af4/1045"},
                [OS_VIRTIO_SERIAL] = {"http://pcisig.com/pci/1af4/1003",
                                      "http://pcisig.com/pci/1af4/1043"},
                [OS_USB3] = {"http://pcisig.com/pci/1b36/0004"},
                [OS_Q35] = {"http://qemu.org/chipset/x86/q35"},
        };
        g_autoptr(OsinfoList) list =
                os->os ? OSINFO_LIST(osinfo_os_get_all_devices(os->os, NULL)) : NULL;

        for (int i = 0; list && i < 2; i++)
                if (ids[device][i] && osinfo_list_find_by_id(list, ids[device][i]))
                        return true;
        return false;
}

static bool has_net_card(OsinfoList *list, const char *name) {
        int n = osinfo_list_get_length(list);

        for (int i = 0; i < n; i++) {
                OsinfoDevice *device = OSINFO_DEVICE(osinfo_list_get_nth(list, i));

                if (g_strcmp0(osinfo_device_get_class(device), "net") == 0 &&
                    g_strcmp0(osinfo_device_get_name(device), name) == 0)
                        return true;
        }
        return false;
}

const char *os_net_model(const Os *os) {
        static const char *const cards[] = {"e1000", "rtl8139", "ne2k_pci", "pcnet"};
        g_autoptr(OsinfoList) list =
                os->os ? OSINFO_LIST(osinfo_os_get_all_devices(os->os, NULL)) : NULL;

        for (size_t i = 0; list && i < G_N_ELEMENTS(cards); i++)
                if (has_net_card(list, cards[i]))
                        return cards[i];
        return NULL;
}

static bool firmware(const Os *os, const char *type, bool otherwise) {
        g_autoptr(OsinfoList) list =
                os->os ? OSINFO_LIST(osinfo_os_get_complete_firmware_list(os->os, NULL)) : NULL;
        int n = list ? osinfo_list_get_length(list) : 0;

        for (int i = 0; i < n; i++) {
                OsinfoFirmware *one = OSINFO_FIRMWARE(osinfo_list_get_nth(list, i));

                if (g_strcmp0(osinfo_firmware_get_architecture(one), ARCH) == 0 &&
                    g_strcmp0(osinfo_firmware_get_firmware_type(one), type) == 0)
                        return osinfo_firmware_is_supported(one);
        }
        return otherwise;
}

bool os_needs_uefi(const Os *os) {
        return firmware(os, "efi", false) && !firmware(os, "bios", true);
}

typedef enum Resource {
        RESOURCE_MEMORY,
        RESOURCE_STORAGE,
        RESOURCE_VCPUS,
} Resource;

/* 0: the list does not say. Takes the list. */
static uint64_t resource_consume_list(OsinfoResourcesList *consumed, Resource which) {
        g_autoptr(OsinfoList) list = OSINFO_LIST(consumed);
        int n = osinfo_list_get_length(list);
        gint64 value = -1;

        for (int i = 0; i < n && value < 0; i++) {
                OsinfoResources *one = OSINFO_RESOURCES(osinfo_list_get_nth(list, i));
                const char *arch = osinfo_resources_get_architecture(one);

                if (g_strcmp0(arch, ARCH) != 0 && g_strcmp0(arch, "all") != 0)
                        continue;
                value = which == RESOURCE_MEMORY    ? osinfo_resources_get_ram(one)
                        : which == RESOURCE_STORAGE ? osinfo_resources_get_storage(one)
                                                    : osinfo_resources_get_n_cpus(one);
        }
        return value > 0 ? (uint64_t)value : 0;
}

/* What is recommended; twice the least where that alone is known. */
static uint64_t resource(const Os *os, Resource which) {
        uint64_t value;

        if (!os->os)
                return 0;
        value = resource_consume_list(osinfo_os_get_recommended_resources(os->os), which);
        if (value > 0)
                return value;
        return 2 * resource_consume_list(osinfo_os_get_minimum_resources(os->os), which);
}

uint64_t os_memory(const Os *os) {
        return resource(os, RESOURCE_MEMORY);
}

uint64_t os_storage(const Os *os) {
        return resource(os, RESOURCE_STORAGE);
}

unsigned os_vcpus(const Os *os) {
        return (unsigned)resource(os, RESOURCE_VCPUS);
}

uint64_t os_network_memory(const Os *os) {
        if (!os->os)
                return 0;
        return resource_consume_list(osinfo_os_get_network_install_resources(os->os),
                                     RESOURCE_MEMORY);
}

const char *os_url_argument(const Os *os) {
        static const char *const known[][2] = {
                {"rhel", "inst.repo"},   {"centos", "inst.repo"}, {"fedora", "inst.repo"},
                {"sles", "install"},     {"sled", "install"},     {"sle", "install"},
                {"opensuse", "install"},
        };
        const char *word = os->os ? osinfo_os_get_kernel_url_argument(os->os) : NULL;
        const char *distro = os->os ? osinfo_os_get_distro(os->os) : NULL;

        for (size_t i = 0; !word && i < G_N_ELEMENTS(known); i++)
                if (g_strcmp0(distro, known[i][0]) == 0)
                        word = known[i][1];
        return word;
}
