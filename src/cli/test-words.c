/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/test.h"

#include "cli/words.h"

/* "a|b;c": the words of line, and its commands. */
static char *split(const char *line) {
        g_autoptr(GPtrArray) commands = NULL;
        g_auto(Err) err = ERR_INIT;
        GString *out = g_string_new(NULL);

        assert_int_equal(words_split(line, &commands, &err), 0);
        for (unsigned i = 0; i < commands->len; i++) {
                g_autofree char *words = g_strjoinv("|", commands->pdata[i]);

                g_string_append_printf(out, "%s%s", i ? ";" : "", words);
        }
        return g_string_free(out, FALSE);
}

static void assert_split(const char *line, const char *expected) {
        g_autofree char *words = split(line);

        assert_string_equal(words, expected);
}

static void assert_refused(const char *line, const char *message) {
        g_autoptr(GPtrArray) commands = NULL;
        g_auto(Err) err = ERR_INIT;

        assert_true(words_split(line, &commands, &err) < 0);
        assert_string_equal(err.message, message);
        assert_null(commands);
}

static void splits_words_and_commands(void **state) {
        assert_split("", "");
        assert_split("  \t ", "");
        assert_split("list", "list");
        assert_split(" list   --all ", "list|--all");
        assert_split("list --all; uri", "list|--all;uri");
        assert_split("list;;uri;", "list;uri");
        assert_split("list\nuri\n", "list;uri");
}

static void takes_quotes_and_backslashes(void **state) {
        assert_split("echo 'a b'", "echo|a b");
        assert_split("echo \"a b\"", "echo|a b");
        assert_split("echo a'b c'd", "echo|ab cd");
        assert_split("echo ''", "echo|");
        assert_split("echo 'a;b' \"#\"", "echo|a;b|#");
        assert_split("echo a\\ b \\;", "echo|a b|;");
        assert_split("echo \"a\\\"b\" 'a\\b'", "echo|a\"b|a\\b");
}

static void ignores_comments(void **state) {
        assert_split("# all of it", "");
        assert_split("list # the rest; even this\nuri", "list;uri");
        assert_split("echo a#b", "echo|a#b");
}

static void refuses_what_is_left_open(void **state) {
        assert_refused("echo \"a", "missing \"");
        assert_refused("echo 'a", "missing '");
        assert_refused("list; echo 'a;b", "missing '");
        assert_refused("echo a\\", "dangling \\");
}

static void partial_keeps_the_word_that_is_typed(void **state) {
        static const struct {
                const char *line, *words;
        } cases[] = {
                {"", ""},
                {"li", "li"},
                {"list ", "list|"},
                {"list --a", "list|--a"},
                {"uri; start g", "start|g"},
                {"echo 'a b", "echo|a b"},
                {"uri;", ""},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(GStrv) words = NULL;
                g_autofree char *joined = NULL;

                words_split_partial(cases[i].line, &words);
                joined = g_strjoinv("|", words);
                assert_string_equal(joined, cases[i].words);
        }
}

static void quoted_words_read_back(void **state) {
        static const char *const texts[] = {"a", "a b", "", "it's", "\"", "a\\b", "#x", "a;b", "ä"};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autofree char *quoted = words_quote(texts[i]);

                assert_split(quoted, texts[i]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(splits_words_and_commands),
                cmocka_unit_test(takes_quotes_and_backslashes),
                cmocka_unit_test(ignores_comments),
                cmocka_unit_test(refuses_what_is_left_open),
                cmocka_unit_test(partial_keeps_the_word_that_is_typed),
                cmocka_unit_test(quoted_words_read_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
