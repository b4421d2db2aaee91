/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The volumes that lie in a pool's directory, as the files say now. Reads only; may take as long as
 * the file system does, so it runs in a child (daemon/chore.h) where that matters. */

#include "storage/pool-def.h"

#define DIRECTORY_VOLUMES_MAX 16384 /* what an answer of the protocol can list */

/* Volumes sorted by name; what is half-made, and what is neither a regular file
 * nor a directory, is none. *ret holds VolumeDef * and frees them. */
int directory_scan(const char *path, GPtrArray **ret, Err *err);

/* One volume; -ENOENT when there is none of that name. */
int directory_read_volume(const char *path, const char *name, VolumeDef **ret, Err *err);

/* Removes what a daemon that was killed left half-made. Nobody may be making a volume there. */
void directory_remove_partial(const char *path);

/* Fills capacity, allocation and available of a pool from its file system. */
int directory_read_space(PoolDef *pool, Err *err);
