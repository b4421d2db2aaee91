/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/test.h"

#include "cli/args.h"
#include "cli/options.h"

static const Option attach_options[] = {
        OPT_GUEST(CANDIDATES_GUEST),      OPT_FILE("file"),
        OPT_FLAG("live", "live"),         OPT_TEXT("driver", "driver"),
        OPT_NUMBER("timeout", "seconds"), OPT_END,
};
static const Command attach = {"attach", "attach a thing", NULL, attach_options};

static const Option echo_options[] = {
        OPT_FLAG("err", "to stderr"),
        {"string", OPTION_REST, .positional = true, .help = "what"},
        OPT_END,
};
static const Command echo = {"echo", "echo words", "Says it.", echo_options};

static const Option tune_options[] = {
        OPT_NEED("size", CANDIDATES_NONE, "how much"),
        OPT_NAMED_NUMBER("timeout", "seconds"),
        OPT_AFFECT,
        OPT_REST("cmd", "words"),
        OPT_END,
};
static const Command tune = {"tune", "tune a thing", NULL, tune_options};

static const Command plain = {"plain", "takes nothing"};

static Args *parse(const Command *command, const char *line) {
        g_auto(GStrv) words = g_strsplit(line, " ", -1);
        g_auto(Err) err = ERR_INIT;
        Args *args = NULL;

        assert_int_equal(args_parse(command, words, &args, &err), 0);
        return args;
}

static void assert_refused(const Command *command, const char *line, const char *message) {
        g_auto(GStrv) words = g_strsplit(line, " ", -1);
        g_auto(Err) err = ERR_INIT;
        Args *args = NULL;

        assert_true(args_parse(command, words, &args, &err) < 0);
        assert_string_equal(err.message, message);
        assert_null(args);
}

static void words_fill_options_in_order(void **state) {
        g_autoptr(Args) args = parse(&attach, "g1 --live f.xml");

        assert_string_equal(args_text(args, "domain"), "g1");
        assert_string_equal(args_text(args, "file"), "f.xml");
        assert_true(args_flag(args, "live"));
        assert_null(args_text(args, "driver"));
}

static void options_take_values_in_both_forms(void **state) {
        g_autoptr(Args) args = parse(&attach, "--file=f.xml --driver vfio g1");

        assert_string_equal(args_text(args, "domain"), "g1");
        assert_string_equal(args_text(args, "file"), "f.xml");
        assert_string_equal(args_text(args, "driver"), "vfio");
        assert_false(args_flag(args, "live"));
}

static void a_named_option_takes_a_bare_word_last(void **state) {
        g_autoptr(Args) args = parse(&attach, "g1 f.xml vfio 5");
        g_auto(Err) err = ERR_INIT;
        unsigned timeout = 0;

        assert_string_equal(args_text(args, "driver"), "vfio");
        assert_int_equal(args_number(args, "timeout", 10, &timeout, &err), 0);
        assert_int_equal(timeout, 5);
}

static void no_bare_word_is_taken_for_what_is_only_named(void **state) {
        g_autoptr(Args) args = parse(&tune, "1 2 --timeout 3 4");

        assert_string_equal(args_text(args, "timeout"), "3");
        assert_string_equal(args_rest(args)[0], "2");
        assert_string_equal(args_rest(args)[1], "4");
}

static void sizes_have_units(void **state) {
        static const struct {
                const char *text;
                uint64_t bytes; /* UINT64_MAX: refused */
        } cases[] = {
                {"3", 3072},         {"3b", 3},          {"3k", 3072},
                {"3KiB", 3072},      {"3KB", 3000},      {"2M", 2 << 20},
                {"1GiB", 1 << 30},   {"0", 0},           {"k", UINT64_MAX},
                {"-1", UINT64_MAX},  {"3x", UINT64_MAX}, {"3kibi", UINT64_MAX},
                {"99E", UINT64_MAX}, {"", UINT64_MAX},   {"15E", 15ull << 60},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *line = g_strconcat("--size=", cases[i].text, NULL);
                g_autoptr(Args) args = parse(&tune, line);
                g_auto(Err) err = ERR_INIT;
                uint64_t bytes = UINT64_MAX;
                int r = args_size(args, "size", 1024, &bytes, &err);

                assert_int_equal(r < 0, cases[i].bytes == UINT64_MAX);
                assert_true(bytes == cases[i].bytes);
        }
}

