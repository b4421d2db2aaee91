/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/holders.h"

#include "base/test.h"
#include "pci/test-host.h"

#define SOUND "sys/devices/pci0000:00/0000:00:05.0/0000:05:00.0/sound/card0"

static void put(const TestHost *host, const char *path, const char *text) {
        test_host_put(host, path, text, strlen(text));
}

static int host_setup(void **state) {
        TestHost *host = test_host_new("guide");

        put(host, SOUND "/controlC0/uevent", "MAJOR=116\nMINOR=7\nDEVNAME=snd/controlC0\n");
        put(host, "proc/77/comm", "pipewire\n");
        *state = host;
        return 0;
}

static int host_teardown(void **state) {
        test_host_free(*state);
        return 0;
}

static GHashTable *nodes_of(const TestHost *host, const char *text) {
        g_autoptr(PciDevice) dev = NULL;
        PciAddr addr;

        assert_int_equal(pci_addr_parse(text, &addr), 0);
        assert_int_equal(pci_device_load(host->sys, addr, &dev, NULL), 0);
        return holders_nodes(host->sys, dev);
}

static void who_has_a_node_open_is_named(void **state) {
        const TestHost *host = *state;
        g_autoptr(GHashTable) sound = nodes_of(host, "0000:05:00.0");
        g_autoptr(GHashTable) other = nodes_of(host, "0000:02:00.0");
        g_autofree char *holders = NULL;

        test_host_link(host, "proc/77/fd/9", "/dev/snd/controlC0");
        holders = holders_find(host->sys, sound);
        assert_string_equal(holders, "pipewire (pid 77, /dev/snd/controlC0)");
        assert_null(holders_find(host->sys, other));
}

/* The driver has taken the card's nodes away, and waits for pipewire. */
static void who_has_a_node_open_that_is_gone_is_named(void **state) {
        const TestHost *host = *state;
        g_autoptr(GHashTable) sound = nodes_of(host, "0000:05:00.0");
        g_autofree char *holders = NULL;

        test_host_remove(host, SOUND "/controlC0/uevent");
        test_host_link(host, "proc/77/fd/9", "/dev/snd/controlC0 (deleted)");
        holders = holders_find(host->sys, sound);
        assert_string_equal(holders, "pipewire (pid 77, /dev/snd/controlC0)");
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, host_setup, host_teardown)
        const struct CMUnitTest tests[] = {
                TEST(who_has_a_node_open_is_named),
                TEST(who_has_a_node_open_that_is_gone_is_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
