/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/def.h"

#include "base/test.h"
#include "domain/schema.h"

static const char text[] =
        "<domain type='kvm' id='3'><name>g</name>"
        "<metadata><a:x xmlns:a='urn:a'  b=\"1\"/>"
        "<airlock:handover xmlns:airlock='" DOMAIN_HANDOVER_NS "' companions='park'/></metadata>"
        "<memory>65536</memory><os><type machine='q35'>hvm</type></os><devices>"
        "<interface type='bridge'><source bridge='br0'/><target dev='vnet4'/></interface>"
        "<serial type='pty'><source path='/dev/pts/2'/><alias name='serial0'/></serial>"
        "<channel type='unix'><source mode='bind' path='/run/guests/g/agent.0'/>"
        "<target type='virtio' name='agent.0'/></channel>"
        "<graphics type='vnc' port='5901' autoport='yes' passwd='secret'/>"
        "</devices></domain>";

static DomainDef *parse(const char *xml, DomainParseFlags flags) {
        g_auto(Err) err = ERR_INIT;
        DomainDef *def = NULL;

        if (domain_def_parse(xml, strlen(xml), NULL, flags, &def, &err) < 0)
                print_error("%s\n", err.message);
        assert_non_null(def);
        return def;
}

/* What only a running guest has. */
static const char *const live_words[] = {
        "id='3'", "vnet4", "/dev/pts/2", "'serial0'", "/run/guests/g/agent.0", "5901"};

static void live_xml_comes_back_whole(void **state) {
        g_autoptr(DomainDef) def = parse(text, DOMAIN_PARSE_LIVE);
        g_autofree char *live = domain_def_format(def, DOMAIN_FORMAT_SECURE);
        g_autoptr(DomainDef) again = parse(live, DOMAIN_PARSE_LIVE);
        g_autoptr(DomainDef) copy = domain_def_copy(again);
        g_autofree char *second = domain_def_format(copy, DOMAIN_FORMAT_SECURE);

        assert_string_equal(live, second);
        for (size_t i = 0; i < G_N_ELEMENTS(live_words); i++)
                assert_non_null(strstr(live, live_words[i]));
}

static void inactive_xml_has_nothing_of_the_running_guest(void **state) {
        g_autoptr(DomainDef) live = parse(text, DOMAIN_PARSE_LIVE);
        g_autoptr(DomainDef) defined = parse(text, 0);
        g_autofree char *stripped = domain_def_format(live, DOMAIN_FORMAT_INACTIVE);
        g_autofree char *config = domain_def_format(defined, 0);

        for (size_t i = 0; i < G_N_ELEMENTS(live_words); i++) {
                assert_null(strstr(stripped, live_words[i]));
                assert_null(strstr(config, live_words[i]));
        }
}

static void a_password_is_shown_where_it_is_asked_for(void **state) {
        g_autoptr(DomainDef) def = parse(text, 0);
        g_autofree char *open = domain_def_format(def, DOMAIN_FORMAT_SECURE);
        g_autofree char *closed = domain_def_format(def, 0);

        assert_non_null(strstr(open, "passwd='secret'"));
        assert_null(strstr(closed, "secret"));
}

static void metadata_is_read_by_namespace(void **state) {
        g_autoptr(DomainDef) def = parse(text, 0);
        g_autofree char *a = domain_def_metadata(def, "urn:a");
        g_autofree char *none = domain_def_metadata(def, "urn:none");

        assert_string_equal(a, "<x b=\"1\"/>");
        assert_null(none);
        assert_true(domain_def_parks_companions(def));
}

static void one_namespace_of_the_metadata_can_be_set(void **state) {
        static const struct {
                const char *key, *uri, *xml, *words;
        } changes[] = {
                {"b", "urn:b", "<y><z/></y>", "<b:y xmlns:b=\"urn:b\"><b:z/></b:y>"},
                {"c", "urn:b", "<w>1 &lt; 2</w>", "<c:w xmlns:c=\"urn:b\">1 &lt; 2</c:w>"},
                {NULL, "urn:b", NULL, "<a:x xmlns:a='urn:a'  b=\"1\"/>"},
                {NULL, "urn:none", NULL, "companions='park'/>"},
        };
        g_autoptr(DomainDef) def = parse(text, 0);

        for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
                assert_int_equal(domain_def_set_metadata(def, changes[i].key, changes[i].uri,
                                                         changes[i].xml, NULL),
                                 0);
                assert_non_null(strstr(def->metadata, changes[i].words));
                assert_non_null(strstr(def->metadata, "<a:x xmlns:a='urn:a'  b=\"1\"/>"));
        }
        assert_null(strstr(def->metadata, "urn:b"));
        assert_int_equal(domain_def_set_metadata(def, "k", "urn:k", "<open>", NULL), -EINVAL);
        assert_int_equal(domain_def_set_metadata(def, NULL, "urn:a", NULL, NULL), 0);
        assert_int_equal(domain_def_set_metadata(def, NULL, DOMAIN_HANDOVER_NS, NULL, NULL), 0);
        assert_null(def->metadata);
        assert_int_equal(domain_def_set_metadata(def, "k", "urn:k", "<n/>", NULL), 0);
        assert_string_equal(def->metadata,
                            "<metadata>\n    <k:n xmlns:k=\"urn:k\"/>\n  </metadata>");
}

