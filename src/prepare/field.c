/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/field.h"

#include <errno.h>
#include <string.h>

/* One character of the value as the kernel will see it, and where it is written. */
typedef struct Cell {
        size_t start, end;
        char c;
        char quote; /* the shell's quotes around it; 0: none */
        bool opaque;
} Cell;

typedef struct Reader {
        const char *text;
        size_t pos, end;
        FieldSyntax syntax;
        char quote;
        bool quoted;    /* quotes or backslashes were met */
        size_t closing; /* behind the last closing quote; 0: none */
} Reader;

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static char peek(const Reader *reader, size_t ahead) {
        return reader->pos + ahead < reader->end ? reader->text[reader->pos + ahead] : '\0';
}

/* The bytes of a line end that a backslash hides; 0: none follows. */
static size_t continuation(const Reader *reader) {
        if (peek(reader, 1) == '\n')
                return 2;
        return peek(reader, 1) == '\r' && peek(reader, 2) == '\n' ? 3 : 0;
}

/* "${…}" and "$(…)": to the bracket that closes the first, quotes inside respected; 0: it is not
 * closed. */
static size_t bracketed(const Reader *reader, char open, char close) {
        unsigned depth = 0;
        char quote = 0;

        for (size_t i = 1; reader->pos + i < reader->end; i++) {
                char c = peek(reader, i);

                if (c == '\\' && quote != '\'')
                        i++;
                else if (quote && c == quote)
                        quote = 0;
                else if (!quote && (c == '"' || c == '\''))
                        quote = c;
                else if (!quote && c == open)
                        depth++;
                else if (!quote && c == close && --depth == 0)
                        return i + 1;
        }
        return 0;
}

static size_t backquoted(const Reader *reader) {
        for (size_t i = 1; reader->pos + i < reader->end; i++) {
                if (peek(reader, i) == '\\')
                        i++;
                else if (peek(reader, i) == '`')
                        return i + 1;
        }
        return 0;
}

/* The length of the expansion that begins here; 0: it is not closed; 1: a dollar sign alone. */
static size_t expansion(const Reader *reader) {
        size_t n = 1;

        if (peek(reader, 0) == '`')
                return backquoted(reader);
        if (peek(reader, 1) == '{')
                return bracketed(reader, '{', '}');
        if (peek(reader, 1) == '(')
                return bracketed(reader, '(', ')');
        if (!reader->quote && (peek(reader, 1) == '\'' || peek(reader, 1) == '"'))
                return 1;
        while (g_ascii_isalnum(peek(reader, n)) || peek(reader, n) == '_')
                n++;
        if (n == 1 && peek(reader, 1) && strchr("?#@*!$-", peek(reader, 1)))
                n = 2;
        return n;
}

static bool is_end_of_value(const Reader *reader) {
        char c = peek(reader, 0);

        return !reader->quote && (is_blank(c) || strchr(";&|<>()", c));
}

static int take(Reader *reader, size_t n, char c, bool opaque, Cell *ret) {
        *ret = (Cell){reader->pos, reader->pos + n, c, reader->quote, opaque};
        reader->pos += n;
        return 1;
}

/* A quote that opens or closes, a hidden line end: what stands for no character. */
static bool skip_syntax(Reader *reader) {
        char c = peek(reader, 0);
        size_t n;

        if (c == '\\' && reader->quote != '\'' && (n = continuation(reader)) > 0) {
                reader->quoted = true;
                reader->pos += n;
                return true;
        }
        if ((c != '"' && c != '\'') || (reader->quote && reader->quote != c))
                return false;
        reader->quote = reader->quote ? 0 : c;
        reader->quoted = true;
        reader->pos++;
        if (!reader->quote)
                reader->closing = reader->pos;
        return true;
}

