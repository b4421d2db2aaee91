/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store-rename.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/util.h"
#include "daemon/store.h"

#define JOURNAL_MAX (64u << 10)

static char *journal_path(const Paths *paths) {
        return g_build_filename(paths->config_dir, "guests", "rename.json", NULL);
}

static char *config_path(const Paths *paths, const char *name, const char *suffix) {
        return g_strdup_printf("%s/guests/%s.%s", paths->config_dir, name, suffix);
}

/* What is not there has been moved already, or never was. */
static int move(const char *from, const char *to, Err *err) {
        if (rename(from, to) < 0 && errno != ENOENT)
                return fail_errno(err, neg_errno(), "cannot rename '%s' to '%s'", from, to);
        file_sync_parent(to);
        return 0;
}

static int write_journal(const Paths *paths, const StoreRename *rename, Err *err) {
        g_autofree char *path = journal_path(paths);
        json_t *json = json_pack("{s:s, s:s, s:s*, s:s*}", "from", rename->from, "to", rename->to,
                                 "nvram_from", rename->nvram_from, "nvram_to", rename->nvram_to);
        char *text = json_dumps(json, JSON_INDENT(1));
        int r = file_write_atomic(path, text, strlen(text), err);

        free(text);
        json_decref(json);
        return r;
}

static int write_new(const Paths *paths, const StoreRename *rename, Err *err) {
        return store_write_config(paths, rename->to, rename->xml, err);
}

static int move_cards(const Paths *paths, const StoreRename *rename, Err *err) {
        g_autofree char *from = config_path(paths, rename->from, "cards.json");
        g_autofree char *to = config_path(paths, rename->to, "cards.json");

        return move(from, to, err);
}

static int move_autostart(const Paths *paths, const StoreRename *rename, Err *err) {
        int r = 0;

        if (store_is_autostart(paths, rename->from))
                r = store_set_autostart(paths, rename->to, true, err);
        return r < 0 ? r : store_set_autostart(paths, rename->from, false, err);
}

static int move_saved(const Paths *paths, const StoreRename *rename, Err *err) {
        g_autofree char *from = store_save_path(paths, rename->from);
        g_autofree char *to = store_save_path(paths, rename->to);

        return move(from, to, err);
}

static int move_nvram(const Paths *paths, const StoreRename *rename, Err *err) {
        return rename->nvram_from && rename->nvram_to
                       ? move(rename->nvram_from, rename->nvram_to, err)
                       : 0;
}

static int remove_old(const Paths *paths, const StoreRename *rename, Err *err) {
        g_autofree char *path = config_path(paths, rename->from, "xml");
        g_autofree char *journal = journal_path(paths);
        int r = file_remove(path, err);

        return r < 0 ? r : file_remove(journal, err);
}

/* In this order; each does no harm when it is done again. */
static int (*const steps[])(const Paths *paths, const StoreRename *rename, Err *err) = {
        write_journal, write_new, move_cards, move_autostart, move_saved, move_nvram, remove_old,
};
G_STATIC_ASSERT(G_N_ELEMENTS(steps) == STORE_RENAME_STEPS);

enum { STEP_AFTER_NEW = 2 };

static int run(const Paths *paths, const StoreRename *rename, unsigned first, unsigned end,
               Err *err) {
        for (unsigned i = first; i < end; i++) {
                int r = steps[i](paths, rename, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

int store_rename(const Paths *paths, const StoreRename *rename, unsigned n, Err *err) {
        return run(paths, rename, 0, n, err);
}

static int recover(const Paths *paths, json_t *json, Err *err) {
        StoreRename rename = {
                .from = json_string_value(json_object_get(json, "from")),
                .to = json_string_value(json_object_get(json, "to")),
                .nvram_from = json_string_value(json_object_get(json, "nvram_from")),
                .nvram_to = json_string_value(json_object_get(json, "nvram_to")),
        };
        g_autofree char *new = NULL, *journal = journal_path(paths);

        if (!rename.from || !rename.to || store_check_name(rename.from, NULL) < 0 ||
            store_check_name(rename.to, NULL) < 0)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "'%s' is damaged", journal);
        new = config_path(paths, rename.to, "xml");
        if (!g_file_test(new, G_FILE_TEST_EXISTS))
                return file_remove(journal, err);
        return run(paths, &rename, STEP_AFTER_NEW, STORE_RENAME_STEPS, err);
}

int store_recover_rename(const Paths *paths, Err *err) {
        g_autofree char *path = journal_path(paths), *text = NULL;
        int r = file_read(path, JOURNAL_MAX, &text, NULL, err);
        json_t *json;

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        json = json_loads(text, 0, NULL);
        r = recover(paths, json, err);
        json_decref(json);
        return r;
}
