/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/global.h"

#include <string.h>

#include <glib.h>

const GlobalOption global_options[] = {
        {"connect", 'c', "URI", .help = "URI or socket of the daemon"},
        {"escape", 'e', "CHARACTER", .help = "what ends a console, as ^]"},
        {"help", 'h', .help = "list all commands"},
        {"json", .help = "JSON from the commands that have it"},
        {"quiet", 'q', .help = "results alone"},
        {"readonly", 'r', .help = "allow only what changes nothing"},
        {"timing", 't', .help = "print how long each command took"},
        {"version", 'v', "long", .value_is_optional = true, .help = "print the version"},
        {.letter = 'V', .help = "print the version and what goes with it"},
        {},
};

char *global_option_form(const GlobalOption *option) {
        GString *out = g_string_new(NULL);

        if (option->letter)
                g_string_append_printf(out, "-%c", option->letter);
        if (option->name)
                g_string_append_printf(out, "%s--%s", option->letter ? ", " : "    ", option->name);
        if (option->value)
                g_string_append_printf(out, option->value_is_optional ? "[=%s]" : " <%s>",
                                       option->value);
        return g_string_free(out, FALSE);
}

const GlobalOption *global_option_find(const char *word, const char **ret_value) {
        bool is_long = g_str_has_prefix(word, "--");
        const char *equals = is_long ? strchr(word, '=') : NULL;
        g_autofree char *name = NULL;

        if (!is_long && (word[0] != '-' || !word[1] || word[2]))
                return NULL;
        name = !is_long ? NULL
               : equals ? g_strndup(word + 2, (size_t)(equals - word - 2))
                        : g_strdup(word + 2);
        GLOBAL_OPTION_FOREACH(option) {
                if (is_long ? g_strcmp0(option->name, name) != 0 : option->letter != word[1])
                        continue;
                if (equals)
                        *ret_value = equals + 1;
                return option;
        }
        return NULL;
}
