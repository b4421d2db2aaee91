/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints a manual page with what the tables of the command know; cli/roff.h. Part of the build. The
 * words:
 *
 *         global-options    the options before a command
 *         commands          every command with its options, group by group
 *         options COMMAND   the options of one
 *         examples COMMAND  its examples
 *         checks            what the doctor looks at */
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "cli/global.h"
#include "cli/groups.h"
#include "cli/roff.h"
#include "doctor/doctor.h"

static void append_global_options(GString *out) {
        GLOBAL_OPTION_FOREACH(option) {
                g_autofree char *form = global_option_form(option);
                g_autofree char *left = roff_text(g_strstrip(form));
                g_autofree char *help = roff_sentence(option->help);

                g_string_append_printf(out, ".TP\n.B \"%s\"\n%s\n", left, help);
        }
}

/* "FILE", as a page shows what has to be replaced. */
static char *placeholder(const Option *option) {
        g_autofree char *upper = g_ascii_strup(option->name, -1);

        return roff_text(upper);
}

static void append_synopsis(GString *out, const Command *command) {
        g_autofree char *name = roff_text(command->name);
        bool has_more = false;

        g_string_append_printf(out, "\\fB%s\\fR", name);
        OPTION_FOREACH(option, command) {
                g_autofree char *value = placeholder(option);
                const char *more = option->kind == OPTION_REST ? "..." : "";

                if (option->positional && option->required)
                        g_string_append_printf(out, " \\fI%s\\fR%s", value, more);
                else if (option->positional)
                        g_string_append_printf(out, " [\\fI%s\\fR%s]", value, more);
                else
                        has_more = true;
        }
        g_string_append(out, has_more ? " [\\fIOPTION\\fR]...\n" : "\n");
}

static void append_option(GString *out, const Option *option) {
        g_autofree char *name = roff_text(option->name);
        g_autofree char *value = placeholder(option);
        g_autofree char *help = roff_text(option->help);

        if (option->positional)
                g_string_append_printf(out, ".TP\n.I %s\n", value);
        else if (option->kind == OPTION_FLAG)
                g_string_append_printf(out, ".TP\n.B \\-\\-%s\n", name);
        else
                g_string_append_printf(out, ".TP\n.BI \\-\\-%s \" %s\"\n", name,
                                       option->kind == OPTION_NUMBER ? "N" : value);
        g_string_append_printf(out, "%s\n", help);
}

static void append_options(GString *out, const Command *command) {
        OPTION_FOREACH(option, command)
        append_option(out, option);
}

static void append_paragraphs(GString *out, const char *text) {
        g_auto(GStrv) paragraphs = g_strsplit(text, "\n", -1);

        STRV_FOREACH(paragraph, paragraphs) {
                g_autofree char *escaped = roff_text(paragraph);

                g_string_append_printf(out, "%s\n", escaped);
        }
}

static void append_examples(GString *out, const Command *command) {
        g_auto(GStrv) lines = g_strsplit(command->examples, "\n", -1);

        g_string_append(out, ".EX\n");
        STRV_FOREACH(line, lines) {
                g_autofree char *escaped = roff_text(line);

                g_string_append_printf(out, "airlock %s\n", escaped);
        }
        g_string_append(out, ".EE\n");
}

/* Commands with a page of their own; their options are there. */
static bool has_page(const Command *command) {
        static const char *const pages[] = {"doctor", "prepare", "install", "import-libvirt", NULL};

        return g_strv_contains(pages, command->name);
}

static void append_command(GString *out, const Command *command) {
        g_autofree char *summary = roff_sentence(command->summary);

        g_string_append(out, ".TP\n");
        append_synopsis(out, command);
        g_string_append_printf(out, "%s\n", summary);
        if (command->description)
                append_paragraphs(out, command->description);
        if (has_page(command)) {
                g_autofree char *name = roff_text(command->name);

                g_string_append_printf(out, "See\n.BR airlock\\-%s (1).\n", name);
                return;
        }
        if (command->options && command->options->name) {
                g_string_append(out, ".RS\n.PD 0\n");
                append_options(out, command);
                g_string_append(out, ".PD\n.RE\n");
        }
        if (command->examples) {
                g_string_append(out, ".RS\n.PP\n");
                append_examples(out, command);
                g_string_append(out, ".RE\n");
        }
}

static int compare_names(const void *a, const void *b) {
        const Command *const *x = a, *const *y = b;

        return g_strcmp0((*x)->name, (*y)->name);
}

static void append_group(GString *out, const CommandGroup *group) {
        g_autoptr(GPtrArray) sorted = g_ptr_array_new();
        g_autofree char *title = roff_text(group->title);

        COMMAND_FOREACH(command, group)
        g_ptr_array_add(sorted, (void *)(uintptr_t)command);
        g_ptr_array_sort(sorted, compare_names);
        g_string_append_printf(out, ".SS %s\n", title);
        for (guint i = 0; i < sorted->len; i++)
                append_command(out, sorted->pdata[i]);
}

static void append_checks(GString *out) {
        size_t n;
        const DoctorCheck *checks = doctor_checks(&n);

        for (size_t i = 0; i < n; i++) {
                g_autofree char *name = roff_text(checks[i].name);
                g_autofree char *title = roff_text(checks[i].title);

                g_string_append_printf(out, ".TP\n.B %s\n%s\n", name, title);
        }
}

static bool fill(GString *out, char *const *words) {
        const Command *command =
                words[0] && words[1] ? command_find(command_groups, words[1]) : NULL;

        if (command && g_str_equal(words[0], "options")) {
                append_options(out, command);
        } else if (command && command->examples && g_str_equal(words[0], "examples")) {
                append_examples(out, command);
        } else if (g_strcmp0(words[0], "global-options") == 0) {
                append_global_options(out);
        } else if (g_strcmp0(words[0], "checks") == 0) {
                append_checks(out);
        } else if (g_strcmp0(words[0], "commands") == 0) {
                GROUP_FOREACH(group, command_groups)
                append_group(out, group);
        } else {
                return false;
        }
        return true;
}

int main(int argc, char **argv) {
        if (argc == 2)
                return roff_print(argv[1], fill);
        fputs("airlock-manual PAGE\n", stderr);
        return EXIT_FAILURE;
}
