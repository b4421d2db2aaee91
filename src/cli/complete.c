/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/complete.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/object.h"
#include "client/network.h"
#include "client/nodedev.h"
#include "client/storage.h"

/* The candidates so far; only those that begin with prefix get in. */
typedef struct Offer {
        Cli *cli;
        const char *prefix;
        GPtrArray *items;
} Offer;

static void offer(Offer *o, const char *text) {
        if (g_str_has_prefix(text, o->prefix))
                g_ptr_array_add(o->items, g_strdup(text));
}

static void offer_commands(Offer *o) {
        GROUP_FOREACH(group, o->cli->groups)
        COMMAND_FOREACH(command, group)
        offer(o, command->name);
}

static void offer_guests(Offer *o, unsigned flags) {
        g_autoptr(GPtrArray) guests = NULL;

        if (guest_list(o->cli->conn, flags, &guests, NULL) < 0)
                return;
        for (unsigned i = 0; i < guests->len; i++)
                offer(o, ((Guest *)guests->pdata[i])->name);
}

static void offer_devices(Offer *o, unsigned flags) {
        g_auto(GStrv) names = NULL;

        if (nodedev_list(o->cli->conn, flags | NODEDEV_LIST_ACTIVE, &names, NULL) < 0)
                return;
        STRV_FOREACH(name, names)
                offer(o, name);
}

static void offer_networks(Offer *o) {
        g_autoptr(GPtrArray) nets = NULL;

        if (net_list(o->cli->conn, 0, &nets, NULL) < 0)
                return;
        for (guint i = 0; i < nets->len; i++)
                offer(o, ((Net *)nets->pdata[i])->name);
}

static void offer_pools(Offer *o) {
        g_autoptr(GPtrArray) pools = NULL;

        if (storage_pool_list(o->cli->conn, 0, &pools, NULL) < 0)
                return;
        for (guint i = 0; i < pools->len; i++)
                offer(o, ((StoragePool *)pools->pdata[i])->name);
}

/* The key of a file is its path. */
static void offer_pool_volumes(Offer *o, const StoragePool *pool) {
        bool is_path = o->prefix[0] == '/';
        g_autoptr(GPtrArray) vols = NULL;

        if (storage_pool_vols(o->cli->conn, pool, &vols, NULL) < 0)
                return;
        for (guint i = 0; i < vols->len; i++) {
                const StorageVol *vol = vols->pdata[i];

                offer(o, is_path ? vol->key : vol->name);
        }
}

static void offer_volumes(Offer *o) {
        g_autoptr(GPtrArray) pools = NULL;

        if (storage_pool_list(o->cli->conn, OBJECT_ACTIVE, &pools, NULL) < 0)
                return;
        for (guint i = 0; i < pools->len; i++)
                offer_pool_volumes(o, pools->pdata[i]);
}

static void offer_files(Offer *o) {
        const char *slash = strrchr(o->prefix, '/');
        g_autofree char *dir = slash ? g_strndup(o->prefix, (size_t)(slash + 1 - o->prefix)) : NULL;
        g_autoptr(GDir) entries = g_dir_open(dir ?: ".", 0, NULL);
        const char *name;

        while (entries && (name = g_dir_read_name(entries))) {
                g_autofree char *path = g_strconcat(dir ?: "", name, NULL);
                g_autofree char *shown =
                        g_strconcat(path, g_file_test(path, G_FILE_TEST_IS_DIR) ? "/" : "", NULL);

                offer(o, shown);
        }
}

static bool needs_daemon(Candidates candidates) {
        return candidates >= CANDIDATES_GUEST && candidates <= CANDIDATES_VOLUME;
}

/* The daemon is asked, so that only names that exist are offered; its absence is no error here. */
static bool is_reachable(Cli *cli) {
        bool reachable = cli_connect(cli, NULL) >= 0;

        g_clear_pointer(&cli->what, g_free);
        return reachable;
}

