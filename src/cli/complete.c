/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/complete.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/global.h"
#include "cli/install.h"
#include "cli/words.h"

static void offer_commands(Offer *o) {
        GROUP_FOREACH(group, o->cli->groups)
        COMMAND_FOREACH(command, group)
        offer_add(o, command->name, command->summary);
}

static void offer_options(Offer *o, const Command *command) {
        OPTION_FOREACH(option, command) {
                g_autofree char *text = g_strconcat("--", option->name, NULL);

                if (option->kind != OPTION_REST && !g_hash_table_contains(o->given, option->name))
                        offer_add(o, text, option->help);
        }
        offer_add(o, "--help", "tell about this command");
}

/* The next option that a bare word would fill; NULL: none. */
static const Option *next_positional(const Command *command, GHashTable *given) {
        OPTION_FOREACH(option, command)
        if (option->positional &&
            (option->kind == OPTION_REST || !g_hash_table_contains(given, option->name)))
                return option;
        return NULL;
}

/* "--name=value" in two; NULL: it is no option of this command, or has no '='. */
static const Option *split_option(const Command *command, const char *word,
                                  const char **ret_value) {
        const char *equals = g_str_has_prefix(word, "--") ? strchr(word, '=') : NULL;
        g_autofree char *name = equals ? g_strndup(word + 2, (size_t)(equals - word - 2)) : NULL;
        const Option *option;

        if (!name)
                return NULL;
        option = command_option(command, name);
        if (option)
                *ret_value = equals + 1;
        return option;
}

/* Reads the words before the last one as args_parse() would. Returns the option whose value the
 * last word is; NULL: it stands for itself. */
static const Option *read_words(const Command *command, char *const *words, GHashTable *given) {
        const Option *open = NULL;

        for (; words[0] && words[1]; words++) {
                const char *value = *words;
                const Option *option = open;

                if (open)
                        open = NULL;
                else if (!g_str_has_prefix(*words, "--"))
                        option = next_positional(command, given);
                else if (strchr(*words, '='))
                        option = split_option(command, *words, &value);
                else
                        open = option = command_option(command, *words + 2);
                if (open && open->kind == OPTION_FLAG)
                        open = NULL;
                if (option)
                        g_hash_table_insert(given, (char *)(uintptr_t)option->name,
                                            (char *)(uintptr_t)value);
        }
        return open;
}

/* The last word of a known command. */
static void complete_command(Offer *o, const Command *command, char *const *words) {
        const Option *option = read_words(command, words, o->given);
        const char *word = o->prefix;
        g_autofree char *head = NULL;

        if (!option)
                option = split_option(command, word, &o->prefix);
        if (o->prefix != word) {
                head = g_strndup(word, (size_t)(o->prefix - word));
                o->head = head;
        } else if (!option && word[0] != '-') {
                option = next_positional(command, o->given);
        }
        if (option)
                offer_values(o, option);
        else
                offer_options(o, command);
        o->head = "";
}

/* What `airlock install` takes is known to its program: "--disk", what its value is, and its help
 * in a row. */
static void offer_install(Offer *o, char *const *words) {
        g_auto(GStrv) rows = install_rows((const char *const[]){"--list-options", NULL});
        const char *before = "";

        for (; words[0] && words[1]; words++)
                before = *words;
        STRV_FOREACH(row, rows) {
                g_auto(GStrv) columns = g_strsplit(row, "\t", 3);

                if (g_strv_length(columns) != 3)
                        continue;
                if (g_str_equal(columns[0], before) && *columns[1]) {
                        install_offer_value(o, columns[1]);
                        return;
                }
        }
        STRV_FOREACH(row, rows) {
                g_auto(GStrv) columns = g_strsplit(row, "\t", 3);

                if (g_strv_length(columns) == 3)
                        offer_add(o, columns[0], columns[2]);
        }
}

static void complete_in(Offer *o, char *const *words) {
        const Command *command =
                words[0] && words[1] ? command_find(o->cli->groups, words[0]) : NULL;

        for (char *const *word = words; *word; word++)
                o->prefix = *word;
        if (command && command->raw)
                offer_install(o, words + 1);
        else if (command)
                complete_command(o, command, words + 1);
        else if (!words[0] || !words[1])
                offer_commands(o);
}

