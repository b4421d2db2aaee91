/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network/network-def.h"

#include <string.h>

#include "base/test.h"
#include "network/services.h"

#define IP(inner) "<ip address='192.0.2.1' netmask='255.255.255.0'>" inner "</ip>"
#define NETWORK(inner)                                                                   \
        "<network><name>n</name><uuid>5b0e3c6c-0f1d-4a51-9e0b-7ac12d8b640e</uuid>" inner \
        "</network>"

static int parse(const char *xml, NetworkDef **ret, Err *err) {
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);

        return network_def_parse(xml, false, warnings, ret, err);
}

static NetworkDef *network(const char *xml) {
        g_auto(Err) err = ERR_INIT;
        NetworkDef *def = NULL;

        if (parse(xml, &def, &err) < 0)
                print_error("%s\n", err.message);
        assert_non_null(def);
        return def;
}

static void a_definition_comes_back_as_it_was_given(void **state) {
        g_autoptr(NetworkDef) def = network(NETWORK(
                "<forward mode='nat'/><bridge name='virbr0'/><mac address='52:54:00:00:00:01'/>"
                "<domain name='lab'/><dns><host ip='192.0.2.9'><hostname>nine</hostname></host>"
                "</dns>" IP("<dhcp><range start='192.0.2.2' end='192.0.2.99'/></dhcp>")));
        g_autofree char *text = network_def_format(def);
        g_autoptr(NetworkDef) again = network(text);
        g_autofree char *second = network_def_format(again);

        assert_string_equal(text, second);
        assert_non_null(strstr(text, "<bridge name='virbr0' stp='on' delay='0'/>"));
        assert_non_null(strstr(text, "<forward mode='nat'/>"));
}

static void what_makes_no_sense_is_refused(void **state) {
        static const char *const bad[] = {
                NETWORK("<forward mode='nat'/>"), /* without an address */
                NETWORK("<forward mode='bridge'/>"),
                NETWORK("<forward mode='bridge'/><bridge name='br0'/>" IP("")),
                NETWORK("<forward mode='vepa'/>" IP("")),
                NETWORK("<bridge name='more-than-fifteen'/>" IP("")),
                NETWORK("<bridge name='a b'/>" IP("")),
                NETWORK("<ip address='192.0.2.256'/>"),
                NETWORK("<ip address='192.0.2.1' prefix='33'/>"),
                NETWORK("<ip address='192.0.2.1' netmask='255.0.255.0'/>"),
                NETWORK("<ip address='192.0.2.1' netmask='24'/>"),
                NETWORK("<forward mode='nat'><nat><address "
                        "start='1.1.1.1&#10;}'/></nat></forward>" IP("")),
                NETWORK("<forward mode='nat'><nat><port start='9' end='8'/></nat></forward>" IP(
                        "")),
                NETWORK(IP("<dhcp><range start='192.0.2.9' end='192.0.2.2'/></dhcp>")),
                NETWORK(IP("<dhcp><range start='192.0.3.2' end='192.0.3.9'/></dhcp>")),
                NETWORK(IP("<dhcp><host mac='52:54:00:00:00:01,evil' ip='192.0.2.5'/></dhcp>")),
                NETWORK("<domain name='a&#10;dhcp-script=/bin/sh'/>" IP("")),
                "<network><name>../n</name></network>",
                "<pool/>",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(NetworkDef) def = NULL;
                g_auto(Err) err = ERR_INIT;

                if (parse(bad[i], &def, &err) == 0)
                        print_error("%s\n", bad[i]);
                assert_null(def);
                assert_true(err_is_set(&err));
        }
}

