/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/capabilities-host.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <systemd/sd-id128.h>

#include "base/util.h"
#include "daemon/host-cpu.h"
#include "daemon/host.h"
#include "qemu/cpu-match.h"

#define CPU_DIR       "sys/devices/system/cpu"
#define NODE_DIR      "sys/devices/system/node"
#define CPU_ID_MAX    UINT16_MAX
#define CACHES_MAX    16 /* of a processor */
#define CACHE_KIB_MAX (UINT64_C(1) << 40)

/* ---- cpu ---- */

static void write_named(XmlWriter *xml, const char *element, const char *name) {
        xml_writer_open(xml, element);
        xml_writer_attr(xml, "name", name);
        xml_writer_close(xml);
}

static void write_extra(XmlWriter *xml, const CpuFacts *facts, const CpuHost *host,
                        const CpuModel *model) {
        CpuSet extra = cpu_set_minus(&host->features, &model->features);
        g_autoptr(GPtrArray) names = cpu_facts_names(facts, &extra);

        for (guint i = 0; i < names->len; i++)
                write_named(xml, "feature", names->pdata[i]);
}

static const CpuModel *find_model(const CpuFacts *facts, const CpuHost *host) {
        CpuWanted wanted = {
                .features = host->features,
                .vendor = host->vendor,
                .no_more_than_features = true,
        };
        const CpuModel *model = cpu_facts_choose(facts, &wanted);

        wanted.vendor = NULL;
        return model ? model : cpu_facts_choose(facts, &wanted);
}

static void write_signature(XmlWriter *xml, const HostCpu *cpu) {
        if (cpu->microcode) {
                xml_writer_open(xml, "microcode");
                xml_writer_attr_format(xml, "version", "%" G_GUINT64_FORMAT,
                                       g_ascii_strtoull(cpu->microcode, NULL, 0));
                xml_writer_close(xml);
        }
        xml_writer_open(xml, "signature");
        xml_writer_attr_format(xml, "family", "%u", cpu->family);
        xml_writer_attr_format(xml, "model", "%u", cpu->model);
        xml_writer_attr_format(xml, "stepping", "%u", cpu->stepping);
        xml_writer_close(xml);
}

static void write_shape(XmlWriter *xml, const Sys *sys) {
        HostTopology topology;

        if (host_topology_load(sys, &topology, NULL) < 0)
                return;
        xml_writer_open(xml, "topology");
        xml_writer_attr_format(xml, "sockets", "%u", topology.sockets);
        xml_writer_attr(xml, "dies", "1");
        xml_writer_attr(xml, "clusters", "1");
        xml_writer_attr_format(xml, "cores", "%u", topology.cores);
        xml_writer_attr_format(xml, "threads", "%u", topology.threads);
        xml_writer_close(xml);
}

static void write_page_sizes(XmlWriter *xml, const Sys *sys) {
        g_autoptr(GArray) sizes = host_page_sizes(sys);

        for (guint i = 0; i < sizes->len; i++) {
                xml_writer_open(xml, "pages");
                xml_writer_attr(xml, "unit", "KiB");
                xml_writer_attr_format(xml, "size", "%u", g_array_index(sizes, unsigned, i));
                xml_writer_close(xml);
        }
}

static void write_cpu(XmlWriter *xml, const Sys *sys, const CpuFacts *facts) {
        g_auto(HostCpu) cpu = {};
        g_auto(CpuHost) host = {};
        const CpuModel *model = NULL;
        struct utsname name;

        if (uname(&name) < 0)
                name.machine[0] = '\0';
        xml_writer_open(xml, "cpu");
        xml_writer_leaf(xml, "arch", name.machine);
        if (host_cpu_load(sys, &cpu, NULL) >= 0 && facts) {
                host = host_cpu_as_host(&cpu, facts);
                model = find_model(facts, &host);
        }
        if (model)
                xml_writer_leaf(xml, "model", model->name);
        if (model && cpu_vendor_name(cpu.vendor))
                xml_writer_leaf(xml, "vendor", cpu_vendor_name(cpu.vendor));
        if (cpu.vendor)
                write_signature(xml, &cpu);
        write_shape(xml, sys);
        if (cpu.phys_bits) {
                xml_writer_open(xml, "maxphysaddr");
                xml_writer_attr(xml, "mode", "emulate");
                xml_writer_attr_format(xml, "bits", "%u", cpu.phys_bits);
                xml_writer_close(xml);
        }
        if (model)
                write_extra(xml, facts, &host, model);
        write_page_sizes(xml, sys);
        xml_writer_close(xml);
}

