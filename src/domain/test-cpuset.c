/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/cpuset.h"

#include <errno.h>

#include <glib.h>

#include "base/test.h"

static void assert_comes_back(const char *text, const char *wanted) {
        g_autofree char *again = NULL;
        DomainCpuset set;

        assert_int_equal(domain_cpuset_parse(text, &set), 0);
        again = domain_cpuset_format(&set);
        assert_string_equal(again, wanted);
}

static void lists_come_back_in_their_shortest_form(void **state) {
        assert_comes_back("0", "0");
        assert_comes_back("0-3", "0-3");
        assert_comes_back("3,1,0,2", "0-3");
        assert_comes_back("0-3,^2", "0-1,3");
        assert_comes_back(" 8 , 1-2 ", "1-2,8");
        assert_comes_back("63,64,4095", "63-64,4095");
}

static void what_is_no_list_is_refused(void **state) {
        static const char *const texts[] = {"",     ",",     "a",    "1-",     "-1",
                                            "3-1",  "1,,2",  "4096", "0-4096", "^1",
                                            "1,^1", "1-2-3", "0x1",  "+1",     "1,^0-1"};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                DomainCpuset set;

                assert_int_equal(domain_cpuset_parse(texts[i], &set), -EINVAL);
        }
}

static void members_are_counted_and_walked(void **state) {
        DomainCpuset set;

        assert_int_equal(domain_cpuset_parse("1-2,70", &set), 0);
        assert_int_equal(domain_cpuset_count(&set), 3);
        assert_int_equal(domain_cpuset_next(&set, 0), 1);
        assert_int_equal(domain_cpuset_next(&set, 3), 70);
        assert_int_equal(domain_cpuset_next(&set, 71), -1);
        assert_false(domain_cpuset_has(&set, DOMAIN_CPUSET_MAX));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lists_come_back_in_their_shortest_form),
                cmocka_unit_test(what_is_no_list_is_refused),
                cmocka_unit_test(members_are_counted_and_walked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
