/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sys.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "base/util.h"

typedef struct Tree {
        char *path;
        Sys *sys;
} Tree;

static void put(const Tree *tree, const char *name, const char *text) {
        g_autofree char *path = g_build_filename(tree->path, name, NULL);

        assert_true(g_file_set_contents(path, text, -1, NULL));
}

static int tree_setup(void **state) {
        Tree *tree = g_new0(Tree, 1);
        g_autofree char *dir = NULL, *link = NULL;

        tree->path = g_dir_make_tmp("test-sys-XXXXXX", NULL);
        dir = g_build_filename(tree->path, "dir", NULL);
        g_mkdir_with_parents(dir, 0755);
        put(tree, "dir/vendor", "0x8086\n");
        put(tree, "dir/text", "  igb \n");
        link = g_build_filename(tree->path, "link", NULL);
        assert_int_equal(symlink("/dir", link), 0);
        assert_int_equal(sys_new(tree->path, &tree->sys), 0);
        *state = tree;
        return 0;
}

static int tree_teardown(void **state) {
        Tree *tree = *state;
        static const char *const names[] = {"dir/vendor", "dir/text", "dir/renamed",
                                            "link",       "dir",      "."};

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *path = g_build_filename(tree->path, names[i], NULL);

                remove(path);
        }
        sys_free(tree->sys);
        g_free(tree->path);
        g_free(tree);
        return 0;
}

static void files_are_read_below_the_root(void **state) {
        Tree *tree = *state;
        g_autofree char *text = NULL, *real = NULL, *name = NULL;
        uint64_t vendor = 0;

        assert_false(sys_is_live(tree->sys));
        assert_int_equal(sys_read_uint(tree->sys, "dir/vendor", 0, 0xffff, &vendor), 0);
        assert_int_equal(vendor, 0x8086);
        assert_int_equal(sys_read_text(tree->sys, "link/text", &text), 0);
        assert_string_equal(text, "igb");
        assert_int_equal(sys_realpath(tree->sys, "link", &real), 0);
        assert_string_equal(real, "dir");
        assert_int_equal(sys_readlink_name(tree->sys, "link", &name), 0);
        assert_string_equal(name, "dir");
        assert_int_equal(sys_read_text(tree->sys, "absent", &text), -ENOENT);
        assert_int_equal(sys_readlink(tree->sys, "dir/text", &text), -EINVAL);
        assert_false(sys_exists(tree->sys, "../../../../etc/passwd"));
}

static void names_come_sorted(void **state) {
        Tree *tree = *state;
        g_auto(GStrv) names = NULL;

        assert_int_equal(sys_list(tree->sys, "dir", &names), 0);
        assert_string_equal(names[0], "text");
        assert_string_equal(names[1], "vendor");
        assert_null(names[2]);
        assert_int_equal(sys_list(tree->sys, "absent", &names), -ENOENT);
}

static void a_write_goes_through_whole(void **state) {
        Tree *tree = *state;
        g_autofree char *text = NULL;

        assert_int_equal(sys_write(tree->sys, "dir/vendor", "0x1234"), 0);
        assert_int_equal(sys_read_text(tree->sys, "dir/vendor", &text), 0);
        assert_string_equal(text, "0x1234");
        assert_int_equal(sys_write(tree->sys, "dir/none", "x"), -ENOENT);
}

static void the_nth_call_can_fail(void **state) {
        Tree *tree = *state;
        char *text = NULL;

        sys_fail_at(tree->sys, 2, -EIO);
        assert_int_equal(sys_read_text(tree->sys, "dir/text", &text), 0);
        g_clear_pointer(&text, g_free);
        assert_int_equal(sys_read_text(tree->sys, "dir/text", &text), -EIO);
        assert_int_equal(sys_read_text(tree->sys, "dir/text", &text), 0);
        g_free(text);
}

static void a_part_of_the_tree_is_a_tree(void **state) {
        Tree *tree = *state;
        g_autoptr(Sys) below = NULL;
        g_autofree char *text = NULL, *path = NULL;

        assert_int_equal(sys_new_below(tree->sys, "absent", &below), -ENOENT);
        assert_int_equal(sys_new_below(tree->sys, "dir", &below), 0);
        assert_int_equal(sys_realpath(below, "text", &path), 0);
        assert_string_equal(path, "text");
        assert_int_equal(sys_read_text(below, "text", &text), 0);
        assert_string_equal(text, "igb");
        assert_int_equal(sys_readlink(below, "text", &text), -EINVAL);
        assert_int_equal(sys_readlink(below, "absent", &text), -ENOENT);
        assert_false(sys_exists(below, "../link"));
        sys_fail_at(tree->sys, 1, -EIO); /* calls are counted for the whole tree */
        assert_int_equal(sys_open(below, "text", 0), -EIO);
}

#define OPENS 50000 /* one in a hundred failed before */

static pid_t start_renaming(const Tree *tree) {
        g_autofree char *one = g_build_filename(tree->path, "dir/text", NULL);
        g_autofree char *two = g_build_filename(tree->path, "dir/renamed", NULL);
        pid_t pid = fork();

        while (pid == 0)
                if (rename(one, two) < 0 || rename(two, one) < 0)
                        _exit(1);
        return pid;
}

/* As udev renames interfaces while functions are looked at: the kernel cannot vouch for "..". */
static void a_rename_elsewhere_hides_nothing(void **state) {
        Tree *tree = *state;
        pid_t pid = start_renaming(tree);
        unsigned missed = 0;

        for (unsigned i = 0; i < OPENS; i++)
                missed += !sys_exists(tree->sys, "dir/../dir/vendor");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        assert_int_equal(missed, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(files_are_read_below_the_root, tree_setup,
                                                tree_teardown),
                cmocka_unit_test_setup_teardown(names_come_sorted, tree_setup, tree_teardown),
                cmocka_unit_test_setup_teardown(a_write_goes_through_whole, tree_setup,
                                                tree_teardown),
                cmocka_unit_test_setup_teardown(the_nth_call_can_fail, tree_setup, tree_teardown),
                cmocka_unit_test_setup_teardown(a_rename_elsewhere_hides_nothing, tree_setup,
                                                tree_teardown),
                cmocka_unit_test_setup_teardown(a_part_of_the_tree_is_a_tree, tree_setup,
                                                tree_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
