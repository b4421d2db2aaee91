/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/xpath.h"

#include <errno.h>
#include <string.h>

#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "base/util.h"
#include "base/xml.h"
#include "install/node.h"

#define DELETE "xpath.delete="
#define CREATE "xpath.create="
#define SET    "xpath.set="
#define VALUE  ",xpath.value="

/* Elements and attributes can be changed; what a guest is made of stays. */
static int check_found(const xmlDoc *doc, const xmlNode *node, const char *value, Err *err) {
        const xmlNode *root = xmlDocGetRootElement(doc);

        if (node->type != XML_ELEMENT_NODE && node->type != XML_ATTRIBUTE_NODE)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--xml: an expression for elements or attributes is wanted");
        if (!value && (node == root || node == xml_child(root, "devices")))
                return fail(err, VIR_ERR_INVALID_ARG, "--xml: a guest cannot be without <%s>",
                            (const char *)node->name);
        return 0;
}

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

static void say_nothing(void *unused, xmlErrorPtr error) {
}

/* NULL: it is no expression. */
static xmlXPathObject *evaluate(xmlDoc *doc, const char *expression, Err *err) {
        xmlXPathContext *context = xmlXPathNewContext(doc);
        xmlXPathObject *object;

        context->node = xmlDocGetRootElement(doc);
        context->error = say_nothing;
        object = xmlXPathEvalExpression((const xmlChar *)expression, context);
        xmlXPathFreeContext(context);
        if (!object)
                fail(err, VIR_ERR_INVALID_ARG, "--xml: '%s' is no XPath expression", expression);
        return object;
}

/* Sets (value NULL: removes) all that the expression finds. Returns how many, or negative. */
static int change_found(xmlDoc *doc, const char *expression, const char *value, Err *err) {
        xmlXPathObject *object = evaluate(doc, expression, err);
        int n, r = 0;

        if (!object)
                return -EINVAL;
        n = object->nodesetval ? object->nodesetval->nodeNr : 0;
        for (int i = 0; r >= 0 && i < n; i++)
                r = check_found(doc, object->nodesetval->nodeTab[i], value, err);
        xmlXPathNodeSetSort(object->nodesetval);
        /* From the end: an element goes after all that is in it. */
        for (int i = n - 1; r >= 0 && i >= 0; i--) {
                set_found(object->nodesetval->nodeTab[i], value);
                object->nodesetval->nodeTab[i] = NULL;
        }
        xmlXPathFreeObject(object);
        return r < 0 ? r : n;
}

/* Names of elements, and perhaps of an attribute at the end. */
static bool is_plain_path(const char *expression) {
        g_auto(GStrv) steps = g_strsplit(expression, "/", -1);

        STRV_FOREACH(step, steps)
                if (!g_str_equal(step, ".") &&
                    xmlValidateNCName((const xmlChar *)step + (*step == '@'), 0) != 0)
                        return false;
        return true;
}

/* Makes the path below all elements that the expression finds. Returns how many, or negative. */
static int make_below(xmlDoc *doc, const char *expression, const char *path, const char *value,
                      Err *err) {
        xmlXPathObject *object = evaluate(doc, expression, err);
        int n = 0;

        if (!object)
                return -EINVAL;
        for (int i = 0; object->nodesetval && i < object->nodesetval->nodeNr; i++) {
                xmlNode *node = object->nodesetval->nodeTab[i];

                if (node->type != XML_ELEMENT_NODE)
                        continue;
                node_set(node, path, value);
                n++;
        }
        xmlXPathFreeObject(object);
        return n;
}

/* What an expression did not find is made where its end is plain. */
static int make(xmlDoc *doc, const char *expression, const char *value, Err *err) {
        g_autofree char *above = g_strdup(expression);
        char *cut;

        if (is_plain_path(expression)) {
                node_set(xmlDocGetRootElement(doc), expression, value);
                return 0;
        }
        while ((cut = strrchr(above, '/')) && cut > above &&
               is_plain_path(expression + (cut - above) + 1)) {
                int n;

                *cut = '\0';
                n = make_below(doc, above, expression + (cut - above) + 1, value, err);
                if (n != 0)
                        return n;
        }
        return fail(err, VIR_ERR_INVALID_ARG, "--xml: '%s' finds nothing", expression);
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
