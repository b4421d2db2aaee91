/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a <cpu> asks for, against what a host gives: comparing, finding what several have in common,
 * and turning mode host-model into a named model. Pure. */

#include "base/err.h"
#include "base/xml.h"
#include "domain/def.h"
#include "qemu/cpu-model.h"

/* A <cpu> document of its own, as clients send it: a guest's, or a host's from the capabilities
 * (arch, model, vendor, features without a policy). Free with cpu_text_free. */
int cpu_text_parse(const char *text, DomainCpu **ret, Err *err);
void cpu_text_free(DomainCpu *cpu);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomainCpu, cpu_text_free)

typedef struct CpuNeed {
        const CpuModel *model; /* NULL: the <cpu> names none, and so every host will do */
        CpuSet required, forbidden, optional, forced, disabled;
        CpuMatch match;
        const char *vendor; /* id; NULL: any */
} CpuNeed;

/* unknown: the code for a model or a feature that QEMU does not know. */
int cpu_need_read(const CpuFacts *facts, const DomainCpu *cpu, ErrCode unknown, CpuNeed *ret,
                  Err *err);

/* Numbers of virCPUCompareResult. */
typedef enum CpuResult { CPU_INCOMPATIBLE, CPU_IDENTICAL, CPU_SUPERSET } CpuResult;

/* CPU_INCOMPATIBLE comes with an Err that names the features: the caller's to pass on or to drop.
 */
CpuResult cpu_need_compare(const CpuFacts *facts, const CpuNeed *need, const CpuHost *host,
                           Err *err);

/* What all the <cpu> documents have in common, as another one. */
typedef struct CpuBaseline {
        char *const *texts;
        size_t n;
        const CpuHost *runs_on;          /* models that can be used there alone; NULL: any */
        bool is_expanded, is_migratable; /* each feature by name; none that cannot be migrated */
} CpuBaseline;

int cpu_baseline(const CpuFacts *facts, const CpuBaseline *wanted, char **ret, Err *err);

/* <model>, <vendor> and <feature>s for all that host gives; NULL model: there is none. */
const CpuModel *cpu_host_model(const CpuFacts *facts, const CpuHost *host);
void cpu_write_host_model(XmlWriter *xml, const CpuFacts *facts, const CpuHost *host,
                          const CpuModel *model);

/* Mode host-model (and match minimum) becomes the host's named model; what the guest's own features
 * say goes before it. */
void cpu_fill_host_model(const CpuFacts *facts, const CpuHost *host, const CpuModel *model,
                         DomainCpu *cpu);

/* Sets the policy of a feature, which is appended where it is not named yet. name: QEMU's. */
void cpu_set_policy(DomainCpu *cpu, const char *name, CpuPolicy policy);
