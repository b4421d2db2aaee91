/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Functions that vfio-pci gets before any driver of the host: in the initramfs, by address, so that
 * a twin of the same make stays with the host. What finds another card at the address leaves it
 * alone. */

#include "prepare/edits.h"

/* names: addresses ("01:00.0") or names ("pci_0000_01_00_0"), NULL-terminated. Refuses what is
 * absent, a bridge, or in use by the host (handover/guard.h). Without a known maker of the
 * initramfs it is done by vendor and device, and refused where another function has the same.
 * commands (char **) gets what builds the initramfs. */
int early_edit(Edits *edits, char *const *names, GPtrArray *commands, Err *err);

/* A line of a configuration file that is ours alone: the line that begins with prefix becomes line,
 * or it is added. */
int ensure_line(Edits *edits, const char *path, const char *prefix, const char *line, Err *err);
