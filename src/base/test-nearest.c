/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/nearest.h"

#include <string.h>

#include <glib.h>

#include "base/test.h"

static void slips_of_the_hand_are_counted(void **state) {
        static const struct {
                const char *a, *b;
                unsigned distance;
        } cases[] = {
                {"", "", 0},         {"disk", "disk", 0},      {"", "abc", 3},
                {"disc", "disk", 1}, {"dik", "disk", 1},       {"diskk", "disk", 1},
                {"dsik", "disk", 1}, {"memry", "metadata", 6},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const char *a = cases[i].a, *b = cases[i].b;

                assert_int_equal(edit_distance(a, strlen(a), b, strlen(b)), cases[i].distance);
                assert_int_equal(edit_distance(b, strlen(b), a, strlen(a)), cases[i].distance);
        }
}

static void the_nearest_name_is_near(void **state) {
        Nearest near = {.to = "memry"}, far = {.to = "xyzzy"};

        nearest_offer(&near, "memory");
        nearest_offer(&near, "metadata");
        nearest_offer(&far, "memory");
        assert_string_equal(near.name, "memory");
        assert_null(far.name);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(slips_of_the_hand_are_counted),
                cmocka_unit_test(the_nearest_name_is_near),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
