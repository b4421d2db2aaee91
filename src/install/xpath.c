/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/xpath.h"

#include <string.h>

#include <libxml/xpath.h>

#include "install/node.h"

#define DELETE "xpath.delete="
#define CREATE "xpath.create="
#define SET    "xpath.set="
#define VALUE  ",xpath.value="

/* Does one thing to a node that an expression found. */
static void set_found(xmlNode *node, const char *value) {
        bool is_attribute = node->type == XML_ATTRIBUTE_NODE;

        if (!value && is_attribute)
                xmlRemoveProp((xmlAttr *)node);
        else if (!value)
                node_remove(node);
        else if (is_attribute)
                xmlSetProp(node->parent, node->name, (const xmlChar *)value);
        else
                node_set(node, ".", value);
}

/* Sets (value NULL: removes) all that the expression finds. Returns how many, or negative. */
static int change_found(xmlDoc *doc, const char *expression, const char *value, Err *err) {
        xmlXPathContext *context = xmlXPathNewContext(doc);
        xmlXPathObject *object;
        int n;

        context->node = xmlDocGetRootElement(doc);
        object = xmlXPathEvalExpression((const xmlChar *)expression, context);
        xmlXPathFreeContext(context);
        if (!object)
                return fail(err, VIR_ERR_INVALID_ARG, "--xml: '%s' is no XPath expression",
                            expression);
        n = object->nodesetval ? object->nodesetval->nodeNr : 0;
        for (int i = 0; i < n; i++) {
                set_found(object->nodesetval->nodeTab[i], value);
                object->nodesetval->nodeTab[i] = NULL;
        }
        xmlXPathFreeObject(object);
        return n;
}

/* A path that an expression did not find is made where it is plain. */
static int make(xmlDoc *doc, const char *expression, const char *value, Err *err) {
        if (strpbrk(expression, "[]()*|:") || strstr(expression, "//") || strstr(expression, ".."))
                return fail(err, VIR_ERR_INVALID_ARG, "--xml: '%s' finds nothing", expression);
        node_set(xmlDocGetRootElement(doc), expression, value);
        return 0;
}

static int set(xmlDoc *doc, const char *expression, const char *value, Err *err) {
        int n = change_found(doc, expression, value, err);

        return n == 0 ? make(doc, expression, value, err) : n;
}

static int apply(xmlDoc *doc, const char *text, Err *err) {
        const char *expression = g_str_has_prefix(text, SET) ? text + strlen(SET) : text;
        const char *value = strstr(expression, VALUE);
        g_autofree char *path = NULL;

        if (g_str_has_prefix(text, DELETE))
                return change_found(doc, text + strlen(DELETE), NULL, err);
        if (g_str_has_prefix(text, CREATE))
                return make(doc, text + strlen(CREATE), "", err);
        /* The '=' of a predicate stands before a ']'. */
        if (!value) {
                const char *from = strrchr(expression, ']') ?: expression;

                value = strchr(from, '=');
        }
        if (!value)
                return fail(err, VIR_ERR_INVALID_ARG, "--xml %s: XPATH=VALUE is wanted", text);
        path = g_strndup(expression, (gsize)(value - expression));
        value += *value == ',' ? strlen(VALUE) : 1;
        return set(doc, path, *value ? value : NULL, err);
}

int xpath_apply(xmlDoc *doc, char *const *texts, Err *err) {
        int r = 0;

        for (; r >= 0 && *texts; texts++)
                r = apply(doc, *texts, err);
        return MIN(r, 0);
}
