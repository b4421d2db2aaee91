/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/pool-def.h"

#include <errno.h>
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
        args = image_create_args(def, false);
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

static void what_is_no_image_is_raw(void **state) {
        static const uint8_t bytes[512] = {'Q', 'F', 'I', 0xfb, [7] = 3, [23] = 60};
        g_auto(ImageHead) head = read_bytes(bytes, sizeof(bytes));

        assert_int_equal(head.format, VOLUME_FORMAT_RAW);
        assert_int_equal(head.capacity, sizeof(bytes));
}

static void an_image_tells_its_capacity(void **state) {
        static const uint8_t bytes[512] = {
                'Q', 'F', 'I', 0xfb, [7] = 3, [23] = 16, [28] = 0x40, [103] = 104};
        g_auto(ImageHead) head = read_bytes(bytes, sizeof(bytes));
        g_autofree char *path = NULL;
        _cleanup_(closep) int fd = g_file_open_tmp("image-XXXXXX", &path, NULL);
        g_auto(Err) err = ERR_INIT;
        ImageInfo info = {};

        assert_int_equal(head.format, VOLUME_FORMAT_QCOW2);
        assert_int_equal(head.capacity, 0x40000000);
        assert_int_equal(write(fd, bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
        assert_int_equal(image_read_info(path, true, &info, NULL), 0);
        assert_int_equal(info.capacity, 0x40000000);
        assert_int_equal(image_read_info(path, false, &info, NULL), 0);
        assert_int_equal(info.capacity, 512);
        assert_int_equal(ftruncate(fd, 5), 0);
        assert_true(image_read_info(path, true, &info, &err) < 0);
        assert_non_null(strstr(err.message, "no qcow2 image"));
        unlink(path);
        assert_int_equal(image_read_info(path, false, &info, NULL), -ENOENT);
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
                cmocka_unit_test(what_is_no_image_is_raw),
                cmocka_unit_test(an_image_tells_its_capacity),
                cmocka_unit_test(half_made_volumes_are_known_by_their_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
