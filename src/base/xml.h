/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* XML that comes from clients and files, and XML that we write.
 *
 * A document is parsed whole, from memory, within bounds: no network, no DTD (so no entities but
 * the five of XML itself), no deeper than XML_DEPTH_MAX. Its text is kept, so that an element can
 * be given back byte for byte.
 *
 * The writer's form is the one that libvirt's tools print: two spaces a level, single quotes. */

#include <stdint.h>

#include <libxml/tree.h>

#include <glib.h>

#include "base/err.h"

#define XML_DOC_MAX   (4u << 20) /* bytes; what a remote call can carry */
#define XML_DEPTH_MAX 64

typedef struct XmlDoc XmlDoc;

/* what names the document in messages: "domain". VIR_ERR_XML_ERROR with the line for text that is
 * no such document, VIR_ERR_INVALID_ARG over XML_DOC_MAX. */
int xml_doc_parse(const char *text, size_t size, const char *what, XmlDoc **ret, Err *err);
void xml_doc_free(XmlDoc *doc);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XmlDoc, xml_doc_free)

xmlNode *xml_doc_root(const XmlDoc *doc);

/* The element's own bytes in the document, from its '<' to its last '>'. */
char *xml_doc_source(const XmlDoc *doc, const xmlNode *element);

unsigned xml_line(const xmlNode *element);

static inline const char *xml_name(const xmlNode *node) {
        return (const char *)node->name;
}

/* The first child element, the next sibling element; NULL: no more. */
xmlNode *xml_first(const xmlNode *element);
xmlNode *xml_next(const xmlNode *element);

/* The first child element of that name (in no namespace); NULL: none. */
xmlNode *xml_child(const xmlNode *element, const char *name);

#define XML_FOREACH_CHILD(child, element) \
        for (xmlNode *child = xml_first(element); child; child = xml_next(child))

/* NULL: no such attribute. The first copies; the second fails with element, attribute and line. */
char *xml_attr(const xmlNode *element, const char *name);
int xml_attr_required(const xmlNode *element, const char *name, char **ret, Err *err);

/* A number of at most max, base as str_to_uint; an absent attribute leaves *ret as it is. */
int xml_attr_uint(const xmlNode *element, const char *name, unsigned base, uint64_t max,
                  uint64_t *ret, Err *err);

/* The element's text without white space at its ends; "" when it has none. */
char *xml_text(const xmlNode *element);

typedef struct XmlWriter {
        GString *out;
        GPtrArray *open;  /* names of the open elements; they must outlive the writer */
        bool is_tag_open; /* the start tag still takes attributes */
        bool is_text;     /* text was written: the end tag stays on its line */
        unsigned base;    /* levels of indentation before the first element */
} XmlWriter;

XmlWriter *xml_writer_new(unsigned base);
void xml_writer_free(XmlWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XmlWriter, xml_writer_free)

/* The text so far; the writer is freed. Every element must be closed. */
char *xml_writer_finish(XmlWriter *writer);

void xml_writer_open(XmlWriter *writer, const char *name);
void xml_writer_close(XmlWriter *writer);

/* Attributes of the element that was opened last; a NULL value writes none. */
void xml_writer_attr(XmlWriter *writer, const char *name, const char *value);
void xml_writer_attr_format(XmlWriter *writer, const char *name, const char *format, ...)
        G_GNUC_PRINTF(3, 4);

void xml_writer_text(XmlWriter *writer, const char *text);

/* <name>text</name>, and <name/> where text is NULL. */
void xml_writer_leaf(XmlWriter *writer, const char *name, const char *text);
void xml_writer_leaf_format(XmlWriter *writer, const char *name, const char *format, ...)
        G_GNUC_PRINTF(3, 4);

/* An element, or a whole attribute list item (" a='b'"), as it is. */
void xml_writer_raw_element(XmlWriter *writer, const char *source);
void xml_writer_raw_attr(XmlWriter *writer, const char *source);
