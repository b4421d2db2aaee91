/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/diff.h"

#include "base/test.h"

static void expect_diff(const char *a, const char *b, const char *expected) {
        g_autofree char *diff = diff_unified("f", a, b);

        assert_string_equal(diff, expected);
}

static void differences_are_as_diff_shows_them(void **state) {
        expect_diff("a\n", "a\n", "");
        expect_diff("a\nb\nc\n", "a\nB\nc\n", "--- /f\n+++ /f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
        expect_diff(NULL, "a\n", "--- /dev/null\n+++ /f\n@@ -0,0 +1 @@\n+a\n");
        expect_diff("a\n", NULL, "--- /f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
        expect_diff("a", "a\n",
                    "--- /f\n+++ /f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
        expect_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "0\n1\n2\n3\n4\n5\n6\n7\n8\n",
                    "--- /f\n+++ /f\n@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -6,4 +7,3 @@\n 6\n 7\n 8\n"
                    "-9\n");
}

static void expect_merge(const char *base, const char *a, const char *b, const char *expected) {
        g_autofree char *merged = diff_merge(base, a, b);

        if (!expected) {
                assert_null(merged);
                return;
        }
        assert_non_null(merged);
        assert_string_equal(merged, expected);
}

static void changes_of_two_are_put_together(void **state) {
        expect_merge("1\n2\n3\n4\n5\n", "1\nX\n3\n4\n5\n", "1\n2\n3\n4\nY\n", "1\nX\n3\n4\nY\n");
        expect_merge("1\n2\n3\n", "1\n2\n3\n", "0\n1\n2\n3\n", "0\n1\n2\n3\n");
        expect_merge("1\n2\n3\n", "1\n3\n", "1\n3\n", "1\n3\n");
        expect_merge("1\n2\n3\n", "1\nX\n3\n", "1\nY\n3\n", NULL);
        expect_merge("1\n2\n3\n", "1\nX\n3\n", "1\n2\nY\n", NULL);
        expect_merge("1\n", NULL, "1\n", "");
}

/* What patch(1) would do by hand: undoing the one change leaves the other. */
static void a_merge_undoes_one_of_two_changes(void **state) {
        g_autoptr(GRand) random = g_rand_new_with_seed(42);

        for (unsigned i = 0; i < 500; i++) {
                g_autoptr(GString) before = g_string_new(NULL), ours = g_string_new(NULL);
                g_autoptr(GString) now = g_string_new(NULL), wanted = g_string_new(NULL);
                int n = g_rand_int_range(random, 5, 40);
                int at = g_rand_int_range(random, 0, n), other = g_rand_int_range(random, 0, n);
                g_autofree char *merged = NULL;

                for (int k = 0; k < n; k++) {
                        g_string_append_printf(before, "line %d\n", k);
                        g_string_append_printf(ours, "%s %d\n", k == at ? "ours" : "line", k);
                        g_string_append_printf(now, "%s%s %d\n", k == other ? "new\n" : "",
                                               k == at ? "ours" : "line", k);
                        g_string_append_printf(wanted, "%sline %d\n", k == other ? "new\n" : "", k);
                }
                merged = diff_merge(ours->str, before->str, now->str);
                if (at == other || at + 1 == other)
                        assert_null(merged);
                else
                        assert_string_equal(merged, wanted->str);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(differences_are_as_diff_shows_them),
                cmocka_unit_test(changes_of_two_are_put_together),
                cmocka_unit_test(a_merge_undoes_one_of_two_changes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
