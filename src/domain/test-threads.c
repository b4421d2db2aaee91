/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/threads.h"

#include "base/test.h"

static DomainDef *guest(const char *parts) {
        g_autofree char *text = g_strdup_printf(
                "<domain type='kvm'><name>g</name><memory>65536</memory>"
                "<vcpu current='1'>4</vcpu>%s<os><type machine='q35'>hvm</type></os></domain>",
                parts);
        DomainDef *def = NULL;

        assert_int_equal(domain_def_parse(text, strlen(text), NULL, 0, &def, NULL), 0);
        return def;
}

/* What is written is read again as the same. */
static void assert_stable(const DomainDef *def) {
        g_autofree char *once = domain_def_format(def, DOMAIN_FORMAT_INACTIVE), *twice = NULL;
        g_autoptr(DomainDef) again = NULL;
        g_auto(Err) err = ERR_INIT;

        if (domain_def_parse(once, strlen(once), NULL, 0, &again, &err) < 0)
                print_error("%s\n", err.message);
        assert_non_null(again);
        twice = domain_def_format(again, DOMAIN_FORMAT_INACTIVE);
        assert_string_equal(once, twice);
}

static void a_pin_replaces_the_one_before(void **state) {
        g_autoptr(DomainDef) def = guest("");

        domain_def_pin_vcpu(def, 2, "0-1");
        domain_def_pin_vcpu(def, 2, "1");
        domain_def_pin_vcpu(def, 0, "0");
        domain_def_pin_emulator(def, "0");
        assert_int_equal(def->cputune.vcpupins->len, 2);
        assert_string_equal(domain_pin_find(def->cputune.vcpupins, 2)->cpuset, "1");
        assert_null(domain_pin_find(def->cputune.vcpupins, 1));
        assert_stable(def);
}

static void an_io_thread_takes_its_pin_along(void **state) {
        g_autoptr(DomainDef) def = guest("");

        domain_def_add_iothread(def, 3);
        domain_def_add_iothread(def, 1);
        domain_def_pin_iothread(def, 3, "0");
        assert_int_equal(def->iothreads.value, 2);
        assert_stable(def);
        domain_def_remove_iothread(def, 3);
        assert_null(domain_def_find_iothread(def, 3));
        assert_null(domain_pin_find(def->cputune.iothreadpins, 3));
        domain_def_remove_iothread(def, 1);
        assert_false(def->iothreads.is_set);
}

static void a_number_of_vcpus_needs_no_list(void **state) {
        g_autoptr(DomainDef) def = guest("");

        domain_def_set_online_vcpus(def, 3);
        assert_int_equal(domain_def_online_vcpus(def), 3);
        domain_def_set_vcpu(def, 3, true);
        assert_false(def->vcpu.current.is_set);
        assert_null(def->vcpus.list);
        domain_def_set_vcpu(def, 3, false);
        assert_null(def->vcpus.list);
        assert_int_equal(domain_def_online_vcpus(def), 3);
        assert_stable(def);
}

static void one_out_of_order_makes_a_list(void **state) {
        g_autoptr(DomainDef) def = guest("");

        domain_def_set_vcpu(def, 2, true);
        assert_non_null(def->vcpus.list);
        assert_true(domain_def_has_vcpu(def, 0));
        assert_false(domain_def_has_vcpu(def, 1));
        assert_true(domain_def_has_vcpu(def, 2));
        assert_int_equal(domain_def_online_vcpus(def), 2);
        assert_stable(def);
}

static void a_list_follows_the_number(void **state) {
        g_autoptr(DomainDef) def = guest("");

        domain_def_set_vcpu(def, 2, true);
        domain_def_set_online_vcpus(def, 3);
        assert_true(domain_def_has_vcpu(def, 1));
        assert_stable(def);
        domain_def_set_online_vcpus(def, 1);
        assert_false(domain_def_has_vcpu(def, 2));
        assert_stable(def);
        domain_def_set_max_vcpus(def, 2);
        assert_null(def->vcpus.list);
        assert_int_equal(domain_def_online_vcpus(def), 1);
        assert_stable(def);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_pin_replaces_the_one_before),
                cmocka_unit_test(an_io_thread_takes_its_pin_along),
                cmocka_unit_test(a_number_of_vcpus_needs_no_list),
                cmocka_unit_test(one_out_of_order_makes_a_list),
                cmocka_unit_test(a_list_follows_the_number),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
