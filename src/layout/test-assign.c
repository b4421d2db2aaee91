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
            layout_assign(def, NULL, &err) < 0)
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

#define RNG "<rng model='virtio'><backend model='random'/></rng>"

static char *repeat(const char *text, unsigned n) {
        GString *all = g_string_new(NULL);

        while (n-- > 0)
                g_string_append(all, text);
        return g_string_free(all, FALSE);
}

static void a_full_q35_is_refused_by_name(void **state) {
        g_auto(Err) err = ERR_INIT;
        g_autofree char *text = disks(1000), *rngs = repeat(RNG, 1000);
        g_autofree char *xml =
                g_strdup_printf("<domain type='kvm'><name>full</name><memory>65536</memory>"
                                "<os><type machine='q35'>hvm</type></os><devices>%s%s</devices>"
                                "</domain>",
                                text, rngs);
        g_autoptr(DomainDef) def = NULL;

        assert_int_equal(domain_def_parse(xml, strlen(xml), NULL, 0, &def, NULL), 0);
        assert_true(layout_assign(def, NULL, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_CONFIG_UNSUPPORTED);
        assert_non_null(strstr(err.message, "'full'"));
}

/* 27 slots of bus 0 hold ports; the rest sits on bridges, of which one port leads to the first. */
static void a_q35_out_of_ports_uses_bridges(void **state) {
        g_autofree char *text = disks(500);
        g_autoptr(DomainDef) def = guest("q35", text);

        assert_all_placed(def);
        assert_int_equal(count_buses(def, PCI_MODEL_PCIE_TO_PCI), 1);
        assert_true(count_buses(def, PCI_MODEL_PCIE_ROOT_PORT) >= 224);
        assert_true(count_buses(def, PCI_MODEL_BRIDGE) >= 8);
}

static void spare_ports_are_settable(void **state) {
        static const LayoutOptions none = {.spare_ports = 0}, many = {.spare_ports = 11};
        g_autoptr(DomainDef) bare = NULL, wide = NULL;
        static const char xml[] = "<domain type='kvm'><name>g</name><memory>65536</memory>"
                                  "<os><type machine='q35'>hvm</type></os><devices/></domain>";

        assert_int_equal(domain_def_parse(xml, strlen(xml), NULL, 0, &bare, NULL), 0);
        wide = domain_def_copy(bare);
        assert_int_equal(layout_assign(bare, &none, NULL), 0);
        assert_int_equal(layout_assign(wide, &many, NULL), 0);
        assert_int_equal(count_buses(wide, PCI_MODEL_PCIE_ROOT_PORT),
                         count_buses(bare, PCI_MODEL_PCIE_ROOT_PORT) + 11);
        assert_all_placed(wide);
}

/* However a guest grows, there is a slot for the next bridge. */
static void a_pc_grows_one_device_at_a_time(void **state) {
        g_autoptr(DomainDef) def = guest("pc", "");

        for (unsigned i = 0; i < 100; i++) {
                DomainDevice *device = parse_device(def, RNG);

                assert_int_equal(domain_def_add_device(def, NULL, device, NULL), 0);
                assert_int_equal(layout_assign(def, NULL, NULL), 0);
        }
        assert_all_placed(def);
        assert_int_equal(count_buses(def, PCI_MODEL_BRIDGE), 3);
}

/* The last slot waits for a bridge, which is added while the guest is off. */
static void a_running_pc_leaves_a_slot_for_the_bridge(void **state) {
        g_auto(Err) err = ERR_INIT;
        g_autofree char *text = disks(28);
        g_autoptr(DomainDef) def = guest("pc", text);
        DomainDevice *device = parse_device(def, RNG);

        assert_int_equal(layout_find_free(def, device, &err), -EIO);
        assert_string_equal(err.message, "guest 'g' has no free PCI slot for rng");
        assert_non_null(strstr(err.hint, "--config"));
        assert_int_equal(domain_def_add_device(def, NULL, device, NULL), 0);
        assert_int_equal(layout_assign(def, NULL, NULL), 0);
        assert_int_equal(count_buses(def, PCI_MODEL_BRIDGE), 1);
        assert_all_placed(def);
}

#define EXPANDER                                                                               \
        "<controller type='pci' index='1' model='pcie-expander-bus'/>"                         \
        "<controller type='pci' index='2' model='pcie-root-port'><address type='pci' bus='1' " \
        "slot='0'/></controller>"

static void an_expander_takes_what_is_addressed_there(void **state) {
        g_autofree char *text = disks(3);
        g_autofree char *devices = g_strconcat(
                EXPANDER, text,
                "<rng model='virtio'><backend model='random'/><address type='pci' bus='2' "
                "slot='0'/></rng>",
                NULL);
        g_autoptr(DomainDef) def = guest("q35", devices);

        assert_all_placed(def);
        DOMAIN_FOREACH(DomainDevice, disk, def, DOMAIN_DISK)
                assert_true(disk->address.bus.value > 2);
        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER) {
                if (controller->index.value > 2)
                        assert_int_equal(controller->base.address.bus.value, 0);
        }
}

