/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/cpu-match.h"

#include <unistd.h>

#include "base/test.h"
#include "qemu/cpu-probe.h"

#define QEMU "/usr/bin/qemu-system-x86_64"

/* What the installed QEMU says, asked once for all tests. */
static CpuFacts *facts;

static void on_facts(CpuFacts *found, const Err *err, void *userdata) {
        facts = found;
        sd_event_exit(userdata, 0);
}

static int ask_qemu(void **state) {
        g_autofree char *dir = g_dir_make_tmp("test-cpu-XXXXXX", NULL);
        g_autoptr(CpuProbe) probe = NULL;
        g_autoptr(Sys) sys = NULL;
        CpuProbeRequest request = {.binary = QEMU, .cache_dir = dir, .done = on_facts};
        g_autoptr(CpuFacts) kept = NULL;
        sd_event *event = NULL;

        if (access(QEMU, X_OK) < 0)
                return 0;
        assert_int_equal(sys_new(NULL, &sys), 0);
        assert_true(sd_event_new(&event) >= 0);
        request.sys = sys;
        request.userdata = event;
        assert_int_equal(cpu_probe_read(&request, &kept, NULL), -EAGAIN);
        assert_int_equal(cpu_probe(event, &request, &probe, NULL), 0);
        sd_event_loop(event);
        probe = NULL; /* it is gone when it has answered */
        assert_non_null(facts);
        assert_int_equal(cpu_probe_read(&request, &kept, NULL), 0);
        assert_int_equal(kept->n_models, facts->n_models);
        sd_event_unref(event);
        g_autofree char *command = g_strdup_printf("rm -r %s", dir);
        return g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL) ? 0 : -1;
}

static int forget(void **state) {
        g_clear_pointer(&facts, cpu_facts_free);
        return 0;
}

static CpuSet features_of(const char *name) {
        const CpuModel *model = cpu_facts_model(facts, name);

        assert_non_null(model);
        return model->features;
}

static void a_later_processor_has_what_the_earlier_one_has(void **state) {
        CpuSet nehalem, westmere, lost;

        if (!facts)
                skip();
        nehalem = features_of("Nehalem");
        westmere = features_of("Westmere");
        lost = cpu_set_minus(&nehalem, &westmere);
        assert_true(cpu_set_is_empty(&lost));
        assert_true(cpu_set_has(&westmere, (unsigned)cpu_facts_feature(facts, "aes")));
        assert_false(cpu_set_has(&nehalem, (unsigned)cpu_facts_feature(facts, "aes")));
        assert_string_equal(cpu_facts_model(facts, "Nehalem")->vendor, "GenuineIntel");
        assert_null(cpu_facts_model(facts, "NoSuchModel"));
}

static void features_have_two_spellings(void **state) {
        if (!facts)
                skip();
        assert_int_equal(cpu_facts_feature(facts, "lahf_lm"), cpu_facts_feature(facts, "lahf-lm"));
        assert_int_equal(cpu_facts_feature(facts, "pclmuldq"),
                         cpu_facts_feature(facts, "pclmulqdq"));
        assert_string_equal(cpu_feature_name("lahf-lm"), "lahf_lm");
        assert_int_equal(cpu_facts_feature(facts, "bogus"), -1);
}

static void a_set_is_called_by_the_model_that_has_it(void **state) {
        CpuWanted wanted = {.vendor = "GenuineIntel", .no_more_than_features = true};

        if (!facts)
                skip();
        wanted.features = features_of("Nehalem");
        assert_string_equal(cpu_facts_choose(facts, &wanted)->name, "Nehalem");
        cpu_set_put(&wanted.features, (unsigned)cpu_facts_feature(facts, "lm"), false);
        assert_string_not_equal(cpu_facts_choose(facts, &wanted)->name, "Nehalem");
}

static void check_baseline(const char *first, const char *second, const char *expected) {
        char *texts[] = {g_strdup(first), g_strdup(second)};
        const CpuBaseline wanted = {.texts = texts, .n = 2};
        g_autofree char *xml = NULL;
        g_autofree char *line = g_strdup_printf("<model fallback='allow'>%s</model>", expected);

        assert_int_equal(cpu_baseline(facts, &wanted, &xml, NULL), 0);
        assert_non_null(strstr(xml, line));
        g_free(texts[0]);
        g_free(texts[1]);
}

static void what_two_have_in_common_has_a_name(void **state) {
        if (!facts)
                skip();
        check_baseline("<cpu><model>Nehalem</model></cpu>", "<cpu><model>Westmere</model></cpu>",
                       "Nehalem");
        check_baseline("<cpu><model>Nehalem</model><feature name='aes'/><feature name='arat'/>"
                       "<feature name='pclmuldq'/></cpu>",
                       "<cpu><model>Westmere</model></cpu>", "Westmere");
}

static CpuResult compare(const char *text, const CpuHost *host, Err *err) {
        g_autoptr(DomainCpu) cpu = NULL;
        CpuNeed need;

        assert_int_equal(cpu_text_parse(text, &cpu, NULL), 0);
        assert_int_equal(cpu_need_read(facts, cpu, VIR_ERR_INTERNAL_ERROR, &need, NULL), 0);
        return cpu_need_compare(facts, &need, host, err);
}

static void a_host_is_less_or_more_or_the_same(void **state) {
        CpuHost host = {.is_known = true, .vendor = (char *)(uintptr_t) "GenuineIntel"};
        g_auto(Err) err = ERR_INIT;

        if (!facts)
                skip();
        host.features = features_of("Nehalem");
        assert_int_equal(compare("<cpu><model>Nehalem</model></cpu>", &host, NULL), CPU_IDENTICAL);
        assert_int_equal(compare("<cpu><model>Penryn</model></cpu>", &host, NULL), CPU_SUPERSET);
        assert_int_equal(compare("<cpu match='strict'><model>Penryn</model></cpu>", &host, NULL),
                         CPU_INCOMPATIBLE);
        assert_int_equal(compare("<cpu><model>Westmere</model></cpu>", &host, &err),
                         CPU_INCOMPATIBLE);
        assert_int_equal(err.code, VIR_ERR_CPU_INCOMPATIBLE);
        assert_non_null(strstr(err.message, "aes"));
}

static void documents_that_are_no_cpu_are_refused(void **state) {
        static const char *const texts[] = {
                "<cpu",
                "<foo/>",
                "<cpu mode='bogus'/>",
                "<cpu><feature policy='x' name='y'/></cpu>",
                "<cpu><feature/></cpu>",
                "<cpu><arch>vax</arch></cpu>",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(DomainCpu) cpu = NULL;

                assert_true(cpu_text_parse(texts[i], &cpu, NULL) < 0);
                assert_null(cpu);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_later_processor_has_what_the_earlier_one_has),
                cmocka_unit_test(features_have_two_spellings),
                cmocka_unit_test(a_set_is_called_by_the_model_that_has_it),
                cmocka_unit_test(what_two_have_in_common_has_a_name),
                cmocka_unit_test(a_host_is_less_or_more_or_the_same),
                cmocka_unit_test(documents_that_are_no_cpu_are_refused),
        };

        return cmocka_run_group_tests(tests, ask_qemu, forget);
}
