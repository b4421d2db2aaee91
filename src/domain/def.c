/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/def.h"

#include <string.h>

#include "base/util.h"
#include "domain/defaults.h"
#include "domain/element.h"
#include "domain/live.h"

static DomainDef *def_new(void) {
        DomainDef *def = domain_element_new(&domain_element);

        def->warnings = g_ptr_array_new_with_free_func(g_free);
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++)
                def->devices.list[kind] = g_ptr_array_new();
        return def;
}

void domain_def_free(DomainDef *def) {
        if (!def)
                return;
        g_ptr_array_unref(def->warnings);
        domain_element_free(&domain_element, def);
}

DomainDef *domain_def_copy(const DomainDef *def) {
        DomainDef *copy = domain_element_copy(&domain_element, def);

        copy->warnings = g_ptr_array_new_with_free_func(g_free);
        for (guint i = 0; i < def->warnings->len; i++)
                g_ptr_array_add(copy->warnings, g_strdup(def->warnings->pdata[i]));
        return copy;
}

static int check_root(const xmlNode *root, Err *err) {
        if (root->ns || !g_str_equal(xml_name(root), "domain"))
                return fail(err, VIR_ERR_XML_ERROR,
                            "the root element is <%s>, where <domain> is wanted", xml_name(root));
        return 0;
}

int domain_def_parse(const char *text, size_t size, const DomainDefaults *defaults,
                     DomainParseFlags flags, DomainDef **ret, Err *err) {
        g_autoptr(DomainDef) def = def_new();
        g_autoptr(XmlDoc) doc = NULL;
        DomainParse parse = {.flags = flags, .warnings = def->warnings};
        int r;

        r = xml_doc_parse(text, size, "domain", &doc, err);
        if (r < 0)
                return r;
        r = check_root(xml_doc_root(doc), err);
        if (r < 0)
                return r;
        parse.doc = doc;
        r = domain_element_parse(&parse, &domain_element, xml_doc_root(doc), def, err);
        if (r < 0)
                return r;
        if (!(flags & DOMAIN_PARSE_LIVE))
                domain_live_strip(def);
        r = domain_defaults_fill(def, defaults, err);
        if (r < 0)
                return r;
        r = domain_def_validate(def, defaults, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&def);
        return 0;
}

char *domain_def_format(const DomainDef *def, DomainFormatFlags flags) {
        g_autoptr(DomainDef) copy = NULL;
        XmlWriter *writer = xml_writer_new(0);

        if (flags & DOMAIN_FORMAT_INACTIVE) {
                copy = domain_def_copy(def);
                domain_live_strip(copy);
        }
        domain_element_format(writer, &domain_element, copy ? copy : def, flags);
        return xml_writer_finish(writer);
}

const char *domain_uuid_format(const uint8_t uuid[16], char text[static DOMAIN_UUID_TEXT_MAX]) {
        static const char digits[] = "0123456789abcdef";
        char *out = text;

        for (int i = 0; i < 16; i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        *out++ = '-';
                *out++ = digits[uuid[i] >> 4];
                *out++ = digits[uuid[i] & 15];
        }
        *out = 0;
        return text;
}

int domain_uuid_parse(const char *text, uint8_t ret[16]) {
        uint8_t uuid[16] = {};
        int n = 0;

        for (; *text; text++) {
                int digit = g_ascii_xdigit_value(*text);

                if (*text == '-' && n > 0 && n % 2 == 0)
                        continue;
                if (digit < 0 || n == 32)
                        return -EINVAL;
                uuid[n / 2] = (uint8_t)(uuid[n / 2] << 4 | digit);
                n++;
        }
        if (n != 32)
                return -EINVAL;
        memcpy(ret, uuid, sizeof(uuid));
        return 0;
}
