/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/guard.h"

#include "base/test.h"
#include "pci/test-host.h"

#define NVME    "sys/devices/pci0000:00/0000:00:04.0/0000:04:00.0"
#define MULTI   "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1"
#define ONBOARD "0000:00:19.0"

static void put(const TestHost *host, const char *path, const char *text) {
        test_host_put(host, path, text, strlen(text));
}

static int host_setup(void **state) {
        TestHost *host = test_host_new("guide");

        /* The capture has the disk mounted; each test says itself what is in use. */
        put(host, "proc/self/mountinfo", "");
        test_host_link(host, "sys/class/block/nvme0c0n1", "/" NVME "/nvme/nvme0/nvme0c0n1");
        test_host_link(host, "sys/class/block/nvme0n1", "/" MULTI);
        test_host_link(host, "sys/class/block/nvme0n1p1", "/" MULTI "/nvme0n1p1");
        put(host, MULTI "/dev", "259:1\n");
        put(host, MULTI "/nvme0n1p1/dev", "259:2\n");
        *state = host;
        return 0;
}

static int host_teardown(void **state) {
        test_host_free(*state);
        return 0;
}

/* The texts of all hits, one a line; warnings behind "(warning) ". */
static char *hits_of(const TestHost *host, const char *text) {
        g_autoptr(GPtrArray) hits = guard_hits_new();
        g_autoptr(GString) lines = g_string_new(NULL);
        g_autoptr(PciDevice) dev = NULL;
        PciAddr addr;

        assert_int_equal(pci_addr_parse(text, &addr), 0);
        assert_int_equal(pci_device_load(host->sys, addr, &dev, NULL), 0);
        assert_int_equal(guard_check(host->sys, dev, hits, NULL), 0);
        for (unsigned i = 0; i < hits->len; i++) {
                const GuardHit *hit = hits->pdata[i];

                g_string_append_printf(lines, "%s%s\n", hit->is_warning ? "(warning) " : "",
                                       hit->text);
        }
        return g_string_free(g_steal_pointer(&lines), FALSE);
}

static void expect(const TestHost *host, const char *addr, const char *expected) {
        g_autofree char *hits = hits_of(host, addr);

        assert_string_equal(hits, expected);
}

static void an_idle_disk_is_free(void **state) {
        expect(*state, "0000:04:00.0", "");
}

static void a_mount_is_found_behind_multipath(void **state) {
        const TestHost *host = *state;

        put(host, "proc/1/mountinfo",
            "30 1 0:26 / /proc rw - proc proc rw\n"
            "39 30 259:2 / /mnt/my\\040data rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw\n");
        expect(host, "0000:04:00.0",
               "/dev/nvme0n1p1 on nvme0n1 on nvme0c0n1 is mounted at /mnt/my data (ext4)\n");
        expect(host, "0000:01:00.0", "");
}

static void a_stack_is_followed_to_its_top(void **state) {
        const TestHost *host = *state;

        test_host_link(host, MULTI "/nvme0n1p1/holders/dm-0", "/sys/devices/virtual/block/dm-0");
        test_host_link(host, "sys/class/block/dm-0", "/sys/devices/virtual/block/dm-0");
        put(host, "sys/devices/virtual/block/dm-0/dev", "254:0\n");
        put(host, "sys/devices/virtual/block/dm-0/dm/name", "vg-root\n");
        put(host, "proc/self/mountinfo", "1 0 254:0 / / rw - xfs /dev/mapper/vg-root rw\n");
        put(host, "proc/swaps",
            "Filename Type Size Used Priority\n/dev/nvme0n1p1 partition 1 0 -2\n");
        expect(host, "0000:04:00.0",
               "/dev/mapper/vg-root on nvme0n1p1 on nvme0n1 on nvme0c0n1 is mounted at / (xfs)\n"
               "/dev/nvme0n1p1 on nvme0n1 on nvme0c0n1 is swap space\n"
               "/dev/mapper/vg-root on nvme0n1p1 on nvme0n1 on nvme0c0n1 is in use: device mapper "
               "(LVM, LUKS or multipath)\n");
}

static void a_mount_out_of_sight_counts(void **state) {
        const TestHost *host = *state;

        put(host, "sys/fs/ext4/nvme0n1/errors_count", "0\n");
        expect(host, "0000:04:00.0",
               "/dev/nvme0n1 on nvme0c0n1 is mounted where it cannot be seen from here (ext4)\n");
}

static void members_of_btrfs_and_zfs_count(void **state) {
        const TestHost *host = *state;

        put(host, "sys/fs/btrfs/1234/devices/nvme0n1p1", "");
        put(host, "run/udev/data/b259:1", "S:disk/by-id/x\nE:ID_FS_TYPE=zfs_member\n");
        expect(host, "0000:04:00.0",
               "/dev/nvme0n1p1 on nvme0n1 on nvme0c0n1 is part of the mounted btrfs 1234\n");
        put(host, "sys/module/zfs/version", "2\n");
        expect(host, "0000:04:00.0",
               "/dev/nvme0n1p1 on nvme0n1 on nvme0c0n1 is part of the mounted btrfs 1234\n"
               "/dev/nvme0n1 on nvme0c0n1 is a member of a ZFS pool\n");
}

