/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A process for the writes that can block in the kernel (unbind, bind, reset, sriov_numvfs) and for
 * modprobe. It takes one command at a time over a socket and answers over it; when the answer is
 * late the caller is told, and the process is left alone until the kernel lets it go. It ends by
 * itself when its socket is closed. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/err.h"
#include "base/sys.h"

#define WORKER_DEADLINE_USEC UINT64_C(30000000) /* of one command */

typedef struct Worker Worker;

/* What runs in the process. The machine's own are worker_ops_live; tests put a kernel of plain
 * files in their place. Each returns 0 or a negative errno. */
typedef struct WorkerOps {
        int (*write)(const Sys *sys, const char *path, const char *value);
        int (*load)(const char *module); /* modprobe */
} WorkerOps;

extern const WorkerOps worker_ops_live;

/* r is what the command returned, -ETIMEDOUT when it is late (the worker is stuck then, and can
 * take no other command), -EPIPE when the process died. */
typedef void (*WorkerDone)(Worker *worker, int r, void *userdata);

/* Forks. sys and ops are borrowed. lock_path: a file on which every worker holds a shared lock
 * while it lives, so that the next daemon can wait for those of the last one (worker_wait_others).
 */
int worker_new(sd_event *event, const Sys *sys, const WorkerOps *ops, const char *lock_path,
               Worker **ret, Err *err);
/* The process ends when it is idle; one that is in the kernel is left behind. */
void worker_free(Worker *worker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Worker, worker_free)

/* Microseconds from a command to -ETIMEDOUT. */
void worker_set_deadline(Worker *worker, uint64_t usec);

/* done is called once, from the event loop. -EBUSY while another command is under way. path is
 * relative to the root of Sys. */
int worker_write(Worker *worker, const char *path, const char *value, WorkerDone done,
                 void *userdata);
int worker_load(Worker *worker, const char *module, WorkerDone done, void *userdata);
/* Reads an attribute whose file waits for the device's lock, which an unbind holds
 * (driver_override). In done, worker_text() is the text without white space at its ends; NULL when
 * it failed. */
int worker_read(Worker *worker, const char *path, WorkerDone done, void *userdata);
const char *worker_text(const Worker *worker);
/* Waits until no worker of another daemon is left. */
int worker_wait_others(Worker *worker, WorkerDone done, void *userdata);

pid_t worker_pid(const Worker *worker);
bool worker_is_stuck(const Worker *worker);

/* For a stuck worker: called when the kernel has let it go, with the late command's result, or with
 * -EPIPE when it died. */
void worker_watch(Worker *worker, WorkerDone ended, void *userdata);
