/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Is this a place where a change can count? A container or a chroot starts no kernel, and what is
 * written into the empty directory of a /boot that is not mounted is never read. */

#include "prepare/edits.h"

/* Of the running host, before anything is looked at. */
int place_check(const Sys *sys, Err *err);

/* Can the changed files be written, and what the commands (char **) build below /boot? */
int place_check_room(const Edits *edits, const GPtrArray *commands, Err *err);
