/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

#define USB_BUS_MAX    999 /* three digits in /dev/bus/usb */
#define USB_DEVICE_MAX 127 /* USB 2.0 specification, 8.3.2.1 */

static const char *const hostdev_modes[] = {"subsystem", NULL};
static const char *const hostdev_types[] = {"pci", "usb", NULL};
static const char *const hostdev_drivers[] = {"vfio", NULL};
static const char *const pci_types[] = {"pci", NULL};
static const char *const policies[] = {"mandatory", "requisite", "optional", NULL};
static const char *const resets[] = {"off", "uninitialized", "on", NULL};
static const char *const teamings[] = {"persistent", "transient", NULL};

static bool is_pci(const void *object) {
        return domain_hostdev_is_pci(object);
}

static bool is_usb(const void *object) {
        return ((const DomainHostdev *)object)->type == HOSTDEV_USB;
}

/* ---- the tables ---- */

static const DomainElement unbind = ELEMENT(DomainFlag, "unbind", domain_no_fields);
static const DomainElement removeslot = ELEMENT(DomainFlag, "removeslot", domain_no_fields);
static const DomainElement reprobe = ELEMENT(DomainFlag, "reprobe", domain_no_fields);

static const DomainField origstates_fields[] = {
        CHILD(DomainFlag, node, "unbind", unbind),
        CHILD(DomainFlag, node, "removeslot", removeslot),
        CHILD(DomainFlag, node, "reprobe", reprobe),
        END,
};
static const DomainElement origstates = ELEMENT(DomainFlag, "origstates", origstates_fields);

static const DomainField hostdev_driver_fields[] = {
        ATTR_ENUM(DomainHostdev, driver.name, "name", hostdev_drivers),
        ATTR_STRING(DomainHostdev, driver.model, "model"),
        END,
};
static const DomainElement hostdev_driver =
        PART_OF(DomainHostdev, driver, "driver", hostdev_driver_fields);

static const DomainField teaming_fields[] = {
        ATTR_ENUM(DomainHostdev, teaming.type, "type", teamings, .is_required = true),
        ATTR_STRING(DomainHostdev, teaming.persistent, "persistent"),
        END,
};
static const DomainElement teaming = PART_OF(DomainHostdev, teaming, "teaming", teaming_fields);

#define SOURCE(field) source.address.field

static const DomainField hostdev_address_fields[] = {
        ATTR_ENUM(DomainHostdev, SOURCE(type), "type", pci_types),
        ATTR_HEX(DomainHostdev, SOURCE(domain), "domain", 4, .max = UINT16_MAX),
        ATTR_HEX(DomainHostdev, SOURCE(bus), "bus", 2, .max = UINT8_MAX, .is_required = true),
        ATTR_HEX(DomainHostdev, SOURCE(slot), "slot", 2, .max = 31, .is_required = true),
        ATTR_HEX(DomainHostdev, SOURCE(function), "function", 1, .max = 7, .is_required = true),
        END,
};
static const DomainElement hostdev_address =
        PART_OF(DomainHostdev, source.address, "address", hostdev_address_fields);

static const DomainField id_fields[] = {
        ATTR_HEX(DomainHostdevId, id, "id", 4, .max = UINT16_MAX, .is_required = true),
        END,
};
static const DomainElement vendor = ELEMENT(DomainHostdevId, "vendor", id_fields);
static const DomainElement product = ELEMENT(DomainHostdevId, "product", id_fields);

static const DomainField place_fields[] = {
        ATTR_NUM(DomainHostdev, source.place.bus, "bus", .max = USB_BUS_MAX, .is_required = true),
        ATTR_NUM(DomainHostdev, source.place.device, "device", .max = USB_DEVICE_MAX,
                 .is_required = true),
        END,
};
static const DomainElement usb_place =
        PART_OF(DomainHostdev, source.place, "address", place_fields);

static const DomainField hostdev_source_fields[] = {
        ATTR_ENUM(DomainHostdev, source.policy, "startupPolicy", policies, .when = is_usb),
        ATTR_ENUM(DomainHostdev, source.reset, "guestReset", resets, .when = is_usb),
        PART("address", hostdev_address, .is_required = true, .when = is_pci),
        CHILD(DomainHostdev, source.vendor, "vendor", vendor, .when = is_usb),
        CHILD(DomainHostdev, source.product, "product", product, .when = is_usb),
        PART("address", usb_place, .when = is_usb),
        END,
};
static const DomainElement hostdev_source =
        PART_OF(DomainHostdev, source, "source", hostdev_source_fields);

static const DomainField hostdev_fields[] = {
        ATTR_ENUM(DomainHostdev, mode, "mode", hostdev_modes),
        ATTR_ENUM(DomainHostdev, type, "type", hostdev_types, .is_required = true),
        ATTR_YES(DomainHostdev, managed, "managed"),
        CHILD(DomainHostdev, origstates, "origstates", origstates, .when = is_pci),
        PART("driver", hostdev_driver, .when = is_pci),
        PART("source", hostdev_source, .is_required = true),
        PART("teaming", teaming, .when = is_pci),
        DEVICE_BOOT,
        DEVICE_ALIAS,
        DEVICE_ROM,
        DEVICE_ACPI,
        DEVICE_ADDRESS,
        END,
};

/* ---- defaults and checks ---- */

