/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/nodedev.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

#define ROOT_NAME "computer"
#define ZERO_UUID "00000000-0000-0000-0000-000000000000"

struct Nodedevs {
        PciTree *tree;
        PciNames *names;
        NodedevSystem system;
        GHashTable *by_name; /* name → Nodedev, which it owns */
        GPtrArray *list;     /* the same in their order */
        bool is_sorted;
        NodedevFunc func;
        void *userdata;
};

static const char *const capabilities[] = {
        [NODEDEV_SYSTEM] = "system",
        [NODEDEV_PCI] = "pci",
        [NODEDEV_NET] = "net",
};
G_STATIC_ASSERT(G_N_ELEMENTS(capabilities) == _NODEDEV_KIND_MAX);

const char *nodedev_capability(const Nodedev *dev) {
        return capabilities[dev->kind];
}

static void nodedev_free(void *data) {
        Nodedev *dev = data;

        if (!dev)
                return;
        g_free(dev->name);
        g_free(dev->parent);
        g_free(dev->interface);
        g_free(dev->address);
        g_free(dev->path);
        g_free(dev);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Nodedev, nodedev_free)

static void nodedevs_tell(Nodedevs *nodedevs, const char *name, NodedevChange change) {
        if (nodedevs->func)
                nodedevs->func(name, change, nodedevs->userdata);
}

/* Consumes dev. Names are not always unique ("eth0.1" and "eth0_1" on one card become one): the
 * first keeps it. */
static void nodedevs_add(Nodedevs *nodedevs, Nodedev *dev) {
        if (g_hash_table_contains(nodedevs->by_name, dev->name)) {
                nodedev_free(dev);
                return;
        }
        g_hash_table_insert(nodedevs->by_name, dev->name, dev);
        g_ptr_array_add(nodedevs->list, dev);
        nodedevs->is_sorted = false;
        nodedevs_tell(nodedevs, dev->name, NODEDEV_CREATED);
}

static void nodedevs_remove(Nodedevs *nodedevs, const char *known_name) {
        g_autofree char *name = g_strdup(known_name); /* it may be the device's own */
        Nodedev *dev = g_hash_table_lookup(nodedevs->by_name, name);

        if (!dev)
                return;
        g_ptr_array_remove(nodedevs->list, dev);
        g_hash_table_remove(nodedevs->by_name, name);
        nodedevs_tell(nodedevs, name, NODEDEV_DELETED);
}

/* ---- PCI functions ---- */

static Nodedev *nodedev_new_pci(const PciDevice *pci) {
        Nodedev *dev = g_new0(Nodedev, 1);
        PciAddr parent;

        dev->kind = NODEDEV_PCI;
        dev->addr = pci->addr;
        dev->name = pci_addr_node_name(pci->addr);
        if (pci->parent && pci_addr_parse(pci->parent, &parent) == 0)
                dev->parent = pci_addr_node_name(parent);
        else
                dev->parent = g_strdup(ROOT_NAME);
        return dev;
}

/* ---- network interfaces ---- */

static char *net_name(const char *interface, const char *address) {
        g_autofree char *name = g_strdup_printf("net_%s_%s", interface, address ? address : "");

        for (char *c = name; *c; c++)
                if (!g_ascii_isalnum(*c))
                        *c = '_';
        return g_steal_pointer(&name);
}

/* The last address in the path of sysfs is the function that the interface stands on, whatever is
 * between them (a virtio device); one that stands on none is the computer's own. */
static char *net_parent(const Nodedevs *nodedevs, const char *path) {
        g_auto(GStrv) parts = g_strsplit(path, "/", 0);

        for (guint i = g_strv_length(parts); i > 0; i--) {
                PciAddr addr;

                if (pci_addr_parse(parts[i - 1], &addr) == 0 && pci_tree_find(nodedevs->tree, addr))
                        return pci_addr_node_name(addr);
        }
        return g_strdup(ROOT_NAME);
}

static char *read_below(const Sys *sys, const char *dir, const char *file) {
        g_autofree char *path = g_build_filename(dir, file, NULL);
        g_autofree char *text = NULL;

        if (sys_read_text(sys, path, &text) < 0 || !*text)
                return NULL;
        return g_steal_pointer(&text);
}

/* NULL: there is no such interface, or no more. */
static Nodedev *nodedev_load_net(const Nodedevs *nodedevs, const char *interface) {
        g_autoptr(Nodedev) dev = g_new0(Nodedev, 1);
        const Sys *sys = pci_tree_sys(nodedevs->tree);
        g_autofree char *link = g_strdup_printf("sys/class/net/%s", interface);
        g_autofree char *uevent = NULL;

        dev->kind = NODEDEV_NET;
        if (sys_realpath(sys, link, &dev->path) < 0)
                return NULL;
        uevent = read_below(sys, dev->path, "uevent");
        if (!uevent) /* such as the file bonding_masters, which stands between the links */
                return NULL;
        dev->is_wireless = strstr(uevent, "DEVTYPE=wlan") != NULL;
        dev->interface = g_strdup(interface);
        dev->address = read_below(sys, dev->path, "address");
        dev->name = net_name(interface, dev->address);
        dev->parent = net_parent(nodedevs, dev->path);
        return g_steal_pointer(&dev);
}

