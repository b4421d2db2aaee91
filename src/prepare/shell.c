/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/shell.h"

#include <errno.h>
#include <string.h>

#include "prepare/field.h"

typedef struct Scanner {
        const char *path, *name;
        const char *text;
        size_t pos, size;
        int depth;       /* of if, case, loops and braces */
        bool at_command; /* the next word can be an assignment */
        GArray *found;
} Scanner;

static const char *const openers[] = {"if", "case", "for", "while", "until", "select", "{", NULL};
static const char *const closers[] = {"fi", "esac", "done", "}", NULL};

/* A command, hence an assignment, can follow these. */
static const char *const leaders[] = {"if",    "while",    "until",   "then",    "else",
                                      "elif",  "do",       "{",       "!",       "export",
                                      "local", "readonly", "declare", "typeset", NULL};

static unsigned line_of(const Scanner *scanner, size_t pos) {
        unsigned line = 1;

        for (size_t i = 0; i < pos; i++)
                line += scanner->text[i] == '\n';
        return line;
}

static size_t name_length(const char *text) {
        size_t n = 0;

        if (g_ascii_isdigit(text[0]))
                return 0;
        while (g_ascii_isalnum(text[n]) || text[n] == '_')
                n++;
        return n;
}

static bool names_itself(const char *value, size_t size, const char *name) {
        size_t length = strlen(name);

        for (const char *p = value; (p = memchr(p, '$', size - (size_t)(p - value))); p++) {
                const char *word = p + 1;
                size_t left = size - (size_t)(word - value);

                if (left > 0 && *word == '{') {
                        word++;
                        left--;
                }
                if (left >= length && memcmp(word, name, length) == 0 &&
                    (left == length || name_length(word) == length))
                        return true;
        }
        return false;
}

/* "NAME=" or "NAME+=" at text: the length; 0: there is none. */
static size_t assignment_head(const char *text, size_t *ret_name) {
        size_t n = name_length(text);

        *ret_name = n;
        if (n == 0)
                return 0;
        if (text[n] == '=')
                return n + 1;
        return text[n] == '+' && text[n + 1] == '=' ? n + 2 : 0;
}

static int value_end(const Scanner *scanner, size_t start, size_t *ret, Err *err) {
        if (field_shell_end(scanner->text, scanner->size, start, ret) == 0)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "/%s, line %u: a quote or bracket is not closed", scanner->path,
                              line_of(scanner, start)),
                         "put the file right first");
}

static int take_assignment(Scanner *scanner, size_t head, size_t name, Err *err) {
        const char *word = scanner->text + scanner->pos;
        ShellAssignment found = {
                .start = scanner->pos + head,
                .adds = word[name] == '+',
                .nested = scanner->depth > 0,
        };
        bool wanted = strlen(scanner->name) == name && memcmp(word, scanner->name, name) == 0;
        int r = value_end(scanner, found.start, &found.end, err);

        if (r < 0)
                return r;
        if (wanted) {
                found.adds |= names_itself(scanner->text + found.start, found.end - found.start,
                                           scanner->name);
                g_array_append_val(scanner->found, found);
        }
        scanner->pos = found.end;
        return 0;
}

static int take_word(Scanner *scanner, Err *err) {
        g_autofree char *word = NULL;
        size_t end;
        int r = value_end(scanner, scanner->pos, &end, err);

        if (r < 0)
                return r;
        word = g_strndup(scanner->text + scanner->pos, end - scanner->pos);
        if (scanner->at_command && g_strv_contains(openers, word))
                scanner->depth++;
        if (scanner->at_command && g_strv_contains(closers, word))
                scanner->depth--;
        scanner->at_command = scanner->at_command && g_strv_contains(leaders, word);
        scanner->pos = end;
        return 0;
}

static int take_operator(Scanner *scanner, Err *err) {
        const char *at = scanner->text + scanner->pos;

        if (at[0] == '<' && at[1] == '<')
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "/%s, line %u: a here-document is not understood",
                                      scanner->path, line_of(scanner, scanner->pos)),
                                 "change the kernel command line there by hand");
        scanner->at_command = at[0] != '<' && at[0] != '>';
        scanner->pos++;
        return 0;
}

static void skip_comment(Scanner *scanner) {
        while (scanner->pos < scanner->size && scanner->text[scanner->pos] != '\n')
                scanner->pos++;
}

static int scan_one(Scanner *scanner, Err *err) {
        const char *at = scanner->text + scanner->pos;
        size_t name, head;

        if (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\v' || *at == '\f') {
                scanner->pos++;
                return 0;
        }
        if (*at == '#') {
                skip_comment(scanner);
                return 0;
        }
        if (*at == '\n' || strchr(";&|()<>", *at))
                return take_operator(scanner, err);
        head = scanner->at_command ? assignment_head(at, &name) : 0;
        return head > 0 ? take_assignment(scanner, head, name, err) : take_word(scanner, err);
}

int shell_assignments(const char *path, const GString *text, const char *name, GArray **ret,
                      Err *err) {
        g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(ShellAssignment));
        Scanner scanner = {
                .path = path,
                .name = name,
                .text = text->str,
                .size = text->len,
                .at_command = true,
                .found = found,
        };
        int r;

        if (strlen(text->str) != text->len)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "/%s is no text", path);
        while (scanner.pos < scanner.size) {
                r = scan_one(&scanner, err);
                if (r < 0)
                        return r;
        }
        *ret = g_steal_pointer(&found);
        return 0;
}
