/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's disks, interfaces and processors, and what passes through them. */
#include "cli/groups.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/table.h"
#include "client/guest-stats.h"
#include "client/host.h"

#define NS_PER_S 1000000000u

static void print_table(const Cli *cli, const Table *table) {
        g_autofree char *text = table_format(table, !cli->quiet, 0);

        fputs(text, stdout);
}

static xmlNode *devices_of(const XmlDoc *doc) {
        return xml_child(xml_doc_root(doc), "devices");
}

/* The guest of the command line, and its XML with --inactive as far as the command knows it. */
static int read_doc(Cli *cli, const Args *args, Guest **ret, XmlDoc **ret_doc, Err *err) {
        static const ArgsBit bits[] = {{"inactive", GUEST_XML_INACTIVE}, {}};
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, ret, err);
        if (r < 0)
                return r;
        return cli_guest_doc(cli, *ret, args_bits(args, bits), ret_doc, err);
}

/* An attribute of a child; NULL: there is none. */
static char *child_attr(const xmlNode *element, const char *child, const char *attr) {
        xmlNode *found = xml_child(element, child);

        return found ? xml_attr(found, attr) : NULL;
}

/* The first of these attributes that the element's <source> has. */
static char *source_text(const xmlNode *element, const char *const *attrs) {
        for (; *attrs; attrs++) {
                char *text = child_attr(element, "source", *attrs);

                if (text)
                        return text;
        }
        return NULL;
}

static void add_disk(Table *table, const xmlNode *disk, bool details) {
        static const char *const sources[] = {"file", "dev", "dir", "name", "path", "volume", NULL};
        g_autofree char *type = xml_attr(disk, "type");
        g_autofree char *device = xml_attr(disk, "device");
        g_autofree char *target = child_attr(disk, "target", "dev");
        g_autofree char *source = source_text(disk, sources);
        const char *const cells[] = {type, device, target, source};

        table_add(table, details ? cells : cells + 2);
}

static int cmd_domblklist(Cli *cli, const Args *args, Err *err) {
        static const char *const head[] = {"Type", "Device", "Target", "Source", NULL};
        bool details = args_flag(args, "details");
        g_autoptr(Table) table = table_new(details ? head : head + 2);
        g_autoptr(Guest) guest = NULL;
        g_autoptr(XmlDoc) doc = NULL;
        int r;

        r = read_doc(cli, args, &guest, &doc, err);
        if (r < 0)
                return r;
        XML_FOREACH_CHILD(device, devices_of(doc))
                if (g_str_equal(xml_name(device), "disk"))
                        add_disk(table, device, details);
        print_table(cli, table);
        return 0;
}

static void add_interface(Table *table, const xmlNode *interface) {
        static const char *const sources[] = {"bridge", "dev", "network", "name", "path", NULL};
        g_autofree char *target = child_attr(interface, "target", "dev");
        g_autofree char *type = xml_attr(interface, "type");
        g_autofree char *source = source_text(interface, sources);
        g_autofree char *model = child_attr(interface, "model", "type");
        g_autofree char *mac = child_attr(interface, "mac", "address");

        table_add(table, (const char *const[]){target, type, source, model, mac});
}

static int cmd_domiflist(Cli *cli, const Args *args, Err *err) {
        static const char *const head[] = {"Interface", "Type", "Source", "Model", "MAC", NULL};
        g_autoptr(Table) table = table_new(head);
        g_autoptr(Guest) guest = NULL;
        g_autoptr(XmlDoc) doc = NULL;
        int r;

        r = read_doc(cli, args, &guest, &doc, err);
        if (r < 0)
                return r;
        XML_FOREACH_CHILD(device, devices_of(doc))
                if (g_str_equal(xml_name(device), "interface"))
                        add_interface(table, device);
        print_table(cli, table);
        return 0;
}

