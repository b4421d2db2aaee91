/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/util.h"

#include "base/test.h"

static void numbers_are_read_to_the_last_byte(void **state) {
        static const struct {
                const char *text;
                unsigned base;
                uint64_t max;
                int r;
                uint64_t value;
        } cases[] = {
                {"0", 10, 0, 0, 0},
                {"18446744073709551615", 10, UINT64_MAX, 0, UINT64_MAX},
                {"18446744073709551616", 10, UINT64_MAX, -ERANGE, 0},
                {"0x1f", 0, 255, 0, 0x1f},
                {"010", 0, 255, 0, 10},
                {"1f", 16, 255, 0, 0x1f},
                {"0x1F", 16, 255, 0, 0x1f},
                {"256", 0, 255, -ERANGE, 0},
                {"", 10, 255, -EINVAL, 0},
                {"0x", 0, 255, -EINVAL, 0},
                {"0x10", 10, 255, -EINVAL, 0},
                {" 1", 10, 255, -EINVAL, 0},
                {"1 ", 10, 255, -EINVAL, 0},
                {"-1", 10, 255, -EINVAL, 0},
                {"+1", 10, 255, -EINVAL, 0},
                {"1f", 10, 255, -EINVAL, 0},
                {NULL, 10, 255, -EINVAL, 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                uint64_t value = 77;

                assert_int_equal(str_to_uint(cases[i].text, cases[i].base, cases[i].max, &value),
                                 cases[i].r);
                assert_true(value == (cases[i].r == 0 ? cases[i].value : 77));
        }
}

static void lists_read_as_a_person_says_them(void **state) {
        static char a[] = "a", b[] = "b", c[] = "c";
        char *const names[] = {a, b, c, NULL};
        g_autofree char *three = strv_join_human(names);
        g_autofree char *two = strv_join_human(names + 1);
        g_autofree char *one = strv_join_human(names + 2);
        g_autofree char *none = strv_join_human(NULL);

        assert_string_equal(three, "a, b and c");
        assert_string_equal(two, "b and c");
        assert_string_equal(one, "c");
        assert_string_equal(none, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_are_read_to_the_last_byte),
                cmocka_unit_test(lists_read_as_a_person_says_them),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
