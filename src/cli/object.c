/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/object.h"

#include <inttypes.h>
#include <stdio.h>

unsigned object_list_flags(const Args *args) {
        static const ArgsBit bits[] = {
                {"inactive", OBJECT_INACTIVE},
                {"all", OBJECT_INACTIVE | OBJECT_ACTIVE},
                {"persistent", OBJECT_PERSISTENT},
                {"transient", OBJECT_TRANSIENT},
                {"autostart", OBJECT_AUTOSTART},
                {"no-autostart", OBJECT_NO_AUTOSTART},
                {},
        };
        unsigned flags = args_bits(args, bits);

        return flags & OBJECT_INACTIVE ? flags : flags | OBJECT_ACTIVE;
}

void object_info(const char *label, const char *value) {
        printf("%-15s %s\n", label, value);
}

char *object_size(uint64_t bytes) {
        const char *unit;
        double value = cli_human_size(bytes, &unit);

        return g_strdup_printf("%.2f %s", value, unit);
}

void object_info_size(const char *label, uint64_t bytes, bool bare, const char *suffix) {
        g_autofree char *text =
                bare ? g_strdup_printf("%" PRIu64 "%s", bytes, suffix) : object_size(bytes);

        object_info(label, text);
}

bool object_parse_uuid(const char *text, uint8_t ret[16]) {
        return guest_parse_uuid(text, ret) >= 0;
}