/* What a backslash makes of the next character. */
static int take_escape(Reader *reader, Cell *ret) {
        char next = peek(reader, 1);

        reader->quoted = true;
        if (!next || (reader->quote == '"' && !strchr("$`\"\\", next)))
                return take(reader, 1, '\\', false, ret);
        return take(reader, 2, next, false, ret);
}

/* 1: a cell; 0: the value ends here; -EINVAL: something is not closed. */
static int read_shell(Reader *reader, Cell *ret) {
        size_t n;
        char c;

        while (reader->pos < reader->end && skip_syntax(reader))
                ;
        if (reader->pos >= reader->end)
                return reader->quote ? -EINVAL : 0;
        if (is_end_of_value(reader))
                return 0;
        c = peek(reader, 0);
        if (reader->quote == '\'')
                return take(reader, 1, c, false, ret);
        if (c == '\\')
                return take_escape(reader, ret);
        if (c != '$' && c != '`')
                return take(reader, 1, c, false, ret);
        n = expansion(reader);
        if (n == 0)
                return -EINVAL;
        return take(reader, n, c, n > 1, ret);
}

static int read_cell(Reader *reader, Cell *ret) {
        if (reader->syntax == FIELD_SHELL)
                return read_shell(reader, ret);
        if (reader->pos >= reader->end)
                return 0;
        return take(reader, 1, peek(reader, 0), false, ret);
}

int field_shell_end(const char *text, size_t size, size_t start, size_t *ret_end) {
        Reader reader = {.text = text, .pos = start, .end = size, .syntax = FIELD_SHELL};
        Cell cell;
        int r;

        do
                r = read_cell(&reader, &cell);
        while (r > 0);
        if (r < 0)
                return r;
        *ret_end = reader.pos;
        return 0;
}

/* All cells; *ret is where the reader stands behind them. */
static GArray *read_cells(const Field *field, Reader *ret) {
        GArray *cells = g_array_new(FALSE, FALSE, sizeof(Cell));
        Cell cell;

        *ret = (Reader){
                .text = field->text->str,
                .pos = field->start,
                .end = field->end,
                .syntax = field->syntax,
        };
        while (read_cell(ret, &cell) > 0)
                g_array_append_val(cells, cell);
        return cells;
}

static void word_free(gpointer data) {
        FieldWord *word = data;

        g_free(word->text);
        g_free(word);
}

/* A removal takes the blanks before the word along, or behind it where it is the first; only as
 * far as they stand directly beside it. */
static void set_cut(FieldWord *word, const Cell *cells, size_t first, size_t last, size_t n) {
        size_t i = first, k = last;

        word->cut = word->start;
        word->cut_end = word->end;
        while (i > 0 && !cells[i - 1].opaque && is_blank(cells[i - 1].c) &&
               cells[i - 1].end == cells[i].start)
                i--;
        if (i > 0)
                word->cut = cells[i].start;
        if (i > 0)
                return;
        while (k + 1 < n && !cells[k + 1].opaque && is_blank(cells[k + 1].c) &&
               cells[k + 1].start == cells[k].end)
                k++;
        word->cut_end = cells[k].end;
}

static FieldWord *make_word(const Field *field, const GArray *array, size_t first, size_t last) {
        const Cell *cells = (const Cell *)(const void *)array->data;
        g_autoptr(GString) text = g_string_new(NULL);
        FieldWord *word = g_new0(FieldWord, 1);

        for (size_t i = first; i <= last; i++) {
                if (cells[i].opaque)
                        g_string_append_len(text, field->text->str + cells[i].start,
                                            (gssize)(cells[i].end - cells[i].start));
                else
                        g_string_append_c(text, cells[i].c);
                word->opaque |= cells[i].opaque;
        }
        word->start = cells[first].start;
        word->end = cells[last].end;
        word->quoted = cells[first].quote != 0;
        word->crosses = cells[first].quote != cells[last].quote;
        word->text = g_string_free(g_steal_pointer(&text), FALSE);
        set_cut(word, cells, first, last, array->len);
        return word;
}

