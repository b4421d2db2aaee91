/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/element.h"

#include <string.h>

#include "base/util.h"
#include "domain/schema.h"

/* What libvirt's drivers add stands in namespaces below this one. */
#define DRIVER_NAMESPACES "http://libvirt.org/schemas/domain/"

#define FOREACH_FIELD(field, element) \
        for (const DomainField *field = (element)->fields; field->type != FIELD_END; field++)

static void *at(void *object, size_t offset) {
        return (uint8_t *)object + offset;
}

static const void *at_const(const void *object, size_t offset) {
        return (const uint8_t *)object + offset;
}

/* ---- parse ---- */

/* Elements and attributes have the field in different places. */
static void **mark_of(void *node) {
        if (((const xmlNode *)node)->type == XML_ATTRIBUTE_NODE)
                return &((xmlAttr *)node)->psvi;
        return &((xmlNode *)node)->psvi;
}

static void mark(void *node) {
        *mark_of(node) = node;
}

static bool is_marked(void *node) {
        return *mark_of(node) != NULL;
}

static int fail_value(const xmlNode *node, const DomainField *field, const char *value,
                      const char *wanted, Err *err) {
        if (field->place == PLACE_ATTR)
                return fail(err, VIR_ERR_XML_ERROR, "<%s %s='%s'> at line %u is not %s",
                            xml_name(node), field->name, value, xml_line(node), wanted);
        return fail(err, VIR_ERR_XML_ERROR, "'%s' in <%s> at line %u is not %s", value,
                    xml_name(node), xml_line(node), wanted);
}

static int parse_num(const xmlNode *node, const DomainField *field, const char *value,
                     DomainNum *ret, Err *err) {
        uint64_t max = field->max ? field->max : UINT32_MAX;
        g_autofree char *wanted = NULL;
        uint64_t number;

        if (str_to_uint(value, 0, max, &number) == 0) {
                *ret = DOMAIN_NUM(number);
                return 0;
        }
        wanted = g_strdup_printf("a number from 0 to %" G_GUINT64_FORMAT, max);
        return fail_value(node, field, value, wanted, err);
}

static int parse_enum(const xmlNode *node, const DomainField *field, const char *value, int *ret,
                      Err *err) {
        g_autofree char *served = NULL;
        g_autofree char *wanted = NULL;

        for (int i = 0; field->values[i]; i++) {
                if (g_str_equal(field->values[i], value)) {
                        *ret = i + 1;
                        return 0;
                }
        }
        if (field->place != PLACE_ATTR)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "<%s>%s</%s> at line %u is not served",
                            xml_name(node), value, xml_name(node), xml_line(node));
        if (schema_has_value(xml_name(node), field->name, value))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<%s %s='%s'> at line %u is not served yet", xml_name(node),
                            field->name, value, xml_line(node));
        served = g_strjoinv(", ", (char **)(uintptr_t)field->values);
        wanted = g_strdup_printf("one of %s", served);
        return fail_value(node, field, value, wanted, err);
}

/* Units as the guest formats of the field have them: KB is 1000 bytes, KiB 1024, none is KiB. */
static int unit_bytes(const char *unit, uint64_t *ret) {
        static const char prefixes[] = "KMGTPE";
        const char *prefix;
        uint64_t step = 1024;

        *ret = 1024;
        if (!unit)
                return 0;
        *ret = 1;
        if (g_str_equal(unit, "b") || g_str_equal(unit, "bytes"))
                return 0;
        prefix = strchr(prefixes, g_ascii_toupper(unit[0]));
        if (!unit[0] || !prefix)
                return -EINVAL;
        if (g_ascii_strcasecmp(unit + 1, "B") == 0)
                step = 1000;
        else if (unit[1] && g_ascii_strcasecmp(unit + 1, "iB") != 0)
                return -EINVAL;
        for (const char *p = prefixes; p <= prefix; p++)
                *ret *= step;
        return 0;
}

