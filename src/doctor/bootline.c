/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor/bootline.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

typedef struct Reader {
        const Sys *sys;
        GPtrArray *lines;
        int r;
        char *path;
} Reader;

static void line_free(void *data) {
        BootLine *line = data;

        g_free(line->file);
        g_strfreev(line->words);
        g_free(line);
}

/* NULL where the file is absent or cannot be read; the latter is noted. */
static char *take_file(Reader *reader, const char *path) {
        char *text = NULL;
        int r = sys_read_text(reader->sys, path, &text);

        if (r >= 0)
                return text;
        if (r != -ENOENT && r != -ENOTDIR && reader->r == 0) {
                reader->r = r;
                reader->path = g_strdup(path);
        }
        return NULL;
}

static void add_line(Reader *reader, const char *file, const char *text) {
        BootLine *line = g_new0(BootLine, 1);

        line->file = g_strconcat("/", file, NULL);
        line->words = g_strsplit_set(text, " \t\r\n", 0);
        g_ptr_array_add(reader->lines, line);
}

/* The words behind one of the keys at the line's beginning; NULL: it begins otherwise. */
static const char *behind_key(const char *line, const char *const *keys) {
        size_t length;

        line += strspn(line, " \t");
        length = strcspn(line, " \t");
        for (; *keys; keys++)
                if (strlen(*keys) == length && strncmp(line, *keys, length) == 0)
                        return line + length;
        return NULL;
}

/* The first of its lines that begins so. */
static bool take_first(Reader *reader, const char *path, const char *text,
                       const char *const *keys) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", 0);

        STRV_FOREACH(line, lines) {
                const char *words = behind_key(line, keys);

                if (words) {
                        add_line(reader, path, words);
                        return true;
                }
        }
        return false;
}

static void take_grub(Reader *reader, const char *path) {
        static const char *const keys[] = {"linux", "linuxefi", "linux16", NULL};
        g_autofree char *text = take_file(reader, path);

        if (text)
                take_first(reader, path, text, keys);
}

/* "options root=… $kernelopts": the variable stands in GRUB's environment block. */
static char *expand(const char *text, const char *kernelopts) {
        g_auto(GStrv) parts = g_strsplit(text, "$kernelopts", 0);

        return g_strjoinv(kernelopts, parts);
}

static char *find_kernelopts(Reader *reader) {
        static const char *const files[] = {"boot/grub2/grubenv", "boot/grub/grubenv"};

        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *text = take_file(reader, files[i]);
                g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", 0);

                STRV_FOREACH(line, lines)
                        if (g_str_has_prefix(line, "kernelopts="))
                                return g_strdup(line + strlen("kernelopts="));
        }
        return g_strdup("");
}

static void take_entry(Reader *reader, const char *path, const char *kernelopts) {
        static const char *const keys[] = {"options", NULL};
        g_autofree char *raw = take_file(reader, path);
        g_autofree char *text = NULL;

        if (!raw)
                return;
        text = expand(raw, kernelopts);
        take_first(reader, path, text, keys);
}

static void take_entries(Reader *reader, const char *dir) {
        g_autofree char *kernelopts = NULL;
        g_auto(GStrv) names = NULL;
        int r = sys_list(reader->sys, dir, &names);

        if (r < 0 && r != -ENOENT && r != -ENOTDIR && reader->r == 0) {
                reader->r = r;
                reader->path = g_strdup(dir);
        }
        if (r < 0)
                return;
        kernelopts = find_kernelopts(reader);
        STRV_FOREACH(name, names) {
                g_autofree char *path = g_build_filename(dir, name, NULL);

                if (g_str_has_suffix(name, ".conf") && !strstr(name, "rescue"))
                        take_entry(reader, path, kernelopts);
        }
}

GPtrArray *bootline_load(const Sys *sys, int *ret_r, char **ret_path) {
        static const char *const menus[] = {"boot/grub/grub.cfg", "boot/grub2/grub.cfg"};
        static const char *const dirs[] = {"boot/loader/entries", "efi/loader/entries",
                                           "boot/efi/loader/entries"};
        Reader reader = {.sys = sys, .lines = g_ptr_array_new_with_free_func(line_free)};
        g_autofree char *cmdline = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(menus); i++)
                take_grub(&reader, menus[i]);
        for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++)
                take_entries(&reader, dirs[i]);
        cmdline = take_file(&reader, "etc/kernel/cmdline");
        if (cmdline)
                add_line(&reader, "etc/kernel/cmdline", cmdline);
        *ret_r = reader.r;
        *ret_path = reader.path;
        return reader.lines;
}