/* ---- cells ---- */

static uint64_t cpu_number(const Sys *sys, unsigned cpu, const char *file) {
        g_autofree char *path = g_strdup_printf(CPU_DIR "/cpu%u/topology/%s", cpu, file);
        uint64_t number = 0;

        /* The kernel says -1 or 65535 where the hardware does not. */
        if (sys_read_uint(sys, path, 10, CPU_ID_MAX - 1, &number) < 0)
                return 0;
        return number;
}

static void write_cell_cpu(XmlWriter *xml, const Sys *sys, unsigned cpu) {
        static const char *const ids[][2] = {{"socket_id", "physical_package_id"},
                                             {"die_id", "die_id"},
                                             {"cluster_id", "cluster_id"},
                                             {"core_id", "core_id"}};
        g_autofree char *path =
                g_strdup_printf(CPU_DIR "/cpu%u/topology/thread_siblings_list", cpu);
        g_autofree char *siblings = NULL;

        xml_writer_open(xml, "cpu");
        xml_writer_attr_format(xml, "id", "%u", cpu);
        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                xml_writer_attr_format(xml, ids[i][0], "%" G_GUINT64_FORMAT,
                                       cpu_number(sys, cpu, ids[i][1]));
        if (sys_read_text(sys, path, &siblings) >= 0)
                xml_writer_attr(xml, "siblings", siblings);
        xml_writer_close(xml);
}

static void write_cell_cpus(XmlWriter *xml, const Sys *sys, const GByteArray *cpus) {
        unsigned n = 0;

        for (guint i = 0; i < cpus->len; i++)
                n += (unsigned)__builtin_popcount(cpus->data[i]);
        xml_writer_open(xml, "cpus");
        xml_writer_attr_format(xml, "num", "%u", n);
        for (guint i = 0; i < cpus->len * 8; i++)
                if (cpus->data[i / 8] >> (i % 8) & 1)
                        write_cell_cpu(xml, sys, i);
        xml_writer_close(xml);
}

static void write_cell_pages(XmlWriter *xml, const Sys *sys, int node, uint64_t memory) {
        g_autoptr(GArray) sizes = host_page_sizes(sys);
        g_autofree uint64_t *counts = g_new0(uint64_t, sizes->len);

        for (guint i = 1; i < sizes->len; i++) {
                unsigned size = g_array_index(sizes, unsigned, i);

                host_pages(sys, node, size, HOST_PAGES_ALL, &counts[i], NULL);
                memory -= MIN(memory, counts[i] * size);
        }
        counts[0] = memory / g_array_index(sizes, unsigned, 0);
        for (guint i = 0; i < sizes->len; i++) {
                xml_writer_open(xml, "pages");
                xml_writer_attr(xml, "unit", "KiB");
                xml_writer_attr_format(xml, "size", "%u", g_array_index(sizes, unsigned, i));
                g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, counts[i]);
                xml_writer_text(xml, text);
                xml_writer_close(xml);
        }
}

