/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What several checks ask of the host, read once. Nothing here judges. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"
#include "base/sys.h"
#include "handover/survey.h"
#include "pci/tree.h"

typedef enum CpuVendor {
        CPU_UNKNOWN, /* /proc/cpuinfo does not tell, or this is no x86 */
        CPU_INTEL,
        CPU_AMD, /* Hygon too */
} CpuVendor;

typedef struct DoctorFacts {
        Sys *sys;
        PciTree *tree;

        char *kernel;   /* release; "" when it cannot be read */
        char **cmdline; /* words of the command line in force */
        int cmdline_r;  /* 0, or why it cannot be read */

        CpuVendor vendor;
        char **cpu_flags;   /* of the first processor */
        int cpu_r;          /* 0, or why /proc/cpuinfo cannot be read */
        unsigned phys_bits; /* of physical addresses; 0: not told */

        GPtrArray *modprobe; /* of ModprobeLine; see modprobe.h */
        int modprobe_r;      /* 0, or why a file of it cannot be read */
        size_t n_groups;     /* IOMMU groups */
        Survey *survey;      /* the verdicts of a hand-over */
} DoctorFacts;

int facts_load(const char *root, DoctorFacts **ret, Err *err);
void facts_free(DoctorFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DoctorFacts, facts_free)

/* The text of a file, NULL where it cannot be read (ret_r, may be NULL, says why). The caller's. */
char *facts_read(const DoctorFacts *facts, const char *path, int *ret_r);

bool facts_has_flag(const DoctorFacts *facts, const char *flag);

/* "ACPI table DMAR" is there, whether or not it can be read. */
bool facts_has_table(const DoctorFacts *facts, const char *name);

/* In a virtual machine: the processor says so. */
bool facts_is_virtual(const DoctorFacts *facts);

/* The first region of a group that firmware keeps mapped for its devices (type "direct"), of which
 * the kernel assigns none; "direct-relaxable" ones do not count
 * (Documentation/ABI/testing/sysfs-kernel-iommu_groups). NULL: none; ret_r (may be NULL): 0, or why
 * that cannot be read. The caller's. */
char *facts_direct_region(const DoctorFacts *facts, int group, int *ret_r);

/* Functions of one card. */
bool facts_is_same_card(const PciDevice *a, const PciDevice *b);

/* The value of the last word "NAME=VALUE" among words, "" for the bare word; NULL: none has that
 * name. '-' and '_' are the same in names, as for the kernel. Borrowed. */
const char *words_option(char *const *words, const char *name);

/* On the command line in force. */
const char *facts_option(const DoctorFacts *facts, const char *name);

/* Leaves out what stands behind "--": these words are the init's. */
void words_cut(char **words);

/* Those that bear on PCI devices ("intel_iommu=on iommu=pt"); "" for none. The caller's. */
char *words_relevant(char *const *words);

/* What among words turns the IOMMU off; NULL: nothing. Borrowed. */
const char *words_iommu_off(char *const *words);

/* The way out of such a word; NULL stays NULL. The caller's. */
char *words_without(const char *off);

/* Text as the kernel writes truth: "Y" or "1". */
bool facts_is_true(const char *text);
