/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/field.h"

#include <unistd.h>

#include "base/test.h"
#include "prepare/line.h"
#include "prepare/shell.h"

#define ROUNDS 4000

static const char *const pieces[] = {
        "quiet",
        " ",
        "  ",
        "\t",
        "'a b'",
        "\"c d\"",
        "\\\n",
        "\\ ",
        "$X",
        "${Y:-z}",
        "$(ls x)",
        "`id`",
        "\"",
        "'",
        "\\\"",
        "intel_iommu=off",
        "iommu=soft",
        "\"$Z\"",
        "x=\\\"a b\\\"",
        "#",
        "=",
        "\\\r\n",
        "root=/",
        "''",
        " -- ",
};

/* A value of random pieces; most of them are no valid ones. */
static char *random_value(GRand *random) {
        g_autoptr(GString) text = g_string_new(NULL);
        int n = g_rand_int_range(random, 0, 8);

        if (g_rand_boolean(random))
                g_string_append_c(text, '"');
        for (int i = 0; i < n; i++)
                g_string_append(text, pieces[g_rand_int_range(random, 0, G_N_ELEMENTS(pieces))]);
        if (*text->str == '"' && g_rand_boolean(random))
                g_string_append_c(text, '"');
        return g_string_free(g_steal_pointer(&text), FALSE);
}

static Field field_of(GString *text) {
        Field field = {"file", text, strlen("A=0\nX="), 0, FIELD_SHELL};

        if (field_shell_end(text->str, text->len, field.start, &field.end) < 0)
                field.end = 0;
        return field;
}

static char *words_of(const Field *field) {
        g_autoptr(GPtrArray) words = field_words(field);
        g_autoptr(GString) text = g_string_new(NULL);

        for (guint i = 0; i < words->len; i++) {
                const FieldWord *word = g_ptr_array_index(words, i);

                g_string_append_printf(text, "%s[%s]", i > 0 ? " " : "", word->text);
        }
        return g_string_free(g_steal_pointer(&text), FALSE);
}

static void expect_words(const char *value, const char *expected) {
        g_autoptr(GString) text = g_string_new("A=0\nX=");
        g_autofree char *words = NULL;
        Field field;

        g_string_append(text, value);
        field = field_of(text);
        words = words_of(&field);
        assert_string_equal(words, expected);
}

static void words_are_those_of_the_kernel(void **state) {
        expect_words("\"quiet  splash\"", "[quiet] [splash]");
        expect_words("'a \"b c\" d'", "[a] [\"b c\"] [d]");
        expect_words("\"a=\\\"b c\\\" d\"", "[a=\"b c\"] [d]");
        expect_words("a'b c'\"d e\"", "[ab] [cd] [e]");
        expect_words("\"a \\\n  b\"", "[a] [b]");
        expect_words("\"a \\\r\n  b\"", "[a] [b]");
        expect_words("\"$X ${Y} $(c d) `e f`\"", "[$X] [${Y}] [$(c d)] [`e f`]");
        expect_words("quiet # comment", "[quiet]");
        expect_words("", "");
}

static void what_is_not_closed_is_refused(void **state) {
        static const char *const values[] = {"\"a", "'a", "\"${a\"", "$(a", "`a", "\"a\\\""};
        size_t end;

        for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
                assert_int_equal(field_shell_end(values[i], strlen(values[i]), 0, &end), -EINVAL);
}

static void expect_append(const char *value, const char *expected) {
        g_autoptr(GString) text = g_string_new("A=0\nX=");
        Field field;

        g_string_append(text, value);
        g_string_append(text, "\nB=1\n");
        field = field_of(text);
        assert_int_equal(field_append(&field, "w=1"), 0);
        assert_true(g_str_has_prefix(text->str, "A=0\nX="));
        assert_true(g_str_has_suffix(text->str, "\nB=1\n"));
        g_string_truncate(text, text->len - strlen("\nB=1\n"));
        assert_string_equal(text->str + strlen("A=0\nX="), expected);
}

