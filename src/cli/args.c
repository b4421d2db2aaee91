/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/args.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"

struct Args {
        const Command *command;
        GHashTable *values; /* option's name (borrowed from the table) to its text */
        GPtrArray *rest;    /* NULL-terminated once the parse is over */
};

static Args *args_new(const Command *command) {
        Args *args = g_new0(Args, 1);

        args->command = command;
        args->values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
        args->rest = g_ptr_array_new_with_free_func(g_free);
        return args;
}

void args_free(Args *args) {
        if (!args)
                return;
        g_hash_table_unref(args->values);
        g_ptr_array_unref(args->rest);
        g_free(args);
}

static int set_value(Args *args, const Option *option, const char *value, Err *err) {
        if (option->kind == OPTION_REST) {
                g_ptr_array_add(args->rest, g_strdup(value));
                return 0;
        }
        if (g_hash_table_contains(args->values, option->name))
                return fail(err, VIR_ERR_INVALID_ARG, "option --%s already seen", option->name);
        g_hash_table_insert(args->values, (char *)(uintptr_t)option->name, g_strdup(value));
        return 0;
}

/* word is "--name" or "--name=value"; next the word after it, or NULL. Returns how many words were
 * used. */
static int take_option(Args *args, const char *word, const char *next, Err *err) {
        const char *equals = strchr(word, '=');
        g_autofree char *name =
                equals ? g_strndup(word + 2, (size_t)(equals - word - 2)) : g_strdup(word + 2);
        const Option *option = command_option(args->command, name);
        int r;

        if (!option)
                return fail(err, VIR_ERR_INVALID_ARG, "command '%s' doesn't support option --%s",
                            args->command->name, name);
        if (option->kind == OPTION_FLAG && equals)
                return fail(err, VIR_ERR_INVALID_ARG, "invalid '=' after option --%s", name);
        if (option->kind != OPTION_FLAG && !equals && !next)
                return fail(err, VIR_ERR_INVALID_ARG, "expected syntax: --%s <%s>", name,
                            option->kind == OPTION_NUMBER ? "number" : "string");
        if (option->kind == OPTION_FLAG)
                r = set_value(args, option, "", err);
        else
                r = set_value(args, option, equals ? equals + 1 : next, err);
        if (r < 0)
                return r;
        return option->kind == OPTION_FLAG || equals ? 1 : 2;
}

/* As in virsh, options that are meant to be named take bare words too, after those that are not. */
static int take_word(Args *args, const char *word, Err *err) {
        OPTION_FOREACH(option, args->command) {
                if (option->kind == OPTION_FLAG || option->named_only)
                        continue;
                if (option->kind == OPTION_REST ||
                    !g_hash_table_contains(args->values, option->name))
                        return set_value(args, option, word, err);
        }
        return fail(err, VIR_ERR_INVALID_ARG, "unexpected data '%s'", word);
}

static int check_required(const Args *args, Err *err) {
        OPTION_FOREACH(option, args->command) {
                bool given = option->kind == OPTION_REST
                                     ? args->rest->len > 0
                                     : g_hash_table_contains(args->values, option->name);

                if (option->required && !given)
                        return fail(err, VIR_ERR_INVALID_ARG,
                                    option->positional ? "command '%s' requires <%s> option"
                                                       : "command '%s' requires --%s option",
                                    args->command->name, option->name);
        }
        return 0;
}

int args_parse(const Command *command, char *const *words, Args **ret, Err *err) {
        g_autoptr(Args) args = args_new(command);
        bool data_only = command->raw;
        int r;

        while (*words) {
                if (!data_only && g_str_equal(*words, "--")) {
                        data_only = true;
                        words++;
                        continue;
                }
                if (!data_only && g_str_has_prefix(*words, "--")) {
                        r = take_option(args, words[0], words[1], err);
                } else {
                        r = take_word(args, words[0], err);
                        r = r < 0 ? r : 1;
                }
                if (r < 0)
                        return r;
                words += r;
        }
        r = check_required(args, err);
        if (r < 0)
                return r;
        g_ptr_array_add(args->rest, NULL);
        *ret = g_steal_pointer(&args);
        return 0;
}

