/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/record.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/util.h"
#include "prepare/edits.h"

#define RECORD_VERSION  1
#define RECORD_FILE_MAX (1u << 20) /* bytes */

static const char *const phase_names[] = {
        [RECORD_APPLYING] = "applying",
        [RECORD_APPLIED] = "applied",
        [RECORD_UNDOING] = "undoing",
};
G_STATIC_ASSERT(G_N_ELEMENTS(phase_names) == _RECORD_PHASE_MAX);

static void file_free(gpointer data) {
        RecordFile *file = data;

        g_free(file->path);
        g_free(file->before);
        g_free(file->after);
        g_free(file->result);
        g_free(file);
}

Record *record_new(void) {
        Record *record = g_new0(Record, 1);

        record->files = g_ptr_array_new_with_free_func(file_free);
        record->commands = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
        return record;
}

void record_free(Record *record) {
        if (!record)
                return;
        g_ptr_array_unref(record->files);
        g_ptr_array_unref(record->commands);
        json_decref(record->extra);
        g_free(record);
}

RecordFile *record_find(const Record *record, const char *path) {
        for (guint i = 0; i < record->files->len; i++) {
                RecordFile *file = g_ptr_array_index(record->files, i);

                if (g_str_equal(file->path, path))
                        return file;
        }
        return NULL;
}

RecordFile *record_add(Record *record, const char *path, const char *before, unsigned mode) {
        RecordFile *file = g_new0(RecordFile, 1);

        file->path = g_strdup(path);
        file->before = g_strdup(before);
        file->mode = mode;
        g_ptr_array_add(record->files, file);
        return file;
}

void record_add_command(Record *record, char *const *command) {
        for (guint i = 0; i < record->commands->len; i++)
                if (g_strv_equal(g_ptr_array_index(record->commands, i),
                                 (const char *const *)command))
                        return;
        g_ptr_array_add(record->commands, g_strdupv((char **)(uintptr_t)command));
}

static char *path_of(const char *root, const char *name, const char *suffix) {
        g_autofree char *file = g_strconcat(name, suffix, NULL);

        return g_build_filename(root, RECORD_DIR, file, NULL);
}

/* Texts are files beside the record, named by what is in them. */
static json_t *save_text(const char *root, const char *text, Err *err) {
        g_autofree char *sum = NULL, *path = NULL;

        if (!text)
                return json_null();
        sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
        path = path_of(root, sum, ".text");
        if (file_write_atomic(path, text, strlen(text), err) < 0)
                return NULL;
        return json_string(sum);
}

static int load_text(const char *root, const json_t *value, char **ret, Err *err) {
        const char *sum = json_string_value(value);
        g_autofree char *path = NULL, *text = NULL, *found = NULL;
        int r;

        if (!sum)
                return 0;
        path = path_of(root, sum, ".text");
        r = file_read(path, EDIT_FILE_MAX, &text, NULL, err);
        if (r == 0)
                found = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
        if (r == -ENOENT || (r == 0 && !g_str_equal(found, sum)))
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_FAILED,
                                      "the saved text '%s' is gone or damaged", path),
                                 "restore the files by hand, then remove /" RECORD_DIR);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&text);
        return 0;
}

static json_t *file_to_json(const char *root, const RecordFile *file, Err *err) {
        json_t *before = save_text(root, file->before, err);
        json_t *after = save_text(root, file->after, err);
        json_t *result = save_text(root, file->result, err);

        return json_pack("{s:s, s:o, s:o, s:o, s:i}", "path", file->path, "before", before, "after",
                         after, "result", result, "mode", (int)file->mode);
}

static json_t *command_to_json(char *const *command) {
        json_t *words = json_array();

        for (; *command; command++)
                json_array_append_new(words, json_string(*command));
        return words;
}

static json_t *to_json(const char *root, const Record *record, Err *err) {
        json_t *files = json_array(), *commands = json_array();

        for (guint i = 0; i < record->files->len; i++) {
                json_t *file = file_to_json(root, g_ptr_array_index(record->files, i), err);

                if (file)
                        json_array_append_new(files, file);
        }
        for (guint i = 0; i < record->commands->len; i++)
                json_array_append_new(commands,
                                      command_to_json(g_ptr_array_index(record->commands, i)));
        return json_pack("{s:i, s:s, s:o, s:o, s:O?}", "version", RECORD_VERSION, "phase",
                         phase_names[record->phase], "files", files, "commands", commands, "extra",
                         record->extra);
}

int record_save(const char *root, const char *name, const Record *record, Err *err) {
        g_autofree char *dir = g_build_filename(root, RECORD_DIR, NULL);
        g_autofree char *path = path_of(root, name, ".json");
        g_autofree char *text = NULL;
        g_auto(Err) failure = ERR_INIT;
        json_t *json;
        int r = file_mkdir_p(dir, 0700, err);

        if (r < 0)
                return r;
        json = to_json(root, record, &failure);
        text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
        json_decref(json);
        if (err_is_set(&failure)) {
                err_move(err, &failure);
                return -EIO;
        }
        if (!text)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "a path to be changed is not UTF-8");
        return file_write_atomic(path, text, strlen(text), err);
}

