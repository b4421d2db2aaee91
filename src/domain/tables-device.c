/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which attribute and child of what all devices have is which field. */
#include "domain/kind.h"

const DomainField domain_no_fields[] = {END};

static bool is_pci(const void *object) {
        return ((const DomainAddress *)object)->type == DOMAIN_ADDRESS_PCI;
}

static bool is_drive(const void *object) {
        return ((const DomainAddress *)object)->type == DOMAIN_ADDRESS_DRIVE;
}

static bool is_port(const void *object) {
        return ((const DomainAddress *)object)->type == DOMAIN_ADDRESS_VIRTIO_SERIAL;
}

static bool is_drive_or_port(const void *object) {
        return is_drive(object) || is_port(object);
}

static bool is_usb(const void *object) {
        return ((const DomainAddress *)object)->type == DOMAIN_ADDRESS_USB;
}

static bool is_isa(const void *object) {
        return ((const DomainAddress *)object)->type == DOMAIN_ADDRESS_ISA;
}

static bool is_dimm(const void *object) {
        return ((const DomainAddress *)object)->type == DOMAIN_ADDRESS_DIMM;
}

static bool has_bus(const void *object) {
        return !is_pci(object) && !is_isa(object) && !is_dimm(object);
}

static const char *const address_types[] = {"pci",  "drive", "virtio-serial", "usb", "isa",
                                            "dimm", NULL};

static const DomainField address_fields[] = {
        ATTR_ENUM(DomainAddress, type, "type", address_types, .is_required = true),
        ATTR_HEX(DomainAddress, domain, "domain", 4, .when = is_pci, .max = UINT16_MAX),
        ATTR_NUM(DomainAddress, controller, "controller", .when = is_drive_or_port),
        ATTR_HEX(DomainAddress, bus, "bus", 2, .when = is_pci, .max = UINT8_MAX),
        ATTR_NUM(DomainAddress, bus, "bus", .when = has_bus),
        ATTR_HEX(DomainAddress, slot, "slot", 2, .when = is_pci, .max = 31),
        ATTR_NUM(DomainAddress, dimm_slot, "slot", .when = is_dimm, .max = DOMAIN_SLOTS_MAX - 1),
        ATTR_HEX(DomainAddress, dimm_base, "base", 1, .when = is_dimm, .max = UINT64_MAX),
        ATTR_HEX(DomainAddress, function, "function", 1, .when = is_pci, .max = 7),
        ATTR_ON(DomainAddress, multifunction, "multifunction", .when = is_pci),
        ATTR_NUM(DomainAddress, target, "target", .when = is_drive),
        ATTR_NUM(DomainAddress, unit, "unit", .when = is_drive),
        ATTR_NUM(DomainAddress, port, "port", .when = is_port),
        ATTR_STRING(DomainAddress, usb_port, "port", .when = is_usb),
        ATTR_HEX(DomainAddress, iobase, "iobase", 1, .when = is_isa, .max = UINT16_MAX),
        ATTR_HEX(DomainAddress, irq, "irq", 1, .when = is_isa, .max = 15),
        END,
};
const DomainElement domain_address_element = ELEMENT(DomainAddress, "address", address_fields);

static const DomainField alias_fields[] = {
        ATTR_STRING(DomainAlias, name, "name", .is_required = true),
        END,
};
const DomainElement domain_alias_element = ELEMENT(DomainAlias, "alias", alias_fields);

static const DomainField acpi_fields[] = {
        ATTR_NUM(DomainAcpi, index, "index", .is_required = true),
        END,
};
const DomainElement domain_acpi_element = ELEMENT(DomainAcpi, "acpi", acpi_fields);

static const DomainField boot_fields[] = {
        ATTR_NUM(DomainBoot, order, "order", .is_required = true, .max = 1000),
        END,
};
const DomainElement domain_boot_element = ELEMENT(DomainBoot, "boot", boot_fields);

static const DomainField rom_fields[] = {
        ATTR_YES(DomainRom, enabled, "enabled"),
        ATTR_ON(DomainRom, bar, "bar"),
        ATTR_STRING(DomainRom, file, "file"),
        END,
};
const DomainElement domain_rom_element = ELEMENT(DomainRom, "rom", rom_fields);