/* The address of the interface that is named by device or by MAC; NULL: there is no such one. */
static xmlNode *find_interface(const XmlDoc *doc, const char *name) {
        const bool by_mac = strchr(name, ':') != NULL;

        XML_FOREACH_CHILD(device, devices_of(doc)) {
                g_autofree char *text =
                        child_attr(device, by_mac ? "mac" : "target", by_mac ? "address" : "dev");

                if (g_str_equal(xml_name(device), "interface") && text &&
                    g_ascii_strcasecmp(text, name) == 0)
                        return device;
        }
        return NULL;
}

static int cmd_domif_getlink(Cli *cli, const Args *args, Err *err) {
        const char *name = args_text(args, "interface");
        g_autoptr(Guest) guest = NULL;
        g_autoptr(XmlDoc) doc = NULL;
        g_autofree char *state = NULL;
        xmlNode *interface;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = cli_guest_doc(cli, guest, args_flag(args, "config") ? GUEST_XML_INACTIVE : 0,
                                  &doc, err);
        if (r < 0)
                return r;
        interface = find_interface(doc, name);
        if (!interface)
                return fail(err, VIR_ERR_INVALID_ARG, "Interface (%s: %s) not found.",
                            strchr(name, ':') ? "mac" : "dev", name);
        state = child_attr(interface, "link", "state");
        printf("%s %s", name, state ?: "up");
        return 0;
}

static void format_size(uint64_t size, bool human, char *ret, size_t n) {
        const char *unit;
        double value = cli_human_size(size, &unit);

        if (human)
                g_snprintf(ret, n, "%.3f %s", value, unit);
        else
                g_snprintf(ret, n, "%" PRIu64, size);
}

#define SIZE_TEXT_MAX 32

/* Capacity, allocation and physical size of a disk, ready to print. */
typedef struct BlockText {
        char text[3][SIZE_TEXT_MAX];
} BlockText;

static int read_block(Cli *cli, const Guest *guest, const char *disk, bool human, BlockText *ret,
                      Err *err) {
        GuestBlock block;
        int r;

        r = guest_block(cli->conn, guest, disk, &block, err);
        if (r < 0)
                return r;
        format_size(block.capacity, human, ret->text[0], SIZE_TEXT_MAX);
        format_size(block.allocation, human, ret->text[1], SIZE_TEXT_MAX);
        format_size(block.physical, human, ret->text[2], SIZE_TEXT_MAX);
        return 0;
}

static int print_all_blocks(Cli *cli, const Guest *guest, bool human, Err *err) {
        static const char *const head[] = {"Target", "Capacity", "Allocation", "Physical", NULL};
        g_autoptr(Table) table = table_new(head);
        g_autoptr(XmlDoc) doc = NULL;
        int r;

        r = cli_guest_doc(cli, guest, 0, &doc, err);
        if (r < 0)
                return r;
        XML_FOREACH_CHILD(device, devices_of(doc)) {
                g_autofree char *target = child_attr(device, "target", "dev");
                g_autofree char *file = child_attr(device, "source", "file");
                BlockText block = {{"-", "-", "-"}};

                if (!g_str_equal(xml_name(device), "disk"))
                        continue;
                /* A drive without a medium has no size. */
                r = xml_child(device, "source") || file
                            ? read_block(cli, guest, target, human, &block, err)
                            : 0;
                if (r < 0)
                        return r;
                table_add(table, (const char *const[]){target, block.text[0], block.text[1],
                                                       block.text[2]});
        }
        print_table(cli, table);
        return 0;
}

static int cmd_domblkinfo(Cli *cli, const Args *args, Err *err) {
        static const char *const labels[] = {"Capacity:", "Allocation:", "Physical:"};
        const char *disk = args_text(args, "device");
        bool human = args_flag(args, "human");
        g_autoptr(Guest) guest = NULL;
        BlockText block;
        int r;

        r = args_exclusive(args, "all", "device", err);
        if (r < 0)
                return r;
        if (!disk && !args_flag(args, "all"))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "command 'domblkinfo' requires <device> option");
        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        if (!disk)
                return print_all_blocks(cli, guest, human, err);
        r = read_block(cli, guest, disk, human, &block, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < G_N_ELEMENTS(labels); i++)
                printf("%-15s %s\n", labels[i], block.text[i]);
        return 0;
}