static void a_word_goes_inside_the_quotes(void **state) {
        expect_append("\"quiet\"", "\"quiet w=1\"");
        expect_append("'quiet'", "'quiet w=1'");
        expect_append("\"\"", "\"w=1\"");
        expect_append("", "\"w=1\"");
        expect_append("quiet", "\"quiet w=1\"");
        expect_append("\"quiet \"", "\"quiet w=1\"");
        expect_append("\"a\"b", "\"a\"b\" w=1\"");
        expect_append("a\\ b", "a\\ b\" w=1\"");
        expect_append("\"$X\"", "\"$X w=1\"");
        expect_append("$X", "\"$X w=1\"");
        expect_append("\"a=\\\"b c\\\"\"", "\"a=\\\"b c\\\" w=1\"");
}

/* Reading changes nothing; a word that is added is the last one then, and all others are as they
 * were; without the addition, the bytes are those of before. */
static void random_values_survive(void **state) {
        g_autoptr(GRand) random = g_rand_new_with_seed(4711);
        unsigned understood = 0;

        for (unsigned i = 0; i < ROUNDS; i++) {
                g_autofree char *value = random_value(random);
                g_autofree char *file = g_strdup_printf("A=0\nX=%s\nB='1'\n", value);
                g_autoptr(GString) text = g_string_new(file);
                g_autofree char *before = NULL, *after = NULL, *wanted = NULL;
                Field field = field_of(text);

                if (field.end == 0)
                        continue;
                understood++;
                before = words_of(&field);
                assert_string_equal(text->str, file);
                if (field_append(&field, "w=1") < 0) {
                        assert_string_equal(text->str, file);
                        continue;
                }
                field = field_of(text);
                after = words_of(&field);
                wanted = g_strdup_printf("%s%s[w=1]", before, *before ? " " : "");
                assert_string_equal(after, wanted);
        }
        assert_true(understood > ROUNDS / 10);
}

/* A script that prints each of the values, and what we read in them, one a line. */
static void add_value(GString *script, GString *expected, const char *value) {
        g_autofree char *file = g_strdup_printf("A=0\nX=%s\n", value);
        g_autoptr(GString) text = g_string_new(file);
        g_autofree char *words = NULL;
        Field field = field_of(text);

        /* What is expanded or run is not for a test; to a shell, a CR is no part of a line end. */
        if (field.end + 1 != text->len || strpbrk(value, "$`\r"))
                return;
        words = words_of(&field);
        g_string_append_printf(script, "X=%s\nprintf '%%s\\000' \"$X\"\n", value);
        g_string_append_printf(expected, "%s\n", words);
}

static void a_real_shell_reads_the_same(void **state) {
        g_autoptr(GRand) random = g_rand_new_with_seed(1984);
        g_autoptr(GString) script = g_string_new(NULL), expected = g_string_new(NULL);
        g_autoptr(GString) found = g_string_new(NULL);
        g_autofree char *path = g_build_filename(g_get_tmp_dir(), "airlock-test-XXXXXX", NULL);
        g_autofree char *line = NULL, *output = NULL;
        int fd = g_mkstemp(path), status;

        for (unsigned i = 0; i < ROUNDS; i++) {
                g_autofree char *value = random_value(random);

                add_value(script, expected, value);
        }
        assert_true(fd >= 0 && write(fd, script->str, script->len) == (ssize_t)script->len);
        close(fd);
        /* The sign between the values is one that no value has. */
        line = g_strdup_printf("sh -c 'sh %s | tr \"\\000\" \"\\001\"'", path);
        assert_true(g_spawn_command_line_sync(line, &output, NULL, &status, NULL));
        assert_int_equal(status, 0);
        unlink(path);
        for (char *at = output, *end; (end = strchr(at, 1)); at = end + 1) {
                g_autoptr(GString) text = g_string_new_len(at, end - at);
                Field field = {"output", text, 0, text->len, FIELD_PLAIN};
                g_autofree char *words = words_of(&field);

                g_string_append_printf(found, "%s\n", words);
        }
        assert_true(strlen(expected->str) > 1000);
        assert_string_equal(found->str, expected->str);
}