/* The kernel's own quotes keep blanks inside a word together. */
static size_t word_end(const Cell *cells, size_t n, size_t first) {
        bool quoted = false;
        size_t i;

        for (i = first; i < n; i++) {
                if (!cells[i].opaque && cells[i].c == '"')
                        quoted = !quoted;
                if (!cells[i].opaque && !quoted && is_blank(cells[i].c))
                        break;
        }
        return i;
}

GPtrArray *field_words(const Field *field) {
        GPtrArray *words = g_ptr_array_new_with_free_func(word_free);
        Reader reader;
        g_autoptr(GArray) array = read_cells(field, &reader);
        const Cell *cells = (const Cell *)(const void *)array->data;
        size_t i = 0;

        while (i < array->len) {
                size_t end;

                if (!cells[i].opaque && is_blank(cells[i].c)) {
                        i++;
                        continue;
                }
                end = word_end(cells, array->len, i);
                g_ptr_array_add(words, make_word(field, array, i, end - 1));
                i = end;
        }
        return words;
}

static bool needs_no_quotes(const char *text) {
        for (; *text; text++)
                if (!g_ascii_isalnum(*text) && !strchr("_.,=:/@%+-", *text))
                        return false;
        return true;
}

static void splice(Field *field, size_t start, size_t end, const char *text) {
        g_string_erase(field->text, (gssize)start, (gssize)(end - start));
        g_string_insert(field->text, (gssize)start, text);
        field->end += strlen(text);
        field->end -= end - start;
}

int field_replace(Field *field, const FieldWord *word, const char *text) {
        if (word->crosses || word->opaque || (text && !needs_no_quotes(text)))
                return -EINVAL;
        if (text)
                splice(field, word->start, word->end, text);
        else
                splice(field, word->cut, word->cut_end, "");
        return 0;
}

/* The blank between both has to be quoted where the word is not. */
int field_insert_before(Field *field, const FieldWord *word, const char *text) {
        bool is_bare = field->syntax == FIELD_SHELL && !word->quoted;
        g_autofree char *written = g_strdup_printf(is_bare ? "\"%s \"" : "%s ", text);

        if (word->crosses || word->opaque || !needs_no_quotes(text))
                return -EINVAL;
        splice(field, word->start, word->start, written);
        return 0;
}

/* Inside the quotes that end the value; where there are none, in quotes around it, or behind what
 * cannot be put in quotes. */
static void append_shell(Field *field, const Reader *reader, const char *text) {
        g_autofree char *quoted = g_strdup_printf("\"%s\"", text);

        if (reader->closing > 0 && reader->closing == field->end) {
                splice(field, field->end - 1, field->end - 1, text);
                return;
        }
        if (reader->quoted) {
                splice(field, field->end, field->end, quoted);
                return;
        }
        splice(field, field->start, field->start, "\"");
        splice(field, field->end, field->end, text);
        splice(field, field->end, field->end, "\"");
}

/* A quote of the kernel's own that is never closed: what follows is no word. */
static bool is_open(const GArray *cells) {
        bool open = false;

        for (guint i = 0; i < cells->len; i++) {
                const Cell *cell = &g_array_index(cells, Cell, i);

                open ^= !cell->opaque && cell->c == '"';
        }
        return open;
}

int field_append(Field *field, const char *text) {
        Reader reader;
        g_autoptr(GArray) cells = read_cells(field, &reader);
        const Cell *last = cells->len > 0 ? &g_array_index(cells, Cell, cells->len - 1) : NULL;
        g_autofree char *with_blank = NULL;

        if (!needs_no_quotes(text) || is_open(cells))
                return -EINVAL;
        if (last && (last->opaque || !is_blank(last->c)))
                with_blank = g_strconcat(" ", text, NULL);
        if (field->syntax == FIELD_SHELL)
                append_shell(field, &reader, with_blank ?: text);
        else
                splice(field, field->end, field->end, with_blank ?: text);
        return 0;
}
