/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/test.h"
#include "domain/device.h"
#include "domain/element.h"

#define GUEST(devices)                                                                     \
        "<domain type='kvm'><name>g</name><memory>65536</memory><os><type>hvm</type></os>" \
        "<devices>" devices "</devices></domain>"

static char *define(const char *xml) {
        g_autoptr(DomainDef) def = NULL;
        g_auto(Err) err = ERR_INIT;

        if (domain_def_parse(xml, strlen(xml), NULL, 0, &def, &err) < 0)
                print_error("%s\n", err.message);
        assert_non_null(def);
        return domain_def_format(def, DOMAIN_FORMAT_INACTIVE);
}

static void a_usb_version_is_two_decimal_pairs(void **state) {
        static const char *const wrong[] = {"", "2", "2.", ".5", "2.100", "100.0", "a.b", "2.0.0"};
        unsigned version;

        assert_int_equal(domain_redir_version("2.56", &version), 0);
        assert_int_equal(version, 0x0256);
        assert_int_equal(domain_redir_version("1.1", &version), 0);
        assert_int_equal(version, 0x0101);
        assert_int_equal(domain_redir_version("12.34", &version), 0);
        assert_int_equal(version, 0x1234);
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
                assert_int_equal(domain_redir_version(wrong[i], &version), -EINVAL);
}

/* Only what a daemon made is no part of a definition. */
static void a_socket_of_the_users_own_stays(void **state) {
#define CHANNEL(path)                                                      \
        GUEST("<channel type='unix'><source mode='bind' path='" path "'/>" \
              "<target type='virtio' name='a.0'/></channel>")
        static const char *const made[] = {
                CHANNEL("/run/airlock/guests/g/a.0"),
                CHANNEL("/var/lib/libvirt/qemu/channel/target/domain-1-g/a.0"),
        };
        static const char *const own[] = {CHANNEL("/tmp/a.0"), CHANNEL("/srv/sockets/g/a.0"),
                                          CHANNEL("/run/airlock/guests/g/b.0")};

        for (size_t i = 0; i < G_N_ELEMENTS(made); i++) {
                g_autofree char *text = define(made[i]);

                assert_null(strstr(text, "path="));
        }
        for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
                g_autofree char *text = define(own[i]);

                assert_non_null(strstr(text, "path="));
        }
}

static void the_first_console_has_all_of_the_serial_ports_stream(void **state) {
        g_autofree char *text = define(
                GUEST("<console type='udp'><source mode='bind' host='127.0.0.1' service='1'/>"
                      "<source mode='connect' host='127.0.0.1' service='2'/>"
                      "<log file='/tmp/log'/></console>"));
        const char *serial = strstr(text, "<serial type='udp'>");
        const char *console = strstr(text, "<console type='udp'>");

        assert_true(serial && console && serial < console);
        if (!serial || !console)
                return;
        assert_non_null(strstr(console, "service='1'"));
        assert_non_null(strstr(console, "service='2'"));
        assert_non_null(strstr(console, "/tmp/log"));
        assert_true(strstr(serial, "service='2'") < console);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_usb_version_is_two_decimal_pairs),
                cmocka_unit_test(a_socket_of_the_users_own_stays),
                cmocka_unit_test(the_first_console_has_all_of_the_serial_ports_stream),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
