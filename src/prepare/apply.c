/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/apply.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/util.h"
#include "prepare/diff.h"

static void tell(const ApplyHost *host, const char *what) {
        if (host->done)
                host->done(what, host->userdata);
}

/* text NULL: no file. */
static int write_file(const ApplyHost *host, const char *path, const char *text, unsigned mode,
                      Err *err) {
        g_autofree char *full = g_build_filename(host->root, path, NULL);
        g_autofree char *dir = g_path_get_dirname(full);
        int r;

        if (!text) {
                r = file_remove(full, err);
        } else {
                r = file_mkdir_p(dir, 0755, err);
                if (r == 0)
                        r = file_replace_atomic(full, text, strlen(text), mode, err);
        }
        if (r == 0)
                tell(host, path);
        return r;
}

static int run_all(const ApplyHost *host, const GPtrArray *commands, Err *err) {
        int r = 0;

        for (guint i = 0; r == 0 && host->run && i < commands->len; i++) {
                char *const *command = g_ptr_array_index(commands, i);

                r = host->run(command, host->userdata, err);
                if (r == 0)
                        tell(host, command[0]);
        }
        return r;
}

bool apply_is_unfinished(const ApplyHost *host, const char *name) {
        g_autoptr(Record) record = NULL;

        return record_load(host->root, name, &record, NULL) == 0 &&
               record->phase == RECORD_APPLYING;
}

/* Someone changed the file between two of our runs: his change belongs to what an undo restores. */
static int rebase(RecordFile *file, const Edit *edit, Err *err) {
        g_autofree char *before = NULL;

        if (g_strcmp0(file->after, edit->before) == 0 || g_strcmp0(file->before, edit->before) == 0)
                return 0;
        before = diff_merge(file->after, file->before, edit->before);
        if (!before)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "/%s was changed since, in the same lines", edit->path),
                                 "undo first: airlock prepare --undo");
        g_free(file->before);
        file->before = g_steal_pointer(&before);
        return 0;
}

/* The record as it will be when this run is through. */
static int merge_into(Record *record, const Edits *edits, const GPtrArray *commands, Err *err) {
        for (guint i = 0; i < edits->files->len; i++) {
                const Edit *edit = g_ptr_array_index(edits->files, i);
                RecordFile *file;
                int r = 0;

                if (!edit_is_changed(edit))
                        continue;
                file = record_find(record, edit->path);
                if (file)
                        r = rebase(file, edit, err);
                else
                        file = record_add(record, edit->path, edit->before, edit->mode);
                if (r < 0)
                        return r;
                g_free(file->after);
                file->after = edit->text ? g_strdup(edit->text->str) : NULL;
        }
        for (guint i = 0; i < commands->len; i++)
                record_add_command(record, g_ptr_array_index(commands, i));
        record->phase = RECORD_APPLYING;
        return 0;
}

static int write_edits(const ApplyHost *host, const Edits *edits, Err *err) {
        int r = 0;

        for (guint i = 0; r == 0 && i < edits->files->len; i++) {
                const Edit *edit = g_ptr_array_index(edits->files, i);

                if (edit_is_changed(edit))
                        r = write_file(host, edit->path, edit->text ? edit->text->str : NULL,
                                       edit->mode, err);
        }
        return r;
}

/* Puts the files back as they were before this run, and the record too (NULL: there was none). */
static int roll_back(const ApplyHost *host, const char *name, const Edits *edits,
                     const GPtrArray *commands, const Record *old, Err *err) {
        int r = 0;

        for (guint i = edits->files->len; r == 0 && i-- > 0;) {
                const Edit *edit = g_ptr_array_index(edits->files, i);

                if (edit_is_changed(edit))
                        r = write_file(host, edit->path, edit->before, edit->mode, err);
        }
        if (r == 0)
                run_all(host, commands, NULL);
        if (r < 0)
                return r;
        return old ? record_save(host->root, name, old, err) : record_remove(host->root, name, err);
}

/* The failure stays what is told; that the way back failed too is its hint. */
static int give_up(const ApplyHost *host, const char *name, const Edits *edits,
                   const GPtrArray *commands, const Record *old, int failure, Err *err) {
        g_auto(Err) second = ERR_INIT;

        if (roll_back(host, name, edits, commands, old, &second) == 0)
                return fail_hint(err, failure, "all files are as they were");
        return fail_hint(err, failure,
                         "some files are changed; the host boots either way, and airlock prepare "
                         "--undo puts them back when there is room (%s)",
                         second.message ?: "");
}

