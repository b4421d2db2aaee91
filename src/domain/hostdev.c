/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

static const char *const hostdev_modes[] = {"subsystem", NULL};
static const char *const hostdev_types[] = {"pci", NULL};
static const char *const hostdev_drivers[] = {"vfio", NULL};

static const DomainField hostdev_driver_fields[] = {
        ATTR_ENUM(DomainHostdev, driver.name, "name", hostdev_drivers),
        END,
};
static const DomainElement hostdev_driver =
        PART_OF(DomainHostdev, driver, "driver", hostdev_driver_fields);

#define SOURCE(field) source.address.field

static const DomainField hostdev_address_fields[] = {
        ATTR_ENUM(DomainHostdev, SOURCE(type), "type", hostdev_types),
        ATTR_HEX(DomainHostdev, SOURCE(domain), "domain", 4, .max = UINT16_MAX),
        ATTR_HEX(DomainHostdev, SOURCE(bus), "bus", 2, .max = UINT8_MAX, .is_required = true),
        ATTR_HEX(DomainHostdev, SOURCE(slot), "slot", 2, .max = 31, .is_required = true),
        ATTR_HEX(DomainHostdev, SOURCE(function), "function", 1, .max = 7, .is_required = true),
        END,
};
static const DomainElement hostdev_address =
        PART_OF(DomainHostdev, source.address, "address", hostdev_address_fields);

static const DomainField hostdev_source_fields[] = {
        PART("address", hostdev_address, .is_required = true),
        END,
};
static const DomainElement hostdev_source =
        PART_OF(DomainHostdev, source, "source", hostdev_source_fields);

static const DomainField hostdev_fields[] = {
        ATTR_ENUM(DomainHostdev, mode, "mode", hostdev_modes),
        ATTR_ENUM(DomainHostdev, type, "type", hostdev_types, .is_required = true),
        ATTR_YES(DomainHostdev, managed, "managed"),
        PART("driver", hostdev_driver),
        PART("source", hostdev_source, .is_required = true),
        DEVICE_BOOT,
        DEVICE_ALIAS,
        DEVICE_ROM,
        DEVICE_ADDRESS,
        END,
};

static int fill_hostdev(DomainDef *def, DomainDevice *device, Err *err) {
        DomainHostdev *hostdev = (DomainHostdev *)device;

        FILL_ENUM(hostdev->mode, HOSTDEV_SUBSYSTEM);
        FILL_ENUM(hostdev->managed, DOMAIN_SWITCH_OFF);
        hostdev->source.address.type = 0;
        fill_num(&hostdev->source.address.domain, 0);
        return 0;
}

PciAddr domain_hostdev_addr(const DomainHostdev *hostdev) {
        return (PciAddr){
                .domain = (uint32_t)hostdev->source.address.domain.value,
                .bus = (uint8_t)hostdev->source.address.bus.value,
                .slot = (uint8_t)hostdev->source.address.slot.value,
                .function = (uint8_t)hostdev->source.address.function.value,
        };
}

static char *hostdev_key(const DomainDevice *device) {
        return g_strdup_printf("host device %s",
                               PCI_ADDR_TEXT(domain_hostdev_addr((const DomainHostdev *)device)));
}

static char *describe_hostdev(const DomainDevice *device) {
        return g_strdup_printf("hostdev %s",
                               PCI_ADDR_TEXT(domain_hostdev_addr((const DomainHostdev *)device)));
}

static bool is_same_hostdev(const DomainDevice *device, const DomainDevice *wanted) {
        return pci_addr_is_equal(domain_hostdev_addr((const DomainHostdev *)device),
                                 domain_hostdev_addr((const DomainHostdev *)wanted));
}

const DomainKind domain_hostdev_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_HOSTDEV, DomainHostdev, "hostdev", hostdev_fields),
        .alias = "hostdev",
        .fill = fill_hostdev,
        .key = hostdev_key,
        .describe = describe_hostdev,
        .is_same = is_same_hostdev,
        .is_pci = domain_kind_always_pci,
};
