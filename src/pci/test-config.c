/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/config.h"

#include "base/test.h"

typedef struct Space {
        uint8_t bytes[PCI_CONFIG_EXTENDED_SIZE];
} Space;

static void put(Space *space, unsigned offset, uint32_t value, unsigned size) {
        for (unsigned i = 0; i < size; i++)
                space->bytes[offset + i] = (uint8_t)(value >> (8 * i));
}

/* A function whose capability list begins at 0x40. */
static Space *space_new(void) {
        Space *space = g_new0(Space, 1);

        put(space, 0x06, 0x10, 2);
        put(space, 0x34, 0x40, 1);
        return space;
}

static PciConfig parse(const Space *space, size_t size) {
        PciConfig config;

        pci_config_parse(space->bytes, size, &config);
        return config;
}

static void an_endpoint_shows_its_abilities(void **state) {
        g_autofree Space *space = space_new();
        PciConfig config;

        put(space, 0x08, 0x02, 1);
        put(space, 0x40, 0x5001, 2); /* power management, next 0x50 */
        put(space, 0x50, 0x7005, 2); /* MSI */
        put(space, 0x70, 0xa011, 2); /* MSI-X */
        put(space, 0xa0, 0x0010, 2); /* PCI Express, type endpoint */
        put(space, 0xa2, 0x0002, 2);
        put(space, 0xa4, 1u << 28, 4);    /* FLR */
        put(space, 0xac, 0x03000c43, 4);  /* port 3, x4, 8 GT/s */
        put(space, 0xb2, 0x0012, 2);      /* x1, 5 GT/s */
        put(space, 0x100, 0x14010001, 4); /* AER, next 0x140 */
        put(space, 0x140, 0x15010003, 4); /* serial number, next 0x150 */
        put(space, 0x144, 0xff123456, 4);
        put(space, 0x148, 0x00a0c9ff, 4);
        put(space, 0x150, 0x1601000e, 4); /* ARI, next 0x160 */
        put(space, 0x160, 0x00010010, 4); /* SR-IOV */
        put(space, 0x16e, 7, 2);
        config = parse(space, sizeof(space->bytes));
        assert_true(config.responds && config.is_express && config.has_link);
        assert_true(config.has_flr && config.has_msi && config.has_msix && config.has_ari);
        assert_true(config.has_pm_reset);
        assert_int_equal(config.revision, 2);
        assert_int_equal(config.express_type, PCI_EXPRESS_ENDPOINT);
        assert_true(config.link_cap.speed == 8 && config.link_now.speed == 5);
        assert_int_equal(config.link_cap.width, 4);
        assert_int_equal(config.link_cap.port, 3);
        assert_int_equal(config.link_now.width, 1);
        assert_int_equal(config.vfs_max, 7);
        assert_true(config.serial_number == 0x00a0c9ffff123456);
}

static void no_soft_reset_means_no_reset_by_power(void **state) {
        g_autofree Space *space = space_new();

        put(space, 0x40, 0x0001, 2);
        put(space, 0x44, 1u << 3, 2);
        assert_false(parse(space, 256).has_pm_reset);
}

static void advanced_features_offer_flr_too(void **state) {
        g_autofree Space *space = space_new();

        put(space, 0x40, 0x0013, 2);
        put(space, 0x43, 1u << 1, 1);
        assert_true(parse(space, 256).has_flr);
        assert_false(parse(space, 256).is_express);
}

static void a_part_of_the_root_complex_has_no_link(void **state) {
        g_autofree Space *space = space_new();
        PciConfig config;

        put(space, 0x40, 0x0010, 2);
        put(space, 0x42, 0x0092, 2);
        put(space, 0x4c, 0x00000c43, 4);
        config = parse(space, 4096);
        assert_true(config.is_express);
        assert_false(config.has_link);
        assert_int_equal(config.link_cap.width, 0);
}

static void lists_that_loop_end(void **state) {
        g_autofree Space *space = space_new();
        PciConfig config;

        put(space, 0x40, 0x5010, 2);
        put(space, 0x50, 0x4005, 2);      /* back to 0x40 */
        put(space, 0x100, 0x1000000e, 4); /* itself */
        config = parse(space, 4096);
        assert_true(config.is_express && config.has_msi && config.has_ari);
}

static void lists_that_leave_the_space_end(void **state) {
        g_autofree Space *space = space_new();
        PciConfig config;

        put(space, 0x34, 0xff, 1);   /* low bits reserved: 0xfc */
        put(space, 0xfc, 0xf810, 2); /* Express registers would be behind the end */
        put(space, 0xf8, 0x3c11, 2); /* next is in the header */
        config = parse(space, 4096);
        assert_false(config.is_express);
        assert_true(config.has_msix);
        put(space, 0x34, 0x40, 1);
        put(space, 0x40, 0x0010, 2);
        put(space, 0x100, 0xffc1000f, 4);
        put(space, 0xffc, 0x00010003, 4); /* a serial number of which nothing fits */
        config = parse(space, 4096);
        assert_true(config.is_express);
        assert_true(config.serial_number == 0);
}

static void a_user_sees_only_the_header(void **state) {
        g_autofree Space *space = space_new();
        PciConfig config;

        put(space, 0x0e, 0x81, 1);
        put(space, 0x40, 0x0010, 2);
        config = parse(space, 64);
        assert_true(config.responds);
        assert_int_equal(config.header, PCI_HEADER_BRIDGE);
        assert_false(config.is_express);
        assert_false(parse(space, 0).responds);
}

static void a_function_that_sleeps_says_nothing(void **state) {
        g_autofree Space *space = space_new();
        PciConfig config;

        memset(space->bytes, 0xff, sizeof(space->bytes));
        config = parse(space, 4096);
        assert_false(config.responds);
        assert_false(config.is_express || config.has_msi || config.has_flr);
}

static int read_failing(void *userdata, unsigned offset, void *buffer, size_t size) {
        const Space *space = userdata;

        if (offset >= space->bytes[0]) /* where the test wants it */
                return -EIO;
        memcpy(buffer, space->bytes + offset, size);
        return (int)size;
}

static void a_failing_read_is_told(void **state) {
        g_autofree Space *space = space_new();
        PciConfig config = {.revision = 7};

        put(space, 0x40, 0x0010, 2);
        for (unsigned good = 0; good <= 0x40; good += 0x10) {
                put(space, 0, good, 1);
                assert_int_equal(pci_config_load(read_failing, space, &config), -EIO);
                assert_int_equal(config.revision, 7);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_endpoint_shows_its_abilities),
                cmocka_unit_test(no_soft_reset_means_no_reset_by_power),
                cmocka_unit_test(advanced_features_offer_flr_too),
                cmocka_unit_test(a_part_of_the_root_complex_has_no_link),
                cmocka_unit_test(lists_that_loop_end),
                cmocka_unit_test(lists_that_leave_the_space_end),
                cmocka_unit_test(a_user_sees_only_the_header),
                cmocka_unit_test(a_function_that_sleeps_says_nothing),
                cmocka_unit_test(a_failing_read_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
