/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A kernel command line where it stands in a file: the value of a variable in a shell-like file,
 * quotes, escapes and expansions included, or a plain line. Words are found as the kernel will see
 * them, and are changed in place: every byte beside them stays as it is. */

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

typedef enum FieldSyntax {
        FIELD_PLAIN, /* to the end of the range, as /etc/kernel/cmdline */
        FIELD_SHELL, /* as a shell reads the right side of an assignment */
} FieldSyntax;

typedef struct Field {
        const char *path; /* of the file, for messages; borrowed */
        GString *text;    /* the whole file; borrowed */
        size_t start, end;
        FieldSyntax syntax;
} Field;

/* One word; start and end are where it stands in the file. */
typedef struct FieldWord {
        char *text;
        size_t start, end;
        size_t cut; /* where a removal begins, so that one space goes with the word */
        size_t cut_end;
        bool opaque;  /* holds a shell expansion: text has it as written */
        bool quoted;  /* begins in quotes of the shell */
        bool crosses; /* begins in other quotes than it ends in: it cannot be replaced */
} FieldWord;

/* Where the value that begins at start ends: at the first blank, line end or ';' outside of quotes.
 * -EINVAL when a quote, brace or parenthesis is not closed. */
int field_shell_end(const char *text, size_t size, size_t start, size_t *ret_end);

/* FieldWord *, in order. A field that was not found by field_shell_end() must be plain. */
GPtrArray *field_words(const Field *field);

/* Puts text (NULL: nothing) in the word's place. Both change the file and the field's end; words
 * that were read before are no longer valid. -EINVAL when the word crosses quotes, when the value
 * leaves a quote of the kernel's open, or when text is not made of characters that need none. */
int field_replace(Field *field, const FieldWord *word, const char *text);
int field_append(Field *field, const char *text);
int field_insert_before(Field *field, const FieldWord *word, const char *text);
