/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/cpu-match.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "domain/element.h"
#include "domain/tables.h"

/* ---- a document of its own ---- */

void cpu_text_free(DomainCpu *cpu) {
        domain_element_free(&domain_cpu_element, cpu);
}

/* The place of a word in a list, counted from 1 as the enums are; 0: it is not there. */
static unsigned word_number(const char *word, const char *const *words) {
        for (unsigned i = 0; word && words[i]; i++)
                if (g_str_equal(word, words[i]))
                        return i + 1;
        return 0;
}

static int check_arch(const xmlNode *root, Err *err) {
        const xmlNode *node = xml_child(root, "arch");
        g_autofree char *arch = node ? xml_text(node) : NULL;

        if (!arch || g_str_equal(arch, "x86_64") || g_str_equal(arch, "i686"))
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "the <cpu> is of the architecture '%.80s'; this host's guests are x86_64",
                    arch);
}

static int parse_feature(const xmlNode *node, DomainCpu *cpu, Err *err) {
        static const char *const policies[] = {"force",   "require", "optional",
                                               "disable", "forbid",  NULL};
        DomainCpuFeature *feature = domain_element_new(&domain_cpu_feature_element);
        g_autofree char *policy = xml_attr(node, "policy");

        g_ptr_array_add(cpu->features, feature);
        feature->node.is_present = true;
        feature->policy = policy ? (CpuPolicy)word_number(policy, policies) : CPU_REQUIRE;
        if (!feature->policy)
                return fail(err, VIR_ERR_XML_ERROR, "line %u: a CPU feature has no policy '%.80s'",
                            xml_line(node), policy);
        return xml_attr_required(node, "name", &feature->name, err);
}

static int parse_children(const xmlNode *root, DomainCpu *cpu, Err *err) {
        XML_FOREACH_CHILD(child, root) {
                int r = 0;

                if (g_str_equal(xml_name(child), "feature"))
                        r = parse_feature(child, cpu, err);
                else if (g_str_equal(xml_name(child), "model") && !cpu->model.name)
                        cpu->model.name = xml_text(child);
                else if (g_str_equal(xml_name(child), "vendor") && !cpu->vendor.text)
                        cpu->vendor.text = xml_text(child);
                if (r < 0)
                        return r;
        }
        return 0;
}

int cpu_text_parse(const char *text, DomainCpu **ret, Err *err) {
        static const char *const modes[] = {"custom", "host-model", "host-passthrough", "maximum",
                                            NULL};
        static const char *const matches[] = {"exact", "minimum", "strict", NULL};
        g_autoptr(DomainCpu) cpu = domain_element_new(&domain_cpu_element);
        g_autoptr(XmlDoc) doc = NULL;
        g_autofree char *mode = NULL;
        g_autofree char *match = NULL;
        int r = xml_doc_parse(text, strlen(text), "cpu", &doc, err);

        if (r < 0)
                return r;
        if (!g_str_equal(xml_name(xml_doc_root(doc)), "cpu"))
                return fail(err, VIR_ERR_XML_ERROR, "the document is a <%.80s>, not a <cpu>",
                            xml_name(xml_doc_root(doc)));
        mode = xml_attr(xml_doc_root(doc), "mode");
        match = xml_attr(xml_doc_root(doc), "match");
        cpu->mode = (CpuMode)word_number(mode, modes);
        cpu->match = (CpuMatch)word_number(match, matches);
        cpu->features = g_ptr_array_new();
        if ((mode && !cpu->mode) || (match && !cpu->match))
                return fail(err, VIR_ERR_XML_ERROR,
                            "a <cpu> has no mode '%.80s' with match '%.80s'",
                            mode ? mode : "custom", match ? match : "exact");
        r = check_arch(xml_doc_root(doc), err);
        if (r == 0)
                r = parse_children(xml_doc_root(doc), cpu, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&cpu);
        return 0;
}

