/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/cpu-probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qemu/probe.h"

#define LIMIT_USEC   (150 * UINT64_C(1000000))
#define CACHE_FORMAT 2

static const char *const accelerators[_CPU_ACCEL_MAX] = {"tcg", "kvm"};

struct CpuProbe {
        sd_event *event;
        CpuProbeRequest request;
        char *binary, *cache_path;
        json_t *key, *answers;
        CpuAccel accel; /* that is asked now */
        Probe *probe;
        json_t *definitions; /* of this accelerator; NULL: not asked yet */
        bool is_host_known;
        size_t next_model;
        const char *asked; /* model whose expansion is awaited; borrowed from definitions */
};

static void free_json(json_t **json) {
        json_decref(*json);
}

/* ---- key ---- */

/* The kernel and what it runs on decide what KVM gives, and TCG's vendor words. */
static int make_key(const CpuProbeRequest *request, json_t **ret, Err *err) {
        g_autofree char *version = NULL;
        g_autofree char *flags = NULL;
        g_autofree char *info = NULL;
        int r = probe_key(request->binary, CACHE_FORMAT, ret, err);

        if (r < 0)
                return r;
        sys_read_text(request->sys, "proc/version", &version);
        if (sys_read(request->sys, "proc/cpuinfo", &info, NULL) >= 0) {
                const char *from = strstr(info, "flags"), *model = strstr(info, "model name");
                g_autofree char *words =
                        g_strdup_printf("%.*s%.*s", from ? (int)strcspn(from, "\n") : 0, from,
                                        model ? (int)strcspn(model, "\n") : 0, model);

                flags = g_compute_checksum_for_string(G_CHECKSUM_SHA256, words, -1);
        }
        json_object_set_new(*ret, "kernel", json_string(version ? version : ""));
        json_object_set_new(*ret, "processor", json_string(flags ? flags : ""));
        json_object_set_new(*ret, "kvm", json_boolean(request->has_kvm));
        return 0;
}

char *cpu_probe_key(const CpuProbeRequest *request) {
        __attribute__((cleanup(free_json))) json_t *key = NULL;
        char *text, *result;

        if (make_key(request, &key, NULL) < 0)
                return NULL;
        text = json_dumps(key, JSON_COMPACT | JSON_SORT_KEYS);
        result = g_strdup(text);
        free(text);
        return result;
}

int cpu_probe_read(const CpuProbeRequest *request, CpuFacts **ret, Err *err) {
        g_autofree char *path = probe_cache_path(request->cache_dir, "cpu", request->binary);
        __attribute__((cleanup(free_json))) json_t *key = NULL, *answers = NULL;
        int r = make_key(request, &key, err);

        if (r < 0)
                return r;
        answers = probe_cache_read(path, key);
        *ret = answers ? cpu_facts_new(answers) : NULL;
        return *ret ? 0 : -EAGAIN;
}

/* ---- questions ---- */

/* What the accelerator gives at most. */
static const char *host_model(const CpuProbe *probe) {
        return probe->accel == CPU_KVM ? "host" : "max";
}

static json_t *expansion_of(const char *model) {
        return json_pack("{s:s, s:{s:s}}", "type", "static", "model", "name", model);
}

/* A model is asked for once, under its canonical name, and only with TCG: QEMU's own list of what
 * it has does not depend on the host, except that KVM gives every model the host's vendor. */
static const char *next_model(CpuProbe *probe) {
        while (probe->accel == CPU_TCG && probe->next_model < json_array_size(probe->definitions)) {
                json_t *item = json_array_get(probe->definitions, probe->next_model++);

                if (!json_object_get(item, "alias-of") &&
                    json_is_true(json_object_get(item, "migration-safe")))
                        return json_string_value(json_object_get(item, "name"));
        }
        return NULL;
}

static bool next_question(void *userdata, const char **ret_command, json_t **ret_arguments) {
        CpuProbe *probe = userdata;

        if (!probe->definitions) {
                *ret_command = "query-cpu-definitions";
                return true;
        }
        probe->asked = probe->is_host_known ? next_model(probe) : host_model(probe);
        *ret_command = "query-cpu-model-expansion";
        if (probe->asked)
                *ret_arguments = expansion_of(probe->asked);
        return probe->asked;
}

/* ---- answers ---- */

static void take_definitions(CpuProbe *probe, json_t *list) {
        json_t *blockers = json_object();
        size_t i;
        json_t *item;

        probe->definitions = json_incref(list);
        json_array_foreach(list, i, item) {
                const char *name = json_string_value(json_object_get(item, "name"));
                json_t *missing = json_object_get(item, "unavailable-features");

                if (name && json_array_size(missing) > 0)
                        json_object_set(blockers, name, missing);
        }
        json_object_set_new(probe->answers, accelerators[probe->accel],
                            json_pack("{s:o}", "blockers", blockers));
        if (probe->accel == CPU_TCG)
                json_object_set(probe->answers, "definitions", list);
}

