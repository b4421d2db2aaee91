/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/line.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

/* More than this many changes to one line are a mistake of ours. */
#define LINE_CHANGES_MAX 64

/* A name whose value is a list: which item must be in it, and which must not. */
typedef struct Rule {
        const char *key;
        const char *want; /* NULL: none */
        const char *const *drop;
} Rule;

typedef const char *const Items[];

static Items drop_off = {"off", NULL};
static Items drop_off_nopt = {"off", "nopt", NULL};
static Items drop_off_pt = {"off", "pt", NULL};
static Items drop_no = {"0", "n", "N", "no", "off", "false", NULL};
static Items drop_yes = {"1", "y", "Y", "yes", "on", "true", NULL};
static Items drop_nothing = {NULL};
static Items drop_vfio = {
        "vfio", "vfio-pci", "vfio_pci", "vfio-pci-core", "vfio_pci_core", "vfio_iommu_type1", NULL,
};

#define RULES_MAX 16

static size_t make_rules(const LineWish *wish, Rule rules[static RULES_MAX]) {
        bool on = wish->passthrough == LINE_ON, off = wish->passthrough == LINE_OFF;
        bool arm = wish->vendor == LINE_OTHER;
        const char *translate = on ? "pt" : off ? "nopt" : NULL;
        size_t n = 0;

        rules[n++] = (Rule){
                "intel_iommu",
                wish->vendor == LINE_INTEL ? "on" : NULL,
                wish->vendor == LINE_INTEL ? drop_off : drop_nothing,
        };
        rules[n++] = (Rule){"amd_iommu", NULL, wish->vendor == LINE_AMD ? drop_off : drop_nothing};
        rules[n++] = (Rule){
                "iommu",
                arm ? NULL : translate,
                on    ? drop_off_nopt
                : off ? drop_off_pt
                      : drop_off,
        };
        rules[n++] = (Rule){
                "iommu.passthrough",
                arm && (on || off) ? (on ? "1" : "0") : NULL,
                on    ? drop_no
                : off ? drop_yes
                      : drop_nothing,
        };
        rules[n++] = (Rule){
                "vfio_iommu_type1.allow_unsafe_interrupts",
                NULL,
                wish->unsafe == LINE_ON ? drop_no : drop_nothing,
        };
        rules[n++] = (Rule){"modprobe.blacklist", NULL, drop_vfio};
        rules[n++] = (Rule){"module_blacklist", NULL, drop_vfio};
        rules[n++] = (Rule){"rd.driver.blacklist", NULL, drop_vfio};
        return n;
}

static bool same_letter(char a, char b) {
        return a == b || (strchr("-_", a) && a && strchr("-_", b) && b);
}

/* The value of a word with this name; NULL: it is another's. */
static const char *value_of(const char *word, const char *key) {
        while (*key && same_letter(*word, *key)) {
                word++;
                key++;
        }
        return !*key && *word == '=' ? word + 1 : NULL;
}

static bool has_item(const char *value, const char *item) {
        g_auto(GStrv) items = g_strsplit(value, ",", -1);

        return g_strv_contains((const char *const *)items, item);
}

bool line_word_says(const char *line_word, const char *word) {
        const char *equals = strchr(word, '=');
        g_autofree char *key = equals ? g_strndup(word, (gsize)(equals - word)) : NULL;
        const char *value = key ? value_of(line_word, key) : NULL;

        return value ? has_item(value, equals + 1) : g_str_equal(line_word, word);
}

/* The items that may stay, joined; *ret_changed: some may not. */
static char *kept_items(const char *value, const char *const *drop, bool *ret_changed) {
        g_auto(GStrv) items = g_strsplit(value, ",", -1);
        g_autoptr(GPtrArray) kept = g_ptr_array_new();

        *ret_changed = false;
        STRV_FOREACH(item, items) {
                if (g_strv_contains(drop, item))
                        *ret_changed = true;
                else
                        g_ptr_array_add(kept, item);
        }
        g_ptr_array_add(kept, NULL);
        return g_strjoinv(",", (char **)kept->pdata);
}

