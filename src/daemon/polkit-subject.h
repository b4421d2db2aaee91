/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The process behind a UNIX socket, so that polkit asks about this one and no other.
 *
 * A number of a process says little: when that has ended, another one can get it. The kernel's own
 * handle of the peer (SO_PEERPIDFD, Linux 6.5) cannot be mistaken; where it knows none, one is made
 * of the number at once. The start time belongs to the handle's process, as that was still there
 * after the time was read. polkit 124 and later go by the handle, the others by number and time. */

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

typedef struct PolkitSubject {
        pid_t pid;
        uid_t uid;           /* when it connected */
        uint64_t start_time; /* clock ticks since the host's boot (proc(5), stat, field 22) */
        int pidfd;
} PolkitSubject;

#define POLKIT_SUBJECT_INIT \
        { .pidfd = -1 }

/* The peer of a connected socket. AUTH_FAILED: it has ended, or is in another PID namespace, where
 * polkit does not see it. */
int polkit_subject_load(int socket, PolkitSubject *ret, Err *err);
void polkit_subject_done(PolkitSubject *subject);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PolkitSubject, polkit_subject_done)

/* From the text of /proc/PID/stat. -EBADMSG: it is none. */
int polkit_subject_parse_start(const char *stat, uint64_t *ret);
