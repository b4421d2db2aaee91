/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

unsigned edit_distance(const char *a, size_t a_size, const char *b, size_t b_size) {
        unsigned rows[3][NEAREST_NAME_MAX + 1];

        for (size_t j = 0; j <= b_size; j++)
                rows[0][j] = (unsigned)j;
        for (size_t i = 1; i <= a_size; i++) {
                const unsigned *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
                unsigned *row = rows[i % 3];

                row[0] = (unsigned)i;
                for (size_t j = 1; j <= b_size; j++) {
                        bool is_same = a[i - 1] == b[j - 1];

                        row[j] = MIN(up[j - 1] + !is_same, MIN(up[j], row[j - 1]) + 1);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                row[j] = MIN(row[j], up2[j - 2] + 1);
                }
        }
        return rows[a_size % 3][b_size];
}

void nearest_offer(Nearest *nearest, const char *name) {
        size_t to_size = strlen(nearest->to), name_size = strlen(name);
        unsigned far = (unsigned)to_size / 3 + 1;
        unsigned d;

        if (to_size > NEAREST_NAME_MAX || name_size > NEAREST_NAME_MAX)
                return;
        d = edit_distance(nearest->to, to_size, name, name_size);
        if (d > far || (nearest->name && d >= nearest->distance))
                return;
        nearest->name = name;
        nearest->distance = d;
}
