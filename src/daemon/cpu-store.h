/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The CPU models of the QEMU binaries (qemu/cpu-model.h), kept in memory and on disk, and asked for
 * when somebody wants to know them and they are not there: */

#include "base/sys.h"
#include "daemon/emulator.h"
#include "qemu/cpu-model.h"

typedef struct CpuStore CpuStore;

CpuStore *cpu_store_new(sd_event *event, const Sys *sys, const char *cache_dir);
/* Who waits is told that it comes to nothing. */
void cpu_store_free(CpuStore *store);

/* Of the binary that is at the path now (NULL: the default one); NULL: it has to be asked. Valid
 * until the loop runs on. */
const CpuFacts *cpu_store_find(CpuStore *store, const char *path);

/* facts or err, from the event loop. */
typedef void (*CpuStoreFunc)(const CpuFacts *facts, const Err *err, void *userdata);

/* Asks the binary. Fails at once where there is no such file. */
int cpu_store_ask(CpuStore *store, const char *path, CpuStoreFunc func, void *userdata, Err *err);

/* Runs what now, or after the binary was asked for what it can do and for its models; in any case,
 * even where it does not answer. */
int cpu_store_call(Manager *manager, Call *call, const char *path, const EmulatorCall *what,
                   Err *err);
