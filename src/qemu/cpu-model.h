/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* CPU models as QEMU knows them: which features each has, and what this host can give a guest. All
 * of it is QEMU's own answer (query-cpu-definitions, query-cpu-model-expansion); there is no other
 * data base of models.
 *
 * A feature has QEMU's name in here ("lahf-lm") and libvirt's in XML ("lahf_lm"). */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <glib.h>

#define CPU_FEATURES_MAX 1024

/* A set of features, by their numbers in CpuFacts.names. */
typedef struct CpuSet {
        uint64_t words[CPU_FEATURES_MAX / 64];
} CpuSet;

static inline bool cpu_set_has(const CpuSet *set, unsigned i) {
        return set->words[i / 64] >> (i % 64) & 1;
}
static inline void cpu_set_put(CpuSet *set, unsigned i, bool is_in) {
        uint64_t bit = UINT64_C(1) << (i % 64);

        set->words[i / 64] = is_in ? set->words[i / 64] | bit : set->words[i / 64] & ~bit;
}
unsigned cpu_set_count(const CpuSet *set);
bool cpu_set_is_empty(const CpuSet *set);
CpuSet cpu_set_and(const CpuSet *a, const CpuSet *b);
CpuSet cpu_set_or(const CpuSet *a, const CpuSet *b);
CpuSet cpu_set_minus(const CpuSet *a, const CpuSet *b);

typedef struct CpuModel {
        char *name;
        char *canonical; /* "EPYC-v1" of "EPYC"; NULL: it is no other's second name */
        char *vendor;    /* as CPUID leaf 0 has it: "GenuineIntel"; NULL: not known */
        bool is_deprecated;
        bool is_named; /* means the same on each host, unlike "max" */
        CpuSet features;
} CpuModel;

typedef enum CpuAccel { CPU_TCG, CPU_KVM, _CPU_ACCEL_MAX } CpuAccel;

/* What an accelerator gives on this host. */
typedef struct CpuHost {
        bool is_known; /* false: it cannot be used here */
        char *vendor;
        CpuSet features;
        GHashTable
                *blockers; /* model → NULL-terminated features that it lacks here; absent: none */
} CpuHost;

typedef struct CpuFacts {
        GPtrArray *names;  /* of the features */
        GHashTable *index; /* name → number + 1 */
        CpuModel *models;  /* sorted by name */
        size_t n_models;
        CpuHost hosts[_CPU_ACCEL_MAX];
} CpuFacts;

/* From the object that cpu-probe keeps; NULL: it is none. */
CpuFacts *cpu_facts_new(const json_t *answers);
void cpu_facts_free(CpuFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CpuFacts, cpu_facts_free)

/* NULL: QEMU has no such model. */
const CpuModel *cpu_facts_model(const CpuFacts *facts, const char *name);

/* The number of a feature under QEMU's name or libvirt's; -1: QEMU has none such. */
int cpu_facts_feature(const CpuFacts *facts, const char *name);

/* libvirt's name of a feature of QEMU's. */
const char *cpu_feature_name(const char *name);

/* libvirt's documents name it, and no QEMU can give it or withhold it: it goes with another feature
 * or is the kernel's matter. Such a word is passed over. */
bool cpu_feature_is_foreign(const char *name);

/* The names of a set's members in libvirt's spelling, sorted; the caller frees the array alone. */
GPtrArray *cpu_facts_names(const CpuFacts *facts, const CpuSet *set);

/* "Intel" of "GenuineIntel", and back; NULL: neither libvirt nor we have a name for it. */
const char *cpu_vendor_name(const char *id);
const char *cpu_vendor_id(const char *name);

/* The model that says the most of a set in the fewest words. */
typedef struct CpuWanted {
        CpuSet features;
        const char *vendor;         /* id; NULL: of any */
        const CpuHost *runs_on;     /* only models without a blocker there; NULL: any */
        bool no_more_than_features; /* only models that have nothing beyond the set */
} CpuWanted;

/* NULL: none fits. */
const CpuModel *cpu_facts_choose(const CpuFacts *facts, const CpuWanted *wanted);
