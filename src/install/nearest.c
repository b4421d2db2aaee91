/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/nearest.h"

#include <string.h>

#include <glib.h>

#define LENGTH_MAX 64

/* Single characters to add, drop or change that lead from a to b (Levenshtein). */
static unsigned distance(const char *a, const char *b) {
        unsigned row[LENGTH_MAX + 1];
        size_t n = strlen(b);

        for (unsigned j = 0; j <= n; j++)
                row[j] = j;
        for (unsigned i = 0; a[i]; i++) {
                unsigned corner = i;

                row[0] = i + 1;
                for (size_t j = 0; j < n; j++) {
                        unsigned change = corner + (a[i] != b[j]);

                        corner = row[j + 1];
                        row[j + 1] = MIN(MIN(row[j], corner) + 1, change);
                }
        }
        return row[n];
}

void nearest_offer(Nearest *nearest, const char *name) {
        size_t length = strlen(nearest->to);
        unsigned far = (unsigned)length / 3 + 1;
        unsigned d;

        if (length > LENGTH_MAX || strlen(name) > LENGTH_MAX)
                return;
        d = distance(nearest->to, name);
        if (d > far || (nearest->name && d >= nearest->distance))
                return;
        nearest->name = name;
        nearest->distance = d;
}
