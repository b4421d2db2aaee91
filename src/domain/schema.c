/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/schema.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *key, const void *row) {
        const SchemaName *name = row;

        return strcmp(key, name->element);
}

static const SchemaName *find(const char *element) {
        return bsearch(element, schema_names, schema_names_n, sizeof(schema_names[0]), compare);
}

/* The rest of the word that begins with name: what follows it up to the blank is told by its first
 * character. NULL: no word does. */
static const char *find_word(const char *words, const char *name) {
        size_t size = strlen(name);

        while (*words) {
                if (strncmp(words, name, size) == 0 && strchr(" =,", words[size]))
                        return words + size;
                words += strcspn(words, " ");
                words += strspn(words, " ");
        }
        return NULL;
}

bool schema_has_element(const char *parent, const char *name) {
        const SchemaName *row = find(parent);

        return row && *name && find_word(row->children, name);
}

bool schema_has_attr(const char *element, const char *name) {
        const SchemaName *row = find(element);

        return row && *name && find_word(row->attrs, name);
}

bool schema_has_value(const char *element, const char *attr, const char *value) {
        const SchemaName *row = find(element);
        const char *rest = row ? find_word(row->attrs, attr) : NULL;
        size_t size = strlen(value);

        if (!rest)
                return false;
        if (*rest != '=')
                return true;
        while (*rest == '=' || *rest == ',') {
                rest++;
                if (size > 0 && strncmp(rest, value, size) == 0 && strchr(" ,", rest[size]))
                        return true;
                rest += strcspn(rest, " ,");
        }
        return false;
}

/* ---- mistyped names ---- */

#define NAME_MAX_BYTES 40

/* How many letters have to be added, dropped, replaced or swapped with their neighbour to make one
 * word of the other (optimal string alignment). */
static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size) {
        unsigned rows[3][NAME_MAX_BYTES + 1];

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

/* Among words of the form "a b=x,y ". */
static char *nearest(const char *words, const char *name) {
        size_t name_size = strlen(name), best_size = 0;
        unsigned best = MAX((unsigned)name_size / 3, 1) + 1; /* farther: no slip of the hand */
        const char *found = NULL;

        if (name_size > NAME_MAX_BYTES)
                return NULL;
        while (*words) {
                size_t size = strcspn(words, " =");
                unsigned far =
                        size <= NAME_MAX_BYTES ? distance(name, name_size, words, size) : best;

                if (far < best && far < size) {
                        best = far;
                        found = words;
                        best_size = size;
                }
                words += strcspn(words, " ");
                words += strspn(words, " ");
        }
        return found ? g_strndup(found, best_size) : NULL;
}

char *schema_nearest_element(const char *parent, const char *name) {
        const SchemaName *row = find(parent);

        return row ? nearest(row->children, name) : NULL;
}

char *schema_nearest_attr(const char *element, const char *name) {
        const SchemaName *row = find(element);

        return row ? nearest(row->attrs, name) : NULL;
}