static void validation_refuses_what_no_schema_knows(void **state) {
        static const char odd[] = "<domain type='kvm'><name>g</name><memory>1</memory><mood/>"
                                  "<os><type>hvm</type></os></domain>";
        g_autoptr(DomainDef) def = parse(odd, 0);
        g_auto(Err) err = ERR_INIT;
        DomainDef *strict = NULL;

        assert_int_equal(def->warnings->len, 1);
        assert_true(domain_def_parse(odd, strlen(odd), NULL, DOMAIN_PARSE_VALIDATE, &strict, &err) <
                    0);
        assert_int_equal(err.code, VIR_ERR_XML_INVALID_SCHEMA);
}

static void a_new_guest_gets_a_random_uuid(void **state) {
        g_autoptr(DomainDef) a = parse(text, 0);
        g_autoptr(DomainDef) b = parse(text, 0);

        assert_memory_not_equal(a->uuid, b->uuid, 16);
        assert_int_equal(a->uuid[6] >> 4, 4);
        assert_int_equal(a->uuid[8] >> 6, 2);
}

static void uuids_are_read_to_the_last_digit(void **state) {
        static const struct {
                const char *text;
                int r;
        } cases[] = {
                {"c7a5fdbd-cdaf-9455-926a-d65c16db1809", 0},
                {"C7A5FDBDCDAF9455926AD65C16DB1809", 0},
                {"c7a5fdbd-cdaf-9455-926a-d65c16db180", -EINVAL},
                {"c7a5fdbd-cdaf-9455-926a-d65c16db18099", -EINVAL},
                {"c7a5fdbd-cdaf-9455-926a-d65c16db180g", -EINVAL},
                {"", -EINVAL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                char out[DOMAIN_UUID_TEXT_MAX];
                uint8_t uuid[16];

                assert_int_equal(domain_uuid_parse(cases[i].text, uuid), cases[i].r);
                if (cases[i].r == 0)
                        assert_string_equal(domain_uuid_format(uuid, out), cases[0].text);
        }
}

static void the_schema_table_is_found_by_name(void **state) {
        for (size_t i = 1; i < schema_names_n; i++)
                assert_true(strcmp(schema_names[i - 1].element, schema_names[i].element) < 0);
        assert_true(schema_has_element("devices", "tpm"));
        assert_false(schema_has_element("devices", "tp"));
        assert_true(schema_has_attr("disk", "sgio"));
        assert_false(schema_has_attr("disk", "sgi"));
        assert_true(schema_has_value("disk", "type", "network"));
        assert_false(schema_has_value("disk", "type", "net"));
        assert_true(schema_has_value("alias", "name", "anything"));
}

static void a_slip_of_the_hand_is_told_from_a_new_name(void **state) {
        static const char *const slips[][3] = {
                {"disk", "sorce", "source"}, {"domain", "nmae", "name"},  {"disk", "future", NULL},
                {"domain", "", NULL},        {"nowhere", "source", NULL}, {"domain", "x", NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(slips); i++) {
                g_autofree char *found = schema_nearest_element(slips[i][0], slips[i][1]);

                if (slips[i][2])
                        assert_string_equal(found, slips[i][2]);
                else
                        assert_null(found);
        }
}

static void validation_names_what_may_have_been_meant(void **state) {
        static const char mistyped[] =
                "<domain type='qemu'><name>g</name><memory>65536</memory>"
                "<os><type>hvm</type></os><devices><disk type='file' devcie='cdrom'>"
                "<target dev='sda' bus='sata'/></disk></devices></domain>";
        g_auto(Err) err = ERR_INIT;
        DomainDef *def = NULL;

        assert_int_not_equal(domain_def_parse(mistyped, strlen(mistyped), NULL,
                                              DOMAIN_PARSE_VALIDATE, &def, &err),
                             0);
        assert_int_equal(err.code, VIR_ERR_XML_INVALID_SCHEMA);
        assert_non_null(strstr(err.message, "is 'device' meant?"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(live_xml_comes_back_whole),
                cmocka_unit_test(inactive_xml_has_nothing_of_the_running_guest),
                cmocka_unit_test(a_password_is_shown_where_it_is_asked_for),
                cmocka_unit_test(metadata_is_read_by_namespace),
                cmocka_unit_test(one_namespace_of_the_metadata_can_be_set),
                cmocka_unit_test(validation_refuses_what_no_schema_knows),
                cmocka_unit_test(a_new_guest_gets_a_random_uuid),
                cmocka_unit_test(uuids_are_read_to_the_last_digit),
                cmocka_unit_test(the_schema_table_is_found_by_name),
                cmocka_unit_test(a_slip_of_the_hand_is_told_from_a_new_name),
                cmocka_unit_test(validation_names_what_may_have_been_meant),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