/* ---- what it asks for ---- */

static CpuSet *set_of(CpuNeed *need, CpuPolicy policy) {
        switch (policy) {
        case CPU_FORCE:
                return &need->forced;
        case CPU_OPTIONAL:
                return &need->optional;
        case CPU_DISABLE:
                return &need->disabled;
        case CPU_FORBID:
                return &need->forbidden;
        default:
                return &need->required;
        }
}

static int read_features(const CpuFacts *facts, const DomainCpu *cpu, ErrCode unknown,
                         CpuNeed *need, Err *err) {
        for (guint i = 0; cpu->features && i < cpu->features->len; i++) {
                const DomainCpuFeature *feature = cpu->features->pdata[i];
                int number = cpu_facts_feature(facts, feature->name);

                if (number < 0 && cpu_feature_is_foreign(feature->name))
                        continue;
                if (number < 0)
                        return fail(err, unknown, "unknown CPU feature '%.80s': QEMU has none such",
                                    feature->name);
                cpu_set_put(&need->required, (unsigned)number, false);
                cpu_set_put(set_of(need, feature->policy), (unsigned)number, true);
        }
        return 0;
}

int cpu_need_read(const CpuFacts *facts, const DomainCpu *cpu, ErrCode unknown, CpuNeed *ret,
                  Err *err) {
        CpuNeed need = {.match = cpu->match, .vendor = cpu_vendor_id(cpu->vendor.text)};
        int r;

        if (cpu->model.name && cpu->mode <= CPU_CUSTOM) {
                need.model = cpu_facts_model(facts, cpu->model.name);
                if (!need.model)
                        return fail(err, unknown, "unknown CPU model '%.80s': QEMU has none such",
                                    cpu->model.name);
                need.required = need.model->features;
        }
        r = read_features(facts, cpu, unknown, &need, err);
        if (r < 0)
                return r;
        *ret = need;
        return 0;
}

static char *join_names(const CpuFacts *facts, const CpuSet *set) {
        g_autoptr(GPtrArray) names = cpu_facts_names(facts, set);

        g_ptr_array_add(names, NULL);
        return strv_join_human((char **)names->pdata);
}

CpuResult cpu_need_compare(const CpuFacts *facts, const CpuNeed *need, const CpuHost *host,
                           Err *err) {
        CpuSet missing = cpu_set_minus(&need->required, &host->features);
        CpuSet present = cpu_set_and(&need->forbidden, &host->features);
        CpuSet extra = cpu_set_minus(&host->features, &need->required);
        g_autofree char *names = NULL;

        if (need->vendor && host->vendor && !g_str_equal(need->vendor, host->vendor)) {
                fail(err, VIR_ERR_CPU_INCOMPATIBLE, "the host's CPU is of %s, not of %s",
                     cpu_vendor_name(host->vendor), cpu_vendor_name(need->vendor));
                return CPU_INCOMPATIBLE;
        }
        if (!cpu_set_is_empty(&present)) {
                names = join_names(facts, &present);
                fail(err, VIR_ERR_CPU_INCOMPATIBLE, "the host's CPU has the forbidden features %s",
                     names);
                return CPU_INCOMPATIBLE;
        }
        if (!cpu_set_is_empty(&missing)) {
                names = join_names(facts, &missing);
                fail(err, VIR_ERR_CPU_INCOMPATIBLE,
                     "the host's CPU does not provide the required features %s", names);
                return CPU_INCOMPATIBLE;
        }
        if (!need->model || !cpu_set_is_empty(&extra)) {
                if (need->model && need->match == CPU_STRICT) {
                        names = join_names(facts, &extra);
                        fail(err, VIR_ERR_CPU_INCOMPATIBLE,
                             "the host's CPU has more than match='strict' allows: %s", names);
                        return CPU_INCOMPATIBLE;
                }
                return CPU_SUPERSET;
        }
        return CPU_IDENTICAL;
}

