/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The answer to "can these functions go there now?": yes, or every blocker, each with its owner and
 * the way out. Warnings stand apart and block nothing. */

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>
#include <jansson.h>

#include "base/err.h"
#include "pci/addr.h"

typedef enum BlockerCode {
        BLOCKER_ABSENT,          /* no such function */
        BLOCKER_NOT_ENDPOINT,    /* a bridge, a port, a host bridge */
        BLOCKER_NO_IOMMU,        /* in no IOMMU group */
        BLOCKER_NOIOMMU_GROUP,   /* in a group without an IOMMU behind it */
        BLOCKER_NO_REMAPPING,    /* no interrupt remapping, and the host does not accept that */
        BLOCKER_NO_VFIO,         /* this kernel has no vfio-pci */
        BLOCKER_NO_ACCESS,       /* /dev/vfio/vfio cannot be opened */
        BLOCKER_RESERVED,        /* firmware reserved memory for it (RMRR) */
        BLOCKER_OTHER_CARD,      /* not the card that was configured */
        BLOCKER_OFF_BUS,         /* configuration space reads as all ones */
        BLOCKER_IN_GUEST,        /* in another guest, or in this one already */
        BLOCKER_ON_HOST,         /* on a host driver, and managed='no' */
        BLOCKER_COMPANION,       /* a companion is on a host driver */
        BLOCKER_COMPANION_GUEST, /* a companion is in another guest */
        BLOCKER_HOST_NEEDS_IT,   /* guard */
        BLOCKER_HAS_VFS,         /* virtual functions of it are in use */
        BLOCKER_QUARANTINED,
        BLOCKER_STUCK,        /* the kernel has not finished an earlier step on it */
        BLOCKER_BUSY,         /* another plan is moving it or a companion */
        BLOCKER_NO_RESET,     /* only as a warning */
        BLOCKER_CONVENTIONAL, /* only as a warning: not PCI Express */
        _BLOCKER_CODE_MAX,
} BlockerCode;

/* "companion-on-host" …: stable, for scripts. */
const char *blocker_code_to_string(BlockerCode code);

typedef struct Blocker {
        BlockerCode code;
        PciAddr addr;  /* the function that was asked for */
        char *owner;   /* who has to let go: a driver, a guest, an address, a mount; NULL: nobody */
        char *message; /* a sentence that names the function, without a full stop */
        char *way_out; /* NULL: there is none */
} Blocker;

typedef struct Verdict Verdict;

Verdict *verdict_new(void);
void verdict_free(Verdict *verdict);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Verdict, verdict_free)

bool verdict_is_yes(const Verdict *verdict);
const Blocker *const *verdict_blockers(const Verdict *verdict, size_t *ret_n);
const Blocker *const *verdict_warnings(const Verdict *verdict, size_t *ret_n);

/* {"verdict": "yes"|"no", "blockers": [{"code", "address", "owner", "message", "way_out"}],
 * "warnings": [the same]}. The caller's. */
json_t *verdict_to_json(const Verdict *verdict);

/* 0 for yes; else fails with every blocker in one Err. */
int verdict_to_err(const Verdict *verdict, Err *err);

/* Takes a blocker in (consumed) unless the same sentence is there already. */
void verdict_add_consume(Verdict *verdict, Blocker *blocker);
void verdict_warn_consume(Verdict *verdict, Blocker *blocker);
Blocker *blocker_new(BlockerCode code, PciAddr addr, const char *format, ...) G_GNUC_PRINTF(3, 4);
