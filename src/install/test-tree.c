/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/tree.h"

#include "base/test.h"

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char text[] = "[general]\n"
                           "; WARNING.0 = from before\n"
                           "family = Red Hat Enterprise Linux\n"
                           "version=7.0\n"
                           "arch = x86_64\n"
                           "\n"
                           "# a comment\n"
                           "[images-ppc64le]\n"
                           "kernel = ppc/vmlinuz\n"
                           "[images-x86_64]\r\n"
                           "kernel = images/pxeboot/vmlinuz\r\n"
                           "initrd = images/pxeboot/initrd.img\r\n"
                           "[checksums]\n"
                           "images/pxeboot/vmlinuz = sha256:" SUM "\n"
                           "images/pxeboot/initrd.img = md5:0123\n"
                           "images/boot.iso = sha256:123\n";

static void a_tree_tells_of_its_system_and_kernel(void **state) {
        g_autoptr(TreeInfo) info = NULL;

        assert_int_equal(tree_info_parse(text, "x86_64", &info, NULL), 0);
        assert_string_equal(info->family, "Red Hat Enterprise Linux");
        assert_string_equal(info->version, "7.0");
        assert_string_equal(info->kernel, "images/pxeboot/vmlinuz");
        assert_string_equal(info->initrd, "images/pxeboot/initrd.img");
}

static void whole_sha256_sums_alone_count(void **state) {
        g_autoptr(TreeInfo) info = NULL;

        assert_int_equal(tree_info_parse(text, "x86_64", &info, NULL), 0);
        assert_string_equal(tree_info_sha256(info, "images/pxeboot/vmlinuz"), SUM);
        assert_null(tree_info_sha256(info, "images/pxeboot/initrd.img"));
        assert_null(tree_info_sha256(info, "images/boot.iso"));
}

static void files_outside_of_the_tree_are_refused(void **state) {
        static const char *const kernels[] = {"/etc/passwd", "../../etc/passwd", "a/../../b"};

        for (size_t i = 0; i < G_N_ELEMENTS(kernels); i++) {
                g_autofree char *bad =
                        g_strdup_printf("[images-x86_64]\nkernel = %s\n", kernels[i]);
                g_autoptr(TreeInfo) info = NULL;
                g_auto(Err) err = ERR_INIT;

                assert_true(tree_info_parse(bad, "x86_64", &info, &err) < 0);
                assert_non_null(strstr(err.message, kernels[i]));
        }
}

static void names_that_a_terminal_would_obey_are_refused(void **state) {
        static const char bad[] = "[images-x86_64]\nkernel = images/\033[2Jvmlinuz\n";
        g_autoptr(TreeInfo) info = NULL;
        g_auto(Err) err = ERR_INIT;

        assert_true(tree_info_parse(bad, "x86_64", &info, &err) < 0);
        assert_null(strchr(err.message, '\033'));
}

static void an_empty_name_is_none(void **state) {
        static const char text_of_none[] = "[general]\nfamily = X\n[images-x86_64]\nkernel =\n";
        g_autoptr(TreeInfo) info = NULL;

        assert_int_equal(tree_info_parse(text_of_none, "x86_64", &info, NULL), 0);
        assert_null(info->kernel);
}

static void text_that_is_no_treeinfo_is_refused(void **state) {
        g_autoptr(TreeInfo) info = NULL;
        g_auto(Err) err = ERR_INIT;

        assert_true(tree_info_parse("<html>[general] not here</html>", "x86_64", &info, &err) < 0);
        assert_true(tree_info_parse("", "x86_64", &info, NULL) < 0);
        assert_true(tree_info_parse("[", "x86_64", &info, NULL) < 0);
        assert_true(tree_info_parse("[]\n=\n:\n", "x86_64", &info, NULL) < 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_tree_tells_of_its_system_and_kernel),
                cmocka_unit_test(whole_sha256_sums_alone_count),
                cmocka_unit_test(files_outside_of_the_tree_are_refused),
                cmocka_unit_test(names_that_a_terminal_would_obey_are_refused),
                cmocka_unit_test(an_empty_name_is_none),
                cmocka_unit_test(text_that_is_no_treeinfo_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
