/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a person may have meant by a name that is none. */

/* Remembers the nearest of the names that it is offered. */
typedef struct Nearest {
        const char *to;   /* what was typed */
        const char *name; /* borrowed from the offer; NULL: nothing is near */
        unsigned distance;
} Nearest;

void nearest_offer(Nearest *nearest, const char *name);
