/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manual pages (the arguments of this program) tell of every command and option, and of none
 * that there is not. */
#include "cli/groups.h"

#include "base/test.h"
#include "cli/global.h"

static char **pages; /* paths */

/* A page without roff's own signs; NULL: there is none of this name. */
static char *read_page(const char *name) {
        static const char *const signs[][2] = {
                {"\\-", "-"}, {"\\fB", ""}, {"\\fI", ""},
                {"\\fR", ""}, {"\\fP", ""}, {"\\(aq", "'"},
        };
        GString *text = NULL;

        for (char **page = pages; *page && !text; page++) {
                g_autofree char *base = g_path_get_basename(*page), *raw = NULL;

                if (!g_str_equal(base, name))
                        continue;
                assert_true(g_file_get_contents(*page, &raw, NULL, NULL));
                text = g_string_new(raw);
        }
        for (size_t i = 0; text && i < G_N_ELEMENTS(signs); i++)
                g_string_replace(text, signs[i][0], signs[i][1], 0);
        return text ? g_string_free(text, FALSE) : NULL;
}

/* "airlock-doctor.1" of "doctor"; NULL: it has no page of its own. */
static char *own_page(const Command *command) {
        g_autofree char *name = g_strdup_printf("airlock-%s.1", command->name);

        return read_page(name);
}

static char *first_match(const char *text, const char *pattern) {
        g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_MULTILINE | G_REGEX_DOTALL, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;

        return g_regex_match(regex, text, 0, &match) ? g_match_info_fetch(match, 0) : NULL;
}

/* What airlock(1) says of a command: from its line to that of the next one. */
static char *entry_of(const char *page, const Command *command) {
        g_autofree char *pattern = g_strdup_printf(
                "(?<=^\\.TP\n)%s( |$).*?(?=^\\.TP\\n[a-z]|^\\.S[SH] )", command->name);

        return first_match(page, pattern);
}

static void check_options(const Command *command, const char *text) {
        OPTION_FOREACH(option, command) {
                g_autofree char *upper = g_ascii_strup(option->name, -1);
                g_autofree char *pattern =
                        option->positional
                                ? g_strdup_printf("^\\.I %s$", upper)
                                : g_strdup_printf("^\\.BI? \"?--%s( |\"|$)", option->name);
                g_autofree char *found = first_match(text, pattern);

                if (!found)
                        test_complain("nothing tells of '%s' of '%s'", option->name, command->name);
        }
}

static void every_command_and_option_is_told(void **state) {
        g_autofree char *page = read_page("airlock.1");
        unsigned n = 0;

        GROUP_FOREACH(group, command_groups)
        COMMAND_FOREACH(command, group) {
                g_autofree char *entry = entry_of(page, command);
                g_autofree char *own = own_page(command);

                if (!entry)
                        test_complain("airlock.1 does not tell of '%s'", command->name);
                if (!command->raw)
                        check_options(command, own ?: entry);
                n++;
        }
        assert_true(n > 150);
}

static bool is_option_of(const Command *command, const char *name) {
        return command_option(command, name) || g_str_equal(name, "help");
}

static bool is_option(const Command *own, const char *name) {
        GLOBAL_OPTION_FOREACH(option)
        if (g_strcmp0(option->name, name) == 0)
                return true;
        if (own)
                return is_option_of(own, name);
        GROUP_FOREACH(group, command_groups)
        COMMAND_FOREACH(command, group)
        if (is_option_of(command, name))
                return true;
        return false;
}

/* What virsh has and this command has not stands in a section of its own. */
static void cut_differences(char *page) {
        g_autofree char *section =
                first_match(page, "^\\.SH DIFFERENCES FROM VIRSH.*?(?=^\\.SH COMPLETION)");
        char *start = section ? strstr(page, section) : NULL;

        if (start)
                memset(start, ' ', strlen(section));
}

typedef bool (*Check)(const Command *own, const char *word);

static void check_words(const char *page, const char *pattern, const Command *own, Check check) {
        g_autofree char *text = read_page(page);
        g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_MULTILINE, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;

        cut_differences(text);
        g_regex_match(regex, text, 0, &match);
        for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
                g_autofree char *word = g_match_info_fetch(match, 1);

                if (!check(own, word))
                        test_complain("%s: there is no '%s'", page, word);
        }
}

static bool is_command(const Command *own, const char *word) {
        return command_find(command_groups, word) != NULL;
}

/* "airlock-doctor.1": its command; NULL: the page is about several. */
static const Command *owner_of(const char *page) {
        g_autofree char *name = NULL;

        if (!g_str_has_prefix(page, "airlock-") || !g_str_has_suffix(page, ".1"))
                return NULL;
        name = g_strndup(page + strlen("airlock-"), strlen(page) - strlen("airlock-.1"));
        return command_find(command_groups, name);
}

static void nothing_is_told_that_there_is_not(void **state) {
        for (char **path = pages; *path; path++) {
                g_autofree char *page = g_path_get_basename(*path);

                check_words(page, "--([a-z][a-z-]*)", owner_of(page), is_option);
                check_words(
                        page,
                        "^(?:\\.B[IR]? .*)?\\bairlock (?:-c \\S+ |-\\w+ )*([a-z][a-z-]*)(?!.*:$)",
                        NULL, is_command);
        }
}

static void the_options_before_a_command_are_told(void **state) {
        g_autofree char *page = read_page("airlock.1");

        GLOBAL_OPTION_FOREACH(option) {
                g_autofree char *form = global_option_form(option);

                if (!strstr(page, g_strstrip(form)))
                        test_complain("airlock.1 does not have '%s'", form);
        }
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_command_and_option_is_told),
                cmocka_unit_test(nothing_is_told_that_there_is_not),
                cmocka_unit_test(the_options_before_a_command_are_told),
        };

        pages = argv + 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
