/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/test.h"

#include "client/guest.h"
#include "client/remote-shell.h"
#include "client/uri.h"

static void assert_uri(const char *text, bool read_only, const char *name, const char *socket) {
        g_auto(Uri) uri = {};
        g_auto(Err) err = ERR_INIT;

        assert_int_equal(uri_parse(text, read_only, &uri, &err), 0);
        assert_string_equal(uri.name, name);
        assert_string_equal(uri.socket, socket);
}

static void assert_refused(const char *text) {
        g_auto(Uri) uri = {};
        g_auto(Err) err = ERR_INIT;

        assert_true(uri_parse(text, false, &uri, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_INVALID_ARG);
        assert_null(uri.socket);
}

static void every_form_leads_to_a_socket(void **state) {
        g_unsetenv("AIRLOCK_SOCKET");
        assert_uri(NULL, false, "", "/run/airlock/airlock-sock");
        assert_uri("", true, "", "/run/airlock/airlock-sock-ro");
        assert_uri("/tmp/x", false, "", "/tmp/x");
        assert_uri("qemu:///system", false, "qemu:///system", "/run/airlock/airlock-sock");
        assert_uri("qemu:///system", true, "qemu:///system", "/run/airlock/airlock-sock-ro");
        assert_uri("airlock:///system?socket=/tmp/x", false, "airlock:///system", "/tmp/x");
        assert_uri("qemu+unix:///system?mode=direct&socket=/tmp/x%20y", false, "qemu:///system",
                   "/tmp/x y");
}

static void the_environment_replaces_the_default_only(void **state) {
        g_setenv("AIRLOCK_SOCKET", "/tmp/env", TRUE);
        assert_uri(NULL, true, "", "/tmp/env");
        assert_uri("qemu:///system", false, "qemu:///system", "/tmp/env");
        assert_uri("qemu:///system?socket=/tmp/x", false, "qemu:///system", "/tmp/x");
        g_unsetenv("AIRLOCK_SOCKET");
}

static void other_hosts_and_nonsense_are_refused(void **state) {
        assert_refused("foo");
        assert_refused("://");
        assert_refused("qemu+unix://host/system");
        assert_refused("qemu+tcp://host/system");
        assert_refused("qemu+ssh://host:99999/system");
        assert_refused("qemu:///system?socket=relative");
        assert_refused("qemu:///system?socket=%zz");
        assert_refused("qemu:///system?sockett=/tmp/x");
        assert_refused("qemu+ssh://host/system?proxy=maybe");
        assert_refused("qemu+ssh://host/system?no_verify=perhaps");
        assert_refused("qemu:///system?mode=sideways");
}

static void other_hosts_have_a_transport(void **state) {
        g_auto(Uri) ssh = {}, tls = {}, plain = {};

        assert_int_equal(uri_parse("qemu+ssh://root@[::1]:2222/system?keyfile=/k&proxy=netcat"
                                   "&no_verify=1&command=/bin/s%20sh&mode=legacy",
                                   true, &ssh, NULL),
                         0);
        assert_int_equal(ssh.transport, URI_SSH);
        assert_string_equal(ssh.name, "qemu:///system");
        assert_string_equal(ssh.host, "::1");
        assert_string_equal(ssh.user, "root");
        assert_int_equal(ssh.port, 2222);
        assert_string_equal(ssh.keyfile, "/k");
        assert_string_equal(ssh.command, "/bin/s sh");
        assert_string_equal(ssh.socket, "/run/libvirt/libvirt-sock-ro");
        assert_int_equal(ssh.proxy, URI_PROXY_NETCAT);
        assert_true(ssh.no_verify && !ssh.no_tty && ssh.read_only);
        assert_int_equal(uri_parse("qemu://host/system?pkipath=/p", false, &tls, NULL), 0);
        assert_int_equal(tls.transport, URI_TLS);
        assert_string_equal(tls.pkipath, "/p");
        assert_null(tls.socket);
        assert_int_equal(uri_parse("qemu+tls:///system", false, &plain, NULL), 0);
        assert_string_equal(plain.host, "localhost");
}

/* What the other host's shell reads: nothing of the URI may be more than a word there. */
static void what_ssh_runs_is_quoted(void **state) {
        g_auto(Uri) uri = {};
        g_auto(GStrv) arguments = NULL, words = NULL, script = NULL;
        guint n;

        assert_int_equal(
                uri_parse("qemu+ssh://h/system?socket=/a'%20b;c&no_tty=1", false, &uri, NULL), 0);
        arguments = remote_shell_arguments(&uri);
        n = g_strv_length(arguments);
        assert_string_equal(arguments[0], "ssh");
        assert_string_equal(arguments[n - 3], "--");
        assert_string_equal(arguments[n - 2], "h");
        assert_true(g_strv_contains((const char *const *)arguments, "BatchMode=yes"));
        assert_true(g_shell_parse_argv(arguments[n - 1], NULL, &words, NULL));
        assert_int_equal(g_strv_length(words), 3);
        assert_string_equal(words[1], "-c");
        assert_non_null(strstr(words[2], "virt-ssh-helper"));
        assert_non_null(strstr(words[2], "s='/a'\\'' b;c';"));
}

static void a_uuid_reads_with_and_without_dashes(void **state) {
        static const char text[] = "4e54016e-8114-4b75-8bd9-de20858d462c";
        Guest guest = {};
        char formatted[37];

        assert_int_equal(guest_parse_uuid(text, guest.uuid), 0);
        guest_format_uuid(&guest, formatted);
        assert_string_equal(formatted, text);
        assert_int_equal(guest_parse_uuid("4e54016e81144b758bd9de20858d462c", guest.uuid), 0);
        guest_format_uuid(&guest, formatted);
        assert_string_equal(formatted, text);
}

static void what_is_no_uuid_is_refused(void **state) {
        static const char *const bad[] = {
                "",
                "g1",
                "4e54016e-8114-4b75-8bd9-de20858d462",
                "4e54016e-8114-4b75-8bd9-de20858d462cc",
                "4e54016e-8114-4b75-8bd9-de20858d462g",
                "-4e54016e81144b758bd9de20858d462c",
        };
        uint8_t uuid[GUEST_UUID_SIZE];

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                assert_int_equal(guest_parse_uuid(bad[i], uuid), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_form_leads_to_a_socket),
                cmocka_unit_test(the_environment_replaces_the_default_only),
                cmocka_unit_test(other_hosts_and_nonsense_are_refused),
                cmocka_unit_test(other_hosts_have_a_transport),
                cmocka_unit_test(what_ssh_runs_is_quoted),
                cmocka_unit_test(a_uuid_reads_with_and_without_dashes),
                cmocka_unit_test(what_is_no_uuid_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
