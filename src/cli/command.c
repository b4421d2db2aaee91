/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"

#include <string.h>

/* Columns that names of commands and of options take in lists, at least. */
#define COMMAND_WIDTH 30
#define OPTION_WIDTH  15

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

static void append_option_help(GString *out, const Option *option) {
        g_autofree char *left = NULL;

        if (option->kind == OPTION_FLAG)
                left = g_strdup_printf("--%s", option->name);
        else if (option->positional)
                left = g_strdup_printf("[--%s] <%s>%s", option->name, option_value_name(option),
                                       option->kind == OPTION_REST ? "..." : "");
        else
                left = g_strdup_printf("--%s <%s>", option->name, option_value_name(option));
        g_string_append_printf(out, "    %-*s  %s\n", OPTION_WIDTH, left, option->help);
}

char *command_help(const Command *command) {
        GString *out = g_string_new(NULL);
        g_autofree char *synopsis = command_synopsis(command);

        g_string_append_printf(out, "  NAME\n    %s - %s\n", command->name, command->summary);
        g_string_append_printf(out, "\n  SYNOPSIS\n    %s\n", synopsis);
        if (command->description)
                g_string_append_printf(out, "\n  DESCRIPTION\n    %s\n", command->description);
        if (command->options && command->options->name) {
                g_string_append(out, "\n  OPTIONS\n");
                OPTION_FOREACH(option, command)
                append_option_help(out, option);
        }
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
        return g_string_free(out, FALSE);
}
