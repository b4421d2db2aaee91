/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/test.h"

#include "cli/cli.h"
#include "cli/report.h"
#include "cli/xpath.h"

static const ReportStyle style = {};

static void assert_report(const char *json, char *(*format)(const json_t *, const ReportStyle *),
                          const char *expected) {
        g_autoptr(json_t) doc = NULL;
        g_autofree char *text = NULL;
        g_auto(Err) err = ERR_INIT;

        assert_int_equal(report_parse(json, &doc, &err), 0);
        text = format(doc, &style);
        assert_string_equal(text, expected);
}

static void devices_are_a_table(void **state) {
        assert_report(
                "{\"devices\":[{\"address\":\"0000:01:00.0\",\"class\":\"020000\","
                "\"class_name\":\"Ethernet controller\",\"vendor\":\"Intel\","
                "\"product\":\"82576\",\"driver\":\"igb\",\"group\":12,\"side\":\"host\","
                "\"owner\":null,\"assignable\":true,\"blockers\":0},"
                "{\"address\":\"0000:02:00.0\",\"class\":\"ff0000\",\"vendor_id\":\"1234\","
                "\"device_id\":\"11e8\",\"driver\":null,\"group\":null,\"side\":\"guest\","
                "\"owner\":\"g1\",\"assignable\":false,\"blockers\":2,"
                "\"first_blocker\":\"g1 has it\"}]}",
                report_devices,
                " Address        Class                 Name          Driver   Group   Side    "
                "Owner   Verdict\n"
                "----------------------------------------------------------------------------"
                "---------------------------------\n"
                " 0000:01:00.0   Ethernet controller   Intel 82576   igb      12      host    "
                "-       assignable\n"
                " 0000:02:00.0   ff0000                1234:11e8     -        -       guest   "
                "g1      blocked (2): g1 has it\n");
}

static void a_verdict_cell_is_brief(void **state) {
        static const struct {
                const char *device, *cell;
        } cases[] = {
                {"\"assignable\":true", "assignable"},
                {"\"kind\":\"host-bridge\"", "stays with the host (host-bridge)"},
                {"\"kind\":\"endpoint\"", "blocked"},
                {"\"first_blocker\":\"PCI device a is held\",\"blockers\":1", "blocked: is held"},
                {"\"first_blocker\":\"PCI device b is held\"", "blocked: PCI device b is held"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *json =
                        g_strdup_printf("{\"devices\":[{\"address\":\"a\",%s}]}", cases[i].device);
                ReportStyle quiet = {.quiet = true};
                g_autoptr(json_t) doc = NULL;
                g_autofree char *text = NULL;
                g_autofree char *end = g_strdup_printf("   %s\n", cases[i].cell);

                assert_int_equal(report_parse(json, &doc, NULL), 0);
                text = report_devices(doc, &quiet);
                assert_true(g_str_has_suffix(text, end));
        }
}

static void a_group_is_named_once(void **state) {
        assert_report("{\"groups\":[{\"group\":1,\"viable\":false,\"members\":["
                      "{\"address\":\"a\",\"kind\":\"endpoint\",\"side\":\"host\"},"
                      "{\"address\":\"b\",\"kind\":\"endpoint\",\"side\":\"parked\"}]}]}",
                      report_groups,
                      " Group   Viable   Address   Kind       Name   Driver   Side     Owner\n"
                      "-----------------------------------------------------------------------\n"
                      " 1       no       a         endpoint   -      -        host     -\n"
                      "                  b         endpoint   -      -        parked   -\n");
}

static void a_verdict_names_blockers_and_ways_out(void **state) {
        static const char json[] =
                "{\"address\":\"0000:01:00.0\",\"guest\":\"g1\",\"assignable\":false,"
                "\"blockers\":[{\"code\":\"x\",\"message\":\"group 1 is split\","
                "\"way_out\":\"detach it\"}],\"warnings\":[{\"message\":\"no reset\"}]}";
        g_auto(Err) err = ERR_INIT;
        bool assignable = true;

        assert_report(json, report_verdict,
                      "0000:01:00.0: guest g1 cannot have it now\n"
                      "Blockers:\n"
                      "  1. group 1 is split\n"
                      "     way out: detach it\n"
                      "Warnings:\n"
                      "  1. no reset\n");
        assert_int_equal(report_is_assignable(json, &assignable, &err), 0);
        assert_false(assignable);
}

static void a_plan_shows_steps_and_their_undo(void **state) {
        assert_report("{\"kind\":\"start\",\"guest\":\"g1\",\"steps\":["
                      "{\"number\":1,\"text\":\"unbind\",\"undo\":\"bind\"},"
                      "{\"number\":2,\"text\":\"start\",\"undo\":null}],\"verdict\":null}",
                      report_plan,
                      "Plan: start of guest g1, 2 steps\n"
                      "  1. unbind\n"
                      "     undo: bind\n"
                      "  2. start\n"
                      "Nothing was changed.\n");
}

static void a_ledger_ends_with_its_corrections(void **state) {
        assert_report("{\"entries\":[],\"corrections\":[{\"time\":\"t\",\"text\":\"c\"}]}",
                      report_ledger,
                      " Address   Side   Owner   Driver   Managed   Companion of   State   Since   "
                      "Detail\n"
                      "----------------------------------------------------------------------------"
                      "--------\n"
                      "\nCorrected at the start of the daemon:\n"
                      " t  c\n");
}

static void what_is_no_document_is_refused(void **state) {
        static const char *const bad[] = {"", "{", "[]", "1", "{\"a\":1,\"a\":2}"};

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_auto(Err) err = ERR_INIT;
                json_t *doc = NULL;

                assert_true(report_parse(bad[i], &doc, &err) < 0);
                assert_int_equal(err.code, VIR_ERR_RPC);
        }
}