static void write_distances(XmlWriter *xml, const Sys *sys, int node) {
        g_autofree char *path = g_strdup_printf(NODE_DIR "/node%d/distance", node);
        g_autofree char *text = NULL;
        g_auto(GStrv) values = NULL;
        unsigned id = 0;

        if (node < 0 || sys_read_text(sys, path, &text) < 0)
                return;
        values = g_strsplit(text, " ", -1);
        xml_writer_open(xml, "distances");
        STRV_FOREACH(value, values) {
                xml_writer_open(xml, "sibling");
                xml_writer_attr_format(xml, "id", "%u", id++);
                xml_writer_attr(xml, "value", value);
                xml_writer_close(xml);
        }
        xml_writer_close(xml);
}

/* node -1: the kernel knows no NUMA, and the whole host is one cell. */
static void write_cell(XmlWriter *xml, const Sys *sys, int node) {
        g_autoptr(GByteArray) cpus = NULL;
        uint64_t memory = 0;

        xml_writer_open(xml, "cell");
        xml_writer_attr_format(xml, "id", "%d", MAX(node, 0));
        if (host_memory(sys, node, "MemTotal", &memory, NULL) >= 0) {
                xml_writer_open(xml, "memory");
                xml_writer_attr(xml, "unit", "KiB");
                g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, memory);
                xml_writer_text(xml, text);
                xml_writer_close(xml);
                write_cell_pages(xml, sys, node, memory);
        }
        write_distances(xml, sys, node);
        if (host_node_cpus(sys, node, &cpus, NULL) >= 0)
                write_cell_cpus(xml, sys, cpus);
        xml_writer_close(xml);
}

static void write_topology(XmlWriter *xml, const Sys *sys) {
        g_autoptr(GArray) nodes = host_nodes(sys);

        xml_writer_open(xml, "topology");
        xml_writer_open(xml, "cells");
        xml_writer_attr_format(xml, "num", "%u", MAX(nodes->len, 1));
        for (guint i = 0; i < nodes->len; i++)
                write_cell(xml, sys, g_array_index(nodes, int, i));
        if (nodes->len == 0)
                write_cell(xml, sys, -1);
        xml_writer_close(xml);
        xml_writer_close(xml);
}

/* ---- caches ---- */

typedef struct Bank {
        uint64_t id, level, kib;
        char *type, *cpus;
} Bank;

static void bank_clear(void *data) {
        Bank *bank = data;

        g_free(bank->type);
        g_free(bank->cpus);
}

static uint64_t cache_number(const Sys *dir, unsigned index, const char *file) {
        g_autofree char *path = g_strdup_printf("index%u/%s", index, file);
        uint64_t number = 0;

        sys_read_uint(dir, path, 10, UINT32_MAX, &number);
        return number;
}

static char *cache_text(const Sys *dir, unsigned index, const char *file) {
        g_autofree char *path = g_strdup_printf("index%u/%s", index, file);
        char *text = NULL;

        return sys_read_text(dir, path, &text) < 0 ? g_strdup("") : text;
}

static bool is_known(const GArray *banks, const Bank *bank) {
        for (guint i = 0; i < banks->len; i++) {
                const Bank *other = &g_array_index(banks, Bank, i);

                if (other->id == bank->id && other->level == bank->level &&
                    g_str_equal(other->type, bank->type))
                        return true;
        }
        return false;
}

/* "2048K" */
static uint64_t cache_size(const Sys *dir, unsigned index) {
        g_autofree char *text = cache_text(dir, index, "size");
        uint64_t kib = 0;

        if (g_str_has_suffix(text, "K"))
                text[strlen(text) - 1] = '\0';
        return str_to_uint(text, 10, CACHE_KIB_MAX, &kib) < 0 ? 0 : kib;
}

static void read_caches(const Sys *sys, unsigned cpu, GArray *banks) {
        g_autofree char *path = g_strdup_printf(CPU_DIR "/cpu%u/cache", cpu);
        g_autoptr(Sys) dir = NULL;

        if (sys_new_below(sys, path, &dir) < 0)
                return;
        for (unsigned i = 0; i < CACHES_MAX; i++) {
                Bank bank = {
                        .id = cache_number(dir, i, "id"),
                        .level = cache_number(dir, i, "level"),
                        .kib = cache_size(dir, i),
                        .type = cache_text(dir, i, "type"),
                        .cpus = cache_text(dir, i, "shared_cpu_list"),
                };

                if (bank.level >= 2 && bank.kib > 0 && !is_known(banks, &bank))
                        g_array_append_val(banks, bank);
                else
                        bank_clear(&bank);
        }
}

