/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the host as a whole offers for assignment: an IOMMU, interrupt remapping, vfio-pci; each
 * with the evidence that a person can look at. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"
#include "base/sys.h"

typedef struct Platform {
        bool has_groups;     /* /sys/kernel/iommu_groups is not empty */
        char *acpi_table;    /* "DMAR" or "IVRS"; NULL: the firmware describes no IOMMU */
        char *off_by;        /* what on the kernel's command line turns it off; NULL: nothing */
        bool has_remapping;  /* interrupts are remapped, or the machine has no IO-APIC (no x86) */
        bool accepts_unsafe; /* allow_unsafe_interrupts is set, or will be when VFIO is loaded */
        bool has_vfio;       /* vfio-pci is loaded or can be */
        bool is_vfio_loaded;
} Platform;

int platform_load(const Sys *sys, Platform **ret, Err *err);
void platform_free(Platform *platform);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Platform, platform_free)

/* Why there is no IOMMU group, with the failed probe, and what to do about it. The caller's. */
char *platform_no_iommu_cause(const Platform *platform);
char *platform_no_iommu_way_out(const Platform *platform);

/* Both ways out of missing interrupt remapping. */
const char *platform_no_remapping_way_out(void);
