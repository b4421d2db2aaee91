/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/qcow2.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SIZE    512
#define FORMAT  0xe2792acau
#define NAME_AT 256

typedef struct Image {
        uint8_t bytes[SIZE];
} Image;

static void put_u32(Image *image, size_t at, uint32_t value) {
        for (int i = 0; i < 4; i++)
                image->bytes[at + (size_t)i] = (uint8_t)(value >> (24 - 8 * i));
}

/* A version 3 image of 1 MiB without anything below it. */
static Image plain(void) {
        Image image = {};

        put_u32(&image, 0, 0x514649fb);
        put_u32(&image, 4, 3);
        put_u32(&image, 20, 16);
        put_u32(&image, 28, 1 << 20);
        put_u32(&image, 100, 104);
        return image;
}

static void set_backing(Image *image, const char *name) {
        put_u32(image, 12, NAME_AT);
        put_u32(image, 16, (uint32_t)strlen(name));
        memcpy(image->bytes + NAME_AT, name, strlen(name));
}

static void set_format(Image *image, const char *format) {
        put_u32(image, 104, FORMAT);
        put_u32(image, 108, (uint32_t)strlen(format));
        memcpy(image->bytes + 112, format, strlen(format));
}

static int parse(const Image *image, Qcow2Head *ret) {
        g_auto(Err) err = ERR_INIT;

        return qcow2_parse("x", image->bytes, SIZE, ret, &err);
}

static void image_alone(void **state) {
        Image image = plain();
        g_auto(Qcow2Head) head = {};

        assert_int_equal(parse(&image, &head), 0);
        assert_int_equal(head.capacity, 1 << 20);
        assert_null(head.backing);
        assert_null(head.backing_format);
        assert_false(head.has_data_file || head.is_encrypted);
}

static void version_2_has_extensions_after_72_bytes(void **state) {
        Image image = plain();
        g_auto(Qcow2Head) head = {};

        put_u32(&image, 4, 2);
        put_u32(&image, 72, FORMAT);
        put_u32(&image, 76, 3);
        memcpy(image.bytes + 80, "raw", 3);
        put_u32(&image, 100, 0);
        assert_int_equal(parse(&image, &head), 0);
        assert_string_equal(head.backing_format, "raw");
}

static void backing_file_and_its_format(void **state) {
        Image image = plain();
        g_auto(Qcow2Head) head = {};

        set_backing(&image, "base.qcow2");
        set_format(&image, "qcow2");
        assert_int_equal(parse(&image, &head), 0);
        assert_string_equal(head.backing, "base.qcow2");
        assert_string_equal(head.backing_format, "qcow2");
}

static void data_file_and_encryption_are_told(void **state) {
        Image image = plain();
        g_auto(Qcow2Head) head = {};

        put_u32(&image, 32, 2);
        put_u32(&image, 76, 1 << 2);
        assert_int_equal(parse(&image, &head), 0);
        assert_true(head.has_data_file);
        assert_true(head.is_encrypted);
}

static void broken_headers_are_refused(void **state) {
        static const struct {
                size_t at;
                uint32_t value;
        } faults[] = {
                {0, 0x514649fc},   /* magic */
                {4, 4},            /* version */
                {100, 103},        /* header_length */
                {100, SIZE + 1},   /* beyond the image */
                {100, UINT32_MAX}, /* the same */
                {16, 1024},        /* name too long */
                {16, UINT32_MAX},  /* the same */
                {12, SIZE - 1},    /* name beyond the image */
                {8, UINT32_MAX},   /* the same, beyond 32 bits */
                {NAME_AT, 0},      /* a NUL in the name */
                {108, SIZE},       /* extension beyond the image */
                {108, UINT32_MAX}, /* the same */
                {108, 33},         /* format too long */
                {112, 0},          /* a NUL in the format */
        };

        for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
                Image image = plain();
                g_auto(Qcow2Head) head = {};

                set_backing(&image, "base.qcow2");
                set_format(&image, "qcow2");
                put_u32(&image, faults[i].at, faults[i].value);
                assert_int_not_equal(parse(&image, &head), 0);
                assert_null(head.backing);
        }
}

static void extensions_that_fill_the_image_do_not_end(void **state) {
        Image image = plain();
        g_auto(Qcow2Head) head = {};

        for (size_t at = 104; at + 8 <= SIZE; at += 8)
                put_u32(&image, at, 1);
        assert_int_not_equal(parse(&image, &head), 0);
}

static void short_image_is_refused(void **state) {
        Image image = plain();
        g_auto(Err) err = ERR_INIT;
        g_auto(Qcow2Head) head = {};

        for (size_t size = 0; size < 112; size++)
                assert_int_not_equal(qcow2_parse("x", image.bytes, size, &head, NULL), 0);
        assert_int_equal(qcow2_parse("x", image.bytes, 112, &head, &err), 0);
}

static void relative_backing_is_beside_the_image(void **state) {
        static const struct {
                const char *backing, *path;
        } names[] = {
                {"base.img", "/images/base.img"},
                {"../a/b", "/images/../a/b"},
                {"/x/y", "/x/y"},
                {"./a:b", "/images/./a:b"},
                {"json:{}", NULL},
                {"nbd://host/x", NULL},
                {"file:base.img", NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *path = NULL;
                int r = qcow2_backing_path("/images/top.qcow2", names[i].backing, &path);

                assert_int_equal(r, names[i].path ? 0 : -EINVAL);
                if (names[i].path)
                        assert_string_equal(path, names[i].path);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(image_alone),
                cmocka_unit_test(version_2_has_extensions_after_72_bytes),
                cmocka_unit_test(backing_file_and_its_format),
                cmocka_unit_test(data_file_and_encryption_are_told),
                cmocka_unit_test(broken_headers_are_refused),
                cmocka_unit_test(extensions_that_fill_the_image_do_not_end),
                cmocka_unit_test(short_image_is_refused),
                cmocka_unit_test(relative_backing_is_beside_the_image),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
