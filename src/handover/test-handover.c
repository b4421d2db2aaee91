/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/handover.h"

#include "base/test.h"
#include "handover/test-kernel.h"

#define TWIN_PATH  "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.1"
#define IGB_UEVENT "DRIVER=igb\nPCI_CLASS=20000\nPCI_ID=8086:10C9\n"
#define UUID       "11111111-2222-3333-4444-555555555555"

static PciAddr addr_of(const char *text) {
        PciAddr addr;

        assert_int_equal(pci_addr_parse(text, &addr), 0);
        return addr;
}

static Side side_of(const TestKernel *kernel, const char *text) {
        return handover_side(kernel->handover, addr_of(text), NULL);
}

/* Both functions of the card, which share a group. */
static Plan *take_card(TestKernel *kernel) {
        const PciAddr addrs[] = {addr_of("0000:01:00.1"), addr_of("0000:01:00.0")};
        const HandoverRequest request = {
                .guest = "guest1", .uuid = UUID, .managed = true, .addrs = addrs, .n = 2};
        Plan *plan = handover_plan_new(kernel->handover, "start guest1", "guest1", UUID);

        assert_int_equal(handover_plan_take(kernel->handover, plan, &request, NULL), 0);
        return plan;
}

/* The first function, with the second as its companion. */
static Plan *take_with_companion(TestKernel *kernel) {
        const PciAddr addr = addr_of("0000:01:00.0");
        const HandoverRequest request = {
                .guest = "guest1",
                .uuid = UUID,
                .managed = true,
                .with_companions = true,
                .addrs = &addr,
                .n = 1,
        };
        Plan *plan = handover_plan_new(kernel->handover, "start guest1", "guest1", UUID);

        assert_int_equal(handover_plan_take(kernel->handover, plan, &request, NULL), 0);
        return plan;
}

static Plan *give(TestKernel *kernel, const PciAddr *addrs, size_t n) {
        Plan *plan = handover_plan_new(kernel->handover, "stop guest1", "guest1", UUID);

        assert_int_equal(handover_plan_give(kernel->handover, plan, addrs, n, NULL), 0);
        return plan;
}

static Plan *give_card(TestKernel *kernel) {
        const PciAddr addrs[] = {addr_of("0000:01:00.0"), addr_of("0000:01:00.1")};

        return give(kernel, addrs, 2);
}

static void assert_all_home(TestKernel *kernel) {
        size_t n;
        G_GNUC_UNUSED g_autofree const LedgerEntry **entries =
                ledger_list(handover_ledger(kernel->handover), &n);

        test_kernel_assert_driver(kernel, "0000:01:00.0", "igb", "(null)");
        test_kernel_assert_driver(kernel, "0000:01:00.1", "igb", "(null)");
        assert_int_equal(n, 0);
}

static void run_well(TestKernel *kernel, Plan *plan) {
        test_kernel_run(kernel, plan);
        if (err_is_set(&kernel->err))
                print_error("%s\n", kernel->err.message);
        assert_false(err_is_set(&kernel->err));
        plan_free(plan);
}

static void a_card_goes_to_a_guest_and_comes_back(void **state) {
        TestKernel *kernel = *state;
        const LedgerEntry *entry = NULL;

        run_well(kernel, take_card(kernel));
        test_kernel_assert_driver(kernel, "0000:01:00.0", "vfio-pci", "vfio-pci");
        test_kernel_assert_driver(kernel, "0000:01:00.1", "vfio-pci", "vfio-pci");
        assert_int_equal(handover_side(kernel->handover, addr_of("0000:01:00.0"), &entry),
                         SIDE_GUEST);
        assert_string_equal(entry->guest, "guest1");
        assert_string_equal(entry->host_driver, "igb");
        assert_non_null(entry->identity);
        run_well(kernel, give_card(kernel));
        assert_all_home(kernel);
}

