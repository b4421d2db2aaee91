/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/tree.h"

#include <inttypes.h>

#include "base/test.h"
#include "base/util.h"
#include "pci/identity.h"
#include "pci/test-host.h"

static PciAddr addr_of(const char *text) {
        PciAddr addr = {};

        assert_int_equal(pci_addr_parse(text, &addr), 0);
        return addr;
}

static PciTree *tree_of(const TestHost *host) {
        g_auto(Err) err = ERR_INIT;
        PciTree *tree = NULL;

        if (pci_tree_new(host->sys, &tree, &err) < 0)
                assert_string_equal(err.message, "");
        return tree;
}

static void describe_abilities(GString *out, const PciDevice *dev) {
        const struct {
                bool has;
                const char *name;
        } abilities[] = {
                {dev->is_express, "express"}, {dev->has_flr, "flr"},
                {dev->has_msi, "msi"},        {dev->has_msix, "msi-x"},
                {dev->has_ari, "ari"},        {dev->has_pm_reset, "pm-reset"},
                {dev->can_reset, "reset"},    {dev->boot_vga, "boot-vga"},
        };

        g_string_append(out, "    can:");
        for (size_t i = 0; i < G_N_ELEMENTS(abilities); i++)
                if (abilities[i].has)
                        g_string_append_printf(out, " %s", abilities[i].name);
        if (dev->reset_method)
                g_string_append_printf(out, " (%s)", dev->reset_method);
        g_string_append(out, "\n");
}

static void describe_link(GString *out, const PciDevice *dev) {
        if (dev->has_link)
                g_string_append_printf(out, "    link: port %u, %g GT/s x%u of %g GT/s x%u\n",
                                       dev->link_cap.port, dev->link_now.speed, dev->link_now.width,
                                       dev->link_cap.speed, dev->link_cap.width);
}

static void describe_memory(GString *out, const PciDevice *dev) {
        for (size_t i = 0; i < PCI_BARS; i++) {
                const PciBar *bar = &dev->bars[i];

                if (bar->size > 0)
                        g_string_append_printf(out,
                                               "    bar %zu: %#" PRIx64 " at %#" PRIx64 "%s%s%s\n",
                                               i, bar->size, bar->start, bar->is_io ? " io" : "",
                                               bar->is_64bit ? " 64bit" : "",
                                               bar->is_prefetchable ? " prefetchable" : "");
        }
        if (dev->rom_size > 0)
                g_string_append_printf(out, "    rom: %#" PRIx64 "\n", dev->rom_size);
}

static void describe_functions(GString *out, const PciDevice *dev) {
        if (dev->is_pf)
                g_string_append_printf(out, "    functions: %u of %u", dev->vfs, dev->vfs_max);
        for (unsigned i = 0; i < dev->vfs; i++)
                g_string_append_printf(out, " %s", PCI_ADDR_TEXT(dev->vf_addrs[i]));
        if (dev->is_pf)
                g_string_append(out, "\n");
        if (dev->is_vf)
                g_string_append_printf(out, "    function of: %s\n", PCI_ADDR_TEXT(dev->pf));
}

static void describe_identity(GString *out, const Sys *sys, const PciDevice *dev) {
        g_autoptr(PciIdentity) identity = NULL;

        assert_int_equal(pci_identity_load(sys, dev, &identity, NULL), 0);
        g_string_append_printf(out, "    identity: %s at %s\n",
                               identity->serial ? identity->serial : "no serial",
                               identity->slot_path);
}

static void describe(GString *out, const Sys *sys, const PciDevice *dev) {
        g_string_append_printf(out, "%s %s %04x:%04x (%04x:%04x) class %06x rev %02x\n",
                               PCI_ADDR_TEXT(dev->addr), pci_kind_to_string(dev->kind), dev->vendor,
                               dev->device, dev->subsystem_vendor, dev->subsystem_device,
                               dev->class, dev->revision);
        g_string_append_printf(out, "    below: %s, group %d, node %d, driver %s\n",
                               dev->parent ? dev->parent : "root bus", dev->iommu_group,
                               dev->numa_node, dev->driver ? dev->driver : "none");
        describe_abilities(out, dev);
        describe_link(out, dev);
        describe_memory(out, dev);
        describe_functions(out, dev);
        describe_identity(out, sys, dev);
}

/* Every captured machine against its golden inventory. */
static void captured_hosts_are_read_whole(void **state) {
        g_auto(GStrv) names = test_host_list();

        STRV_FOREACH(name, names) {
                g_autoptr(TestHost) host = test_host_new(name);
                g_autoptr(PciTree) tree = tree_of(host);
                g_autoptr(GString) out = g_string_new(NULL);
                g_autofree char *golden = g_strconcat(name, ".inventory", NULL);
                size_t n;
                const PciDevice *const *list = pci_tree_list(tree, &n);

                for (size_t i = 0; i < n; i++)
                        describe(out, host->sys, list[i]);
                test_host_assert_golden(golden, out->str);
        }
}

