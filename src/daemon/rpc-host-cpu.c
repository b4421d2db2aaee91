/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/util.h"
#include "daemon/cpu-store.h"
#include "daemon/dispatch.h"
#include "daemon/host-cpu.h"
#include "daemon/manager.h"
#include "qemu/cpu-match.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"

/* CPU models: their names, comparing one with this host, and what several have in common. Each call
 * may have to wait until QEMU has told which models it has; its arguments wait with it as one text.
 */

#define FAIL_INCOMPATIBLE 1u
#define VALIDATE_XML      2u
#define EXPAND_FEATURES   1u
#define MIGRATABLE        2u

/* Between the parts of a text: no XML may have it, and paths that do are nobody's. */
#define SEPARATOR "\x1e"

static int need_facts(Manager *manager, const char *emulator, const CpuFacts **ret, Err *err) {
        *ret = cpu_store_find(manager->cpus, emulator);
        if (*ret)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                              "'%s' has not told which CPU models it has",
                              emulator ? emulator : EMULATOR_DEFAULT),
                         "install it: apt install qemu-system-x86");
}

/* ---- names ---- */

/* Architectures that libvirt knows and that no guest here has: they have no models. */
static const char *const other_archs[] = {"i686",  "aarch64", "armv7l",   "ppc64",      "ppc64le",
                                          "s390x", "riscv64", "mips64el", "loongarch64"};

static int check_arch(const char *arch, bool *ret_is_ours, Err *err) {
        *ret_is_ours = g_str_equal(arch, "x86_64") || g_str_equal(arch, "i686");
        for (size_t i = 0; i < G_N_ELEMENTS(other_archs); i++)
                if (*ret_is_ours || g_str_equal(arch, other_archs[i]))
                        return 0;
        return fail(err, VIR_ERR_INVALID_ARG, "there is no architecture '%.80s'", arch);
}

static int names_now(Manager *manager, Call *call, const char *text, unsigned need_results,
                     Err *err) {
        remote_connect_get_cpu_model_names_ret *answer = call_ret(call);
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        const CpuFacts *facts;
        int r = need_facts(manager, NULL, &facts, err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < facts->n_models; i++)
                if (facts->models[i].is_named && !g_str_equal(facts->models[i].name, "base"))
                        g_ptr_array_add(names, g_strdup(facts->models[i].name));
        answer->ret = (int)names->len;
        if (need_results) {
                answer->models.models_len = names->len;
                answer->models.models_val =
                        (remote_string *)g_ptr_array_free(g_steal_pointer(&names), FALSE);
                return 0;
        }
        g_ptr_array_set_free_func(names, g_free);
        return 0;
}

static int get_model_names(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_connect_get_cpu_model_names_args *a = args;
        bool is_ours = false;
        int r = flags_check(a->flags, 0, "virConnectGetCPUModelNames", err);

        if (r == 0)
                r = check_arch(a->arch, &is_ours, err);
        if (r < 0 || !is_ours)
                return r;
        return cpu_store_call(manager, call, NULL,
                              &(EmulatorCall){names_now, "", (unsigned)a->need_results}, err);
}

/* ---- comparing ---- */

static int compare(const CpuFacts *facts, const CpuHost *host, const char *xml, unsigned flags,
                   int *ret, Err *err) {
        g_autoptr(DomainCpu) cpu = NULL;
        g_auto(Err) why = ERR_INIT;
        CpuNeed need;
        int r = cpu_text_parse(xml, &cpu, err);

        if (r == 0)
                r = cpu_need_read(facts, cpu, VIR_ERR_INTERNAL_ERROR, &need, err);
        if (r < 0)
                return r;
        *ret = cpu_need_compare(facts, &need, host, &why);
        if (*ret != CPU_INCOMPATIBLE || !(flags & FAIL_INCOMPATIBLE))
                return 0;
        err_move(err, &why);
        return -EINVAL;
}

static int compare_now(Manager *manager, Call *call, const char *text, unsigned flags, Err *err) {
        remote_connect_compare_cpu_ret *answer = call_ret(call);
        g_auto(HostCpu) cpu = {};
        g_auto(CpuHost) host = {};
        const CpuFacts *facts;
        int r = need_facts(manager, NULL, &facts, err);

        if (r == 0)
                r = host_cpu_load(manager->sys, &cpu, err);
        if (r < 0)
                return r;
        host = host_cpu_as_host(&cpu, facts);
        return compare(facts, &host, text, flags, &answer->result, err);
}

