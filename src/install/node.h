/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Places in a guest's XML, named by paths: element names with '/' between them, below some element,
 * that end in a text ("memory") or an attribute ("driver/@cache"); "." is the element itself.
 * "cell#2" is the third <cell>, "cell" the first. */

#include <stdbool.h>

#include <libxml/tree.h>

#include <glib.h>

/* The place's value, or NULL: it is not there. */
char *node_get(const xmlNode *element, const char *path);

/* The element of a path without an attribute; NULL: it is not there. */
xmlNode *node_find(const xmlNode *element, const char *path);

/* Makes what the path lacks. */
xmlNode *node_make(xmlNode *element, const char *path);

/* Makes the place if it is not there. value NULL: removes it. */
void node_set(xmlNode *element, const char *path, const char *value);
void node_set_format(xmlNode *element, const char *path, const char *format, ...)
        G_GNUC_PRINTF(3, 4);

/* The same unless the place is there already. */
void node_default(xmlNode *element, const char *path, const char *value);

/* Takes an element out of its tree and frees it. */
void node_remove(xmlNode *element);

/* Children of that name. */
unsigned node_count(const xmlNode *element, const char *name);

/* The element's text is "value"; false where the place is not there. */
bool node_is(const xmlNode *element, const char *path, const char *value);
