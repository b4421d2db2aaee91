/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is looked at before anything is made, unless --check NAME=off or all=off says not to. */

#include <stdbool.h>

#include <libxml/tree.h>

#include "base/err.h"

typedef struct GuestDef GuestDef;
typedef struct Options Options;

/* The options of --check are known and on or off. */
int check_options(const Options *options, Err *err);

/* No other guest has the image as a disk that it writes to. */
int check_path_in_use(GuestDef *def, const xmlNode *disk, const char *path, Err *err);

/* No guest has the name, or an interface's MAC address. */
int check_guests(GuestDef *def, Err *err);