static void companions_are_parked_and_go_home_with_it(void **state) {
        TestKernel *kernel = *state;
        const PciAddr addr = addr_of("0000:01:00.0");
        const LedgerEntry *entry = NULL;

        run_well(kernel, take_with_companion(kernel));
        assert_int_equal(handover_side(kernel->handover, addr_of("0000:01:00.1"), &entry),
                         SIDE_PARKED);
        assert_true(entry->is_companion);
        run_well(kernel, give(kernel, &addr, 1));
        assert_all_home(kernel);
}

/* The group stays with the guest until its last function leaves. */
static void a_function_that_leaves_alone_is_parked(void **state) {
        TestKernel *kernel = *state;
        const PciAddr first = addr_of("0000:01:00.0"), second = addr_of("0000:01:00.1");

        run_well(kernel, take_card(kernel));
        run_well(kernel, give(kernel, &first, 1));
        test_kernel_assert_driver(kernel, "0000:01:00.0", "vfio-pci", "vfio-pci");
        assert_int_equal(side_of(kernel, "0000:01:00.0"), SIDE_PARKED);
        assert_int_equal(side_of(kernel, "0000:01:00.1"), SIDE_GUEST);
        run_well(kernel, give(kernel, &second, 1));
        assert_all_home(kernel);
}

static Plan *detach(TestKernel *kernel, const char *text) {
        const PciAddr addr = addr_of(text);
        const HandoverRequest request = {.addrs = &addr, .n = 1};
        Plan *plan = handover_plan_new(kernel->handover, "nodedev-detach", NULL, NULL);

        assert_int_equal(handover_plan_detach_host(kernel->handover, plan, &request, NULL), 0);
        return plan;
}

static Plan *reattach(TestKernel *kernel, const char *text) {
        Plan *plan = handover_plan_new(kernel->handover, "nodedev-reattach", NULL, NULL);

        assert_int_equal(handover_plan_reattach(kernel->handover, plan, addr_of(text), NULL), 0);
        return plan;
}

static void what_the_administrator_parked_stays_parked(void **state) {
        TestKernel *kernel = *state;
        const PciAddr addr = addr_of("0000:01:00.0");
        const HandoverRequest request = {.guest = "guest1", .uuid = UUID, .addrs = &addr, .n = 1};
        Plan *plan;

        run_well(kernel, detach(kernel, "0000:01:00.0"));
        run_well(kernel, detach(kernel, "0000:01:00.0")); /* again: nothing to do */
        run_well(kernel, detach(kernel, "0000:01:00.1"));
        plan = handover_plan_new(kernel->handover, "start guest1", "guest1", UUID);
        assert_int_equal(handover_plan_take(kernel->handover, plan, &request, NULL), 0);
        run_well(kernel, plan);
        assert_int_equal(side_of(kernel, "0000:01:00.0"), SIDE_GUEST);
        run_well(kernel, give(kernel, &addr, 1));
        assert_int_equal(side_of(kernel, "0000:01:00.0"), SIDE_PARKED);
        run_well(kernel, reattach(kernel, "0000:01:00.0"));
        run_well(kernel, reattach(kernel, "0000:01:00.1"));
        run_well(kernel, reattach(kernel, "0000:01:00.1"));
        assert_all_home(kernel);
}

static void what_a_guest_has_is_not_reattached(void **state) {
        TestKernel *kernel = *state;
        g_autoptr(Plan) plan = NULL;
        g_auto(Err) err = ERR_INIT;

        run_well(kernel, take_with_companion(kernel));
        plan = handover_plan_new(kernel->handover, "x", NULL, NULL);
        assert_int_equal(
                handover_plan_reattach(kernel->handover, plan, addr_of("0000:01:00.0"), &err),
                -EBUSY);
        assert_non_null(strstr(err.message, "guest1"));
        assert_int_equal(
                handover_plan_reattach(kernel->handover, plan, addr_of("0000:01:00.1"), NULL),
                -EBUSY);
        assert_int_equal(handover_plan_reset(kernel->handover, plan, addr_of("0000:01:00.0"), NULL),
                         -EBUSY);
}