static int parse_size(xmlNode *node, const DomainField *field, const char *value, uint64_t *ret,
                      Err *err) {
        g_autofree char *unit = xml_attr(node, "unit");
        xmlAttr *attr = xmlHasProp(node, (const xmlChar *)"unit");
        uint64_t bytes, number;

        if (attr)
                mark(attr);
        else
                unit = g_strdup(field->type == FIELD_BYTES ? "bytes" : field->unit);
        if (unit_bytes(unit, &bytes) < 0)
                return fail(err, VIR_ERR_XML_ERROR, "<%s unit='%s'> at line %u is no unit",
                            xml_name(node), unit, xml_line(node));
        if (str_to_uint(value, 10, UINT64_MAX, &number) < 0)
                return fail_value(node, field, value, "a number", err);
        if (number > (UINT64_MAX - 1023) / bytes)
                return fail_value(node, field, value, "a size below 16 EiB", err);
        *ret = number * bytes;
        return 0;
}

static int parse_kib(xmlNode *node, const DomainField *field, const char *value, uint64_t *ret,
                     Err *err) {
        uint64_t bytes = 0;
        int r = parse_size(node, field, value, &bytes, err);

        if (r == 0)
                *ret = (bytes + 1023) / 1024;
        return r;
}

static int parse_bytes(xmlNode *node, const DomainField *field, const char *value, DomainNum *ret,
                       Err *err) {
        uint64_t bytes = 0;
        int r = parse_size(node, field, value, &bytes, err);

        if (r == 0)
                *ret = DOMAIN_NUM(bytes);
        return r;
}

/* One value into its place in object. */
static int parse_value(xmlNode *node, const DomainField *field, const char *value, void *object,
                       Err *err) {
        void *place = at(object, field->offset);

        switch (field->type) {
        case FIELD_STRING:
                g_free(*(char **)place);
                *(char **)place = g_strdup(value);
                return 0;
        case FIELD_PORT:
                if (g_str_equal(value, "-1"))
                        return 0;
                return parse_num(node, field, value, place, err);
        case FIELD_AUTO_PORT:
                if (g_str_equal(value, "-1")) {
                        *(DomainNum *)place = DOMAIN_NUM(DOMAIN_PORT_AUTO);
                        return 0;
                }
                return parse_num(node, field, value, place, err);
        case FIELD_NUM:
        case FIELD_HEX:
                return parse_num(node, field, value, place, err);
        case FIELD_ENUM:
                return parse_enum(node, field, value, place, err);
        case FIELD_KIB:
                return parse_kib(node, field, value, place, err);
        case FIELD_BYTES:
                return parse_bytes(node, field, value, place, err);
        case FIELD_UUID:
                if (domain_uuid_parse(value, place) < 0)
                        return fail_value(node, field, value, "a UUID", err);
                return 0;
        default:
                g_assert_not_reached();
        }
}

static int parse_attr(xmlNode *node, const DomainField *field, void *object, Err *err) {
        g_autofree char *value = xml_attr(node, field->name);

        if (!value && field->is_required)
                return xml_attr_required(node, field->name, &value, err);
        if (!value)
                return 0;
        mark(xmlHasNsProp(node, (const xmlChar *)field->name, NULL));
        return parse_value(node, field, value, object, err);
}

static void mark_texts(const xmlNode *node) {
        for (xmlNode *child = node->children; child; child = child->next) {
                if (child->type == XML_TEXT_NODE)
                        mark(child);
        }
}

static int parse_text(xmlNode *node, const DomainField *field, void *object, Err *err) {
        g_autofree char *text = xml_text(node);

        mark_texts(node);
        if (!*text && field->is_required)
                return fail(err, VIR_ERR_XML_ERROR, "<%s> at line %u is empty", xml_name(node),
                            xml_line(node));
        if (!*text)
                return 0;
        return parse_value(node, field, text, object, err);
}

