/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <unistd.h>

#include "base/test.h"

static void a_write_replaces_the_whole_file(void **state) {
        g_autofree char *dir = g_dir_make_tmp("test-file-XXXXXX", NULL);
        g_autofree char *path = g_build_filename(dir, "f", NULL);
        g_autofree char *data = NULL;
        size_t size = 0;

        assert_int_equal(file_read(path, 100, &data, &size, NULL), -ENOENT);
        assert_int_equal(file_write_atomic(path, "first, long", 11, NULL), 0);
        assert_int_equal(file_write_atomic(path, "then", 4, NULL), 0);
        assert_int_equal(file_read(path, 100, &data, &size, NULL), 0);
        assert_string_equal(data, "then");
        assert_int_equal(size, 4);
        assert_int_equal(file_remove(path, NULL), 0);
        assert_int_equal(file_remove(path, NULL), 0);
        assert_int_equal(rmdir(dir), 0); /* nothing temporary was left */
}

static void a_failed_write_names_the_file_and_leaves_nothing(void **state) {
        g_auto(Err) err = ERR_INIT;

        assert_int_equal(file_write_atomic("/nonexistent/f", "x", 1, &err), -ENOENT);
        assert_non_null(strstr(err.message, "/nonexistent/f"));
}

static void touch(const char *dir, const char *name) {
        g_autofree char *path = g_build_filename(dir, name, NULL);

        assert_true(g_file_set_contents(path, "x", 1, NULL));
}

static bool is_there(const char *dir, const char *name) {
        g_autofree char *path = g_build_filename(dir, name, NULL);

        return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* What somebody else could have called so stays. */
static void only_our_own_leftovers_go(void **state) {
        static const char *const kept[] = {"grub",
                                           "grub.backup",
                                           ".grub.swp",
                                           ".grub.airlock-a1b2c",
                                           ".grub.airlock-a1b2c3d",
                                           ".grub.airlock-a1b2c~",
                                           ".grub2.airlock-a1b2c3",
                                           "grub.airlock-a1b2c3"};
        g_autofree char *dir = g_dir_make_tmp("test-file-XXXXXX", NULL);
        g_autofree char *path = g_build_filename(dir, "grub", NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
                touch(dir, kept[i]);
        touch(dir, ".grub.airlock-a1b2c3");
        file_remove_leftovers(path);
        assert_false(is_there(dir, ".grub.airlock-a1b2c3"));
        for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
                g_autofree char *one = g_build_filename(dir, kept[i], NULL);

                assert_true(is_there(dir, kept[i]));
                unlink(one);
        }
        assert_int_equal(rmdir(dir), 0);
}

static void a_file_over_the_bound_is_refused(void **state) {
        g_autofree char *dir = g_dir_make_tmp("test-file-XXXXXX", NULL);
        g_autofree char *path = g_build_filename(dir, "f", NULL);
        g_auto(Err) err = ERR_INIT;
        char *data = NULL;

        assert_int_equal(file_write_atomic(path, "12345", 5, NULL), 0);
        assert_int_equal(file_read(path, 4, &data, NULL, &err), -EFBIG);
        assert_null(data);
        file_remove(path, NULL);
        rmdir(dir);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_write_replaces_the_whole_file),
                cmocka_unit_test(a_failed_write_names_the_file_and_leaves_nothing),
                cmocka_unit_test(only_our_own_leftovers_go),
                cmocka_unit_test(a_file_over_the_bound_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
