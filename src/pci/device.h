/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One PCI function of the host as sysfs and its configuration space show it
 * (Documentation/ABI/testing/sysfs-bus-pci). Facts only: who may have it is handover's matter.
 *
 * driver_override is not among them: its file waits for the lock of the device, which an unbind
 * that hangs holds, and whoever reads the tree must not hang with it. */

#include "base/err.h"
#include "base/sys.h"
#include "pci/addr.h"

typedef enum PciKind {
        PCI_ENDPOINT,
        PCI_ROOT_PORT,
        PCI_UPSTREAM_PORT,
        PCI_DOWNSTREAM_PORT,
        PCI_BRIDGE,  /* header type 1, whatever it joins: PCI-PCI, PCIe-PCI, host bridge with one */
        PCI_CARDBUS, /* header type 2 */
        PCI_HOST_BRIDGE,     /* class 0600, header type 0 */
        PCI_EVENT_COLLECTOR, /* of the root complex; the kernel's port driver serves it */
        _PCI_KIND_MAX,
} PciKind;

const char *pci_kind_to_string(PciKind kind);

typedef struct PciLink {
        unsigned port;  /* port number */
        double speed;   /* GT/s; 0: none is known */
        unsigned width; /* lanes */
} PciLink;

typedef struct PciBar {
        uint64_t start, size; /* bytes; size 0: unused */
        bool is_io, is_64bit, is_prefetchable;
} PciBar;

#define PCI_BARS 6

typedef struct PciDevice {
        PciAddr addr;
        char *path;   /* below the root of Sys: "sys/devices/pci0000:00/0000:00:19.0" */
        char *parent; /* address text of the bridge above; NULL: directly on a root bus */

        uint16_t vendor, device, subsystem_vendor, subsystem_device;
        uint32_t class; /* 24 bits: 0x020000 */
        uint8_t revision;
        PciKind kind;

        char *driver;    /* bound driver; NULL: none */
        int iommu_group; /* -1: none */
        int numa_node;   /* -1: none */

        /* false: it is asleep or dead and its configuration space reads as ones. What comes from
         * there is at "none" then: the next lines, and the revision. */
        bool responds;
        bool is_express, has_flr, has_msi, has_msix, has_ari, has_pm_reset;
        bool has_link; /* Express, and not integrated in the root complex */
        PciLink link_cap, link_now;
        char *reset_method; /* of the kernel, "flr bus"; "" : none; NULL: kernel before 5.15 */
        bool can_reset;     /* sysfs has a reset file */

        bool is_pf, is_vf;
        PciAddr pf;            /* valid where is_vf */
        unsigned vfs_max, vfs; /* valid where is_pf */
        PciAddr *vf_addrs;     /* vfs of them */

        PciBar bars[PCI_BARS];
        uint64_t rom_size; /* bytes; 0: no option ROM */
        bool boot_vga;
} PciDevice;

/* Reads the function at addr. -ENODEV (with an Err) when there is none. A file that is absent
 * leaves its field at "none"; one that cannot be read although it is there fails the whole. */
int pci_device_load(const Sys *sys, PciAddr addr, PciDevice **ret, Err *err);

/* The same for a function that was read before: its configuration space is not read again while it
 * seems the same card. That waits in the kernel for as long as the function is being reset or loses
 * its virtual functions (a second, or for ever), and only the state of the link could be news. */
int pci_device_reload(const Sys *sys, const PciDevice *known, PciDevice **ret, Err *err);

void pci_device_free(PciDevice *dev);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PciDevice, pci_device_free)

/* The same facts in both. */
bool pci_device_is_equal(const PciDevice *a, const PciDevice *b);

/* Something that can be given to a guest, and that stands in the way of its group: not a bridge,
 * port, host bridge or event collector. */
bool pci_device_is_endpoint(const PciDevice *dev);

/* "sys/bus/pci/devices/0000:01:00.0/NAME". */
char *pci_device_attribute(PciAddr addr, const char *name);