static int fill_hostdev(DomainDef *def, DomainDevice *device, Err *err) {
        DomainHostdev *hostdev = (DomainHostdev *)device;

        FILL_ENUM(hostdev->mode, HOSTDEV_SUBSYSTEM);
        FILL_ENUM(hostdev->managed, DOMAIN_SWITCH_OFF);
        domain_element_clear(&origstates, &hostdev->origstates);
        hostdev->source.address.type = 0;
        if (is_pci(hostdev))
                fill_num(&hostdev->source.address.domain, 0);
        return 0;
}

static int check_usb(const DomainDef *def, const DomainHostdev *hostdev, Err *err) {
        bool has_vendor = hostdev->source.vendor.node.is_present;
        bool has_product = hostdev->source.product.node.is_present;
        unsigned line = hostdev->base.node.line;

        if (has_vendor != has_product)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<hostdev> at line %u: a USB device is known by vendor and product "
                            "together",
                            line);
        if (has_vendor && hostdev->source.vendor.id.value == 0)
                return fail(err, VIR_ERR_XML_ERROR, "<vendor id='0'> at line %u is no vendor",
                            line);
        if (!has_vendor && !hostdev->source.place.node.is_present)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<hostdev> at line %u names no USB device: give vendor and product, or "
                            "the address",
                            line);
        if (hostdev->base.rom.node.is_present)
                return fail(err, VIR_ERR_XML_ERROR, "<rom> at line %u: a USB device has none",
                            hostdev->base.rom.node.line);
        if (!domain_def_has_usb(def))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<hostdev type='usb'> at line %u: the guest has no USB controller",
                            line);
        return 0;
}

static int check_hostdev(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainHostdev *hostdev = (const DomainHostdev *)device;
        int r;

        if (is_usb(hostdev))
                return check_usb(def, hostdev, err);
        if (hostdev->teaming.node.is_present &&
            (hostdev->teaming.type != TEAMING_TRANSIENT || !hostdev->teaming.persistent))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<teaming> at line %u of a hostdev is the transient side, and names "
                            "the persistent one",
                            hostdev->teaming.node.line);
        r = domain_check_word(hostdev->driver.model, "driver", hostdev->driver.node.line, err);
        if (r < 0)
                return r;
        return domain_check_word(hostdev->teaming.persistent, "teaming", hostdev->teaming.node.line,
                                 err);
}

/* ---- which is meant ---- */

PciAddr domain_hostdev_addr(const DomainHostdev *hostdev) {
        return (PciAddr){
                .domain = (uint32_t)hostdev->source.address.domain.value,
                .bus = (uint8_t)hostdev->source.address.bus.value,
                .slot = (uint8_t)hostdev->source.address.slot.value,
                .function = (uint8_t)hostdev->source.address.function.value,
        };
}

static char *usb_text(const DomainHostdev *hostdev) {
        if (hostdev->source.place.node.is_present)
                return g_strdup_printf("USB bus %u device %u",
                                       (unsigned)hostdev->source.place.bus.value,
                                       (unsigned)hostdev->source.place.device.value);
        return g_strdup_printf("USB %04x:%04x", (unsigned)hostdev->source.vendor.id.value,
                               (unsigned)hostdev->source.product.id.value);
}

/* Two of one make are two devices: only a place names one. */
static char *hostdev_key(const DomainDevice *device) {
        const DomainHostdev *hostdev = (const DomainHostdev *)device;
        g_autofree char *text = NULL;

        if (is_pci(hostdev))
                return g_strdup_printf("host device %s",
                                       PCI_ADDR_TEXT(domain_hostdev_addr(hostdev)));
        if (!hostdev->source.place.node.is_present)
                return NULL;
        text = usb_text(hostdev);
        return g_strdup_printf("host device %s", text);
}

static char *describe_hostdev(const DomainDevice *device) {
        const DomainHostdev *hostdev = (const DomainHostdev *)device;
        g_autofree char *text = is_pci(hostdev)
                                        ? g_strdup(PCI_ADDR_TEXT(domain_hostdev_addr(hostdev)))
                                        : usb_text(hostdev);

        return g_strdup_printf("hostdev %s", text);
}

static bool is_same_usb(const DomainHostdev *a, const DomainHostdev *b) {
        if (a->source.place.node.is_present && b->source.place.node.is_present)
                return a->source.place.bus.value == b->source.place.bus.value &&
                       a->source.place.device.value == b->source.place.device.value;
        return a->source.vendor.node.is_present && b->source.vendor.node.is_present &&
               a->source.vendor.id.value == b->source.vendor.id.value &&
               a->source.product.id.value == b->source.product.id.value;
}

static bool is_same_hostdev(const DomainDevice *device, const DomainDevice *wanted) {
        const DomainHostdev *a = (const DomainHostdev *)device, *b = (const DomainHostdev *)wanted;

        if (a->type != b->type)
                return false;
        return is_usb(a) ? is_same_usb(a, b)
                         : pci_addr_is_equal(domain_hostdev_addr(a), domain_hostdev_addr(b));
}

static bool is_pci_hostdev(const DomainDef *def, const DomainDevice *device) {
        return is_pci(device);
}

static bool is_usb_hostdev(const DomainDevice *device) {
        return is_usb(device);
}

const DomainKind domain_hostdev_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_HOSTDEV, DomainHostdev, "hostdev", hostdev_fields),
        .alias = "hostdev",
        .fill = fill_hostdev,
        .check = check_hostdev,
        .key = hostdev_key,
        .describe = describe_hostdev,
        .is_same = is_same_hostdev,
        .is_pci = is_pci_hostdev,
        .is_usb = is_usb_hostdev,
};
