/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/env.h"

#include <string.h>

#include "base/util.h"

#define ENV_HEAD "# GRUB Environment Block\n"
#define ENV_SIZE 1024 /* bytes */

bool env_is(const char *text) {
        return g_str_has_prefix(text, ENV_HEAD);
}

static size_t filled_size(const char *text, size_t size) {
        while (size > 0 && text[size - 1] == '#')
                size--;
        return size;
}

bool env_pad(GString *text) {
        g_string_truncate(text, filled_size(text->str, text->len));
        if (text->len > ENV_SIZE)
                return false;
        while (text->len < ENV_SIZE)
                g_string_append_c(text, '#');
        return true;
}

/* The lines without what fills the block up. NULL for a value of several lines: it is not taken
 * apart. */
static char **split_lines(const char *text) {
        g_autofree char *filled = g_strndup(text, filled_size(text, strlen(text)));

        return strstr(filled, "\\\n") ? NULL : g_strsplit(filled, "\n", -1);
}

/* The line of the same variable; NULL: it is not set. */
static const char *find_same(char **lines, const char *line) {
        size_t n = strcspn(line, "=");

        STRV_FOREACH(each, lines)
                if (strncmp(each, line, n) == 0 && each[n] == line[n])
                        return each;
        return NULL;
}

/* What becomes of a line of b, NULL: it goes. False where both changed it. */
static bool merge_line(char **base, char **a, const char *line, const char **ret) {
        const char *was = find_same(base, line), *is = find_same(a, line);

        *ret = g_strcmp0(line, was) == 0 ? is : line;
        return g_strcmp0(was, is) == 0 || g_strcmp0(line, was) == 0 || g_strcmp0(line, is) == 0;
}

char *env_merge(const char *base_text, const char *a_text, const char *b_text) {
        g_auto(GStrv) base = split_lines(base_text), a = split_lines(a_text);
        g_auto(GStrv) b = split_lines(b_text);
        g_autoptr(GString) out = g_string_new(NULL);
        const char *merged;

        if (!base || !a || !b)
                return NULL;
        STRV_FOREACH(line, b) {
                if (*line == '#' || !*line)
                        merged = *line ? line : NULL;
                else if (!merge_line(base, a, line, &merged))
                        return NULL;
                if (merged)
                        g_string_append_printf(out, "%s\n", merged);
        }
        STRV_FOREACH(line, a) {
                if (*line == '#' || !*line || find_same(b, line))
                        continue;
                if (!find_same(base, line))
                        g_string_append_printf(out, "%s\n", line);
                else if (g_strcmp0(find_same(base, line), line) != 0)
                        return NULL;
        }
        return env_pad(out) ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}
