/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guests' files: CONFIG/guests/NAME.xml (what is defined), CONFIG/guests/autostart/NAME.xml (a
 * symbolic link to it), RUN/guests/NAME/ (monitor socket, status of a running guest). */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"
#include "daemon/manager.h"

/* A guest's name is a file's name too: no '/', not '.' or '..', not over 200 bytes, no control
 * characters. */
int store_check_name(const char *name, Err *err);

int store_write_config(const Paths *paths, const char *name, const char *xml, Err *err);
int store_remove_config(const Paths *paths, const char *name, Err *err);

/* Calls func for each stored guest; one file that cannot be read is logged and passed over. */
typedef void (*StoreFunc)(const char *name, const char *text, bool autostart, void *userdata);
int store_each_config(const Paths *paths, StoreFunc func, void *userdata, Err *err);

/* CONFIG/guests/NAME.cards.json: the identity of each card that the guest was given. Absent:
 * -ENOENT without an Err. */
int store_read_cards(const Paths *paths, const char *name, char **ret, Err *err);
int store_write_cards(const Paths *paths, const char *name, const char *text, Err *err);

/* STATE/save/NAME.save: where the managed save of a guest is. */
char *store_save_path(const Paths *paths, const char *name);

bool store_is_autostart(const Paths *paths, const char *name);
int store_set_autostart(const Paths *paths, const char *name, bool autostart, Err *err);

/* Below RUN/guests/NAME/. */
char *store_run_path(const Paths *paths, const char *guest, const char *file);
int store_make_run_dir(const Paths *paths, const char *guest, Err *err);
void store_remove_run_dir(const Paths *paths, const char *guest);

/* The status of a running guest, which a later daemon reads: one JSON text. */
int store_write_status(const Paths *paths, const char *guest, const char *text, Err *err);
int store_each_status(const Paths *paths, StoreFunc func, void *userdata, Err *err);
