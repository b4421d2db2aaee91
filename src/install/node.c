/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/node.h"

#include <stdarg.h>
#include <string.h>

#include "base/util.h"
#include "base/xml.h"

/* The step's n-th child of its name; NULL: there are fewer. */
static xmlNode *find_step(const xmlNode *element, const char *name, uint64_t n) {
        XML_FOREACH_CHILD(child, element)
                if (g_str_equal(xml_name(child), name) && n-- == 0)
                        return child;
        return NULL;
}

static xmlNode *add_child(xmlNode *element, const char *name) {
        return xmlNewChild(element, NULL, (const xmlChar *)name, NULL);
}

/* One element of a path: "cell#2". */
static xmlNode *take_step(xmlNode *element, const char *step, bool make) {
        g_auto(GStrv) parts = g_strsplit(step, "#", 2);
        uint64_t n = 0;
        xmlNode *found;

        if (parts[1] && str_to_uint(parts[1], 10, 1024, &n) < 0)
                n = 0;
        found = find_step(element, parts[0], n);
        while (!found && make) {
                add_child(element, parts[0]);
                found = find_step(element, parts[0], n);
        }
        return found;
}

/* Walks to the element that holds the place. *ret_attr is the attribute's name or NULL. */
static xmlNode *walk(xmlNode *element, const char *path, bool make, char **ret_attr) {
        g_auto(GStrv) steps = g_strsplit(path, "/", -1);

        STRV_FOREACH(step, steps) {
                if (*step == '@') {
                        *ret_attr = g_strdup(step + 1);
                        return element;
                }
                if (!*step || g_str_equal(step, "."))
                        continue;
                element = take_step(element, step, make);
                if (!element)
                        return NULL;
        }
        return element;
}

/* Paths that are looked at alone change nothing. */
static xmlNode *writable(const xmlNode *element) {
        return (xmlNode *)(uintptr_t)element;
}

xmlNode *node_find(const xmlNode *element, const char *path) {
        g_autofree char *attr = NULL;

        return walk(writable(element), path, false, &attr);
}

xmlNode *node_make(xmlNode *element, const char *path) {
        g_autofree char *attr = NULL;

        return walk(element, path, true, &attr);
}

char *node_get(const xmlNode *element, const char *path) {
        g_autofree char *attr = NULL;
        const xmlNode *found = walk(writable(element), path, false, &attr);

        if (!found)
                return NULL;
        return attr ? xml_attr(found, attr) : xml_text(found);
}

bool node_is(const xmlNode *element, const char *path, const char *value) {
        g_autofree char *is = node_get(element, path);

        return g_strcmp0(is, value) == 0;
}

static void set_text(xmlNode *element, const char *value) {
        xmlNode *next;

        for (xmlNode *child = element->children; child; child = next) {
                next = child->next;
                if (child->type == XML_TEXT_NODE)
                        node_remove(child);
        }
        if (*value)
                xmlNodeAddContent(element, (const xmlChar *)value);
}

static void remove_place(xmlNode *element, const char *path) {
        g_autofree char *attr = NULL;
        xmlNode *found = walk(element, path, false, &attr);

        if (found && attr)
                xmlUnsetProp(found, (const xmlChar *)attr);
        else if (found)
                node_remove(found);
}

void node_set(xmlNode *element, const char *path, const char *value) {
        g_autofree char *attr = NULL;
        xmlNode *found;

        if (!value) {
                remove_place(element, path);
                return;
        }
        found = walk(element, path, true, &attr);
        if (attr)
                xmlSetProp(found, (const xmlChar *)attr, (const xmlChar *)value);
        else
                set_text(found, value);
}

void node_set_format(xmlNode *element, const char *path, const char *format, ...) {
        g_autofree char *value = NULL;
        va_list ap;

        va_start(ap, format);
        value = g_strdup_vprintf(format, ap);
        va_end(ap);
        node_set(element, path, value);
}

void node_default(xmlNode *element, const char *path, const char *value) {
        g_autofree char *is = node_get(element, path);

        if (!is)
                node_set(element, path, value);
}

void node_remove(xmlNode *element) {
        xmlUnlinkNode(element);
        xmlFreeNode(element);
}

unsigned node_count(const xmlNode *element, const char *name) {
        unsigned n = 0;

        XML_FOREACH_CHILD(child, element)
                n += g_str_equal(xml_name(child), name);
        return n;
}
