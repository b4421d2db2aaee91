/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/xml.h"

#include "base/test.h"

static XmlDoc *parse(const char *text) {
        g_auto(Err) err = ERR_INIT;
        XmlDoc *doc = NULL;

        if (xml_doc_parse(text, strlen(text), "test", &doc, &err) < 0)
                print_error("%s\n", err.message);
        assert_non_null(doc);
        return doc;
}

static void a_document_is_read_within_bounds(void **state) {
        g_autoptr(GString) deep = g_string_new(NULL);
        const char *cases[] = {
                "",
                "<a>",
                "<a></b>",
                "<a/><b/>",
                "<a>&undefined;</a>",
                "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
                "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
                NULL,
        };

        for (int i = 0; i <= XML_DEPTH_MAX; i++)
                g_string_append(deep, "<a>");
        for (int i = 0; i <= XML_DEPTH_MAX; i++)
                g_string_append(deep, "</a>");
        cases[G_N_ELEMENTS(cases) - 1] = deep->str;
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Err) err = ERR_INIT;
                XmlDoc *doc = NULL;

                assert_true(xml_doc_parse(cases[i], strlen(cases[i]), "test", &doc, &err) < 0);
                assert_null(doc);
                assert_true(err.code == VIR_ERR_XML_ERROR || err.code == VIR_ERR_XML_DETAIL);
        }
}

static void an_element_is_given_back_byte_for_byte(void **state) {
        static const char text[] = "<?xml version='1.0'?>\n"
                                   "<!-- <not a='tag'> -->\n"
                                   "<a x = \"1>2\"><b  c='/b>'><![CDATA[<x>]]></b ><d/>\n"
                                   "<e>\xc3\xa4 &lt;<f /></e></a>";
        g_autoptr(XmlDoc) doc = parse(text);
        xmlNode *b = xml_first(xml_doc_root(doc));
        g_autofree char *whole = xml_doc_source(doc, xml_doc_root(doc));
        g_autofree char *first = xml_doc_source(doc, b);
        g_autofree char *second = xml_doc_source(doc, xml_next(b));
        g_autofree char *third = xml_doc_source(doc, xml_next(xml_next(b)));
        g_autofree char *inner = xml_doc_source(doc, xml_first(xml_next(xml_next(b))));

        assert_string_equal(whole, strstr(text, "<a"));
        assert_string_equal(first, "<b  c='/b>'><![CDATA[<x>]]></b >");
        assert_string_equal(second, "<d/>");
        assert_string_equal(third, "<e>\xc3\xa4 &lt;<f /></e>");
        assert_string_equal(inner, "<f />");
}

static void attributes_fail_with_element_and_line(void **state) {
        g_autoptr(XmlDoc) doc = parse("<a>\n<b n='12' m='x'/></a>");
        xmlNode *b = xml_child(xml_doc_root(doc), "b");
        g_auto(Err) missing = ERR_INIT;
        g_auto(Err) wrong = ERR_INIT;
        uint64_t n = 7;
        char *value = NULL;

        assert_int_equal(xml_attr_uint(b, "n", 10, 12, &n, NULL), 0);
        assert_int_equal(n, 12);
        assert_int_equal(xml_attr_uint(b, "absent", 10, 12, &n, NULL), 0);
        assert_int_equal(n, 12);
        assert_true(xml_attr_uint(b, "m", 10, 12, &n, &wrong) < 0);
        assert_string_equal(wrong.message, "<b m='x'> at line 2 is no number from 0 to 12");
        assert_true(xml_attr_required(b, "k", &value, &missing) < 0);
        assert_string_equal(missing.message, "<b> at line 2 has no attribute 'k'");
}

static void what_is_written_is_read_back_the_same(void **state) {
        static const char nasty[] = "a'b\"c<d>&e\tf\ng\rh";
        XmlWriter *writer = xml_writer_new(0);
        g_autofree char *text = NULL;
        g_autofree char *attr = NULL;
        g_autofree char *content = NULL;
        g_autoptr(XmlDoc) doc = NULL;

        xml_writer_open(writer, "a");
        xml_writer_attr(writer, "x", nasty);
        xml_writer_attr(writer, "none", NULL);
        xml_writer_leaf(writer, "empty", NULL);
        xml_writer_leaf(writer, "b", nasty);
        xml_writer_raw_element(writer, "<raw  y=\"1\"/>");
        xml_writer_close(writer);
        text = xml_writer_finish(writer);
        assert_string_equal(text, "<a x='a&apos;b&quot;c&lt;d&gt;&amp;e&#9;f&#10;g&#13;h'>\n"
                                  "  <empty/>\n"
                                  "  <b>a&apos;b&quot;c&lt;d&gt;&amp;e\tf\ng&#13;h</b>\n"
                                  "  <raw  y=\"1\"/>\n"
                                  "</a>\n");
        doc = parse(text);
        attr = xml_attr(xml_doc_root(doc), "x");
        content = xml_text(xml_child(xml_doc_root(doc), "b"));
        assert_string_equal(attr, nasty);
        assert_string_equal(content, nasty);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_document_is_read_within_bounds),
                cmocka_unit_test(an_element_is_given_back_byte_for_byte),
                cmocka_unit_test(attributes_fail_with_element_and_line),
                cmocka_unit_test(what_is_written_is_read_back_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