/* A failed bind leaves override and no driver behind, if nobody undoes it. */
static void a_failed_bind_leaves_the_host_as_it_was(void **state) {
        TestKernel *kernel = *state;
        g_autoptr(Plan) plan = take_card(kernel);

        kernel->refusing_driver = "vfio-pci";
        test_kernel_run(kernel, plan);
        assert_true(err_is_set(&kernel->err));
        assert_non_null(
                strstr(kernel->err.message, "vfio-pci did not take PCI device 0000:01:00.0"));
        assert_all_home(kernel);
}

static void what_does_not_come_back_is_quarantined(void **state) {
        TestKernel *kernel = *state;
        const LedgerEntry *entry = NULL;
        g_autoptr(Plan) plan = NULL;

        run_well(kernel, take_card(kernel));
        plan = give_card(kernel);
        kernel->refusing_driver = "igb";
        test_kernel_run(kernel, plan);
        assert_true(err_is_set(&kernel->err));
        test_kernel_assert_driver(kernel, "0000:01:00.0", "vfio-pci", "vfio-pci");
        assert_int_equal(handover_side(kernel->handover, addr_of("0000:01:00.0"), &entry),
                         SIDE_PARKED);
        assert_non_null(strstr(entry->quarantine, "igb did not take"));
        assert_null(entry->guest);
        assert_int_equal(handover_release(kernel->handover, addr_of("0000:01:00.0"), NULL), 0);
        assert_int_equal(handover_release(kernel->handover, addr_of("0000:01:00.0"), NULL), -EBUSY);
        kernel->refusing_driver = NULL;
        run_well(kernel, reattach(kernel, "0000:01:00.0"));
        run_well(kernel, reattach(kernel, "0000:01:00.1"));
        assert_all_home(kernel);
}

/* It is tried once, and then left to a person. */
static void an_orphan_that_does_not_come_back_is_quarantined(void **state) {
        TestKernel *kernel = *state;
        const PciAddr first = addr_of("0000:01:00.0"), second = addr_of("0000:01:00.1");
        g_autoptr(Plan) a = NULL, b = NULL;
        const LedgerEntry *entry;

        run_well(kernel, take_card(kernel));
        kernel->refusing_driver = "igb";
        a = give(kernel, &first, 1);
        b = give(kernel, &second, 1);
        test_kernel_start(kernel, a);
        test_kernel_run(kernel, b);
        while ((entry = ledger_find(handover_ledger(kernel->handover), second)) &&
               !entry->quarantine)
                assert_true(sd_event_run(kernel->event, 5000000) > 0);
        assert_true(entry && entry->side == SIDE_PARKED);
        test_kernel_assert_driver(kernel, "0000:01:00.1", "vfio-pci", "vfio-pci");
}

static void one_plan_at_a_time_moves_a_group(void **state) {
        TestKernel *kernel = *state;
        g_autoptr(Plan) first = take_card(kernel), second = take_card(kernel);
        g_auto(Err) err = ERR_INIT;

        test_kernel_start(kernel, first);
        assert_int_equal(plan_run(second, NULL, NULL, &err), -EBUSY);
        assert_int_equal(err.code, VIR_ERR_RESOURCE_BUSY);
        assert_non_null(strstr(err.message, "start guest1"));
        test_kernel_wait(kernel);
        assert_false(err_is_set(&kernel->err));
}

