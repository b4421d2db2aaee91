/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/cpu-model.h"

#include <stdlib.h>
#include <string.h>

#define N_WORDS G_N_ELEMENTS(((CpuSet *)NULL)->words)

/* ---- sets ---- */

unsigned cpu_set_count(const CpuSet *set) {
        unsigned n = 0;

        for (size_t i = 0; i < N_WORDS; i++)
                n += (unsigned)__builtin_popcountll(set->words[i]);
        return n;
}

bool cpu_set_is_empty(const CpuSet *set) {
        return cpu_set_count(set) == 0;
}

CpuSet cpu_set_and(const CpuSet *a, const CpuSet *b) {
        CpuSet set;

        for (size_t i = 0; i < N_WORDS; i++)
                set.words[i] = a->words[i] & b->words[i];
        return set;
}

CpuSet cpu_set_or(const CpuSet *a, const CpuSet *b) {
        CpuSet set;

        for (size_t i = 0; i < N_WORDS; i++)
                set.words[i] = a->words[i] | b->words[i];
        return set;
}

CpuSet cpu_set_minus(const CpuSet *a, const CpuSet *b) {
        CpuSet set;

        for (size_t i = 0; i < N_WORDS; i++)
                set.words[i] = a->words[i] & ~b->words[i];
        return set;
}

/* ---- names ---- */

/* Where libvirt writes a feature another way than QEMU does. */
static const struct Spelling {
        const char *qemu, *libvirt;
} spellings[] = {
        {"cmp-legacy", "cmp_legacy"},     {"ds-cpl", "ds_cpl"},
        {"fxsr-opt", "fxsr_opt"},         {"lahf-lm", "lahf_lm"},
        {"nodeid-msr", "nodeid_msr"},     {"pclmulqdq", "pclmuldq"},
        {"perfctr-core", "perfctr_core"}, {"perfctr-nb", "perfctr_nb"},
        {"tsc-adjust", "tsc_adjust"},

};

const char *cpu_feature_name(const char *name) {
        for (size_t i = 0; i < G_N_ELEMENTS(spellings); i++)
                if (g_str_equal(spellings[i].qemu, name))
                        return spellings[i].libvirt;
        return name;
}

bool cpu_feature_is_foreign(const char *name) {
        static const char *const names[] = {"cmt",       "cvt16",      "mbm_local",
                                            "mbm_total", "osxsave",    "ospke",
                                            "pconfig",   "vmx-ept-uc", "vmx-ept-wb"};

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                if (g_str_equal(names[i], name))
                        return true;
        return false;
}

static int find_feature(const CpuFacts *facts, const char *name) {
        return GPOINTER_TO_INT(g_hash_table_lookup(facts->index, name)) - 1;
}

int cpu_facts_feature(const CpuFacts *facts, const char *name) {
        int found = find_feature(facts, name);

        for (size_t i = 0; found < 0 && i < G_N_ELEMENTS(spellings); i++)
                if (g_str_equal(spellings[i].libvirt, name))
                        found = find_feature(facts, spellings[i].qemu);
        return found;
}

