/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files of pools and networks, alike for both: CONFIG/KIND/NAME.xml is the definition,
 * CONFIG/KIND/autostart/NAME.xml a link to it, and RUN/KIND/NAME.… belongs to one that is active.
 * kind is "pools" or "networks". */

#include <stdbool.h>

#include "base/err.h"
#include "daemon/manager.h"

#define OBJECT_FILE_MAX (1u << 20) /* bytes of a definition */

/* Each is the caller's. */
char *object_config_path(const Manager *manager, const char *kind, const char *name);
char *object_autostart_path(const Manager *manager, const char *kind, const char *name);
char *object_run_path(const Manager *manager, const char *kind, const char *name,
                      const char *ending);

/* Whole or not at all; directories above it are made. */
int object_write_file(const char *path, const char *text, Err *err);

bool object_has_autostart(const Manager *manager, const char *kind, const char *name);
int object_set_autostart(const Manager *manager, const char *kind, const char *name, bool autostart,
                         Err *err);

/* The definitions below parent, the configuration's directory or that of what runs. */
typedef void (*ObjectFunc)(Manager *manager, const char *path);
void object_each_file(Manager *manager, const char *parent, const char *kind, ObjectFunc func);