static void members_of_the_wrong_type_are_dashes(void **state) {
        assert_report("{\"steps\":[{\"number\":\"x\",\"text\":3,\"undo\":4}],\"verdict\":7}",
                      report_plan,
                      "Plan: -, 1 steps\n"
                      "  1. -\n"
                      "Nothing was changed.\n");
        assert_report("{\"blockers\":{},\"warnings\":[1]}", report_verdict,
                      "-: a guest cannot have it now\n"
                      "Warnings:\n"
                      "  1. -\n");
}

static void xpath_selects_and_wraps(void **state) {
        static const char xml[] = "<a>\n  <b x='1'/>\n  <b><c>t</c></b>\n</a>";
        g_auto(Err) err = ERR_INIT;
        g_autofree char *plain = NULL;
        g_autofree char *wrapped = NULL;
        char *none = NULL;

        assert_int_equal(xpath_select(xml, "//b", false, &plain, &err), 0);
        assert_string_equal(plain, "<b x=\"1\"/>\n<b>\n  <c>t</c>\n</b>\n");
        assert_int_equal(xpath_select(xml, "//b", true, &wrapped, &err), 0);
        assert_string_equal(wrapped, "<nodes>\n  <b x=\"1\"/>\n  <b>\n    <c>t</c>\n  </b>\n"
                                     "</nodes>\n");
        assert_true(xpath_select(xml, "//[", false, &none, &err) < 0);
}

static void addresses_become_device_names(void **state) {
        static const struct {
                const char *text, *name;
        } cases[] = {
                {"0000:01:00.0", "pci_0000_01_00_0"},
                {"01:1f.7", "pci_0000_01_1f_7"},
                {"10000:e1:00.0", "pci_10000_e1_00_0"},
                {"pci_0000_01_00_0", "pci_0000_01_00_0"},
                {"01:20.0", "01:20.0"},
                {"01:00.8", "01:00.8"},
                {"01:00.0 ", "01:00.0 "},
                {"01:00", "01:00"},
                {"0x1:00.0", "0x1:00.0"},
                {"", ""},
                {"net_eth0", "net_eth0"},
                {":00.0", ":00.0"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *name = cli_device_name(cases[i].text);

                assert_string_equal(name, cases[i].name);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(devices_are_a_table),
                cmocka_unit_test(a_verdict_cell_is_brief),
                cmocka_unit_test(a_group_is_named_once),
                cmocka_unit_test(a_verdict_names_blockers_and_ways_out),
                cmocka_unit_test(a_plan_shows_steps_and_their_undo),
                cmocka_unit_test(a_ledger_ends_with_its_corrections),
                cmocka_unit_test(what_is_no_document_is_refused),
                cmocka_unit_test(members_of_the_wrong_type_are_dashes),
                cmocka_unit_test(xpath_selects_and_wraps),
                cmocka_unit_test(addresses_become_device_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