/* ---- in common ---- */

typedef struct Common {
        CpuSet features;
        const char *vendor;       /* id; of models where all agree, else NULL */
        bool is_vendor_mixed;     /* the models are of several */
        const char *named_vendor; /* that each document has; NULL: not each */
} Common;

static int take_common(const CpuFacts *facts, const DomainCpu *cpu, Common *common, bool is_first,
                       Err *err) {
        const char *vendor = cpu_vendor_id(cpu->vendor.text);
        CpuNeed need = {};
        int r;

        if (!cpu->model.name)
                return fail(err, VIR_ERR_XML_ERROR, "a <cpu> names no <model>");
        r = cpu_need_read(facts, cpu, VIR_ERR_INTERNAL_ERROR, &need, err);
        if (r != 0)
                return r;
        need.required = cpu_set_or(&need.required, &need.forced);
        common->features =
                is_first ? need.required : cpu_set_and(&common->features, &need.required);
        if (is_first)
                common->named_vendor = vendor;
        else if (g_strcmp0(common->named_vendor, vendor) != 0)
                common->named_vendor = NULL;
        if (!vendor && need.model) /* no model: a mode that stands for one */
                vendor = need.model->vendor;
        if (is_first)
                common->vendor = vendor;
        else if (g_strcmp0(common->vendor, vendor) != 0)
                common->is_vendor_mixed = true;
        return 0;
}

static void write_feature(XmlWriter *xml, const char *policy, const char *name) {
        xml_writer_open(xml, "feature");
        xml_writer_attr(xml, "policy", policy);
        xml_writer_attr(xml, "name", name);
        xml_writer_close(xml);
}

static void write_features(XmlWriter *xml, const CpuFacts *facts, const CpuSet *set,
                           const char *policy) {
        g_autoptr(GPtrArray) names = cpu_facts_names(facts, set);

        for (guint i = 0; i < names->len; i++)
                write_feature(xml, policy, names->pdata[i]);
}

static void write_model(XmlWriter *xml, const char *fallback, const CpuModel *model) {
        xml_writer_open(xml, "model");
        xml_writer_attr(xml, "fallback", fallback);
        xml_writer_text(xml, model->name);
        xml_writer_close(xml);
}

static char *format_baseline(const CpuFacts *facts, const CpuBaseline *wanted, const Common *common,
                             const CpuModel *model) {
        g_autoptr(XmlWriter) xml = xml_writer_new(0);
        CpuSet shown = wanted->is_expanded ? common->features
                                           : cpu_set_minus(&common->features, &model->features);

        xml_writer_open(xml, "cpu");
        xml_writer_attr(xml, "mode", "custom");
        xml_writer_attr(xml, "match", "exact");
        write_model(xml, wanted->runs_on ? "forbid" : "allow", model);
        if (common->named_vendor)
                xml_writer_leaf(xml, "vendor", cpu_vendor_name(common->named_vendor));
        write_features(xml, facts, &shown, "require");
        xml_writer_close(xml);
        return xml_writer_finish(g_steal_pointer(&xml));
}

/* What a guest that is to move to another host must not have: a clock that is this host's. */
static void drop_unmigratable(const CpuFacts *facts, CpuSet *set) {
        int number = cpu_facts_feature(facts, "invtsc");

        if (number >= 0)
                cpu_set_put(set, (unsigned)number, false);
}