static int parse_rest(DomainParse *parse, xmlNode *node, DomainNode *head, Err *err);
static void clear_node(DomainNode *node);

static void keep_leaf_attrs(DomainNode *head, const DomainField *field, DomainNode *leaf) {
        if (!leaf->attrs)
                return;
        if (!head->leaf_attrs)
                head->leaf_attrs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
        g_hash_table_insert(head->leaf_attrs, (gpointer)(uintptr_t)field->name,
                            g_string_free(g_steal_pointer(&leaf->attrs), FALSE));
}

/* <name>text</name> has no struct of its own: its parent keeps what it says beyond its text. */
static int parse_leaf(DomainParse *parse, const DomainField *field, xmlNode *child, void *object,
                      Err *err) {
        g_autofree char *text = xml_text(child);
        DomainNode leaf = {};
        int r;

        if (field->type == FIELD_SOURCE) {
                *(char **)at(object, field->offset) = xml_doc_source(parse->doc, child);
                return 0;
        }
        r = parse_value(child, field, text, object, err);
        if (r < 0)
                return r;
        mark_texts(child);
        if (xml_first(child))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<%s> in <%s> at line %u, where a text is wanted",
                            xml_name(xml_first(child)), field->name, xml_line(child));
        r = parse_rest(parse, child, &leaf, err);
        keep_leaf_attrs(parse->head, field, &leaf);
        clear_node(&leaf);
        return r;
}

static int parse_list(DomainParse *parse, const DomainField *field, xmlNode *child, void *object,
                      Err *err) {
        GPtrArray **list = at(object, field->offset);
        void *item;

        if (!*list)
                *list = g_ptr_array_new();
        if ((*list)->len >= DOMAIN_DEVICES_MAX)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "more than %d <%s> at line %u",
                            DOMAIN_DEVICES_MAX, field->name, xml_line(child));
        item = domain_element_new(field->element);
        g_ptr_array_add(*list, item);
        return domain_element_parse(parse, field->element, child, item, err);
}

static int parse_child(DomainParse *parse, const DomainField *field, xmlNode *child, void *object,
                       Err *err) {
        if (field->type == FIELD_LIST)
                return parse_list(parse, field, child, object, err);
        if (field->type == FIELD_ELEMENT)
                return domain_element_parse(parse, field->element, child, at(object, field->offset),
                                            err);
        return parse_leaf(parse, field, child, object, err);
}

/* Elements of QEMU's namespace have the prefix in the tables, whatever the document calls it. */
static bool is_named(const xmlNode *child, const char *name) {
        const char *local = strchr(name, ':');

        if (!local)
                return !child->ns && g_str_equal(xml_name(child), name);
        return child->ns && g_strcmp0((const char *)child->ns->href, DOMAIN_QEMU_NS) == 0 &&
               g_str_equal(xml_name(child), local + 1);
}

static int parse_children(DomainParse *parse, const DomainField *field, xmlNode *node, void *object,
                          Err *err) {
        bool is_found = false;

        XML_FOREACH_CHILD(child, node) {
                int r;

                if (!is_named(child, field->name))
                        continue;
                if (is_found && field->type != FIELD_LIST)
                        return fail(err, VIR_ERR_XML_ERROR, "a second <%s> in <%s> at line %u",
                                    field->name, xml_name(node), xml_line(child));
                is_found = true;
                mark(child);
                r = parse_child(parse, field, child, object, err);
                if (r < 0)
                        return r;
        }
        if (!is_found && field->is_required)
                return fail(err, VIR_ERR_XML_ERROR, "<%s> at line %u has no <%s>", xml_name(node),
                            xml_line(node), field->name);
        return 0;
}

static bool is_child(const DomainField *field) {
        return field->type == FIELD_ELEMENT || field->type == FIELD_LIST ||
               field->place == PLACE_LEAF;
}

