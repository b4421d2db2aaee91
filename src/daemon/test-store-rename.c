/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store-rename.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/test.h"
#include "daemon/store.h"

typedef struct Dirs {
        char *root, *nvram_from, *nvram_to;
        Paths paths;
} Dirs;

static void put(const char *path, const char *text) {
        g_autofree char *dir = g_path_get_dirname(path);

        assert_int_equal(file_mkdir_p(dir, 0700, NULL), 0);
        assert_int_equal(file_write_atomic(path, text, strlen(text), NULL), 0);
}

static int setup(void **state) {
        Dirs *dirs = g_new0(Dirs, 1);
        g_autofree char *saved = NULL;

        dirs->root = g_dir_make_tmp("test-rename-XXXXXX", NULL);
        dirs->paths.config_dir = g_build_filename(dirs->root, "etc", NULL);
        dirs->paths.state_dir = g_build_filename(dirs->root, "var", NULL);
        dirs->nvram_from = g_build_filename(dirs->root, "a_VARS.fd", NULL);
        dirs->nvram_to = g_build_filename(dirs->root, "b_VARS.fd", NULL);
        saved = store_save_path(&dirs->paths, "a");
        assert_int_equal(store_write_config(&dirs->paths, "a", "<a/>", NULL), 0);
        assert_int_equal(store_write_cards(&dirs->paths, "a", "{}", NULL), 0);
        assert_int_equal(store_set_autostart(&dirs->paths, "a", true, NULL), 0);
        put(saved, "memory");
        put(dirs->nvram_from, "variables");
        *state = dirs;
        return 0;
}

static int teardown(void **state) {
        Dirs *dirs = *state;
        g_autofree char *command = g_strdup_printf("rm -rf '%s'", dirs->root);

        assert_int_equal(system(command), 0);
        g_free(dirs->paths.config_dir);
        g_free(dirs->paths.state_dir);
        g_free(dirs->nvram_from);
        g_free(dirs->nvram_to);
        g_free(dirs->root);
        g_free(dirs);
        return 0;
}

static void list_one(const char *name, const char *text, bool autostart, void *userdata) {
        g_string_append_printf(userdata, "%s=%s%s;", name, text, autostart ? "*" : "");
}

static bool has_cards(const Dirs *dirs, const char *name) {
        g_autofree char *cards = NULL;

        return store_read_cards(&dirs->paths, name, &cards, NULL) == 0;
}

static bool has_saved(const Dirs *dirs, const char *name) {
        g_autofree char *path = store_save_path(&dirs->paths, name);

        return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* All of the guest goes by that name, and nothing by the other. */
static void assert_name(const Dirs *dirs, bool is_new) {
        g_autoptr(GString) seen = g_string_new(NULL);

        assert_int_equal(store_each_config(&dirs->paths, list_one, seen, NULL), 0);
        assert_string_equal(seen->str, is_new ? "b=<b/>*;" : "a=<a/>*;");
        assert_int_equal(has_cards(dirs, "a"), !is_new);
        assert_int_equal(has_cards(dirs, "b"), is_new);
        assert_int_equal(has_saved(dirs, "a"), !is_new);
        assert_int_equal(has_saved(dirs, "b"), is_new);
        assert_int_equal(g_file_test(dirs->nvram_from, G_FILE_TEST_EXISTS), !is_new);
        assert_int_equal(g_file_test(dirs->nvram_to, G_FILE_TEST_EXISTS), is_new);
}

static void rename_until(const Dirs *dirs, unsigned steps) {
        StoreRename rename = {
                .from = "a",
                .to = "b",
                .xml = "<b/>",
                .nvram_from = dirs->nvram_from,
                .nvram_to = dirs->nvram_to,
        };

        assert_int_equal(store_rename(&dirs->paths, &rename, steps, NULL), 0);
}

static void all_files_move(void **state) {
        Dirs *dirs = *state;

        rename_until(dirs, STORE_RENAME_STEPS);
        assert_name(dirs, true);
        assert_int_equal(store_recover_rename(&dirs->paths, NULL), 0);
        assert_name(dirs, true);
}

static void a_crash_after_any_step_leaves_one_name(void **state) {
        for (unsigned steps = 0; steps < STORE_RENAME_STEPS; steps++) {
                void *fresh = NULL;

                setup(&fresh);
                rename_until(fresh, steps);
                assert_int_equal(store_recover_rename(&((Dirs *)fresh)->paths, NULL), 0);
                assert_name(fresh, steps >= 2); /* the second step writes the new definition */
                teardown(&fresh);
        }
}

static void a_damaged_journal_is_told(void **state) {
        Dirs *dirs = *state;
        g_autofree char *journal =
                g_build_filename(dirs->paths.config_dir, "guests", "rename.json", NULL);

        put(journal, "{\"from\": \"../a\", \"to\": \"b\"}");
        assert_true(store_recover_rename(&dirs->paths, NULL) < 0);
        put(journal, "nothing");
        assert_true(store_recover_rename(&dirs->paths, NULL) < 0);
}

#define TEST(func) cmocka_unit_test_setup_teardown(func, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(all_files_move),
                TEST(a_crash_after_any_step_leaves_one_name),
                TEST(a_damaged_journal_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