int cpu_baseline(const CpuFacts *facts, const CpuBaseline *wanted, char **ret, Err *err) {
        CpuWanted choice = {.runs_on = wanted->runs_on, .no_more_than_features = true};
        const CpuModel *model;
        Common common = {};

        for (size_t i = 0; i < wanted->n; i++) {
                g_autoptr(DomainCpu) cpu = NULL;
                int r = cpu_text_parse(wanted->texts[i], &cpu, err);

                if (r != 0)
                        return r;
                g_assert(cpu);
                r = take_common(facts, cpu, &common, i == 0, err);
                if (r != 0)
                        return r;
        }
        if (wanted->is_migratable)
                drop_unmigratable(facts, &common.features);
        choice.features = common.features;
        choice.vendor = common.is_vendor_mixed ? NULL : common.vendor;
        model = cpu_facts_choose(facts, &choice);
        if (!model && choice.vendor) {
                choice.vendor = NULL;
                model = cpu_facts_choose(facts, &choice);
        }
        if (!model)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "QEMU has no CPU model of which all of these CPUs have everything");
        *ret = format_baseline(facts, wanted, &common, model);
        return 0;
}

/* ---- host-model ---- */

const CpuModel *cpu_host_model(const CpuFacts *facts, const CpuHost *host) {
        CpuWanted wanted = {.features = host->features, .vendor = host->vendor};
        const CpuModel *model = host->is_known ? cpu_facts_choose(facts, &wanted) : NULL;

        if (model || !host->is_known)
                return model;
        wanted.vendor = NULL;
        return cpu_facts_choose(facts, &wanted);
}

void cpu_write_host_model(XmlWriter *xml, const CpuFacts *facts, const CpuHost *host,
                          const CpuModel *model) {
        CpuSet extra = cpu_set_minus(&host->features, &model->features);
        CpuSet missing = cpu_set_minus(&model->features, &host->features);

        write_model(xml, "forbid", model);
        if (cpu_vendor_name(host->vendor))
                xml_writer_leaf(xml, "vendor", cpu_vendor_name(host->vendor));
        write_features(xml, facts, &extra, "require");
        write_features(xml, facts, &missing, "disable");
}

static DomainCpuFeature *find_named(const DomainCpu *cpu, const char *name) {
        for (guint i = 0; cpu->features && i < cpu->features->len; i++) {
                DomainCpuFeature *feature = cpu->features->pdata[i];

                if (g_str_equal(feature->name, name) ||
                    g_str_equal(feature->name, cpu_feature_name(name)))
                        return feature;
        }
        return NULL;
}

void cpu_set_policy(DomainCpu *cpu, const char *name, CpuPolicy policy) {
        DomainCpuFeature *feature = find_named(cpu, name);

        if (!feature) {
                feature = domain_element_new(&domain_cpu_feature_element);
                feature->node.is_present = true;
                feature->name = g_strdup(cpu_feature_name(name));
                if (!cpu->features)
                        cpu->features = g_ptr_array_new();
                g_ptr_array_add(cpu->features, feature);
        }
        feature->policy = policy;
}

static void fill_features(const CpuFacts *facts, const CpuSet *set, CpuPolicy policy,
                          DomainCpu *cpu) {
        g_autoptr(GPtrArray) names = cpu_facts_names(facts, set);

        for (guint i = 0; i < names->len; i++)
                if (!find_named(cpu, names->pdata[i]))
                        cpu_set_policy(cpu, names->pdata[i], policy);
}

void cpu_fill_host_model(const CpuFacts *facts, const CpuHost *host, const CpuModel *model,
                         DomainCpu *cpu) {
        CpuSet extra = cpu_set_minus(&host->features, &model->features);
        CpuSet missing = cpu_set_minus(&model->features, &host->features);

        cpu->mode = CPU_CUSTOM;
        cpu->match = CPU_EXACT;
        cpu->model.node.is_present = true;
        cpu->model.fallback = CPU_FALLBACK_FORBID;
        g_free(cpu->model.name);
        cpu->model.name = g_strdup(model->name);
        if (!cpu->vendor.text && cpu_vendor_name(host->vendor)) {
                cpu->vendor.node.is_present = true;
                cpu->vendor.text = g_strdup(cpu_vendor_name(host->vendor));
        }
        fill_features(facts, &extra, CPU_REQUIRE, cpu);
        fill_features(facts, &missing, CPU_DISABLE, cpu);
}
