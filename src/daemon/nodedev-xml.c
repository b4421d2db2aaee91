/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/nodedev-xml.h"

#include <string.h>

#include "base/util.h"
#include "base/xml.h"

static void write_address(XmlWriter *xml, PciAddr addr) {
        xml_writer_open(xml, "address");
        xml_writer_attr_format(xml, "domain", "0x%04x", addr.domain);
        xml_writer_attr_format(xml, "bus", "0x%02x", addr.bus);
        xml_writer_attr_format(xml, "slot", "0x%02x", addr.slot);
        xml_writer_attr_format(xml, "function", "0x%x", addr.function);
        xml_writer_close(xml);
}

static void write_optional(XmlWriter *xml, const char *name, const char *text) {
        if (text)
                xml_writer_leaf(xml, name, text);
}

static void open_capability(XmlWriter *xml, const char *type) {
        xml_writer_open(xml, "capability");
        xml_writer_attr(xml, "type", type);
}

/* <name id='0x8086'>Intel Corporation</name> */
static void write_id(XmlWriter *xml, const char *name, uint16_t id, const char *text) {
        xml_writer_open(xml, name);
        xml_writer_attr_format(xml, "id", "0x%04x", id);
        if (text)
                xml_writer_text(xml, text);
        xml_writer_close(xml);
}

static void write_functions(XmlWriter *xml, const PciDevice *pci) {
        if (pci->is_vf) {
                open_capability(xml, "phys_function");
                write_address(xml, pci->pf);
                xml_writer_close(xml);
        }
        if (pci->is_pf) {
                open_capability(xml, "virt_functions");
                xml_writer_attr_format(xml, "maxCount", "%u", pci->vfs_max);
                for (unsigned i = 0; i < pci->vfs; i++)
                        write_address(xml, pci->vf_addrs[i]);
                xml_writer_close(xml);
        }
}

static void write_bridge(XmlWriter *xml, const PciDevice *pci) {
        static const char *const types[_PCI_KIND_MAX] = {
                [PCI_ROOT_PORT] = "pci-bridge",       [PCI_UPSTREAM_PORT] = "pci-bridge",
                [PCI_DOWNSTREAM_PORT] = "pci-bridge", [PCI_BRIDGE] = "pci-bridge",
                [PCI_CARDBUS] = "cardbus-bridge",
        };

        if (!types[pci->kind])
                return;
        open_capability(xml, types[pci->kind]);
        xml_writer_close(xml);
}

static void write_group(XmlWriter *xml, const PciTree *tree, const PciDevice *pci) {
        g_autofree const PciDevice **members = NULL;
        size_t n;

        if (pci->iommu_group < 0)
                return;
        members = pci_tree_group(tree, pci->iommu_group, &n);
        xml_writer_open(xml, "iommuGroup");
        xml_writer_attr_format(xml, "number", "%d", pci->iommu_group);
        for (size_t i = 0; i < n; i++)
                write_address(xml, members[i]->addr);
        xml_writer_close(xml);
}

static void write_link(XmlWriter *xml, const char *validity, const PciLink *link, bool has_port) {
        xml_writer_open(xml, "link");
        xml_writer_attr(xml, "validity", validity);
        if (has_port)
                xml_writer_attr_format(xml, "port", "%u", link->port);
        if (link->speed > 0)
                xml_writer_attr_format(xml, "speed", "%g", link->speed);
        xml_writer_attr_format(xml, "width", "%u", link->width);
        xml_writer_close(xml);
}

static void write_express(XmlWriter *xml, const PciDevice *pci) {
        if (!pci->is_express)
                return;
        xml_writer_open(xml, "pci-express");
        if (pci->has_link) {
                write_link(xml, "cap", &pci->link_cap, true);
                write_link(xml, "sta", &pci->link_now, false);
        }
        xml_writer_close(xml);
}

static void write_numa(XmlWriter *xml, const PciDevice *pci) {
        if (pci->numa_node < 0)
                return;
        xml_writer_open(xml, "numa");
        xml_writer_attr_format(xml, "node", "%d", pci->numa_node);
        xml_writer_close(xml);
}

