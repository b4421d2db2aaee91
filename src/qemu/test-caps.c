/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/caps.h"

#include <unistd.h>

#include "base/test.h"

#define QEMU "/usr/bin/qemu-system-x86_64"

static void the_installed_qemu_tells_what_it_can_do_once(void **state) {
        g_autofree char *dir = g_dir_make_tmp("test-caps-XXXXXX", NULL);
        g_autoptr(QemuCaps) asked = NULL, cached = NULL;
        g_autoptr(GDir) files = NULL;
        g_autofree char *file = NULL;
        g_auto(Err) err = ERR_INIT;

        if (access(QEMU, X_OK) < 0)
                skip();
        assert_int_equal(caps_load(QEMU, dir, &asked, &err), 0);
        assert_true(asked->version >= 7002000);
        assert_non_null(caps_find_machine(asked, "q35"));
        assert_string_equal(caps_find_machine(asked, "q35")->alias, "q35");
        assert_true(caps_has_device(asked, "vfio-pci"));
        assert_false(caps_has_device(asked, "no-such-device"));
        files = g_dir_open(dir, 0, NULL);
        file = g_build_filename(dir, g_dir_read_name(files), NULL);
        assert_int_equal(caps_load(QEMU, dir, &cached, &err), 0);
        assert_true(cached->version == asked->version);
        assert_int_equal(cached->n_machines, asked->n_machines);
        unlink(file);
        rmdir(dir);
}

static void an_absent_binary_is_named_with_the_way_out(void **state) {
        g_autoptr(QemuCaps) caps = NULL;
        g_auto(Err) err = ERR_INIT;
        g_autofree char *text = NULL;

        assert_int_equal(caps_load("/nonexistent/qemu", "/nonexistent", &caps, &err), -ENOENT);
        text = err_text(&err);
        assert_non_null(strstr(text, "/nonexistent/qemu"));
        assert_non_null(strstr(text, "apt install"));
}

static void a_program_that_is_no_qemu_is_told_apart(void **state) {
        g_autoptr(QemuCaps) caps = NULL;
        g_auto(Err) err = ERR_INIT;

        assert_true(caps_load("/bin/true", "/nonexistent", &caps, &err) < 0);
        assert_non_null(strstr(err.message, "QEMU ended before"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_installed_qemu_tells_what_it_can_do_once),
                cmocka_unit_test(an_absent_binary_is_named_with_the_way_out),
                cmocka_unit_test(a_program_that_is_no_qemu_is_told_apart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
