/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/names.h"

#include "base/test.h"

static void names_are_those_of_pci_ids(void **state) {
        g_autoptr(PciNames) names = pci_names_new();

        for (int i = 0; i < 2; i++) { /* read, then remembered */
                assert_string_equal(pci_names_vendor(names, 0x8086), "Intel Corporation");
                assert_string_equal(pci_names_product(names, 0x8086, 0x10c9),
                                    "82576 Gigabit Network Connection");
                assert_string_equal(pci_names_class(names, 0x020000), "Ethernet controller");
        }
}

static void unknown_ids_have_none(void **state) {
        g_autoptr(PciNames) names = pci_names_new();

        for (int i = 0; i < 2; i++) {
                assert_null(pci_names_vendor(names, 0xf00e));
                assert_null(pci_names_product(names, 0x8086, 0xfffe));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_are_those_of_pci_ids),
                cmocka_unit_test(unknown_ids_have_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
