/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/options.h"

#include "base/test.h"

#include <unistd.h>

/* A configuration file with this text. */
static char *config(const char *text) {
        char *path = NULL;
        int fd = g_file_open_tmp("airlockd-XXXXXX.conf", &path, NULL);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
        return path;
}

/* Loads with --config and up to two more arguments. */
static int load(const char *text, const char *a, const char *b, Options *ret, Err *err) {
        g_autofree char *path = config(text);
        char *argv[] = {(char *)(uintptr_t) "airlockd", (char *)(uintptr_t) "--config", path,
                        (char *)(uintptr_t)a,           (char *)(uintptr_t)b,           NULL};
        int r = options_load(3 + (a != NULL) + (b != NULL), argv, ret, err);

        unlink(path);
        return r;
}

static void an_empty_file_gives_the_presets(void **state) {
        g_auto(Options) options = OPTIONS_INIT;

        assert_int_equal(load("[airlockd]\n", NULL, NULL, &options, NULL), 0);
        assert_string_equal(options.paths.config_dir, "/etc/airlock");
        assert_string_equal(options.paths.socket_dir, "/run/airlock");
        assert_string_equal(options.libvirt_socket_dir, "/run/libvirt");
        assert_true(options.libvirt_sockets);
        assert_null(options.socket_group);
        assert_int_equal(options.unix_auth, UNIX_AUTH_MODE);
        assert_int_equal(options.limits.max_assigned_functions, 32);
        assert_int_equal(options.limits.spare_root_ports, 4);
        assert_false(options.verbose || options.version);
}

static void the_file_sets_and_the_command_line_wins(void **state) {
        static const char text[] = "[airlockd]\n"
                                   "run-dir = /srv/run\n"
                                   "state-dir=/srv/state\n"
                                   "no-libvirt-sockets = yes\n"
                                   "max_assigned_functions = 64\n"
                                   "spare_root_ports = 0\n"
                                   "unix_auth = polkit\n"
                                   "socket-group = kvm\n";
        g_auto(Options) options = OPTIONS_INIT;

        assert_int_equal(load(text, "--state-dir=/other", "--verbose", &options, NULL), 0);
        assert_string_equal(options.paths.run_dir, "/srv/run");
        assert_string_equal(options.paths.socket_dir, "/srv/run");
        assert_string_equal(options.paths.state_dir, "/other");
        assert_false(options.libvirt_sockets);
        assert_int_equal(options.limits.max_assigned_functions, 64);
        assert_int_equal(options.limits.spare_root_ports, 0);
        assert_string_equal(options.socket_group, "kvm");
        assert_int_equal(options.unix_auth, UNIX_AUTH_POLKIT);
        assert_true(options.verbose);
}

static void flags_of_the_command_line_are_set_by_their_presence(void **state) {
        g_auto(Options) options = OPTIONS_INIT;

        assert_int_equal(load("[airlockd]\n", "--no-libvirt-sockets", "--version", &options, NULL),
                         0);
        assert_false(options.libvirt_sockets);
        assert_true(options.version);
}

static void what_is_wrong_is_named(void **state) {
        static const struct {
                const char *text, *argument, *message;
        } cases[] = {
                {"[airlockd]\nstat-dir = /x\n", NULL, "there is no key 'stat-dir'"},
                {"[airlockd]\nrun-dir = x\n", NULL, "run-dir: 'x' is no absolute path"},
                {"[airlockd]\nverbose = maybe\n", NULL, "verbose: 'maybe' is neither yes nor no"},
                {"[airlockd]\nunix-auth = none\n", NULL,
                 "unix-auth: 'none' is neither 'mode' nor 'polkit'"},
                {"[airlockd]\nmax-assigned-functions = 0\n", NULL,
                 "max-assigned-functions: '0' is no number from 1 to 256"},
                {"[airlockd]\nmax-assigned-functions = 8x\n", NULL,
                 "max-assigned-functions: '8x' is no number from 1 to 256"},
                {"[other]\n", NULL, "airlockd"},
                {"[airlockd]\n", "--bogus", "bogus"},
                {"[airlockd]\n", "word", "'word' is no option"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Options) options = OPTIONS_INIT;
                g_auto(Err) err = ERR_INIT;

                assert_true(load(cases[i].text, cases[i].argument, NULL, &options, &err) < 0);
                if (!strstr(err.message, cases[i].message))
                        assert_string_equal(err.message, cases[i].message);
                assert_null(options.paths.run_dir);
        }
}

