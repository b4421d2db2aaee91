/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/monitor.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <libudev.h>

#include "base/util.h"

/* Room for the burst when one write creates hundreds of virtual functions. */
#define RECEIVE_BUFFER (16 << 20)

/* udevd passes events on when its rules have run and interfaces have their names; where it does not
 * run nobody would. */
#define UDEVD_SOCKET "/run/udev/control"

struct PciMonitor {
        struct udev *udev;
        struct udev_monitor *events;
        PciMonitorNetFunc net_func;
        void *net_userdata;
};

/* What a burst of events comes down to. */
typedef struct Burst {
        GHashTable *functions; /* set of keys of addresses */
        GArray *addrs;         /* the same in the order of the events */
        GPtrArray *interfaces; /* names */
        bool overrun;
} Burst;

static void burst_init(Burst *burst) {
        burst->functions = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
        burst->addrs = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        burst->interfaces = g_ptr_array_new_with_free_func(g_free);
}

static void burst_done(Burst *burst) {
        g_hash_table_unref(burst->functions);
        g_array_unref(burst->addrs);
        g_ptr_array_unref(burst->interfaces);
}

static int subscribe(PciMonitor *monitor, const char *source) {
        static const char *const subsystems[] = {"pci", "net"};
        int r;

        monitor->events = udev_monitor_new_from_netlink(monitor->udev, source);
        if (!monitor->events)
                return neg_errno();
        for (size_t i = 0; i < G_N_ELEMENTS(subsystems); i++) {
                r = udev_monitor_filter_add_match_subsystem_devtype(monitor->events, subsystems[i],
                                                                    NULL);
                if (r < 0)
                        return r;
        }
        /* Beyond the limit of the system only for root; less room means an overrun sooner. */
        (void)udev_monitor_set_receive_buffer_size(monitor->events, RECEIVE_BUFFER);
        return udev_monitor_enable_receiving(monitor->events);
}

int pci_monitor_new(PciMonitor **ret, Err *err) {
        g_autoptr(PciMonitor) monitor = g_new0(PciMonitor, 1);
        const char *source = access(UDEVD_SOCKET, F_OK) == 0 ? "udev" : "kernel";
        int r;

        monitor->udev = udev_new();
        if (!monitor->udev)
                return fail_errno(err, neg_errno(), "cannot use libudev");
        r = subscribe(monitor, source);
        if (r < 0)
                return fail_errno(err, r, "cannot listen to the device events of '%s'", source);
        *ret = g_steal_pointer(&monitor);
        return 0;
}

void pci_monitor_free(PciMonitor *monitor) {
        if (!monitor)
                return;
        udev_monitor_unref(monitor->events);
        udev_unref(monitor->udev);
        g_free(monitor);
}

void pci_monitor_set_net_callback(PciMonitor *monitor, PciMonitorNetFunc func, void *userdata) {
        monitor->net_func = func;
        monitor->net_userdata = userdata;
}

int pci_monitor_fd(const PciMonitor *monitor) {
        return udev_monitor_get_fd(monitor->events);
}

static void burst_add_function(Burst *burst, const char *name) {
        PciAddr addr;
        uint64_t key;

        if (pci_addr_parse(name, &addr) < 0)
                return;
        key = pci_addr_key(addr);
        if (g_hash_table_add(burst->functions, g_memdup2(&key, sizeof(key))))
                g_array_append_val(burst->addrs, addr);
}

static void burst_add_interface(Burst *burst, const char *name) {
        if (name && !g_ptr_array_find_with_equal_func(burst->interfaces, name, g_str_equal, NULL))
                g_ptr_array_add(burst->interfaces, g_strdup(name));
}

static void burst_add(Burst *burst, struct udev_device *event) {
        const char *subsystem = udev_device_get_subsystem(event);
        const char *old_path = udev_device_get_property_value(event, "DEVPATH_OLD");
        const char *name = udev_device_get_sysname(event);

        if (g_strcmp0(subsystem, "pci") == 0) {
                burst_add_function(burst, name);
                return;
        }
        if (old_path) {
                g_autofree char *old_name = g_path_get_basename(old_path);

                burst_add_interface(burst, old_name);
        }
        burst_add_interface(burst, name);
}

static int collect(PciMonitor *monitor, Burst *burst, Err *err) {
        for (;;) {
                struct udev_device *event;

                errno = 0;
                event = udev_monitor_receive_device(monitor->events);
                if (event) {
                        burst_add(burst, event);
                        udev_device_unref(event);
                        continue;
                }
                if (errno == 0 || errno == EAGAIN)
                        return 0;
                if (errno == EINTR)
                        continue;
                if (errno != ENOBUFS)
                        return fail_errno(err, neg_errno(), "cannot receive device events");
                burst->overrun = true;
        }
}

static int refresh_functions(const Burst *burst, PciTree *tree, Err *err) {
        int failed = 0;

        if (burst->overrun)
                return pci_tree_rescan(tree, err);
        for (unsigned i = 0; i < burst->addrs->len; i++) {
                int r = pci_tree_refresh(tree, g_array_index(burst->addrs, PciAddr, i), err);

                if (failed == 0)
                        failed = r;
        }
        return failed;
}

static void tell_interfaces(PciMonitor *monitor, const Burst *burst) {
        if (!monitor->net_func)
                return;
        if (burst->overrun) {
                monitor->net_func(NULL, monitor->net_userdata);
                return;
        }
        for (unsigned i = 0; i < burst->interfaces->len; i++)
                monitor->net_func(burst->interfaces->pdata[i], monitor->net_userdata);
}

int pci_monitor_dispatch(PciMonitor *monitor, PciTree *tree, Err *err) {
        _cleanup_(burst_done) Burst burst = {};
        int r, refreshed;

        burst_init(&burst);
        r = collect(monitor, &burst, err);
        refreshed = refresh_functions(&burst, tree, err);
        tell_interfaces(monitor, &burst);
        return r < 0 ? r : refreshed;
}
