/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What one QEMU binary can do, asked of it over QMP with no machine (query-version, query-machines,
 * query-cpu-definitions, qom-list-types) and cached by the binary's path, size, time and inode, so
 * that each version is asked once:
 *
 *         r = caps_read(binary, dir, &caps, &err);                 the cache, at once
 *         if (r == -EAGAIN)
 *                 r = caps_probe(event, &request, &probe, &err);   request.done comes later */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include <glib.h>

#include "base/err.h"

typedef struct QemuMachine {
        char *name;  /* "pc-q35-10.0" */
        char *alias; /* "q35"; NULL: none */
        unsigned cpu_max;
        bool is_default, is_deprecated;
} QemuMachine;

typedef struct QemuCaps {
        char *binary;
        char *key;        /* of the file that was asked */
        uint64_t version; /* major * 1000000 + minor * 1000 + micro */
        QemuMachine *machines;
        size_t n_machines;
        char **cpu_models;   /* sorted, NULL-terminated */
        bool has_sandbox;    /* built with seccomp */
        GHashTable *devices; /* set of device type names: "virtio-vga", "vfio-pci" … */
} QemuCaps;

/* What cache_dir has of this very file: -EAGAIN (without an Err) when it has to be asked. */
int caps_read(const char *binary, const char *cache_dir, QemuCaps **ret, Err *err);

/* The file is still the one that was asked. */
bool caps_is_current(const QemuCaps *caps);

/* Exactly one of caps (taken over) and err is set; the probe is gone then. */
typedef void (*CapsDone)(QemuCaps *caps, const Err *err, void *userdata);

typedef struct CapsRequest {
        const char *binary, *cache_dir;
        CapsDone done;
        void *userdata;
} CapsRequest;

typedef struct CapsProbe CapsProbe;

/* Asks the binary, for up to 30 s, and stores the answers in cache_dir. done comes from the event
 * loop, once, unless the probe is freed before. */
int caps_probe(sd_event *event, const CapsRequest *request, CapsProbe **ret, Err *err);
void caps_probe_free(CapsProbe *probe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CapsProbe, caps_probe_free)

/* Reads or asks, and waits: for a program's own start. */
int caps_load(const char *binary, const char *cache_dir, QemuCaps **ret, Err *err);
void caps_free(QemuCaps *caps);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuCaps, caps_free)

bool caps_has_device(const QemuCaps *caps, const char *type);

/* By name or alias; NULL: this QEMU has none such. */
const QemuMachine *caps_find_machine(const QemuCaps *caps, const char *name);
