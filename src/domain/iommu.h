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