static int load_or_new(const ApplyHost *host, const char *name, Record **ret, Record **ret_old,
                       Err *err) {
        int r = record_load(host->root, name, ret, err);

        if (r == -ENOENT) {
                *ret = record_new();
                return 0;
        }
        if (r == 0)
                r = record_load(host->root, name, ret_old, err);
        if (r == 0 && (*ret)->phase == RECORD_UNDOING)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "an undo was interrupted and has to end first"),
                                 "airlock prepare --undo");
        return r;
}

int apply_edits(const ApplyHost *host, const char *name, const Edits *edits,
                const GPtrArray *commands, json_t *extra, Err *err) {
        g_autoptr(Record) record = NULL, old = NULL;
        int r = load_or_new(host, name, &record, &old, err);

        if (r == 0)
                r = merge_into(record, edits, commands, err);
        if (r < 0)
                return r;
        if (extra) {
                json_decref(record->extra);
                record->extra = json_incref(extra);
        }
        r = record_save(host->root, name, record, err);
        if (r == 0)
                tell(host, RECORD_DIR);
        if (r == 0)
                r = write_edits(host, edits, err);
        if (r == 0)
                r = run_all(host, record->commands, err);
        if (r < 0)
                return give_up(host, name, edits, record->commands, old, r, err);
        record->phase = RECORD_APPLIED;
        return record_save(host->root, name, record, err);
}

/* What the file will be: as before us, with what others changed since. */
static int find_result(RecordFile *file, const char *now, GString *conflicts) {
        g_autofree char *merged = NULL, *theirs = NULL, *ours = NULL;

        g_clear_pointer(&file->result, g_free);
        if (g_strcmp0(now, file->after) == 0 || g_strcmp0(now, file->before) == 0) {
                file->result = g_strdup(file->before);
                return 0;
        }
        if (!now)
                return 0;
        merged = diff_merge(file->after, file->before, now);
        if (merged) {
                if (file->before || *merged)
                        file->result = g_steal_pointer(&merged);
                return 0;
        }
        theirs = diff_unified(file->path, file->after, now);
        ours = diff_unified(file->path, file->after, file->before);
        g_string_append_printf(conflicts, "what others changed since:\n%swhat an undo changes:\n%s",
                               theirs, ours);
        file->result = g_strdup(now);
        return -EEXIST;
}

int apply_plan_undo(const ApplyHost *host, const char *name, Edits *edits, Record **ret_record,
                    char **ret_conflicts, Err *err) {
        g_autoptr(Record) record = NULL;
        g_autoptr(GString) conflicts = g_string_new(NULL);
        int r = record_load(host->root, name, &record, err);

        for (guint i = 0; r == 0 && i < record->files->len; i++) {
                RecordFile *file = g_ptr_array_index(record->files, i);
                Edit *edit;

                r = edits_open(edits, file->path, &edit, err);
                if (r < 0)
                        return r;
                /* An undo that was cut off may have been here. */
                if (record->phase == RECORD_UNDOING && g_strcmp0(edit->before, file->result) == 0)
                        continue;
                find_result(file, edit->before, conflicts);
                r = edits_set(edits, file->path, file->result, file->mode, err);
        }
        if (r < 0)
                return r;
        if (conflicts->len > 0) {
                *ret_conflicts = g_string_free(g_steal_pointer(&conflicts), FALSE);
                fail_hint(err,
                          fail(err, VIR_ERR_OPERATION_INVALID,
                               "files were changed since in the lines that an undo changes; "
                               "nothing was touched"),
                          "put these lines right by hand, then remove /" RECORD_DIR);
                return -EEXIST;
        }
        *ret_record = g_steal_pointer(&record);
        return 0;
}

static int write_result(const ApplyHost *host, const RecordFile *file, Err *err) {
        g_autofree char *now = NULL;
        int r = sys_read(host->sys, file->path, &now, NULL);

        if (r < 0 && r != -ENOENT)
                return fail_errno(err, r, "cannot read /%s", file->path);
        if (g_strcmp0(now, file->result) == 0)
                return 0;
        return write_file(host, file->path, file->result, file->mode, err);
}

int apply_undo(const ApplyHost *host, const char *name, Record *record, Err *err) {
        int r;

        record->phase = RECORD_UNDOING;
        r = record_save(host->root, name, record, err);
        if (r == 0)
                tell(host, RECORD_DIR);
        for (guint i = record->files->len; r == 0 && i-- > 0;)
                r = write_result(host, g_ptr_array_index(record->files, i), err);
        if (r == 0)
                r = run_all(host, record->commands, err);
        return r == 0 ? record_remove(host->root, name, err) : r;
}
