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
                cmocka_unit_test(a_file_over_the_bound_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
