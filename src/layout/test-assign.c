/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout/assign.h"

#include "base/test.h"

/* The first n of these devices go into a guest. */
static DomainDef *guest(const char *machine, const char *devices) {
        g_auto(Err) err = ERR_INIT;
        DomainDef *def = NULL;
        g_autofree char *text =
                g_strdup_printf("<domain type='kvm'><name>g</name><memory>65536</memory>"
                                "<os><type machine='%s'>hvm</type></os><devices>%s"
                                "<controller type='usb' model='none'/><memballoon model='none'/>"
                                "</devices></domain>",
                                machine, devices);

        if (domain_def_parse(text, strlen(text), NULL, 0, &def, &err) < 0 ||
            layout_assign(def, &err) < 0)
                print_error("%s\n", err.message);
        assert_non_null(def);
        return def;
}

static char *disks(unsigned n) {
        GString *text = g_string_new(NULL);

        for (unsigned i = 0; i < n; i++)
                g_string_append_printf(text,
                                       "<disk type='file'><source file='/d'/>"
                                       "<target dev='vd%c%c%c' bus='virtio'/></disk>",
                                       'a' + i / 676 % 26, 'a' + i / 26 % 26, 'a' + i % 26);
        return g_string_free(text, FALSE);
}

static DomainDevice *parse_device(DomainDef *def, const char *text) {
        g_auto(Err) err = ERR_INIT;
        DomainDevice *device = NULL;

        if (domain_device_parse(def, text, strlen(text), 0, &device, &err) < 0)
                print_error("%s\n", err.message);
        assert_non_null(device);
        return device;
}

#define HOSTDEV                                                                              \
        "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='9' slot='0' " \
        "function='0'/></source>%s</hostdev>"

static unsigned count_buses(const DomainDef *def, ControllerModel model) {
        unsigned n = 0;

        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER)
                n += controller->model == model;
        return n;
}

/* Every device on PCI has a place of its own; bridges stand before what is behind them. */
static void assert_all_placed(const DomainDef *def) {
        g_autoptr(GHashTable) places = g_hash_table_new(g_direct_hash, g_direct_equal);

        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        const DomainAddress *address = &device->address;

                        if (!domain_device_is_pci(def, device))
                                continue;
                        assert_int_equal(address->type, DOMAIN_ADDRESS_PCI);
                        assert_non_null(domain_def_find_bus(def, (unsigned)address->bus.value));
                        assert_true(g_hash_table_add(places,
                                                     GUINT_TO_POINTER(address->bus.value << 8 |
                                                                      address->slot.value << 3 |
                                                                      address->function.value)));
                        if (kind == DOMAIN_CONTROLLER &&
                            ((DomainController *)device)->type == CONTROLLER_PCI)
                                assert_true(address->bus.value <
                                            ((DomainController *)device)->index.value);
                }
        }
}

static void a_pc_takes_900_devices_behind_bridges(void **state) {
        g_autofree char *text = disks(900);
        g_autoptr(DomainDef) def = guest("pc", text);

        assert_all_placed(def);
        assert_int_equal(count_buses(def, PCI_MODEL_BRIDGE), 30);
}

static void a_q35_takes_200_devices_on_ports(void **state) {
        g_autofree char *text = disks(200);
        g_autoptr(DomainDef) def = guest("q35", text);

        assert_all_placed(def);
        assert_int_equal(count_buses(def, PCI_MODEL_PCIE_ROOT_PORT), 200 + LAYOUT_SPARE_PORTS);
}