static void a_named_file_must_be_there(void **state) {
        char *argv[] = {(char *)(uintptr_t) "airlockd",
                        (char *)(uintptr_t) "--config=/nonexistent/airlockd.conf", NULL};
        g_auto(Options) options = OPTIONS_INIT;
        g_auto(Err) err = ERR_INIT;

        assert_true(options_load(2, argv, &options, &err) < 0);
        assert_non_null(strstr(err.message, "/nonexistent/airlockd.conf"));
}

static void what_tls_needs_has_names_of_the_field(void **state) {
        static const char text[] = "[airlockd]\n"
                                   "listen_tls = 1\n"
                                   "tls_port = 16515\n"
                                   "config_dir = /nonexistent\n"
                                   "key_file = /k\n"
                                   "tls_allowed_dn_list = O=A,CN=b ; CN=c*\n";
        g_auto(Options) options = OPTIONS_INIT;

        assert_int_equal(load(text, NULL, NULL, &options, NULL), 0);
        assert_true(options.listen_tls);
        assert_int_equal(options.tls_port, 16515);
        assert_string_equal(options.key_file, "/k");
        assert_string_equal(options.cert_file, "/etc/pki/libvirt/servercert.pem");
        assert_string_equal(options.tls_allowed_dns[0], "O=A,CN=b");
        assert_string_equal(options.tls_allowed_dns[1], "CN=c*");
        assert_null(options.tls_allowed_dns[2]);
}

static void a_reload_takes_what_is_live_and_names_the_rest(void **state) {
        g_auto(Options) options = OPTIONS_INIT, fresh = OPTIONS_INIT, same = OPTIONS_INIT;
        g_auto(GStrv) names = NULL;

        assert_int_equal(
                load("[airlockd]\ncert-file=/a\nstate-dir=/s\n", NULL, NULL, &options, NULL), 0);
        assert_int_equal(load("[airlockd]\ncert-file=/b\nstate-dir=/t\nverbose=yes\n"
                              "unix-auth=polkit\n"
                              "tls-allowed-dn-list=CN=x\nmax-assigned-functions=7\n",
                              NULL, NULL, &fresh, NULL),
                         0);
        names = options_take(&options, &fresh);
        assert_string_equal(options.cert_file, "/b");
        assert_string_equal(options.tls_allowed_dns[0], "CN=x");
        assert_int_equal(options.limits.max_assigned_functions, 7);
        assert_true(options.verbose);
        assert_string_equal(options.paths.state_dir, "/s");
        assert_int_equal(options.unix_auth, UNIX_AUTH_MODE);
        assert_int_equal(g_strv_length(names), 2);
        assert_string_equal(names[0], "state-dir");
        assert_string_equal(names[1], "unix-auth");
        assert_int_equal(load("[airlockd]\ncert-file=/b\nstate-dir=/s\nverbose=yes\n"
                              "tls-allowed-dn-list=CN=x\nmax-assigned-functions=7\n",
                              NULL, NULL, &same, NULL),
                         0);
        assert_null(options_take(&options, &same));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_empty_file_gives_the_presets),
                cmocka_unit_test(the_file_sets_and_the_command_line_wins),
                cmocka_unit_test(flags_of_the_command_line_are_set_by_their_presence),
                cmocka_unit_test(what_is_wrong_is_named),
                cmocka_unit_test(a_named_file_must_be_there),
                cmocka_unit_test(what_tls_needs_has_names_of_the_field),
                cmocka_unit_test(a_reload_takes_what_is_live_and_names_the_rest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
