/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/journal.h"

#include <unistd.h>

#include "base/file.h"
#include "base/test.h"
#include "base/util.h"

typedef struct Place {
        char *dir, *path;
} Place;

static int place_setup(void **state) {
        Place *place = g_new0(Place, 1);

        place->dir = g_dir_make_tmp("test-journal-XXXXXX", NULL);
        place->path = g_build_filename(place->dir, "journal", NULL);
        *state = place;
        return 0;
}

static int place_teardown(void **state) {
        Place *place = *state;
        g_autoptr(GDir) dir = g_dir_open(place->dir, 0, NULL);
        const char *name;

        while ((name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(place->dir, name, NULL);

                unlink(path);
        }
        rmdir(place->dir);
        g_free(place->dir);
        g_free(place->path);
        g_free(place);
        return 0;
}

/* The numbers of the records, "1,2,3,". */
static void collect(const json_t *record, void *userdata) {
        g_string_append_printf(userdata, "%d,",
                               (int)json_integer_value(json_object_get(record, "n")));
}

static json_t *numbered(int n) {
        return json_pack("{s:s, s:i}", "record", "test", "n", n);
}

static void expect(const Place *place, const char *numbers, bool with_report) {
        g_autoptr(GString) seen = g_string_new(NULL);
        g_autoptr(Journal) journal = NULL;
        g_autofree char *report = NULL;

        assert_int_equal(journal_open(place->path, collect, seen, &journal, &report, NULL), 0);
        assert_string_equal(seen->str, numbers);
        assert_int_equal(report != NULL, with_report);
}

static void fill(const Place *place, int n) {
        g_autoptr(GString) seen = g_string_new(NULL);
        g_autoptr(Journal) journal = NULL;

        assert_int_equal(journal_open(place->path, collect, seen, &journal, NULL, NULL), 0);
        for (int i = 1; i <= n; i++)
                assert_int_equal(journal_append(journal, numbered(i), NULL), 0);
}

static void records_come_back_in_their_order(void **state) {
        fill(*state, 3);
        expect(*state, "1,2,3,", false);
}

static void a_torn_last_line_is_dropped_wherever_it_was_cut(void **state) {
        const Place *place = *state;
        g_autofree char *data = NULL;
        size_t size = 0, last;

        fill(place, 3);
        assert_int_equal(file_read(place->path, 10000, &data, &size, NULL), 0);
        last = size - (size_t)(strchr(data, '\n') + 1 - data);
        for (size_t cut = last + 1; cut < size; cut++) {
                assert_int_equal(file_write_atomic(place->path, data, cut, NULL), 0);
                expect(place, "1,2,", true);
                expect(place, "1,2,", false); /* it was repaired */
        }
}

static size_t count_files(const Place *place) {
        g_autoptr(GDir) dir = g_dir_open(place->dir, 0, NULL);
        size_t n = 0;

        while (g_dir_read_name(dir))
                n++;
        return n;
}

static void damage_in_the_middle_costs_that_record_and_keeps_the_file(void **state) {
        const Place *place = *state;
        g_autofree char *data = NULL;
        size_t size = 0;

        fill(place, 3);
        assert_int_equal(file_read(place->path, 10000, &data, &size, NULL), 0);
        strchr(data, '\n')[30] ^= 1;
        assert_int_equal(file_write_atomic(place->path, data, size, NULL), 0);
        expect(place, "1,3,", true);
        assert_int_equal(count_files(place), 2);
        expect(place, "1,3,", false);
}

static void a_rewrite_replaces_all_and_appending_goes_on(void **state) {
        const Place *place = *state;
        g_autoptr(GString) seen = g_string_new(NULL);
        g_autoptr(Journal) journal = NULL;
        json_t *records = json_array();

        fill(place, 3);
        json_array_append_new(records, numbered(7));
        assert_int_equal(journal_open(place->path, collect, seen, &journal, NULL, NULL), 0);
        assert_int_equal(journal_rewrite(journal, records, NULL), 0);
        assert_int_equal(journal_append(journal, numbered(8), NULL), 0);
        json_decref(records);
        expect(place, "7,8,", false);
        assert_false(journal_is_long(journal));
}

static void a_directory_that_is_not_there_is_named(void **state) {
        g_auto(Err) err = ERR_INIT;
        Journal *journal = NULL;

        assert_true(journal_open("/nonexistent/j", collect, NULL, &journal, NULL, &err) < 0);
        assert_non_null(strstr(err.message, "/nonexistent/j"));
        assert_null(journal);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)
        const struct CMUnitTest tests[] = {
                TEST(records_come_back_in_their_order),
                TEST(a_torn_last_line_is_dropped_wherever_it_was_cut),
                TEST(damage_in_the_middle_costs_that_record_and_keeps_the_file),
                TEST(a_rewrite_replaces_all_and_appending_goes_on),
                TEST(a_directory_that_is_not_there_is_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
