/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/roff.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK ".\\\"@"

char *roff_text(const char *text) {
        GString *out = g_string_new(NULL);

        for (const char *p = text; *p; p++) {
                bool at_start = p == text || p[-1] == '\n';

                if (at_start && (*p == '.' || *p == '\''))
                        g_string_append(out, "\\&");
                if (*p == '\\')
                        g_string_append(out, "\\e");
                else if (*p == '-')
                        g_string_append(out, "\\-");
                else if (*p == '^')
                        g_string_append(out, "\\(ha");
                else if (*p == '~')
                        g_string_append(out, "\\(ti");
                else if (*p == '\'')
                        g_string_append(out, "\\(aq");
                else if (g_str_has_prefix(p, "…"))
                        g_string_append(out, "...");
                if (g_str_has_prefix(p, "…"))
                        p += strlen("…") - 1;
                else if (!strchr("\\-^~'", *p))
                        g_string_append_c(out, *p);
        }
        return g_string_free(out, FALSE);
}

char *roff_sentence(const char *text) {
        g_autofree char *escaped = roff_text(text);
        bool is_ended = g_str_has_suffix(escaped, ".");
        char *sentence = g_strconcat(escaped, is_ended ? "" : ".", NULL);

        sentence[0] = g_ascii_toupper(sentence[0]);
        return sentence;
}

int roff_print(const char *path, bool (*fill)(GString *out, char *const *words)) {
        g_autoptr(GString) out = g_string_new(NULL);
        g_autoptr(GError) error = NULL;
        g_autofree char *page = NULL;
        g_auto(GStrv) lines = NULL;

        if (!g_file_get_contents(path, &page, NULL, &error)) {
                fprintf(stderr, "%s\n", error->message);
                return EXIT_FAILURE;
        }
        lines = g_strsplit(g_strchomp(page), "\n", -1);
        for (char **line = lines; *line; line++) {
                bool is_mark = g_str_has_prefix(*line, MARK);
                g_auto(GStrv) words = g_strsplit(*line + (is_mark ? strlen(MARK) : 0), " ", -1);

                if (!is_mark)
                        g_string_append_printf(out, "%s\n", *line);
                else if (!fill(out, words)) {
                        fprintf(stderr, "%s: what is '%s'?\n", path, *line);
                        return EXIT_FAILURE;
                }
        }
        fputs(out->str, stdout);
        return EXIT_SUCCESS;
}