/* Whichever call fails, the tree says so and nothing is half there. */
static void each_failing_call_is_told(void **state) {
        g_autoptr(TestHost) host = test_host_new("server");
        unsigned n = 1;

        for (;; n++) {
                g_auto(Err) err = ERR_INIT;
                g_autoptr(PciTree) tree = NULL;
                int r;

                sys_fail_at(host->sys, n, -EIO);
                r = pci_tree_new(host->sys, &tree, &err);
                sys_fail_at(host->sys, 0, 0);
                if (r == 0)
                        break;
                assert_int_equal(r, -EIO);
                assert_null(tree);
                assert_non_null(strstr(err.message, "PCI device"));
                assert_non_null(strstr(err.message, "nput/output error"));
        }
        assert_true(n > 100);
}

static void a_function_that_goes_while_it_is_read_is_gone(void **state) {
        g_autoptr(TestHost) host = test_host_new("laptop");
        g_autoptr(PciDevice) dev = NULL;
        PciAddr addr = addr_of("0000:3c:00.0");

        test_host_remove(host, "sys/devices/pci0000:00/0000:00:1d.0/0000:3c:00.0");
        assert_int_equal(pci_device_load(host->sys, addr, &dev, NULL), -ENODEV);
        assert_int_equal(pci_device_load(host->sys, addr_of("0000:7f:00.0"), &dev, NULL), -ENODEV);
        assert_null(dev);
}

typedef struct Seen {
        unsigned calls;
        PciAddr addr;
        PciChange change;
        char *driver;
} Seen;

static void see(PciAddr addr, const PciDevice *dev, PciChange change, void *userdata) {
        Seen *seen = userdata;

        seen->calls++;
        seen->addr = addr;
        seen->change = change;
        g_free(seen->driver);
        seen->driver = dev ? g_strdup(dev->driver) : NULL;
}

#define NIC "sys/devices/pci0000:00/0000:00:01.2/0000:05:00.0"

static void refresh_tells_what_changed(void **state) {
        g_autoptr(TestHost) host = test_host_new("amd-desktop");
        g_autoptr(PciTree) tree = tree_of(host);
        PciAddr addr = addr_of("0000:05:00.0");
        static const char parked[] = "DRIVER=vfio-pci\nPCI_CLASS=20000\nPCI_ID=8086:1539\n"
                                     "PCI_SUBSYS_ID=1043:85F0\n";
        Seen seen = {};

        pci_tree_set_callback(tree, see, &seen);
        assert_int_equal(pci_tree_refresh(tree, addr, NULL), 0);
        assert_int_equal(seen.calls, 0);

        test_host_put(host, NIC "/uevent", parked, strlen(parked));
        assert_int_equal(pci_tree_refresh(tree, addr, NULL), 0);
        assert_int_equal(seen.calls, 1);
        assert_int_equal(seen.change, PCI_CHANGED);
        assert_string_equal(seen.driver, "vfio-pci");

        test_host_remove(host, "sys/bus/pci/devices/0000:05:00.0");
        assert_int_equal(pci_tree_refresh(tree, addr, NULL), 0);
        assert_int_equal(seen.change, PCI_REMOVED);
        assert_true(pci_addr_is_equal(seen.addr, addr));
        assert_null(pci_tree_find(tree, addr));

        test_host_link(host, "sys/bus/pci/devices/0000:05:00.0",
                       "../../../devices/pci0000:00/0000:00:01.2/0000:05:00.0");
        assert_int_equal(pci_tree_refresh(tree, addr, NULL), 0);
        assert_int_equal(seen.change, PCI_ADDED);
        assert_int_equal(seen.calls, 3);
        g_free(seen.driver);
}

static void a_rescan_finds_all_that_was_missed(void **state) {
        g_autoptr(TestHost) host = test_host_new("server");
        g_autoptr(PciTree) tree = tree_of(host);
        Seen seen = {};
        size_t before, after;

        pci_tree_list(tree, &before);
        pci_tree_set_callback(tree, see, &seen);
        test_host_remove(host, "sys/bus/pci/devices/0000:3b:0a.1");
        test_host_remove(host, "sys/bus/pci/devices/10000:e1:00.0");
        test_host_link(host, "sys/bus/pci/devices/0000:3b:0a.2",
                       "../../../devices/pci0000:3a/0000:3a:00.0/0000:3b:0a.1");
        assert_int_equal(pci_tree_rescan(tree, NULL), 0);
        pci_tree_list(tree, &after);
        assert_int_equal(seen.calls, 3);
        assert_int_equal(after, before - 1);
        assert_null(pci_tree_find(tree, addr_of("10000:e1:00.0")));
        assert_non_null(pci_tree_find(tree, addr_of("0000:3b:0a.2")));
}

