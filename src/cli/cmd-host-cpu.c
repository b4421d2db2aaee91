/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "base/xml.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "client/host-cpu.h"
#include "client/host-stats.h"

/* The host's processors: models, comparing, and what they are doing. */

static int cmd_cpu_models(Cli *cli, const Args *args, Err *err) {
        g_auto(GStrv) models = NULL;
        int r = host_cpu_models(cli->conn, args_text(args, "arch"), &models, err);

        if (r != 0)
                return cli_failed(cli, r, "failed to get CPU model names");
        STRV_FOREACH(model, models)
                puts(model);
        return 0;
}

/* ---- the CPUs of a file ---- */

/* <cpu> itself, or of a host in capabilities, or the host-model of domain capabilities. */
static bool is_cpu(const xmlNode *node) {
        g_autofree char *name = NULL;
        g_autofree char *supported = NULL;

        if (g_str_equal(xml_name(node), "cpu"))
                return !xml_child(node, "mode");
        if (!g_str_equal(xml_name(node), "mode"))
                return false;
        name = xml_attr(node, "name");
        supported = xml_attr(node, "supported");
        return g_strcmp0(name, "host-model") == 0 && g_strcmp0(supported, "yes") == 0;
}

static void add_cpu(const XmlDoc *doc, const xmlNode *node, GPtrArray *list) {
        g_autoptr(XmlWriter) xml = NULL;

        if (g_str_equal(xml_name(node), "cpu")) {
                g_ptr_array_add(list, xml_doc_source(doc, node));
                return;
        }
        xml = xml_writer_new(0);
        xml_writer_open(xml, "cpu");
        XML_FOREACH_CHILD(child, node) {
                g_autofree char *source = xml_doc_source(doc, child);

                xml_writer_raw_element(xml, source);
        }
        xml_writer_close(xml);
        g_ptr_array_add(list, xml_writer_finish(g_steal_pointer(&xml)));
}

/* The host's topology has elements of the same name that are no CPU models. */
static void collect(const XmlDoc *doc, const xmlNode *node, GPtrArray *list) {
        if (g_str_equal(xml_name(node), "cpus"))
                return;
        if (is_cpu(node)) {
                add_cpu(doc, node, list);
                return;
        }
        XML_FOREACH_CHILD(child, node)
                collect(doc, child, list);
}

/* A file may hold several documents one after the other: what shell redirections make. */
static int read_cpus(const char *path, GPtrArray **ret, Err *err) {
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(XmlDoc) doc = NULL;
        g_autofree char *text = NULL;
        g_autofree char *whole = NULL;
        const char *body;
        int r = cli_read_file(path, &text, err);

        if (r < 0)
                return r;
        body = g_str_has_prefix(text, "<?xml") ? strstr(text, "?>") : NULL;
        whole = g_strdup_printf("<container>%s</container>", body ? body + 2 : text);
        r = xml_doc_parse(whole, strlen(whole), "file", &doc, err);
        if (r < 0)
                return r;
        collect(doc, xml_doc_root(doc), list);
        if (list->len == 0)
                return fail(err, VIR_ERR_INVALID_ARG, "'%s' describes no CPU", path);
        *ret = g_steal_pointer(&list);
        return 0;
}

static HostCpuOf hypervisor_of(const Args *args) {
        return (HostCpuOf){
                .is_hypervisor = true,
                .hypervisor = {.emulator = args_text(args, "emulator"),
                               .arch = args_text(args, "arch"),
                               .machine = args_text(args, "machine"),
                               .virt_type = args_text(args, "virttype")},
        };
}

/* What the numbers of virCPUCompareResult mean, in words around the file's name. */
static const char *const host_words[] = {
        "CPU described in %s is incompatible with host CPU\n",
        "CPU described in %s is identical to host CPU\n",
        "Host CPU is a superset of CPU described in %s\n",
};
static const char *const hypervisor_words[] = {
        "CPU described in %s is incompatible with the CPU provided by hypervisor on the host\n",
        "CPU described in %s is identical to the CPU provided by hypervisor on the host\n",
        "The CPU provided by hypervisor on the host is a superset of CPU described in %s\n",
};

