/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A QEMU process: our child when we started it, a stranger's child after a restart of the daemon;
 * watched by its pidfd in both cases (pidfd_open(2)), and never mistaken for a later process of the
 * same number. It outlives the daemon, unless it was started for an errand of the daemon's own. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include <glib.h>

#include "base/err.h"

typedef struct Process Process;

typedef struct ProcessSpec {
        char *const *argv;
        const char *log_path; /* its standard output and error are appended there */
        const int *fds;       /* passed on under the same numbers */
        size_t n_fds;
        uint64_t locked_memory; /* bytes it may lock; 0: as inherited */
        bool ends_with_us;      /* killed when the daemon ends, however that comes */
        char *const *env;       /* "NAME=VALUE" beside the inherited; NULL-terminated; NULL: none */
} ProcessSpec;

/* Starts the program in a session of its own. A program that cannot be executed fails here. */
int process_spawn(const ProcessSpec *spec, Process **ret, Err *err);

/* Takes a process that runs already; start_time (process_start_time) 0: whatever has that pid.
 * -ESRCH when it is gone or another has its number. */
int process_adopt(pid_t pid, uint64_t start_time, Process **ret);

/* The process that has these two words next to each other on its command line; -ESRCH: none has. */
int process_find(const char *word, const char *next, Process **ret);

/* Forgets the process; it runs on. */
void process_free(Process *process);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Process, process_free)

pid_t process_pid(const Process *process);

/* Its pidfd, borrowed: readable when the process has ended. */
int process_fd(const Process *process);

/* In clock ticks after boot, field 22 of /proc/PID/stat. */
uint64_t process_start_time(const Process *process);

/* Sends a signal; 0 also when the process has ended. */
int process_signal(const Process *process, int signal);

/* status: as in wait(2) where it was our child, -1 elsewhere. Called once. */
typedef void (*ProcessExitFunc)(int status, void *userdata);
int process_watch(Process *process, sd_event *event, ProcessExitFunc func, void *userdata,
                  Err *err);

/* Raises the limit of locked memory of a running process; never lowers it. */
int process_raise_locked_memory(const Process *process, uint64_t bytes, Err *err);

/* CPU time used so far, in nanoseconds; 0 when the process has gone. */
uint64_t process_cpu_time(const Process *process);