static void a_failed_refresh_keeps_the_old_facts(void **state) {
        g_autoptr(TestHost) host = test_host_new("server");
        g_autoptr(PciTree) tree = tree_of(host);
        g_auto(Err) err = ERR_INIT;
        PciAddr addr = addr_of("0000:3b:00.0");

        sys_fail_at(host->sys, 4, -EACCES);
        assert_int_equal(pci_tree_refresh(tree, addr, &err), -EACCES);
        assert_non_null(strstr(err.message, "0000:3b:00.0"));
        assert_string_equal(pci_tree_find(tree, addr)->driver, "i40e");
}

/* Its configuration space waits while the function is reset; it is read of a new card only. */
static void a_known_function_is_not_asked_again(void **state) {
        g_autoptr(TestHost) host = test_host_new("amd-desktop");
        g_autoptr(PciTree) tree = tree_of(host);
        PciAddr addr = addr_of("0000:05:00.0");
        uint8_t silent[256];

        memset(silent, 0xff, sizeof(silent));
        test_host_put(host, NIC "/config", silent, sizeof(silent));
        assert_int_equal(pci_tree_refresh(tree, addr, NULL), 0);
        assert_true(pci_tree_find(tree, addr)->has_flr);
        assert_string_equal(pci_tree_find(tree, addr)->driver, "igb");
        pci_tree_forget(tree, addr);
        assert_null(pci_tree_find(tree, addr));
        assert_int_equal(pci_tree_refresh(tree, addr, NULL), 0);
        assert_false(pci_tree_find(tree, addr)->responds);
}

static void a_function_that_slept_is_asked_again(void **state) {
        g_autoptr(TestHost) host = test_host_new("laptop");
        g_autoptr(PciTree) tree = tree_of(host);
        PciAddr addr = addr_of("0000:2d:00.0");
        uint8_t awake[256] = {[0x06] = 0x10, [0x34] = 0x40, [0x40] = 0x05};

        assert_false(pci_tree_find(tree, addr)->responds);
        test_host_put(host, "sys/devices/pci0000:00/0000:00:1c.0/0000:2d:00.0/config", awake,
                      sizeof(awake));
        assert_int_equal(pci_tree_refresh(tree, addr, NULL), 0);
        assert_true(pci_tree_find(tree, addr)->responds);
        assert_true(pci_tree_find(tree, addr)->has_msi);
}

static void groups_have_their_members(void **state) {
        g_autoptr(TestHost) host = test_host_new("amd-desktop");
        g_autoptr(PciTree) tree = tree_of(host);
        g_autofree const PciDevice **members = NULL;
        size_t n;

        members = pci_tree_group(tree, 9, &n);
        assert_int_equal(n, 4);
        assert_string_equal(PCI_ADDR_TEXT(members[0]->addr), "0000:09:00.0");
        assert_string_equal(PCI_ADDR_TEXT(members[3]->addr), "0000:09:00.3");
        g_free(pci_tree_group(tree, -1, &n));
        assert_int_equal(n, 0);
}

static void a_machine_without_pci_is_empty(void **state) {
        g_autoptr(TestHost) host = test_host_new_empty();
        g_autoptr(PciTree) tree = tree_of(host);
        size_t n = 1;

        pci_tree_list(tree, &n);
        assert_int_equal(n, 0);
}

/* What the device or a broken file says is refused, with the file's name. */
static void nonsense_in_a_file_is_told(void **state) {
        static const struct {
                const char *file, *text;
        } cases[] = {
                {"uevent", "PCI_ID=8086\n"},  {"uevent", "PCI_CLASS=2000000\n"},
                {"resource", "0x0 0x0\n"},    {"resource", "0x0 0x0 zero\n"},
                {"sriov_totalvfs", "many\n"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(TestHost) host = test_host_new("amd-desktop");
                g_autofree char *path = g_build_filename(NIC, cases[i].file, NULL);
                g_auto(Err) err = ERR_INIT;
                g_autoptr(PciTree) tree = NULL;

                test_host_put(host, path, cases[i].text, strlen(cases[i].text));
                assert_true(pci_tree_new(host->sys, &tree, &err) < 0);
                assert_non_null(strstr(err.message, cases[i].file));
                assert_non_null(strstr(err.message, "0000:05:00.0"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(captured_hosts_are_read_whole),
                cmocka_unit_test(each_failing_call_is_told),
                cmocka_unit_test(a_function_that_goes_while_it_is_read_is_gone),
                cmocka_unit_test(refresh_tells_what_changed),
                cmocka_unit_test(a_rescan_finds_all_that_was_missed),
                cmocka_unit_test(a_failed_refresh_keeps_the_old_facts),
                cmocka_unit_test(a_known_function_is_not_asked_again),
                cmocka_unit_test(a_function_that_slept_is_asked_again),
                cmocka_unit_test(groups_have_their_members),
                cmocka_unit_test(a_machine_without_pci_is_empty),
                cmocka_unit_test(nonsense_in_a_file_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