static const Nodedev *find_interface(const Nodedevs *nodedevs, const char *interface) {
        for (unsigned i = 0; i < nodedevs->list->len; i++) {
                const Nodedev *dev = nodedevs->list->pdata[i];

                if (dev->kind == NODEDEV_NET && strcmp(dev->interface, interface) == 0)
                        return dev;
        }
        return NULL;
}

static void refresh_interface(Nodedevs *nodedevs, const char *interface) {
        g_autoptr(Nodedev) dev = nodedev_load_net(nodedevs, interface);
        const Nodedev *old = find_interface(nodedevs, interface);

        if (old && dev && strcmp(old->name, dev->name) == 0 && strcmp(old->path, dev->path) == 0)
                return;
        if (old)
                nodedevs_remove(nodedevs, old->name);
        if (dev)
                nodedevs_add(nodedevs, g_steal_pointer(&dev));
}

static void refresh_all_interfaces(Nodedevs *nodedevs) {
        g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func(g_free);
        g_auto(GStrv) names = NULL;

        for (unsigned i = 0; i < nodedevs->list->len; i++) {
                const Nodedev *dev = nodedevs->list->pdata[i];

                if (dev->kind == NODEDEV_NET)
                        g_ptr_array_add(known, g_strdup(dev->interface));
        }
        for (unsigned i = 0; i < known->len; i++)
                refresh_interface(nodedevs, known->pdata[i]);
        if (sys_list(pci_tree_sys(nodedevs->tree), "sys/class/net", &names) < 0)
                return; /* a kernel without networking */
        STRV_FOREACH(name, names)
                if (!find_interface(nodedevs, name))
                        refresh_interface(nodedevs, name);
}

void nodedevs_refresh_net(const char *interface, void *userdata) {
        Nodedevs *nodedevs = userdata;

        if (interface)
                refresh_interface(nodedevs, interface);
        else
                refresh_all_interfaces(nodedevs);
}

/* Those known of a function that lost its driver or went: their own events may come much later. */
static void refresh_interfaces_of(Nodedevs *nodedevs, const char *parent) {
        g_autoptr(GPtrArray) interfaces = g_ptr_array_new_with_free_func(g_free);

        for (unsigned i = 0; i < nodedevs->list->len; i++) {
                const Nodedev *dev = nodedevs->list->pdata[i];

                if (dev->kind == NODEDEV_NET && strcmp(dev->parent, parent) == 0)
                        g_ptr_array_add(interfaces, g_strdup(dev->interface));
        }
        for (unsigned i = 0; i < interfaces->len; i++)
                refresh_interface(nodedevs, interfaces->pdata[i]);
}

/* ---- changes of functions ---- */

static void on_pci_change(PciAddr addr, const PciDevice *pci, PciChange change, void *userdata) {
        Nodedevs *nodedevs = userdata;
        g_autofree char *name = pci_addr_node_name(addr);

        switch (change) {
        case PCI_ADDED:
                nodedevs_add(nodedevs, nodedev_new_pci(pci));
                break;
        case PCI_REMOVED:
                nodedevs_remove(nodedevs, name);
                refresh_interfaces_of(nodedevs, name);
                break;
        case PCI_CHANGED:
                nodedevs_tell(nodedevs, name, NODEDEV_UPDATED);
                refresh_interfaces_of(nodedevs, name);
                break;
        }
}

/* ---- the computer ---- */

/* "4c4c4544-…" or 32 digits in a row, in the form with hyphens; NULL for what is no UUID, or one
 * that a careless maker left at zeros or ones. */
static char *clean_uuid(const char *text) {
        g_autoptr(GString) digits = g_string_new(NULL);

        for (const char *c = text; *c; c++) {
                if (g_ascii_isxdigit(*c))
                        g_string_append_c(digits, g_ascii_tolower(*c));
                else if (*c != '-')
                        return NULL;
        }
        if (digits->len != 32 || strspn(digits->str, "0") == 32 || strspn(digits->str, "f") == 32)
                return NULL;
        for (gssize at = 8; at <= 23; at += 5)
                g_string_insert_c(digits, at, '-');
        return g_string_free(g_steal_pointer(&digits), FALSE);
}

static char *read_uuid(const Sys *sys) {
        static const struct {
                const char *dir, *file;
        } sources[] = {{"sys/devices/virtual/dmi/id", "product_uuid"}, {"etc", "machine-id"}};

        for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
                g_autofree char *text = read_below(sys, sources[i].dir, sources[i].file);
                char *uuid = text ? clean_uuid(text) : NULL;

                if (uuid)
                        return uuid;
        }
        return g_strdup(ZERO_UUID);
}