static void controllers_stand_where_they_work(void **state) {
        static const struct {
                const char *machine, *devices, *words;
        } cases[] = {
                {"q35",
                 "<controller type='pci' index='1' model='pcie-root-port'/>"
                 "<controller type='pci' index='2' model='pcie-root-port'>"
                 "<address type='pci' bus='1' slot='0'/></controller>",
                 "is not on a root bus"},
                {"q35",
                 "<controller type='pci' index='1' model='pcie-switch-upstream-port'>"
                 "<address type='pci' bus='0' slot='5'/></controller>",
                 "is not behind a port"},
                {"q35",
                 "<controller type='pci' index='1' model='pcie-root-port'/>"
                 "<controller type='pci' index='2' model='pcie-expander-bus'>"
                 "<address type='pci' bus='1' slot='0'/></controller>",
                 "an expander bus is on bus 0"},
                {"pc",
                 "<controller type='pci' index='1' model='pci-bridge'>"
                 "<address type='pci' slot='5'/></controller>"
                 "<rng model='virtio'><backend model='random'/><address type='pci' "
                 "slot='5'/></rng>",
                 "is held by controller 1"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Err) err = ERR_INIT;
                g_autoptr(DomainDef) def = NULL;
                g_autofree char *xml = g_strdup_printf(
                        "<domain type='kvm'><name>g</name><memory>65536</memory><os><type "
                        "machine='%s'>hvm</type></os><devices>%s</devices></domain>",
                        cases[i].machine, cases[i].devices);

                assert_int_equal(domain_def_parse(xml, strlen(xml), NULL, 0, &def, &err), 0);
                assert_int_equal(layout_assign(def, NULL, &err), -EINVAL);
                assert_non_null(strstr(err.message, cases[i].words));
        }
}

/* ---- addresses never move ---- */

#define LIVES   40 /* guests */
#define CHANGES 25 /* of each */

static char *random_device(GRand *rand, unsigned number) {
        static const char *const texts[] = {
                RNG,
                "<interface type='user'><model type='e1000'/></interface>",
                "<interface type='user'><model type='virtio'/></interface>",
                "<controller type='usb' model='qemu-xhci' index='%u'/>",
                "<controller type='pci'/>",
                ("<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='%u' "
                 "slot='0' function='0'/></source></hostdev>"),
        };
        const char *text = texts[g_rand_int_range(rand, 0, G_N_ELEMENTS(texts))];
        const char *place = strstr(text, "%u");

        if (!place)
                return g_strdup(text);
        return g_strdup_printf("%.*s%u%s", (int)(place - text), text, number, place + 2);
}

typedef struct Seat {
        const DomainDevice *device;
        uint64_t place;
} Seat;

static uint64_t place_of(const DomainDevice *device) {
        const DomainAddress *address = &device->address;

        return address->bus.value << 8 | address->slot.value << 3 | address->function.value;
}

static GArray *seats(const DomainDef *def) {
        GArray *all = g_array_new(FALSE, FALSE, sizeof(Seat));

        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        Seat seat = {device, place_of(device)};

                        if (domain_device_is_pci(def, device))
                                g_array_append_val(all, seat);
                }
        }
        return all;
}

static void drop_random_device(DomainDef *def, GRand *rand) {
        static const DomainDeviceKind kinds[] = {DOMAIN_RNG, DOMAIN_INTERFACE, DOMAIN_HOSTDEV};
        DomainDeviceKind kind = kinds[g_rand_int_range(rand, 0, G_N_ELEMENTS(kinds))];
        GPtrArray *list = def->devices.list[kind];

        if (list->len > 0)
                domain_device_free(domain_def_take_device(
                        def, list->pdata[g_rand_int_range(rand, 0, (int)list->len)]));
}

