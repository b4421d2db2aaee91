/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"

#include <string.h>

/* Columns that names of commands and of options take in lists, at least. */
#define COMMAND_WIDTH 30
#define OPTION_WIDTH  15
#define HELP_WIDTH    80

const Command *command_find(const CommandGroup *const *groups, const char *name) {
        GROUP_FOREACH(group, groups)
        COMMAND_FOREACH(command, group)
        if (g_str_equal(command->name, name))
                return command;
        return NULL;
}

const CommandGroup *command_group_find(const CommandGroup *const *groups, const char *keyword) {
        GROUP_FOREACH(group, groups)
        if (g_str_equal(group->keyword, keyword))
                return group;
        return NULL;
}

const Option *command_option(const Command *command, const char *name) {
        OPTION_FOREACH(option, command)
        if (g_str_equal(option->name, name))
                return option;
        return NULL;
}

static const char *option_value_name(const Option *option) {
        return option->kind == OPTION_NUMBER ? "number" : "string";
}

static void append_synopsis(GString *out, const Option *option) {
        const char *open = option->required ? "" : "[", *close = option->required ? "" : "]";

        if (option->kind == OPTION_FLAG)
                g_string_append_printf(out, " [--%s]", option->name);
        else if (option->kind == OPTION_REST)
                g_string_append_printf(out, " %s<%s>%s...", open, option->name, close);
        else if (option->positional)
                g_string_append_printf(out, " %s<%s>%s", open, option->name, close);
        else
                g_string_append_printf(out, " %s--%s <%s>%s", open, option->name,
                                       option_value_name(option), close);
}

char *command_synopsis(const Command *command) {
        GString *out = g_string_new(command->name);

        OPTION_FOREACH(option, command)
        append_synopsis(out, option);
        return g_string_free(out, FALSE);
}

/* "[--domain] <string>", as the list of options has it. */
static char *option_form(const Option *option) {
        if (option->kind == OPTION_FLAG)
                return g_strdup_printf("--%s", option->name);
        if (!option->positional)
                return g_strdup_printf("--%s <%s>", option->name, option_value_name(option));
        return g_strdup_printf("[--%s] <%s>%s", option->name, option_value_name(option),
                               option->kind == OPTION_REST ? "..." : "");
}

static void append_options(GString *out, const Command *command) {
        size_t width = OPTION_WIDTH;

        g_string_append(out, "\n  OPTIONS\n");
        OPTION_FOREACH(option, command) {
                g_autofree char *form = option_form(option);

                width = MAX(width, strlen(form));
        }
        OPTION_FOREACH(option, command) {
                g_autofree char *form = option_form(option);

                g_string_append_printf(out, "    %-*s  %s\n", (int)width, form, option->help);
        }
}

/* The words of text, as many on a line as there is room for. */
static void append_filled(GString *out, const char *text) {
        g_auto(GStrv) words = g_strsplit(text, " ", -1);
        size_t column = 0;

        for (char **word = words; *word; word++) {
                size_t length = (size_t)g_utf8_strlen(*word, -1);
                bool fits = column > 0 && column + 1 + length <= HELP_WIDTH;

                g_string_append_printf(out, "%s%s",
                                       fits         ? " "
                                       : column > 0 ? "\n    "
                                                    : "    ",
                                       *word);
                column = fits ? column + 1 + length : strlen("    ") + length;
        }
        g_string_append_c(out, '\n');
}

static void append_description(GString *out, const char *description) {
        g_auto(GStrv) paragraphs = g_strsplit(description, "\n", -1);

        g_string_append(out, "\n  DESCRIPTION\n");
        for (char **paragraph = paragraphs; *paragraph; paragraph++) {
                g_string_append(out, paragraph == paragraphs ? "" : "\n");
                append_filled(out, *paragraph);
        }
}

static void append_examples(GString *out, const char *examples) {
        g_auto(GStrv) lines = g_strsplit(examples, "\n", -1);

        g_string_append(out, "\n  EXAMPLES\n");
        for (char **line = lines; *line; line++)
                g_string_append_printf(out, "    airlock %s\n", *line);
}

char *command_help(const Command *command) {
        GString *out = g_string_new(NULL);
        g_autofree char *synopsis = command_synopsis(command);

        g_string_append_printf(out, "  NAME\n    %s - %s\n", command->name, command->summary);
        g_string_append(out, "\n  SYNOPSIS\n");
        append_filled(out, synopsis);
        if (command->description)
                append_description(out, command->description);
        if (command->options && command->options->name)
                append_options(out, command);
        if (command->examples)
                append_examples(out, command->examples);
        return g_string_free(out, FALSE);
}

static int compare_names(const void *a, const void *b) {
        const Command *const *x = a, *const *y = b;

        return strcmp((*x)->name, (*y)->name);
}

static void append_group(GString *out, const CommandGroup *group) {
        g_autoptr(GPtrArray) sorted = g_ptr_array_new();

        COMMAND_FOREACH(command, group)
        g_ptr_array_add(sorted, (void *)(uintptr_t)command);
        g_ptr_array_sort(sorted, compare_names);
        g_string_append_printf(out, " %s (help keyword '%s'):\n", group->title, group->keyword);
        for (unsigned i = 0; i < sorted->len; i++) {
                const Command *command = sorted->pdata[i];

                g_string_append_printf(out, "    %-*s %s\n", COMMAND_WIDTH, command->name,
                                       command->summary);
        }
}

char *command_group_help(const CommandGroup *group) {
        GString *out = g_string_new(NULL);

        append_group(out, group);
        return g_string_free(out, FALSE);
}

char *command_all_help(const CommandGroup *const *groups) {
        GString *out = g_string_new("Grouped commands:\n\n");

        GROUP_FOREACH(group, groups) {
                append_group(out, group);
                g_string_append_c(out, '\n');
        }
        g_string_append(out,
                        "help <command> tells about a command, help <keyword> about a group.\n");
        return g_string_free(out, FALSE);
}
