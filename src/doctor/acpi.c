/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor/acpi.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

#define HEADER_SIZE 36 /* of every ACPI table; its length stands at 4 */

#define DMAR_STRUCTURES   48
#define DMAR_RMRR_SCOPES  24
#define DMAR_SCOPE_PATH   6
#define DMAR_SCOPE_DEVICE 1 /* an endpoint; 2 is a bridge */
#define DMAR_SCOPE_BRIDGE 2

#define IVRS_BLOCKS 48
#define IVMD_SIZE   32

enum {
        DMAR_DRHD = 0,
        DMAR_RMRR = 1,
};

enum {
        DMAR_INTR_REMAP = 1 << 0,
        DMAR_X2APIC_OPT_OUT = 1 << 1,
        DMAR_PLATFORM_OPT_IN = 1 << 2,
};

enum {
        IVINFO_EFR_SUP = 1 << 0,
        IVINFO_DMA_REMAP = 1 << 1,
};

/* Little-endian numbers of a part of the table; what lies outside of it reads as 0. */
typedef struct Bytes {
        const uint8_t *at;
        size_t size;
} Bytes;

static uint64_t get(Bytes bytes, size_t offset, size_t size) {
        uint64_t value = 0;

        if (offset > bytes.size || size > bytes.size - offset)
                return 0;
        for (size_t i = size; i > 0; i--)
                value = value << 8 | bytes.at[offset + i - 1];
        return value;
}

static Bytes part(Bytes bytes, size_t offset, size_t size) {
        return (Bytes){bytes.at + offset, size};
}

static void region_clear(void *data) {
        AcpiRegion *region = data;

        g_free(region->devices);
}

static AcpiIommu *iommu_new(void) {
        AcpiIommu *iommu = g_new0(AcpiIommu, 1);

        iommu->regions = g_array_new(FALSE, TRUE, sizeof(AcpiRegion));
        g_array_set_clear_func(iommu->regions, region_clear);
        return iommu;
}

void acpi_iommu_free(AcpiIommu *iommu) {
        if (!iommu)
                return;
        g_array_unref(iommu->regions);
        g_free(iommu);
}

/* devices is consumed. */
static void add_region(AcpiIommu *iommu, uint64_t start, uint64_t end, char *devices) {
        AcpiRegion region = {.start = start, .end = end, .devices = devices};

        g_array_append_val(iommu->regions, region);
}

/* Signature, and a length that the bytes have. */
static int check_header(Bytes table, const char *signature, size_t least) {
        if (table.size < least || memcmp(table.at, signature, 4) != 0 ||
            get(table, 4, 4) > table.size || get(table, 4, 4) < least)
                return -EBADMSG;
        return 0;
}

/* A path of more than one step leads through bridges, whose bus numbers the table does not have:
 * the function is named from where the path begins. */
static void append_scope(GString *out, uint16_t segment, Bytes scope) {
        uint64_t type = get(scope, 0, 1);

        if (type != DMAR_SCOPE_DEVICE && type != DMAR_SCOPE_BRIDGE)
                return;
        g_string_append_printf(out, "%s%04x:%02x", out->len > 0 ? " " : "", segment,
                               (unsigned)get(scope, 5, 1));
        for (size_t at = DMAR_SCOPE_PATH; at + 2 <= scope.size; at += 2)
                g_string_append_printf(out, "%c%02x.%x", at == DMAR_SCOPE_PATH ? ':' : '/',
                                       (unsigned)get(scope, at, 1) & 0x1f,
                                       (unsigned)get(scope, at + 1, 1) & 7);
}

static int take_rmrr(AcpiIommu *iommu, Bytes entry) {
        g_autoptr(GString) devices = g_string_new(NULL);
        size_t at = DMAR_RMRR_SCOPES;

        while (at < entry.size) {
                size_t length = get(entry, at + 1, 1);

                if (length < DMAR_SCOPE_PATH || length > entry.size - at)
                        return -EBADMSG;
                append_scope(devices, (uint16_t)get(entry, 6, 2), part(entry, at, length));
                at += length;
        }
        add_region(iommu, get(entry, 8, 8), get(entry, 16, 8),
                   g_string_free(g_steal_pointer(&devices), FALSE));
        return 0;
}

