/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/test.h"

#include <locale.h>

#include "cli/table.h"
#include "cli/tree.h"

static Table *guests(void) {
        static const char *const head[] = {"Id", "Name", "State", NULL};

        return table_new(head);
}

static void assert_table(const Table *table, bool with_head, size_t width, const char *expected) {
        g_autofree char *text = table_format(table, with_head, width);

        assert_string_equal(text, expected);
}

static void an_empty_table_is_its_head(void **state) {
        g_autoptr(Table) table = guests();

        assert_table(table, true, 0,
                     " Id   Name   State\n"
                     "--------------------\n");
        assert_table(table, false, 0, "");
}

static void columns_are_as_wide_as_their_cells(void **state) {
        g_autoptr(Table) table = guests();

        table_add(table, (const char *[]){"1", "g1", "running"});
        table_add(table, (const char *[]){NULL, "a-long-name", "shut off"});
        assert_table(table, true, 0,
                     " Id   Name          State\n"
                     "------------------------------\n"
                     " 1    g1            running\n"
                     " -    a-long-name   shut off\n");
        assert_table(table, false, 0,
                     " 1   g1            running\n"
                     " -   a-long-name   shut off\n");
}

static void wide_characters_are_counted_by_columns(void **state) {
        g_autoptr(Table) table = guests();

        table_add(table, (const char *[]){"1", "gästé", "x"});
        table_add(table, (const char *[]){"2", "日本", "x"});
        assert_table(table, false, 0,
                     " 1   gästé   x\n"
                     " 2   日本    x\n");
}

static void control_characters_do_not_reach_the_terminal(void **state) {
        g_autoptr(Table) table = guests();

        table_add(table, (const char *[]){"1", "a\x1b[31mb\n", "\xff"});
        assert_table(table, false, 0, " 1   a\\x1b[31mb\\x0a   \\xff\n");
}

static void only_flexible_columns_give_way(void **state) {
        g_autoptr(Table) table = guests();

        table_add(table, (const char *[]){"1", "a name that is far too long", "running"});
        assert_table(table, false, 20, " 1   a name that is far too long   running\n");
        table_set_flexible(table, 1);
        assert_table(table, false, 40, " 1   a name that is far too…   running\n");
        assert_table(table, false, 10, " 1   a name th…   running\n");
        assert_table(table, false, 80, " 1   a name that is far too long   running\n");
}

static void a_tree_is_drawn_as_virsh_draws_it(void **state) {
        char *names[] = {(char[]){"computer"}, (char[]){"block"}, (char[]){"net"},
                         (char[]){"pci1"},     (char[]){"pci2"},  NULL};
        char *parents[] = {(char[]){""},         (char[]){"pci1"},     (char[]){"pci2"},
                           (char[]){"computer"}, (char[]){"computer"}, NULL};
        g_autofree char *text = tree_format(names, parents);

        assert_string_equal(text, "computer\n"
                                  "  |\n"
                                  "  +- pci1\n"
                                  "  |   |\n"
                                  "  |   +- block\n"
                                  "  |     \n"
                                  "  +- pci2\n"
                                  "      |\n"
                                  "      +- net\n"
                                  "        \n"
                                  "    \n");
}

static void a_device_without_its_parent_is_a_root(void **state) {
        char *names[] = {(char[]){"a"}, (char[]){"b"}, NULL};
        char *parents[] = {(char[]){"gone"}, (char[]){""}, NULL};
        g_autofree char *text = tree_format(names, parents);

        assert_string_equal(text, "a\nb\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_empty_table_is_its_head),
                cmocka_unit_test(columns_are_as_wide_as_their_cells),
                cmocka_unit_test(wide_characters_are_counted_by_columns),
                cmocka_unit_test(control_characters_do_not_reach_the_terminal),
                cmocka_unit_test(only_flexible_columns_give_way),
                cmocka_unit_test(a_tree_is_drawn_as_virsh_draws_it),
                cmocka_unit_test(a_device_without_its_parent_is_a_root),
        };

        setlocale(LC_ALL, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
