/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A table as virsh prints it: columns as wide as their widest cell, three spaces between them, a
 * line of dashes below the head. Cells are text of the user's locale; what no terminal should see
 * (control characters, broken sequences) is shown as \xNN. */

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

typedef struct Table Table;

/* head: NULL-terminated titles; they set the number of columns. */
Table *table_new(const char *const *head);
void table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/* As many cells as there are columns, each copied; NULL prints as "-". */
void table_add(Table *table, const char *const *cells);

/* A column that gives way, by "…", when the table is too wide; the widest such column first. */
void table_set_flexible(Table *table, size_t column);

/* with_head false: neither titles nor dashes, as a quiet virsh. width: columns that there are; 0:
 * as many as it takes. Free with g_free(). */
char *table_format(const Table *table, bool with_head, size_t width);

/* Text as a cell shows it; the caller's. */
char *table_clean(const char *text);

/* Columns of the terminal on stdout; 0 when it is none. */
size_t table_terminal_width(void);
