/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options that are about the machine as a whole. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "base/xml.h"
#include "install/caps.h"
#include "install/grammar.h"
#include "install/guest.h"
#include "install/node.h"
#include "install/option.h"
#include "install/os.h"

#define KIB_PER_MIB 1024
#define MEMORY_MAX  (1ull << 40) /* MiB */

/* Reads the words that a plain path does not say. values: what was typed; element: where it goes.
 */
typedef int (*ReadOwn)(GuestDef *def, SubValues *values, xmlNode *element, Err *err);

/* Moves one amount of memory, in MiB, to its place, in KiB. */
static int set_memory(xmlNode *domain, const char *place, const char *text, Err *err) {
        uint64_t mib;

        if (str_to_uint(text, 10, MEMORY_MAX, &mib) < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "--memory: '%s' is no number of MiB", text);
        node_set_format(domain, place, "%" G_GUINT64_FORMAT, mib * KIB_PER_MIB);
        return 0;
}

/* "memory" is what the guest has now, unless currentMemory says that: the names are older than
 * libvirt's. */
static int read_memory(GuestDef *def, SubValues *values, xmlNode *domain, Err *err) {
        g_autofree char *memory = sub_take(values, "memory");
        g_autofree char *current = sub_take(values, "currentMemory");
        g_autofree char *most = sub_take(values, "maxmemory");
        g_autofree char *slots = sub_take(values, "maxMemory");
        const char *now = current ?: memory ?: most;
        int r = 0;

        if (now)
                r = set_memory(domain, "currentMemory", now, err);
        if (r >= 0 && now)
                r = set_memory(domain, "memory", most ?: memory ?: now, err);
        if (r >= 0 && slots)
                r = set_memory(domain, "maxMemory", slots, err);
        return r;
}

static int read_vcpus(GuestDef *def, SubValues *values, xmlNode *domain, Err *err) {
        g_autofree char *count = sub_take(values, "vcpu");
        g_autofree char *most = sub_take(values, "maxvcpus");
        g_autofree char *current = sub_take(values, "vcpu.current");
        g_autofree char *cpuset = sub_take(values, "vcpu.cpuset");
        const char *all = most ?: count;
        uint64_t number;

        if (all && str_to_uint(all, 10, UINT16_MAX, &number) < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "--vcpus: '%s' is no number of processors",
                            all);
        if (all)
                node_set(domain, "vcpu", all);
        if (current || (most && count))
                node_set(domain, "vcpu/@current", current ?: count);
        if (g_strcmp0(cpuset, "auto") == 0)
                node_set(domain, "vcpu/@placement", "auto");
        else if (cpuset)
                node_set(domain, "vcpu/@cpuset", cpuset);
        return 0;
}

static void set_cpu_feature(xmlNode *cpu, const char *name, const char *policy) {
        xmlNode *feature = NULL;

        XML_FOREACH_CHILD(child, cpu)
                if (g_str_equal(xml_name(child), "feature") && node_is(child, "@name", name))
                        feature = child;
        if (!feature)
                feature = xmlNewChild(cpu, NULL, (const xmlChar *)"feature", NULL);
        node_set(feature, "@policy", policy);
        node_set(feature, "@name", name);
}

/* One word about a feature: "+x2apic", "disable=vmx". False: it is about something else. */
static bool read_cpu_feature(xmlNode *cpu, const SubValue *value) {
        static const char *const policies[] = {"force", "require", "optional", "disable", "forbid"};

        if (value->key[0] == '+')
                set_cpu_feature(cpu, value->key + 1, "force");
        else if (value->key[0] == '-')
                set_cpu_feature(cpu, value->key + 1, "disable");
        for (size_t i = 0; i < G_N_ELEMENTS(policies); i++)
                if (g_str_equal(value->key, policies[i]) && value->value) {
                        set_cpu_feature(cpu, value->value, policies[i]);
                        return true;
                }
        return value->option != NULL;
}

static int read_cpu_model(xmlNode *cpu, const char *model) {
        static const char *const modes[] = {"host-model", "host-passthrough", "maximum"};

        if (g_str_equal(model, "host"))
                model = modes[0];
        for (size_t i = 0; i < G_N_ELEMENTS(modes); i++)
                if (g_str_equal(model, modes[i])) {
                        node_set(cpu, "@mode", model);
                        return 0;
                }
        /* These leave it to QEMU. */
        if (g_str_equal(model, "none") || g_str_equal(model, "hypervisor-default"))
                return 0;
        node_set(cpu, "@mode", "custom");
        node_default(cpu, "@match", "exact");
        node_set(cpu, "model", model);
        return 0;
}

