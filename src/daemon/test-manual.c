/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What airlockd's manual pages and its configuration file say of its options is so. */
#include "daemon/options.h"

#include "base/test.h"

/* "# comment", "key = value" and "#key = value": *ret_name and *ret_value of the last two. */
static bool read_setting(const char *line, char **ret_name, char **ret_value) {
        g_autoptr(GRegex) regex = g_regex_new("^#?([a-z-]+) = ?(.*)$", 0, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;

        if (!g_regex_match(regex, line, 0, &match))
                return false;
        *ret_name = g_match_info_fetch(match, 1);
        *ret_value = g_match_info_fetch(match, 2);
        return true;
}

static char *read_text(const char *path) {
        g_autofree char *whole = g_build_filename(AIRLOCK_SOURCE, path, NULL);
        char *text;

        if (!g_file_get_contents(whole, &text, NULL, NULL))
                test_complain("cannot read %s", whole);
        return text;
}

/* A page as people read dashes. */
static char *read_page(const char *path) {
        g_autofree char *text = read_text(path);
        g_auto(GStrv) parts = g_strsplit(text, "\\-", -1);

        return g_strjoinv("-", parts);
}

/* The value of an option in data/airlockd.conf; NULL: it does not stand there. */
static char *setting(const char *name) {
        g_autofree char *text = read_text("data/airlockd.conf");
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        char *found = NULL;

        for (char **line = lines; *line; line++) {
                g_autofree char *key = NULL, *value = NULL;

                if (!read_setting(*line, &key, &value) || !g_str_equal(key, name))
                        continue;
                if (found)
                        test_complain("%s stands twice in data/airlockd.conf", name);
                found = g_steal_pointer(&value);
        }
        return found;
}

static bool is_option(const char *name) {
        bool is_found = false, is_last = false;

        for (size_t i = 0; !is_found && !is_last; i++) {
                OptionFacts facts = options_facts(i);

                is_last = !facts.name;
                is_found = g_strcmp0(facts.name, name) == 0;
                g_free(facts.preset);
        }
        return is_found;
}

/* What airlockd.conf(5) says behind the key's heading, to the next one; NULL: nothing. */
static char *entry_of(const char *page, const char *name) {
        g_autofree char *pattern =
                g_strdup_printf("(?ms)^\\.B[IR]? \"?%s(?: =|$| \").*?(?=^\\.TP|^\\.SH)", name);
        g_autoptr(GRegex) regex = g_regex_new(pattern, 0, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;

        return g_regex_match(regex, page, 0, &match) ? g_match_info_fetch(match, 0) : NULL;
}

static void check_file(const OptionFacts *facts) {
        g_autofree char *value = setting(facts->name);

        if (!value)
                test_complain("data/airlockd.conf does not have %s", facts->name);
        /* The installed file chooses polkit; a distribution's users are in its group. */
        if (facts->preset && !g_str_equal(facts->name, "unix-auth"))
                assert_string_equal(value, facts->preset);
}

static void check_pages(const OptionFacts *facts, const char *conf, const char *daemon) {
        g_autofree char *entry = entry_of(conf, facts->name);
        g_autofree char *option = g_strconcat("--", facts->name, NULL);
        g_autofree char *preset = g_strdup_printf("Default: %s.\n", facts->preset);

        if (!entry)
                test_complain("airlockd.conf.5 does not have %s", facts->name);
        if (facts->preset && !strstr(entry, preset))
                test_complain("airlockd.conf.5 does not say of %s: %s", facts->name, preset);
        if (!strstr(daemon, option))
                test_complain("airlockd.8 does not have %s", option);
}

static void every_option_is_told_with_its_default(void **state) {
        g_autofree char *conf = read_page("docs/man/airlockd.conf.5");
        g_autofree char *daemon = read_page("docs/man/airlockd.8");
        OptionFacts facts = options_facts(0);
        size_t n = 0;

        while (facts.name) {
                check_file(&facts);
                check_pages(&facts, conf, daemon);
                g_free(facts.preset);
                facts = options_facts(++n);
        }
        assert_true(n > 20);
}

static void assert_options(const char *page, const char *pattern) {
        g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_MULTILINE, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;
        static const char *const others[] = {"config", "version", "help", NULL};

        g_regex_match(regex, page, 0, &match);
        assert_true(g_match_info_matches(match));
        for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
                g_autofree char *name = g_match_info_fetch(match, 1);

                if (!is_option(name) && !g_strv_contains(others, name))
                        test_complain("there is no option '%s'", name);
        }
}

static void nothing_is_told_that_there_is_not(void **state) {
        g_autofree char *conf = read_page("docs/man/airlockd.conf.5");
        g_autofree char *daemon = read_page("docs/man/airlockd.8");
        g_autofree char *file = read_text("data/airlockd.conf");

        assert_options(conf, "^\\.B[IR]? \"?([a-z-]+)(?: =|$| \")");
        assert_options(conf, "--([a-z][a-z-]*)");
        assert_options(daemon, "--([a-z][a-z-]*)");
        assert_options(file, "^#?([a-z-]+) = ?");
}

static void the_installed_file_is_read(void **state) {
        g_autofree char *path = g_build_filename(AIRLOCK_SOURCE, "data/airlockd.conf", NULL);
        char *argv[] = {(char *)(uintptr_t) "airlockd", (char *)(uintptr_t) "--config", path, NULL};
        g_auto(Options) options = OPTIONS_INIT;
        g_auto(Err) err = ERR_INIT;

        if (options_load(3, argv, &options, &err) < 0)
                test_complain("%s", err.message);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_option_is_told_with_its_default),
                cmocka_unit_test(nothing_is_told_that_there_is_not),
                cmocka_unit_test(the_installed_file_is_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