static int compare_cpu(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_connect_compare_cpu_args *a = args;
        int r = flags_check(a->flags, FAIL_INCOMPATIBLE | VALIDATE_XML, "virConnectCompareCPU",
                            err);

        if (r < 0)
                return r;
        return cpu_store_call(manager, call, NULL, &(EmulatorCall){compare_now, a->xml, a->flags},
                              err);
}

/* ---- the hypervisor's ---- */

static const char *optional(remote_string *text) {
        return text && **text ? *text : NULL;
}

/* emulator, architecture, machine, type, then the documents. */
static char *join(const Hypervisor *of, remote_string *xmls, size_t n) {
        const char *const words[] = {of->emulator, of->arch, of->machine, of->type};
        GString *out = g_string_new(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                g_string_append_printf(out, "%s" SEPARATOR, words[i] ? words[i] : "");
        for (size_t i = 0; i < n; i++)
                g_string_append_printf(out, i > 0 ? SEPARATOR "%s" : "%s", xmls[i]);
        return g_string_free(out, FALSE);
}

/* *ret: parts of text, of which the documents begin at the fifth. */
static int split(Manager *manager, const char *text, char ***ret, const CpuFacts **ret_facts,
                 const CpuHost **ret_host, Err *err) {
        g_auto(GStrv) parts = g_strsplit(text, SEPARATOR, -1);
        const char *words[4];
        bool is_kvm = false;
        int r;

        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                words[i] = *parts[i] ? parts[i] : NULL;
        r = manager_check_hypervisor(manager, &(Hypervisor){words[0], words[1], words[2], words[3]},
                                     &is_kvm, err);
        if (r == 0)
                r = need_facts(manager, words[0], ret_facts, err);
        if (r < 0)
                return r;
        *ret_host = &(*ret_facts)->hosts[is_kvm ? CPU_KVM : CPU_TCG];
        if (!(*ret_host)->is_known)
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                            "KVM does not tell which CPU a guest can have");
        *ret = g_steal_pointer(&parts);
        return 0;
}

static int compare_hypervisor_now(Manager *manager, Call *call, const char *text, unsigned flags,
                                  Err *err) {
        remote_connect_compare_hypervisor_cpu_ret *answer = call_ret(call);
        g_auto(GStrv) parts = NULL;
        const CpuFacts *facts;
        const CpuHost *host;
        int r = split(manager, text, &parts, &facts, &host, err);

        return r < 0 ? r : compare(facts, host, parts[4], flags, &answer->result, err);
}

static int compare_hypervisor_cpu(Manager *manager, Call *call, const void *args, void *ret,
                                  Err *err) {
        const remote_connect_compare_hypervisor_cpu_args *a = args;
        const Hypervisor of = {optional(a->emulator), optional(a->arch), optional(a->machine),
                               optional(a->virttype)};
        remote_string xml = a->xmlCPU;
        g_autofree char *text = join(&of, &xml, 1);
        int r = flags_check(a->flags, FAIL_INCOMPATIBLE | VALIDATE_XML,
                            "virConnectCompareHypervisorCPU", err);

        if (r < 0)
                return r;
        return cpu_store_call(manager, call, of.emulator,
                              &(EmulatorCall){compare_hypervisor_now, text, a->flags}, err);
}

/* ---- in common ---- */

static int check_documents(size_t n, Err *err) {
        return n > 0 ? 0 : fail(err, VIR_ERR_INVALID_ARG, "there is no CPU to compare");
}

static int baseline(const CpuFacts *facts, char *const *texts, const CpuHost *runs_on,
                    unsigned flags, char **ret, Err *err) {
        const CpuBaseline wanted = {
                .texts = texts,
                .n = g_strv_length((char **)(uintptr_t)texts),
                .runs_on = runs_on,
                .is_expanded = flags & EXPAND_FEATURES,
                .is_migratable = flags & MIGRATABLE,
        };

        return cpu_baseline(facts, &wanted, ret, err);
}

