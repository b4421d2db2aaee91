/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/vpd.h"

#include "base/test.h"

typedef struct Bytes {
        const char *data;
        size_t size;
        unsigned reads;
} Bytes;

static int read_bytes(void *userdata, unsigned offset, void *buffer, size_t size) {
        Bytes *bytes = userdata;

        bytes->reads++;
        if (offset >= bytes->size)
                return 0;
        size = MIN(size, bytes->size - offset);
        memcpy(buffer, bytes->data + offset, size);
        return (int)size;
}

#define BYTES(literal) (&(Bytes){.data = (literal), .size = sizeof(literal) - 1})

static char *serial_of(Bytes *bytes) {
        char *serial = NULL;

        assert_int_equal(pci_vpd_serial(read_bytes, bytes, &serial), 0);
        return serial;
}

static void the_serial_number_is_found(void **state) {
        char *serial = NULL;

        assert_int_equal(pci_vpd_serial(read_bytes,
                                        BYTES("\x82\x04\0Card"
                                              "\x90\x0f\0"
                                              "PN\3abc"
                                              "SN\6A-12  "
                                              "\x78"),
                                        &serial),
                         1);
        assert_string_equal(serial, "A-12");
        g_free(serial);
}

static void data_without_one_gives_none(void **state) {
        assert_null(serial_of(BYTES("")));
        assert_null(serial_of(BYTES("\x78")));
        assert_null(serial_of(BYTES("\x82\x04\0Card\x78")));
        assert_null(serial_of(BYTES("\x90\x06\0PN\3abc\x78")));
        assert_null(serial_of(BYTES("\x90\x05\0SN\377ab")));
        assert_null(serial_of(BYTES("\xff\xff\xff\xff\xff")));
}

static void what_is_no_text_is_no_serial_number(void **state) {
        char *serial = NULL;

        pci_vpd_serial(read_bytes, BYTES("\x90\x06\0SN\3a\x01z"), &serial);
        assert_null(serial);
        pci_vpd_serial(read_bytes, BYTES("\x90\x06\0SN\3   "), &serial);
        assert_null(serial);
}

/* A card that answers with zeros would be read byte by byte, each at the price of a slow access. */
static void zeros_are_not_read_to_their_end(void **state) {
        static const char zeros[0x8000];
        Bytes bytes = {.data = zeros, .size = sizeof(zeros)};

        assert_null(serial_of(&bytes));
        assert_true(bytes.reads < 100);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_serial_number_is_found),
                cmocka_unit_test(data_without_one_gives_none),
                cmocka_unit_test(what_is_no_text_is_no_serial_number),
                cmocka_unit_test(zeros_are_not_read_to_their_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