static int read_cpu(GuestDef *def, SubValues *values, xmlNode *cpu, Err *err) {
        g_autofree char *model = sub_take(values, "model");
        int r = model ? read_cpu_model(cpu, model) : 0;

        for (unsigned i = 0; r >= 0 && i < values->len; i++) {
                const SubValue *value = values->pdata[i];

                if (!read_cpu_feature(cpu, value) && value->key[0] != '+' && value->key[0] != '-')
                        r = fail_hint(err,
                                      fail(err, VIR_ERR_INVALID_ARG, "--cpu has no sub-option '%s'",
                                           value->key),
                                      "--cpu help lists all; features are +%s and -%s", value->key,
                                      value->key);
        }
        return r;
}

static int read_boot(GuestDef *def, SubValues *values, xmlNode *os, Err *err) {
        static const char *const devices[] = {"hd", "cdrom", "fd", "network"};
        g_autofree char *uefi = sub_take(values, "uefi");
        g_autofree char *type = sub_take(values, "domain_type");
        g_autofree char *emulator = sub_take(values, "emulator");
        unsigned n = 0;

        for (unsigned i = 0; i < values->len; i++) {
                const SubValue *value = values->pdata[i];

                for (size_t j = 0; j < G_N_ELEMENTS(devices); j++)
                        if (g_str_equal(value->key, devices[j])) {
                                g_autofree char *place = g_strdup_printf("boot#%u/@dev", n++);

                                node_set(os, place, devices[j]);
                        }
        }
        def->wants_uefi = def->wants_uefi || uefi;
        if (type)
                node_set(def->domain, "@type", type);
        if (emulator)
                node_set(def->devices, "emulator", emulator);
        return 0;
}

static int read_metadata(GuestDef *def, SubValues *values, xmlNode *domain, Err *err) {
        g_autofree char *name = sub_take(values, "os_name");
        g_autofree char *id = sub_take(values, "os_full_id");

        return name || id ? os_db_find(def->db, id ?: name, &def->os, err) : 0;
}

/* In this order: a later one may look at an earlier one's. */
static const struct {
        const char *option;
        ReadOwn read; /* NULL: paths say it all */
} readers[] = {
        {"memory", read_memory},
        {"memorybacking"},
        {"vcpus", read_vcpus},
        {"cpu", read_cpu},
        {"metadata", read_metadata},
        {"boot", read_boot},
        {"features"},
        {"clock"},
        {"events"},
        {"pm"},
        {"iothreads"},
        {"numatune"},
        {"cputune"},
};

static int read_one(GuestDef *def, const char *option, const char *text, ReadOwn own, Err *err) {
        const Grammar *grammar = grammar_find(option);
        g_autoptr(GPtrArray) values = NULL;
        xmlNode *element;
        int r;

        r = sub_parse(grammar, text, g_str_equal(option, "cpu"), &values, err);
        if (r < 0)
                return r;
        element = node_make(def->domain, grammar->place);
        r = own ? own(def, values, element, err) : 0;
        if (r < 0)
                return r;
        return sub_apply(grammar, values, element, err);
}

/* Options of one word, and where they go. */
static void read_words(GuestDef *def) {
        static const char *const words[][2] = {
                {"name", "name"},       {"uuid", "uuid"},          {"description", "description"},
                {"virt-type", "@type"}, {"arch", "os/type/@arch"}, {"machine", "os/type/@machine"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                if (options_has(def->options, words[i][0]))
                        node_set(def->domain, words[i][1], options_text(def->options, words[i][0]));
}

/* --ram and --cpuset, which are older than --memory and --vcpus. */
static int read_old_words(GuestDef *def, Err *err) {
        const char *ram = options_text(def->options, "ram");
        const char *cpuset = options_text(def->options, "cpuset");
        int r = 0;

        if (ram && !options_has(def->options, "memory"))
                r = read_one(def, "memory", ram, read_memory, err);
        if (r >= 0 && cpuset)
                node_set(def->domain, "vcpu/@cpuset", cpuset);
        return r;
}

/* The machine as far as the host decides it. */
static int read_host(GuestDef *def, Err *err) {
        g_autofree char *arch = node_get(def->domain, "os/type/@arch");
        g_autofree char *type = node_get(def->domain, "@type");
        int r;

        r = caps_load(def->conn, arch, type, &def->caps, err);
        if (r < 0)
                return r;
        node_set(def->domain, "@type", def->caps->virt_type);
        node_set(def->domain, "os/type", "hvm");
        node_set(def->domain, "os/type/@arch", def->caps->arch);
        node_default(def->devices, "emulator", def->caps->emulator);
        return 0;
}

int guest_def_read(GuestDef *def, Err *err) {
        int r = read_old_words(def, err);

        read_words(def);
        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(readers); i++) {
                char *const *texts = options_list(def->options, readers[i].option);

                for (; r >= 0 && *texts; texts++)
                        r = read_one(def, readers[i].option, *texts, readers[i].read, err);
        }
        if (r < 0)
                return r;
        return read_host(def, err);
}
