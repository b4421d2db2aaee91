/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/monitor.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <libudev.h>

#include "base/util.h"

/* Room for the burst when one write creates hundreds of virtual functions. */
#define RECEIVE_BUFFER (16 << 20)

/* Where udevd runs, an interface has its name only when the rules for it have run. Facts of PCI do
 * not wait for rules: the kernel's own events tell them seconds earlier on a slow machine. */
#define UDEVD_SOCKET "/run/udev/control"

typedef enum Source {
        SOURCE_PCI,
        SOURCE_NET,
        _SOURCE_MAX,
} Source;

struct PciMonitor {
        struct udev *udev;
        struct udev_monitor *sources[_SOURCE_MAX];
        int epoll; /* over their sockets */
        PciMonitorNetFunc net_func;
        void *net_userdata;
};

/* What a burst of events comes down to. */
typedef struct Burst {
        GHashTable *functions; /* set of keys of addresses */
        GArray *addrs;         /* the same in the order of the events */
        GArray *removed;       /* those that were pulled out, there again or not */
        GPtrArray *interfaces; /* names */
        bool overrun;
} Burst;

static void burst_init(Burst *burst) {
        burst->functions = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
        burst->addrs = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        burst->removed = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        burst->interfaces = g_ptr_array_new_with_free_func(g_free);
}

static void burst_done(Burst *burst) {
        g_hash_table_unref(burst->functions);
        g_array_unref(burst->addrs);
        g_array_unref(burst->removed);
        g_ptr_array_unref(burst->interfaces);
}

static int subscribe(PciMonitor *monitor, Source source, const char *subsystem,
                     const char *origin) {
        struct epoll_event interest = {.events = EPOLLIN};
        struct udev_monitor *events = udev_monitor_new_from_netlink(monitor->udev, origin);
        int r;

        if (!events)
                return neg_errno();
        monitor->sources[source] = events;
        r = udev_monitor_filter_add_match_subsystem_devtype(events, subsystem, NULL);
        if (r < 0)
                return r;
        /* Beyond the limit of the system only for root; less room means an overrun sooner. */
        (void)udev_monitor_set_receive_buffer_size(events, RECEIVE_BUFFER);
        r = udev_monitor_enable_receiving(events);
        if (r < 0)
                return r;
        r = epoll_ctl(monitor->epoll, EPOLL_CTL_ADD, udev_monitor_get_fd(events), &interest);
        return r < 0 ? neg_errno() : 0;
}

int pci_monitor_new(PciMonitor **ret, Err *err) {
        g_autoptr(PciMonitor) monitor = g_new0(PciMonitor, 1);
        bool has_udevd = access(UDEVD_SOCKET, F_OK) == 0;
        int r;

        monitor->epoll = epoll_create1(EPOLL_CLOEXEC);
        monitor->udev = udev_new();
        if (monitor->epoll < 0 || !monitor->udev)
                return fail_errno(err, neg_errno(), "cannot use libudev");
        r = subscribe(monitor, SOURCE_PCI, "pci", "kernel");
        if (r == 0)
                r = subscribe(monitor, SOURCE_NET, "net", has_udevd ? "udev" : "kernel");
        if (r < 0)
                return fail_errno(err, r, "cannot listen to the events of devices");
        *ret = g_steal_pointer(&monitor);
        return 0;
}

void pci_monitor_free(PciMonitor *monitor) {
        if (!monitor)
                return;
        for (size_t i = 0; i < _SOURCE_MAX; i++)
                udev_monitor_unref(monitor->sources[i]);
        closep(&monitor->epoll);
        udev_unref(monitor->udev);
        g_free(monitor);
}

void pci_monitor_set_net_callback(PciMonitor *monitor, PciMonitorNetFunc func, void *userdata) {
        monitor->net_func = func;
        monitor->net_userdata = userdata;
}

int pci_monitor_fd(const PciMonitor *monitor) {
        return monitor->epoll;
}

static void burst_add_function(Burst *burst, PciAddr addr) {
        uint64_t key = pci_addr_key(addr);

        if (g_hash_table_add(burst->functions, g_memdup2(&key, sizeof(key))))
                g_array_append_val(burst->addrs, addr);
}

static void burst_add_interface(Burst *burst, const char *name) {
        if (name && !g_ptr_array_find_with_equal_func(burst->interfaces, name, g_str_equal, NULL))
                g_ptr_array_add(burst->interfaces, g_strdup(name));
}

static void burst_add(Burst *burst, Source source, struct udev_device *event) {
        const char *old_path = udev_device_get_property_value(event, "DEVPATH_OLD");
        const char *name = udev_device_get_sysname(event);

        PciAddr addr;

        if (source == SOURCE_PCI) {
                if (pci_addr_parse(name, &addr) < 0)
                        return;
                burst_add_function(burst, addr);
                if (g_strcmp0(udev_device_get_action(event), "remove") == 0)
                        g_array_append_val(burst->removed, addr);
                return;
        }
        if (old_path) {
                g_autofree char *old_name = g_path_get_basename(old_path);

                burst_add_interface(burst, old_name);
        }
        burst_add_interface(burst, name);
}

static int collect(const PciMonitor *monitor, Source source, Burst *burst, Err *err) {
        for (;;) {
                struct udev_device *event;

                errno = 0;
                event = udev_monitor_receive_device(monitor->sources[source]);
                if (event) {
                        burst_add(burst, source, event);
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

/* The kernel does not say that a physical function lost its virtual ones, only that those went. */
static void burst_add_owners(Burst *burst, const PciTree *tree) {
        unsigned n = burst->addrs->len;

        for (unsigned i = 0; i < n; i++) {
                const PciDevice *dev = pci_tree_find(tree, g_array_index(burst->addrs, PciAddr, i));

                if (dev && dev->is_vf)
                        burst_add_function(burst, dev->pf);
        }
}

static int refresh_functions(Burst *burst, PciTree *tree, Err *err) {
        int failed = 0;

        if (burst->overrun)
                return pci_tree_rescan(tree, err);
        burst_add_owners(burst, tree);
        for (unsigned i = 0; i < burst->removed->len; i++)
                pci_tree_forget(tree, g_array_index(burst->removed, PciAddr, i));
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
        int failed = 0, r;

        burst_init(&burst);
        for (Source source = 0; failed == 0 && source < _SOURCE_MAX; source++)
                failed = collect(monitor, source, &burst, err);
        r = refresh_functions(&burst, tree, err);
        tell_interfaces(monitor, &burst);
        return failed < 0 ? failed : r;
}