static int compare(Cli *cli, const Args *args, HostCpuOf of, Err *err) {
        const char *file = args_text(args, "file");
        const char *const *words = of.is_hypervisor ? hypervisor_words : host_words;
        g_autoptr(GPtrArray) cpus = NULL;
        g_auto(GStrv) parts = NULL;
        int result = 0, r;

        if (args_flag(args, "error"))
                of.flags |= HOST_CPU_FAIL;
        r = read_cpus(file, &cpus, err);
        if (r != 0)
                return r;
        g_assert(cpus);
        r = host_cpu_compare(cli->conn, &of, cpus->pdata[0], &result, err);
        if (r != 0)
                return cli_failed(cli, r, "failed to compare the CPU with '%s'", file);
        if (result < 0 || result > 2)
                return fail(err, VIR_ERR_RPC, "the daemon answers %d, which is no result", result);
        parts = g_strsplit(words[result], "%s", 2);
        printf("%s%s%s", parts[0], file, parts[1]);
        return result == 0 ? -EINVAL : 0; /* all was told */
}

static int cmd_cpu_compare(Cli *cli, const Args *args, Err *err) {
        return compare(cli, args, (HostCpuOf){}, err);
}

static int cmd_hypervisor_cpu_compare(Cli *cli, const Args *args, Err *err) {
        return compare(cli, args, hypervisor_of(args), err);
}

static int baseline(Cli *cli, const Args *args, HostCpuOf of, Err *err) {
        g_autoptr(GPtrArray) cpus = NULL;
        g_autofree char *xml = NULL;
        int r;

        of.flags = (args_flag(args, "features") ? HOST_CPU_EXPANDED : 0) |
                   (args_flag(args, "migratable") ? HOST_CPU_MIGRATABLE : 0);
        r = read_cpus(args_text(args, "file"), &cpus, err);
        if (r == 0)
                r = host_cpu_baseline(cli->conn, &of, cpus, &xml, err);
        if (r != 0)
                return cli_failed(cli, r, "failed to find what the CPUs have in common");
        fputs(xml, stdout);
        return 0;
}

static int cmd_cpu_baseline(Cli *cli, const Args *args, Err *err) {
        return baseline(cli, args, (HostCpuOf){}, err);
}

static int cmd_hypervisor_cpu_baseline(Cli *cli, const Args *args, Err *err) {
        return baseline(cli, args, hypervisor_of(args), err);
}

/* ---- processors ---- */

static int cmd_nodecpumap(Cli *cli, const Args *args, Err *err) {
        g_autoptr(GByteArray) map = NULL;
        unsigned present, online;
        int r = host_cpu_map(cli->conn, &present, &online, &map, err);

        if (r != 0)
                return cli_failed(cli, r, "failed to get the map of processors");
        printf("%-15s %u\n%-15s %u\n%-15s ", "CPUs present:", present, "CPUs online:", online,
               "CPU map:");
        for (unsigned i = 0; i < present; i++)
                putchar(i / 8 < map->len && map->data[i / 8] >> (i % 8) & 1 ? 'y' : '-');
        putchar('\n');
        return 0;
}

static int print_percent(const GArray *first, const GArray *second) {
        uint64_t total = 0;

        for (guint i = 0; i < second->len && i < first->len; i++)
                total += g_array_index(second, HostStat, i).value -
                         g_array_index(first, HostStat, i).value;
        for (guint i = 0; i < second->len && i < first->len; i++) {
                const HostStat *stat = &g_array_index(second, HostStat, i);
                uint64_t used = stat->value - g_array_index(first, HostStat, i).value;
                g_autofree char *label = g_strdup_printf("%s:", stat->name);

                printf("%-15s %5.1f%%\n", label,
                       total > 0 ? 100.0 * (double)used / (double)total : 0.0);
        }
        return 0;
}