static void system_load(NodedevSystem *system, const Sys *sys) {
        const struct {
                const char *file;
                char **field;
        } fields[] = {
                {"product_name", &system->product},
                {"sys_vendor", &system->vendor},
                {"product_version", &system->version},
                {"bios_vendor", &system->firmware_vendor},
                {"bios_version", &system->firmware_version},
                {"bios_date", &system->firmware_date},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
                *fields[i].field = read_below(sys, "sys/devices/virtual/dmi/id", fields[i].file);
        system->uuid = read_uuid(sys);
}

static void system_done(NodedevSystem *system) {
        g_free(system->product);
        g_free(system->vendor);
        g_free(system->version);
        g_free(system->uuid);
        g_free(system->firmware_vendor);
        g_free(system->firmware_version);
        g_free(system->firmware_date);
}

static Nodedev *nodedev_new_system(void) {
        Nodedev *dev = g_new0(Nodedev, 1);

        dev->kind = NODEDEV_SYSTEM;
        dev->name = g_strdup(ROOT_NAME);
        return dev;
}

/* ---- all of them ---- */

int nodedevs_new(PciTree *tree, PciNames *names, Nodedevs **ret, Err *err) {
        Nodedevs *nodedevs = g_new0(Nodedevs, 1);
        size_t n;
        const PciDevice *const *functions = pci_tree_list(tree, &n);

        nodedevs->tree = tree;
        nodedevs->names = names;
        nodedevs->list = g_ptr_array_new();
        nodedevs->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, nodedev_free);
        system_load(&nodedevs->system, pci_tree_sys(tree));
        nodedevs_add(nodedevs, nodedev_new_system());
        for (size_t i = 0; i < n; i++)
                nodedevs_add(nodedevs, nodedev_new_pci(functions[i]));
        refresh_all_interfaces(nodedevs);
        pci_tree_set_callback(tree, on_pci_change, nodedevs);
        *ret = nodedevs;
        return 0;
}

void nodedevs_free(Nodedevs *nodedevs) {
        if (!nodedevs)
                return;
        pci_tree_set_callback(nodedevs->tree, NULL, NULL);
        g_ptr_array_unref(nodedevs->list);
        g_hash_table_unref(nodedevs->by_name);
        system_done(&nodedevs->system);
        g_free(nodedevs);
}

void nodedevs_set_callback(Nodedevs *nodedevs, NodedevFunc func, void *userdata) {
        nodedevs->func = func;
        nodedevs->userdata = userdata;
}

PciTree *nodedevs_tree(const Nodedevs *nodedevs) {
        return nodedevs->tree;
}

PciNames *nodedevs_names(const Nodedevs *nodedevs) {
        return nodedevs->names;
}

const NodedevSystem *nodedevs_system(const Nodedevs *nodedevs) {
        return &nodedevs->system;
}

const Nodedev *nodedevs_find(const Nodedevs *nodedevs, const char *name) {
        return g_hash_table_lookup(nodedevs->by_name, name);
}

int nodedevs_lookup(const Nodedevs *nodedevs, const char *name, const Nodedev **ret, Err *err) {
        const Nodedev *dev = nodedevs_find(nodedevs, name);

        if (!dev)
                return fail(err, VIR_ERR_NO_NODE_DEVICE, "no node device with matching name '%s'",
                            name);
        *ret = dev;
        return 0;
}

static int compare_devices(const void *a, const void *b) {
        const Nodedev *left = *(const Nodedev *const *)a, *right = *(const Nodedev *const *)b;

        if (left->kind != right->kind)
                return left->kind < right->kind ? -1 : 1;
        if (left->kind == NODEDEV_PCI)
                return pci_addr_compare(left->addr, right->addr);
        return strcmp(left->name, right->name);
}

const Nodedev *const *nodedevs_list(Nodedevs *nodedevs, size_t *ret_n) {
        if (!nodedevs->is_sorted)
                g_ptr_array_sort(nodedevs->list, compare_devices);
        nodedevs->is_sorted = true;
        *ret_n = nodedevs->list->len;
        return (const Nodedev *const *)nodedevs->list->pdata;
}

bool nodedev_is_persistent(const Nodedev *dev) {
        return dev->kind == NODEDEV_SYSTEM;
}

bool nodedev_matches(const Nodedev *dev, uint32_t flags) {
        static const uint32_t kinds[] = {
                [NODEDEV_SYSTEM] = NODEDEV_LIST_SYSTEM,
                [NODEDEV_PCI] = NODEDEV_LIST_PCI,
                [NODEDEV_NET] = NODEDEV_LIST_NET,
        };
        bool is_persistent = nodedev_is_persistent(dev);
        const struct {
                uint32_t question, answer;
        } questions[] = {
                {NODEDEV_LIST_KINDS, kinds[dev->kind]},
                {NODEDEV_LIST_PERSISTENT | NODEDEV_LIST_TRANSIENT,
                 is_persistent ? NODEDEV_LIST_PERSISTENT : NODEDEV_LIST_TRANSIENT},
                {NODEDEV_LIST_ACTIVE | NODEDEV_LIST_INACTIVE, NODEDEV_LIST_ACTIVE},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(questions); i++)
                if (flags & questions[i].question && !(flags & questions[i].answer))
                        return false;
        return true;
}
