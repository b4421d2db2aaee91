/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/device.h"

#include "base/test.h"

#define DISK(dev) \
        "<disk type='file'><source file='/" dev "'/><target dev='" dev "' bus='virtio'/></disk>"
#define HOSTDEV(bus)                                                                    \
        "<hostdev mode='subsystem' type='pci' managed='yes'><source><address bus='" bus \
        "' slot='0' function='0'/></source></hostdev>"
#define NET(mac) "<interface type='user'><mac address='52:54:00:00:00:" mac "'/></interface>"

static DomainDef *guest(void) {
        static const char text[] =
                "<domain type='kvm'><name>g</name><memory>65536</memory>"
                "<os><type machine='q35'>hvm</type></os><devices>" DISK("vda") DISK("vdb")
                        HOSTDEV("1") HOSTDEV("2") NET("01") NET("0a") "</devices></domain>";
        g_auto(Err) err = ERR_INIT;
        DomainDef *def = NULL;

        if (domain_def_parse(text, strlen(text), NULL, 0, &def, &err) < 0)
                print_error("%s\n", err.message);
        assert_non_null(def);
        return def;
}

static int find(DomainDef *def, const char *text, DomainDevice **ret, Err *err) {
        g_autoptr(DomainDevice) wanted = NULL;
        int r = domain_device_parse(def, text, strlen(text), DOMAIN_PARSE_LIVE, &wanted, err);

        return r < 0 ? r : domain_def_find_device(def, wanted, ret, err);
}

static void a_device_is_found_by_its_key(void **state) {
        static const struct {
                const char *text, *alias;
        } cases[] = {
                {DISK("vdb"), "virtio-disk1"},
                {"<disk type='file'><target dev='vda'/></disk>", "virtio-disk0"},
                {HOSTDEV("2"), "hostdev1"},
                {HOSTDEV("0x01"), "hostdev0"},
                {NET("0A"), "net1"},
                {"<input type='mouse' bus='ps2'/>", "input0"},
                {"<memballoon model='virtio'/>", "balloon0"},
                {"<hostdev type='pci'><source><address bus='9' slot='0' function='0'/></source>"
                 "<alias name='hostdev1'/></hostdev>",
                 "hostdev1"},
        };
        g_autoptr(DomainDef) def = guest();

        domain_def_assign_aliases(def);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                DomainDevice *device = NULL;

                assert_int_equal(find(def, cases[i].text, &device, NULL), 0);
                g_assert(device);
                assert_string_equal(device->alias.name, cases[i].alias);
                assert_ptr_equal(domain_def_find_alias(def, cases[i].alias), device);
        }
}

static void what_is_not_there_is_named(void **state) {
        g_autoptr(DomainDef) def = guest();
        g_auto(Err) missing = ERR_INIT;
        DomainDevice *device = NULL;

        assert_true(find(def, HOSTDEV("7"), &device, &missing) < 0);
        assert_int_equal(missing.code, VIR_ERR_DEVICE_MISSING);
        assert_string_equal(missing.message, "guest 'g' has no such device: hostdev 0000:07:00.0");
        assert_null(device);
}

static void several_that_fit_are_refused(void **state) {
        static const char rng[] =
                "<rng model='virtio'><backend model='random'>/dev/random</backend></rng>";
        g_autoptr(DomainDef) def = guest();
        g_auto(Err) err = ERR_INIT;
        DomainDevice *device = NULL;

        for (int i = 0; i < 2; i++) {
                assert_int_equal(domain_device_parse(def, rng, strlen(rng), 0, &device, NULL), 0);
                assert_int_equal(domain_def_add_device(def, NULL, device, NULL), 0);
        }
        assert_true(find(def, rng, &device, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_OPERATION_FAILED);
}

static void a_device_that_does_not_fit_changes_nothing(void **state) {
        static const char *const texts[] = {DISK("vda"), HOSTDEV("1"),
                                            "<memballoon model='virtio'/>"};
        g_autoptr(DomainDef) def = guest();
        g_autofree char *before = domain_def_format(def, 0);

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(DomainDevice) device = NULL;
                g_auto(Err) err = ERR_INIT;
                g_autofree char *after = NULL;

                assert_int_equal(
                        domain_device_parse(def, texts[i], strlen(texts[i]), 0, &device, NULL), 0);
                assert_true(domain_def_add_device(def, NULL, device, &err) < 0);
                assert_true(err_is_set(&err));
                after = domain_def_format(def, 0);
                assert_string_equal(before, after);
        }
}

static void the_limit_of_host_functions_can_be_raised(void **state) {
        const DomainDefaults low = {.max_hostdevs = 2}, high = {.max_hostdevs = 3};
        g_autoptr(DomainDef) def = guest();
        g_auto(Err) err = ERR_INIT;
        DomainDevice *device = NULL;

        assert_int_equal(
                domain_device_parse(def, HOSTDEV("3"), strlen(HOSTDEV("3")), 0, &device, NULL), 0);
        assert_true(domain_def_add_device(def, &low, device, &err) < 0);
        assert_non_null(strstr(err.hint, "max_assigned_functions"));
        assert_int_equal(domain_def_add_device(def, &high, device, NULL), 0);
        assert_ptr_equal(domain_def_find_hostdev(def, (PciAddr){.bus = 3}), device);
        domain_device_free(domain_def_take_device(def, device));
        assert_null(domain_def_find_hostdev(def, (PciAddr){.bus = 3}));
}

static void a_device_alone_is_refused_as_in_a_guest(void **state) {
        static const struct {
                const char *text;
                ErrCode code;
        } cases[] = {
                {"<lease/>", VIR_ERR_CONFIG_UNSUPPORTED},
                {"<hologram/>", VIR_ERR_XML_ERROR},
                {"<hostdev type='scsi'/>", VIR_ERR_CONFIG_UNSUPPORTED},
                {"<hostdev type='pci'/>", VIR_ERR_XML_ERROR},
                {"<rng model='virtio'><backend model='random'/><x/></rng>",
                 VIR_ERR_XML_INVALID_SCHEMA},
        };
        g_autoptr(DomainDef) def = guest();

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Err) err = ERR_INIT;
                DomainDevice *device = NULL;

                assert_true(domain_device_parse(def, cases[i].text, strlen(cases[i].text),
                                                DOMAIN_PARSE_VALIDATE, &device, &err) < 0);
                assert_int_equal(err.code, cases[i].code);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_device_is_found_by_its_key),
                cmocka_unit_test(what_is_not_there_is_named),
                cmocka_unit_test(several_that_fit_are_refused),
                cmocka_unit_test(a_device_that_does_not_fit_changes_nothing),
                cmocka_unit_test(the_limit_of_host_functions_can_be_raised),
                cmocka_unit_test(a_device_alone_is_refused_as_in_a_guest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
