/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/xml.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <libxml/parser.h>

#include "base/util.h"

typedef struct Span {
        size_t start, end; /* bytes in the text; end is behind the last '>' */
} Span;

struct XmlDoc {
        xmlDoc *tree;
        char *text;
        size_t size;
        GArray *spans; /* Span of each element, in document order; node->_private is index + 1 */
};

void xml_doc_free(XmlDoc *doc) {
        if (!doc)
                return;
        if (doc->tree)
                xmlFreeDoc(doc->tree);
        if (doc->spans)
                g_array_unref(doc->spans);
        g_free(doc->text);
        g_free(doc);
}

/* libxml2 prints to stderr unless it is given something else. */
static void be_quiet(void *data, xmlErrorPtr error) {
}

static int fail_parse(xmlParserCtxt *ctxt, const char *what, Err *err) {
        const xmlError *error = xmlCtxtGetLastError(ctxt);
        g_autofree char *message = g_strdup(error && error->message ? error->message : "no XML");

        return fail(err, VIR_ERR_XML_DETAIL, "the %s's XML is malformed at line %d: %s", what,
                    error ? error->line : 1, g_strstrip(message));
}

static int check_tree(const xmlDoc *tree, const char *what, Err *err) {
        /* An entity can make a small text a large tree; nothing of ours has a DTD. */
        if (tree->intSubset)
                return fail(err, VIR_ERR_XML_ERROR, "the %s's XML has a DTD, which is not read",
                            what);
        if (!xmlDocGetRootElement(tree))
                return fail(err, VIR_ERR_XML_ERROR, "the %s's XML has no element", what);
        return 0;
}