static int compare_strings(gconstpointer a, gconstpointer b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *cpu_facts_names(const CpuFacts *facts, const CpuSet *set) {
        GPtrArray *names = g_ptr_array_new();

        for (guint i = 0; i < facts->names->len; i++)
                if (cpu_set_has(set, i))
                        g_ptr_array_add(names, (gpointer)(uintptr_t)cpu_feature_name(
                                                       facts->names->pdata[i]));
        g_ptr_array_sort(names, compare_strings);
        return names;
}

static const struct Vendor {
        const char *name, *id;
} vendors[] = {
        {"Intel", "GenuineIntel"}, {"AMD", "AuthenticAMD"},     {"Hygon", "HygonGenuine"},
        {"VIA", "CentaurHauls"},   {"Zhaoxin", "  Shanghai  "},
};

const char *cpu_vendor_name(const char *id) {
        for (size_t i = 0; id && i < G_N_ELEMENTS(vendors); i++)
                if (g_str_equal(vendors[i].id, id))
                        return vendors[i].name;
        return NULL;
}

const char *cpu_vendor_id(const char *name) {
        for (size_t i = 0; name && i < G_N_ELEMENTS(vendors); i++)
                if (g_str_equal(vendors[i].name, name))
                        return vendors[i].id;
        return NULL;
}

/* ---- facts ---- */

static void model_clear(CpuModel *model) {
        g_free(model->name);
        g_free(model->canonical);
        g_free(model->vendor);
}

void cpu_facts_free(CpuFacts *facts) {
        if (!facts)
                return;
        for (size_t i = 0; i < facts->n_models; i++)
                model_clear(&facts->models[i]);
        for (size_t i = 0; i < _CPU_ACCEL_MAX; i++) {
                g_free(facts->hosts[i].vendor);
                g_clear_pointer(&facts->hosts[i].blockers, g_hash_table_unref);
        }
        g_free(facts->models);
        g_clear_pointer(&facts->index, g_hash_table_unref);
        g_clear_pointer(&facts->names, g_ptr_array_unref);
        g_free(facts);
}

static CpuSet read_set(CpuFacts *facts, const json_t *list) {
        CpuSet set = {};
        size_t i;
        json_t *item;

        json_array_foreach(list, i, item) {
                const char *name = json_string_value(item);
                int number = name ? find_feature(facts, name) : -1;

                if (number >= 0)
                        cpu_set_put(&set, (unsigned)number, true);
        }
        return set;
}

static void read_names(CpuFacts *facts, const json_t *list) {
        size_t i;
        json_t *item;

        json_array_foreach(list, i, item) {
                char *name = g_strdup(json_string_value(item));

                if (!name || facts->names->len >= CPU_FEATURES_MAX) {
                        g_free(name);
                        continue;
                }
                g_ptr_array_add(facts->names, name);
                g_hash_table_insert(facts->index, name, GUINT_TO_POINTER(facts->names->len));
        }
}

static char *string_of(const json_t *object, const char *key) {
        return g_strdup(json_string_value(json_object_get(object, key)));
}

static void read_model(CpuFacts *facts, CpuModel *model, const json_t *definition,
                       const json_t *expansions) {
        const json_t *expansion;

        model->name = string_of(definition, "name");
        model->canonical = string_of(definition, "alias-of");
        model->is_deprecated = json_is_true(json_object_get(definition, "deprecated"));
        model->is_named = json_is_true(json_object_get(definition, "migration-safe"));
        expansion = json_object_get(expansions, model->canonical ? model->canonical : model->name);
        model->vendor = string_of(expansion, "vendor");
        model->features = read_set(facts, json_object_get(expansion, "on"));
}

static int compare_models(const void *a, const void *b) {
        return strcmp(((const CpuModel *)a)->name, ((const CpuModel *)b)->name);
}

static void read_models(CpuFacts *facts, const json_t *definitions, const json_t *expansions) {
        size_t i;
        json_t *item;

        facts->models = g_new0(CpuModel, json_array_size(definitions) + 1);
        json_array_foreach(definitions, i, item)
                if (json_is_string(json_object_get(item, "name")))
                        read_model(facts, &facts->models[facts->n_models++], item, expansions);
        qsort(facts->models, facts->n_models, sizeof(CpuModel), compare_models);
}

/* "unavailable-features" may name one twice, and libvirt's clients want no "kvm" among them. */
static char **read_blockers(const json_t *list) {
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        GStrvBuilder *out = g_strv_builder_new();
        char **result;
        size_t i;
        json_t *item;

        json_array_foreach(list, i, item)
                if (json_is_string(item))
                        g_ptr_array_add(names, (gpointer)(uintptr_t)cpu_feature_name(
                                                       json_string_value(item)));
        g_ptr_array_sort(names, compare_strings);
        for (guint k = 0; k < names->len; k++)
                if (k == 0 || !g_str_equal(names->pdata[k], names->pdata[k - 1]))
                        g_strv_builder_add(out, names->pdata[k]);
        result = g_strv_builder_end(out);
        g_strv_builder_unref(out);
        return result;
}

static void free_strv(gpointer data) {
        g_strfreev(data);
}

static void read_host(CpuFacts *facts, CpuHost *host, const json_t *answers) {
        const json_t *blockers = json_object_get(answers, "blockers");
        const char *name;
        json_t *list;

        host->is_known = answers != NULL;
        host->vendor = string_of(answers, "vendor");
        host->features = read_set(facts, json_object_get(answers, "on"));
        host->blockers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_strv);
        json_object_foreach((json_t *)(uintptr_t)blockers, name, list)
                if (json_array_size(list) > 0)
                        g_hash_table_insert(host->blockers, g_strdup(name), read_blockers(list));
}

CpuFacts *cpu_facts_new(const json_t *answers) {
        g_autoptr(CpuFacts) facts = g_new0(CpuFacts, 1);

        facts->names = g_ptr_array_new_with_free_func(g_free);
        facts->index = g_hash_table_new(g_str_hash, g_str_equal);
        read_names(facts, json_object_get(answers, "names"));
        read_models(facts, json_object_get(answers, "definitions"),
                    json_object_get(answers, "expansions"));
        read_host(facts, &facts->hosts[CPU_TCG], json_object_get(answers, "tcg"));
        read_host(facts, &facts->hosts[CPU_KVM], json_object_get(answers, "kvm"));
        if (facts->names->len == 0 || facts->n_models == 0)
                return NULL;
        return g_steal_pointer(&facts);
}

const CpuModel *cpu_facts_model(const CpuFacts *facts, const char *name) {
        const CpuModel key = {.name = (char *)(uintptr_t)name};

        return bsearch(&key, facts->models, facts->n_models, sizeof(key), compare_models);
}

/* ---- choosing ---- */

typedef struct Score {
        unsigned words, missing; /* features to name beside the model; those that it has too many */
        bool is_version;         /* "EPYC-v1", where "EPYC" means the same */
} Score;

static bool is_better(const Score *a, const Score *b) {
        if (a->words != b->words)
                return a->words < b->words;
        if (a->missing != b->missing)
                return a->missing < b->missing;
        return !a->is_version && b->is_version;
}

static bool is_candidate(const CpuModel *model, const CpuWanted *wanted) {
        if (!model->is_named || model->is_deprecated || !model->vendor ||
            cpu_set_is_empty(&model->features) || g_str_equal(model->name, "base"))
                return false;
        if (wanted->vendor && !g_str_equal(model->vendor, wanted->vendor))
                return false;
        return !wanted->runs_on || !g_hash_table_contains(wanted->runs_on->blockers, model->name);
}

const CpuModel *cpu_facts_choose(const CpuFacts *facts, const CpuWanted *wanted) {
        const CpuModel *best = NULL;
        Score best_score = {};

        for (size_t i = 0; i < facts->n_models; i++) {
                const CpuModel *model = &facts->models[i];
                CpuSet missing = cpu_set_minus(&model->features, &wanted->features);
                CpuSet extra = cpu_set_minus(&wanted->features, &model->features);
                Score score = {.missing = cpu_set_count(&missing), .is_version = !model->canonical};

                score.words = score.missing + cpu_set_count(&extra);
                if (!is_candidate(model, wanted) ||
                    (wanted->no_more_than_features && score.missing > 0))
                        continue;
                if (!best || is_better(&score, &best_score)) {
                        best = model;
                        best_score = score;
                }
        }
        return best;
}
