/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What images on this host are and say of themselves. A file system that hangs would hold up the
 * daemon, so a child process asks it (errand.h) and writes down what it finds, from where the
 * daemon reads it back:
 *
 *         child    facts = image_facts_new(out); … image_facts_get(facts, path) …
 *         daemon   facts = image_facts_read(output); … image_facts_get(facts, path) …
 *
 * so that the same code walks down a chain of images in both. The heads are a guest's bytes. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"

typedef struct ImageFacts ImageFacts;

typedef struct ImageFact {
        int errnum;      /* of stat(); 0: it is there */
        bool is_block;   /* a block device */
        int head_errnum; /* of reading its head; 0: it was read */
        GBytes *head;    /* its first bytes, at most QCOW2_HEAD_MAX, zeroes at the end left out;
                            NULL: not read */
} ImageFact;

/* Looks at each image that it is asked for, and writes to out what it is about to look at and what
 * it has found, a line of JSON each. */
ImageFacts *image_facts_new(int out);

/* What was written. ret_stuck (may be NULL): the image whose look has not ended; NULL: none. */
ImageFacts *image_facts_read(const char *output, char **ret_stuck);

void image_facts_free(ImageFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImageFacts, image_facts_free)

/* NULL: nobody has looked. */
const ImageFact *image_facts_get(ImageFacts *facts, const char *path);