static int parse_field(DomainParse *parse, const DomainField *field, xmlNode *node, void *object,
                       Err *err) {
        if (is_child(field))
                return parse_children(parse, field, node, object, err);
        if (field->place == PLACE_TEXT)
                return parse_text(node, field, object, err);
        return parse_attr(node, field, object, err);
}

/* What nobody knows is kept and named, unless the client asked for validation. nearest is what it
 * may have meant (taken over; NULL: nothing). */
static int warn_unknown(DomainParse *parse, const char *what, unsigned line, char *nearest,
                        Err *err) {
        g_autofree char *name = nearest;
        g_autofree char *hint = name ? g_strdup_printf("; is '%s' meant?", name) : g_strdup("");

        if (parse->flags & DOMAIN_PARSE_VALIDATE)
                return fail(err, VIR_ERR_XML_INVALID_SCHEMA,
                            "%s at line %u is known to no schema%s", what, line, hint);
        g_ptr_array_add(parse->warnings,
                        g_strdup_printf("%s at line %u is known to no schema and kept as it is%s",
                                        what, line, hint));
        return 0;
}

static char *format_attr(const char *prefix, const char *name, const char *value) {
        XmlWriter writer = {.out = g_string_new(NULL), .is_tag_open = true};
        g_autofree char *full = prefix ? g_strdup_printf("%s:%s", prefix, name) : g_strdup(name);

        xml_writer_attr(&writer, full, value);
        return g_string_free(writer.out, FALSE);
}

static void keep_attr(DomainNode *head, const char *text) {
        if (!head->attrs)
                head->attrs = g_string_new(NULL);
        g_string_append(head->attrs, text);
}

static void free_text(xmlChar **text) {
        xmlFree(*text);
}

static int parse_rest_attr(DomainParse *parse, xmlNode *node, xmlAttr *attr, DomainNode *head,
                           Err *err) {
        const char *name = (const char *)attr->name;
        _cleanup_(free_text) xmlChar *value = xmlNodeListGetString(node->doc, attr->children, 1);
        g_autofree char *text = NULL;
        g_autofree char *what = NULL;
        int r;

        text = format_attr(attr->ns ? (const char *)attr->ns->prefix : NULL, name,
                           value ? (const char *)value : "");
        what = g_strdup_printf("<%s%s>", xml_name(node), text);
        if (!attr->ns && schema_has_attr(xml_name(node), name))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s at line %u is not served yet",
                            what, xml_line(node));
        r = warn_unknown(parse, what, xml_line(node),
                         attr->ns ? NULL : schema_nearest_attr(xml_name(node), name), err);
        if (r < 0)
                return r;
        keep_attr(head, text);
        return 0;
}

static int parse_rest_child(DomainParse *parse, xmlNode *node, xmlNode *child, DomainNode *head,
                            Err *err) {
        bool is_known = child->ns && child->ns->href
                                ? g_str_has_prefix((const char *)child->ns->href, DRIVER_NAMESPACES)
                                : schema_has_element(xml_name(node), xml_name(child));
        const char *prefix = child->ns ? (const char *)child->ns->prefix : NULL;
        g_autofree char *what = g_strdup_printf("<%s%s%s> in <%s>", prefix ? prefix : "",
                                                prefix ? ":" : "", xml_name(child), xml_name(node));
        int r;

        if (is_known)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s at line %u is not served yet",
                            what, xml_line(child));
        r = warn_unknown(parse, what, xml_line(child),
                         prefix ? NULL : schema_nearest_element(xml_name(node), xml_name(child)),
                         err);
        if (r < 0)
                return r;
        if (!head->kept)
                head->kept = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(head->kept, xml_doc_source(parse->doc, child));
        return 0;
}

static int parse_rest_text(xmlNode *node, xmlNode *child, Err *err) {
        g_autofree char *text = g_strdup((const char *)child->content);

        g_strstrip(text);
        if (!*text)
                return 0;
        text[MIN(strlen(text), 40)] = 0;
        return fail(err, VIR_ERR_XML_ERROR, "<%s> at line %u holds the text '%s'", xml_name(node),
                    xml_line(node), text);
}

