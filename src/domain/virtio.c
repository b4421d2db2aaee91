/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/virtio.h"

#include "domain/kind.h"

const char *const domain_virtio_forms[] = {"virtio", "virtio-transitional",
                                           "virtio-non-transitional", NULL};

static const DomainField virtio_fields[] = {
        ATTR_ON(DomainVirtio, iommu, "iommu"),
        ATTR_ON(DomainVirtio, ats, "ats"),
        ATTR_ON(DomainVirtio, packed, "packed"),
        ATTR_ON(DomainVirtio, page_per_vq, "page_per_vq"),
        END,
};
const DomainElement domain_virtio_element = ELEMENT(DomainVirtio, "driver", virtio_fields);
