/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout/window.h"

#include "base/test.h"
#include "layout/assign.h"

#define GIB (UINT64_C(1) << 30)

/* A guest of one GiB with n functions, each on a card of its own. */
static DomainDef *guest(const char *machine, const char *parts, unsigned n, uint64_t window) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_auto(Err) err = ERR_INIT;
        DomainDef *def = NULL;

        g_string_printf(text,
                        "<domain type='kvm'><name>g</name><memory>1048576</memory><os>"
                        "<type machine='%s'>hvm</type></os><devices>",
                        machine);
        for (unsigned i = 0; i < n; i++)
                g_string_append_printf(text,
                                       "<hostdev mode='subsystem' type='pci'><source><address "
                                       "domain='0' bus='%u' slot='0' function='0'/></source>"
                                       "</hostdev>",
                                       i + 1);
        g_string_append_printf(text, "</devices>%s</domain>", parts);
        if (domain_def_parse(text->str, text->len, NULL, 0, &def, &err) < 0 ||
            layout_assign(def, NULL, &err) < 0)
                print_error("%s\n", err.message);
        assert_non_null(def);
        DOMAIN_FOREACH(DomainHostdev, hostdev, def, DOMAIN_HOSTDEV)
                hostdev->window = window;
        return def;
}

static void small_cards_leave_all_to_firmware(void **state) {
        g_autoptr(DomainDef) def = guest("q35", "", 4, 16 << 10);
        uint64_t kib = 0;

        assert_int_equal(layout_window_hole(def), 4 << 20);
        assert_false(layout_window_hole_kib(def, &kib));
        assert_int_equal(layout_window_check(def, 0, NULL), 0);
}

static void large_cards_widen_the_window(void **state) {
        g_autoptr(DomainDef) q35 = guest("q35", "", 3, 32 * GIB + 1);
        g_autoptr(DomainDef) pc = guest("pc", "", 1, 4 * GIB);
        uint64_t kib = 0;
        const DomainDevice *first = q35->devices.list[DOMAIN_HOSTDEV]->pdata[0];

        assert_int_equal(layout_window_of_bus(q35, (unsigned)first->address.bus.value),
                         32 * GIB + (1 << 20));
        assert_true(layout_window_hole_kib(q35, &kib));
        assert_int_equal(kib, 256 * (GIB >> 10));
        assert_true(layout_window_hole_kib(pc, &kib));
        assert_int_equal(kib, 4 * (GIB >> 10));
}

static void what_the_cpu_cannot_address_is_refused(void **state) {
        static const char passthrough[] = "<cpu mode='host-passthrough'/>";
        g_autoptr(DomainDef) model = guest("q35", "", 1, 1024 * GIB);
        g_autoptr(DomainDef) own = guest("q35", passthrough, 1, 1024 * GIB);
        g_auto(Err) err = ERR_INIT, other = ERR_INIT;

        assert_true(layout_window_check(model, 46, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_CONFIG_UNSUPPORTED);
        assert_non_null(strstr(err.message, "1024 GiB above 1 GiB of memory"));
        assert_non_null(strstr(err.message, "40 address bits"));
        assert_non_null(strstr(err.hint, "host-passthrough"));
        assert_int_equal(layout_window_check(own, 46, NULL), 0);
        assert_true(layout_window_check(own, 39, &other) < 0);
        assert_non_null(strstr(other.hint, "fewer functions"));
}

static void a_given_window_that_is_too_small_is_refused(void **state) {
        g_autoptr(DomainDef) def = guest("q35", "", 1, 8 * GIB);
        DomainController *root = domain_def_find_bus(def, 0);
        g_auto(Err) err = ERR_INIT;
        uint64_t kib = 0;

        root->pcihole64.node.is_present = true;
        root->pcihole64.kib = 4 * (GIB >> 10);
        assert_true(layout_window_check(def, 46, &err) < 0);
        assert_non_null(strstr(err.message, "4194304 KiB"));
        root->pcihole64.kib = 16 * (GIB >> 10);
        assert_int_equal(layout_window_check(def, 46, NULL), 0);
        assert_true(layout_window_hole_kib(def, &kib));
        assert_int_equal(kib, 16 * (GIB >> 10));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(small_cards_leave_all_to_firmware),
                cmocka_unit_test(large_cards_widen_the_window),
                cmocka_unit_test(what_the_cpu_cannot_address_is_refused),
                cmocka_unit_test(a_given_window_that_is_too_small_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
