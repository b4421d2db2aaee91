/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/node.h"

typedef enum IommuModel { IOMMU_UNSET, IOMMU_INTEL, IOMMU_VIRTIO } IommuModel;

typedef struct DomainIommu {
        DomainDevice base;
        IommuModel model;
        struct {
                DomainNode node;
                DomainSwitch intremap, caching_mode, eim, iotlb;
                DomainNum aw_bits;
                DomainSwitch dma_translation;
        } driver; /* intel */
} DomainIommu;

/* Whether the guest's interrupts go through its IOMMU: KVM then leaves the I/O APIC to QEMU
 * (kernel_irqchip=split). */
typedef struct DomainDef DomainDef;
bool domain_def_remaps_interrupts(const DomainDef *def);
