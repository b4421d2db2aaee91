/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files from http and https. A file that comes in part stays in the directory, and the next run of
 * the same address goes on where that one stopped, if the server still has the same file (its ETag
 * or date says so, or the checksum at the end). */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef struct Fetch {
        const char *directory; /* where files go; made when it is not there */
        int interrupt;         /* see interrupt.h */
        bool quiet;
} Fetch;

/* http:// or https://. */
bool fetch_is_url(const char *text);

/* A small file. -ENOENT: the server does not have it. */
int fetch_text(const Fetch *fetch, const char *url, size_t max, char **ret, Err *err);

/* The server has the file. */
bool fetch_exists(const Fetch *fetch, const char *url);

/* Fetches url to the file `to` in the directory. sha256 in hex; NULL: not known. A file that has
 * another is removed and refused. Waits for another run that fetches the same. */
int fetch_file(const Fetch *fetch, const char *url, const char *sha256, const char *to, Err *err);

/* A place for what comes from url; guest: whose it is ("": everybody's). Runs for several guests
 * have their own: files may be put into an initrd. */
char *fetch_path(const Fetch *fetch, const char *url, const char *guest);

/* Compares a file's sum; removes nothing. */
int fetch_verify(const char *path, const char *name, const char *sha256, Err *err);
