/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One installation from its first change on the host to the guest's second boot. */

#include <stdbool.h>

#include "base/err.h"
#include "cli/cli.h"
#include "install/guest.h"
#include "install/media.h"
#include "install/undo.h"

typedef struct Run {
        Cli cli; /* connection, and how consoles are shown */
        const Options *options;
        GuestDef *def;
        Media media;
        Undo undo;
        int interrupt; /* see interrupt.h */
        bool quiet;
        bool memory_told;
        char *first;  /* XML of the installation; NULL: there is none, the guest is whole at once */
        char *second; /* XML of the guest */
} Run;

/* Says something that is no result. */
void run_say(const Run *run, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Writes run->first and run->second. */
void run_write_xml(Run *run);

/* Does it. When it fails, the caller undoes. */
int run_install(Run *run, Err *err);

/* The connection, anew if it was lost. */
int run_connect(Run *run, Err *err);

/* Makes the guest's volumes, and pools where directories are none. In volume.c. */
int run_make_volumes(Run *run, Err *err);

/* Waits for the installation and starts the guest again. In wait.c. */
int run_follow(Run *run, const Guest *guest, Err *err);
