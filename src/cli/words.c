/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/words.h"

#include <stdbool.h>
#include <string.h>

typedef struct Splitter {
        const char *p;
        GString *word;       /* NULL: between words */
        GPtrArray *words;    /* of the command that is being read */
        GPtrArray *commands; /* of char ** */
} Splitter;

static GString *word(Splitter *s) {
        if (!s->word)
                s->word = g_string_new(NULL);
        return s->word;
}

static void end_word(Splitter *s) {
        if (s->word)
                g_ptr_array_add(s->words, g_string_free(g_steal_pointer(&s->word), FALSE));
}

static void end_command(Splitter *s) {
        end_word(s);
        if (s->words->len == 0)
                return;
        g_ptr_array_add(s->words, NULL);
        g_ptr_array_add(s->commands, g_ptr_array_free(s->words, FALSE));
        s->words = g_ptr_array_new();
}

/* Reads to the closing quote; p stands on the opening one. False: the line ended before it. */
static bool take_quoted(Splitter *s, char quote) {
        for (s->p++; *s->p && *s->p != quote; s->p++) {
                if (quote == '"' && *s->p == '\\' && s->p[1])
                        s->p++;
                g_string_append_c(word(s), *s->p);
        }
        word(s);
        return *s->p == quote;
}

static bool take_escaped(Splitter *s) {
        if (!s->p[1])
                return false;
        g_string_append_c(word(s), *++s->p);
        return true;
}

static void skip_comment(Splitter *s) {
        while (s->p[1] && s->p[1] != '\n')
                s->p++;
}

/* What stopped the reading: 0 for the line's end, else the quote or backslash that lacks its other
 * half. */
static char split(Splitter *s) {
        for (; *s->p; s->p++) {
                char c = *s->p;

                if (c == ';' || c == '\n')
                        end_command(s);
                else if (c == ' ' || c == '\t' || c == '\r')
                        end_word(s);
                else if (c == '#' && !s->word)
                        skip_comment(s);
                else if (c == '"' || c == '\'') {
                        if (!take_quoted(s, c))
                                return c;
                } else if (c == '\\') {
                        if (!take_escaped(s))
                                return c;
                } else {
                        g_string_append_c(word(s), c);
                }
        }
        return 0;
}

static void free_words(void *words) {
        g_strfreev(words);
}

static void splitter_init(Splitter *s, const char *line) {
        *s = (Splitter){
                .p = line,
                .words = g_ptr_array_new(),
                .commands = g_ptr_array_new_with_free_func(free_words),
        };
}

static void splitter_done(Splitter *s) {
        if (s->word)
                g_string_free(s->word, TRUE);
        if (s->words)
                g_ptr_array_set_free_func(s->words, g_free);
        g_clear_pointer(&s->words, g_ptr_array_unref);
        g_clear_pointer(&s->commands, g_ptr_array_unref);
}

int words_split(const char *line, GPtrArray **ret, Err *err) {
        Splitter s;
        char open;
        int r = 0;

        splitter_init(&s, line);
        open = split(&s);
        if (open == '\\')
                r = fail(err, VIR_ERR_INVALID_ARG, "dangling \\");
        else if (open)
                r = fail(err, VIR_ERR_INVALID_ARG, "missing %c", open);
        if (r == 0) {
                end_command(&s);
                *ret = g_steal_pointer(&s.commands);
        }
        splitter_done(&s);
        return r;
}

void words_split_partial(const char *line, char ***ret) {
        Splitter s;

        splitter_init(&s, line);
        split(&s);
        word(&s);
        end_word(&s);
        g_ptr_array_add(s.words, NULL);
        *ret = (char **)g_ptr_array_free(g_steal_pointer(&s.words), FALSE);
        splitter_done(&s);
}

static bool is_plain(const char *text) {
        return *text && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789_-./:=@+,%") == strlen(text);
}

char *words_quote(const char *text) {
        GString *out = g_string_new(NULL);

        if (is_plain(text))
                return g_string_free(g_string_append(out, text), FALSE);
        g_string_append_c(out, '\'');
        for (; *text; text++) {
                if (*text == '\'')
                        g_string_append(out, "'\\''");
                else
                        g_string_append_c(out, *text);
        }
        return g_string_free(g_string_append_c(out, '\''), FALSE);
}
