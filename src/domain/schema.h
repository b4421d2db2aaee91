/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What libvirt's schema of a domain knows, whether we serve it or not: it tells what a client may
 * mean and we must refuse from what nobody knows and we keep. All elements of one name count as
 * one, so that a name in the wrong place is refused rather than kept. */

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

typedef struct SchemaName {
        const char *element;
        const char *children; /* "a b ": each name ends with a blank */
        const char *attrs;    /* "a b=x,y ": with the values where only these are allowed */
} SchemaName;

extern const SchemaName schema_names[]; /* sorted by element */
extern const size_t schema_names_n;

bool schema_has_element(const char *parent, const char *name);
bool schema_has_attr(const char *element, const char *name);

/* True too where the schema allows any text. */
bool schema_has_value(const char *element, const char *attr, const char *value);

/* The name that the schema has in that place and that is nearest to a mistyped one; the caller's,
 * NULL: none is near. */
char *schema_nearest_element(const char *parent, const char *name);
char *schema_nearest_attr(const char *element, const char *name);