static int cmd_nodecpustats(Cli *cli, const Args *args, Err *err) {
        g_autoptr(GArray) stats = NULL;
        g_autoptr(GArray) later = NULL;
        uint64_t cpu = UINT64_MAX;
        int number, r;

        r = args_count(args, "cpu", INT16_MAX, &cpu, err);
        number = cpu == UINT64_MAX ? -1 : (int)cpu;
        if (r == 0)
                r = host_cpu_stats(cli->conn, number, &stats, err);
        if (r == 0 && args_flag(args, "percent")) {
                g_usleep(G_USEC_PER_SEC); /* what is told is the time between two looks */
                r = host_cpu_stats(cli->conn, number, &later, err);
        }
        if (r != 0)
                return cli_failed(cli, r, "failed to get the processors' statistics");
        if (later)
                return print_percent(stats, later);
        for (guint i = 0; i < stats->len; i++) {
                const HostStat *stat = &g_array_index(stats, HostStat, i);
                g_autofree char *label = g_strdup_printf("%s:", stat->name);

                printf("%-15s %20" PRIu64 "\n", label, stat->value);
        }
        return 0;
}

static int cmd_maxvcpus(Cli *cli, const Args *args, Err *err) {
        int n, r = host_max_vcpus(cli->conn, args_text(args, "type"), &n, err);

        if (r != 0)
                return cli_failed(cli, r, "failed to get the number of virtual processors");
        printf("%d\n", n);
        return 0;
}

static const Option options_models[] = {
        OPT_NEED("arch", CANDIDATES_NONE, "architecture: x86_64"),
        OPT_END,
};
static const Option options_compare[] = {
        OPT_FILE("file with a <cpu>, or with capabilities"),
        OPT_FLAG("error", "fail with what is missing"),
        OPT_END,
};
static const Option options_baseline[] = {
        OPT_FILE("file with several <cpu>, or capabilities"),
        OPT_FLAG("features", "name every feature"),
        OPT_FLAG("migratable", "leave out what cannot be migrated"),
        OPT_END,
};
#define OPT_HYPERVISOR                                               \
        OPT_TEXT("virttype", "kind of virtualization: kvm or qemu"), \
                OPT_TEXT("emulator", "path of the emulator"),        \
                OPT_TEXT("arch", "architecture of the guest"), OPT_TEXT("machine", "machine type")
static const Option options_hypervisor_compare[] = {
        OPT_FILE("file with a <cpu>, or with capabilities"),
        OPT_HYPERVISOR,
        OPT_FLAG("error", "fail with what is missing"),
        OPT_END,
};
static const Option options_hypervisor_baseline[] = {
        OPT_FILE("file with several <cpu>, or capabilities"),
        OPT_HYPERVISOR,
        OPT_FLAG("features", "name every feature"),
        OPT_FLAG("migratable", "leave out what cannot be migrated"),
        OPT_END,
};
static const Option options_cpumap[] = {
        OPT_FLAG("pretty", "changes nothing; virsh has it"),
        OPT_END,
};
static const Option options_cpustats[] = {
        {.name = "cpu",
         .kind = OPTION_NUMBER,
         .positional = true,
         .help = "number of a processor; all without one"},
        OPT_FLAG("percent", "measure for a second, and print percentages"),
        OPT_END,
};
static const Option options_maxvcpus[] = {
        OPT_MAY("type", CANDIDATES_NONE, "kind of virtualization: kvm or qemu"),
        OPT_END,
};

const Command commands_host_cpu[] = {
        {"cpu-baseline", "show what several CPUs have in common", NULL, options_baseline,
         .run = cmd_cpu_baseline},
        {"cpu-compare", "compare a CPU with the host's", NULL, options_compare,
         .run = cmd_cpu_compare},
        {"cpu-models", "list the CPU models", NULL, options_models, .run = cmd_cpu_models},
        {"hypervisor-cpu-baseline",
         "show what several CPUs have in common that a guest can have here", NULL,
         options_hypervisor_baseline, .run = cmd_hypervisor_cpu_baseline},
        {"hypervisor-cpu-compare", "compare a CPU with what a guest can have here", NULL,
         options_hypervisor_compare, .run = cmd_hypervisor_cpu_compare},
        {"maxvcpus", "print how many processors a guest can have", NULL, options_maxvcpus,
         .run = cmd_maxvcpus},
        {"nodecpumap", "show which processors of the host are online", NULL, options_cpumap,
         .run = cmd_nodecpumap},
        {"nodecpustats", "show what the host's processors are doing", NULL, options_cpustats,
         .run = cmd_nodecpustats},
        {},
};
