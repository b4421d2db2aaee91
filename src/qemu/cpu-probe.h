/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asks a QEMU binary for its CPU models and what this host can give (qemu/cpu-model.h), and keeps
 * the answers beside those of qemu/caps. It takes a second or so, ten times that on a slow host, so
 * it is done when somebody wants to know and not before.
 *
 *         r = cpu_probe_read(&request, &facts, &err);            the cache, at once
 *         if (r == -EAGAIN)
 *                 r = cpu_probe(event, &request, &probe, &err);   request.done comes later */

#include "base/err.h"
#include "base/sys.h"
#include "qemu/cpu-model.h"

#include <systemd/sd-event.h>

typedef struct CpuProbe CpuProbe;

typedef struct CpuProbeRequest {
        const char *binary, *cache_dir;
        const Sys *sys; /* kernel and processor, on which the answers depend */
        bool has_kvm;
        /* Exactly one of facts (taken over) and err is set; the probe is gone then. */
        void (*done)(CpuFacts *facts, const Err *err, void *userdata);
        void *userdata;
} CpuProbeRequest;

/* -EAGAIN (without an Err) when it has to be asked. */
int cpu_probe_read(const CpuProbeRequest *request, CpuFacts **ret, Err *err);

/* What the answers of the request depend on, as text; NULL: there is no such binary. */
char *cpu_probe_key(const CpuProbeRequest *request);

int cpu_probe(sd_event *event, const CpuProbeRequest *request, CpuProbe **ret, Err *err);
void cpu_probe_free(CpuProbe *probe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CpuProbe, cpu_probe_free)
