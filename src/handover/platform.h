/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the host as a whole offers for assignment: an IOMMU, interrupt remapping, vfio-pci; each
 * with the evidence that a person can look at. Verdicts and the doctor both go by it. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"
#include "base/sys.h"

/* The switch in force. */
#define PLATFORM_UNSAFE "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"

typedef enum Remapping {
        REMAPPING_UNKNOWN,
        REMAPPING_OFF,
        REMAPPING_ON,
        REMAPPING_NOT_NEEDED, /* no IO-APIC: this is no x86 */
} Remapping;

typedef struct Platform {
        bool has_groups;  /* /sys/kernel/iommu_groups is not empty */
        char *acpi_table; /* "DMAR" or "IVRS"; NULL: the firmware describes no IOMMU */
        char *off_by;     /* what on the kernel's command line turns it off; NULL: nothing */

        Remapping remapping; /* of interrupts */
        int remapping_r;     /* 0, or why it is not known */
        bool accepts_unsafe; /* allow_unsafe_interrupts is set, or will be when VFIO is loaded */
        char *unsafe_now;    /* its value in force; NULL: VFIO is not loaded, or has none */
        char *unsafe_in;     /* what sets it: "/etc/modprobe.d/vfio.conf"; NULL: nothing */

        char *kernel; /* release; "" when it cannot be read */
        bool is_vfio_loaded;
        const char *missing_module; /* of VFIO's; NULL: none that is known to be missing. Static */
} Platform;

Platform *platform_load(const Sys *sys);
void platform_free(Platform *platform);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Platform, platform_free)

/* Why there is no IOMMU group, with the failed probe, and what to do about it. The caller's. */
char *platform_no_iommu_cause(const Platform *platform);
char *platform_no_iommu_way_out(const Platform *platform);

/* Both ways out of missing interrupt remapping. */
const char *platform_no_remapping_way_out(void);
