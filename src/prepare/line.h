/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a kernel command line should say, and the change that makes it say so. Words that stand
 * already are not doubled, what contradicts is replaced where it stands, and all else stays. Words
 * and their lists: Documentation/admin-guide/kernel-parameters.txt. */

#include "base/err.h"
#include "prepare/field.h"

typedef enum LineVendor {
        LINE_INTEL,
        LINE_AMD,   /* its IOMMU is on unless a word turns it off */
        LINE_OTHER, /* as LINE_AMD; Arm's SMMU */
} LineVendor;

typedef enum LineSwitch {
        LINE_KEEP, /* as it stands */
        LINE_ON,
        LINE_OFF,
} LineSwitch;

typedef struct LineWish {
        LineVendor vendor;
        LineSwitch passthrough;  /* of the host's own devices: their DMA is not translated */
        LineSwitch unsafe;       /* LINE_ON: nothing may forbid what modprobe.d allows */
        const char *const *more; /* whole words besides, NULL-terminated; NULL: none */
} LineWish;

/* One kernel command line, which several fields can make up. */
typedef struct LineSource {
        /* Fills fields (of Field) anew, in the order of the line. */
        int (*collect)(void *userdata, GArray *fields, Err *err);
        /* Where a new word goes, made if need be. */
        int (*target)(void *userdata, Field *ret, Err *err);
        void *userdata;
} LineSource;

/* Words behind this one are the init's, and the kernel takes none of them for its own
 * (Documentation/admin-guide/kernel-parameters.rst). Nothing of them is changed, and new words go
 * before it. */
#define LINE_END_OF_KERNEL "--"

/* Changes the line. notes (of char *) gets a line for each word of the user's that was changed. */
int line_apply(const LineSource *source, const LineWish *wish, GPtrArray *notes, Err *err);

/* The same for a line that is one field. */
int line_apply_field(Field *field, const LineWish *wish, GPtrArray *notes, Err *err);

/* True where a word of the line ("intel_iommu=sm_on,on") says what word ("intel_iommu=on") does. */
bool line_word_says(const char *line_word, const char *word);

/* What wish comes to on an empty line: "intel_iommu=on iommu=pt". "" where nothing is needed. */
char *line_wish_text(const LineWish *wish);
