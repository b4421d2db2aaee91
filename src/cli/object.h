/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the commands of networks and pools print alike. */

#include "cli/cli.h"
#include "cli/options.h"

/* Bits of libvirt's lists, the same for both. */
enum {
        OBJECT_INACTIVE = 1 << 0,
        OBJECT_ACTIVE = 1 << 1,
        OBJECT_PERSISTENT = 1 << 2,
        OBJECT_TRANSIENT = 1 << 3,
        OBJECT_AUTOSTART = 1 << 4,
        OBJECT_NO_AUTOSTART = 1 << 5,
};

/* From --inactive, --all, --persistent, --transient, --autostart and --no-autostart. */
unsigned object_list_flags(const Args *args);

#define OPT_OBJECT_LIST                                                       \
        OPT_FLAG("inactive", "only those that are not active"),               \
                OPT_FLAG("all", "active and inactive ones"),                  \
                OPT_FLAG("persistent", "only with a definition"),             \
                OPT_FLAG("transient", "only without a definition"),           \
                OPT_FLAG("autostart", "only those that start with the host"), \
                OPT_FLAG("no-autostart", "only those that do not start with the host")

/* "Name:           lan" */
void object_info(const char *label, const char *value);
/* A size in bytes, as a person reads it or bare. */
void object_info_size(const char *label, uint64_t bytes, bool bare, const char *suffix);
/* "2.00 MiB"; the caller's. */
char *object_size(uint64_t bytes);

static inline const char *object_yes_no(bool yes) {
        return yes ? "yes" : "no";
}

/* "11111111-2222-…" to its bytes; false: it is none. */
bool object_parse_uuid(const char *text, uint8_t ret[16]);