/* A word of the line and the field that it stands in. */
typedef struct Place {
        Field *field;
        const FieldWord *word;
} Place;

static int replace_word(const Place *place, const char *text, GPtrArray *notes, Err *err) {
        const char *path = place->field->path;
        g_autofree char *was = g_strdup(place->word->text);
        int r = field_replace(place->field, place->word, text);

        if (r < 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "/%s: the word '%s' contradicts what is needed, and is "
                                      "written in a way that cannot be changed safely",
                                      path, was),
                                 "take it away by hand");
        g_ptr_array_add(notes, text ? g_strdup_printf("/%s: '%s' becomes '%s'", path, was, text)
                                    : g_strdup_printf("/%s: '%s' goes", path, was));
        return 1;
}

/* The words of all fields that have the rule's name. */
static GArray *places_of(GArray *fields, GPtrArray *words, const char *key) {
        GArray *places = g_array_new(FALSE, FALSE, sizeof(Place));

        for (guint i = 0; i < fields->len; i++) {
                const GPtrArray *of_field = g_ptr_array_index(words, i);

                for (guint k = 0; k < of_field->len; k++) {
                        const FieldWord *word = g_ptr_array_index(of_field, k);
                        Place place = {&g_array_index(fields, Field, i), word};

                        if (value_of(word->text, key))
                                g_array_append_val(places, place);
                }
        }
        return places;
}

static bool is_said(const GArray *places, const Rule *rule) {
        for (guint i = 0; rule->want && i < places->len; i++) {
                const Place *place = &g_array_index(places, Place, i);

                if (has_item(value_of(place->word->text, rule->key), rule->want))
                        return true;
        }
        return !rule->want;
}

/* 1: a word was changed; 0: there is none to change. */
static int drop_first(const GArray *places, const Rule *rule, bool said, GPtrArray *notes,
                      Err *err) {
        for (guint i = 0; i < places->len; i++) {
                const Place *place = &g_array_index(places, Place, i);
                bool changed;
                g_autofree char *kept =
                        kept_items(value_of(place->word->text, rule->key), rule->drop, &changed);
                g_autofree char *text = NULL;

                if (!changed)
                        continue;
                if (!said)
                        text = g_strdup_printf("%s=%s%s%s", rule->key, rule->want, *kept ? "," : "",
                                               kept);
                else if (*kept)
                        text = g_strdup_printf("%s=%s", rule->key, kept);
                return replace_word(place, text, notes, err);
        }
        return 0;
}

/* One reading of the line. */
typedef struct Line {
        GArray *fields;   /* of Field */
        GPtrArray *words; /* of GPtrArray of FieldWord, one a field; those of the init left out */
        Place end;        /* where these begin; word NULL: nowhere */
} Line;

static void line_clear(Line *line) {
        g_clear_pointer(&line->fields, g_array_unref);
        g_clear_pointer(&line->words, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Line, line_clear)

static void cut_words(Line *line, guint number, GPtrArray *words) {
        for (guint i = 0; !line->end.word && i < words->len; i++) {
                const FieldWord *word = g_ptr_array_index(words, i);

                if (!g_str_equal(word->text, LINE_END_OF_KERNEL))
                        continue;
                line->end = (Place){&g_array_index(line->fields, Field, number), word};
                g_ptr_array_set_size(words, (int)i + 1);
                return;
        }
        if (line->end.word)
                g_ptr_array_set_size(words, 0);
}

static int line_read(const LineSource *source, Line *line, Err *err) {
        int r;

        line->fields = g_array_new(FALSE, FALSE, sizeof(Field));
        line->words = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
        r = source->collect(source->userdata, line->fields, err);
        for (guint i = 0; r == 0 && i < line->fields->len; i++) {
                GPtrArray *words = field_words(&g_array_index(line->fields, Field, i));

                cut_words(line, i, words);
                g_ptr_array_add(line->words, words);
        }
        return r;
}

/* 1: it was. */
static int append_word(const LineSource *source, const Line *line, const char *word, Err *err) {
        Field target;
        int r = 0;

        if (line->end.word)
                target = *line->end.field;
        else
                r = source->target(source->userdata, &target, err);
        if (r < 0)
                return r;
        r = line->end.word ? field_insert_before(&target, line->end.word, word)
                           : field_append(&target, word);
        if (r < 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "'%s' cannot be added to the kernel command line of /%s, "
                                      "where a quote is left open",
                                      word, target.path),
                                 "put the file right first");
        return 1;
}

