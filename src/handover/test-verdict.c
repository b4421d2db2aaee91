/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/verdict.h"

#include "base/test.h"
#include "handover/test-kernel.h"

#define DIR_0100 "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0"

typedef struct Question {
        const char *addrs[3], *configured[2], *guest;
        bool unmanaged, with_companions, override, any_guest;
        const PciIdentity *identity;
} Question;

static void put(const TestKernel *kernel, const char *path, const char *text) {
        test_host_put(kernel->host, path, text, strlen(text));
}

static size_t parse_all(const char *const *texts, size_t max, PciAddr *ret) {
        size_t n = 0;

        while (n < max && texts[n]) {
                assert_int_equal(pci_addr_parse(texts[n], &ret[n]), 0);
                n++;
        }
        return n;
}

static Verdict *ask(TestKernel *kernel, const Question *question) {
        PciAddr addrs[3], configured[2];
        const PciIdentity *identities[3] = {question->identity};
        const HandoverRequest request = {
                .guest = question->guest,
                .uuid = question->guest,
                .any_guest = question->any_guest,
                .managed = !question->unmanaged,
                .with_companions = question->with_companions,
                .take_host_devices = question->override,
                .addrs = addrs,
                .n = parse_all(question->addrs, 3, addrs),
                .configured = configured,
                .n_configured = parse_all(question->configured, 2, configured),
                .identities = identities,
        };
        Verdict *verdict = NULL;

        assert_int_equal(handover_verdict(kernel->handover, &request, &verdict, NULL), 0);
        return verdict;
}

/* Exactly this blocker, with these words in its message and its way out. */
static void expect(TestKernel *kernel, Question question, BlockerCode code, const char *message,
                   const char *way_out) {
        g_autoptr(Verdict) verdict = ask(kernel, &question);
        const Blocker *const *blockers;
        g_auto(Err) err = ERR_INIT;
        size_t n;

        blockers = verdict_blockers(verdict, &n);
        for (size_t i = 1; i < n; i++)
                print_error("also: %s\n", blockers[i]->message);
        assert_int_equal(n, 1);
        assert_string_equal(blocker_code_to_string(blockers[0]->code),
                            blocker_code_to_string(code));
        if (!strstr(blockers[0]->message, message))
                assert_string_equal(blockers[0]->message, message);
        if (!strstr(blockers[0]->way_out, way_out))
                assert_string_equal(blockers[0]->way_out, way_out);
        assert_true(verdict_to_err(verdict, &err) < 0);
        assert_string_equal(err.message, blockers[0]->message);
}

static void expect_yes(TestKernel *kernel, Question question) {
        g_autoptr(Verdict) verdict = ask(kernel, &question);
        g_auto(Err) err = ERR_INIT;

        verdict_to_err(verdict, &err);
        assert_string_equal(err.message ? err.message : "", "");
        assert_true(verdict_is_yes(verdict));
}

static const Question first = {.guest = "g1", .addrs = {"0000:01:00.0"}};

static void a_companion_on_the_host_is_named(void **state) {
        TestKernel *kernel = *state;
        Question question = first;

        expect(kernel, first, BLOCKER_COMPANION,
               "PCI device 0000:01:00.0 shares IOMMU group 1 with 0000:01:00.1, which igb holds",
               "detach it first: airlock nodedev-detach pci_0000_01_00_1");
        question.with_companions = true;
        expect_yes(kernel, question);
        question.with_companions = false;
        question.configured[0] = "0000:01:00.1";
        expect_yes(kernel, question);
        question = first;
        question.addrs[1] = "0000:01:00.1";
        expect_yes(kernel, question);
        question = first;
        question.guest = NULL; /* the administrator parks one by one */
        expect_yes(kernel, question);
}

static void bridges_and_absent_functions(void **state) {
        TestKernel *kernel = *state;

        expect(kernel, (Question){.guest = "g1", .addrs = {"0000:00:01.0"}}, BLOCKER_NOT_ENDPOINT,
               "is no endpoint (root-port)", "devices behind it");
        expect(kernel, (Question){.guest = "g1", .addrs = {"0000:77:00.0"}}, BLOCKER_ABSENT,
               "there is no PCI device 0000:77:00.0", "airlock devices");
}

static void unmanaged_functions_have_to_be_detached(void **state) {
        TestKernel *kernel = *state;

        expect(kernel, (Question){.guest = "g1", .addrs = {"0000:02:00.0"}, .unmanaged = true},
               BLOCKER_ON_HOST, "is on the host (driver igb) and managed='no'",
               "detach it first: airlock nodedev-detach pci_0000_02_00_0");
}