/* Namespaces that kept text may need. */
static void keep_namespaces(const xmlNode *node, DomainNode *head) {
        for (xmlNs *ns = node->nsDef; ns; ns = ns->next) {
                g_autofree char *text = NULL;

                if (!ns->prefix)
                        continue;
                text = format_attr("xmlns", (const char *)ns->prefix,
                                   ns->href ? (const char *)ns->href : "");
                keep_attr(head, text);
        }
}

/* Attributes, children and text that no field took. */
static int parse_rest(DomainParse *parse, xmlNode *node, DomainNode *head, Err *err) {
        int r = 0;

        keep_namespaces(node, head);
        for (xmlAttr *attr = node->properties; attr && r == 0; attr = attr->next) {
                if (!is_marked(attr))
                        r = parse_rest_attr(parse, node, attr, head, err);
        }
        for (xmlNode *child = node->children; child && r == 0; child = child->next) {
                if (is_marked(child))
                        continue;
                if (child->type == XML_ELEMENT_NODE)
                        r = parse_rest_child(parse, node, child, head, err);
                else if (child->type == XML_TEXT_NODE)
                        r = parse_rest_text(node, child, err);
        }
        return r;
}

int domain_element_parse(DomainParse *parse, const DomainElement *element, xmlNode *node,
                         void *object, Err *err) {
        DomainNode *head = at(object, element->node);

        head->is_present = true;
        head->line = xml_line(node);
        FOREACH_FIELD(field, element) {
                int r;

                if (field->when && !field->when(object))
                        continue;
                parse->head = head;
                r = parse_field(parse, field, node, object, err);
                if (r < 0)
                        return r;
        }
        return parse_rest(parse, node, head, err);
}

/* ---- format ---- */

/* In the field's own unit where that is exact. */
static const char *kib_unit(const DomainField *field, uint64_t kib, uint64_t *ret_bytes) {
        const char *unit = field->unit ? field->unit : "KiB";

        if (unit_bytes(unit, ret_bytes) == 0 && *ret_bytes >= 1024 &&
            kib % (*ret_bytes / 1024) == 0)
                return unit;
        *ret_bytes = 1024;
        return "KiB";
}

static char *kib_text(const DomainField *field, uint64_t kib) {
        uint64_t bytes;

        if (kib == 0 && !field->is_required)
                return NULL;
        kib_unit(field, kib, &bytes);
        return g_strdup_printf("%" G_GUINT64_FORMAT, kib / (bytes / 1024));
}

static void format_unit(XmlWriter *writer, const DomainField *field, const void *place) {
        uint64_t bytes;

        if (field->type == FIELD_KIB)
                xml_writer_attr(writer, "unit", kib_unit(field, *(const uint64_t *)place, &bytes));
        if (field->type == FIELD_BYTES)
                xml_writer_attr(writer, "unit", "bytes");
}

static char *value_text(const DomainField *field, const void *place) {
        const DomainNum *num = place;
        const uint8_t none[16] = {};

        switch (field->type) {
        case FIELD_STRING:
                return g_strdup(*(char *const *)place);
        case FIELD_BYTES:
        case FIELD_NUM:
                return num->is_set ? g_strdup_printf("%" G_GUINT64_FORMAT, num->value) : NULL;
        case FIELD_HEX:
                return num->is_set ? g_strdup_printf("0x%0*" G_GINT64_MODIFIER "x",
                                                     (int)field->digits, num->value)
                                   : NULL;
        case FIELD_AUTO_PORT:
                if (num->is_set && num->value == DOMAIN_PORT_AUTO)
                        return g_strdup("-1");
                return num->is_set ? g_strdup_printf("%" G_GUINT64_FORMAT, num->value) : NULL;
        case FIELD_PORT:
                return num->is_set ? g_strdup_printf("%" G_GUINT64_FORMAT, num->value)
                                   : g_strdup("-1");
        case FIELD_ENUM:
                return *(const int *)place ? g_strdup(field->values[*(const int *)place - 1])
                                           : NULL;
        case FIELD_KIB:
                return kib_text(field, *(const uint64_t *)place);
        case FIELD_UUID:
                if (memcmp(place, none, sizeof(none)) == 0)
                        return NULL;
                return g_strdup(domain_uuid_format(place, (char[DOMAIN_UUID_TEXT_MAX]){0}));
        default:
                g_assert_not_reached();
        }
}

