/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The ACPI tables by which firmware describes an IOMMU: DMAR (Intel Virtualization Technology for
 * Directed I/O, chapter "BIOS considerations") and IVRS (AMD I/O Virtualization Technology
 * specification, chapter "I/O virtualization ACPI table"). Pure: bytes in, values out. The bytes
 * are the firmware's: lengths that do not fit end the reading, and the table is broken. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct AcpiRegion {
        uint64_t start, end; /* the last byte */
        char *devices;       /* "0000:00:14.0 0000:00:1a.0"; "" when it names none */
} AcpiRegion;

typedef struct AcpiIommu {
        unsigned units;      /* DRHD or distinct IVHD devices */
        unsigned width;      /* bits of a DMA address; 0: not told */
        bool has_remapping;  /* DMAR: INTR_REMAP. IVRS has no such flag: true */
        bool x2apic_opt_out; /* DMAR: the firmware asks for no x2APIC */
        bool dma_protection; /* the firmware kept DMA out until now, and asks the kernel to go on */
        bool has_extended;   /* IVRS: EFRSup, extended features are described in the table */
        GArray *regions;     /* of AcpiRegion: RMRR, IVMD with a unity map or an exclusion */
} AcpiIommu;

/* -EBADMSG: broken. */
int acpi_dmar_parse(const void *table, size_t size, AcpiIommu **ret);
int acpi_ivrs_parse(const void *table, size_t size, AcpiIommu **ret);

void acpi_iommu_free(AcpiIommu *iommu);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AcpiIommu, acpi_iommu_free)
