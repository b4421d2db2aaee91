/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/xpath.h"

#include <stdio.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

typedef xmlDoc XpathDoc;
typedef xmlXPathContext XpathContext;
typedef xmlXPathObject XpathObject;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XpathDoc, xmlFreeDoc)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XpathContext, xmlXPathFreeContext)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XpathObject, xmlXPathFreeObject)

/* What libxml2 has to say about a bad expression goes into our error, not to stderr. */
static void ignore_error(void *data, xmlErrorPtr error) {
}

static char *node_text(xmlDoc *doc, xmlNode *node) {
        xmlBuffer *buffer = xmlBufferCreate();
        char *text;

        xmlNodeDump(buffer, doc, node, 0, 1);
        text = g_strdup((const char *)xmlBufferContent(buffer));
        xmlBufferFree(buffer);
        return text;
}

static char *format_nodes(xmlDoc *doc, const xmlNodeSet *nodes) {
        GString *out = g_string_new(NULL);

        for (int i = 0; nodes && i < nodes->nodeNr; i++) {
                g_autofree char *text = node_text(doc, nodes->nodeTab[i]);

                g_string_append_printf(out, "%s\n", text);
        }
        return g_string_free(out, FALSE);
}

/* The nodes as children of a new root, indented anew. */
static char *format_wrapped(const xmlNodeSet *nodes) {
        g_autoptr(XpathDoc) doc = xmlNewDoc((const xmlChar *)"1.0");
        xmlNode *root = xmlNewDocNode(doc, NULL, (const xmlChar *)"nodes", NULL);
        xmlBuffer *buffer = xmlBufferCreate();
        char *text;

        xmlDocSetRootElement(doc, root);
        for (int i = 0; nodes && i < nodes->nodeNr; i++)
                xmlAddChild(root, xmlDocCopyNode(nodes->nodeTab[i], doc, 1));
        xmlNodeDump(buffer, doc, root, 0, 1);
        text = g_strdup_printf("%s\n", (const char *)xmlBufferContent(buffer));
        xmlBufferFree(buffer);
        return text;
}

int xpath_select(const char *xml, const char *expression, bool wrap, char **ret, Err *err) {
        g_autoptr(XpathDoc) doc = NULL;
        g_autoptr(XpathContext) context = NULL;
        g_autoptr(XpathObject) object = NULL;

        doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                    XML_PARSE_NOBLANKS);
        if (!doc)
                return fail(err, VIR_ERR_XML_ERROR, "the daemon's answer is no XML document");
        context = xmlXPathNewContext(doc);
        context->error = ignore_error;
        object = xmlXPathEval((const xmlChar *)expression, context);
        if (!object)
                return fail(err, VIR_ERR_INVALID_ARG, "'%s' is no XPath expression", expression);
        if (object->type != XPATH_NODESET)
                return fail(err, VIR_ERR_INVALID_ARG, "'%s' selects no nodes but a value",
                            expression);
        *ret = wrap ? format_wrapped(object->nodesetval) : format_nodes(doc, object->nodesetval);
        return 0;
}

int xpath_print(const Args *args, const char *xml, Err *err) {
        const char *expression = args_text(args, "xpath");
        g_autofree char *selected = NULL;
        int r;

        if (!expression) {
                fputs(xml, stdout);
                return 0;
        }
        r = xpath_select(xml, expression, args_flag(args, "wrap"), &selected, err);
        if (r < 0)
                return r;
        fputs(selected, stdout);
        return 0;
}
