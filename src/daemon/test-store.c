/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store.h"

#include <stdlib.h>

#include "base/test.h"

typedef struct Dirs {
        char *root;
        Paths paths;
} Dirs;

static int setup(void **state) {
        Dirs *dirs = g_new0(Dirs, 1);

        dirs->root = g_dir_make_tmp("test-store-XXXXXX", NULL);
        dirs->paths.config_dir = g_build_filename(dirs->root, "etc", NULL);
        dirs->paths.run_dir = g_build_filename(dirs->root, "run", NULL);
        *state = dirs;
        return 0;
}

static int teardown(void **state) {
        Dirs *dirs = *state;
        g_autofree char *command = g_strdup_printf("rm -rf '%s'", dirs->root);

        assert_int_equal(system(command), 0);
        g_free(dirs->paths.config_dir);
        g_free(dirs->paths.run_dir);
        g_free(dirs->root);
        g_free(dirs);
        return 0;
}

static void list_one(const char *name, const char *text, bool autostart, void *userdata) {
        g_string_append_printf(userdata, "%s=%s%s;", name, text, autostart ? "*" : "");
}

static void a_name_that_is_no_file_is_refused(void **state) {
        g_autofree char *longest = g_strnfill(200, 'a'), *longer = g_strnfill(201, 'a');
        const char *const bad[] = {"", ".", "..", "a/b", "a\nb", longer};

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                assert_int_equal(store_check_name(bad[i], NULL), -EINVAL);
        assert_int_equal(store_check_name("guest 1", NULL), 0);
        assert_int_equal(store_check_name(longest, NULL), 0);
}

static void what_is_written_is_listed_until_it_is_removed(void **state) {
        Dirs *dirs = *state;
        g_autoptr(GString) seen = g_string_new(NULL);

        assert_int_equal(store_each_config(&dirs->paths, list_one, seen, NULL), 0);
        assert_string_equal(seen->str, "");
        assert_int_equal(store_write_config(&dirs->paths, "a", "<domain/>", NULL), 0);
        assert_int_equal(store_set_autostart(&dirs->paths, "a", true, NULL), 0);
        assert_int_equal(store_set_autostart(&dirs->paths, "a", true, NULL), 0);
        assert_int_equal(store_each_config(&dirs->paths, list_one, seen, NULL), 0);
        assert_string_equal(seen->str, "a=<domain/>*;");
        assert_int_equal(store_remove_config(&dirs->paths, "a", NULL), 0);
        g_string_truncate(seen, 0);
        assert_int_equal(store_each_config(&dirs->paths, list_one, seen, NULL), 0);
        assert_string_equal(seen->str, "");
}

static void the_status_of_a_guest_goes_with_its_directory(void **state) {
        Dirs *dirs = *state;
        g_autoptr(GString) seen = g_string_new(NULL);

        assert_int_equal(store_make_run_dir(&dirs->paths, "a", NULL), 0);
        assert_int_equal(store_write_status(&dirs->paths, "a", "{}", NULL), 0);
        assert_int_equal(store_each_status(&dirs->paths, list_one, seen, NULL), 0);
        assert_string_equal(seen->str, "a={};");
        store_remove_run_dir(&dirs->paths, "a");
        g_string_truncate(seen, 0);
        assert_int_equal(store_each_status(&dirs->paths, list_one, seen, NULL), 0);
        assert_string_equal(seen->str, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_name_that_is_no_file_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(what_is_written_is_listed_until_it_is_removed,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(the_status_of_a_guest_goes_with_its_directory,
                                                setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
