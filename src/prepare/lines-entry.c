/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "prepare/env.h"
#include "prepare/loader.h"

/* The length of a line without its end. */
static size_t line_length(const char *line) {
        size_t n = strcspn(line, "\n");

        return n > 0 && line[n - 1] == '\r' ? n - 1 : n;
}

static const char *next_line(const char *line) {
        const char *end = strchr(line, '\n');

        return end ? end + 1 : line + strlen(line);
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

/* The value behind key and blanks; NULL: the line is another one. */
static const char *entry_value(const char *line, const char *key) {
        size_t n = strlen(key);

        if (strncmp(line, key, n) != 0 || !is_blank(line[n]))
                return NULL;
        line += n;
        while (is_blank(*line))
                line++;
        return line;
}

void entry_fields(const char *path, GString *text, GArray *fields) {
        for (const char *line = text->str; *line; line = next_line(line)) {
                const char *value = entry_value(line, "options");
                Field field = {path, text, 0, 0, FIELD_PLAIN};

                if (!value)
                        continue;
                field.start = (size_t)(value - text->str);
                field.end = field.start + line_length(value);
                g_array_append_val(fields, field);
        }
}

bool entry_is_normal(const char *name, const char *text) {
        bool linux_image = false;

        for (const char *line = text; *line; line = next_line(line))
                linux_image |= entry_value(line, "linux") != NULL;
        return linux_image && !strstr(name, "rescue") && !strstr(name, "fallback") &&
               !strstr(name, "recovery") && !g_str_equal(name, "airlock-trial.conf");
}

/* "kernelopts=…" of grubenv. */
static void grubenv_fields(const char *path, GString *text, GArray *fields) {
        for (const char *line = text->str; *line; line = next_line(line)) {
                Field field = {path, text, 0, 0, FIELD_PLAIN};

                if (!g_str_has_prefix(line, "kernelopts="))
                        continue;
                field.start = (size_t)(line - text->str) + strlen("kernelopts=");
                field.end = (size_t)(line - text->str) + line_length(line);
                g_array_append_val(fields, field);
        }
}

/* All lines that are neither empty nor a comment. */
static void cmdline_fields(const char *path, GString *text, GArray *fields) {
        for (const char *line = text->str; *line; line = next_line(line)) {
                Field field = {path, text, 0, 0, FIELD_PLAIN};

                if (*line == '#' || line_length(line) == 0)
                        continue;
                field.start = (size_t)(line - text->str);
                field.end = field.start + line_length(line);
                g_array_append_val(fields, field);
        }
}

typedef void (*FieldsFunc)(const char *path, GString *text, GArray *fields);

static int collect_by(const BootLine *line, FieldsFunc func, GArray *fields, Err *err) {
        Edit *edit;
        int r = edits_open(line->edits, line->path, &edit, err);

        if (r == 0 && edit->text)
                func(edit->path, edit->text, fields);
        return r;
}

static int collect_entry(const BootLine *line, GArray *fields, Err *err) {
        return collect_by(line, entry_fields, fields, err);
}

static int collect_grubenv(const BootLine *line, GArray *fields, Err *err) {
        return collect_by(line, grubenv_fields, fields, err);
}

static int collect_cmdline(const BootLine *line, GArray *fields, Err *err) {
        return collect_by(line, cmdline_fields, fields, err);
}

/* The place for new words where no field is there yet. */
static int add_field(const BootLine *line, Err *err) {
        Edit *edit;
        int r = edits_open(line->edits, line->path, &edit, err);

        if (r < 0)
                return r;
        if (line->collect != collect_entry || !edit->text)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "/%s holds no kernel command line to add to", line->path);
        if (!g_str_has_suffix(edit->text->str, "\n"))
                g_string_append_c(edit->text, '\n');
        g_string_append(edit->text, "options \n");
        return 0;
}

static int target_first(const BootLine *line, Field *ret, Err *err) {
        g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(Field));
        int r = line->collect(line, fields, err);

        if (r == 0 && fields->len == 0) {
                r = add_field(line, err);
                if (r == 0)
                        r = line->collect(line, fields, err);
        }
        if (r < 0)
                return r;
        *ret = g_array_index(fields, Field, 0);
        return 0;
}

