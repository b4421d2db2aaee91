/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

static const char *const iommu_models[] = {"intel", "virtio", NULL};

static bool is_intel(const void *object) {
        return ((const DomainIommu *)object)->model == IOMMU_INTEL;
}

static const DomainField iommu_driver_fields[] = {
        ATTR_ON(DomainIommu, driver.intremap, "intremap"),
        ATTR_ON(DomainIommu, driver.caching_mode, "caching_mode"),
        ATTR_ON(DomainIommu, driver.eim, "eim"),
        ATTR_ON(DomainIommu, driver.iotlb, "iotlb"),
        ATTR_NUM(DomainIommu, driver.aw_bits, "aw_bits", .max = 64),
        ATTR_ON(DomainIommu, driver.dma_translation, "dma_translation"),
        END,
};
static const DomainElement iommu_driver =
        PART_OF(DomainIommu, driver, "driver", iommu_driver_fields);

static const DomainField iommu_fields[] = {
        ATTR_ENUM(DomainIommu, model, "model", iommu_models, .is_required = true),
        PART("driver", iommu_driver, .when = is_intel),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

/* KVM leaves the I/O APIC to QEMU, where its interrupts are remapped. */
static int fill_iommu(DomainDef *def, DomainDevice *device, Err *err) {
        if (((const DomainIommu *)device)->driver.intremap != DOMAIN_SWITCH_ON)
                return 0;
        def->features.node.is_present = true;
        def->features.ioapic.node.is_present = true;
        FILL_ENUM(def->features.ioapic.driver, IOAPIC_QEMU);
        return 0;
}

static int check_iommu(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainIommu *iommu = (const DomainIommu *)device;
        uint64_t bits = domain_num_or(iommu->driver.aw_bits, 39);

        if (!domain_def_is_q35(def))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<iommu> at line %u needs a q35 machine", device->node.line);
        if (iommu->driver.eim == DOMAIN_SWITCH_ON && iommu->driver.intremap != DOMAIN_SWITCH_ON)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<iommu> at line %u: eim='on' is about remapped interrupts",
                                      device->node.line),
                                 "add intremap='on'");
        if (iommu->driver.intremap == DOMAIN_SWITCH_ON &&
            def->features.ioapic.driver != IOAPIC_QEMU)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<iommu> at line %u: KVM's I/O APIC remaps no interrupts",
                                      device->node.line),
                                 "say <ioapic driver='qemu'/> in <features>");
        /* Three or four levels of tables (VT-d specification, 3.6). */
        if (bits != 39 && bits != 48)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<iommu> at line %u: aw_bits is 39 or 48", device->node.line);
        return 0;
}

static char *iommu_key(const DomainDevice *device) {
        return g_strdup("<iommu>");
}

static bool is_pci_iommu(const DomainDef *def, const DomainDevice *device) {
        return !is_intel(device);
}

const DomainKind domain_iommu_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_IOMMU, DomainIommu, "iommu", iommu_fields),
        .alias = "iommu",
        .fill = fill_iommu,
        .check = check_iommu,
        .key = iommu_key,
        .is_pci = is_pci_iommu,
};
