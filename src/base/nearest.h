/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a person may have meant by a name that is none. */

#include <stddef.h>

#define NEAREST_NAME_MAX 64 /* bytes; nothing is near to a longer name */

/* How many letters have to be added, dropped, replaced or swapped with their neighbour to make one
 * word of the other (optimal string alignment). Both have at most NEAREST_NAME_MAX bytes. */
unsigned edit_distance(const char *a, size_t a_size, const char *b, size_t b_size);

/* Remembers the nearest of the names that it is offered. */
typedef struct Nearest {
        const char *to;   /* what was typed */
        const char *name; /* borrowed from the offer; NULL: nothing is near */
        unsigned distance;
} Nearest;

void nearest_offer(Nearest *nearest, const char *name);
