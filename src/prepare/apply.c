/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/apply.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/util.h"
#include "prepare/diff.h"
#include "prepare/env.h"

static void tell(const ApplyHost *host, const char *what) {
        if (host->done)
                host->done(what, host->userdata);
}

/* text NULL: no file. One that says so already is left alone: it may be where nothing can be
 * written. */
static int make_file(const ApplyHost *host, const char *path, const char *text, unsigned mode,
                     Err *err) {
        g_autofree char *full = g_build_filename(host->root, path, NULL);
        g_autofree char *dir = g_path_get_dirname(full);
        g_autofree char *now = NULL;
        int r = sys_read(host->sys, path, &now, NULL);

        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
                return fail_errno(err, r, "cannot read /%s", path);
        if (g_strcmp0(now, text) == 0)
                return 0;
        r = text ? file_mkdir_p(dir, 0755, err) : file_remove(full, err);
        if (r == 0 && text)
                r = file_replace_atomic(full, text, strlen(text), mode, err);
        if (r == 0)
                tell(host, path);
        return r;
}

static int run_one(const ApplyHost *host, char *const *command, Err *err) {
        int r = host->run ? host->run(command, host->userdata, err) : 0;

        if (r == 0 && host->run)
                tell(host, command[0]);
        return r;
}

static int run_all(const ApplyHost *host, const GPtrArray *commands, Err *err) {
        int r = 0;

        for (guint i = 0; r == 0 && i < commands->len; i++)
                r = run_one(host, g_ptr_array_index(commands, i), err);
        return r;
}

bool apply_is_unfinished(const ApplyHost *host, const char *name) {
        g_autoptr(Record) record = NULL;

        return record_load(host->root, name, &record, NULL) == 0 &&
               record->phase == RECORD_APPLYING;
}

/* base became a and, apart from that, b; NULL where that contradicts. */
static char *merge(const char *base, const char *a, const char *b) {
        bool is_env = base && a && b && env_is(base) && env_is(a) && env_is(b);

        return is_env ? env_merge(base, a, b) : diff_merge(base, a, b);
}

/* Someone changed the file between two of our runs: his change belongs to what an undo restores. */
static int rebase(RecordFile *file, const Edit *edit, Err *err) {
        g_autofree char *before = NULL;

        if (g_strcmp0(file->after, edit->before) == 0 || g_strcmp0(file->before, edit->before) == 0)
                return 0;
        before = merge(file->after, file->before, edit->before);
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
                        r = make_file(host, edit->path, edit->text ? edit->text->str : NULL,
                                      edit->mode, err);
        }
        return r;
}

/* Puts the files back as they were before this run, as many as can be. */
static int put_back(const ApplyHost *host, const Edits *edits, Err *err) {
        int r = 0;

        for (guint i = edits->files->len; i-- > 0;) {
                const Edit *edit = g_ptr_array_index(edits->files, i);
                int one = edit_is_changed(edit) ? make_file(host, edit->path, edit->before,
                                                            edit->mode, r == 0 ? err : NULL)
                                                : 0;

                r = r == 0 ? one : r;
        }
        return r;
}

/* All of them, whatever fails; the lines of those that do, joined by "; ". */
static char *run_again(const ApplyHost *host, const GPtrArray *commands) {
        g_autoptr(GString) failed = g_string_new(NULL);

        for (guint i = 0; commands && i < commands->len; i++) {
                char **command = g_ptr_array_index(commands, i);
                g_autofree char *line = g_strjoinv(" ", command);

                if (run_one(host, command, NULL) < 0)
                        g_string_append_printf(failed, "%s%s", failed->len > 0 ? "; " : "", line);
        }
        return g_string_free(g_steal_pointer(&failed), FALSE);
}

/* Back to what was before this run, the record too (old NULL: there was none). commands: those that
 * may have run; NULL: none. The failure stays what is told; what of the way back failed is its
 * hint. */
static int give_up(const ApplyHost *host, const char *name, const Edits *edits,
                   const GPtrArray *commands, const Record *old, int failure, Err *err) {
        g_auto(Err) second = ERR_INIT;
        g_autofree char *failed = NULL;
        int r = put_back(host, edits, &second);

        if (r == 0) {
                failed = run_again(host, commands);
                r = old ? record_save(host->root, name, old, &second)
                        : record_remove(host->root, name, &second);
        }
        if (r == 0 && *failed)
                return fail_hint(err, failure,
                                 "all files are as they were; what is built from them has to be "
                                 "built again when it can be: %s",
                                 failed);
        if (r == 0)
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
        if (r < 0)
                return give_up(host, name, edits, NULL, old, r, err);
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
        merged = merge(file->after, file->before, now);
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

int apply_undo(const ApplyHost *host, const char *name, Record *record, Err *err) {
        int r;

        record->phase = RECORD_UNDOING;
        r = record_save(host->root, name, record, err);
        if (r == 0)
                tell(host, RECORD_DIR);
        for (guint i = record->files->len; r == 0 && i-- > 0;) {
                const RecordFile *file = g_ptr_array_index(record->files, i);

                r = make_file(host, file->path, file->result, file->mode, err);
        }
        if (r == 0)
                r = run_all(host, record->commands, err);
        return r == 0 ? record_remove(host->root, name, err) : r;
}