static void offer_values(Offer *o, const Option *option) {
        if (needs_daemon(option->candidates) && !is_reachable(o->cli))
                return;
        switch (option->candidates) {
        case CANDIDATES_GUEST:
                offer_guests(o, 0);
                break;
        case CANDIDATES_GUEST_ACTIVE:
                offer_guests(o, GUEST_LIST_ACTIVE);
                break;
        case CANDIDATES_GUEST_INACTIVE:
                offer_guests(o, GUEST_LIST_INACTIVE);
                break;
        case CANDIDATES_DEVICE:
                offer_devices(o, 0);
                break;
        case CANDIDATES_PCI:
                offer_devices(o, nodedev_cap_flag("pci"));
                break;
        case CANDIDATES_NETWORK:
                offer_networks(o);
                break;
        case CANDIDATES_POOL:
                offer_pools(o);
                break;
        case CANDIDATES_VOLUME:
                offer_volumes(o);
                break;
        case CANDIDATES_FILE:
                offer_files(o);
                break;
        case CANDIDATES_COMMAND:
                offer_commands(o);
                GROUP_FOREACH(group, o->cli->groups)
                offer(o, group->keyword);
                break;
        case CANDIDATES_WORDS:
                for (const char *const *word = option->words; *word; word++)
                        offer(o, *word);
                break;
        case CANDIDATES_NONE:
                break;
        }
}

static void offer_options(Offer *o, const Command *command, GHashTable *used) {
        OPTION_FOREACH(option, command) {
                g_autofree char *text = g_strconcat("--", option->name, NULL);

                if (option->kind != OPTION_REST && !g_hash_table_contains(used, option->name))
                        offer(o, text);
        }
}

/* The next option that a bare word would fill; NULL: none. */
static const Option *next_positional(const Command *command, GHashTable *used) {
        OPTION_FOREACH(option, command)
        if (option->positional &&
            (option->kind == OPTION_REST || !g_hash_table_contains(used, option->name)))
                return option;
        return NULL;
}

/* Reads the words before the last one as args_parse() would. Returns the option whose value the
 * last word is; NULL: it stands for itself. */
static const Option *read_words(const Command *command, char *const *words, GHashTable *used) {
        const Option *open = NULL;

        for (; words[0] && words[1]; words++) {
                const Option *option = NULL;

                if (open) {
                        open = NULL;
                        continue;
                }
                if (!g_str_has_prefix(*words, "--"))
                        option = next_positional(command, used);
                else if (!strchr(*words, '='))
                        open = option = command_option(command, *words + 2);
                if (open && open->kind == OPTION_FLAG)
                        open = NULL;
                if (option)
                        g_hash_table_add(used, (char *)(uintptr_t)option->name);
        }
        return open;
}

static void complete_command(Offer *o, const Command *command, char *const *words) {
        g_autoptr(GHashTable) used = g_hash_table_new(g_str_hash, g_str_equal);
        const Option *option = read_words(command, words, used);

        if (!option && g_str_has_prefix(o->prefix, "-")) {
                offer_options(o, command, used);
                return;
        }
        option = option ?: next_positional(command, used);
        if (option)
                offer_values(o, option);
        else
                offer_options(o, command, used);
}

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

char **complete_words(Cli *cli, char *const *words) {
        Offer o = {.cli = cli, .prefix = "", .items = g_ptr_array_new()};
        const Command *command;

        for (char *const *word = words; *word; word++)
                o.prefix = *word;
        command = words[0] && words[1] ? command_find(cli->groups, words[0]) : NULL;
        if (command)
                complete_command(&o, command, words + 1);
        else if (!words[0] || !words[1])
                offer_commands(&o);
        g_ptr_array_sort(o.items, compare);
        g_ptr_array_add(o.items, NULL);
        return (char **)g_ptr_array_free(o.items, FALSE);
}