/* 1: something was changed, and the fields are to be read again; 0: the rule holds. */
static int apply_rule(const LineSource *source, const Rule *rule, const Line *line,
                      GPtrArray *notes, Err *err) {
        g_autoptr(GArray) places = places_of(line->fields, line->words, rule->key);
        bool said = is_said(places, rule);
        g_autofree char *word = NULL;
        int r = drop_first(places, rule, said, notes, err);

        if (r != 0 || said)
                return r;
        word = g_strdup_printf("%s=%s", rule->key, rule->want);
        return append_word(source, line, word, err);
}

static bool has_word(const GPtrArray *words, const char *text) {
        for (guint i = 0; i < words->len; i++) {
                const GPtrArray *of_field = g_ptr_array_index(words, i);

                for (guint k = 0; k < of_field->len; k++) {
                        const FieldWord *word = g_ptr_array_index(of_field, k);

                        if (g_str_equal(word->text, text))
                                return true;
                }
        }
        return false;
}

static int apply_more(const LineSource *source, const LineWish *wish, const Line *line, Err *err) {
        for (const char *const *word = wish->more; word && *word; word++)
                if (!has_word(line->words, *word))
                        return append_word(source, line, *word, err);
        return 0;
}

static int apply_once(const LineSource *source, const LineWish *wish, GPtrArray *notes, Err *err) {
        g_auto(Line) line = {};
        Rule rules[RULES_MAX];
        size_t n = make_rules(wish, rules);
        int r = line_read(source, &line, err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                r = apply_rule(source, &rules[i], &line, notes, err);
                if (r != 0)
                        return r;
        }
        return apply_more(source, wish, &line, err);
}

static int never_settles(Err *err) {
        return fail(err, VIR_ERR_INTERNAL_ERROR, "a kernel command line never settles");
}

int line_apply(const LineSource *source, const LineWish *wish, GPtrArray *notes, Err *err) {
        int r = 1;

        for (unsigned i = 0; r > 0 && i < LINE_CHANGES_MAX; i++)
                r = apply_once(source, wish, notes, err);
        return r > 0 ? never_settles(err) : r;
}

/* A single field: changes are told to the caller's through the pointer. */
static int collect_one(void *userdata, GArray *fields, Err *err) {
        const Field *field = userdata;

        g_array_append_vals(fields, field, 1);
        return 0;
}

static int target_one(void *userdata, Field *ret, Err *err) {
        const Field *field = userdata;

        *ret = *field;
        return 0;
}

int line_apply_field(Field *field, const LineWish *wish, GPtrArray *notes, Err *err) {
        LineSource source = {collect_one, target_one, field};
        size_t rest = field->text->len - field->end;
        int r = 1;

        for (unsigned i = 0; r > 0 && i < LINE_CHANGES_MAX; i++) {
                r = apply_once(&source, wish, notes, err);
                field->end = field->text->len - rest;
        }
        return r > 0 ? never_settles(err) : r;
}

char *line_wish_text(const LineWish *wish) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
        Field field = {"", text, 0, 0, FIELD_PLAIN};

        if (line_apply_field(&field, wish, notes, NULL) < 0)
                return g_strdup("");
        return g_string_free(g_steal_pointer(&text), FALSE);
}