static void what_is_given_back_waits_for_others(void **state) {
        TestKernel *kernel = *state;
        const PciAddr first = addr_of("0000:01:00.0"), second = addr_of("0000:01:00.1");
        g_autoptr(Plan) a = NULL, b = NULL;

        run_well(kernel, take_card(kernel));
        a = give(kernel, &first, 1);
        b = give(kernel, &second, 1);
        test_kernel_start(kernel, a);
        test_kernel_run(kernel, b); /* the one that is over first says so */
        assert_int_equal(plan_state(a), PLAN_DONE);
        kernel->is_over = false;
        test_kernel_wait(kernel);
        assert_int_equal(plan_state(b), PLAN_DONE);
        while (ledger_find(handover_ledger(kernel->handover), first) ||
               ledger_find(handover_ledger(kernel->handover), second))
                assert_true(sd_event_run(kernel->event, 5000000) > 0);
        assert_all_home(kernel);
}

static void plans_wait_for_the_recovery(void **state) {
        TestKernel *kernel = *state;
        g_autoptr(Plan) plan = take_card(kernel);

        test_kernel_start(kernel, plan);
        g_clear_pointer(&plan, plan_free); /* a crash */
        test_kernel_restart(kernel);
        assert_int_equal(handover_recover(kernel->handover, NULL, NULL, NULL, NULL, NULL), 0);
        plan = take_card(kernel);
        test_kernel_run(kernel, plan);
        assert_int_equal(plan_state(plan), PLAN_DONE);
        assert_int_equal(side_of(kernel, "0000:01:00.0"), SIDE_GUEST);
}

static void a_stuck_unbind_is_told_watched_and_put_right(void **state) {
        TestKernel *kernel = *state;
        const LedgerEntry *entry = NULL;
        g_autoptr(Plan) plan = take_with_companion(kernel);

        kernel->sticky_driver = "igb";
        handover_set_deadline(kernel->handover, 100000);
        test_kernel_run(kernel, plan);
        assert_int_equal(kernel->err.code, VIR_ERR_OPERATION_TIMEOUT);
        assert_non_null(strstr(kernel->err.message, "has not finished to unbind it: worker pid "));
        handover_side(kernel->handover, addr_of("0000:01:00.1"), &entry);
        assert_non_null(entry);
        assert_non_null(entry->stuck);
        assert_string_equal(entry->host_driver, "igb");
        test_kernel_release_sticky(kernel);
        while (ledger_find(handover_ledger(kernel->handover), addr_of("0000:01:00.1")))
                assert_true(sd_event_run(kernel->event, 5000000) > 0);
        assert_all_home(kernel);
}

/* Crashes: cut off after each record of the journal. */

static bool cut_off_after(TestKernel *kernel, Plan *plan, size_t records) {
        test_kernel_start(kernel, plan);
        while (!kernel->is_over && test_kernel_journal_length(kernel) < records)
                assert_true(sd_event_run(kernel->event, 5000000) > 0);
        plan_free(plan);
        test_kernel_restart(kernel);
        return !kernel->is_over;
}

static void a_take_cut_off_anywhere_is_undone(void **state) {
        TestKernel *kernel = *state;
        bool was_cut = true;
        size_t n;

        for (n = 1; was_cut; n++) {
                test_kernel_recover(kernel);
                was_cut = cut_off_after(kernel, take_with_companion(kernel),
                                        test_kernel_journal_length(kernel) + n);
                test_kernel_recover(kernel);
                assert_false(err_is_set(&kernel->err));
                assert_all_home(kernel);
        }
        assert_true(n > 20);
}

static void a_give_cut_off_anywhere_is_finished(void **state) {
        TestKernel *kernel = *state;
        bool was_cut = true;
        size_t n;

        for (n = 1; was_cut; n++) {
                test_kernel_recover(kernel);
                run_well(kernel, take_with_companion(kernel));
                was_cut = cut_off_after(kernel, give_card(kernel),
                                        test_kernel_journal_length(kernel) + n);
                test_kernel_recover(kernel);
                assert_false(err_is_set(&kernel->err));
                assert_all_home(kernel);
        }
        assert_true(n > 20);
}