static void format_leaf(XmlWriter *writer, const DomainField *field, const void *place,
                        const DomainNode *head) {
        const char *attrs =
                head->leaf_attrs ? g_hash_table_lookup(head->leaf_attrs, field->name) : NULL;
        g_autofree char *text = NULL;

        if (field->type == FIELD_SOURCE) {
                if (*(char *const *)place)
                        xml_writer_raw_element(writer, *(char *const *)place);
                return;
        }
        text = value_text(field, place);
        if (!text)
                return;
        xml_writer_open(writer, field->name);
        format_unit(writer, field, place);
        if (attrs)
                xml_writer_raw_attr(writer, attrs);
        xml_writer_text(writer, text);
        xml_writer_close(writer);
}

static void format_child(XmlWriter *writer, const DomainField *field, const void *object,
                         DomainFormatFlags flags) {
        const void *place = at_const(object, field->offset);
        const GPtrArray *list;

        if (field->type == FIELD_ELEMENT) {
                domain_element_format(writer, field->element, place, flags);
                return;
        }
        list = *(GPtrArray *const *)place;
        for (guint i = 0; list && i < list->len; i++)
                domain_element_format(writer, field->element, list->pdata[i], flags);
}

static void format_own(XmlWriter *writer, const DomainField *field, const void *object) {
        const void *place = at_const(object, field->offset);
        g_autofree char *text = value_text(field, place);

        if (!text)
                return;
        if (field->place == PLACE_TEXT)
                format_unit(writer, field, place);
        if (field->place == PLACE_TEXT)
                xml_writer_text(writer, text);
        else
                xml_writer_attr(writer, field->name, text);
        if (field->place == PLACE_ATTR)
                format_unit(writer, field, place);
}

static bool is_shown(const DomainField *field, const void *object, DomainFormatFlags flags) {
        if (field->is_secure && !(flags & DOMAIN_FORMAT_SECURE))
                return false;
        return !field->when || field->when(object);
}

/* Attributes or text, in the table's order. */
static void format_owns(XmlWriter *writer, const DomainElement *element, const void *object,
                        DomainFormatFlags flags, DomainFieldPlace place) {
        FOREACH_FIELD(field, element) {
                if (!is_child(field) && field->place == place && is_shown(field, object, flags))
                        format_own(writer, field, object);
        }
}

static void format_children(XmlWriter *writer, const DomainElement *element, const void *object,
                            DomainFormatFlags flags) {
        const DomainNode *head = at_const(object, element->node);

        FOREACH_FIELD(field, element) {
                if (!is_child(field) || !is_shown(field, object, flags))
                        continue;
                if (field->place == PLACE_LEAF)
                        format_leaf(writer, field, at_const(object, field->offset), head);
                else
                        format_child(writer, field, object, flags);
        }
        for (guint i = 0; head->kept && i < head->kept->len; i++)
                xml_writer_raw_element(writer, head->kept->pdata[i]);
}

void domain_element_format(XmlWriter *writer, const DomainElement *element, const void *object,
                           DomainFormatFlags flags) {
        const DomainNode *head = at_const(object, element->node);

        if (!head->is_present)
                return;
        xml_writer_open(writer, element->name);
        format_owns(writer, element, object, flags, PLACE_ATTR);
        if (head->attrs)
                xml_writer_raw_attr(writer, head->attrs->str);
        format_owns(writer, element, object, flags, PLACE_TEXT);
        format_children(writer, element, object, flags);
        xml_writer_close(writer);
}