int acpi_dmar_parse(const void *table, size_t size, AcpiIommu **ret) {
        Bytes bytes = {table, size};
        g_autoptr(AcpiIommu) iommu = iommu_new();
        size_t end, length;
        uint64_t flags;
        int r;

        r = check_header(bytes, "DMAR", DMAR_STRUCTURES);
        if (r < 0)
                return r;
        end = get(bytes, 4, 4);
        flags = get(bytes, HEADER_SIZE + 1, 1);
        iommu->width = (unsigned)get(bytes, HEADER_SIZE, 1) + 1;
        iommu->has_remapping = flags & DMAR_INTR_REMAP;
        iommu->x2apic_opt_out = flags & DMAR_X2APIC_OPT_OUT;
        iommu->dma_protection = flags & DMAR_PLATFORM_OPT_IN;
        for (size_t at = DMAR_STRUCTURES; at < end; at += length) {
                uint64_t type = get(bytes, at, 2);

                length = get(bytes, at + 2, 2);
                if (length < 4 || length > end - at)
                        return -EBADMSG;
                if (type == DMAR_DRHD)
                        iommu->units++;
                if (type == DMAR_RMRR && take_rmrr(iommu, part(bytes, at, length)) < 0)
                        return -EBADMSG;
        }
        *ret = g_steal_pointer(&iommu);
        return 0;
}

/* 0x10, 0x11 and 0x40 describe the same IOMMU, each for newer kernels than the one before. */
static bool is_new_unit(GHashTable *seen, Bytes block) {
        uint64_t type = get(block, 0, 1);

        return (type == 0x10 || type == 0x11 || type == 0x40) &&
               g_hash_table_add(seen, GUINT_TO_POINTER(get(block, 4, 2)));
}

static char *ivmd_devices(Bytes block) {
        unsigned id = (unsigned)get(block, 4, 2), aux = (unsigned)get(block, 6, 2);

        switch (get(block, 0, 1)) {
        case 0x21:
                return g_strdup_printf("0000:%02x:%02x.%x", id >> 8, id >> 3 & 0x1f, id & 7);
        case 0x22:
                return g_strdup_printf("0000:%02x:%02x.%x-%02x:%02x.%x", id >> 8, id >> 3 & 0x1f,
                                       id & 7, aux >> 8, aux >> 3 & 0x1f, aux & 7);
        default:
                return g_strdup("");
        }
}

static void take_ivmd(AcpiIommu *iommu, Bytes block) {
        uint64_t type = get(block, 0, 1), start = get(block, 16, 8), length = get(block, 24, 8);

        if (type >= 0x20 && type <= 0x22 && block.size >= IVMD_SIZE && length > 0)
                add_region(iommu, start, start + length - 1, ivmd_devices(block));
}

int acpi_ivrs_parse(const void *table, size_t size, AcpiIommu **ret) {
        Bytes bytes = {table, size};
        g_autoptr(AcpiIommu) iommu = iommu_new();
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
        size_t end, length;
        uint64_t info;
        int r;

        r = check_header(bytes, "IVRS", IVRS_BLOCKS);
        if (r < 0)
                return r;
        end = get(bytes, 4, 4);
        info = get(bytes, HEADER_SIZE, 4);
        iommu->has_remapping = true;
        iommu->has_extended = info & IVINFO_EFR_SUP;
        iommu->dma_protection = info & IVINFO_DMA_REMAP;
        iommu->width = info >> 8 & 0x7f;
        for (size_t at = IVRS_BLOCKS; at < end; at += length) {
                length = get(bytes, at + 2, 2);
                if (length < 4 || length > end - at)
                        return -EBADMSG;
                if (is_new_unit(seen, part(bytes, at, length)))
                        iommu->units++;
                take_ivmd(iommu, part(bytes, at, length));
        }
        *ret = g_steal_pointer(&iommu);
        return 0;
}
