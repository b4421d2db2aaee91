/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kernel modules: what modprobe is configured to do with them (modprobe.d(5)), and whether this
 * kernel has them. */

#include <stdbool.h>

#include <glib.h>

#include "base/sys.h"

typedef struct ModprobeLine {
        char *file;   /* "/etc/modprobe.d/vfio.conf" */
        char **words; /* "options", "vfio-pci", "ids=10de:1b80"; at least two */
} ModprobeLine;

/* Of ModprobeLine, in the order in which modprobe reads them; a file of /etc hides one of the same
 * name below /usr/lib. ret_r: 0, or why the first file that could not be read could not. */
GPtrArray *modprobe_load(const Sys *sys, int *ret_r);

/* "vfio-pci" and "vfio_pci" are the same module, and the same parameter. */
bool modprobe_is_same(const char *a, const char *b);

/* The next line that is VERB MODULE, from *pos on (0 at first); NULL: no more. */
const ModprobeLine *modprobe_next(const GPtrArray *lines, const char *verb, const char *module,
                                  unsigned *pos);

typedef enum ModuleState {
        MODULE_UNKNOWN, /* the lists of modules cannot be read */
        MODULE_ABSENT,
        MODULE_FILE, /* can be loaded */
        MODULE_BUILTIN,
        MODULE_LOADED,
} ModuleState;

/* name as in sysfs: "vfio_pci". */
ModuleState module_state(const Sys *sys, const char *kernel, const char *name);
const char *module_state_to_string(ModuleState state);
