/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor/acpi.h"

#include <errno.h>
#include <string.h>

#include "base/test.h"

#define DMAR_SIZE 96

/* A table of one DRHD and one RMRR with two device scopes, the second behind a bridge. */
static void make_dmar(uint8_t table[static DMAR_SIZE]) {
        static const uint8_t signature[] = {'D', 'M', 'A', 'R', DMAR_SIZE};
        static const uint8_t drhd[] = {0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0xd9, 0xfe};
        static const uint8_t rmrr[] = {1,    0, 32, 0, 0, 0,    2,    0, 0,    0, 0,
                                       0x10, 0, 0,  0, 0, 0xff, 0xff, 0, 0x10, 0, 0,
                                       0,    0, 1,  8, 0, 0,    0,    0, 0x14, 3};

        memset(table, 0, DMAR_SIZE);
        memcpy(table, signature, sizeof(signature));
        table[36] = 38;
        table[37] = 5;
        memcpy(table + 48, drhd, sizeof(drhd));
        memcpy(table + 64, rmrr, sizeof(rmrr));
}

static void a_dmar_tells_units_flags_and_regions(void **state) {
        g_autoptr(AcpiIommu) iommu = NULL;
        const AcpiRegion *region;
        uint8_t table[DMAR_SIZE];

        make_dmar(table);
        assert_int_equal(acpi_dmar_parse(table, sizeof(table), &iommu), 0);
        assert_int_equal(iommu->units, 1);
        assert_int_equal(iommu->width, 39);
        assert_true(iommu->has_remapping && iommu->dma_protection && !iommu->x2apic_opt_out);
        assert_int_equal(iommu->regions->len, 1);
        region = &g_array_index(iommu->regions, AcpiRegion, 0);
        assert_int_equal(region->start, 0x10000000);
        assert_int_equal(region->end, 0x1000ffff);
        assert_string_equal(region->devices, "0002:00:14.3");
}

/* Whatever one byte says, the table is read or refused, and never left. */
static void a_dmar_with_one_wrong_byte_is_read_or_refused(void **state) {
        static const uint8_t values[] = {0, 1, 3, 7, 0x7f, 0xff};
        unsigned refused = 0;

        for (size_t at = 0; at < DMAR_SIZE; at++)
                for (size_t i = 0; i < sizeof(values); i++) {
                        g_autoptr(AcpiIommu) iommu = NULL;
                        g_autofree uint8_t *table = g_malloc(DMAR_SIZE);
                        int r;

                        make_dmar(table);
                        table[at] = values[i];
                        r = acpi_dmar_parse(table, DMAR_SIZE, &iommu);
                        assert_true((r == 0) == (iommu != NULL));
                        assert_true(r == 0 || r == -EBADMSG);
                        refused += r < 0 ? 1 : 0;
                }
        assert_true(refused > 20);
}

static void a_short_table_is_refused(void **state) {
        uint8_t table[DMAR_SIZE];

        make_dmar(table);
        for (size_t size = 0; size < DMAR_SIZE; size++) {
                g_autoptr(AcpiIommu) iommu = NULL;
                g_autofree uint8_t *copy = g_memdup2(table, size + 1);

                assert_int_equal(acpi_dmar_parse(copy, size, &iommu), -EBADMSG);
                assert_int_equal(acpi_ivrs_parse(copy, size, &iommu), -EBADMSG);
        }
}

/* One IOMMU, described twice for kernels of different age, and memory of one device. */
static void an_ivrs_counts_each_unit_once(void **state) {
        static const uint8_t ivhd[] = {0x10, 0, 24, 0, 2, 0, 0x40, 0};
        static const uint8_t ivmd[] = {0x21, 8, 32, 0, 0x18, 1, 0,    0, 0, 0, 0, 0, 0,
                                       0,    0, 0,  0, 0,    0, 0x7e, 0, 0, 0, 0, 0, 0x10};
        g_autoptr(AcpiIommu) iommu = NULL;
        const AcpiRegion *region;
        uint8_t table[48 + 24 + 24 + 32] = {'I', 'V', 'R', 'S', sizeof(table)};

        table[36] = 3;
        table[37] = 48;
        memcpy(table + 48, ivhd, sizeof(ivhd));
        memcpy(table + 72, ivhd, sizeof(ivhd));
        table[72] = 0x11;
        memcpy(table + 96, ivmd, sizeof(ivmd));
        assert_int_equal(acpi_ivrs_parse(table, sizeof(table), &iommu), 0);
        assert_int_equal(iommu->units, 1);
        assert_int_equal(iommu->width, 48);
        assert_true(iommu->has_extended && iommu->dma_protection);
        region = &g_array_index(iommu->regions, AcpiRegion, 0);
        assert_int_equal(region->start, 0x7e000000);
        assert_int_equal(region->end, 0x7e000fff);
        assert_string_equal(region->devices, "0000:01:03.0");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_dmar_tells_units_flags_and_regions),
                cmocka_unit_test(a_dmar_with_one_wrong_byte_is_read_or_refused),
                cmocka_unit_test(a_short_table_is_refused),
                cmocka_unit_test(an_ivrs_counts_each_unit_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