static int compare_banks(gconstpointer a, gconstpointer b) {
        const Bank *first = a, *second = b;

        if (first->level != second->level)
                return first->level > second->level ? 1 : -1;
        return (first->id > second->id) - (first->id < second->id);
}

static void write_bank(XmlWriter *xml, const Bank *bank) {
        bool is_mib = bank->kib % 1024 == 0;

        xml_writer_open(xml, "bank");
        xml_writer_attr_format(xml, "id", "%" G_GUINT64_FORMAT, bank->id);
        xml_writer_attr_format(xml, "level", "%" G_GUINT64_FORMAT, bank->level);
        xml_writer_attr(xml, "type",
                        g_str_equal(bank->type, "Data")          ? "data"
                        : g_str_equal(bank->type, "Instruction") ? "code"
                                                                 : "both");
        xml_writer_attr_format(xml, "size", "%" G_GUINT64_FORMAT,
                               is_mib ? bank->kib / 1024 : bank->kib);
        xml_writer_attr(xml, "unit", is_mib ? "MiB" : "KiB");
        xml_writer_attr(xml, "cpus", bank->cpus);
        xml_writer_close(xml);
}

static void write_caches(XmlWriter *xml, const Sys *sys) {
        g_autoptr(GArray) banks = g_array_new(FALSE, FALSE, sizeof(Bank));
        g_autoptr(GByteArray) cpus = NULL;

        g_array_set_clear_func(banks, bank_clear);
        if (host_cpu_map(sys, "online", &cpus, NULL) < 0)
                return;
        for (guint i = 0; i < cpus->len * 8; i++)
                if (cpus->data[i / 8] >> (i % 8) & 1)
                        read_caches(sys, i, banks);
        if (banks->len == 0)
                return;
        g_array_sort(banks, compare_banks);
        xml_writer_open(xml, "cache");
        for (guint i = 0; i < banks->len; i++)
                write_bank(xml, &g_array_index(banks, Bank, i));
        xml_writer_close(xml);
}

/* ---- all of it ---- */

/* The host's own UUID, the same at each start and nobody else's: made from the machine's id, which
 * itself is not for the network (machine-id(5)). */
static void write_uuid(XmlWriter *xml) {
        static const sd_id128_t airlock =
                SD_ID128_MAKE(5b, 0e, 3c, 6c, 0f, 1d, 4a, 51, 9e, 0b, 7a, c1, 2d, 8b, 64, 0e);
        char text[SD_ID128_UUID_STRING_MAX];
        sd_id128_t id;

        if (sd_id128_get_machine_app_specific(airlock, &id) >= 0)
                xml_writer_leaf(xml, "uuid", sd_id128_to_uuid_string(id, text));
}

void capabilities_write_host(XmlWriter *xml, const Sys *sys, const CpuFacts *facts) {
        bool has_iommu = sys_exists(sys, "sys/kernel/iommu_groups/0");

        xml_writer_open(xml, "host");
        write_uuid(xml);
        write_cpu(xml, sys, facts);
        xml_writer_leaf(xml, "power_management", NULL);
        xml_writer_open(xml, "iommu");
        xml_writer_attr(xml, "support", has_iommu ? "yes" : "no");
        xml_writer_close(xml);
        write_topology(xml, sys);
        write_caches(xml, sys);
        xml_writer_open(xml, "secmodel");
        xml_writer_leaf(xml, "model", "none");
        xml_writer_leaf(xml, "doi", "0");
        xml_writer_close(xml);
        xml_writer_close(xml);
}
