/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/config.h"

#include <errno.h>
#include <string.h>

/* Offsets and bits below are the specification's, in its words. */
#define STATUS               0x06
#define STATUS_CAPABILITIES  0x10
#define REVISION             0x08
#define HEADER_TYPE          0x0e
#define HEADER_TYPE_MASK     0x7f
#define CAPABILITIES         0x34
#define CARDBUS_CAPABILITIES 0x14
#define FIRST_CAPABILITY     0x40
#define FIRST_EXTENDED       0x100

#define HEADER_SIZE 64

typedef struct Space {
        PciConfigRead read;
        void *userdata;
        uint8_t head[HEADER_SIZE];
        size_t head_size;
        unsigned end; /* of the part that a list may use */
} Space;

/* Reads a number of size bytes. Returns 1, 0 where the space ends before it, or a negative errno.
 */
static int space_get(const Space *space, unsigned offset, size_t size, uint32_t *ret) {
        uint8_t bytes[4] = {};
        uint32_t value = 0;

        if (offset + size > space->end)
                return 0;
        if (offset + size <= MIN(space->head_size, sizeof(space->head))) {
                memcpy(bytes, space->head + offset, size);
        } else {
                int n = space->read(space->userdata, offset, bytes, size);

                if (n < 0)
                        return n;
                if ((size_t)n < size)
                        return 0;
        }
        for (size_t i = size; i > 0; i--)
                value = value << 8 | bytes[i - 1];
        *ret = value;
        return 1;
}

static int visit_power(const Space *space, unsigned pos, PciConfig *config) {
        uint32_t control;
        int r = space_get(space, pos + 4, 2, &control);

        if (r > 0)
                config->has_pm_reset = !(control & 1u << 3); /* No_Soft_Reset */
        return r;
}

static int visit_msi(const Space *space, unsigned pos, PciConfig *config) {
        config->has_msi = true;
        return 0;
}

static int visit_msix(const Space *space, unsigned pos, PciConfig *config) {
        config->has_msix = true;
        return 0;
}

/* Advanced Features: how a conventional function offers a function level reset. */
static int visit_advanced_features(const Space *space, unsigned pos, PciConfig *config) {
        uint32_t capabilities;
        int r = space_get(space, pos + 3, 1, &capabilities);

        if (r > 0 && capabilities & 1u << 1)
                config->has_flr = true;
        return r;
}

static double link_speed(uint32_t code) {
        static const double speeds[] = {0, 2.5, 5, 8, 16, 32, 64};

        return code < G_N_ELEMENTS(speeds) ? speeds[code] : 0;
}

static int visit_link(const Space *space, unsigned pos, PciConfig *config) {
        uint32_t capabilities, status;
        int r = space_get(space, pos + 0x0c, 4, &capabilities);

        if (r <= 0)
                return r;
        r = space_get(space, pos + 0x12, 2, &status);
        if (r <= 0)
                return r;
        config->has_link = true;
        config->link_cap = (PciLink){
                .port = capabilities >> 24,
                .speed = link_speed(capabilities & 0xf),
                .width = capabilities >> 4 & 0x3f,
        };
        config->link_now = (PciLink){
                .port = config->link_cap.port,
                .speed = link_speed(status & 0xf),
                .width = status >> 4 & 0x3f,
        };
        return 1;
}

static int visit_express(const Space *space, unsigned pos, PciConfig *config) {
        uint32_t type, capabilities;
        int r = space_get(space, pos + 2, 2, &type);

        if (r <= 0)
                return r;
        r = space_get(space, pos + 4, 4, &capabilities);
        if (r <= 0)
                return r;
        config->is_express = true;
        config->express_type = (PciExpressType)(type >> 4 & 0xf);
        if (capabilities & 1u << 28)
                config->has_flr = true;
        if (config->express_type == PCI_EXPRESS_ROOT_ENDPOINT ||
            config->express_type == PCI_EXPRESS_EVENT_COLLECTOR)
                return 1;
        return visit_link(space, pos, config);
}

static int visit_serial_number(const Space *space, unsigned pos, PciConfig *config) {
        uint32_t low, high;
        int r = space_get(space, pos + 4, 4, &low);

        if (r > 0)
                r = space_get(space, pos + 8, 4, &high);
        if (r > 0)
                config->serial_number = (uint64_t)high << 32 | low;
        return r;
}

static int visit_ari(const Space *space, unsigned pos, PciConfig *config) {
        config->has_ari = true;
        return 0;
}

