/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the devices of virtio have in common: their form on PCI, and <driver> with the switches of
 * the transport (virtio 1.2, chapter 6: reserved feature bits). */

#include "domain/node.h"

/* Both sides of the standard, the old one too by force, or the new one alone. */
typedef enum VirtioForm {
        VIRTIO_FORM_UNSET,
        VIRTIO_FORM_PLAIN, /* on a PCI Express port: the new one; elsewhere: both */
        VIRTIO_FORM_TRANSITIONAL,
        VIRTIO_FORM_NON_TRANSITIONAL,
        _VIRTIO_FORM_MAX,
} VirtioForm;

typedef struct DomainVirtio {
        DomainNode node;
        DomainSwitch iommu; /* addresses go through the guest's IOMMU */
        DomainSwitch ats;   /* the device caches translations; with an IOMMU only */
        DomainSwitch packed;
        DomainSwitch page_per_vq;
} DomainVirtio;

/* "virtio", "virtio-transitional", "virtio-non-transitional", NULL: for ATTR_ENUM. */
extern const char *const domain_virtio_forms[];
