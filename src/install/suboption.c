/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/suboption.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/nearest.h"
#include "base/util.h"
#include "install/node.h"

#define SUB_FOREACH(sub, grammar)                                                          \
        for (const SubOption *const *_t =                                                  \
                     (const SubOption *const[]){(grammar)->subs, (grammar)->common, NULL}; \
             *_t; _t++)                                                                    \
                for (const SubOption *sub = *_t; sub->name; sub++)

static void sub_value_free(void *data) {
        SubValue *value = data;

        g_free(value->key);
        g_free(value->value);
        g_free(value);
}

int sub_truth(const char *text, bool *ret) {
        static const char *const words[][2] = {
                {"yes", "no"}, {"on", "off"}, {"true", "false"}, {"y", "n"}, {"t", "f"}, {"1", "0"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                for (int j = 0; j < 2; j++)
                        if (g_ascii_strcasecmp(text, words[i][j]) == 0) {
                                *ret = j == 0;
                                return 0;
                        }
        return -EINVAL;
}

/* Numbers in names make elements: no more than these digits. */
#define INDEX_DIGITS 3

/* Compares a name of the table with what was typed; each '#' takes digits, or none. */
static bool name_matches(const char *name, const char *typed) {
        for (; *name; name++) {
                if (*name == '#')
                        typed += MIN(strspn(typed, "0123456789"), INDEX_DIGITS);
                else if (*name == *typed)
                        typed++;
                else
                        return false;
        }
        return !*typed;
}

static bool sub_matches(const SubOption *sub, const char *typed) {
        g_auto(GStrv) aliases = g_strsplit(sub->aliases ?: "", " ", -1);

        if (name_matches(sub->name, typed))
                return true;
        STRV_FOREACH(alias, aliases)
                if (*alias && name_matches(alias, typed))
                        return true;
        return false;
}

static const SubOption *find_sub(const Grammar *grammar, const char *typed) {
        SUB_FOREACH(sub, grammar)
        if (sub_matches(sub, typed))
                return sub;
        return NULL;
}

static int refuse_word(const Grammar *grammar, const char *typed, Err *err) {
        Nearest nearest = {.to = typed};
        int r;

        SUB_FOREACH(sub, grammar)
        nearest_offer(&nearest, sub->name);
        r = fail(err, VIR_ERR_INVALID_ARG, "--%s has no sub-option '%s'", grammar->option, typed);
        if (nearest.name)
                return fail_hint(err, r, "did you mean '%s'? --%s help lists all", nearest.name,
                                 grammar->option);
        return fail_hint(err, r, "--%s help lists all", grammar->option);
}

/* Splits at commas that are not quoted, and takes the quotes away. */
static int split(const Grammar *grammar, const char *text, GStrv *ret, Err *err) {
        g_autoptr(GStrvBuilder) words = g_strv_builder_new();
        g_autoptr(GString) word = g_string_new(NULL);
        char quote = 0;

        for (; *text; text++) {
                if (*text == '\\' && quote != '\'' && text[1]) {
                        g_string_append_c(word, *++text);
                } else if (quote ? *text == quote : *text == '\'' || *text == '"') {
                        quote = quote ? 0 : *text;
                } else if (*text == ',' && !quote) {
                        g_strv_builder_add(words, word->str);
                        g_string_truncate(word, 0);
                } else {
                        g_string_append_c(word, *text);
                }
        }
        if (quote)
                return fail(err, VIR_ERR_INVALID_ARG, "a quote in the value of --%s is not closed",
                            grammar->option);
        g_strv_builder_add(words, word->str);
        *ret = g_strv_builder_end(words);
        return 0;
}

static SubValue *add_value(SubValues *values, const SubOption *option, const char *key,
                           const char *value) {
        SubValue *one = g_new0(SubValue, 1);

        one->option = option;
        one->key = g_strdup(key);
        one->value = g_strdup(value);
        g_ptr_array_add(values, one);
        return one;
}

/* The word goes on what the sub-option before it says. */
static void go_on(SubValue *last, const char *word) {
        char *joined = g_strdup_printf("%s,%s", last->value ?: "", word);

        g_free(last->value);
        last->value = joined;
}

/* One word behind the first ones. */
static int take_word(const Grammar *grammar, SubValues *values, const char *word, bool any,
                     Err *err) {
        g_auto(GStrv) parts = g_strsplit(word, "=", 2);
        const SubOption *sub = find_sub(grammar, parts[0]);
        SubValue *last = values->len > 0 ? values->pdata[values->len - 1] : NULL;

        if (!sub && last && last->option && last->option->comma) {
                go_on(last, word);
                return 0;
        }
        if (!sub && !any)
                return refuse_word(grammar, parts[0], err);
        if (sub && !parts[1] && sub->kind != SUB_WORD)
                return fail(err, VIR_ERR_INVALID_ARG, "sub-option '%s' of --%s needs a value: %s=…",
                            parts[0], grammar->option, parts[0]);
        add_value(values, sub, parts[0], parts[1]);
        return 0;
}

int sub_parse(const Grammar *grammar, const char *text, bool any, SubValues **ret, Err *err) {
        g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(sub_value_free);
        g_auto(GStrv) firsts = g_strsplit(grammar->first ?: "", " ", -1);
        g_auto(GStrv) words = NULL;
        char **first = firsts;
        int r;

        r = split(grammar, text, &words, err);
        if (r < 0)
                return r;
        STRV_FOREACH(word, words) {
                const SubOption *sub = find_sub(grammar, word);
                bool is_word = sub && sub->kind == SUB_WORD;

                if (!*word)
                        continue;
                if (*first && !strchr(word, '=') && !is_word) {
                        add_value(values, find_sub(grammar, *first), *first, word);
                        first++;
                        continue;
                }
                first = firsts + g_strv_length(firsts);
                r = take_word(grammar, values, word, any, err);
                if (r < 0)
                        return r;
        }
        *ret = g_steal_pointer(&values);
        return 0;
}

static SubValue *find_value(const SubValues *values, const char *name) {
        for (unsigned i = values->len; i > 0; i--) {
                SubValue *value = values->pdata[i - 1];

                if (value->option ? g_str_equal(value->option->name, name)
                                  : g_str_equal(value->key, name))
                        return value;
        }
        return NULL;
}

const char *sub_peek(const SubValues *values, const char *name) {
        const SubValue *value = find_value(values, name);

        return value ? value->value ?: "" : NULL;
}

char *sub_take(SubValues *values, const char *name) {
        char *taken = g_strdup(sub_peek(values, name));
        SubValue *value;

        while ((value = find_value(values, name)))
                g_ptr_array_remove(values, value);
        return taken;
}

/* The path with the numbers that were typed: each '#' of the name has its own. */
static char *numbered_path(const SubOption *sub, const char *typed) {
        GString *path = g_string_new(NULL);

        for (const char *p = sub->path; *p; p++) {
                g_string_append_c(path, *p);
                if (*p != '#')
                        continue;
                typed += strcspn(typed, "0123456789");
                if (!*typed)
                        g_string_append_c(path, '0');
                while (isdigit((unsigned char)*typed))
                        g_string_append_c(path, *typed++);
        }
        return g_string_free(path, FALSE);
}

static int refuse_value(const Grammar *grammar, const SubValue *value, const char *wanted,
                        Err *err) {
        return fail(err, VIR_ERR_INVALID_ARG, "--%s %s=%s: %s is wanted", grammar->option,
                    value->key, value->value, wanted);
}

/* A truth, in the words of its kind. */
static int apply_truth(const Grammar *grammar, const SubValue *value, xmlNode *element,
                       const char *path, Err *err) {
        bool truth;

        if (sub_truth(value->value, &truth) < 0)
                return refuse_value(grammar, value, "yes or no", err);
        if (value->option->kind == SUB_ELEMENT)
                node_set(element, path, truth ? "" : NULL);
        else if (value->option->kind == SUB_YES_NO)
                node_set(element, path, truth ? "yes" : "no");
        else
                node_set(element, path, truth ? "on" : "off");
        return 0;
}

static int apply_value(const Grammar *grammar, const SubValue *value, xmlNode *element, Err *err) {
        g_autofree char *path = numbered_path(value->option, value->key);
        g_autofree char *file = NULL;
        uint64_t number;

        if (!*value->value) {
                node_set(element, path, NULL);
                return 0;
        }
        switch (value->option->kind) {
        case SUB_NUMBER:
                if (str_to_uint(value->value + (value->value[0] == '-'), 0, UINT64_MAX, &number) <
                    0)
                        return refuse_value(grammar, value, "a number", err);
                node_set(element, path, value->value);
                return 0;
        case SUB_YES_NO:
        case SUB_ON_OFF:
        case SUB_ELEMENT:
                return apply_truth(grammar, value, element, path, err);
        case SUB_FILE:
                file = g_canonicalize_filename(value->value, NULL);
                node_set(element, path, file);
                return 0;
        default:
                node_set(element, path, value->value);
                return 0;
        }
}

int sub_apply(const Grammar *grammar, const SubValues *values, xmlNode *element, Err *err) {
        SUB_FOREACH(sub, grammar)
        for (unsigned i = 0; sub->path && i < values->len; i++) {
                const SubValue *value = values->pdata[i];
                int r = value->option == sub ? apply_value(grammar, value, element, err) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *sub_help(const Grammar *grammar) {
        GString *out = g_string_new(NULL);
        g_autoptr(GPtrArray) names = g_ptr_array_new();

        g_string_append_printf(out, "--%s options:\n", grammar->option);
        SUB_FOREACH(sub, grammar)
        g_ptr_array_add(names, (void *)(uintptr_t)sub->name);
        g_ptr_array_sort(names, compare_names);
        for (unsigned i = 0; i < names->len; i++)
                g_string_append_printf(out, "  %s\n", (const char *)names->pdata[i]);
        return g_string_free(out, FALSE);
}