static int visit_acs(const Space *space, unsigned pos, PciConfig *config) {
        uint32_t can, does;
        int r = space_get(space, pos + 4, 2, &can);

        if (r <= 0)
                return r;
        r = space_get(space, pos + 6, 2, &does);
        if (r <= 0)
                return r;
        config->has_acs = true;
        config->acs_can = (uint16_t)can;
        config->acs_does = (uint16_t)does;
        return 1;
}

static int visit_sriov(const Space *space, unsigned pos, PciConfig *config) {
        uint32_t total;
        int r = space_get(space, pos + 0x0e, 2, &total);

        if (r > 0)
                config->vfs_max = total;
        return r;
}

typedef struct Capability {
        uint16_t id;
        int (*visit)(const Space *space, unsigned pos, PciConfig *config);
} Capability;

static const Capability standard[] = {
        {0x01, visit_power},
        {0x05, visit_msi},
        {0x10, visit_express},
        {0x11, visit_msix},
        {0x13, visit_advanced_features},
};

static const Capability extended[] = {
        {0x0003, visit_serial_number},
        {0x000d, visit_acs},
        {0x000e, visit_ari},
        {0x0010, visit_sriov},
};

static int visit(const Capability *known, size_t n, uint32_t id, const Space *space, unsigned pos,
                 PciConfig *config) {
        for (size_t i = 0; i < n; i++)
                if (known[i].id == id)
                        return known[i].visit(space, pos, config);
        return 0;
}

static int walk_standard(const Space *space, PciConfig *config) {
        bool seen[PCI_CONFIG_SIZE] = {};
        bool cardbus = config->header == PCI_HEADER_CARDBUS;
        uint32_t status, pos, header;
        int r = space_get(space, STATUS, 2, &status);

        if (r <= 0 || !(status & STATUS_CAPABILITIES))
                return r;
        r = space_get(space, cardbus ? CARDBUS_CAPABILITIES : CAPABILITIES, 1, &pos);
        if (r <= 0)
                return r;
        /* The two low bits of a pointer are reserved. */
        for (pos &= ~3u; pos >= FIRST_CAPABILITY && !seen[pos]; pos = header >> 8 & 0xfc) {
                seen[pos] = true;
                r = space_get(space, pos, 2, &header);
                if (r <= 0)
                        return r;
                r = visit(standard, G_N_ELEMENTS(standard), header & 0xff, space, pos, config);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int walk_extended(const Space *space, PciConfig *config) {
        bool seen[PCI_CONFIG_EXTENDED_SIZE / 4] = {};
        uint32_t pos = FIRST_EXTENDED, header;
        int r;

        for (; pos >= FIRST_EXTENDED && !seen[pos / 4]; pos = header >> 20 & ~3u) {
                seen[pos / 4] = true;
                r = space_get(space, pos, 4, &header);
                if (r <= 0)
                        return r;
                if (header == 0 || header == UINT32_MAX)
                        return 0;
                r = visit(extended, G_N_ELEMENTS(extended), header & 0xffff, space, pos, config);
                if (r < 0)
                        return r;
        }
        return 0;
}

int pci_config_load(PciConfigRead read, void *userdata, PciConfig *ret) {
        Space space = {.read = read, .userdata = userdata, .end = PCI_CONFIG_SIZE};
        PciConfig config = {};
        uint32_t header;
        int r;

        r = read(userdata, 0, space.head, sizeof(space.head));
        if (r < 0)
                return r;
        space.head_size = (size_t)r;
        if (space_get(&space, HEADER_TYPE, 1, &header) > 0 && header != 0xff) {
                config.responds = true;
                config.header = header & HEADER_TYPE_MASK;
                config.revision = space.head[REVISION];
                r = walk_standard(&space, &config);
        }
        if (r >= 0 && config.is_express) {
                space.end = PCI_CONFIG_EXTENDED_SIZE;
                r = walk_extended(&space, &config);
        }
        if (r < 0)
                return r;
        *ret = config;
        return 0;
}

typedef struct Memory {
        const uint8_t *bytes;
        size_t size;
} Memory;

static int read_memory(void *userdata, unsigned offset, void *buffer, size_t size) {
        const Memory *memory = userdata;

        if (offset >= memory->size)
                return 0;
        size = MIN(size, memory->size - offset);
        memcpy(buffer, memory->bytes + offset, size);
        return (int)size;
}

void pci_config_parse(const void *bytes, size_t size, PciConfig *ret) {
        Memory memory = {bytes, MIN(size, (size_t)PCI_CONFIG_EXTENDED_SIZE)};
        int r = pci_config_load(read_memory, &memory, ret);

        g_assert(r == 0); /* memory does not fail */
}
