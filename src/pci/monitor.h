/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps a PciTree true by the kernel's events of devices, and tells of network interfaces once
 * udevd, where it runs, has given them their names. It knows no event loop: whoever has one waits
 * until the descriptor is readable and calls
 *
 *         r = pci_monitor_dispatch(monitor, tree, &err);
 *
 * Make the monitor before the tree, so that nothing can happen in between unseen. */

#include <glib.h>

#include "base/err.h"
#include "pci/tree.h"

typedef struct PciMonitor PciMonitor;

/* A network interface appeared, went, or got another name: name is what to read again. */
typedef void (*PciMonitorNetFunc)(const char *name, void *userdata);

int pci_monitor_new(PciMonitor **ret, Err *err);
void pci_monitor_free(PciMonitor *monitor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PciMonitor, pci_monitor_free)

/* Who shows network interfaces beside their functions asks for them; NULL as a name: events were
 * lost, all may be different. Called after the tree has its changes. */
void pci_monitor_set_net_callback(PciMonitor *monitor, PciMonitorNetFunc func, void *userdata);

/* Non-blocking; readable when there is something to dispatch. Owned by the monitor. */
int pci_monitor_fd(const PciMonitor *monitor);

/* Takes all events that wait and refreshes each function that they name once; after an overrun of
 * the socket, every function. A function that cannot be read keeps its old facts and does not stop
 * the others; the first such failure is returned. */
int pci_monitor_dispatch(PciMonitor *monitor, PciTree *tree, Err *err);
