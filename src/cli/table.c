/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "base/util.h"

/* One space before a cell and two after it. */
#define CELL_MARGIN 3

/* A cell that gives way keeps this many columns. */
#define FLEXIBLE_MIN 10

struct Table {
        size_t columns;
        bool *flexible;  /* [columns] */
        GPtrArray *rows; /* of char *[columns + 1], the head first */
};

typedef struct Width {
        size_t bytes;
        size_t columns;
} Width;

/* The character at s: its bytes and columns; 0 bytes when it must not reach a terminal. */
static Width char_width(const char *s, mbstate_t *state) {
        wchar_t wc;
        size_t bytes = mbrtowc(&wc, s, strlen(s), state);
        int columns;

        if (bytes == 0 || bytes > MB_LEN_MAX)
                return (Width){};
        columns = wcwidth(wc);
        if (columns < 0 || !iswprint((wint_t)wc))
                return (Width){};
        return (Width){bytes, (size_t)columns};
}

char *table_clean(const char *text) {
        GString *out = g_string_new(NULL);
        mbstate_t state = {};

        while (*text) {
                Width w = char_width(text, &state);

                if (w.bytes > 0) {
                        g_string_append_len(out, text, (gssize)w.bytes);
                        text += w.bytes;
                } else {
                        state = (mbstate_t){};
                        g_string_append_printf(out, "\\x%02x", (unsigned char)*text++);
                }
        }
        return g_string_free(out, FALSE);
}

/* Columns of a clean cell. */
static size_t cell_width(const char *text) {
        mbstate_t state = {};
        size_t columns = 0;

        while (*text) {
                Width w = char_width(text, &state);

                text += w.bytes;
                columns += w.columns;
        }
        return columns;
}

static void add_row(Table *table, const char *const *cells) {
        char **row = g_new0(char *, table->columns + 1);

        for (size_t i = 0; i < table->columns; i++)
                row[i] = table_clean(cells[i] ?: "-");
        g_ptr_array_add(table->rows, row);
}

static void free_row(void *row) {
        g_strfreev(row);
}

Table *table_new(const char *const *head) {
        Table *table = g_new0(Table, 1);

        while (head[table->columns])
                table->columns++;
        table->flexible = g_new0(bool, table->columns);
        table->rows = g_ptr_array_new_with_free_func(free_row);
        add_row(table, head);
        return table;
}

void table_free(Table *table) {
        if (!table)
                return;
        g_ptr_array_unref(table->rows);
        g_free(table->flexible);
        g_free(table);
}

void table_add(Table *table, const char *const *cells) {
        add_row(table, cells);
}

void table_set_flexible(Table *table, size_t column) {
        table->flexible[column] = true;
}

/* The widest column that can still give way; NULL: none can. */
static size_t *widest_flexible(const Table *table, size_t *widths) {
        size_t *widest = NULL;

        for (size_t i = 0; i < table->columns; i++)
                if (table->flexible[i] && widths[i] > FLEXIBLE_MIN &&
                    (!widest || widths[i] > *widest))
                        widest = &widths[i];
        return widest;
}

static void shrink(const Table *table, size_t *widths, size_t max_width) {
        size_t total = 0;

        for (size_t i = 0; i < table->columns; i++)
                total += widths[i] + CELL_MARGIN;
        for (; total > max_width; total--) {
                size_t *widest = widest_flexible(table, widths);

                if (!widest)
                        return;
                (*widest)--;
        }
}

static size_t *column_widths(const Table *table, unsigned first_row, size_t max_width) {
        size_t *widths = g_new0(size_t, table->columns);

        for (unsigned r = first_row; r < table->rows->len; r++) {
                char **row = table->rows->pdata[r];

                for (size_t i = 0; i < table->columns; i++)
                        widths[i] = MAX(widths[i], cell_width(row[i]));
        }
        if (max_width > 0)
                shrink(table, widths, max_width);
        return widths;
}

/* Appends text in at most width columns and returns how many it took. */
static size_t append_cell(GString *out, const char *text, size_t width) {
        bool cut = cell_width(text) > width;
        mbstate_t state = {};
        size_t used = 0;

        while (*text) {
                Width w = char_width(text, &state);

                if (cut && used + w.columns > width - 1)
                        break;
                g_string_append_len(out, text, (gssize)w.bytes);
                text += w.bytes;
                used += w.columns;
        }
        if (cut) {
                g_string_append(out, "…");
                used++;
        }
        return used;
}

static void append_row(GString *out, char *const *row, const size_t *widths, size_t columns) {
        for (size_t i = 0; i < columns; i++) {
                size_t used;

                g_string_append_c(out, ' ');
                used = append_cell(out, row[i], widths[i]);
                if (i + 1 < columns)
                        g_string_append_printf(out, "%*s", (int)(widths[i] - used) + 2, "");
        }
        g_string_append_c(out, '\n');
}

static void append_dashes(GString *out, const size_t *widths, size_t columns) {
        size_t total = 0;

        for (size_t i = 0; i < columns; i++)
                total += widths[i] + CELL_MARGIN;
        while (total-- > 0)
                g_string_append_c(out, '-');
        g_string_append_c(out, '\n');
}

char *table_format(const Table *table, bool with_head, size_t width) {
        unsigned first = with_head ? 0 : 1;
        g_autofree size_t *widths = column_widths(table, first, width);
        GString *out = g_string_new(NULL);

        for (unsigned r = first; r < table->rows->len; r++) {
                append_row(out, table->rows->pdata[r], widths, table->columns);
                if (r == 0)
                        append_dashes(out, widths, table->columns);
        }
        return g_string_free(out, FALSE);
}

size_t table_terminal_width(void) {
        struct winsize size;

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
                return 0;
        return size.ws_col;
}
