/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/tree.h"

#include <stdbool.h>

typedef struct Tree {
        char *const *names;
        GHashTable *children; /* name to GPtrArray of names, all borrowed */
        GString *out;
} Tree;

static void unref_array(void *array) {
        g_ptr_array_unref(array);
}

static void add_child(Tree *tree, char *parent, char *name) {
        GPtrArray *children = g_hash_table_lookup(tree->children, parent);

        if (!children) {
                children = g_ptr_array_new();
                g_hash_table_insert(tree->children, parent, children);
        }
        g_ptr_array_add(children, name);
}

static void append_node(Tree *tree, const char *name, const char *indent, bool is_root,
                        bool is_last) {
        GPtrArray *children = g_hash_table_lookup(tree->children, name);
        g_autofree char *below =
                g_strdup_printf("%s%s", indent, is_root ? "" : (is_last ? "  " : "| "));

        g_string_append_printf(tree->out, "%s%s%s\n", indent, is_root ? "" : "+- ", name);
        if (children) {
                g_autofree char *inner = g_strdup_printf("%s  ", below);

                g_string_append_printf(tree->out, "%s  |\n", below);
                for (unsigned i = 0; i < children->len; i++)
                        append_node(tree, children->pdata[i], inner, false, i + 1 == children->len);
        }
        if (is_last)
                g_string_append_printf(tree->out, "%s  \n", indent);
}

static bool is_name(char *const *names, const char *name) {
        for (; *names; names++)
                if (g_str_equal(*names, name))
                        return true;
        return false;
}

char *tree_format(char *const *names, char *const *parents) {
        Tree tree = {.names = names, .out = g_string_new(NULL)};

        tree.children = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_array);
        for (unsigned i = 0; names[i]; i++)
                if (*parents[i])
                        add_child(&tree, parents[i], names[i]);
        for (unsigned i = 0; names[i]; i++)
                if (!*parents[i] || !is_name(names, parents[i]))
                        append_node(&tree, names[i], "", true, false);
        g_hash_table_unref(tree.children);
        return g_string_free(tree.out, FALSE);
}
