/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What guests the daemon can make, from its capabilities and its domain capabilities. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"

typedef struct Conn Conn;
typedef struct XmlDoc XmlDoc;

typedef struct Caps {
        char *arch;
        char *virt_type; /* "kvm" where the host has it and nothing else was asked for */
        char *emulator;
        GPtrArray *machines; /* names, and the other names of the same, in the daemon's order */
        bool pae;            /* guests of the arch have it by default */
        XmlDoc *domain;      /* of one machine type; NULL: not asked for yet */
} Caps;

/* arch and virt_type may be NULL: the daemon's best. */
int caps_load(Conn *conn, const char *arch, const char *virt_type, Caps **ret, Err *err);
void caps_free(Caps *caps);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Caps, caps_free)

bool caps_has_machine(const Caps *caps, const char *machine);

/* Asks what guests of that machine type can have. */
int caps_load_domain(Conn *conn, Caps *caps, const char *machine, Err *err);

/* caps_has(caps, "devices/graphics", "type", "spice"): the list has the value. */
bool caps_has(const Caps *caps, const char *place, const char *list, const char *value);
