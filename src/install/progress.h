/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How far something is. On a terminal one line that is drawn anew, with a bar, the rate and the
 * time that is left; elsewhere one line when it begins and one when it ends. */

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

typedef struct Progress {
        const char *what; /* borrowed: "initrd.img" */
        bool quiet;
        bool terminal;
        uint64_t begun_at; /* bytes that were there before */
        gint64 started;    /* µs, monotonic, as the next */
        gint64 drawn;
} Progress;

/* already: bytes of an earlier try. */
void progress_begin(Progress *progress, const char *what, uint64_t already, bool quiet);

/* total 0: not known. Draws at most ten times a second. */
void progress_show(Progress *progress, uint64_t done, uint64_t total);

/* Ends the line. text: "done", "interrupted". */
void progress_end(Progress *progress, uint64_t done, const char *text);

/* The line: `width` columns at most. seconds: since it began. */
char *progress_line(const char *what, uint64_t done, uint64_t total, double rate, unsigned width);

/* "45 s", "3 min 05 s", "2 h 10 min". */
char *progress_time(uint64_t seconds);