/* A second time changes nothing, and the rest of the file is as it was. */
static void random_values_can_be_changed(void **state) {
        static const LineWish wish = {.vendor = LINE_INTEL, .passthrough = LINE_ON};
        g_autoptr(GRand) random = g_rand_new_with_seed(815);

        for (unsigned i = 0; i < ROUNDS; i++) {
                g_autofree char *value = random_value(random);
                g_autofree char *file = g_strdup_printf("A=0\nX=%s\nB='1'\n", value);
                g_autoptr(GString) text = g_string_new(file);
                g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
                g_autofree char *once = NULL;
                Field field = field_of(text);

                if (field.end == 0 || line_apply_field(&field, &wish, notes, NULL) < 0)
                        continue;
                once = g_strdup(text->str);
                field = field_of(text);
                assert_int_not_equal(field.end, 0);
                assert_int_equal(line_apply_field(&field, &wish, notes, NULL), 0);
                assert_string_equal(text->str, once);
                assert_true(g_str_has_prefix(text->str, "A=0\nX="));
                assert_true(g_str_has_suffix(text->str, "\nB='1'\n"));
        }
}

static void expect_shell_line(const char *before, const LineWish *wish, const char *after) {
        g_autofree char *file = g_strdup_printf("A=0\nX=%s\n", before);
        g_autofree char *expected = g_strdup_printf("A=0\nX=%s\n", after);
        g_autoptr(GString) text = g_string_new(file);
        g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
        Field field = field_of(text);

        assert_int_equal(line_apply_field(&field, wish, notes, NULL), 0);
        assert_string_equal(text->str, expected);
}

static void expect_line(const char *before, const LineWish *wish, const char *after) {
        g_autoptr(GString) text = g_string_new(before);
        g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
        Field field = {"file", text, 0, text->len, FIELD_PLAIN};

        assert_int_equal(line_apply_field(&field, wish, notes, NULL), 0);
        assert_string_equal(text->str, after);
}

static void words_are_replaced_and_not_doubled(void **state) {
        static const LineWish intel = {.vendor = LINE_INTEL};
        static const LineWish on = {.vendor = LINE_INTEL, .passthrough = LINE_ON};
        static const LineWish off = {.vendor = LINE_INTEL, .passthrough = LINE_OFF};
        static const LineWish amd = {.vendor = LINE_AMD};
        static const LineWish arm = {.vendor = LINE_OTHER, .passthrough = LINE_ON};
        static const LineWish risky = {.vendor = LINE_AMD, .unsafe = LINE_ON};

        expect_line("", &intel, "intel_iommu=on");
        expect_line("a intel_iommu=on b", &intel, "a intel_iommu=on b");
        expect_line("intel-iommu=sm_on,on", &intel, "intel-iommu=sm_on,on");
        expect_line("a intel_iommu=off b", &intel, "a intel_iommu=on b");
        expect_line("intel_iommu=off intel_iommu=on", &intel, "intel_iommu=on");
        expect_line("intel_iommu=off,sm_on", &intel, "intel_iommu=on,sm_on");
        expect_line("a iommu=off", &intel, "a intel_iommu=on");
        expect_line("iommu=off", &on, "iommu=pt intel_iommu=on");
        expect_line("iommu=pt quiet", &off, "iommu=nopt quiet intel_iommu=on");
        expect_line("iommu.passthrough=0 iommu=pt,force", &on, "iommu=pt,force intel_iommu=on");
        expect_line("amd_iommu=off,fullflush", &amd, "amd_iommu=fullflush");
        expect_line("amd_iommu=on", &amd, "amd_iommu=on");
        expect_line("quiet", &arm, "quiet iommu.passthrough=1");
        expect_line("iommu.passthrough=0", &arm, "iommu.passthrough=1");
        expect_line("vfio_iommu_type1.allow-unsafe-interrupts=0 a", &risky, "a");
        expect_line("module_blacklist=vfio_pci", &amd, "");
}