const Command *args_command(const Args *args) {
        return args->command;
}

bool args_flag(const Args *args, const char *name) {
        return args_text(args, name) != NULL;
}

const char *args_text(const Args *args, const char *name) {
        assert(command_option(args->command, name));
        return g_hash_table_lookup(args->values, name);
}

static int fail_number(const Args *args, const char *name, const char *kind, Err *err) {
        return fail(err, VIR_ERR_INVALID_ARG,
                    "%s value '%s' for <%s> option is malformed or out of range", kind,
                    args_text(args, name), name);
}

int args_number(const Args *args, const char *name, unsigned max, unsigned *ret, Err *err) {
        const char *text = args_text(args, name);
        uint64_t value;

        if (!text)
                return 0;
        if (str_to_uint(text, 10, max, &value) < 0 || value == 0)
                return fail_number(args, name, "Numeric", err);
        *ret = (unsigned)value;
        return 0;
}

int args_count(const Args *args, const char *name, uint64_t max, uint64_t *ret, Err *err) {
        const char *text = args_text(args, name);

        if (text && str_to_uint(text, 10, max, ret) < 0)
                return fail_number(args, name, "Numeric", err);
        return 0;
}

/* "" is scale; "b" is 1; "k" and "KiB" are 1024, "KB" is 1000; and so on. 0: no such unit. */
static uint64_t unit_size(const char *unit, uint64_t scale) {
        static const char letters[] = "kmgtpe";
        const char *letter;
        uint64_t base, size = 1;

        if (!*unit)
                return scale;
        if (g_ascii_strcasecmp(unit, "b") == 0 || g_ascii_strcasecmp(unit, "byte") == 0 ||
            g_ascii_strcasecmp(unit, "bytes") == 0)
                return 1;
        letter = strchr(letters, g_ascii_tolower(*unit));
        if (!letter)
                return 0;
        if (!unit[1] || g_ascii_strcasecmp(unit + 1, "ib") == 0)
                base = 1024;
        else if (g_ascii_strcasecmp(unit + 1, "b") == 0)
                base = 1000;
        else
                return 0;
        for (const char *l = letters; l <= letter; l++)
                size *= base;
        return size;
}

bool args_parse_size(const char *text, uint64_t scale, uint64_t *ret) {
        size_t n = strspn(text, "0123456789");
        g_autofree char *digits = g_strndup(text, n);
        uint64_t number, unit;

        while (text[n] == ' ')
                n++;
        unit = unit_size(text + n, scale);
        if (unit == 0 || str_to_uint(digits, 10, UINT64_MAX / unit, &number) < 0)
                return false;
        *ret = number * unit;
        return true;
}

int args_size(const Args *args, const char *name, uint64_t scale, uint64_t *ret, Err *err) {
        const char *text = args_text(args, name);

        if (text && !args_parse_size(text, scale, ret))
                return fail_number(args, name, "Scaled numeric", err);
        return 0;
}

unsigned args_bits(const Args *args, const ArgsBit *bits) {
        unsigned all = 0;

        for (; bits && bits->name; bits++)
                if (command_option(args->command, bits->name) && args_flag(args, bits->name))
                        all |= bits->bit;
        return all;
}

int args_affect(const Args *args, unsigned *ret, Err *err) {
        static const ArgsBit bits[] = {{"live", 1 << 0}, {"config", 1 << 1}, {}};
        int r;

        r = args_exclusive(args, "current", "live", err);
        if (r >= 0)
                r = args_exclusive(args, "current", "config", err);
        if (r < 0)
                return r;
        *ret |= args_bits(args, bits);
        return 0;
}

char *const *args_rest(const Args *args) {
        return (char *const *)args->rest->pdata;
}

int args_exclusive(const Args *args, const char *a, const char *b, Err *err) {
        if (args_flag(args, a) && args_flag(args, b))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "Options --%s and --%s are mutually exclusive", a, b);
        return 0;
}
