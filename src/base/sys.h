/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel's tree: the one place that opens files of sysfs, procfs and /dev. All paths are
 * relative to a root handle ("sys/bus/pci/devices"), so that tests and captured hosts can stand in
 * for the machine, and no path leaves that root through a symbolic link.
 *
 * Every function returns 0 or a negative errno and fills no Err: only the caller knows what the
 * file means. Writes can block inside the kernel (unbind, reset); callers do them in a worker
 * process. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/* sysfs attributes are at most a page; procfs lists can be longer. */
#define SYS_FILE_MAX (4u << 20)

typedef struct Sys Sys;

/* root NULL: the machine itself. Fails when root is no directory that can be opened. */
int sys_new(const char *root, Sys **ret);
void sys_free(Sys *sys);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sys, sys_free)

/* The tree from the directory path on, for many reads below it: each spares the walk to there.
 * Links that lead out of the directory can be read but not followed. parent outlives it. */
int sys_new_below(const Sys *parent, const char *path, Sys **ret);

/* True when this is the machine itself, not a captured one: ioctls and QEMU make sense. */
bool sys_is_live(const Sys *sys);

/* The descriptor of the root, owned by sys: what a forked process keeps open to go on using it. */
int sys_root_fd(const Sys *sys);

/* Opens a file (flags as open(2), O_CLOEXEC is added). Returns the descriptor. */
int sys_open(const Sys *sys, const char *path, int flags);

/* A whole file, NUL-terminated behind ret_size bytes (NULL: text is wanted). -EFBIG over
 * SYS_FILE_MAX. */
int sys_read(const Sys *sys, const char *path, char **ret, size_t *ret_size);

/* A file's text without white space at its ends. */
int sys_read_text(const Sys *sys, const char *path, char **ret);

/* A file that holds one number, 0x… or decimal (base as str_to_uint). */
int sys_read_uint(const Sys *sys, const char *path, unsigned base, uint64_t max, uint64_t *ret);

/* Writes value with one write(2), as sysfs wants it. */
int sys_write(const Sys *sys, const char *path, const char *value);

/* The target text of a symbolic link, and its last component. */
int sys_readlink(const Sys *sys, const char *path, char **ret);
int sys_readlink_name(const Sys *sys, const char *path, char **ret);

/* The path below the root, without symbolic links: "sys/devices/pci0000:00/0000:00:19.0". */
int sys_realpath(const Sys *sys, const char *path, char **ret);

/* The names in a directory, sorted, without "." and "..". -ENOENT when there is none. */
int sys_list(const Sys *sys, const char *path, char ***ret);

bool sys_exists(const Sys *sys, const char *path);

/* Makes the nth call from now (1: the next) fail with error (a negative errno), once; for tests. */
void sys_fail_at(Sys *sys, unsigned nth, int error);
