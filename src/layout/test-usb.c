/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout/assign.h"

#include "base/test.h"

#define TABLET "<input type='tablet' bus='usb'/>"

/* ret NULL: it has to fail, with this word in the message. */
static DomainDef *guest(const char *controllers, const char *devices, const char *word) {
        g_auto(Err) err = ERR_INIT;
        DomainDef *def = NULL;
        g_autofree char *text = g_strdup_printf(
                "<domain type='kvm'><name>g</name><memory>65536</memory><os><type machine='pc'>hvm"
                "</type></os><devices>%s%s<memballoon model='none'/></devices></domain>",
                controllers, devices);
        int r = domain_def_parse(text, strlen(text), NULL, 0, &def, &err);

        if (r == 0)
                r = layout_assign(def, NULL, &err);
        if (!word) {
                if (r < 0)
                        print_error("%s\n", err.message);
                assert_int_equal(r, 0);
                return def;
        }
        assert_true(r < 0);
        if (!strstr(err.message, word))
                print_error("%s\n", err.message);
        assert_non_null(strstr(err.message, word));
        domain_def_free(def);
        return NULL;
}

static char *repeat(const char *text, unsigned n) {
        GString *out = g_string_new(NULL);

        while (n-- > 0)
                g_string_append(out, text);
        return g_string_free(out, FALSE);
}

static const char *port_of(const DomainDef *def, DomainDeviceKind kind, unsigned i) {
        return ((const DomainDevice *)def->devices.list[kind]->pdata[i])->address.usb_port;
}

/* Every USB device has a port, and none shares it. */
static void assert_all_apart(const DomainDef *def) {
        g_autoptr(GHashTable) ports = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        if (!domain_device_is_usb(device))
                                continue;
                        assert_non_null(device->address.usb_port);
                        assert_true(g_hash_table_add(
                                ports, g_strdup_printf("%u-%s", (unsigned)device->address.bus.value,
                                                       device->address.usb_port)));
                }
        }
}

static void hubs_come_when_ports_run_out(void **state) {
        for (unsigned n = 1; n <= 100; n++) {
                g_autofree char *tablets = repeat(TABLET, n);
                g_autoptr(DomainDef) def =
                        guest("<controller type='usb' model='qemu-xhci'/>", tablets, NULL);
                /* Each hub takes one port and gives eight. */
                unsigned hubs = n <= 4 ? 0 : (n - 4 + 6) / 7;

                assert_int_equal(def->devices.list[DOMAIN_HUB]->len, hubs);
                assert_all_apart(def);
        }
}

static void a_port_never_moves(void **state) {
        for (unsigned n = 1; n <= 40; n++) {
                g_autofree char *tablets = repeat(TABLET, n);
                g_autoptr(DomainDef) def =
                        guest("<controller type='usb' model='piix3-uhci'/>", tablets, NULL);
                g_autofree char *before = domain_def_format(def, DOMAIN_FORMAT_INACTIVE);
                g_autoptr(DomainDef) again = NULL;
                g_autofree char *after = NULL;
                g_auto(Err) err = ERR_INIT;

                assert_int_equal(domain_def_parse(before, strlen(before), NULL, 0, &again, &err),
                                 0);
                assert_int_equal(layout_assign(again, NULL, &err), 0);
                after = domain_def_format(again, DOMAIN_FORMAT_INACTIVE);
                assert_string_equal(before, after);
        }
}

static void companions_have_the_ports_of_their_master(void **state) {
        g_autofree char *tablets = repeat(TABLET, 6);
        g_autoptr(DomainDef) def =
                guest("<controller type='usb' model='ich9-uhci1'><master startport='0'/>"
                      "</controller><controller type='usb' model='ich9-ehci1'/>",
                      tablets, NULL);

        assert_int_equal(def->devices.list[DOMAIN_HUB]->len, 0);
        assert_all_apart(def);
}

static void the_next_bus_takes_what_the_first_has_no_room_for(void **state) {
        g_autofree char *tablets = repeat(TABLET, 5);
        g_autoptr(DomainDef) def =
                guest("<controller type='usb' index='0' model='piix3-uhci'/>"
                      "<controller type='usb' index='1' model='qemu-xhci' ports='3'/>",
                      tablets, NULL);

        assert_int_equal(def->devices.list[DOMAIN_HUB]->len, 0);
        assert_string_equal(port_of(def, DOMAIN_INPUT, 1), "2");
        assert_string_equal(port_of(def, DOMAIN_INPUT, 2), "1");
        assert_all_apart(def);
}

static void paths_are_checked_port_by_port(void **state) {
        static const struct {
                const char *port, *word;
        } cases[] = {
                {"0", "not there"},     {"5", "not there"},
                {"01", "not there"},    {"-1", "not there"},
                {"", "not there"},      {"1.", "hub"},
                {"1.1", "hub"},         {"2.9", "not there"},
                {"2.1.1", "hub"},       {"2.1.1.1.1", "too many"},
                {"2", "held by input"}, {"99999999999999999999", "not"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *devices = g_strdup_printf(
                        "<hub type='usb'><address type='usb' bus='0' port='2'/></hub>"
                        "<input type='mouse' bus='usb'><address type='usb' bus='0' port='%s'/>"
                        "</input>",
                        cases[i].port);

                guest("<controller type='usb' model='qemu-xhci'/>", devices, cases[i].word);
        }
        guest("<controller type='usb' model='qemu-xhci'/>",
              "<input type='mouse' bus='usb'><address type='usb' bus='7' port='1'/></input>",
              "no USB bus 7");
}

static void a_device_is_plugged_where_there_is_room(void **state) {
        g_autofree char *tablets = repeat(TABLET, 3);
        g_autoptr(DomainDef) def =
                guest("<controller type='usb' model='qemu-xhci'/>", tablets, NULL);
        g_auto(Err) err = ERR_INIT;

        for (unsigned i = 0; i < 2; i++) {
                g_autoptr(DomainDevice) device = NULL;
                int r;

                assert_int_equal(domain_device_parse(def, TABLET, strlen(TABLET), 0, &device, &err),
                                 0);
                r = layout_find_free(def, device, &err);
                if (i == 1) { /* no hub comes while the guest runs */
                        assert_true(r < 0);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_string_equal(device->address.usb_port, "4");
                g_ptr_array_add(def->devices.list[DOMAIN_INPUT], g_steal_pointer(&device));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(hubs_come_when_ports_run_out),
                cmocka_unit_test(a_port_never_moves),
                cmocka_unit_test(companions_have_the_ports_of_their_master),
                cmocka_unit_test(the_next_bus_takes_what_the_first_has_no_room_for),
                cmocka_unit_test(paths_are_checked_port_by_port),
                cmocka_unit_test(a_device_is_plugged_where_there_is_room),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
