/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The QEMU binaries that guests name, and what each can do: asked once, cached in memory and on
 * disk, and asked anew when the file at the path has become another one (an upgrade). The loop
 * never waits:
 *
 *         r = emulators_call(manager, call, path, &(EmulatorCall){…}, &err);   a handler
 *         caps = emulators_find(manager->emulators, path);                     NULL: ask
 */

#include <systemd/sd-event.h>

#include "daemon/call.h"
#include "qemu/caps.h"

#define EMULATOR_DEFAULT "/usr/bin/qemu-system-x86_64"

/* Binaries that are kept in mind, and who may wait for one of them. */
#define EMULATORS_MAX        64
#define EMULATOR_WAITERS_MAX 256

typedef struct Emulators Emulators;

Emulators *emulators_new(sd_event *event, const char *cache_dir);
/* Who waits is told that it comes to nothing. */
void emulators_free(Emulators *emulators);

/* What the binary that is at the path now can do, if that is known; NULL: it has to be asked.
 * Valid until the loop runs on. */
const QemuCaps *emulators_find(Emulators *emulators, const char *path);

/* The same, or what an earlier file at the path could do. */
const QemuCaps *emulators_last(Emulators *emulators, const char *path);

/* Pairs of a machine's alias and its name, for DomainDefaults; NULL: not known. */
const char *const *emulators_aliases(Emulators *emulators, const char *path);

/* caps or err, from the event loop. */
typedef void (*EmulatorFunc)(const QemuCaps *caps, const Err *err, void *userdata);

/* Asks the binary. Fails at once where there is no such file. */
int emulators_ask(Emulators *emulators, const char *path, EmulatorFunc func, void *userdata,
                  Err *err);

/* The rest of a handler, with copies of what it needs of its arguments; returns as a handler does
 * and fills call_ret(). */
typedef struct EmulatorCall {
        int (*run)(Manager *manager, Call *call, const char *text, unsigned flags, Err *err);
        const char *text;
        unsigned flags;
} EmulatorCall;

/* Runs what now, or after the binary was asked: it runs in any case, as a binary that is no QEMU
 * fails only the start of a guest. */
int emulators_call(Manager *manager, Call *call, const char *path, const EmulatorCall *what,
                   Err *err);

/* The <emulator> that a domain's XML names; NULL: none, or it is no XML. */
char *emulator_of_xml(const char *xml);