/* A counter of a disk: the daemon's name, the short one that is printed, and the long one. */
static const struct {
        const char *field;
        const char *name;
        const char *label;
} block_counters[] = {
        {"rd_operations", "rd_req", "number of read operations:"},
        {"rd_bytes", "rd_bytes", "number of bytes read:"},
        {"wr_operations", "wr_req", "number of write operations:"},
        {"wr_bytes", "wr_bytes", "number of bytes written:"},
        {"errs", "errs", "error count:"},
        {"flush_operations", "flush_operations", "number of flush operations:"},
        {"rd_total_times", "rd_total_times", "total duration of reads (ns):"},
        {"wr_total_times", "wr_total_times", "total duration of writes (ns):"},
        {"flush_total_times", "flush_total_times", "total duration of flushes (ns):"},
};

static int cmd_domblkstat(Cli *cli, const Args *args, Err *err) {
        const char *disk = args_text(args, "device") ?: "";
        g_autoptr(GPtrArray) params = NULL;
        g_autoptr(Guest) guest = NULL;
        bool human = args_flag(args, "human");
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = guest_block_stats(cli->conn, guest, disk, &params, err);
        if (r < 0)
                return r;
        if (human)
                printf("Device: %s\n", disk);
        for (size_t i = 0; i < G_N_ELEMENTS(block_counters); i++) {
                const Param *param = params_find(params, block_counters[i].field);

                if (param && human)
                        printf(" %-31s %s\n", block_counters[i].label, param->text);
                else if (param)
                        printf("%s %s %s\n", disk, block_counters[i].name, param->text);
        }
        return 0;
}

static int cmd_domblkerror(Cli *cli, const Args *args, Err *err) {
        static const char *const words[] = {"none", "unspecified error", "no space"};
        g_autoptr(GPtrArray) errors = NULL;
        g_autoptr(Guest) guest = NULL;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = guest_disk_errors(cli->conn, guest, &errors, err);
        if (r < 0)
                return r;
        if (errors->len == 0)
                puts("No errors found");
        for (unsigned i = 0; i < errors->len; i++) {
                const Param *error = errors->pdata[i];

                printf("%s: %s\n", error->field,
                       words[error->number < G_N_ELEMENTS(words) ? error->number : 1]);
        }
        return 0;
}

static int cmd_domifstat(Cli *cli, const Args *args, Err *err) {
        const char *device = args_text(args, "interface");
        g_autoptr(GPtrArray) params = NULL;
        g_autoptr(Guest) guest = NULL;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = guest_interface_stats(cli->conn, guest, device, &params, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to get interface stats %s %s",
                                  args_text(args, "domain"), device);
        for (unsigned i = 0; i < params->len; i++) {
                const Param *param = params->pdata[i];

                printf("%s %s %s\n", device, param->field, param->text);
        }
        return 0;
}

static void print_address(const GuestAddress *address, bool full) {
        bool repeats = address->is_next && !full;
        g_autofree char *ip =
                address->text ? g_strdup_printf("%-12s %s/%u", address->is_ipv6 ? "ipv6" : "ipv4",
                                                address->text, address->prefix)
                              : g_strdup_printf("%-12s %s", "N/A", "N/A");

        printf(" %-10s %-17s    %s\n", repeats ? "-" : address->interface,
               repeats ? "-" : address->mac ?: "", ip);
}

static const char *const address_sources[] = {"lease", "agent", "arp", NULL};