/* Words of the hypervisor's, not of the processor's. */
static bool is_feature(const char *name, const json_t *value) {
        return json_is_boolean(value) && !g_str_has_prefix(name, "kvm") &&
               !g_str_has_prefix(name, "hv-") && !g_str_equal(name, "lmce");
}

/* object gets what a model has: "on" and "vendor". */
static void take_expansion(json_t *object, json_t *result) {
        json_t *props = json_object_get(json_object_get(result, "model"), "props");
        json_t *on = json_array();
        const char *name;
        json_t *value;

        json_object_foreach(props, name, value)
                if (is_feature(name, value) && json_is_true(value))
                        json_array_append_new(on, json_string(name));
        json_object_set_new(object, "on", on);
        if (json_object_get(props, "vendor"))
                json_object_set(object, "vendor", json_object_get(props, "vendor"));
}

static void take_names(CpuProbe *probe, json_t *result) {
        json_t *props = json_object_get(json_object_get(result, "model"), "props");
        json_t *names = json_array();
        const char *name;
        json_t *value;

        json_object_foreach(props, name, value)
                if (is_feature(name, value))
                        json_array_append_new(names, json_string(name));
        json_object_set_new(probe->answers, "names", names);
}

static void take_host(CpuProbe *probe, json_t *result) {
        probe->is_host_known = true;
        if (!result)
                return;
        if (probe->accel == CPU_TCG)
                take_names(probe, result);
        take_expansion(json_object_get(probe->answers, accelerators[probe->accel]), result);
}

static bool take_answer(json_t *result, const Err *err, void *userdata) {
        CpuProbe *probe = userdata;
        json_t *expansion;

        if (!probe->definitions) {
                if (result)
                        take_definitions(probe, result);
                return result;
        }
        if (!probe->is_host_known) {
                take_host(probe, result);
                return result;
        }
        if (result) { /* one that cannot be expanded has no features known, nothing else */
                /* Every virtual processor has this bit and no real one: it is none of the model's.
                 */
                json_object_del(json_object_get(json_object_get(result, "model"), "props"),
                                "hypervisor");
                expansion = json_object();
                take_expansion(expansion, result);
                json_object_set_new(json_object_get(probe->answers, "expansions"), probe->asked,
                                    expansion);
        }
        return true;
}

/* ---- one accelerator after the other ---- */

static void finish(CpuProbe *probe, const Err *why) {
        CpuProbeRequest request = probe->request;
        g_auto(Err) err = ERR_INIT;
        CpuFacts *facts = why ? NULL : cpu_facts_new(probe->answers);

        if (why)
                err_copy(&err, why);
        else if (!facts)
                fail(&err, VIR_ERR_INTERNAL_ERROR, "'%s' does not tell which CPU models it has",
                     probe->binary);
        else
                probe_cache_write(probe->cache_path, probe->key, probe->answers);
        cpu_probe_free(probe);
        request.done(facts, facts ? NULL : &err, request.userdata);
}

static int ask(CpuProbe *probe, CpuAccel accel, Err *err);

/* A KVM that does not answer is a KVM that cannot be used: the models are known without it. */
static void on_done(const Err *why, void *userdata) {
        CpuProbe *probe = userdata;
        g_auto(Err) err = ERR_INIT;

        probe->probe = NULL;
        if (probe->accel == CPU_KVM && why) {
                json_object_del(probe->answers, accelerators[CPU_KVM]);
                why = NULL;
        }
        if (why || probe->accel == CPU_KVM || !probe->request.has_kvm ||
            ask(probe, CPU_KVM, &err) < 0)
                finish(probe, why);
}

static int ask(CpuProbe *probe, CpuAccel accel, Err *err) {
        const ProbeRequest request = {
                .binary = probe->binary,
                .accelerator = accelerators[accel],
                .limit = LIMIT_USEC,
                .next = next_question,
                .answer = take_answer,
                .done = on_done,
                .userdata = probe,
        };

        probe->accel = accel;
        probe->is_host_known = false;
        json_decref(g_steal_pointer(&probe->definitions));
        return probe_start(probe->event, &request, &probe->probe, err);
}

int cpu_probe(sd_event *event, const CpuProbeRequest *request, CpuProbe **ret, Err *err) {
        g_autoptr(CpuProbe) probe = g_new0(CpuProbe, 1);
        int r;

        probe->event = sd_event_ref(event);
        probe->request = *request;
        probe->binary = g_strdup(request->binary);
        probe->cache_path = probe_cache_path(request->cache_dir, "cpu", request->binary);
        probe->answers = json_pack("{s:{}}", "expansions");
        r = make_key(request, &probe->key, err);
        if (r == 0)
                r = ask(probe, CPU_TCG, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&probe);
        return 0;
}

void cpu_probe_free(CpuProbe *probe) {
        if (!probe)
                return;
        probe_free(probe->probe);
        json_decref(probe->definitions);
        json_decref(probe->key);
        json_decref(probe->answers);
        g_free(probe->binary);
        g_free(probe->cache_path);
        sd_event_unref(probe->event);
        g_free(probe);
}
