/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/err.h"

#include "base/test.h"

static void the_first_error_stays(void **state) {
        g_auto(Err) err = ERR_INIT;
        g_autofree char *text = NULL;

        assert_int_equal(fail(&err, VIR_ERR_NO_DOMAIN, "no guest '%s'", "a"), -ENOENT);
        assert_int_equal(fail(&err, VIR_ERR_INVALID_ARG, "later"), -EINVAL);
        text = err_wire_text(&err);
        assert_string_equal(text, "Domain not found: no guest 'a'");
        assert_int_equal(err.domain, VIR_FROM_QEMU);
}

static void a_hint_follows_the_cause(void **state) {
        g_auto(Err) err = ERR_INIT;
        g_autofree char *text = NULL;
        int r = fail_hint(&err, fail(&err, VIR_ERR_OPERATION_INVALID, "held by igb"),
                          "detach it: %s", "x");

        assert_int_equal(r, -EBUSY);
        text = err_text(&err);
        assert_string_equal(text, "held by igb; detach it: x");
}

static void a_system_error_carries_its_errno(void **state) {
        g_auto(Err) err = ERR_INIT;
        g_autofree char *text = NULL;

        assert_int_equal(fail_errno(&err, -EACCES, "cannot open '%s'", "f"), -EACCES);
        text = err_wire_text(&err);
        assert_string_equal(text, "cannot open 'f': Permission denied");
        assert_int_equal(err.errnum, EACCES);
        assert_int_equal(err.code, VIR_ERR_SYSTEM_ERROR);
}

static void moving_keeps_what_is_there(void **state) {
        g_auto(Err) a = ERR_INIT, b = ERR_INIT;

        fail(&a, VIR_ERR_INTERNAL_ERROR, "one");
        err_move(&b, &a);
        assert_false(err_is_set(&a));
        assert_string_equal(b.message, "one");
        fail(&a, VIR_ERR_INTERNAL_ERROR, "two");
        err_move(&b, &a);
        assert_string_equal(b.message, "one");
        assert_int_equal(fail(NULL, VIR_ERR_NO_SUPPORT, "nobody listens"), -EOPNOTSUPP);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_first_error_stays),
                cmocka_unit_test(a_hint_follows_the_cause),
                cmocka_unit_test(a_system_error_carries_its_errno),
                cmocka_unit_test(moving_keeps_what_is_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
