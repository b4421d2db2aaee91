/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Work that may take its time on a file system, in a child process whose output comes back: reading
 * a directory, running qemu-img. The loop goes on meanwhile, and a file system that hangs holds up
 * nothing but its own errand. The child ends with the daemon.
 *
 *         errand_run(event, &(ErrandSpec){.func = scan, .data = pool, .done = on_scanned, …},
 * &err);
 */

#include <systemd/sd-event.h>

#include "base/err.h"

#define ERRAND_OUTPUT_MAX (256u << 20) /* bytes that are collected */

typedef struct Errand Errand;

/* In the child, which has a copy of everything and no business with any of it but this: 0 or a
 * negative errno. What it writes to out comes back. */
typedef int (*ErrandFunc)(int out, void *data);

/* r: what func returned; for a program 0, or -EIO where it failed or was killed; -ETIMEDOUT past
 * the deadline, and the child is then killed and forgotten, as one that hangs in the kernel may not
 * end for a long time. output (of size bytes, NUL-terminated, borrowed) is what it wrote, for a
 * program to both of its outputs. Called once, from the event loop. */
typedef void (*ErrandDone)(int r, const char *output, size_t size, void *userdata);

typedef struct ErrandSpec {
        ErrandFunc func;
        void *data;        /* of func; used during errand_run() only */
        int keep_fd;       /* that func needs; 0: none */
        uint64_t deadline; /* usec from now; 0: none */

        char *const *argv; /* instead of func: a program, absolute */

        ErrandDone done;
        void *userdata;
} ErrandSpec;

/* ret (may be NULL) is valid until done is called. */
int errand_run(sd_event *event, const ErrandSpec *spec, Errand **ret, Err *err);

/* Kills the child: done comes soon, with -EIO. */
void errand_cancel(Errand *errand);
