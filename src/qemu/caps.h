/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What one QEMU binary can do, asked of it over QMP with no machine (query-version, query-machines,
 * query-cpu-definitions, qom-list-types) and cached by the binary's path, size and time, so that
 * each version is asked once. No start of a guest asks anything. */

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/err.h"

typedef struct QemuMachine {
        char *name;  /* "pc-q35-10.0" */
        char *alias; /* "q35"; NULL: none */
        unsigned cpu_max;
        bool is_default;
} QemuMachine;

typedef struct QemuCaps {
        char *binary;
        uint64_t version; /* major * 1000000 + minor * 1000 + micro */
        QemuMachine *machines;
        size_t n_machines;
        char **cpu_models;   /* sorted, NULL-terminated */
        bool has_sandbox;    /* built with seccomp */
        GHashTable *devices; /* set of device type names: "virtio-vga", "vfio-pci" … */
} QemuCaps;

/* Takes the answers from cache_dir, or asks the binary and stores them there. Blocks for as long as
 * QEMU takes to start (up to 30 s) when it has to ask: only for the daemon's own start and reload.
 */
int caps_load(const char *binary, const char *cache_dir, QemuCaps **ret, Err *err);
void caps_free(QemuCaps *caps);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuCaps, caps_free)

bool caps_has_device(const QemuCaps *caps, const char *type);

/* By name or alias; NULL: this QEMU has none such. */
const QemuMachine *caps_find_machine(const QemuCaps *caps, const char *name);