static int baseline_now(Manager *manager, Call *call, const char *text, unsigned flags, Err *err) {
        remote_connect_baseline_cpu_ret *answer = call_ret(call);
        g_auto(GStrv) texts = g_strsplit(text, SEPARATOR, -1);
        const CpuFacts *facts;
        int r = need_facts(manager, NULL, &facts, err);

        return r < 0 ? r : baseline(facts, texts + 4, NULL, flags, &answer->cpu, err);
}

static int baseline_cpu(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_connect_baseline_cpu_args *a = args;
        g_autofree char *text =
                join(&(Hypervisor){}, a->xmlCPUs.xmlCPUs_val, a->xmlCPUs.xmlCPUs_len);
        int r = flags_check(a->flags, EXPAND_FEATURES | MIGRATABLE, "virConnectBaselineCPU", err);

        if (r == 0)
                r = check_documents(a->xmlCPUs.xmlCPUs_len, err);
        if (r < 0)
                return r;
        return cpu_store_call(manager, call, NULL, &(EmulatorCall){baseline_now, text, a->flags},
                              err);
}

static int baseline_hypervisor_now(Manager *manager, Call *call, const char *text, unsigned flags,
                                   Err *err) {
        remote_connect_baseline_hypervisor_cpu_ret *answer = call_ret(call);
        g_auto(GStrv) parts = NULL;
        const CpuFacts *facts;
        const CpuHost *host;
        int r = split(manager, text, &parts, &facts, &host, err);

        return r < 0 ? r : baseline(facts, parts + 4, host, flags, &answer->cpu, err);
}

static int baseline_hypervisor_cpu(Manager *manager, Call *call, const void *args, void *ret,
                                   Err *err) {
        const remote_connect_baseline_hypervisor_cpu_args *a = args;
        const Hypervisor of = {optional(a->emulator), optional(a->arch), optional(a->machine),
                               optional(a->virttype)};
        g_autofree char *text = join(&of, a->xmlCPUs.xmlCPUs_val, a->xmlCPUs.xmlCPUs_len);
        int r = flags_check(a->flags, EXPAND_FEATURES | MIGRATABLE,
                            "virConnectBaselineHypervisorCPU", err);

        if (r == 0)
                r = check_documents(a->xmlCPUs.xmlCPUs_len, err);
        if (r < 0)
                return r;
        return cpu_store_call(manager, call, of.emulator,
                              &(EmulatorCall){baseline_hypervisor_now, text, a->flags}, err);
}

static const Procedure procedures[] = {
        {.number = REMOTE_PROC_CONNECT_COMPARE_CPU,
         .name = "virConnectCompareCPU",
         PROC_ARGS(remote_connect_compare_cpu_args),
         PROC_RET(remote_connect_compare_cpu_ret),
         .read_only = true,
         .run = compare_cpu},
        {.number = REMOTE_PROC_CONNECT_BASELINE_CPU,
         .name = "virConnectBaselineCPU",
         PROC_ARGS(remote_connect_baseline_cpu_args),
         PROC_RET(remote_connect_baseline_cpu_ret),
         .read_only = true,
         .run = baseline_cpu},
        {.number = REMOTE_PROC_CONNECT_GET_CPU_MODEL_NAMES,
         .name = "virConnectGetCPUModelNames",
         PROC_ARGS(remote_connect_get_cpu_model_names_args),
         PROC_RET(remote_connect_get_cpu_model_names_ret),
         .read_only = true,
         .run = get_model_names},
        {.number = REMOTE_PROC_CONNECT_COMPARE_HYPERVISOR_CPU,
         .name = "virConnectCompareHypervisorCPU",
         PROC_ARGS(remote_connect_compare_hypervisor_cpu_args),
         PROC_RET(remote_connect_compare_hypervisor_cpu_ret),
         .run = compare_hypervisor_cpu},
        {.number = REMOTE_PROC_CONNECT_BASELINE_HYPERVISOR_CPU,
         .name = "virConnectBaselineHypervisorCPU",
         PROC_ARGS(remote_connect_baseline_hypervisor_cpu_args),
         PROC_RET(remote_connect_baseline_hypervisor_cpu_ret),
         .run = baseline_hypervisor_cpu},
};

const ProcedureTable rpc_host_cpu_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
