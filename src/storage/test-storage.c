/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/pool-def.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "base/util.h"
#include "storage/image.h"

static GPtrArray *no_warnings(void) {
        return g_ptr_array_new_with_free_func(g_free);
}

static PoolDef *pool(void) {
        g_autoptr(GPtrArray) warnings = no_warnings();
        PoolDef *def = NULL;

        pool_def_parse(
                "<pool type='dir'><name>p</name><target><path>/images//</path></target></pool>",
                false, warnings, &def, NULL);
        assert_non_null(def);
        return def;
}

static int parse_volume(const char *xml, VolumeDef **ret, Err *err) {
        g_autoptr(GPtrArray) warnings = no_warnings();
        g_autoptr(PoolDef) def = pool();

        return volume_def_parse(xml, def, false, warnings, ret, err);
}

static void a_pool_comes_back_as_it_was_given(void **state) {
        g_autoptr(GPtrArray) warnings = no_warnings();
        g_autoptr(PoolDef) def = pool(), again = NULL;
        g_autofree char *text = pool_def_format(def, true), *second = NULL;

        assert_string_equal(def->target.path, "/images");
        assert_int_equal(pool_def_parse(text, false, warnings, &again, NULL), 0);
        second = pool_def_format(again, true);
        assert_string_equal(text, second);
}

static void volumes_that_cannot_be_are_refused(void **state) {
#define VOLUME(name, rest) "<volume><name>" name "</name>" rest "</volume>"
        static const char *const bad[] = {
                VOLUME("a/b", "<capacity>1</capacity>"),
                VOLUME("..", "<capacity>1</capacity>"),
                VOLUME(".v.partial-0123abcd", "<capacity>1</capacity>"),
                VOLUME("v", ""),
                VOLUME("v", "<capacity unit='parsec'>1</capacity>"),
                VOLUME("v", "<capacity>1</capacity><target><format type='vmdk'/></target>"),
                VOLUME("v", "<capacity>1</capacity><target><permissions><mode>9</mode>"
                            "</permissions></target>"),
                VOLUME("v", "<capacity>1</capacity><backingStore><path>/b</path></backingStore>"),
                VOLUME("v", "<capacity>1</capacity><target><format type='qcow2'/></target>"
                            "<backingStore><path>/b</path></backingStore>"),
        };

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(VolumeDef) def = NULL;
                g_auto(Err) err = ERR_INIT;

                if (parse_volume(bad[i], &def, &err) == 0)
                        print_error("%s\n", bad[i]);
                assert_null(def);
                assert_true(err_is_set(&err));
        }
}

static void sizes_have_units(void **state) {
        g_autoptr(VolumeDef) def = NULL;

        assert_int_equal(parse_volume(VOLUME("v", "<capacity unit='G'>2</capacity>"), &def, NULL),
                         0);
        assert_int_equal(def->capacity.value, UINT64_C(2) << 30);
        assert_string_equal(def->target.path, "/images/v");
}

static void options_of_an_image_are_escaped(void **state) {
        g_autoptr(VolumeDef) def = NULL;
        g_auto(GStrv) args = NULL;
        g_autofree char *line = NULL;

        parse_volume(VOLUME("v", "<capacity>1</capacity><target><format type='qcow2'/></target>"
                                 "<backingStore><path>/a,b</path><format type='raw'/>"
                                 "</backingStore>"),
                     &def, NULL);
        assert_non_null(def);
        args = image_create_args(def);
        line = g_strjoinv(" ", args);
        assert_string_equal(line, "create -q -f qcow2 -o "
                                  "compat=1.1,backing_file=/a,,b,backing_fmt=raw");
}

/* A file of these bytes, as the reader finds it. */
static ImageHead read_bytes(const void *bytes, size_t size) {
        g_autofree char *path = NULL;
        _cleanup_(closep) int fd = g_file_open_tmp("image-XXXXXX", &path, NULL);
        ImageHead head = {};

        assert_true(fd >= 0);
        unlink(path);
        assert_int_equal(write(fd, bytes, size), (ssize_t)size);
        assert_int_equal(image_read_head(fd, size, &head), 0);
        return head;
}

static void put(uint8_t *at, uint64_t value, unsigned bytes) {
        for (unsigned i = 0; i < bytes; i++)
                at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static void make_qcow2(uint8_t bytes[static 512], uint64_t backing_at, uint64_t backing_size) {
        memset(bytes, 0, 512);
        memcpy(bytes, "QFI\xfb", 4);
        put(bytes + 4, 3, 4);
        put(bytes + 8, backing_at, 8);
        put(bytes + 16, backing_size, 4);
        put(bytes + 20, 16, 4);
        put(bytes + 24, UINT64_C(7) << 20, 8);
        put(bytes + 100, 104, 4);
        put(bytes + 104, 0xe2792aca, 4); /* the backing format's extension */
        put(bytes + 108, 5, 4);
        memcpy(bytes + 112, "qcow2", 5);
        memcpy(bytes + 200, "base.img", 8);
}

static void a_qcow2_image_is_read(void **state) {
        uint8_t bytes[512];
        g_auto(ImageHead) head = {};
        g_autofree char *path = NULL;

        make_qcow2(bytes, 200, 8);
        head = read_bytes(bytes, sizeof(bytes));
        assert_int_equal(head.format, VOLUME_FORMAT_QCOW2);
        assert_int_equal(head.capacity, 7 << 20);
        assert_int_equal(head.cluster_size, 65536);
        assert_string_equal(head.backing, "base.img");
        assert_string_equal(head.backing_format, "qcow2");
        path = image_backing_path(&head, "/images/top");
        assert_string_equal(path, "/images/base.img");
}

static void a_name_beyond_the_file_is_none(void **state) {
        static const uint64_t places[][2] = {
                {500, 40}, {UINT64_MAX, 8}, {200, 4000}, {200, 0}, {UINT64_MAX - 3, 1023}};

        for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
                uint8_t bytes[512];
                g_auto(ImageHead) head = {};

                make_qcow2(bytes, places[i][0], places[i][1]);
                head = read_bytes(bytes, sizeof(bytes));
                assert_null(head.backing);
        }
}

static void what_is_no_image_is_raw(void **state) {
        uint8_t bytes[512];
        g_auto(ImageHead) head = {};

        make_qcow2(bytes, 0, 0);
        put(bytes + 20, 60, 4); /* no such clusters */
        head = read_bytes(bytes, sizeof(bytes));
        assert_int_equal(head.format, VOLUME_FORMAT_RAW);
        assert_int_equal(head.capacity, sizeof(bytes));
}

static void half_made_volumes_are_known_by_their_names(void **state) {
        g_autofree char *name = volume_partial_name("disk.qcow2");

        assert_true(volume_name_is_partial(name));
        assert_false(volume_name_is_partial("disk.qcow2"));
        assert_false(volume_name_is_partial(".hidden"));
        assert_false(volume_name_is_partial(".x.partial-0123"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_pool_comes_back_as_it_was_given),
                cmocka_unit_test(volumes_that_cannot_be_are_refused),
                cmocka_unit_test(sizes_have_units),
                cmocka_unit_test(options_of_an_image_are_escaped),
                cmocka_unit_test(a_qcow2_image_is_read),
                cmocka_unit_test(a_name_beyond_the_file_is_none),
                cmocka_unit_test(what_is_no_image_is_raw),
                cmocka_unit_test(half_made_volumes_are_known_by_their_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
