/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "prepare/loader.h"
#include "prepare/shell.h"

#define GRUB_DIR     "etc/default/grub.d"
#define GRUB_SNIPPET GRUB_DIR "/zz-airlock.cfg"

/* GRUB_CMDLINE_LINUX is for every entry, the other for those of a normal boot alone, which come
 * behind it on the line. */
static const char *const variables[] = {"GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"};

/* Read after all others, it adds to what they say; undo takes a file away and edits none. */
static const char snippet_head[] =
        "# Written by airlock prepare; `airlock prepare --undo` takes it away.\n"
        "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT\"\n";

static const char *defaults_path(const Sys *sys) {
        return !sys_exists(sys, "etc/default/grub") && sys_exists(sys, "etc/sysconfig/grub")
                       ? "etc/sysconfig/grub"
                       : "etc/default/grub";
}

/* An assignment, with its file. */
typedef struct Found {
        Field field;
        bool adds;
} Found;

static int find_in(Edits *edits, const char *path, const char *name, GArray *found, Err *err) {
        g_autoptr(GArray) assignments = NULL;
        Edit *edit;
        int r = edits_open(edits, path, &edit, err);

        if (r < 0 || !edit->text)
                return r;
        r = shell_assignments(edit->path, edit->text, name, &assignments, err);
        if (r < 0)
                return r;
        for (guint i = 0; i < assignments->len; i++) {
                const ShellAssignment *a = &g_array_index(assignments, ShellAssignment, i);
                Found one = {{edit->path, edit->text, a->start, a->end, FIELD_SHELL}, a->adds};

                if (a->nested)
                        return fail_hint(err,
                                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                              "/%s sets %s inside an if, a loop or a function",
                                              edit->path, name),
                                         "add the words there by hand");
                g_array_append_val(found, one);
        }
        return 0;
}

/* The files in the order in which they are read. */
static int find_all(const BootLine *line, const char *name, GArray *found, Err *err) {
        g_auto(GStrv) names = NULL;
        bool has_own = false;
        int r = find_in(line->edits, line->path, name, found, err);

        if (r < 0 || !line->spare)
                return r;
        sys_list(line->edits->sys, GRUB_DIR, &names);
        for (char **file = names; file && *file; file++) {
                g_autofree char *path = g_strconcat(GRUB_DIR "/", *file, NULL);

                if (!g_str_has_suffix(path, ".cfg"))
                        continue;
                has_own |= g_str_equal(path, GRUB_SNIPPET);
                r = find_in(line->edits, path, name, found, err);
                if (r < 0)
                        return r;
        }
        return has_own ? 0 : find_in(line->edits, GRUB_SNIPPET, name, found, err);
}

/* What counts of a variable: the last assignment that does not add, and those behind it. */
static int collect_variable(const BootLine *line, const char *name, GArray *fields, Err *err) {
        g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Found));
        int r = find_all(line, name, found, err);
        guint first = found->len;

        while (r == 0 && first > 0)
                if (!g_array_index(found, Found, --first).adds)
                        break;
        for (guint i = first; r == 0 && i < found->len; i++)
                g_array_append_val(fields, g_array_index(found, Found, i).field);
        return r;
}

static int collect_grub(const BootLine *line, GArray *fields, Err *err) {
        for (size_t i = 0; i < G_N_ELEMENTS(variables); i++) {
                int r = collect_variable(line, variables[i], fields, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* The last assignment that counts, of the normal entries' variable if it is there. */
static int find_target(const BootLine *line, Field *ret, Err *err) {
        for (size_t i = G_N_ELEMENTS(variables); i-- > 0;) {
                g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(Field));
                int r = collect_variable(line, variables[i], fields, err);

                if (r < 0)
                        return r;
                if (fields->len > 0) {
                        *ret = g_array_index(fields, Field, fields->len - 1);
                        return 1;
                }
        }
        return 0;
}

static int make_variable(const BootLine *line, Err *err) {
        bool crlf;
        Edit *edit;
        int r = edits_open(line->edits, line->path, &edit, err);

        if (r < 0)
                return r;
        if (!edit->text)
                edit->text = g_string_new(NULL);
        crlf = strstr(edit->text->str, "\r\n") != NULL;
        if (edit->text->len > 0 && !g_str_has_suffix(edit->text->str, "\n"))
                g_string_append(edit->text, crlf ? "\r\n" : "\n");
        g_string_append(edit->text, "GRUB_CMDLINE_LINUX_DEFAULT=\"\"");
        g_string_append(edit->text, crlf ? "\r\n" : "\n");
        return 0;
}

static int target_grub(const BootLine *line, Field *ret, Err *err) {
        Edit *edit;
        int r = 0;

        if (line->spare) {
                r = edits_open(line->edits, line->spare, &edit, err);
                if (r == 0 && !edit->text)
                        r = edits_set(line->edits, line->spare, snippet_head, 0644, err);
        }
        if (r == 0)
                r = find_target(line, ret, err);
        if (r != 0)
                return r < 0 ? r : 0;
        r = make_variable(line, err);
        if (r == 0)
                r = find_target(line, ret, err);
        return r < 0 ? r : 0;
}

static int add_grub(Edits *edits, const char *spare, GPtrArray *lines) {
        BootLine *line = g_new0(BootLine, 1);

        line->edits = edits;
        line->path = g_strdup(defaults_path(edits->sys));
        line->spare = g_strdup(spare);
        line->collect = collect_grub;
        line->target = target_grub;
        g_ptr_array_add(lines, line);
        return 0;
}

int lines_grub(Edits *edits, GPtrArray *lines, Err *err) {
        return add_grub(edits, NULL, lines);
}

int lines_grub_snippet(Edits *edits, GPtrArray *lines, Err *err) {
        return add_grub(edits, sys_exists(edits->sys, GRUB_DIR) ? GRUB_SNIPPET : NULL, lines);
}