static BootLine *add_line(Edits *edits, GPtrArray *lines, const char *path,
                          int (*collect)(const BootLine *, GArray *, Err *)) {
        BootLine *line = g_new0(BootLine, 1);

        line->edits = edits;
        line->path = g_strdup(path);
        line->collect = collect;
        line->target = target_first;
        g_ptr_array_add(lines, line);
        return line;
}

int lines_kernel_cmdline(Edits *edits, GPtrArray *lines, Err *err) {
        if (sys_exists(edits->sys, "etc/kernel/cmdline"))
                add_line(edits, lines, "etc/kernel/cmdline", collect_cmdline);
        return 0;
}

/* Entries whose name sorts last are of the newest kernel: these come first. *ret_env: one of them
 * takes its line from grubenv. */
static int add_entries(Edits *edits, const char *dir, GPtrArray *lines, bool *ret_env, Err *err) {
        g_auto(GStrv) names = NULL;

        sys_list(edits->sys, dir, &names);
        for (size_t i = names ? g_strv_length(names) : 0; i-- > 0;) {
                g_autofree char *path = g_build_filename(dir, names[i], NULL);
                Edit *edit;
                int r;

                if (!g_str_has_suffix(names[i], ".conf"))
                        continue;
                r = edits_open(edits, path, &edit, err);
                if (r < 0)
                        return r;
                if (!edit->text || !entry_is_normal(names[i], edit->text->str))
                        continue;
                if (strstr(edit->text->str, "$kernelopts"))
                        *ret_env = true;
                else
                        add_line(edits, lines, path, collect_entry);
        }
        return 0;
}

int lines_bls(Edits *edits, GPtrArray *lines, Err *err) {
        bool env = false;
        int r = add_entries(edits, "boot/loader/entries", lines, &env, err);

        if (r == 0 && env)
                add_line(edits, lines, "boot/grub2/grubenv", collect_grubenv)->padded = true;
        if (r == 0 && (sys_exists(edits->sys, "etc/default/grub") ||
                       sys_exists(edits->sys, "etc/sysconfig/grub")))
                r = lines_grub(edits, lines, err);
        return r < 0 ? r : lines_kernel_cmdline(edits, lines, err);
}

int lines_systemd_boot(Edits *edits, GPtrArray *lines, Err *err) {
        const char *dir = loader_entries_dir(edits->sys);
        bool env = false;
        int r = dir ? add_entries(edits, dir, lines, &env, err) : 0;

        return r < 0 ? r : lines_kernel_cmdline(edits, lines, err);
}

static int pad(const BootLine *line, Err *err) {
        Edit *edit;
        int r = edits_open(line->edits, line->path, &edit, err);

        if (r < 0 || !edit->text || !edit_is_changed(edit) || env_pad(edit->text))
                return r;
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "/%s has no room for more words: its size is fixed", line->path),
                         "shorten its kernelopts by grub2-editenv");
}

static int collect_of_line(void *userdata, GArray *fields, Err *err) {
        const BootLine *line = userdata;

        return line->collect(line, fields, err);
}

static int target_of_line(void *userdata, Field *ret, Err *err) {
        const BootLine *line = userdata;

        return line->target(line, ret, err);
}

int loader_edit(const Loader *loader, Edits *edits, const LineWish *wish, GPtrArray *notes,
                Err *err) {
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(boot_line_free);
        int r = loader->lines(edits, lines, err);

        if (r == 0 && lines->len == 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "no kernel command line of %s was found", loader->title),
                                 "write one to /etc/kernel/cmdline first");
        for (guint i = 0; r == 0 && i < lines->len; i++) {
                BootLine *line = g_ptr_array_index(lines, i);
                LineSource source = {collect_of_line, target_of_line, line};

                r = line_apply(&source, wish, notes, err);
                if (r == 0 && line->padded)
                        r = pad(line, err);
        }
        return r;
}
