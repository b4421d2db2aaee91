/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/def.h"

#include <string.h>

#include <libxml/tree.h>

#include "base/xml.h"

/* The child of the metadata in a namespace; its document goes to ret_doc. */
static xmlNode *find_metadata(const char *metadata, const char *uri, XmlDoc **ret_doc) {
        g_autoptr(XmlDoc) doc = NULL;

        if (!metadata || xml_doc_parse(metadata, strlen(metadata), "metadata", &doc, NULL) < 0)
                return NULL;
        XML_FOREACH_CHILD(child, xml_doc_root(doc)) {
                if (!child->ns || !g_str_equal((const char *)child->ns->href, uri))
                        continue;
                *ret_doc = g_steal_pointer(&doc);
                return child;
        }
        return NULL;
}

bool domain_def_parks_companions(const DomainDef *def) {
        g_autoptr(XmlDoc) doc = NULL;
        xmlNode *element = find_metadata(def->metadata, DOMAIN_HANDOVER_NS, &doc);
        g_autofree char *companions = NULL;

        if (!element || !g_str_equal(xml_name(element), "handover"))
                return false;
        companions = xml_attr(element, "companions");
        return g_strcmp0(companions, "park") == 0;
}

/* ---- one namespace in and out, as clients see it ---- */

static bool is_in(const xmlNode *node, const char *uri) {
        return node->ns && g_str_equal((const char *)node->ns->href, uri);
}

/* The declaration of a namespace stands at the top of what clients store, and not in what they get
 * back. */
static void drop_declaration(xmlNode *node, const char *uri) {
        xmlNs **link = &node->nsDef;

        while (*link) {
                xmlNs *ns = *link;

                if (!g_str_equal((const char *)ns->href, uri)) {
                        link = &ns->next;
                        continue;
                }
                *link = ns->next;
                xmlFreeNs(ns);
        }
}

static void leave_namespace(xmlNode *node, const char *uri) {
        for (xmlNode *child = xml_first(node); child; child = xml_next(child))
                leave_namespace(child, uri);
        if (is_in(node, uri))
                node->ns = NULL;
        for (xmlAttr *attr = node->properties; attr; attr = attr->next)
                if (attr->ns && g_str_equal((const char *)attr->ns->href, uri))
                        attr->ns = NULL;
        drop_declaration(node, uri);
}

static void enter_namespace(xmlNode *node, xmlNs *ns) {
        for (xmlNode *child = xml_first(node); child; child = xml_next(child))
                enter_namespace(child, ns);
        if (!node->ns)
                xmlSetNs(node, ns);
}

static char *dump(xmlNode *node) {
        xmlBuffer *buffer = xmlBufferCreate();
        char *text;

        xmlNodeDump(buffer, node->doc, node, 0, 0);
        text = g_strdup((const char *)xmlBufferContent(buffer));
        xmlBufferFree(buffer);
        return text;
}

char *domain_metadata_get(const char *metadata, const char *uri) {
        g_autoptr(XmlDoc) doc = NULL;
        xmlNode *element = find_metadata(metadata, uri, &doc);

        if (!element)
                return NULL;
        leave_namespace(element, uri);
        return dump(element);
}

/* <metadata>…</metadata> with one more child at its end. */
static char *append_child(const char *metadata, const char *child) {
        const char *end = metadata ? g_strrstr(metadata, "</") : NULL;
        GString *text = g_string_new(NULL);

        if (end)
                g_string_append_len(text, metadata, end - metadata);
        else if (metadata) /* <metadata/>, with attributes perhaps */
                g_string_append_printf(text, "%.*s>\n  ", (int)strlen(metadata) - 2, metadata);
        else
                g_string_append(text, "<metadata>\n  ");
        g_string_append_printf(text, "  %s\n  </metadata>", child);
        return g_string_free(text, FALSE);
}

/* The metadata with other bytes where one child stood; new NULL: none. NULL: nothing is left. */
static char *replace_child(const char *metadata, const XmlDoc *doc, const xmlNode *old,
                           const char *new) {
        g_autofree char *source = xml_doc_source(doc, old);
        const char *at = strstr(metadata, source);

        if (!new &&xml_first(xml_doc_root(doc)) == old && !xml_next(old))
                return NULL;
        return g_strdup_printf("%.*s%s%s", (int)(at - metadata), metadata, new ? new : "",
                               at + strlen(source));
}

static int wrap(const char *xml, const char *key, const char *uri, char **ret, Err *err) {
        g_autoptr(XmlDoc) doc = NULL;
        xmlNs *ns;
        int r = xml_doc_parse(xml, strlen(xml), "metadata", &doc, err);

        if (r < 0)
                return r;
        ns = xmlNewNs(xml_doc_root(doc), (const xmlChar *)uri, (const xmlChar *)key);
        if (!ns)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "the prefix '%.80s' means another namespace in this metadata", key);
        enter_namespace(xml_doc_root(doc), ns);
        *ret = dump(xml_doc_root(doc));
        return 0;
}

int domain_metadata_set(char **metadata, const char *key, const char *uri, const char *xml,
                        Err *err) {
        g_autoptr(XmlDoc) doc = NULL;
        g_autofree char *child = NULL, *fresh = NULL;
        const xmlNode *old = find_metadata(*metadata, uri, &doc);
        int r = xml ? wrap(xml, key, uri, &child, err) : 0;

        if (r < 0)
                return r;
        if (old)
                fresh = replace_child(*metadata, doc, old, child);
        else if (child)
                fresh = append_child(*metadata, child);
        else
                fresh = g_strdup(*metadata);
        g_free(*metadata);
        *metadata = g_steal_pointer(&fresh);
        return 0;
}

char *domain_def_metadata(const DomainDef *def, const char *uri) {
        return domain_metadata_get(def->metadata, uri);
}

int domain_def_set_metadata(DomainDef *def, const char *key, const char *uri, const char *xml,
                            Err *err) {
        return domain_metadata_set(&def->metadata, key, uri, xml, err);
}