static int file_from_json(const char *root, const json_t *json, Record *record, Err *err) {
        const char *path = json_string_value(json_object_get(json, "path"));
        RecordFile *file;
        int r;

        if (!path)
                return fail(err, VIR_ERR_OPERATION_FAILED, "a line has no path");
        file = record_add(record, path, NULL,
                          (unsigned)json_integer_value(json_object_get(json, "mode")));
        r = load_text(root, json_object_get(json, "before"), &file->before, err);
        if (r == 0)
                r = load_text(root, json_object_get(json, "after"), &file->after, err);
        if (r == 0)
                r = load_text(root, json_object_get(json, "result"), &file->result, err);
        return r;
}

static void command_from_json(const json_t *json, Record *record) {
        g_autoptr(GPtrArray) words = g_ptr_array_new();
        const json_t *word;
        size_t i;

        json_array_foreach(json, i, word)
                g_ptr_array_add(words, (gpointer)(uintptr_t)json_string_value(word));
        g_ptr_array_add(words, NULL);
        record_add_command(record, (char *const *)words->pdata);
}

static int phase_from_json(const json_t *json, RecordPhase *ret) {
        const char *name = json_string_value(json_object_get(json, "phase"));

        for (unsigned i = 0; i < _RECORD_PHASE_MAX; i++)
                if (g_strcmp0(name, phase_names[i]) == 0) {
                        *ret = i;
                        return 0;
                }
        return -EINVAL;
}

static int from_json(const char *root, const json_t *json, Record *record, Err *err) {
        const json_t *item;
        size_t i;

        if (json_integer_value(json_object_get(json, "version")) != RECORD_VERSION ||
            phase_from_json(json, &record->phase) < 0)
                return fail(err, VIR_ERR_OPERATION_FAILED, "it is of another version");
        json_array_foreach(json_object_get(json, "files"), i, item) {
                int r = file_from_json(root, item, record, err);

                if (r < 0)
                        return r;
        }
        json_array_foreach(json_object_get(json, "commands"), i, item)
                command_from_json(item, record);
        record->extra = json_incref(json_object_get(json, "extra"));
        return 0;
}

int record_load(const char *root, const char *name, Record **ret, Err *err) {
        g_autofree char *path = path_of(root, name, ".json");
        g_autoptr(Record) record = record_new();
        g_autofree char *text = NULL;
        g_auto(Err) reason = ERR_INIT;
        json_t *json;
        int r = file_read(path, RECORD_FILE_MAX, &text, NULL, err);

        if (r < 0)
                return r;
        json = json_loads(text, 0, NULL);
        r = json ? from_json(root, json, record, &reason)
                 : fail(&reason, VIR_ERR_OPERATION_FAILED, "it is no JSON");
        json_decref(json);
        if (r < 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_FAILED, "cannot use '%s': %s", path,
                                      reason.message),
                                 "%s", reason.hint ?: "restore the files by hand and remove it");
        *ret = g_steal_pointer(&record);
        return 0;
}

/* The record first: texts alone are only waste. */
int record_remove(const char *root, const char *name, Err *err) {
        g_autofree char *path = path_of(root, name, ".json");
        g_autofree char *dir_path = g_path_get_dirname(path);
        g_autoptr(GDir) dir = NULL;
        const char *entry;
        bool another = false;
        int r = file_remove(path, err);

        if (r == 0)
                dir = g_dir_open(dir_path, 0, NULL);
        while (dir && (entry = g_dir_read_name(dir)))
                another |= g_str_has_suffix(entry, ".json");
        if (!dir || another)
                return r;
        g_dir_rewind(dir);
        while (r == 0 && (entry = g_dir_read_name(dir))) {
                g_autofree char *text = g_build_filename(dir_path, entry, NULL);

                if (g_str_has_suffix(entry, ".text"))
                        r = file_remove(text, err);
        }
        return r;
}

/* Texts are named by their content, which nobody knows any more. */
static void remove_own_leftovers(const char *root) {
        g_autofree char *path = g_build_filename(root, RECORD_DIR, NULL);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *entry;

        while (dir && (entry = g_dir_read_name(dir))) {
                const char *end = *entry == '.' ? strstr(entry, ".airlock-") : NULL;
                g_autofree char *name = end ? g_strndup(entry + 1, (gsize)(end - entry - 1)) : NULL;
                g_autofree char *full = name ? g_build_filename(path, name, NULL) : NULL;

                if (full)
                        file_remove_leftovers(full);
        }
}

void record_remove_leftovers(const char *root, const char *name) {
        g_autoptr(Record) record = NULL;

        remove_own_leftovers(root);
        if (record_load(root, name, &record, NULL) < 0)
                return;
        for (guint i = 0; i < record->files->len; i++) {
                const RecordFile *file = g_ptr_array_index(record->files, i);
                g_autofree char *full = g_build_filename(root, file->path, NULL);

                file_remove_leftovers(full);
        }
}