static void offer_init(Offer *o, Cli *cli) {
        *o = (Offer){
                .cli = cli,
                .head = "",
                .prefix = "",
                .given = g_hash_table_new(g_str_hash, g_str_equal),
                .list = g_ptr_array_new_with_free_func((GDestroyNotify)candidate_free),
        };
}

static int compare(const void *a, const void *b) {
        const Candidate *const *x = a, *const *y = b;

        return strcmp((*x)->text, (*y)->text);
}

/* Sorts, and takes out what stands there twice. */
static GPtrArray *offer_finish(Offer *o) {
        GPtrArray *list = o->list;

        g_hash_table_unref(o->given);
        g_ptr_array_sort(list, compare);
        for (guint i = list->len; i-- > 1;)
                if (compare(&list->pdata[i], &list->pdata[i - 1]) == 0)
                        g_ptr_array_remove_index(list, i);
        return list;
}

char **complete_words(Cli *cli, char *const *words) {
        g_autoptr(GStrvBuilder) texts = g_strv_builder_new();
        g_autoptr(GPtrArray) list = NULL;
        Offer o;

        offer_init(&o, cli);
        complete_in(&o, words);
        list = offer_finish(&o);
        for (guint i = 0; i < list->len; i++)
                g_strv_builder_add(texts, ((Candidate *)list->pdata[i])->text);
        return g_strv_builder_end(texts);
}

/* Steps over the options before the command; the one that chooses the daemon is heeded. The last
 * word is never stepped over. *ret_open: the option whose value the last word is, or NULL. */
static char *const *skip_options(Cli *cli, char *const *words, const GlobalOption **ret_open) {
        *ret_open = NULL;
        for (; words[0] && words[1] && words[0][0] == '-'; words++) {
                const char *value = NULL;
                const GlobalOption *option = global_option_find(words[0], &value);

                if (!option || !option->value || option->value_is_optional)
                        continue;
                if (!value && !words[2])
                        *ret_open = option;
                if (!value)
                        value = *++words;
                if (option->letter == 'c') {
                        g_free(cli->uri);
                        cli->uri = g_strdup(value);
                }
                if (*ret_open)
                        break;
        }
        return words;
}

static void offer_global_options(Offer *o) {
        GLOBAL_OPTION_FOREACH(option) {
                g_autofree char *text = g_strconcat("--", option->name, NULL);

                if (option->name)
                        offer_add(o, text, option->help);
        }
}

static void offer_uris(Offer *o) {
        offer_add(o, "qemu:///system", "the daemon of this host");
        offer_add(o, "qemu+ssh://", "another host, through its sshd: USER@HOST/system");
        offer_add(o, "qemu+tls://", "another host, over TLS: HOST/system");
}

/* ssh is to ask nobody for a password. */
static void ask_nobody(Cli *cli) {
        char *uri;

        if (!cli->uri || !strstr(cli->uri, "+ssh://") || strstr(cli->uri, "no_tty="))
                return;
        uri = g_strconcat(cli->uri, strchr(cli->uri, '?') ? "&" : "?", "no_tty=1", NULL);
        g_free(cli->uri);
        cli->uri = uri;
}

void complete_line(Cli *cli, const char *line, GPtrArray **ret, bool *ret_file) {
        g_auto(GStrv) split = NULL;
        const GlobalOption *open;
        char *const *words;
        Offer o;

        words_split_partial(line, &split);
        words = skip_options(cli, split[0] && split[1] ? split + 1 : split, &open);
        ask_nobody(cli);
        offer_init(&o, cli);
        o.describe = o.leaves_files = true;
        o.prefix = words[0] ?: "";
        if (open && open->letter == 'c')
                offer_uris(&o);
        else if (!open && o.prefix[0] == '-')
                offer_global_options(&o);
        else if (!open)
                complete_in(&o, words);
        *ret_file = o.wants_file;
        *ret = offer_finish(&o);
}
