/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/test.h"
#include "daemon/passt.h"
#include "domain/device.h"

/* What passt is started with for an interface with these children, in one line. */
static char *line_of(const char *children) {
        g_autofree char *xml =
                g_strdup_printf("<domain type='kvm'><name>g</name><memory>65536</memory>"
                                "<os><type>hvm</type></os><devices><interface type='user'>%s"
                                "<backend type='passt'/></interface></devices></domain>",
                                children);
        g_autoptr(DomainDef) def = NULL;
        g_auto(GStrv) argv = NULL;
        g_auto(Err) err = ERR_INIT;
        DomainInterface *net;

        if (domain_def_parse(xml, strlen(xml), NULL, 0, &def, &err) < 0)
                print_error("%s\n", err.message);
        assert_non_null(def);
        net = g_ptr_array_index(def->devices.list[DOMAIN_INTERFACE], 0);
        net->source.path = g_strdup("/run/sock");
        argv = passt_arguments(net, "passt", "/run/pid");
        return g_strjoinv(" ", argv);
}

#define START "passt --one-off --socket /run/sock --pid /run/pid --runas 0"

static void a_plain_one_is_told_where_it_serves(void **state) {
        g_autofree char *line = line_of("");

        assert_string_equal(line, START);
}

static void ports_are_forwarded_as_they_are_written(void **state) {
        g_autofree char *line =
                line_of("<portForward proto='tcp' address='127.0.0.1'>"
                        "<range start='2022' to='22'/></portForward>"
                        "<portForward proto='udp' address='1.2.3.4' dev='eth0'>"
                        "<range start='5000' end='5020' to='6000'/>"
                        "<range start='5010' end='5015' exclude='yes'/></portForward>"
                        "<portForward proto='tcp' address='::1'/>"
                        "<portForward proto='tcp'/>");

        assert_string_equal(line, START " --tcp-ports 127.0.0.1/2022:22"
                                        " --udp-ports 1.2.3.4%eth0/5000-5020:6000-6020,~5010-5015"
                                        " --tcp-ports ::1/1-65535 --tcp-ports all");
}

static void addresses_and_the_device_are_given(void **state) {
        g_autofree char *line = line_of("<source dev='eth0'/><ip address='172.17.2.4' prefix='24'/>"
                                        "<ip address='2001:db8::20' prefix='64'/>"
                                        "<mtu size='1400'/>");

        assert_string_equal(line, START " --interface eth0 --mtu 1400 --address 172.17.2.4"
                                        " --netmask 24 --address 2001:db8::20");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_plain_one_is_told_where_it_serves),
                cmocka_unit_test(ports_are_forwarded_as_they_are_written),
                cmocka_unit_test(addresses_and_the_device_are_given),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