static void addresses_are_told_inside_from_outside(void **state) {
        const NetworkIp v4 = {.address = (char *)(uintptr_t) "10.1.2.3",
                              .netmask = (char *)(uintptr_t) "255.255.254.0"};
        const NetworkIp v6 = {.family = (char *)(uintptr_t) "ipv6",
                              .address = (char *)(uintptr_t) "2001:db8::1",
                              .prefix = DOMAIN_NUM(63)};

        assert_int_equal(network_ip_prefix(&v4), 23);
        assert_true(network_ip_contains(&v4, "10.1.3.255"));
        assert_false(network_ip_contains(&v4, "10.1.4.0"));
        assert_false(network_ip_contains(&v4, "2001:db8::1"));
        assert_true(network_ip_contains(&v6, "2001:db8:0:1::5"));
        assert_false(network_ip_contains(&v6, "2001:db8:0:2::5"));
}

static void dnsmasq_gets_what_the_network_says(void **state) {
        static const ServicePaths paths = {"/run/n.pid", "/var/n.leases", "/run/n.hosts",
                                           "/run/n.names"};
        g_autoptr(NetworkDef) def = network(NETWORK(
                "<bridge name='virbr7'/><domain name='lab' localOnly='yes'/>"
                "<dns><forwarder addr='192.0.2.53'/><txt name='t' value='a b'/>"
                "<host ip='192.0.2.9'><hostname>nine</hostname><hostname>neuf</hostname></host>"
                "</dns>" IP("<dhcp><range start='192.0.2.2' end='192.0.2.99'/>"
                            "<host mac='52:54:00:00:00:01' name='one' ip='192.0.2.5'/></dhcp>")));
        g_autofree char *config = services_dnsmasq_config(def, &paths);
        g_autofree char *hosts = services_dnsmasq_hosts(def);
        g_autofree char *names = services_dnsmasq_addn_hosts(def);
        static const char *const lines[] = {
                "interface=virbr7\n",
                "server=192.0.2.53\n",
                "domain=lab\n",
                "local=/lab/\n",
                "txt-record=t,\"a b\"\n",
                "dhcp-range=192.0.2.2,192.0.2.99,255.255.255.0\n",
                "dhcp-hostsfile=/run/n.hosts\n",
                "dhcp-option=3\n",
        };

        assert_true(services_need_dnsmasq(def));
        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
                assert_non_null(strstr(config, lines[i]));
        assert_string_equal(hosts, "52:54:00:00:00:01,192.0.2.5,one\n");
        assert_string_equal(names, "192.0.2.9\tnine\tneuf\n");
}

static void each_mode_has_its_rules(void **state) {
        static const struct {
                const char *forward, *has, *lacks;
        } modes[] = {
                {"<forward mode='nat'/>", "masquerade", NULL},
                {"<forward mode='nat' dev='eth9'/>", "oifname { \"eth9\" }", NULL},
                {"<forward mode='nat'><nat><port start='1024' end='2048'/></nat></forward>",
                 "masquerade to :1024-2048", NULL},
                {"<forward mode='route'/>", "saddr 192.0.2.1/24 accept", "masquerade"},
                {"", "reject", "saddr"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
                g_autofree char *xml = g_strdup_printf(NETWORK("%s<bridge name='virbr7'/>" IP("")),
                                                       modes[i].forward);
                g_autoptr(NetworkDef) def = network(xml);
                g_autofree char *rules = services_rules(def);

                assert_non_null(strstr(rules, "delete table inet airlock_virbr7\n"));
                assert_non_null(strstr(rules, modes[i].has));
                assert_true(!modes[i].lacks || !strstr(rules, modes[i].lacks));
        }
}

static void an_open_network_has_none(void **state) {
        g_autoptr(NetworkDef) def =
                network(NETWORK("<forward mode='open'/><bridge name='virbr7'/>" IP("")));

        assert_null(services_rules(def));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_definition_comes_back_as_it_was_given),
                cmocka_unit_test(what_makes_no_sense_is_refused),
                cmocka_unit_test(addresses_are_told_inside_from_outside),
                cmocka_unit_test(dnsmasq_gets_what_the_network_says),
                cmocka_unit_test(each_mode_has_its_rules),
                cmocka_unit_test(an_open_network_has_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