static void live_and_config_are_bits_that_current_excludes(void **state) {
        g_autoptr(Args) both = parse(&tune, "1 --live --config");
        g_autoptr(Args) wrong = parse(&tune, "1 --live --current");
        g_auto(Err) err = ERR_INIT;
        unsigned flags = 4;

        assert_int_equal(args_affect(both, &flags, &err), 0);
        assert_int_equal(flags, 7);
        assert_true(args_affect(wrong, &flags, &err) < 0);
        assert_string_equal(err.message, "Options --current and --live are mutually exclusive");
}

static void rest_takes_every_word(void **state) {
        g_autoptr(Args) args = parse(&echo, "a --err b -- --err");
        g_autofree char *rest = g_strjoinv("|", (char **)(uintptr_t)args_rest(args));

        assert_true(args_flag(args, "err"));
        assert_string_equal(rest, "a|b|--err");
}

static void refusals_say_what_virsh_says(void **state) {
        assert_refused(&attach, "g1", "command 'attach' requires <file> option");
        assert_refused(&attach, "g1 f --bogus", "command 'attach' doesn't support option --bogus");
        assert_refused(&attach, "g1 f --live --live", "option --live already seen");
        assert_refused(&attach, "g1 f --live=1", "invalid '=' after option --live");
        assert_refused(&attach, "g1 f --driver", "expected syntax: --driver <string>");
        assert_refused(&attach, "g1 f --timeout", "expected syntax: --timeout <number>");
        assert_refused(&attach, "g1 f v 5 x", "unexpected data 'x'");
        assert_refused(&plain, "x", "unexpected data 'x'");
}

static void numbers_are_checked(void **state) {
        static const char *const bad[] = {"0", "-1", "x", "1x", "11", "99999999999999999999"};

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autofree char *line = g_strdup_printf("g f --timeout %s", bad[i]);
                g_autoptr(Args) args = parse(&attach, line);
                g_autofree char *message =
                        g_strdup_printf("Numeric value '%s' for <timeout> option "
                                        "is malformed or out of range",
                                        bad[i]);
                g_auto(Err) err = ERR_INIT;
                unsigned value = 7;

                assert_true(args_number(args, "timeout", 10, &value, &err) < 0);
                assert_string_equal(err.message, message);
                assert_int_equal(value, 7);
        }
}

static void help_has_every_part(void **state) {
        g_autofree char *synopsis = command_synopsis(&attach);
        g_autofree char *help = command_help(&echo);

        assert_string_equal(synopsis, "attach <domain> <file> [--live] [--driver <string>] "
                                      "[--timeout <number>]");
        assert_string_equal(help, "  NAME\n"
                                  "    echo - echo words\n"
                                  "\n"
                                  "  SYNOPSIS\n"
                                  "    echo [--err] [<string>]...\n"
                                  "\n"
                                  "  DESCRIPTION\n"
                                  "    Says it.\n"
                                  "\n"
                                  "  OPTIONS\n"
                                  "    --err                   to stderr\n"
                                  "    [--string] <string>...  what\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(words_fill_options_in_order),
                cmocka_unit_test(options_take_values_in_both_forms),
                cmocka_unit_test(a_named_option_takes_a_bare_word_last),
                cmocka_unit_test(no_bare_word_is_taken_for_what_is_only_named),
                cmocka_unit_test(sizes_have_units),
                cmocka_unit_test(live_and_config_are_bits_that_current_excludes),
                cmocka_unit_test(rest_takes_every_word),
                cmocka_unit_test(refusals_say_what_virsh_says),
                cmocka_unit_test(numbers_are_checked),
                cmocka_unit_test(help_has_every_part),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
