/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

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

/* Among words of the form "a b=x,y ". */
static char *nearest(const char *words, const char *name) {
        size_t name_size = strlen(name), best_size = 0;
        unsigned best = MAX((unsigned)name_size / 3, 1) + 1; /* farther: no slip of the hand */
        const char *found = NULL;

        if (name_size > NEAREST_NAME_MAX)
                return NULL;
        while (*words) {
                size_t size = strcspn(words, " =");
                unsigned far = size <= NEAREST_NAME_MAX
                                       ? edit_distance(name, name_size, words, size)
                                       : best;

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
