/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/tree.h"

#include <errno.h>

#include "base/util.h"

struct PciTree {
        const Sys *sys;
        GPtrArray *devices; /* of PciDevice, ascending by address; it owns them */
        PciTreeFunc func;
        void *userdata;
};

static void tree_free_device(void *dev) {
        pci_device_free(dev);
}

/* The index of the function, or where it would stand. */
static bool tree_search(const PciTree *tree, PciAddr addr, unsigned *ret) {
        unsigned low = 0, high = tree->devices->len;

        while (low < high) {
                unsigned middle = low + (high - low) / 2;
                const PciDevice *dev = tree->devices->pdata[middle];
                int order = pci_addr_compare(dev->addr, addr);

                if (order == 0) {
                        *ret = middle;
                        return true;
                }
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret = low;
        return false;
}

static void tree_notify(PciTree *tree, PciAddr addr, const PciDevice *dev, PciChange change) {
        if (tree->func)
                tree->func(addr, dev, change, tree->userdata);
}

void pci_tree_forget(PciTree *tree, PciAddr addr) {
        unsigned index;

        if (!tree_search(tree, addr, &index))
                return;
        g_ptr_array_remove_index(tree->devices, index);
        tree_notify(tree, addr, NULL, PCI_REMOVED);
}

static void tree_take(PciTree *tree, PciDevice *dev) {
        unsigned index;
        PciDevice *old;

        if (!tree_search(tree, dev->addr, &index)) {
                g_ptr_array_insert(tree->devices, (int)index, dev);
                tree_notify(tree, dev->addr, dev, PCI_ADDED);
                return;
        }
        old = tree->devices->pdata[index];
        if (pci_device_is_equal(old, dev)) {
                pci_device_free(dev);
                return;
        }
        tree->devices->pdata[index] = dev;
        pci_device_free(old);
        tree_notify(tree, dev->addr, dev, PCI_CHANGED);
}

int pci_tree_refresh(PciTree *tree, PciAddr addr, Err *err) {
        g_auto(Err) gone = ERR_INIT;
        const PciDevice *known = pci_tree_find(tree, addr);
        PciDevice *dev = NULL;
        int r;

        if (known)
                r = pci_device_reload(tree->sys, known, &dev, &gone);
        else
                r = pci_device_load(tree->sys, addr, &dev, &gone);
        if (r == -ENODEV) {
                pci_tree_forget(tree, addr);
                return 0;
        }
        if (r < 0) {
                err_move(err, &gone);
                return r;
        }
        tree_take(tree, dev);
        return 0;
}

static int compare_addrs(const void *a, const void *b) {
        return pci_addr_compare(*(const PciAddr *)a, *(const PciAddr *)b);
}

/* Adds the addresses on the bus, ascending; names sort otherwise where a domain has five digits. */
static int list_bus(const Sys *sys, GArray *addrs, Err *err) {
        g_auto(GStrv) names = NULL;
        int r = sys_list(sys, "sys/bus/pci/devices", &names);

        if (r < 0 && r != -ENOENT) /* a machine may have no PCI */
                return fail_errno(err, r, "cannot list the PCI devices of the host");
        STRV_FOREACH(name, names) {
                PciAddr addr;

                if (pci_addr_parse(name, &addr) == 0)
                        g_array_append_val(addrs, addr);
        }
        g_array_sort(addrs, compare_addrs);
        return 0;
}

/* Those that the tree has and the bus, in ascending order, has no more. */
static void append_gone(const PciTree *tree, GArray *addrs) {
        unsigned n = addrs->len;

        for (unsigned i = 0, at = 0; i < tree->devices->len; i++) {
                const PciDevice *dev = tree->devices->pdata[i];

                while (at < n && pci_addr_compare(g_array_index(addrs, PciAddr, at), dev->addr) < 0)
                        at++;
                if (at == n || !pci_addr_is_equal(g_array_index(addrs, PciAddr, at), dev->addr))
                        g_array_append_val(addrs, dev->addr);
        }
}

int pci_tree_rescan(PciTree *tree, Err *err) {
        g_autoptr(GArray) addrs = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        int failed = 0, r = list_bus(tree->sys, addrs, err);

        if (r < 0)
                return r;
        append_gone(tree, addrs);
        for (unsigned i = 0; i < addrs->len; i++) {
                r = pci_tree_refresh(tree, g_array_index(addrs, PciAddr, i), err);
                if (failed == 0)
                        failed = r;
        }
        return failed;
}

int pci_tree_new(const Sys *sys, PciTree **ret, Err *err) {
        g_autoptr(PciTree) tree = g_new0(PciTree, 1);
        g_autoptr(GArray) addrs = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        int r;

        tree->sys = sys;
        tree->devices = g_ptr_array_new_with_free_func(tree_free_device);
        r = list_bus(sys, addrs, err);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < addrs->len; i++) {
                r = pci_tree_refresh(tree, g_array_index(addrs, PciAddr, i), err);
                if (r < 0)
                        return r;
        }
        *ret = g_steal_pointer(&tree);
        return 0;
}

void pci_tree_free(PciTree *tree) {
        if (!tree)
                return;
        g_ptr_array_unref(tree->devices);
        g_free(tree);
}

const Sys *pci_tree_sys(const PciTree *tree) {
        return tree->sys;
}

void pci_tree_set_callback(PciTree *tree, PciTreeFunc func, void *userdata) {
        tree->func = func;
        tree->userdata = userdata;
}

const PciDevice *pci_tree_find(const PciTree *tree, PciAddr addr) {
        unsigned index;

        return tree_search(tree, addr, &index) ? tree->devices->pdata[index] : NULL;
}

const PciDevice *const *pci_tree_list(const PciTree *tree, size_t *ret_n) {
        *ret_n = tree->devices->len;
        return (const PciDevice *const *)tree->devices->pdata;
}

const PciDevice **pci_tree_group(const PciTree *tree, int group, size_t *ret_n) {
        g_autoptr(GPtrArray) members = g_ptr_array_new();

        for (unsigned i = 0; group >= 0 && i < tree->devices->len; i++) {
                PciDevice *dev = tree->devices->pdata[i];

                if (dev->iommu_group == group)
                        g_ptr_array_add(members, dev);
        }
        *ret_n = members->len;
        return (const PciDevice **)(void *)g_ptr_array_free(g_steal_pointer(&members), FALSE);
}