static void a_full_q35_is_refused_by_name(void **state) {
        g_auto(Err) err = ERR_INIT;
        g_autofree char *text = disks(300);
        g_autofree char *xml =
                g_strdup_printf("<domain type='kvm'><name>full</name><memory>65536</memory>"
                                "<os><type machine='q35'>hvm</type></os><devices>%s</devices>"
                                "</domain>",
                                text);
        g_autoptr(DomainDef) def = NULL;

        assert_int_equal(domain_def_parse(xml, strlen(xml), NULL, 0, &def, NULL), 0);
        assert_true(layout_assign(def, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_CONFIG_UNSUPPORTED);
        assert_non_null(strstr(err.message, "'full'"));
}

static void an_added_device_moves_no_other(void **state) {
        g_autofree char *text = disks(5);
        g_autoptr(DomainDef) def = guest("q35", text);
        g_autoptr(DomainDef) old = domain_def_copy(def);
        DomainDevice *device =
                parse_device(def, "<rng model='virtio'><backend model='random'/></rng>");

        assert_int_equal(domain_def_add_device(def, NULL, device, NULL), 0);
        assert_int_equal(layout_assign(def, NULL), 0);
        assert_all_placed(def);
        for (guint i = 0; i < 5; i++) {
                DomainDevice *before = old->devices.list[DOMAIN_DISK]->pdata[i];
                DomainDevice *after = def->devices.list[DOMAIN_DISK]->pdata[i];

                assert_int_equal(before->address.bus.value, after->address.bus.value);
        }
        assert_int_equal(count_buses(old, PCI_MODEL_PCIE_ROOT_PORT),
                         count_buses(def, PCI_MODEL_PCIE_ROOT_PORT));
}

static void a_conventional_card_gets_a_bridge_on_q35(void **state) {
        g_autoptr(DomainDef) def = guest("q35", "");
        g_autofree char *text = g_strdup_printf(HOSTDEV, "");
        DomainDevice *device = parse_device(def, text);

        ((DomainHostdev *)device)->is_conventional = true;
        assert_int_equal(domain_def_add_device(def, NULL, device, NULL), 0);
        assert_int_equal(layout_assign(def, NULL), 0);
        assert_int_equal(count_buses(def, PCI_MODEL_PCIE_TO_PCI), 1);
        assert_int_equal(device->address.slot.value, 1);
        assert_all_placed(def);
}

static void a_plugged_device_finds_a_free_port(void **state) {
        g_autofree char *text = g_strdup_printf(HOSTDEV, "");
        g_autoptr(DomainDef) def = guest("q35", "");

        for (unsigned i = 0; i < LAYOUT_SPARE_PORTS; i++) {
                DomainDevice *device = parse_device(def, text);

                ((DomainHostdev *)device)->source.address.bus = DOMAIN_NUM(i);
                assert_int_equal(layout_find_free(def, device, NULL), 0);
                assert_int_equal(device->address.slot.value, 0);
                assert_int_equal(domain_def_add_device(def, NULL, device, NULL), 0);
                assert_all_placed(def);
        }
}

static void no_free_port_tells_the_way_out(void **state) {
        g_auto(Err) err = ERR_INIT;
        g_autofree char *text = g_strdup_printf(HOSTDEV, "");
        g_autoptr(DomainDef) def =
                guest("q35", "<controller type='pci' index='1' model='pcie-root-port'>"
                             "<target hotplug='off'/></controller>");
        g_autoptr(DomainDevice) device = parse_device(def, text);

        assert_true(layout_find_free(def, device, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_OPERATION_FAILED);
        assert_string_equal(err.message,
                            "guest 'g' has no free PCI Express port for hostdev 0000:09:00.0");
        assert_non_null(strstr(err.hint, "--config"));
}

static void a_given_place_is_checked_when_plugged(void **state) {
        static const struct {
                const char *machine, *address;
                int r;
        } cases[] = {
                {"pc", "<address type='pci' slot='9'/>", 0},
                {"pc", "<address type='pci' slot='9' function='1'/>", -EIO},
                {"pc", "<address type='pci' slot='1'/>", -EINVAL},
                {"pc", "<address type='pci' bus='4' slot='1'/>", -EINVAL},
                {"q35", "<address type='pci' slot='9'/>", -EIO},
                {"q35", "<address type='pci' bus='1' slot='0'/>", 0},
                {"q35", "<address type='pci' bus='1' slot='1'/>", -EINVAL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(DomainDef) def = guest(cases[i].machine, "");
                g_autofree char *text = g_strdup_printf(HOSTDEV, cases[i].address);
                g_autoptr(DomainDevice) device = parse_device(def, text);

                assert_int_equal(layout_find_free(def, device, NULL), cases[i].r);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_pc_takes_900_devices_behind_bridges),
                cmocka_unit_test(a_q35_takes_200_devices_on_ports),
                cmocka_unit_test(a_full_q35_is_refused_by_name),
                cmocka_unit_test(an_added_device_moves_no_other),
                cmocka_unit_test(a_conventional_card_gets_a_bridge_on_q35),
                cmocka_unit_test(a_plugged_device_finds_a_free_port),
                cmocka_unit_test(no_free_port_tells_the_way_out),
                cmocka_unit_test(a_given_place_is_checked_when_plugged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