static int cmd_domifaddr(Cli *cli, const Args *args, Err *err) {
        const char *only = args_text(args, "interface"), *from = args_text(args, "source");
        g_autoptr(GPtrArray) addresses = NULL;
        g_autoptr(Guest) guest = NULL;
        unsigned source = 0;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        while (from && address_sources[source] && !g_str_equal(address_sources[source], from))
                source++;
        if (!address_sources[source])
                return fail(err, VIR_ERR_INVALID_ARG, "Unknown data source '%s'", from);
        r = guest_addresses(cli->conn, guest, source, &addresses, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to query for interfaces addresses");
        cli_say(cli, " %-10s %-20s %-8s     %s\n%s%s\n", "Name", "MAC address", "Protocol",
                "Address", "-------------------------------------------------",
                "------------------------------");
        for (unsigned i = 0; i < addresses->len; i++) {
                const GuestAddress *address = addresses->pdata[i];

                if (!only || g_str_equal(only, address->interface))
                        print_address(address, args_flag(args, "full"));
        }
        return 0;
}

static int set_period(Cli *cli, const Args *args, const Guest *guest, Err *err) {
        unsigned flags = 0;
        uint64_t period = 0;
        int r;

        r = args_affect(args, &flags, err);
        if (r >= 0)
                r = args_count(args, "period", INT_MAX, &period, err);
        if (r < 0)
                return r;
        r = guest_set_memory_stats_period(cli->conn, guest, (int)period, flags, err);
        if (r < 0)
                return cli_failed(cli, r, "Unable to change balloon collection period.");
        return 0;
}

static int cmd_dommemstat(Cli *cli, const Args *args, Err *err) {
        g_autoptr(GPtrArray) params = NULL;
        g_autoptr(Guest) guest = NULL;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        if (args_text(args, "period"))
                return set_period(cli, args, guest, err);
        r = guest_memory_stats(cli->conn, guest, &params, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to get memory statistics for domain %s",
                                  args_text(args, "domain"));
        for (unsigned i = 0; i < params->len; i++) {
                const Param *param = params->pdata[i];

                printf("%s %s\n", param->field, param->text);
        }
        return 0;
}

static const ArgsBit stats_groups[] = {
        {"state", 1 << 0},     {"cpu-total", 1 << 1}, {"balloon", 1 << 2}, {"vcpu", 1 << 3},
        {"interface", 1 << 4}, {"block", 1 << 5},     {"perf", 1 << 6},    {"iothread", 1 << 7},
        {"memory", 1 << 8},    {"dirtyrate", 1 << 9}, {"vm", 1 << 10},     {},
};
static const ArgsBit stats_flags[] = {
        {"list-active", GUEST_STATS_ACTIVE},
        {"list-inactive", GUEST_STATS_INACTIVE},
        {"list-persistent", GUEST_STATS_PERSISTENT},
        {"list-transient", GUEST_STATS_TRANSIENT},
        {"list-running", GUEST_STATS_RUNNING},
        {"list-paused", GUEST_STATS_PAUSED},
        {"list-shutoff", GUEST_STATS_SHUTOFF},
        {"list-other", GUEST_STATS_OTHER},
        {"nowait", GUEST_STATS_NOWAIT},
        {"backing", GUEST_STATS_BACKING},
        {"enforce", GUEST_STATS_ENFORCE},
        {},
};

static void free_guest(void *guest) {
        guest_free(guest);
}

static int find_guests(Cli *cli, const Args *args, GPtrArray *guests, Err *err) {
        for (char *const *name = args_rest(args); *name; name++) {
                Guest *guest = NULL;
                int r;

                r = cli_guest_named(cli, *name, GUEST_BY_ANY, &guest, err);
                if (r < 0)
                        return r;
                g_ptr_array_add(guests, guest);
        }
        return 0;
}

static int cmd_domstats(Cli *cli, const Args *args, Err *err) {
        g_autoptr(GPtrArray) guests = g_ptr_array_new_with_free_func(free_guest);
        g_autoptr(GPtrArray) records = NULL;
        GuestStatsQuery query = {
                .guests = guests,
                .groups = args_bits(args, stats_groups),
                .flags = args_bits(args, stats_flags),
        };
        int r;

        r = find_guests(cli, args, guests, err);
        if (r >= 0)
                r = guest_all_stats(cli->conn, &query, &records, err);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < records->len; i++) {
                const GuestStats *stats = records->pdata[i];

                printf("%sDomain: '%s'\n", i > 0 ? "\n" : "", stats->guest->name);
                for (unsigned j = 0; j < stats->params->len; j++) {
                        const Param *param = stats->params->pdata[j];

                        printf("  %s=%s\n", param->field, param->text);
                }
        }
        return 0;
}

