/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/keycode.h"

#include "base/test.h"

static unsigned qnum(KeycodeSet set, unsigned code) {
        unsigned ret = 0;

        assert_int_equal(keycode_to_qnum(set, code, &ret, NULL), 0);
        return ret;
}

static void a_key_has_one_number_in_all_sets(void **state) {
        static const struct {
                unsigned linux_code, atset1, atset2, atset3, usb, win32, qnum;
        } keys[] = {
                {30, 0x1e, 0x1c, 0x1c, 0x04, 0x41, 0x1e},      /* A */
                {28, 0x1c, 0x5a, 0x5a, 0x28, 0x0d, 0x1c},      /* Enter */
                {111, 0xe053, 0xe071, 0x64, 0x4c, 0x2e, 0xd3}, /* Delete */
                {97, 0xe01d, 0xe014, 0x58, 0xe4, 0xa3, 0x9d},  /* right Ctrl */
        };

        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
                assert_int_equal(qnum(KEYCODE_LINUX, keys[i].linux_code), keys[i].qnum);
                assert_int_equal(qnum(KEYCODE_ATSET1, keys[i].atset1), keys[i].qnum);
                assert_int_equal(qnum(KEYCODE_ATSET2, keys[i].atset2), keys[i].qnum);
                assert_int_equal(qnum(KEYCODE_ATSET3, keys[i].atset3), keys[i].qnum);
                assert_int_equal(qnum(KEYCODE_USB, keys[i].usb), keys[i].qnum);
                assert_int_equal(qnum(KEYCODE_WIN32, keys[i].win32), keys[i].qnum);
                assert_int_equal(qnum(KEYCODE_QNUM, keys[i].qnum), keys[i].qnum);
                assert_int_equal(qnum(KEYCODE_XT_KBD, keys[i].qnum), keys[i].qnum);
        }
}

/* A code that stands twice would send the wrong key. */
static void no_two_keys_share_a_code(void **state) {
        bool seen[256];

        for (unsigned set = 0; set < _KEYCODE_MAX; set++) {
                memset(seen, 0, sizeof(seen));
                for (unsigned code = 1; set != KEYCODE_OSX && code <= 0xffff; code++) {
                        unsigned number;

                        if (keycode_to_qnum(set, code, &number, NULL) < 0)
                                continue;
                        assert_true(number > 0 && number < 256);
                        assert_false(seen[number]);
                        seen[number] = true;
                }
        }
}

static void what_is_no_key_is_refused(void **state) {
        g_auto(Err) key = ERR_INIT, set = ERR_INIT;
        unsigned ret;

        assert_true(keycode_to_qnum(KEYCODE_LINUX, 9999, &ret, &key) < 0);
        assert_int_equal(key.code, VIR_ERR_INTERNAL_ERROR);
        assert_non_null(strstr(key.message, "9999 of linux"));
        assert_true(keycode_to_qnum(KEYCODE_OSX, 1, &ret, &set) < 0);
        assert_int_equal(set.code, VIR_ERR_INVALID_ARG);
        assert_true(keycode_to_qnum(77, 1, &ret, NULL) < 0);
        assert_true(keycode_to_qnum(KEYCODE_LINUX, 0, &ret, NULL) < 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_key_has_one_number_in_all_sets),
                cmocka_unit_test(no_two_keys_share_a_code),
                cmocka_unit_test(what_is_no_key_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
