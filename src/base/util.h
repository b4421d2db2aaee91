/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every file needs: cleanup attributes for what GLib does not own, strict number parsers, and
 * the two ownership hand-ons. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Closes *fd when it is open; for _cleanup_(closep). errno is kept. */
void closep(int *fd);

/* In a forked child: closes every descriptor but the standard ones and these two (-1: none). */
void close_all_but(int fd, int other);

/* fork() of a process that nobody has to wait for: the one between ends at once. Returns 0 in the
 * new process, 1 in the caller. */
int fork_detached(void);

static inline int steal_fd(int *fd) {
        int r = *fd;

        *fd = -1;
        return r;
}

/* The errno of the call that just failed, as our negative error; -EIO where it set none. */
int neg_errno(void);

/* Whole-string numbers: no sign, no space, no trailing text. Base 0 takes 0x… and decimal (a
 * leading zero does not mean octal), 10 and 16 only that base (16 with or without 0x). Return
 * -EINVAL for text that is no such number, -ERANGE when it is greater than max. */
int str_to_uint(const char *s, unsigned base, uint64_t max, uint64_t *ret);

/* Iterates over a NULL-terminated string array. */
#define STRV_FOREACH(item, strv)                                                     \
        for (char **_p_##item = (strv), *item = _p_##item ? *_p_##item : NULL; item; \
             item = *++_p_##item)

/* "a, b and c": the members of a NULL-terminated array as a person lists them; "" when empty. */
char *strv_join_human(char *const *strv);
