/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/modprobe.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

static void line_free(void *data) {
        ModprobeLine *line = data;

        g_free(line->file);
        g_strfreev(line->words);
        g_free(line);
}

/* Words between white space, without empty ones. */
static char **split_words(const char *text) {
        g_auto(GStrv) all = g_strsplit_set(text, " \t\r", 0);
        g_autoptr(GPtrArray) words = g_ptr_array_new();

        STRV_FOREACH(word, all)
                if (*word)
                        g_ptr_array_add(words, g_strdup(word));
        g_ptr_array_add(words, NULL);
        return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

/* A backslash at its end joins a line with the next one. */
static char *join_lines(const char *text) {
        g_auto(GStrv) parts = g_strsplit(text, "\\\n", 0);

        return g_strjoinv(" ", parts);
}

static void take_text(GPtrArray *lines, const char *file, const char *text) {
        g_autofree char *joined = join_lines(text);
        g_auto(GStrv) raw = g_strsplit(joined, "\n", 0);

        STRV_FOREACH(one, raw) {
                g_auto(GStrv) words = split_words(one);
                ModprobeLine *line;

                if (g_strv_length(words) < 2 || *words[0] == '#')
                        continue;
                line = g_new0(ModprobeLine, 1);
                line->file = g_strconcat("/", file, NULL);
                line->words = g_steal_pointer(&words);
                g_ptr_array_add(lines, line);
        }
}

/* Only what exists, and yet cannot be read, is worth telling. */
static void note(int *first, int r) {
        if (r < 0 && r != -ENOENT && *first == 0)
                *first = r;
}

static void take_dir(const Sys *sys, const char *dir, GHashTable *seen, GPtrArray *lines, int *r) {
        g_auto(GStrv) names = NULL;

        note(r, sys_list(sys, dir, &names));
        STRV_FOREACH(name, names) {
                g_autofree char *path = g_build_filename(dir, name, NULL);
                g_autofree char *text = NULL;
                int read;

                if (!g_str_has_suffix(name, ".conf") || !g_hash_table_add(seen, g_strdup(name)))
                        continue;
                read = sys_read_text(sys, path, &text);
                note(r, read);
                if (read >= 0)
                        take_text(lines, path, text);
        }
}

GPtrArray *modprobe_load(const Sys *sys, int *ret_r) {
        static const char *const dirs[] = {"etc/modprobe.d", "run/modprobe.d",
                                           "usr/local/lib/modprobe.d", "usr/lib/modprobe.d",
                                           "lib/modprobe.d"};
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        GPtrArray *lines = g_ptr_array_new_with_free_func(line_free);

        *ret_r = 0;
        for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++)
                take_dir(sys, dirs[i], seen, lines, ret_r);
        return lines;
}

static char plain(char c) {
        return c == '-' ? '_' : c;
}

bool modprobe_is_same(const char *a, const char *b) {
        for (; *a && plain(*a) == plain(*b); a++, b++)
                ;
        return !*a && !*b;
}

const ModprobeLine *modprobe_next(const GPtrArray *lines, const char *verb, const char *module,
                                  unsigned *pos) {
        while (*pos < lines->len) {
                const ModprobeLine *line = lines->pdata[(*pos)++];

                if (strcmp(line->words[0], verb) == 0 && modprobe_is_same(line->words[1], module))
                        return line;
        }
        return NULL;
}

/* "kernel/drivers/vfio/pci/vfio-pci.ko.xz: …" names the module vfio_pci. */
static bool lists_module(const char *text, const char *name) {
        g_autofree char *dashed = g_strdelimit(g_strdup(name), "_", '-');
        g_autofree char *a = g_strdup_printf("/%s.ko", name);
        g_autofree char *b = g_strdup_printf("/%s.ko", dashed);

        return strstr(text, a) || strstr(text, b);
}

ModuleState module_state(const Sys *sys, const char *kernel, const char *name) {
        static const struct {
                const char *file;
                ModuleState state;
        } lists[] = {{"modules.builtin", MODULE_BUILTIN}, {"modules.dep", MODULE_FILE}};
        g_autofree char *loaded = g_build_filename("sys/module", name, NULL);
        ModuleState state = MODULE_UNKNOWN;

        for (size_t i = 0; *kernel && i < G_N_ELEMENTS(lists); i++) {
                g_autofree char *path =
                        g_build_filename("lib/modules", kernel, lists[i].file, NULL);
                g_autofree char *text = NULL;

                if (sys_read_text(sys, path, &text) < 0)
                        continue;
                if (lists_module(text, name)) {
                        state = lists[i].state;
                        break;
                }
                state = MODULE_ABSENT;
        }
        if (state != MODULE_BUILTIN && sys_exists(sys, loaded))
                return MODULE_LOADED;
        return state;
}

const char *module_state_to_string(ModuleState state) {
        static const char *const names[] = {
                [MODULE_UNKNOWN] = "not known", [MODULE_ABSENT] = "absent",
                [MODULE_FILE] = "not loaded",   [MODULE_BUILTIN] = "built in",
                [MODULE_LOADED] = "loaded",
        };

        return names[state];
}