static int parse_tree(XmlDoc *doc, const char *what, Err *err) {
        xmlParserCtxt *ctxt = xmlNewParserCtxt();
        int r;

        if (!ctxt)
                return fail(err, VIR_ERR_NO_MEMORY, "cannot parse the %s's XML", what);
        ctxt->sax->serror = be_quiet;
        doc->tree = xmlCtxtReadMemory(ctxt, doc->text, (int)doc->size, NULL, "UTF-8",
                                      XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES |
                                              XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
        if (doc->tree && ctxt->wellFormed)
                r = check_tree(doc->tree, what, err);
        else
                r = fail_parse(ctxt, what, err);
        xmlFreeParserCtxt(ctxt);
        return r;
}

/* Behind the end of a markup that is no element (comment, CDATA, instruction); 0: it is a tag. */
static size_t skip_markup(const char *text, size_t size, size_t at) {
        static const struct {
                const char *start, *end;
        } markups[] = {
                {"<!--", "-->"},
                {"<![CDATA[", "]]>"},
                {"<?", "?>"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(markups); i++) {
                const char *end;

                if (!g_str_has_prefix(text + at, markups[i].start))
                        continue;
                end = g_strstr_len(text + at, (gssize)(size - at), markups[i].end);
                return end ? (size_t)(end - text) + strlen(markups[i].end) : size;
        }
        return 0;
}

/* Behind the '>' of the tag at at: quoted values can hold a '>'. */
static size_t skip_tag(const char *text, size_t size, size_t at) {
        char quote = 0;

        for (; at < size; at++) {
                if (quote)
                        quote = text[at] == quote ? 0 : quote;
                else if (text[at] == '\'' || text[at] == '"')
                        quote = text[at];
                else if (text[at] == '>')
                        return at + 1;
        }
        return size;
}

static void end_span(GArray *spans, GArray *open, size_t end) {
        if (open->len == 0)
                return;
        g_array_index(spans, Span, g_array_index(open, guint, open->len - 1)).end = end;
        g_array_set_size(open, open->len - 1);
}

/* Finds where each element begins and ends. The text is well-formed: the parser said so. */
static GArray *find_spans(const char *text, size_t size) {
        GArray *spans = g_array_new(FALSE, TRUE, sizeof(Span));
        g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(guint));

        for (size_t at = 0; at < size;) {
                size_t end;

                if (text[at] != '<') {
                        at++;
                        continue;
                }
                end = skip_markup(text, size, at);
                if (end == 0) {
                        end = skip_tag(text, size, at);
                        if (text[at + 1] != '/') {
                                g_array_append_val(open, spans->len);
                                g_array_append_vals(spans, &(Span){at, end}, 1);
                        }
                        if (text[at + 1] == '/' || text[end - 2] == '/')
                                end_span(spans, open, end);
                }
                at = end;
        }
        return spans;
}

/* Numbers the elements in document order and bounds their depth. */
static int number_elements(xmlNode *element, unsigned depth, guint *n, Err *err) {
        if (depth > XML_DEPTH_MAX)
                return fail(err, VIR_ERR_XML_ERROR, "<%s> at line %u is nested deeper than %d",
                            xml_name(element), xml_line(element), XML_DEPTH_MAX);
        element->_private = GUINT_TO_POINTER(++*n);
        XML_FOREACH_CHILD(child, element) {
                int r = number_elements(child, depth + 1, n, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

int xml_doc_parse(const char *text, size_t size, const char *what, XmlDoc **ret, Err *err) {
        g_autoptr(XmlDoc) doc = g_new0(XmlDoc, 1);
        guint n = 0;
        int r;

        if (size > XML_DOC_MAX)
                return fail(err, VIR_ERR_INVALID_ARG, "the %s's XML is longer than %u bytes", what,
                            XML_DOC_MAX);
        doc->text = g_strndup(text, size);
        doc->size = strlen(doc->text);
        if (doc->size != size)
                return fail(err, VIR_ERR_XML_ERROR, "the %s's XML holds a NUL byte", what);
        r = parse_tree(doc, what, err);
        if (r < 0)
                return r;
        r = number_elements(xmlDocGetRootElement(doc->tree), 1, &n, err);
        if (r < 0)
                return r;
        doc->spans = find_spans(doc->text, doc->size);
        if (doc->spans->len != n)
                return fail(err, VIR_ERR_XML_ERROR, "the %s's XML cannot be mapped to its text",
                            what);
        *ret = g_steal_pointer(&doc);
        return 0;
}

xmlNode *xml_doc_root(const XmlDoc *doc) {
        return xmlDocGetRootElement(doc->tree);
}

char *xml_doc_source(const XmlDoc *doc, const xmlNode *element) {
        guint n = GPOINTER_TO_UINT(element->_private);
        Span span = g_array_index(doc->spans, Span, n - 1);

        return g_strndup(doc->text + span.start, span.end - span.start);
}

unsigned xml_line(const xmlNode *element) {
        long line = xmlGetLineNo(element);

        return line > 0 ? (unsigned)line : 0;
}

static xmlNode *next_element(xmlNode *node) {
        while (node && node->type != XML_ELEMENT_NODE)
                node = node->next;
        return node;
}

xmlNode *xml_first(const xmlNode *element) {
        return next_element(element->children);
}

xmlNode *xml_next(const xmlNode *element) {
        return next_element(element->next);
}

xmlNode *xml_child(const xmlNode *element, const char *name) {
        XML_FOREACH_CHILD(child, element) {
                if (!child->ns && g_str_equal(xml_name(child), name))
                        return child;
        }
        return NULL;
}

/* From libxml2's allocator to GLib's. */
static char *take_text(xmlChar *text) {
        char *copy = g_strdup(text ? (const char *)text : "");

        xmlFree(text);
        return copy;
}

char *xml_attr(const xmlNode *element, const char *name) {
        xmlChar *value = xmlGetNoNsProp(element, (const xmlChar *)name);

        return value ? take_text(value) : NULL;
}

int xml_attr_required(const xmlNode *element, const char *name, char **ret, Err *err) {
        char *value = xml_attr(element, name);

        if (!value)
                return fail(err, VIR_ERR_XML_ERROR, "<%s> at line %u has no attribute '%s'",
                            xml_name(element), xml_line(element), name);
        *ret = value;
        return 0;
}

int xml_attr_uint(const xmlNode *element, const char *name, unsigned base, uint64_t max,
                  uint64_t *ret, Err *err) {
        g_autofree char *value = xml_attr(element, name);

        if (!value)
                return 0;
        if (str_to_uint(value, base, max, ret) < 0)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<%s %s='%s'> at line %u is no number from 0 to %" G_GUINT64_FORMAT,
                            xml_name(element), name, value, xml_line(element), max);
        return 0;
}

char *xml_text(const xmlNode *element) {
        g_autoptr(GString) text = g_string_new(NULL);

        for (xmlNode *node = element->children; node; node = node->next) {
                if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
                        g_string_append(text, (const char *)node->content);
        }
        return g_strstrip(g_string_free(g_steal_pointer(&text), FALSE));
}

XmlWriter *xml_writer_new(unsigned base) {
        XmlWriter *writer = g_new0(XmlWriter, 1);

        writer->out = g_string_new(NULL);
        writer->open = g_ptr_array_new();
        writer->base = base;
        return writer;
}

void xml_writer_free(XmlWriter *writer) {
        if (!writer)
                return;
        if (writer->out)
                g_string_free(writer->out, TRUE);
        g_ptr_array_unref(writer->open);
        g_free(writer);
}

char *xml_writer_finish(XmlWriter *writer) {
        char *text = g_string_free(g_steal_pointer(&writer->out), FALSE);

        g_assert(writer->open->len == 0);
        xml_writer_free(writer);
        return text;
}

static void end_start_tag(XmlWriter *writer) {
        if (writer->is_tag_open)
                g_string_append(writer->out, ">\n");
        writer->is_tag_open = false;
}

static void indent(XmlWriter *writer) {
        for (unsigned i = 0; i < writer->base + writer->open->len; i++)
                g_string_append(writer->out, "  ");
}

static void append_escaped(GString *out, const char *text, bool is_attribute) {
        for (const char *s = text; *s; s++) {
                switch (*s) {
                case '&':
                        g_string_append(out, "&amp;");
                        break;
                case '<':
                        g_string_append(out, "&lt;");
                        break;
                case '>':
                        g_string_append(out, "&gt;");
                        break;
                case '\'':
                        g_string_append(out, "&apos;");
                        break;
                case '"':
                        g_string_append(out, "&quot;");
                        break;
                default:
                        /* A parser reads white space of an attribute as blanks, and drops a
                         * carriage return anywhere, unless they are references. */
                        if (*s == '\r' || (is_attribute && (*s == '\n' || *s == '\t')))
                                g_string_append_printf(out, "&#%d;", *s);
                        else
                                g_string_append_c(out, *s);
                }
        }
}

void xml_writer_open(XmlWriter *writer, const char *name) {
        end_start_tag(writer);
        indent(writer);
        g_string_append_printf(writer->out, "<%s", name);
        g_ptr_array_add(writer->open, (gpointer)(uintptr_t)name);
        writer->is_tag_open = true;
}

void xml_writer_close(XmlWriter *writer) {
        g_autofree char *name = g_strdup(g_ptr_array_index(writer->open, writer->open->len - 1));

        g_ptr_array_set_size(writer->open, (int)writer->open->len - 1);
        if (writer->is_tag_open) {
                g_string_append(writer->out, "/>\n");
                writer->is_tag_open = false;
                return;
        }
        if (!writer->is_text)
                indent(writer);
        writer->is_text = false;
        g_string_append_printf(writer->out, "</%s>\n", name);
}

void xml_writer_attr(XmlWriter *writer, const char *name, const char *value) {
        g_assert(writer->is_tag_open);
        if (!value)
                return;
        g_string_append_printf(writer->out, " %s='", name);
        append_escaped(writer->out, value, true);
        g_string_append_c(writer->out, '\'');
}

void xml_writer_attr_format(XmlWriter *writer, const char *name, const char *format, ...) {
        g_autofree char *value = NULL;
        va_list ap;

        va_start(ap, format);
        value = g_strdup_vprintf(format, ap);
        va_end(ap);
        xml_writer_attr(writer, name, value);
}

void xml_writer_text(XmlWriter *writer, const char *text) {
        if (!text || !*text)
                return;
        if (writer->is_tag_open)
                g_string_append_c(writer->out, '>');
        writer->is_tag_open = false;
        writer->is_text = true;
        append_escaped(writer->out, text, false);
}

void xml_writer_leaf(XmlWriter *writer, const char *name, const char *text) {
        xml_writer_open(writer, name);
        xml_writer_text(writer, text);
        xml_writer_close(writer);
}

void xml_writer_leaf_format(XmlWriter *writer, const char *name, const char *format, ...) {
        g_autofree char *text = NULL;
        va_list ap;

        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);
        xml_writer_leaf(writer, name, text);
}

void xml_writer_raw_element(XmlWriter *writer, const char *source) {
        end_start_tag(writer);
        indent(writer);
        g_string_append_printf(writer->out, "%s\n", source);
}

void xml_writer_raw_attr(XmlWriter *writer, const char *source) {
        g_assert(writer->is_tag_open);
        g_string_append(writer->out, source);
}
