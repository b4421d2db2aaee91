/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/device.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "pci/config.h"

#define BUS "sys/bus/pci/devices"

#define CLASS_DISPLAY        0x03 /* base class */
#define CLASS_HOST_BRIDGE    0x0600
#define CLASS_PCI_BRIDGE     0x0604
#define CLASS_CARDBUS_BRIDGE 0x0607

/* Flags of the kernel's resources, include/linux/ioport.h. */
#define RESOURCE_IO       0x00000100u
#define RESOURCE_PREFETCH 0x00002000u
#define RESOURCE_64BIT    0x00100000u

#define RESOURCE_ROM PCI_BARS /* the line behind those of the BARs */

const char *pci_kind_to_string(PciKind kind) {
        static const char *const names[] = {
                [PCI_ENDPOINT] = "endpoint",
                [PCI_ROOT_PORT] = "root-port",
                [PCI_UPSTREAM_PORT] = "upstream-port",
                [PCI_DOWNSTREAM_PORT] = "downstream-port",
                [PCI_BRIDGE] = "bridge",
                [PCI_CARDBUS] = "cardbus-bridge",
                [PCI_HOST_BRIDGE] = "host-bridge",
                [PCI_EVENT_COLLECTOR] = "event-collector",
        };

        G_STATIC_ASSERT(G_N_ELEMENTS(names) == _PCI_KIND_MAX);
        return names[kind];
}

void pci_device_free(PciDevice *dev) {
        if (!dev)
                return;
        g_free(dev->path);
        g_free(dev->parent);
        g_free(dev->driver);
        g_free(dev->reset_method);
        g_free(dev->vf_addrs);
        g_free(dev);
}

bool pci_device_is_endpoint(const PciDevice *dev) {
        return dev->kind == PCI_ENDPOINT;
}

char *pci_device_attribute(PciAddr addr, const char *name) {
        return g_strdup_printf(BUS "/%s/%s", PCI_ADDR_TEXT(addr), name);
}

/* What the reading of one function needs at each step. */
typedef struct Reading {
        const Sys *dir; /* of the function */
        PciDevice *dev;
        const PciDevice *known; /* what was read of it earlier; NULL: nothing */
        Err *err;
} Reading;

static int fail_read(const Reading *reading, int r, const char *name) {
        return fail_errno(reading->err, r, "cannot read '%s' of PCI device %s", name,
                          PCI_ADDR_TEXT(reading->dev->addr));
}

/* An absent file leaves *ret as it is. */
static int read_text(const Reading *reading, const char *name, char **ret) {
        int r = sys_read_text(reading->dir, name, ret);

        return r < 0 && r != -ENOENT ? fail_read(reading, r, name) : 0;
}

static int read_uint(const Reading *reading, const char *name, uint64_t max, uint64_t *ret) {
        g_autofree char *text = NULL;
        int r = read_text(reading, name, &text);

        if (r < 0 || !text)
                return r;
        r = str_to_uint(text, 0, max, ret);
        return r < 0 ? fail_read(reading, r, name) : 0;
}

static int read_link_name(const Reading *reading, const char *name, char **ret) {
        int r = sys_readlink_name(reading->dir, name, ret);

        return r < 0 && r != -ENOENT ? fail_read(reading, r, name) : 0;
}

/* "8086:10D3" */
static int parse_ids(const char *text, uint16_t *ret_vendor, uint16_t *ret_device) {
        g_auto(GStrv) parts = g_strsplit(text, ":", 0);
        uint64_t vendor, device;
        int r;

        if (g_strv_length(parts) != 2)
                return -EINVAL;
        r = str_to_uint(parts[0], 16, UINT16_MAX, &vendor);
        if (r < 0)
                return r;
        r = str_to_uint(parts[1], 16, UINT16_MAX, &device);
        if (r < 0)
                return r;
        *ret_vendor = (uint16_t)vendor;
        *ret_device = (uint16_t)device;
        return 0;
}

static int take_uevent(PciDevice *dev, const char *key, const char *value) {
        uint64_t class;
        int r;

        if (strcmp(key, "PCI_ID") == 0)
                return parse_ids(value, &dev->vendor, &dev->device);
        if (strcmp(key, "PCI_SUBSYS_ID") == 0)
                return parse_ids(value, &dev->subsystem_vendor, &dev->subsystem_device);
        if (strcmp(key, "PCI_CLASS") == 0) {
                r = str_to_uint(value, 16, 0xffffff, &class);
                if (r == 0)
                        dev->class = (uint32_t) class;
                return r;
        }
        if (strcmp(key, "DRIVER") == 0) {
                g_free(dev->driver);
                dev->driver = g_strdup(value);
        }
        return 0;
}

