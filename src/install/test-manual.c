/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manual page (the argument of this program) names no option that there is not, and all that
 * the help has. */
#include "install/option.h"

#include "base/test.h"

static const char *path;

static char *read_page(void) {
        g_autofree char *text = NULL;
        GString *page;

        assert_true(g_file_get_contents(path, &text, NULL, NULL));
        page = g_string_new(text);
        g_string_replace(page, "\\-", "-", 0);
        return g_string_free(page, FALSE);
}

static void it_has_every_option(void **state) {
        g_autofree char *page = read_page(), *rows = options_rows();
        g_auto(GStrv) lines = g_strsplit(g_strchomp(rows), "\n", -1);

        assert_true(g_strv_length(lines) > 50);
        for (char **line = lines; *line; line++) {
                g_autofree char *name = g_strndup(*line, strcspn(*line, "\t"));
                g_autofree char *heading = g_strdup_printf("\\fB%s\\fR", name);

                if (!strstr(page, heading))
                        print_error("the page does not have %s\n", name);
                assert_non_null(strstr(page, heading));
        }
}

static bool is_option(char *word) {
        char *argv[] = {(char *)(uintptr_t) "airlock-install", word, NULL};
        g_autoptr(Options) options = NULL;
        g_auto(Err) err = ERR_INIT;

        return options_parse(2, argv, &options, &err) == 0 ||
               !strstr(err.message, "there is no option");
}

static void it_has_no_other(void **state) {
        g_autofree char *page = read_page();
        g_autoptr(GRegex) regex = g_regex_new("--[a-z][a-z-]*", 0, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;

        g_regex_match(regex, page, 0, &match);
        for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
                g_autofree char *word = g_match_info_fetch(match, 0);

                if (!is_option(word))
                        print_error("there is no %s\n", word);
                assert_true(is_option(word));
        }
        assert_false(is_option((char *)(uintptr_t) "--bogus"));
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_has_every_option),
                cmocka_unit_test(it_has_no_other),
        };

        path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