static void assert_defines_the_same(const DomainDef *def) {
        g_autofree char *text = domain_def_format(def, DOMAIN_FORMAT_INACTIVE);
        g_autofree char *again = NULL;
        g_autoptr(DomainDef) copy = NULL;

        assert_int_equal(domain_def_parse(text, strlen(text), NULL, 0, &copy, NULL), 0);
        assert_int_equal(layout_assign(copy, NULL, NULL), 0);
        again = domain_def_format(copy, DOMAIN_FORMAT_INACTIVE);
        assert_string_equal(text, again);
}

static void change(DomainDef *def, GRand *rand, unsigned number) {
        g_autofree char *text = NULL;
        DomainDevice *device;

        if (g_rand_int_range(rand, 0, 3) == 0)
                drop_random_device(def, rand);
        text = random_device(rand, number);
        device = parse_device(def, text);
        if (domain_def_add_device(def, NULL, device, NULL) < 0)
                domain_device_free(device);
}

static void assert_assigned(DomainDef *def) {
        g_auto(Err) err = ERR_INIT;

        if (layout_assign(def, NULL, &err) < 0)
                print_error("%s\n", err.message);
        assert_false(err_is_set(&err));
        assert_all_placed(def);
}

static void no_address_moves_by_itself(void **state) {
        for (unsigned life = 0; life < LIVES; life++) {
                GRand *rand = g_rand_new_with_seed(life);
                g_autoptr(DomainDef) def = guest(life % 2 ? "pc" : "q35", "");

                for (unsigned i = 0; i < CHANGES; i++) {
                        g_autoptr(GArray) before = NULL;

                        change(def, rand, i + 1);
                        before = seats(def);
                        assert_assigned(def);
                        for (guint k = 0; k < before->len; k++) {
                                const Seat *seat = &g_array_index(before, Seat, k);

                                if (seat->place > 0)
                                        assert_int_equal(place_of(seat->device), seat->place);
                        }
                        assert_defines_the_same(def);
                }
                g_rand_free(rand);
        }
}

static void functions_of_a_card_share_a_slot(void **state) {
        static const char *const machines[] = {"pc", "q35"};
        GString *text = g_string_new(NULL);

        for (int function = 3; function >= 0; function--)
                g_string_append_printf(text,
                                       "<hostdev mode='subsystem' type='pci'><source><address "
                                       "domain='0' bus='9' slot='4' function='%d'/></source>"
                                       "</hostdev>",
                                       function);
        for (size_t i = 0; i < G_N_ELEMENTS(machines); i++) {
                g_autoptr(DomainDef) def = guest(machines[i], text->str);
                const DomainHostdev *zero = def->devices.list[DOMAIN_HOSTDEV]->pdata[3];

                assert_int_equal(zero->base.address.multifunction, DOMAIN_SWITCH_ON);
                DOMAIN_FOREACH(DomainHostdev, hostdev, def, DOMAIN_HOSTDEV) {
                        const DomainAddress *address = &hostdev->base.address;

                        assert_int_equal(address->bus.value, zero->base.address.bus.value);
                        assert_int_equal(address->slot.value, zero->base.address.slot.value);
                        assert_int_equal(address->function.value,
                                         domain_hostdev_addr(hostdev).function);
                }
        }
        g_string_free(text, TRUE);
}

static void an_added_device_moves_no_other(void **state) {
        g_autofree char *text = disks(5);
        g_autoptr(DomainDef) def = guest("q35", text);
        g_autoptr(DomainDef) old = domain_def_copy(def);
        DomainDevice *device =
                parse_device(def, "<rng model='virtio'><backend model='random'/></rng>");

        assert_int_equal(domain_def_add_device(def, NULL, device, NULL), 0);
        assert_int_equal(layout_assign(def, NULL, NULL), 0);
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
        assert_int_equal(layout_assign(def, NULL, NULL), 0);
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
                cmocka_unit_test(a_q35_out_of_ports_uses_bridges),
                cmocka_unit_test(spare_ports_are_settable),
                cmocka_unit_test(a_pc_grows_one_device_at_a_time),
                cmocka_unit_test(a_running_pc_leaves_a_slot_for_the_bridge),
                cmocka_unit_test(an_expander_takes_what_is_addressed_there),
                cmocka_unit_test(controllers_stand_where_they_work),
                cmocka_unit_test(no_address_moves_by_itself),
                cmocka_unit_test(functions_of_a_card_share_a_slot),
                cmocka_unit_test(an_added_device_moves_no_other),
                cmocka_unit_test(a_conventional_card_gets_a_bridge_on_q35),
                cmocka_unit_test(a_plugged_device_finds_a_free_port),
                cmocka_unit_test(no_free_port_tells_the_way_out),
                cmocka_unit_test(a_given_place_is_checked_when_plugged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