/* One file has the ids, the class and the driver. The ids of a virtual function are only the
 * kernel's to know: its configuration space reads as ones there. */
static int load_uevent(const Reading *reading) {
        g_autofree char *text = NULL;
        char *rest, *line;
        int r;

        r = sys_read_text(reading->dir, "uevent", &text);
        if (r < 0)
                return fail_read(reading, r, "uevent");
        rest = text;
        while ((line = strsep(&rest, "\n"))) {
                char *equals = strchr(line, '=');

                if (!equals)
                        continue;
                *equals = '\0';
                r = take_uevent(reading->dev, line, equals + 1);
                if (r < 0)
                        return fail_read(reading, r, "uevent");
        }
        return 0;
}

static int read_config(void *userdata, unsigned offset, void *buffer, size_t size) {
        const int *fd = userdata;
        ssize_t n = pread(*fd, buffer, size, (off_t)offset);

        return n < 0 ? neg_errno() : (int)n;
}

static PciKind kind_of(const PciDevice *dev, const PciConfig *config) {
        static const PciKind ports[] = {
                [PCI_EXPRESS_ROOT_PORT] = PCI_ROOT_PORT,
                [PCI_EXPRESS_UPSTREAM_PORT] = PCI_UPSTREAM_PORT,
                [PCI_EXPRESS_DOWNSTREAM_PORT] = PCI_DOWNSTREAM_PORT,
        };
        uint32_t class = dev->class >> 8;

        /* A function that does not respond is judged by what the kernel remembers of it. */
        if (config->header == PCI_HEADER_CARDBUS || class == CLASS_CARDBUS_BRIDGE)
                return PCI_CARDBUS;
        if (config->header == PCI_HEADER_BRIDGE || class == CLASS_PCI_BRIDGE) {
                if (config->is_express && config->express_type < G_N_ELEMENTS(ports) &&
                    ports[config->express_type] != PCI_ENDPOINT)
                        return ports[config->express_type];
                return PCI_BRIDGE;
        }
        if (config->is_express && config->express_type == PCI_EXPRESS_EVENT_COLLECTOR)
                return PCI_EVENT_COLLECTOR;
        return class == CLASS_HOST_BRIDGE ? PCI_HOST_BRIDGE : PCI_ENDPOINT;
}

static bool is_known(const Reading *reading) {
        const PciDevice *dev = reading->dev, *known = reading->known;

        return known && known->responds && strcmp(dev->path, known->path) == 0 &&
               dev->vendor == known->vendor && dev->device == known->device &&
               dev->class == known->class;
}

static void take_known(PciDevice *dev, const PciDevice *known) {
        dev->responds = known->responds;
        dev->kind = known->kind;
        dev->revision = known->revision;
        dev->is_express = known->is_express;
        dev->has_flr = known->has_flr;
        dev->has_msi = known->has_msi;
        dev->has_msix = known->has_msix;
        dev->has_ari = known->has_ari;
        dev->has_pm_reset = known->has_pm_reset;
        dev->has_link = known->has_link;
        dev->link_cap = known->link_cap;
        dev->link_now = known->link_now;
}

static void take_config(PciDevice *dev, const PciConfig *config) {
        dev->responds = config->responds;
        dev->kind = kind_of(dev, config);
        dev->revision = config->revision;
        dev->is_express = config->is_express;
        dev->has_flr = config->has_flr;
        dev->has_msi = config->has_msi;
        dev->has_msix = config->has_msix;
        dev->has_ari = config->has_ari;
        dev->has_pm_reset = config->has_pm_reset;
        dev->has_link = config->has_link;
        dev->link_cap = config->link_cap;
        dev->link_now = config->link_now;
}

static int load_config(const Reading *reading) {
        _cleanup_(closep) int fd = -1;
        PciConfig config = {};
        int r;

        if (is_known(reading)) {
                take_known(reading->dev, reading->known);
                return 0;
        }
        fd = sys_open(reading->dir, "config", O_RDONLY);
        r = fd < 0 ? fd : pci_config_load(read_config, &fd, &config);
        if (r < 0 && r != -ENOENT)
                return fail_read(reading, r, "config");
        take_config(reading->dev, &config);
        return 0;
}

static void take_resource(PciDevice *dev, size_t index, const uint64_t numbers[static 3]) {
        uint64_t start = numbers[0], end = numbers[1], flags = numbers[2];
        uint64_t size = end > start ? end - start + 1 : 0;

        if (index == RESOURCE_ROM)
                dev->rom_size = size;
        if (index >= PCI_BARS || size == 0)
                return;
        dev->bars[index] = (PciBar){
                .start = start,
                .size = size,
                .is_io = flags & RESOURCE_IO,
                .is_64bit = flags & RESOURCE_64BIT,
                .is_prefetchable = flags & RESOURCE_PREFETCH,
        };
}

