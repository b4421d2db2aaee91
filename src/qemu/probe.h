/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One QEMU binary, run without a machine, that is asked questions over QMP one after the other, and
 * ended when there are no more:
 *
 *         probe_start(event, &request, &probe, &err);      request.next and .answer take turns,
 *                                                          request.done comes last, once */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <systemd/sd-event.h>

#include <glib.h>

#include "base/err.h"

typedef struct Probe Probe;

typedef struct ProbeRequest {
        const char *binary;
        const char *accelerator; /* "tcg", "kvm"; NULL: QEMU's choice */
        uint64_t limit;          /* usec that it may take in all */

        /* The next question; *ret_arguments (NULL at first) is taken over. False: there is none. */
        bool (*next)(void *userdata, const char **ret_command, json_t **ret_arguments);
        /* QEMU's answer (borrowed), or its error. False: the probe fails with that error. */
        bool (*answer)(json_t *result, const Err *err, void *userdata);
        /* err NULL: all was answered. The probe is gone then. */
        void (*done)(const Err *err, void *userdata);
        void *userdata;
} ProbeRequest;

/* request's strings are borrowed during the call only. */
int probe_start(sd_event *event, const ProbeRequest *request, Probe **ret, Err *err);

/* Ends it without an answer. */
void probe_free(Probe *probe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Probe, probe_free)

/* What tells this file from an earlier or later one of the same path, for the keys of caches; the
 * caller owns the object. Names the way out where there is no such file. */
int probe_key(const char *binary, int format, json_t **ret, Err *err);

/* Where a cache keeps what it knows of the binary: DIR/PREFIX-….json. */
char *probe_cache_path(const char *dir, const char *prefix, const char *binary);

/* The answers that were kept under this very key, for the caller to drop; NULL: none. */
json_t *probe_cache_read(const char *path, const json_t *key);

/* A cache that cannot be written costs time at the next start, nothing else. */
void probe_cache_write(const char *path, json_t *key, json_t *answers);
