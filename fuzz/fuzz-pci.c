/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes of a card: its configuration space, and the same as vital product data. A card can say
 * anything; what must hold is that reading it ends soon and stays inside. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "pci/config.h"
#include "pci/vpd.h"

#define VPD_SIZE 0x8000

/* Every place of the extended list once, and what is read at each. */
#define READS_MAX 8192u

typedef struct Card {
        const uint8_t *bytes;
        size_t size;
        size_t end; /* of the address range */
        unsigned reads;
} Card;

static void check(bool condition) {
        if (!condition)
                abort();
}

static int read_card(void *userdata, unsigned offset, void *buffer, size_t size) {
        Card *card = userdata;

        check(offset + size <= card->end);
        check(++card->reads <= READS_MAX);
        if (offset >= card->size)
                return 0;
        size = MIN(size, card->size - offset);
        memcpy(buffer, card->bytes + offset, size);
        return (int)size;
}

static void fuzz_config(const uint8_t *data, size_t size) {
        Card card = {.bytes = data, .size = size, .end = PCI_CONFIG_EXTENDED_SIZE};
        PciConfig config, again;

        check(pci_config_load(read_card, &card, &config) == 0);
        check(config.is_express || !config.has_link);
        check(config.responds || !config.is_express);
        check(config.link_now.width < 64 && config.link_cap.width < 64);
        pci_config_parse(data, size, &again);
        check(again.serial_number == config.serial_number && again.vfs_max == config.vfs_max);
}

static void fuzz_vpd(const uint8_t *data, size_t size) {
        Card card = {.bytes = data, .size = size, .end = VPD_SIZE};
        g_autofree char *serial = NULL;

        check(pci_vpd_serial(read_card, &card, &serial) >= 0);
        for (const char *c = serial; c && *c; c++)
                check(g_ascii_isprint(*c));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        fuzz_config(data, size);
        fuzz_vpd(data, size);
        return 0;
}