/* "start end flags" */
static int parse_resource(char *line, uint64_t ret[static 3]) {
        for (size_t i = 0; i < 3; i++) {
                int r = str_to_uint(strsep(&line, " "), 16, UINT64_MAX, &ret[i]);

                if (r < 0)
                        return r;
        }
        return line ? -EINVAL : 0;
}

/* A line a region: six BARs, the ROM, then what bridges forward. */
static int load_resources(const Reading *reading) {
        g_autofree char *text = NULL;
        char *rest, *line;
        int r = read_text(reading, "resource", &text);

        if (r < 0 || !text)
                return r;
        rest = text;
        for (size_t i = 0; i <= RESOURCE_ROM && (line = strsep(&rest, "\n")); i++) {
                uint64_t numbers[3];

                r = parse_resource(line, numbers);
                if (r < 0)
                        return fail_read(reading, r, "resource");
                take_resource(reading->dev, i, numbers);
        }
        return 0;
}

static int load_group(const Reading *reading) {
        g_autofree char *name = NULL;
        uint64_t group;
        int r = read_link_name(reading, "iommu_group", &name);

        if (r < 0 || !name)
                return r;
        r = str_to_uint(name, 10, INT32_MAX, &group);
        if (r < 0)
                return fail_read(reading, r, "iommu_group");
        reading->dev->iommu_group = (int)group;
        return 0;
}

static int load_numa_node(const Reading *reading) {
        g_autofree char *text = NULL;
        uint64_t node;
        int r = read_text(reading, "numa_node", &text);

        if (r < 0 || !text || strcmp(text, "-1") == 0)
                return r;
        r = str_to_uint(text, 10, INT32_MAX, &node);
        if (r < 0)
                return fail_read(reading, r, "numa_node");
        reading->dev->numa_node = (int)node;
        return 0;
}

/* The reset file is there where there is a method; only old kernels do not list the methods. */
static int load_reset(const Reading *reading) {
        PciDevice *dev = reading->dev;
        int r = read_text(reading, "reset_method", &dev->reset_method);

        if (r < 0)
                return r;
        dev->can_reset = dev->reset_method ? *dev->reset_method : sys_exists(reading->dir, "reset");
        return 0;
}

/* Only display controllers have the file. */
static int load_boot_vga(const Reading *reading) {
        uint64_t boot_vga = 0;
        int r = 0;

        if (reading->dev->class >> 16 == CLASS_DISPLAY)
                r = read_uint(reading, "boot_vga", 1, &boot_vga);
        reading->dev->boot_vga = boot_vga;
        return r;
}

/* The address that a link names: 1, or 0 where there is no such link. */
static int read_link_addr(const Reading *reading, const char *name, PciAddr *ret) {
        g_autofree char *target = NULL;
        int r = read_link_name(reading, name, &target);

        if (r < 0 || !target)
                return r;
        r = pci_addr_parse(target, ret);
        return r < 0 ? fail_read(reading, r, name) : 1;
}

/* The links appear one by one after sriov_numvfs has its number: those that are there count. */
static int load_vfs(const Reading *reading) {
        PciDevice *dev = reading->dev;
        PciAddr addr;

        while (dev->vfs < dev->vfs_max) {
                g_autofree char *name = g_strdup_printf("virtfn%u", dev->vfs);
                int r = read_link_addr(reading, name, &addr);

                if (r <= 0)
                        return r;
                if (!dev->vf_addrs)
                        dev->vf_addrs = g_new0(PciAddr, dev->vfs_max);
                dev->vf_addrs[dev->vfs++] = addr;
        }
        return 0;
}

static int load_sriov(const Reading *reading) {
        PciDevice *dev = reading->dev;
        uint64_t max = 0;
        int r = read_link_addr(reading, "physfn", &dev->pf);

        dev->is_vf = r > 0;
        if (r != 0)
                return MIN(r, 0);
        r = read_uint(reading, "sriov_totalvfs", UINT16_MAX, &max);
        if (r < 0)
                return r;
        dev->vfs_max = (unsigned)max;
        dev->is_pf = max > 0;
        return load_vfs(reading);
}

