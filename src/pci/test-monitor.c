/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/monitor.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/test.h"
#include "base/util.h"
#include "pci/test-host.h"

/* Real events of this machine's kernel, asked for by writing to the uevent file of one of its
 * functions, for a captured host that has a function of the same address. That needs root, and a
 * machine with PCI. */
#define LIVE_FUNCTION  "/sys/bus/pci/devices/0000:00:00.0/uevent"
#define LIVE_INTERFACE "/sys/class/net/lo/uevent"

#define ROOT_COMPLEX "sys/devices/pci0000:00/0000:00:00.0"

#define WAIT_MS 10000
#define FLOOD   60000 /* events: more than the socket has room for */

typedef struct Fixture {
        TestHost *host;
        PciMonitor *monitor;
        PciTree *tree;
        GString *log; /* what the callbacks were told */
} Fixture;

static void note_function(PciAddr addr, const PciDevice *dev, PciChange change, void *userdata) {
        static const char marks[] = {'+', '-', '~'};

        g_string_append_printf(userdata, "%c%s ", marks[change], PCI_ADDR_TEXT(addr));
}

static void note_interface(const char *name, void *userdata) {
        g_string_append_printf(userdata, "net:%s ", name ? name : "all");
}

/* Skips the test where the kernel cannot be asked for events. */
static void fixture_init(Fixture *fixture) {
        if (access(LIVE_FUNCTION, W_OK) < 0 || access(LIVE_INTERFACE, W_OK) < 0)
                skip();
        fixture->host = test_host_new("amd-desktop");
        fixture->log = g_string_new(NULL);
        assert_int_equal(pci_monitor_new(&fixture->monitor, NULL), 0);
        assert_int_equal(pci_tree_new(fixture->host->sys, &fixture->tree, NULL), 0);
        pci_tree_set_callback(fixture->tree, note_function, fixture->log);
        pci_monitor_set_net_callback(fixture->monitor, note_interface, fixture->log);
}

static void fixture_done(Fixture *fixture) {
        pci_monitor_free(fixture->monitor);
        pci_tree_free(fixture->tree);
        test_host_free(fixture->host);
        if (fixture->log)
                g_string_free(fixture->log, TRUE);
}

static void ask(const char *file, unsigned times) {
        _cleanup_(closep) int fd = open(file, O_WRONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        for (unsigned i = 0; i < times; i++)
                assert_int_equal(write(fd, "change", 6), 6);
}

/* Dispatches until the log has the text; fails when it does not come. */
static void wait_for(Fixture *fixture, const char *text) {
        gint64 deadline = g_get_monotonic_time() + WAIT_MS * G_TIME_SPAN_MILLISECOND;

        while (!strstr(fixture->log->str, text)) {
                struct pollfd waiting = {.fd = pci_monitor_fd(fixture->monitor), .events = POLLIN};

                assert_true(g_get_monotonic_time() < deadline);
                poll(&waiting, 1, WAIT_MS);
                assert_int_equal(pci_monitor_dispatch(fixture->monitor, fixture->tree, NULL), 0);
        }
}

static void give_driver(const Fixture *fixture, const char *path, const char *ids) {
        g_autofree char *file = g_build_filename(path, "uevent", NULL);
        g_autofree char *text = g_strdup_printf("DRIVER=other\nPCI_ID=%s\n", ids);

        test_host_put(fixture->host, file, text, strlen(text));
}

static void an_event_refreshes_the_function_that_it_names(void **state) {
        _cleanup_(fixture_done) Fixture fixture = {};

        fixture_init(&fixture);
        give_driver(&fixture, ROOT_COMPLEX, "1022:1480");
        give_driver(&fixture, "sys/devices/pci0000:00/0000:00:03.0", "1022:1482");
        ask(LIVE_FUNCTION, 3);
        wait_for(&fixture, "~0000:00:00.0 ");
        assert_null(strstr(fixture.log->str, "~0000:00:03.0"));
        assert_null(strstr(fixture.log->str, "net:all"));
}

static void a_lost_virtual_function_refreshes_its_owner(void **state) {
        _cleanup_(fixture_done) Fixture fixture = {};
        PciAddr addr = {};

        fixture_init(&fixture);
        test_host_link(fixture.host, ROOT_COMPLEX "/physfn", "../0000:00:03.0");
        assert_int_equal(pci_tree_refresh(fixture.tree, addr, NULL), 0);
        give_driver(&fixture, "sys/devices/pci0000:00/0000:00:03.0", "1022:1482");
        test_host_remove(fixture.host, "sys/bus/pci/devices/0000:00:00.0");
        ask(LIVE_FUNCTION, 1);
        wait_for(&fixture, "-0000:00:00.0 ~0000:00:03.0 ");
}

static void an_event_names_the_interface(void **state) {
        _cleanup_(fixture_done) Fixture fixture = {};

        fixture_init(&fixture);
        ask(LIVE_INTERFACE, 1);
        wait_for(&fixture, "net:lo ");
}

static void after_an_overrun_all_is_read_again(void **state) {
        _cleanup_(fixture_done) Fixture fixture = {};

        if (access("/run/udev/control", F_OK) == 0)
                skip(); /* udevd would work through the flood for minutes */
        fixture_init(&fixture);
        give_driver(&fixture, "sys/devices/pci0000:00/0000:00:03.0", "1022:1482");
        ask(LIVE_FUNCTION, FLOOD);
        wait_for(&fixture, "~0000:00:03.0 ");
        assert_non_null(strstr(fixture.log->str, "net:all "));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_event_refreshes_the_function_that_it_names),
                cmocka_unit_test(a_lost_virtual_function_refreshes_its_owner),
                cmocka_unit_test(an_event_names_the_interface),
                cmocka_unit_test(after_an_overrun_all_is_read_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
