/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What each test-*.c includes: cmocka with the headers that it needs before it. Its fail() macro
 * would hide ours (base/err.h); a test that must fail says so by an assertion. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#undef fail

/* Fails the test with a line that says why. */
static inline void test_complain(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        vprint_error(format, ap);
        va_end(ap);
        print_error("\n");
        assert_true(0);
}
