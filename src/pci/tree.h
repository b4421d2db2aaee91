/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inventory: every PCI function of the host, by address, and the IOMMU groups over them. Built
 * in one pass over sysfs and kept true by udev events; answers come from memory. */

#include "pci/device.h"

typedef struct PciTree PciTree;

typedef enum PciChange {
        PCI_ADDED,
        PCI_REMOVED,
        PCI_CHANGED, /* driver, number of VFs … */
} PciChange;

/* Called after the tree has taken the change in; dev is NULL for PCI_REMOVED. */
typedef void (*PciTreeFunc)(PciAddr addr, const PciDevice *dev, PciChange change, void *userdata);

/* sys is borrowed and outlives the tree. */
int pci_tree_new(const Sys *sys, PciTree **ret, Err *err);
void pci_tree_free(PciTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PciTree, pci_tree_free)

const Sys *pci_tree_sys(const PciTree *tree);
void pci_tree_set_callback(PciTree *tree, PciTreeFunc func, void *userdata);

/* Reads one function again (pci_device_reload(); or for the first time, or finds it gone) and tells
 * the callback what changed, if anything did. */
int pci_tree_refresh(PciTree *tree, PciAddr addr, Err *err);

/* The function went, even if something stands at its address again: that is another one, of which
 * the next refresh reads everything. */
void pci_tree_forget(PciTree *tree, PciAddr addr);

/* Lists the bus again and refreshes every function, those that came and went included: for when
 * events were lost. A function that cannot be read keeps its old facts; the first such failure is
 * returned. */
int pci_tree_rescan(PciTree *tree, Err *err);

/* NULL: there is no such function. */
const PciDevice *pci_tree_find(const PciTree *tree, PciAddr addr);

/* All functions, ascending by address; the array is borrowed and valid until the next refresh. */
const PciDevice *const *pci_tree_list(const PciTree *tree, size_t *ret_n);

/* The members of an IOMMU group, ascending by address, bridges and ports included; the caller frees
 * the array (g_free), not the devices. n 0: no such group. */
const PciDevice **pci_tree_group(const PciTree *tree, int group, size_t *ret_n);
