/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/save-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "base/util.h"

#define STREAM "the stream"

typedef struct Image {
        char *dir, *path;
} Image;

static int setup(void **state) {
        Image *image = g_new0(Image, 1);
        _cleanup_(closep) int fd = -1;

        image->dir = g_dir_make_tmp("test-save-XXXXXX", NULL);
        image->path = g_build_filename(image->dir, "image", NULL);
        assert_int_equal(save_file_create(image->path, "<domain/>", true, &fd, NULL), 0);
        assert_int_equal(write(fd, STREAM, sizeof(STREAM)), sizeof(STREAM));
        *state = image;
        return 0;
}

static int teardown(void **state) {
        Image *image = *state;
        g_autofree char *command = g_strdup_printf("rm -rf '%s'", image->dir);

        assert_int_equal(system(command), 0);
        g_free(image->dir);
        g_free(image->path);
        g_free(image);
        return 0;
}

static void assert_image(const char *path, const char *xml, bool is_running) {
        g_auto(SaveFile) file = SAVE_FILE_INIT;
        char stream[sizeof(STREAM)];

        assert_int_equal(save_file_open(path, &file, NULL), 0);
        assert_string_equal(file.xml, xml);
        assert_int_equal(file.is_running, is_running);
        assert_int_equal(read(file.fd, stream, sizeof(stream)), sizeof(stream));
        assert_string_equal(stream, STREAM);
}

static void what_was_written_is_read(void **state) {
        const Image *image = *state;

        assert_image(image->path, "<domain/>", true);
}

static void the_xml_can_be_replaced_as_often_as_one_likes(void **state) {
        const Image *image = *state;

        for (int i = 0; i < 5; i++) {
                g_autofree char *xml = g_strnfill((gsize)(i + 1) * 10000, 'x');

                assert_int_equal(save_file_rewrite(image->path, xml, i % 2, NULL), 0);
                assert_image(image->path, xml, i % 2);
        }
}

static void what_has_no_room_changes_nothing(void **state) {
        const Image *image = *state;
        g_autofree char *xml = g_strnfill(80 << 10, 'x');

        assert_true(save_file_rewrite(image->path, xml, false, NULL) < 0);
        assert_image(image->path, "<domain/>", true);
}

/* A crash between the XML and the header: the header still means the old one. */
static void a_half_written_change_is_none(void **state) {
        const Image *image = *state;
        _cleanup_(closep) int fd = open(image->path, O_WRONLY);

        assert_int_equal(pwrite(fd, "<other/>", 8, 4096 + (68 << 10)), 8);
        assert_image(image->path, "<domain/>", true);
}

static void damage_is_noticed(void **state) {
        static const off_t places[] = {0, 17, 20, 24, 28, 33, 41, 4096};
        const Image *image = *state;

        for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
                _cleanup_(closep) int fd = open(image->path, O_RDWR);
                g_auto(SaveFile) file = SAVE_FILE_INIT;
                char byte, other;

                assert_int_equal(pread(fd, &byte, 1, places[i]), 1);
                other = (char)(byte ^ 0x55);
                assert_int_equal(pwrite(fd, &other, 1, places[i]), 1);
                assert_true(save_file_open(image->path, &file, NULL) < 0);
                assert_int_equal(pwrite(fd, &byte, 1, places[i]), 1);
        }
        assert_image(image->path, "<domain/>", true);
        assert_int_equal(truncate(image->path, 100), 0);
        assert_true(save_file_rewrite(image->path, "<a/>", true, NULL) < 0);
}

static void a_device_is_no_place_for_an_image(void **state) {
        int fd = -1;

        assert_true(save_file_create("/dev/null", "<domain/>", true, &fd, NULL) < 0);
        assert_int_equal(fd, -1);
}

#define TEST(func) cmocka_unit_test_setup_teardown(func, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(what_was_written_is_read),
                TEST(the_xml_can_be_replaced_as_often_as_one_likes),
                TEST(what_has_no_room_changes_nothing),
                TEST(a_half_written_change_is_none),
                TEST(damage_is_noticed),
                TEST(a_device_is_no_place_for_an_image),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
