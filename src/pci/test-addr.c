/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/addr.h"

#include "base/test.h"

static void addresses_are_read_and_written(void **state) {
        static const struct {
                const char *text, *canonical;
                PciAddr addr;
        } cases[] = {
                {"0000:01:00.1", "0000:01:00.1", {0, 1, 0, 1}},
                {"3b:1f.7", "0000:3b:1f.7", {0, 0x3b, 0x1f, 7}},
                {"0000:3B:0A.0", "0000:3b:0a.0", {0, 0x3b, 0xa, 0}},
                {"10000:e1:00.0", "10000:e1:00.0", {0x10000, 0xe1, 0, 0}},
                {"ffffffff:ff:1f.7", "ffffffff:ff:1f.7", {0xffffffff, 0xff, 0x1f, 7}},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                PciAddr addr = {};

                assert_int_equal(pci_addr_parse(cases[i].text, &addr), 0);
                assert_true(pci_addr_is_equal(addr, cases[i].addr));
                assert_string_equal(PCI_ADDR_TEXT(addr), cases[i].canonical);
        }
}

static void what_is_no_address_is_refused(void **state) {
        static const char *const texts[] = {
                "",
                "0000",
                "0000:01:00",
                "0000:01:00.",
                "0000:01:00.8",
                "0000:1:0.1",
                "0000:01:20.0",
                "0000:01:00.1 ",
                " 0000:01:00.1",
                "0000:01:00.10",
                "01:00:1",
                "000:01:00.1",
                "0000.01.00.1",
                "0000:01:00.1\n",
                "123456789:01:00.1",
                "-000:01:00.1",
                "0x00:01:00.1",
        };
        PciAddr addr = {.bus = 9};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
                assert_int_equal(pci_addr_parse(texts[i], &addr), -EINVAL);
        assert_int_equal(pci_addr_parse(NULL, &addr), -EINVAL);
        assert_int_equal(addr.bus, 9);
}

static void node_names_go_both_ways(void **state) {
        PciAddr addr;
        g_autofree char *name = NULL;

        assert_int_equal(pci_addr_parse_name("pci_0000_01_10_3", &addr), 0);
        name = pci_addr_node_name(addr);
        assert_string_equal(name, "pci_0000_01_10_3");
        assert_int_equal(pci_addr_parse_name("pci_0000_01_10.3", &addr), -EINVAL);
        assert_int_equal(pci_addr_parse_name("pci_01_10_3", &addr), -EINVAL);
        assert_int_equal(pci_addr_parse_name("0000:01:10.3", &addr), -EINVAL);
        assert_int_equal(pci_addr_parse_name("net_eth0", &addr), -EINVAL);
}

static void order_is_that_of_the_bus(void **state) {
        static const PciAddr ascending[] = {
                {0, 0, 0, 0}, {0, 0, 0, 1}, {0, 0, 1, 0}, {0, 1, 0, 0}, {1, 0, 0, 0},
        };

        for (size_t i = 1; i < G_N_ELEMENTS(ascending); i++) {
                assert_true(pci_addr_compare(ascending[i - 1], ascending[i]) < 0);
                assert_true(pci_addr_compare(ascending[i], ascending[i - 1]) > 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(addresses_are_read_and_written),
                cmocka_unit_test(what_is_no_address_is_refused),
                cmocka_unit_test(node_names_go_both_ways),
                cmocka_unit_test(order_is_that_of_the_bus),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