static void a_guest_that_lives_keeps_its_devices(void **state) {
        TestKernel *kernel = *state;

        run_well(kernel, take_card(kernel));
        kernel->living = UUID;
        test_kernel_restart(kernel);
        test_kernel_recover(kernel);
        assert_int_equal(side_of(kernel, "0000:01:00.0"), SIDE_GUEST);
        kernel->living = NULL;
        test_kernel_restart(kernel);
        test_kernel_recover(kernel);
        assert_all_home(kernel);
}

static void a_reboot_brings_all_home_but_a_quarantine(void **state) {
        TestKernel *kernel = *state;
        const char *boot = "boot-2\n";
        const LedgerEntry *entry = NULL;

        test_kernel_recover(kernel);
        run_well(kernel, take_card(kernel));
        handover_quarantine(kernel->handover, addr_of("0000:01:00.1"), "it smelled", NULL);
        test_host_link(kernel->host, TWIN_PATH "/driver", "/sys/bus/pci/drivers/igb");
        test_host_put(kernel->host, TWIN_PATH "/uevent", IGB_UEVENT, strlen(IGB_UEVENT));
        test_host_put(kernel->host, TWIN_PATH "/driver_override", "(null)", 6);
        test_host_put(kernel->host, "proc/sys/kernel/random/boot_id", boot, strlen(boot));
        test_kernel_restart(kernel);
        test_kernel_recover(kernel);
        handover_side(kernel->handover, addr_of("0000:01:00.0"), &entry);
        assert_null(entry);
        handover_side(kernel->handover, addr_of("0000:01:00.1"), &entry);
        assert_string_equal(entry->quarantine, "it smelled");
        assert_null(entry->guest);
        assert_int_equal(entry->side, SIDE_HOST);
        run_well(kernel, reattach(kernel, "0000:01:00.1")); /* a person's word ends it */
        assert_null(ledger_find(handover_ledger(kernel->handover), addr_of("0000:01:00.1")));
        test_kernel_assert_driver(kernel, "0000:01:00.1", "igb", "(null)");
}

static void what_others_moved_is_corrected(void **state) {
        TestKernel *kernel = *state;
        json_t *json;

        run_well(kernel, detach(kernel, "0000:02:00.0"));
        test_host_link(kernel->host, "sys/devices/pci0000:00/0000:00:02.0/0000:02:00.0/driver",
                       "/sys/bus/pci/drivers/igb");
        test_host_put(kernel->host, "sys/devices/pci0000:00/0000:00:02.0/0000:02:00.0/uevent",
                      "DRIVER=igb\n", 11);
        test_kernel_restart(kernel);
        test_kernel_recover(kernel);
        assert_null(ledger_find(handover_ledger(kernel->handover), addr_of("0000:02:00.0")));
        json = ledger_to_json(handover_ledger(kernel->handover));
        assert_true(json_array_size(json_object_get(json, "corrections")) > 0);
        json_decref(json);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_kernel_setup, test_kernel_teardown)
        const struct CMUnitTest tests[] = {
                TEST(a_card_goes_to_a_guest_and_comes_back),
                TEST(companions_are_parked_and_go_home_with_it),
                TEST(a_function_that_leaves_alone_is_parked),
                TEST(what_the_administrator_parked_stays_parked),
                TEST(what_a_guest_has_is_not_reattached),
                TEST(a_failed_bind_leaves_the_host_as_it_was),
                TEST(what_does_not_come_back_is_quarantined),
                TEST(an_orphan_that_does_not_come_back_is_quarantined),
                TEST(one_plan_at_a_time_moves_a_group),
                TEST(what_is_given_back_waits_for_others),
                TEST(plans_wait_for_the_recovery),
                TEST(a_stuck_unbind_is_told_watched_and_put_right),
                TEST(a_take_cut_off_anywhere_is_undone),
                TEST(a_give_cut_off_anywhere_is_finished),
                TEST(a_guest_that_lives_keeps_its_devices),
                TEST(a_reboot_brings_all_home_but_a_quarantine),
                TEST(what_others_moved_is_corrected),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
