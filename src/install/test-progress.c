/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/progress.h"

#include <unistd.h>

#include "base/test.h"
#include "install/inject.h"

#define MIB (1024.0 * 1024)

static void times_are_as_people_say_them(void **state) {
        g_autofree char *seconds = progress_time(45), *minutes = progress_time(185),
                        *hours = progress_time(7800);

        assert_string_equal(seconds, "45 s");
        assert_string_equal(minutes, "3 min 05 s");
        assert_string_equal(hours, "2 h 10 min");
}

static void a_line_has_part_bar_rate_and_time_left(void **state) {
        g_autofree char *line = progress_line("initrd.img", (uint64_t)(25 * MIB),
                                              (uint64_t)(100 * MIB), 5 * MIB, 100);

        assert_non_null(strstr(line, "initrd.img"));
        assert_non_null(strstr(line, " 25% ["));
        assert_non_null(strstr(line, "=>"));
        assert_non_null(strstr(line, "25.0 MiB"));
        assert_non_null(strstr(line, "5.0 MiB/s"));
        assert_non_null(strstr(line, "  15 s"));
        assert_true(strlen(line) <= 100);
}

static void an_unknown_end_has_no_bar(void **state) {
        g_autofree char *line = progress_line("x", (uint64_t)MIB, 0, MIB, 80);

        assert_null(strchr(line, '['));
        assert_non_null(strstr(line, "1.0 MiB"));
}

static void more_than_all_is_all(void **state) {
        g_autofree char *line = progress_line("x", 300, 200, 1, 80);

        assert_non_null(strstr(line, "100%"));
}

static void injected_files_are_an_archive_that_linux_reads(void **state) {
        g_autoptr(GByteArray) archive = g_byte_array_new();
        g_autofree char *path = g_build_filename(g_get_tmp_dir(), "airlock-inject-XXXXXX", NULL);
        g_autofree char *name = NULL;
        int fd = g_mkstemp(path);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, "hello", 5), 5);
        close(fd);
        name = g_path_get_basename(path);
        assert_int_equal(inject_add(archive, path, NULL), 0);
        inject_end(archive);
        unlink(path);
        assert_memory_equal(archive->data, "070701", 6);
        assert_memory_equal(archive->data + 54, "00000005", 8); /* its size */
        assert_string_equal((char *)archive->data + 110, name);
        assert_int_equal(archive->len % 4, 0);
        assert_non_null(memmem(archive->data, archive->len, "hello", 5));
        assert_non_null(memmem(archive->data, archive->len, "TRAILER!!!", 11));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(times_are_as_people_say_them),
                cmocka_unit_test(a_line_has_part_bar_rate_and_time_left),
                cmocka_unit_test(an_unknown_end_has_no_bar),
                cmocka_unit_test(more_than_all_is_all),
                cmocka_unit_test(injected_files_are_an_archive_that_linux_reads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
