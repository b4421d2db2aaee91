/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/identity.h"

#include "base/test.h"
#include "pci/test-host.h"

static PciIdentity *identity_of(const TestHost *host, const char *text) {
        g_autoptr(PciDevice) dev = NULL;
        PciIdentity *identity = NULL;
        PciAddr addr;

        assert_int_equal(pci_addr_parse(text, &addr), 0);
        assert_int_equal(pci_device_load(host->sys, addr, &dev, NULL), 0);
        assert_int_equal(pci_identity_load(host->sys, dev, &identity, NULL), 0);
        return identity;
}

static void the_first_serial_that_is_there_counts(void **state) {
        static const struct {
                const char *host, *addr, *serial;
        } cases[] = {
                {"server", "0000:3b:00.0", "dsn:98-f9-b3-ff-ff-0e-3c-fc"},
                {"server", "0000:af:00.0", "vpd:0B7C1D2E3F"},
                {"amd-desktop", "0000:01:00.0", "nvme:S466NX0K123456A"},
                {"laptop", "0000:00:14.3", "mac:80:32:53:12:34:56"},
                {"server", "0000:3b:02.0", NULL}, /* a virtual function: its MAC was made up */
                {"laptop", "0000:2d:00.0", NULL}, /* asleep */
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(TestHost) host = test_host_new(cases[i].host);
                g_autoptr(PciIdentity) identity = identity_of(host, cases[i].addr);

                if (cases[i].serial)
                        assert_string_equal(identity->serial, cases[i].serial);
                else
                        assert_null(identity->serial);
        }
}

static void the_slot_path_names_the_bridges(void **state) {
        g_autoptr(TestHost) host = test_host_new("server");
        g_autoptr(PciIdentity) identity = identity_of(host, "0000:03:00.0");

        assert_string_equal(identity->slot_path, "0000:00:1c.0/0000:02:00.0/0000:03:00.0");
}

static PciIdentity card(const char *serial) {
        return (PciIdentity){
                .vendor = 0x8086,
                .device = 0x10c9,
                .subsystem_vendor = 0x8086,
                .subsystem_device = 0xa03c,
                .serial = (char *)(uintptr_t)serial,
        };
}

static void another_card_does_not_match(void **state) {
        PciIdentity a = card("dsn:01"), b = card("dsn:01");

        assert_true(pci_identity_matches(&a, &b));
        b.serial = NULL;
        assert_true(pci_identity_matches(&a, &b)); /* parked: it shows none */
        b = card("mac:02");
        assert_true(pci_identity_matches(&a, &b));
        b = card("dsn:02");
        assert_false(pci_identity_matches(&a, &b));
        b = card("dsn:01");
        b.subsystem_device = 0;
        assert_false(pci_identity_matches(&a, &b));
        b = card("dsn:01");
        b.device = 0;
        assert_false(pci_identity_matches(&a, &b));
}

static void json_brings_it_back(void **state) {
        g_autoptr(TestHost) host = test_host_new("server");
        g_autoptr(PciIdentity) identity = identity_of(host, "0000:af:00.0");
        g_autoptr(PciIdentity) copy = pci_identity_copy(identity), back = NULL;
        json_t *json = pci_identity_to_json(copy);

        assert_non_null(json);
        assert_int_equal(pci_identity_from_json(json, &back), 0);
        json_decref(json);
        assert_true(pci_identity_matches(identity, back));
        assert_string_equal(back->serial, identity->serial);
        assert_string_equal(back->slot_path, identity->slot_path);
        assert_int_equal(back->subsystem_device, 0x1f67);
}

static void wrong_json_is_refused(void **state) {
        static const char *const texts[] = {
                "{}",
                "[]",
                "{\"vendor\": 1, \"device\": 2, \"subsystem_vendor\": 3}",
                "{\"vendor\": 65536, \"device\": 2, \"subsystem_vendor\": 3, \"subsystem_device\": "
                "4}",
                "{\"vendor\": -1, \"device\": 2, \"subsystem_vendor\": 3, \"subsystem_device\": 4}",
                "{\"vendor\": 1, \"device\": 2, \"subsystem_vendor\": 3, \"subsystem_device\": 4, "
                "\"serial\": 5}",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(PciIdentity) identity = NULL;
                json_t *json = json_loads(texts[i], 0, NULL);

                assert_int_equal(pci_identity_from_json(json, &identity), -EINVAL);
                assert_null(identity);
                json_decref(json);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_first_serial_that_is_there_counts),
                cmocka_unit_test(the_slot_path_names_the_bridges),
                cmocka_unit_test(another_card_does_not_match),
                cmocka_unit_test(json_brings_it_back),
                cmocka_unit_test(wrong_json_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