/* ---- copy and free ---- */

void *domain_element_new(const DomainElement *element) {
        DomainDevice *object = g_malloc0(element->size);

        if (element->is_device)
                object->kind = element->kind;
        return object;
}

static GHashTable *copy_leaf_attrs(GHashTable *attrs) {
        GHashTable *copy = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
        GHashTableIter iter;
        gpointer name, text;

        g_hash_table_iter_init(&iter, attrs);
        while (g_hash_table_iter_next(&iter, &name, &text))
                g_hash_table_insert(copy, name, g_strdup(text));
        return copy;
}

static void copy_node(DomainNode *to) {
        GPtrArray *kept = to->kept;

        if (to->attrs)
                to->attrs = g_string_new(to->attrs->str);
        if (to->leaf_attrs)
                to->leaf_attrs = copy_leaf_attrs(to->leaf_attrs);
        if (!kept)
                return;
        to->kept = g_ptr_array_new_with_free_func(g_free);
        for (guint i = 0; i < kept->len; i++)
                g_ptr_array_add(to->kept, g_strdup(kept->pdata[i]));
}

static GPtrArray *copy_list(const DomainElement *element, const GPtrArray *list) {
        GPtrArray *copy = g_ptr_array_new();

        for (guint i = 0; i < list->len; i++)
                g_ptr_array_add(copy, domain_element_copy(element, list->pdata[i]));
        return copy;
}

/* object is a copy of the bytes: what it points to still belongs to the other. */
static void copy_pointers(const DomainElement *element, void *object) {
        copy_node(at(object, element->node));
        FOREACH_FIELD(field, element) {
                void *place = at(object, field->offset);

                if (field->type == FIELD_STRING || field->type == FIELD_SOURCE)
                        *(char **)place = g_strdup(*(char **)place);
                else if (field->type == FIELD_ELEMENT)
                        copy_pointers(field->element, place);
                else if (field->type == FIELD_LIST && *(GPtrArray **)place)
                        *(GPtrArray **)place = copy_list(field->element, *(GPtrArray **)place);
        }
}

void *domain_element_copy(const DomainElement *element, const void *object) {
        void *copy = g_memdup2(object, element->size);

        copy_pointers(element, copy);
        return copy;
}

static void free_list(const DomainElement *element, GPtrArray *list) {
        for (guint i = 0; i < list->len; i++)
                domain_element_free(element, list->pdata[i]);
        g_ptr_array_unref(list);
}

static void clear_node(DomainNode *node) {
        if (node->attrs)
                g_string_free(node->attrs, TRUE);
        g_clear_pointer(&node->kept, g_ptr_array_unref);
        g_clear_pointer(&node->leaf_attrs, g_hash_table_unref);
        *node = (DomainNode){};
}

void domain_element_clear(const DomainElement *element, void *object) {
        clear_node(at(object, element->node));
        FOREACH_FIELD(field, element) {
                void *place = at(object, field->offset);

                if (field->type == FIELD_STRING || field->type == FIELD_SOURCE) {
                        g_clear_pointer((char **)place, g_free);
                } else if (field->type == FIELD_ELEMENT) {
                        domain_element_clear(field->element, place);
                } else if (field->type == FIELD_LIST && *(GPtrArray **)place) {
                        free_list(field->element, *(GPtrArray **)place);
                        *(GPtrArray **)place = NULL;
                } else if (field->type == FIELD_NUM || field->type == FIELD_HEX ||
                           field->type == FIELD_PORT || field->type == FIELD_AUTO_PORT ||
                           field->type == FIELD_BYTES) {
                        *(DomainNum *)place = (DomainNum){};
                } else if (field->type == FIELD_ENUM) {
                        *(int *)place = 0;
                }
        }
}

void domain_element_free(const DomainElement *element, void *object) {
        if (!object)
                return;
        domain_element_clear(element, object);
        g_free(object);
}