static void print_cpu(const char *title, const GPtrArray *params) {
        puts(title);
        for (unsigned i = 0; i < params->len; i++) {
                const Param *param = params->pdata[i];

                printf("\t%-12s %9" PRIu64 ".%09" PRIu64 " seconds\n", param->field,
                       param->number / NS_PER_S, param->number % NS_PER_S);
        }
}

static int print_cpus(Cli *cli, const Args *args, const Guest *guest, Err *err) {
        uint64_t start = 0, count = UINT_MAX;
        unsigned cpus;
        int r;

        r = args_count(args, "start", INT_MAX, &start, err);
        if (r >= 0)
                r = args_count(args, "count", INT_MAX, &count, err);
        if (r >= 0)
                r = host_cpu_count(cli->conn, &cpus, err);
        if (r < 0)
                return r;
        for (uint64_t cpu = start; cpu < cpus && cpu - start < count; cpu++) {
                g_autoptr(GPtrArray) params = NULL;
                g_autofree char *title = g_strdup_printf("CPU%" PRIu64 ":", cpu);

                r = guest_cpu_stats(cli->conn, guest, (int)cpu, &params, err);
                if (r < 0)
                        return r;
                print_cpu(title, params);
        }
        return 0;
}

static int cmd_cpu_stats(Cli *cli, const Args *args, Err *err) {
        bool total = args_flag(args, "total");
        bool each = args_text(args, "start") || args_text(args, "count");
        g_autoptr(GPtrArray) params = NULL;
        g_autoptr(Guest) guest = NULL;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = each || !total ? print_cpus(cli, args, guest, err) : 0;
        if (r >= 0 && (total || !each))
                r = guest_cpu_stats(cli->conn, guest, -1, &params, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to retrieve CPU statistics for domain '%s'",
                                  guest->name);
        if (params)
                print_cpu("Total:", params);
        return 0;
}

