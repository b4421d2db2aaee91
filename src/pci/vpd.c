/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/vpd.h"

#include <string.h>

#define VPD_MAX 0x8000 /* its address register has 15 bits */

/* Resource tags: the high bit says that two bytes of length follow. */
#define TAG_LARGE     0x80
#define TAG_END       0x78 /* small, its length in the low three bits */
#define TAG_SMALL     0x78
#define TAG_READ_ONLY 0x90
#define FIELD_HEADER  3 /* two letters and a length */

#define TAGS_MAX 16 /* each costs slow reads; real data has three */

typedef struct Vpd {
        PciConfigRead read;
        void *userdata;
} Vpd;

/* Reads exactly size bytes: 1, 0 where the data ends before, or a negative errno. */
static int vpd_get(const Vpd *vpd, unsigned offset, void *buffer, size_t size) {
        int n;

        if (offset + size > VPD_MAX)
                return 0;
        n = vpd->read(vpd->userdata, offset, buffer, size);
        if (n < 0)
                return n;
        return (size_t)n == size;
}

static char *clean_serial(const char *text, size_t size) {
        g_autofree char *serial = g_strstrip(g_strndup(text, size));

        for (const char *c = serial; *c; c++)
                if (!g_ascii_isprint(*c))
                        return NULL;
        return *serial ? g_steal_pointer(&serial) : NULL;
}

static int find_serial(const Vpd *vpd, unsigned offset, unsigned end, char **ret) {
        while (offset + FIELD_HEADER <= end) {
                uint8_t header[FIELD_HEADER];
                char text[UINT8_MAX];
                int r = vpd_get(vpd, offset, header, sizeof(header));

                if (r <= 0)
                        return r;
                offset += FIELD_HEADER;
                if (memcmp(header, "SN", 2) == 0 && offset + header[2] <= end) {
                        r = vpd_get(vpd, offset, text, header[2]);
                        if (r > 0)
                                *ret = clean_serial(text, header[2]);
                        return r;
                }
                offset += header[2];
        }
        return 0;
}

int pci_vpd_serial(PciConfigRead read, void *userdata, char **ret) {
        Vpd vpd = {read, userdata};
        unsigned offset = 0;

        for (unsigned n = 0; n < TAGS_MAX; n++) {
                uint8_t tag[3] = {};
                unsigned size;
                int r = vpd_get(&vpd, offset, tag, 1);

                if (r <= 0)
                        return r;
                if (!(tag[0] & TAG_LARGE)) {
                        if ((tag[0] & TAG_SMALL) == TAG_END)
                                return 0;
                        offset += 1u + (tag[0] & 7u);
                        continue;
                }
                r = vpd_get(&vpd, offset, tag, sizeof(tag));
                if (r <= 0)
                        return r;
                size = tag[1] | (unsigned)tag[2] << 8;
                offset += (unsigned)sizeof(tag);
                if (tag[0] == TAG_READ_ONLY)
                        return find_serial(&vpd, offset, offset + size, ret);
                offset += size;
        }
        return 0;
}
