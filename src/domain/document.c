/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/document.h"

#include <string.h>

int domain_document_parse(const char *text, const DomainDocument *document, void *object,
                          Err *err) {
        DomainParse parse = {.flags = document->validate ? DOMAIN_PARSE_VALIDATE : 0,
                             .warnings = document->warnings};
        const char *wanted = document->element->name;
        g_autoptr(XmlDoc) doc = NULL;
        xmlNode *root;
        int r = xml_doc_parse(text, strlen(text), wanted, &doc, err);

        if (r < 0)
                return r;
        root = xml_doc_root(doc);
        if (root->ns || !g_str_equal(xml_name(root), wanted))
                return fail(err, VIR_ERR_XML_ERROR,
                            "the root element is <%s>, where <%s> is wanted", xml_name(root),
                            wanted);
        r = document->check ? document->check(root, err) : 0;
        if (r < 0)
                return r;
        parse.doc = doc;
        return domain_element_parse(&parse, document->element, root, object, err);
}

char *domain_document_format(const DomainElement *element, const void *object) {
        XmlWriter *writer = xml_writer_new(0);

        domain_element_format(writer, element, object, 0);
        return xml_writer_finish(writer);
}

void domain_uuid_fill(uint8_t uuid[16]) {
        static const uint8_t none[16];
        g_autofree char *text = NULL;

        if (memcmp(uuid, none, sizeof(none)) != 0)
                return;
        text = g_uuid_string_random();
        domain_uuid_parse(text, uuid);
}

int domain_check_file_name(const char *name, const char *what, size_t max, Err *err) {
        bool is_good = *name && strlen(name) <= max && !strchr(name, '/') &&
                       !g_str_equal(name, ".") && !g_str_equal(name, "..");

        for (const char *s = name; *s; s++)
                is_good = is_good && !g_ascii_iscntrl(*s);
        if (is_good)
                return 0;
        return fail(
                err, VIR_ERR_XML_ERROR,
                "'%.80s' cannot be a %s's name: it takes 1 to %zu bytes without '/' and control "
                "characters, and is neither '.' nor '..'",
                name, what, max);
}