static void write_pci(XmlWriter *xml, const Nodedevs *nodedevs, const PciDevice *pci) {
        PciNames *names = nodedevs_names(nodedevs);

        xml_writer_leaf_format(xml, "class", "0x%06x", pci->class);
        xml_writer_leaf_format(xml, "domain", "%u", pci->addr.domain);
        xml_writer_leaf_format(xml, "bus", "%u", pci->addr.bus);
        xml_writer_leaf_format(xml, "slot", "%u", pci->addr.slot);
        xml_writer_leaf_format(xml, "function", "%u", pci->addr.function);
        write_id(xml, "product", pci->device, pci_names_product(names, pci->vendor, pci->device));
        write_id(xml, "vendor", pci->vendor, pci_names_vendor(names, pci->vendor));
        write_functions(xml, pci);
        write_bridge(xml, pci);
        write_group(xml, nodedevs_tree(nodedevs), pci);
        write_numa(xml, pci);
        write_express(xml, pci);
}

static char *read_of(const Nodedevs *nodedevs, const Nodedev *dev, const char *file) {
        g_autofree char *path = g_build_filename(dev->path, file, NULL);
        char *text = NULL;

        return sys_read_text(pci_tree_sys(nodedevs_tree(nodedevs)), path, &text) < 0 ? NULL : text;
}

/* The speed is known only of a link that is up, in Mbit/s; virtual interfaces say -1. */
static void write_net_link(XmlWriter *xml, const Nodedevs *nodedevs, const Nodedev *dev) {
        g_autofree char *state = read_of(nodedevs, dev, "operstate");
        g_autofree char *speed = NULL;
        uint64_t number;

        if (!state || !*state)
                return;
        if (strcmp(state, "up") == 0)
                speed = read_of(nodedevs, dev, "speed");
        xml_writer_open(xml, "link");
        if (str_to_uint(speed, 10, UINT32_MAX - 1, &number) == 0 && number > 0)
                xml_writer_attr(xml, "speed", speed);
        xml_writer_attr(xml, "state", state);
        xml_writer_close(xml);
}

static void write_net(XmlWriter *xml, const Nodedevs *nodedevs, const Nodedev *dev) {
        xml_writer_leaf(xml, "interface", dev->interface);
        write_optional(xml, "address", dev->address);
        write_net_link(xml, nodedevs, dev);
        open_capability(xml, dev->is_wireless ? "80211" : "80203");
        xml_writer_close(xml);
}

static void write_system(XmlWriter *xml, const NodedevSystem *system) {
        write_optional(xml, "product", system->product);
        xml_writer_open(xml, "hardware");
        write_optional(xml, "vendor", system->vendor);
        write_optional(xml, "version", system->version);
        xml_writer_leaf(xml, "uuid", system->uuid);
        xml_writer_close(xml);
        xml_writer_open(xml, "firmware");
        write_optional(xml, "vendor", system->firmware_vendor);
        write_optional(xml, "version", system->firmware_version);
        write_optional(xml, "release_date", system->firmware_date);
        xml_writer_close(xml);
}

static void write_driver(XmlWriter *xml, const PciDevice *pci) {
        if (!pci || !pci->driver)
                return;
        xml_writer_open(xml, "driver");
        xml_writer_leaf(xml, "name", pci->driver);
        xml_writer_close(xml);
}

static void write_capability(XmlWriter *xml, const Nodedevs *nodedevs, const Nodedev *dev,
                             const PciDevice *pci) {
        open_capability(xml, nodedev_capability(dev));
        switch (dev->kind) {
        case NODEDEV_SYSTEM:
                write_system(xml, nodedevs_system(nodedevs));
                break;
        case NODEDEV_PCI:
                write_pci(xml, nodedevs, pci);
                break;
        case NODEDEV_NET:
                write_net(xml, nodedevs, dev);
                break;
        case _NODEDEV_KIND_MAX:
                g_assert_not_reached();
        }
        xml_writer_close(xml);
}

char *nodedev_to_xml(const Nodedevs *nodedevs, const Nodedev *dev) {
        XmlWriter *xml = xml_writer_new(0);
        const PciDevice *pci = NULL;
        const char *path = dev->path;

        if (dev->kind == NODEDEV_PCI) {
                pci = pci_tree_find(nodedevs_tree(nodedevs), dev->addr);
                path = pci->path;
        }
        xml_writer_open(xml, "device");
        xml_writer_leaf(xml, "name", dev->name);
        if (path)
                xml_writer_leaf_format(xml, "path", "/%s", path);
        write_optional(xml, "parent", dev->parent);
        write_driver(xml, pci);
        write_capability(xml, nodedevs, dev, pci);
        xml_writer_close(xml);
        return xml_writer_finish(xml);
}