static void the_default_route_counts_directly_and_through_a_bridge(void **state) {
        const TestHost *host = *state;
        const char *head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n";
        g_autofree char *direct = g_strconcat(
                head, "enp0s25\t00000000\tFE4CA8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", NULL);
        g_autofree char *bridged = g_strconcat(
                head, "br0\t00000000\tFE4CA8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", NULL);

        put(host, "proc/net/route", head);
        put(host, "proc/net/ipv6_route", "");
        put(host, "sys/class/net/enp0s25/flags", "0x1002\n");
        expect(host, ONBOARD, "");
        put(host, "sys/class/net/enp0s25/flags", "0x1003\n");
        expect(host, ONBOARD, "(warning) network interface enp0s25 is up and leaves the host\n");
        put(host, "proc/net/route", direct);
        put(host, "sys/class/net/enp0s25/flags", "0x1002\n");
        expect(host, ONBOARD, "network interface enp0s25 carries the default route\n");
        put(host, "proc/net/route", bridged);
        test_host_link(host, "sys/class/net/enp0s25/upper_br0", "/sys/devices/virtual/net/br0");
        test_host_link(host, "sys/class/net/enp0s25/master", "/sys/devices/virtual/net/br0");
        put(host, "sys/devices/virtual/net/br0/bridge/bridge_id", "x\n");
        test_host_link(host, "sys/class/net/br0", "/sys/devices/virtual/net/br0");
        expect(host, ONBOARD,
               "network interface enp0s25 is a port of the bridge br0\n"
               "network interface br0 carries the default route\n");
}

static void the_default_route_of_ipv6_counts(void **state) {
        const TestHost *host = *state;

        put(host, "proc/net/route", "");
        put(host, "proc/net/ipv6_route",
            "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
            "fe800000000000000000000000000001 00000400 00000001 00000000 00000003  enp0s25\n"
            "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
            "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n");
        put(host, "sys/class/net/enp0s25/flags", "0x1002\n");
        expect(host, ONBOARD, "network interface enp0s25 carries the default route\n");
}

static void a_boot_display_counts_when_something_is_on_it(void **state) {
        const TestHost *host = *state;

        put(host, "sys/devices/pci0000:00/0000:00:05.0/0000:05:00.0/uevent",
            "PCI_CLASS=30000\nPCI_ID=1234:1111\n");
        put(host, "sys/devices/pci0000:00/0000:00:05.0/0000:05:00.0/boot_vga", "1\n");
        expect(host, "0000:05:00.0", "(warning) it is the display that the host booted with\n");
        test_host_link(host, "sys/class/graphics/fb0",
                       "/sys/devices/pci0000:00/0000:00:05.0/0000:05:00.0/graphics/fb0");
        put(host, "sys/devices/pci0000:00/0000:00:05.0/0000:05:00.0/graphics/fb0/name", "x\n");
        expect(host, "0000:05:00.0", "the boot display's framebuffer fb0 is on it\n");
}

static void a_share_of_the_host_counts(void **state) {
        const TestHost *host = *state;

        test_host_link(host, "sys/bus/virtio/devices/virtio0",
                       "/sys/devices/pci0000:00/0000:00:1a.0/virtio0");
        put(host, "sys/devices/pci0000:00/0000:00:1a.0/virtio0/mount_tag", "root\n");
        test_host_link(host, "sys/devices/pci0000:00/0000:00:1a.0/virtio0/driver",
                       "/sys/bus/virtio/drivers/9pnet_virtio");
        expect(host, "0000:00:1a.0", "");
        put(host, "proc/self/mountinfo", "1 0 0:20 / / ro - 9p root ro,trans=virtio\n");
        expect(host, "0000:00:1a.0", "the share 'root' is mounted at / (9p)\n");
        put(host, "proc/self/mountinfo", "1 0 0:20 / / ro - overlay overlay rw\n");
        expect(host, "0000:00:1a.0",
               "the share 'root' may be a layer of the overlay that is mounted at /\n");
}

/* A guard that cannot look must not say yes: each of its reads in turn fails. */
static void what_cannot_be_read_is_no_yes(void **state) {
        const TestHost *host = *state;
        g_autoptr(PciDevice) dev = NULL;
        unsigned refused = 0;

        assert_int_equal(pci_device_load(host->sys, (PciAddr){.bus = 4}, &dev, NULL), 0);
        for (unsigned nth = 1; nth < 40; nth++) {
                g_autoptr(GPtrArray) hits = guard_hits_new();
                g_auto(Err) err = ERR_INIT;

                sys_fail_at(host->sys, nth, -EIO);
                if (guard_check(host->sys, dev, hits, &err) < 0) {
                        assert_true(err_is_set(&err));
                        refused++;
                }
                sys_fail_at(host->sys, 0, 0);
        }
        assert_true(refused >= 5);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, host_setup, host_teardown)
        const struct CMUnitTest tests[] = {
                TEST(an_idle_disk_is_free),
                TEST(a_mount_is_found_behind_multipath),
                TEST(a_stack_is_followed_to_its_top),
                TEST(a_mount_out_of_sight_counts),
                TEST(members_of_btrfs_and_zfs_count),
                TEST(the_default_route_counts_directly_and_through_a_bridge),
                TEST(the_default_route_of_ipv6_counts),
                TEST(a_boot_display_counts_when_something_is_on_it),
                TEST(a_share_of_the_host_counts),
                TEST(what_cannot_be_read_is_no_yes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
