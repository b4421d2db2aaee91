/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A guest's files under another name: definition, identities of its cards, autostart link, managed
 * save, nvram.
 *
 * CONFIG/guests/rename.json says what is being done until it is done. The new definition decides:
 * where it is there after a crash, the rest is made up for, else nothing has happened. So there is
 * one guest of one name at any time. */

#include "base/err.h"
#include "daemon/manager.h"

typedef struct StoreRename {
        const char *from, *to;
        const char *xml;                   /* the definition under the new name */
        const char *nvram_from, *nvram_to; /* paths; NULL: none that goes by the name */
} StoreRename;

/* All steps; a test stops earlier, as a crash would. */
#define STORE_RENAME_STEPS 7u

int store_rename(const Paths *paths, const StoreRename *rename, unsigned n, Err *err);

/* Ends what a crash cut off; before the definitions are read. */
int store_recover_rename(const Paths *paths, Err *err);