static void what_the_host_stands_on(void **state) {
        TestKernel *kernel = *state;
        const Question question = {.guest = "g1", .addrs = {"0000:04:00.0"}, .override = true};

        expect(kernel, (Question){.guest = "g1", .addrs = {"0000:04:00.0"}}, BLOCKER_HOST_NEEDS_IT,
               "is mounted at /mnt/data (ext4)", "umount /mnt/data");
        expect_yes(kernel, question);
}

static void without_interrupt_remapping(void **state) {
        static const char chips[] = "  0:  1  IO-APIC  2-edge  timer\n 24:  1  PCI-MSI  x\n";
        const Question question = {.guest = "g1", .addrs = {"0000:02:00.0"}};
        TestKernel *kernel = *state;

        put(kernel, "proc/interrupts", chips);
        expect(kernel, question, BLOCKER_NO_REMAPPING, "the host does not remap interrupts",
               "options vfio_iommu_type1 allow_unsafe_interrupts=1");
        put(kernel, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
        expect_yes(kernel, question);
        test_host_remove(kernel->host, "sys/module/vfio_iommu_type1");
        expect(kernel, question, BLOCKER_NO_REMAPPING, "does not remap", "");
        put(kernel, "etc/modprobe.d/vfio.conf",
            "# x\noptions vfio_iommu_type1 allow_unsafe_interrupts=1\n");
        expect_yes(kernel, question);
        put(kernel, "etc/modprobe.d/vfio.conf",
            "#options vfio_iommu_type1 "
            "allow_unsafe_interrupts=1\n");
        put(kernel, "proc/interrupts", "  0:  1  GICv3  27\n"); /* no x86: always remapped */
        expect_yes(kernel, question);
}

static void drop_groups(TestKernel *kernel) {
        test_host_remove(kernel->host, "sys/kernel/iommu_groups");
        test_host_remove(kernel->host,
                         "sys/devices/pci0000:00/0000:00:02.0/0000:02:00.0/iommu_group");
        test_kernel_restart(kernel);
}

static void without_an_iommu_the_failed_probe_is_named(void **state) {
        const Question question = {.guest = "g1", .addrs = {"0000:02:00.0"}};
        TestKernel *kernel = *state;

        drop_groups(kernel);
        expect(kernel, question, BLOCKER_NO_IOMMU, "no ACPI table DMAR or IVRS",
               "firmware's setup");
        put(kernel, "sys/firmware/acpi/tables/DMAR", "x");
        put(kernel, "proc/cmdline", "root=/dev/vda1 quiet\n");
        expect(kernel, question, BLOCKER_NO_IOMMU, "/sys/kernel/iommu_groups is empty",
               "boot with 'intel_iommu=on'");
        put(kernel, "proc/cmdline", "root=/dev/vda1 intel_iommu=off\n");
        expect(kernel, question, BLOCKER_NO_IOMMU, "turned off by 'intel_iommu=off'",
               "boot without 'intel_iommu=off'");
}

static void groups_that_the_kernel_or_vfio_does_not_give_away(void **state) {
        const Question question = {.guest = "g1", .addrs = {"0000:02:00.0"}};
        TestKernel *kernel = *state;
        const PciDevice *dev = pci_tree_find(kernel->tree, (PciAddr){.bus = 2});
        g_autofree char *regions =
                g_strdup_printf("sys/kernel/iommu_groups/%d/reserved_regions", dev->iommu_group);
        g_autofree char *name =
                g_strdup_printf("sys/kernel/iommu_groups/%d/name", dev->iommu_group);

        put(kernel, regions,
            "0x00000000fee00000 0x00000000feefffff msi\n"
            "0x00000000bf000000 0x00000000bfffffff direct-relaxable\n");
        expect_yes(kernel, question);
        put(kernel, regions, "0x00000000bf000000 0x00000000bfffffff direct\n");
        expect(kernel, question, BLOCKER_RESERVED, "RMRR", "firmware's setup");
        put(kernel, regions, "");
        put(kernel, name, "vfio-noiommu\n");
        expect(kernel, question, BLOCKER_NOIOMMU_GROUP, "no-IOMMU mode", "enable the IOMMU");
}

static void a_card_that_fell_off_the_bus(void **state) {
        TestKernel *kernel = *state;
        uint8_t ones[256];

        memset(ones, 0xff, sizeof(ones));
        test_host_put(kernel->host, "sys/devices/pci0000:00/0000:00:02.0/0000:02:00.0/config", ones,
                      sizeof(ones));
        expect(kernel, (Question){.guest = "g1", .addrs = {"0000:02:00.0"}}, BLOCKER_OFF_BUS,
               "fell off the bus", "d3cold_allowed");
}

static void another_card_at_the_address_is_refused(void **state) {
        TestKernel *kernel = *state;
        PciIdentity identity = {.vendor = 0x8086,
                                .device = 0x10c9,
                                .subsystem_vendor = 0x1af4,
                                .subsystem_device = 0x1100,
                                .serial = (char[]){"mac:52:54:00:00:01:01"}};
        char own[] = "mac:52:54:00:00:02:00", none[] = "mac:52:54:00:00:77:77";
        const Question question = {.guest = "g1", .addrs = {"0000:02:00.0"}, .identity = &identity};

        expect(kernel, question, BLOCKER_OTHER_CARD, "is not the card that was configured",
               "the configured card is at 0000:01:00.1 now");
        identity.serial = own;
        expect_yes(kernel, question);
        identity.serial = none;
        expect(kernel, question, BLOCKER_OTHER_CARD, "", "nowhere in this host");
}

static void a_kernel_without_vfio(void **state) {
        const Question question = {.guest = "g1", .addrs = {"0000:02:00.0"}};
        TestKernel *kernel = *state;

        test_host_remove(kernel->host, "sys/bus/pci/drivers/vfio-pci");
        expect_yes(kernel, question); /* nobody knows: there is no list of modules */
        put(kernel, "proc/sys/kernel/osrelease", "6.12.1\n");
        put(kernel, "lib/modules/6.12.1/modules.dep", "kernel/drivers/net/igb.ko: \n");
        expect(kernel, question, BLOCKER_NO_VFIO, "no module vfio", "modules");
        put(kernel, "lib/modules/6.12.1/modules.builtin", "kernel/drivers/vfio/pci/vfio-pci.ko\n");
        expect(kernel, question, BLOCKER_NO_VFIO, "no module vfio", "modules");
        put(kernel, "lib/modules/6.12.1/modules.builtin",
            "kernel/drivers/vfio/vfio.ko\nkernel/drivers/vfio/vfio_iommu_type1.ko\n"
            "kernel/drivers/vfio/pci/vfio-pci.ko\n");
        expect_yes(kernel, question);
}

static void take(TestKernel *kernel, const char *text, const char *guest) {
        g_autoptr(Plan) plan = handover_plan_new(kernel->handover, "take", guest, guest);
        PciAddr addr;
        const HandoverRequest request = {.guest = guest,
                                         .uuid = guest,
                                         .managed = true,
                                         .with_companions = true,
                                         .addrs = &addr,
                                         .n = 1};

        pci_addr_parse(text, &addr);
        assert_int_equal(handover_plan_take(kernel->handover, plan, &request, NULL), 0);
        test_kernel_run(kernel, plan);
}

/* Nobody is named yet: what a guest could take along is a price, what the host needs a reason. */
static void any_guest_can_take_companions_along(void **state) {
        TestKernel *kernel = *state;
        Question question = {.addrs = {"0000:01:00.0"}, .any_guest = true};
        g_autoptr(Verdict) verdict = ask(kernel, &question);
        const Blocker *const *warnings;
        size_t n;

        assert_true(verdict_is_yes(verdict));
        warnings = verdict_warnings(verdict, &n);
        assert_int_equal(n, 1);
        assert_int_equal(warnings[0]->code, BLOCKER_COMPANION);
        test_host_remove(kernel->host, "proc/interrupts");
        put(kernel, "proc/interrupts", "  0:  1  IO-APIC  2-edge  timer\n");
        expect(kernel, question, BLOCKER_NO_REMAPPING, "does not remap interrupts", "intremap");
}

static void drivers_of_vfio_by_their_names(void **state) {
        static const char *const yes[] = {"vfio-pci", "mlx5_vfio_pci", "hisi-acc-vfio-pci"};
        static const char *const no[] = {NULL, "", "vfio", "novfio_pci2", "myvfio-pci", "igb"};

        for (size_t i = 0; i < G_N_ELEMENTS(yes); i++)
                assert_true(handover_is_vfio(yes[i]));
        for (size_t i = 0; i < G_N_ELEMENTS(no); i++)
                assert_false(handover_is_vfio(no[i]));
}

static void what_another_guest_has(void **state) {
        TestKernel *kernel = *state;
        Question question = {.guest = "g2", .addrs = {"0000:01:00.0"}};

        take(kernel, "0000:01:00.0", "g1");
        expect(kernel, question, BLOCKER_IN_GUEST, "is in guest 'g1'", "shut that guest down");
        question.guest = "g1"; /* twice in one guest */
        expect(kernel, question, BLOCKER_IN_GUEST, "is in guest 'g1'", "detach it");
        question.guest = NULL;
        expect(kernel, question, BLOCKER_IN_GUEST, "is in guest 'g1'", "detach it");
}

static void a_group_is_never_split_between_guests(void **state) {
        TestKernel *kernel = *state;
        const Question question = {.guest = "g2", .addrs = {"0000:01:00.1"}};
        g_autoptr(Verdict) verdict = NULL;
        const Blocker *const *blockers;
        size_t n;

        take(kernel, "0000:01:00.0", "g1");
        verdict = ask(kernel, &question);
        blockers = verdict_blockers(verdict, &n);
        assert_int_equal(n, 2);
        assert_int_equal(blockers[0]->code, BLOCKER_IN_GUEST);
        assert_int_equal(blockers[1]->code, BLOCKER_COMPANION_GUEST);
        assert_string_equal(blockers[1]->owner, "g1");
}

static void quarantine_and_stuck_steps(void **state) {
        TestKernel *kernel = *state;
        Question question = {.guest = "g1", .addrs = {"0000:02:00.0"}};

        handover_quarantine(kernel->handover, (PciAddr){.bus = 2}, "it smelled", NULL);
        expect(kernel, question, BLOCKER_QUARANTINED, "it smelled",
               "airlock nodedev-reattach pci_0000_02_00_0");
        question.guest = NULL; /* the administrator may look at it */
        expect_yes(kernel, question);
}

static void every_blocker_is_told_at_once(void **state) {
        TestKernel *kernel = *state;
        const Question question = {.guest = "g1",
                                   .addrs = {"0000:01:00.0", "0000:04:00.0", "0000:00:01.0"}};
        g_autoptr(Verdict) verdict = ask(kernel, &question);
        g_autofree char *text = NULL;
        g_auto(Err) err = ERR_INIT;
        json_t *json = verdict_to_json(verdict);

        assert_int_equal(json_array_size(json_object_get(json, "blockers")), 3);
        assert_string_equal(json_string_value(json_object_get(json, "verdict")), "no");
        assert_int_equal(verdict_to_err(verdict, &err), -EBUSY);
        text = err_text(&err);
        assert_non_null(strstr(text, "which igb holds; detach it first"));
        assert_non_null(strstr(text, ". PCI device 0000:04:00.0 is used by the host"));
        assert_non_null(strstr(text, ". PCI device 0000:00:01.0 is no endpoint"));
        json_decref(json);
}

static void a_parent_of_virtual_functions_in_use_stays(void **state) {
        TestKernel *kernel = *state;
        Question question = {.guest = "g2", .addrs = {"0000:02:00.0"}};

        test_host_link(kernel->host, "sys/devices/pci0000:00/0000:00:02.0/0000:02:00.0/virtfn0",
                       "../0000:02:10.0");
        put(kernel, "sys/devices/pci0000:00/0000:00:02.0/0000:02:00.0/sriov_numvfs", "1\n");
        test_kernel_restart(kernel);
        expect_yes(kernel, question);
        take(kernel, "0000:02:10.0", "g1");
        expect(kernel, question, BLOCKER_HAS_VFS, "0000:02:10.0, which is in guest g1", "give");
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_kernel_setup, test_kernel_teardown)
        const struct CMUnitTest tests[] = {
                TEST(a_companion_on_the_host_is_named),
                TEST(bridges_and_absent_functions),
                TEST(unmanaged_functions_have_to_be_detached),
                TEST(what_the_host_stands_on),
                TEST(without_interrupt_remapping),
                TEST(without_an_iommu_the_failed_probe_is_named),
                TEST(groups_that_the_kernel_or_vfio_does_not_give_away),
                TEST(a_card_that_fell_off_the_bus),
                TEST(another_card_at_the_address_is_refused),
                TEST(a_kernel_without_vfio),
                TEST(any_guest_can_take_companions_along),
                TEST(drivers_of_vfio_by_their_names),
                TEST(what_another_guest_has),
                TEST(a_group_is_never_split_between_guests),
                TEST(quarantine_and_stuck_steps),
                TEST(every_blocker_is_told_at_once),
                TEST(a_parent_of_virtual_functions_in_use_stays),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