static const Option options_active[] = {OPT_GUEST(CANDIDATES_GUEST_ACTIVE), OPT_END};
static const Option options_domblklist[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_FLAG("inactive", "of the definition, not of the guest as it runs"),
        OPT_FLAG("details", "with type and device"),
        OPT_END,
};
static const Option options_domiflist[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_FLAG("inactive", "of the definition, not of the guest as it runs"),
        OPT_END,
};
static const Option options_domif_getlink[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_NEED("interface", CANDIDATES_GUEST_INTERFACE,
                 "its device on the host, or its MAC address"),
        OPT_FLAG("config", "of the definition, not of the guest as it runs"),
        OPT_END,
};
static const Option options_domblkinfo[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_MAY("device", CANDIDATES_GUEST_DISK, "the disk's target or source"),
        OPT_FLAG("human", "in units that are easy to read"),
        OPT_FLAG("all", "every disk"),
        OPT_END,
};
static const Option options_domblkstat[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_MAY("device", CANDIDATES_GUEST_DISK, "the disk's target or source; all without one"),
        OPT_FLAG("human", "with words that are easy to read"),
        OPT_END,
};
static const Option options_domifstat[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_NEED("interface", CANDIDATES_GUEST_INTERFACE,
                 "its device on the host, or its MAC address"),
        OPT_END,
};
static const Option options_domifaddr[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_MAY("interface", CANDIDATES_GUEST_INTERFACE, "only this one"),
        OPT_FLAG("full", "name and MAC address on every line"),
        {.name = "source",
         .kind = OPTION_TEXT,
         .candidates = CANDIDATES_WORDS,
         .words = address_sources,
         .help = "who is asked: lease|agent|arp"},
        OPT_END,
};
static const Option options_dommemstat[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_NUMBER("period", "seconds between two collections; 0: none"),
        OPT_AFFECT,
        OPT_END,
};
static const Option options_domstats[] = {
        OPT_FLAG("state", "only this group: states"),
        OPT_FLAG("cpu-total", "only this group: processor time"),
        OPT_FLAG("balloon", "only this group: memory"),
        OPT_FLAG("vcpu", "only this group: virtual processors"),
        OPT_FLAG("interface", "only this group: network interfaces"),
        OPT_FLAG("block", "only this group: disks"),
        OPT_FLAG("perf", "only this group: performance events"),
        OPT_FLAG("iothread", "only this group: I/O threads"),
        OPT_FLAG("memory", "only this group: memory bandwidth"),
        OPT_FLAG("dirtyrate", "only this group: how fast memory changes"),
        OPT_FLAG("vm", "only this group: what the hypervisor counts"),
        OPT_FLAG("list-active", "only guests that are active"),
        OPT_FLAG("list-inactive", "only guests that are off"),
        OPT_FLAG("list-persistent", "only guests with a definition"),
        OPT_FLAG("list-transient", "only guests without a definition"),
        OPT_FLAG("list-running", "only guests that run"),
        OPT_FLAG("list-paused", "only guests that are paused"),
        OPT_FLAG("list-shutoff", "only guests that are shut off"),
        OPT_FLAG("list-other", "only guests in another state"),
        OPT_FLAG("raw", "as the daemon sends it, which is always so"),
        OPT_FLAG("enforce", "fail when a group is not known"),
        OPT_FLAG("backing", "with the images that disks are based on"),
        OPT_FLAG("nowait", "leave out what would have to be waited for"),
        OPT_REST("domain", "only these guests"),
        OPT_END,
};
static const Option options_cpu_stats[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_FLAG("total", "the sum only"),
        OPT_NUMBER("start", "the first processor of the host to be shown"),
        OPT_NUMBER("count", "how many are shown"),
        OPT_END,
};

const Command commands_stats[] = {
        {"cpu-stats", "show the processor time that a guest has used", NULL, options_cpu_stats,
         .run = cmd_cpu_stats},
        {"domblkerror", "list the disks that QEMU had trouble with", NULL, options_active,
         .run = cmd_domblkerror},
        {"domblkinfo", "show the sizes of a guest's disk", NULL, options_domblkinfo,
         .run = cmd_domblkinfo},
        {"domblklist", "list a guest's disks", NULL, options_domblklist, .run = cmd_domblklist},
        {"domblkstat", "show what a guest read from its disks and wrote to them", NULL,
         options_domblkstat, .run = cmd_domblkstat},
        {"domif-getlink", "tell whether a guest's network interface is plugged in", NULL,
         options_domif_getlink, .run = cmd_domif_getlink},
        {"domifaddr", "list a guest's network addresses", NULL, options_domifaddr,
         .run = cmd_domifaddr},
        {"domiflist", "list a guest's network interfaces", NULL, options_domiflist,
         .run = cmd_domiflist},
        {"domifstat", "show what a guest's network interface received and sent", NULL,
         options_domifstat, .run = cmd_domifstat},
        {"dommemstat", "show a guest's use of its memory", NULL, options_dommemstat,
         .run = cmd_dommemstat},
        {"domstats", "show all statistics of guests", NULL, options_domstats, .run = cmd_domstats},
        {},
};