static int load_files(const Reading *reading) {
        static int (*const loaders[])(const Reading *reading) = {
                load_uevent,    load_config, load_resources, load_group,
                load_numa_node, load_reset,  load_boot_vga,  load_sriov,
        };

        for (size_t i = 0; i < G_N_ELEMENTS(loaders); i++) {
                int r = loaders[i](reading);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* Where the function's directory is. What the bus links to is never a link again, so that its text
 * tells, which is half as dear as asking the kernel for the path of an open directory. */
static int find_directory(const Sys *sys, PciAddr addr, char **ret) {
        g_autofree char *link = g_strdup_printf(BUS "/%s", PCI_ADDR_TEXT(addr));
        g_autofree char *target = NULL, *path = NULL;
        int r = sys_readlink(sys, link, &target);

        if (r < 0)
                return r;
        path = g_canonicalize_filename(target, "/" BUS);
        *ret = g_strdup(path + 1);
        return 0;
}

/* The directory above is that of a bridge, or "pci0000:00", the root bus. */
static char *parent_of(const char *path) {
        g_autofree char *dir = g_path_get_dirname(path);
        g_autofree char *name = g_path_get_basename(dir);
        PciAddr addr;

        return pci_addr_parse(name, &addr) == 0 ? g_steal_pointer(&name) : NULL;
}

static int load(const Sys *sys, PciAddr addr, const PciDevice *known, PciDevice **ret, Err *err) {
        g_autoptr(PciDevice) dev = g_new0(PciDevice, 1);
        g_autoptr(Sys) dir = NULL;
        int r;

        dev->addr = addr;
        dev->iommu_group = -1;
        dev->numa_node = -1;
        r = find_directory(sys, addr, &dev->path);
        if (r == 0)
                r = sys_new_below(sys, dev->path, &dir);
        if (r == -ENOENT) {
                fail(err, VIR_ERR_NO_NODE_DEVICE, "there is no PCI device %s", PCI_ADDR_TEXT(addr));
                return -ENODEV;
        }
        if (r < 0)
                return fail_errno(err, r, "cannot find PCI device %s", PCI_ADDR_TEXT(addr));
        dev->parent = parent_of(dev->path);
        r = load_files(&(Reading){.dir = dir, .dev = dev, .known = known, .err = err});
        if (r < 0) /* it may have been pulled out while it was read */
                return sys_exists(sys, dev->path) ? r : -ENODEV;
        *ret = g_steal_pointer(&dev);
        return 0;
}

int pci_device_load(const Sys *sys, PciAddr addr, PciDevice **ret, Err *err) {
        return load(sys, addr, NULL, ret, err);
}

int pci_device_reload(const Sys *sys, const PciDevice *known, PciDevice **ret, Err *err) {
        return load(sys, known->addr, known, ret, err);
}

static bool is_equal_link(const PciLink *a, const PciLink *b) {
        return a->port == b->port && a->speed == b->speed && a->width == b->width;
}

static bool is_equal_bars(const PciDevice *a, const PciDevice *b) {
        for (size_t i = 0; i < PCI_BARS; i++) {
                const PciBar *x = &a->bars[i], *y = &b->bars[i];

                if (x->start != y->start || x->size != y->size || x->is_io != y->is_io ||
                    x->is_64bit != y->is_64bit || x->is_prefetchable != y->is_prefetchable)
                        return false;
        }
        return a->rom_size == b->rom_size && a->boot_vga == b->boot_vga;
}

static bool is_equal_vfs(const PciDevice *a, const PciDevice *b) {
        if (a->is_vf != b->is_vf || !pci_addr_is_equal(a->pf, b->pf))
                return false;
        if (a->vfs_max != b->vfs_max || a->vfs != b->vfs)
                return false;
        for (unsigned i = 0; i < a->vfs; i++)
                if (!pci_addr_is_equal(a->vf_addrs[i], b->vf_addrs[i]))
                        return false;
        return true;
}

static bool is_equal_card(const PciDevice *a, const PciDevice *b) {
        return a->vendor == b->vendor && a->device == b->device &&
               a->subsystem_vendor == b->subsystem_vendor &&
               a->subsystem_device == b->subsystem_device && a->class == b->class &&
               a->revision == b->revision && a->kind == b->kind;
}

static bool is_equal_abilities(const PciDevice *a, const PciDevice *b) {
        return a->responds == b->responds && a->is_express == b->is_express &&
               a->has_flr == b->has_flr && a->has_msi == b->has_msi && a->has_msix == b->has_msix &&
               a->has_ari == b->has_ari && a->has_pm_reset == b->has_pm_reset &&
               a->can_reset == b->can_reset && a->has_link == b->has_link &&
               is_equal_link(&a->link_cap, &b->link_cap) &&
               is_equal_link(&a->link_now, &b->link_now);
}

bool pci_device_is_equal(const PciDevice *a, const PciDevice *b) {
        return pci_addr_is_equal(a->addr, b->addr) && is_equal_card(a, b) &&
               is_equal_abilities(a, b) && is_equal_bars(a, b) && is_equal_vfs(a, b) &&
               a->iommu_group == b->iommu_group && a->numa_node == b->numa_node &&
               g_strcmp0(a->path, b->path) == 0 && g_strcmp0(a->driver, b->driver) == 0 &&
               g_strcmp0(a->reset_method, b->reset_method) == 0;
}