static void expect_found(const char *text, unsigned n, bool last_adds, bool last_nested) {
        g_autoptr(GString) file = g_string_new(text);
        g_autoptr(GArray) found = NULL;
        const ShellAssignment *last;

        assert_int_equal(shell_assignments("file", file, "X", &found, NULL), 0);
        assert_int_equal(found->len, n);
        if (n == 0)
                return;
        last = &g_array_index(found, ShellAssignment, n - 1);
        assert_int_equal(last->adds, last_adds);
        assert_int_equal(last->nested, last_nested);
}

static void assignments_are_found(void **state) {
        expect_found("X=1", 1, false, false);
        expect_found("# X=1\nY='\nX=2'\necho X=3\nXX=4\n", 0, false, false);
        expect_found("export X=1; X+=2\n", 2, true, false);
        expect_found("X=1\nX=\"$X 2\"", 2, true, false);
        expect_found("X=1\nX=\"${X} 2\"", 2, true, false);
        expect_found("X=\"$XY\"", 1, false, false);
        expect_found("if true; then X=1; fi", 1, false, true);
        expect_found("if true; then Y=1; fi\nX=2", 1, false, false);
        expect_found("f() {\n X=1\n}\n", 1, false, true);
        expect_found("X=1\r\nY=2\r\n", 1, false, false);
        expect_found("Y=$(grep X=1 /etc/x)\n X=2", 1, false, false);
}

static void a_here_document_is_refused(void **state) {
        g_autoptr(GString) file = g_string_new("cat <<EOF\nX=1\nEOF\n");
        g_autoptr(GArray) found = NULL;
        g_auto(Err) err = ERR_INIT;

        assert_true(shell_assignments("file", file, "X", &found, &err) < 0);
        assert_non_null(strstr(err.message, "line 1"));
}

/* What is said to the init is not said to the kernel. */
static void words_go_before_those_of_the_init(void **state) {
        static const LineWish on = {.vendor = LINE_INTEL, .passthrough = LINE_ON};

        expect_line("quiet -- 3", &on, "quiet intel_iommu=on iommu=pt -- 3");
        expect_line("-- single", &on, "intel_iommu=on iommu=pt -- single");
        expect_line("a --", &on, "a intel_iommu=on iommu=pt --");
        expect_line("a -- intel_iommu=on iommu=off", &on,
                    "a intel_iommu=on iommu=pt -- intel_iommu=on iommu=off");
        expect_line("iommu=off -- b -- c", &on, "iommu=pt intel_iommu=on -- b -- c");
        expect_line("a --b", &on, "a --b intel_iommu=on iommu=pt");
        expect_shell_line("\"quiet -- 3\"", &on, "\"quiet intel_iommu=on iommu=pt -- 3\"");
        expect_shell_line("'-- 3'", &on, "'intel_iommu=on iommu=pt -- 3'");
        expect_shell_line("--", &on, "\"intel_iommu=on \"\"iommu=pt \"--");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(words_are_those_of_the_kernel),
                cmocka_unit_test(what_is_not_closed_is_refused),
                cmocka_unit_test(a_word_goes_inside_the_quotes),
                cmocka_unit_test(random_values_survive),
                cmocka_unit_test(a_real_shell_reads_the_same),
                cmocka_unit_test(random_values_can_be_changed),
                cmocka_unit_test(words_are_replaced_and_not_doubled),
                cmocka_unit_test(words_go_before_those_of_the_init),
                cmocka_unit_test(assignments_are_found),
                cmocka_unit_test(a_here_document_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
