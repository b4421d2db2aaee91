/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's memory, processors and disks, while it runs and for its next start. */
#include "cli/groups.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/table.h"
#include "client/guest-save.h"
#include "client/guest-tune.h"
#include "client/host.h"

#define KIB 1024u

/* The guest and --live, --config, --current. */
static int read_affect(Cli *cli, const Args *args, Guest **ret, unsigned *ret_flags, Err *err) {
        int r;

        r = args_affect(args, ret_flags, err);
        if (r < 0)
                return r;
        return cli_guest(cli, args, GUEST_BY_ANY, ret, err);
}

static int set_memory(Cli *cli, const Args *args, unsigned flags, Err *err) {
        g_autoptr(Guest) guest = NULL;
        uint64_t bytes = 0;
        int r;

        r = read_affect(cli, args, &guest, &flags, err);
        if (r >= 0)
                r = args_size(args, "size", KIB, &bytes, err);
        if (r < 0)
                return r;
        return guest_set_memory(cli->conn, guest, bytes / KIB + (bytes % KIB > 0), flags, err);
}

static int cmd_setmem(Cli *cli, const Args *args, Err *err) {
        bool given = args_flag(args, "current") || args_flag(args, "config");

        return set_memory(cli, args, given ? 0 : GUEST_AFFECT_LIVE, err);
}

static int cmd_setmaxmem(Cli *cli, const Args *args, Err *err) {
        int r;

        r = set_memory(cli, args, GUEST_MEMORY_MAXIMUM, err);
        /* What is wrong with the words themselves is the whole story. */
        if (r < 0 && (!err || err->code != VIR_ERR_INVALID_ARG))
                return cli_failed(cli, r, "Unable to change MaxMemorySize");
        return r;
}

static const ArgsBit vcpu_bits[] = {
        {"maximum", GUEST_VCPU_MAXIMUM},
        {"guest", GUEST_VCPU_GUEST},
        {"hotpluggable", GUEST_VCPU_HOTPLUGGABLE},
        {},
};

static int cmd_setvcpus(Cli *cli, const Args *args, Err *err) {
        unsigned flags = args_bits(args, vcpu_bits);
        g_autoptr(Guest) guest = NULL;
        uint64_t count = 0;
        bool with_flags;
        int r;

        r = args_exclusive(args, "guest", "config", err);
        if (r >= 0)
                r = read_affect(cli, args, &guest, &flags, err);
        if (r >= 0)
                r = args_count(args, "count", UINT_MAX, &count, err);
        if (r < 0)
                return r;
        if (count == 0)
                return fail(err, VIR_ERR_INVALID_ARG, "Can't set 0 processors for a VM");
        with_flags = flags != 0 || args_flag(args, "current");
        return guest_set_vcpus(cli->conn, guest, (unsigned)count, with_flags ? &flags : NULL, err);
}

/* All four counts, as far as the guest has them. */
static int print_counts(Cli *cli, const Guest *guest, Err *err) {
        static const struct {
                const char *what, *where;
                unsigned flags;
                GuestQuestion condition;
        } rows[] = {
                {"maximum", "config", GUEST_VCPU_MAXIMUM | GUEST_AFFECT_CONFIG,
                 GUEST_IS_PERSISTENT},
                {"maximum", "live", GUEST_VCPU_MAXIMUM | GUEST_AFFECT_LIVE, GUEST_IS_ACTIVE},
                {"current", "config", GUEST_AFFECT_CONFIG, GUEST_IS_PERSISTENT},
                {"current", "live", GUEST_AFFECT_LIVE, GUEST_IS_ACTIVE},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                bool holds;
                int r, count;

                r = guest_ask(cli->conn, guest, rows[i].condition, &holds, err);
                if (r >= 0 && holds)
                        r = guest_count_vcpus(cli->conn, guest, rows[i].flags, &count, err);
                if (r < 0)
                        return r;
                if (holds)
                        printf("%-12s %-12s %3d\n", rows[i].what, rows[i].where, count);
        }
        return 0;
}

static int check_vcpucount(const Args *args, Err *err) {
        static const char *const pairs[][2] = {
                {"live", "config"},
                {"maximum", "active"},
                {"guest", "config"},
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(pairs); i++)
                r = args_exclusive(args, pairs[i][0], pairs[i][1], err);
        return r;
}

static int cmd_vcpucount(Cli *cli, const Args *args, Err *err) {
        static const ArgsBit where[] = {
                {"live", GUEST_AFFECT_LIVE}, {"config", GUEST_AFFECT_CONFIG}, {}};
        unsigned flags = args_bits(args, vcpu_bits) | args_bits(args, where);
        bool all = flags == 0 && !args_flag(args, "active") && !args_flag(args, "current");
        g_autoptr(Guest) guest = NULL;
        int r, count;

        r = check_vcpucount(args, err);
        if (r >= 0)
                r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        if (all)
                return print_counts(cli, guest, err);
        r = guest_count_vcpus(cli->conn, guest, flags, &count, err);
        if (r < 0 && flags & GUEST_VCPU_GUEST)
                return cli_failed(cli, r, "Failed to retrieve vCPU count from the guest");
        if (r < 0)
                return r;
        printf("%d\n", count);
        return 0;
}

static bool has_cpu(const uint8_t *map, unsigned cpu) {
        return map[cpu / 8] & 1u << cpu % 8;
}

/* "0-2,4" */
static char *format_cpus(const uint8_t *map, unsigned cpus) {
        GString *out = g_string_new(NULL);

        for (unsigned first = 0; first < cpus; first++) {
                unsigned last = first;

                if (!has_cpu(map, first))
                        continue;
                while (last + 1 < cpus && has_cpu(map, last + 1))
                        last++;
                g_string_append_printf(out, "%s%u", out->len > 0 ? "," : "", first);
                if (last > first)
                        g_string_append_printf(out, "-%u", last);
                first = last;
        }
        return g_string_free(out, FALSE);
}

/* Reads a part "1", "1-3" or "^2" of a list into map. */
static int parse_part(const char *part, uint8_t *map, unsigned cpus) {
        bool clear = *part == '^';
        g_auto(GStrv) ends = g_strsplit(clear ? part + 1 : part, "-", 2);
        uint64_t first, last;

        if (!ends[0] || str_to_uint(ends[0], 10, cpus - 1, &first) < 0)
                return -EINVAL;
        last = first;
        if (ends[1] && (clear || str_to_uint(ends[1], 10, cpus - 1, &last) < 0 || last < first))
                return -EINVAL;
        for (uint64_t cpu = first; cpu <= last; cpu++) {
                uint8_t bit = (uint8_t)(1u << cpu % 8);

                map[cpu / 8] = clear ? map[cpu / 8] & (uint8_t)~bit : map[cpu / 8] | bit;
        }
        return 0;
}

#define LIST_CPUS 1024 /* numbers that a list can have, on a host with fewer processors */

/* "r" stands for all processors of the host. *ret is (cpus + 7) / 8 bytes. */
static int parse_cpus(Cli *cli, const char *text, unsigned cpus, uint8_t **ret, Err *err) {
        g_autofree char *all = g_strdup_printf("0-%u", cpus - 1);
        g_auto(GStrv) parts = g_strsplit(g_str_equal(text, "r") ? all : text, ",", -1);
        unsigned first = 0, limit = MAX(LIST_CPUS, cpus);
        g_autofree uint8_t *map = g_new0(uint8_t, (limit + 7) / 8);

        for (char **part = parts; *part; part++)
                if (parse_part(*part, map, limit) < 0)
                        return cli_failed(cli,
                                          fail(err, VIR_ERR_INVALID_ARG,
                                               "invalid argument: Failed to parse bitmap '%s'",
                                               text),
                                          "Invalid cpulist '%s'", text);
        while (first < limit && !has_cpu(map, first))
                first++;
        if (first == limit)
                return fail(err, VIR_ERR_INVALID_ARG, "Invalid cpulist '%s'", text);
        for (unsigned cpu = limit - 1; cpu >= cpus; cpu--)
                if (has_cpu(map, cpu))
                        return fail(err, VIR_ERR_INVALID_ARG,
                                    "CPU %u in cpulist '%s' exceed the maxcpu %u", cpu, text, cpus);
        *ret = g_steal_pointer(&map);
        return 0;
}

/* A command about pinning, worked out from its words. */
typedef struct Pinning {
        Guest *guest;
        GuestPinQuery query;
        GuestPin pin;
        bool change; /* a list was given */
} Pinning;

static void pinning_done(Pinning *pinning) {
        g_clear_pointer(&pinning->guest, guest_free);
        g_clear_pointer(&pinning->pin.cpus.map, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pinning, pinning_done)

static int read_pinning(Cli *cli, const Args *args, Pinning *ret, Err *err) {
        const char *list = args_text(args, "cpulist");
        unsigned cpus;
        int r;

        r = read_affect(cli, args, &ret->guest, &ret->query.flags, err);
        if (r >= 0)
                r = host_cpu_count(cli->conn, &cpus, err);
        if (r < 0)
                return r;
        ret->query.cpus = cpus;
        ret->pin.flags = ret->query.flags;
        ret->pin.is_current = ret->query.flags == 0 && !args_flag(args, "current");
        ret->pin.cpus.size = (cpus + 7) / 8;
        ret->change = list != NULL;
        return list ? parse_cpus(cli, list, cpus, &ret->pin.cpus.map, err) : 0;
}

static int print_vcpu_pins(Cli *cli, const Pinning *pinning, const uint64_t *only, Err *err) {
        static const char *const head[] = {"VCPU", "CPU Affinity", NULL};
        g_autoptr(Table) table = table_new(head);
        g_autoptr(GPtrArray) maps = NULL;
        g_autofree char *text = NULL;
        int r;

        r = guest_vcpu_pins(cli->conn, pinning->guest, &pinning->query, &maps, err);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < maps->len; i++) {
                g_autofree char *number = g_strdup_printf("%u", i);
                g_autofree char *cpus =
                        format_cpus(g_bytes_get_data(maps->pdata[i], NULL), pinning->query.cpus);

                if (!only || *only == i)
                        table_add(table, (const char *const[]){number, cpus});
        }
        text = table_format(table, !cli->quiet, 0);
        fputs(text, stdout);
        return 0;
}

/* The most virtual processors that the definition in question has. */
static int count_most(Cli *cli, Pinning *pinning, Err *err) {
        int r, count;

        r = guest_count_vcpus(cli->conn, pinning->guest, pinning->query.flags | GUEST_VCPU_MAXIMUM,
                              &count, err);
        if (r < 0)
                return r;
        pinning->query.count = (unsigned)count;
        return 0;
}

static int fail_vcpu(const Pinning *pinning, uint64_t vcpu, Err *err) {
        bool config = pinning->guest->id == -1 || pinning->query.flags & GUEST_AFFECT_CONFIG;

        return fail(err, VIR_ERR_INVALID_ARG, "vcpu %u is out of range of %s cpu count %u",
                    (unsigned)vcpu, config ? "persistent" : "live", pinning->query.count);
}

static int cmd_vcpupin(Cli *cli, const Args *args, Err *err) {
        bool one = args_text(args, "vcpu") != NULL;
        g_auto(Pinning) pinning = {};
        uint64_t vcpu = 0;
        int r;

        r = args_count(args, "vcpu", UINT_MAX, &vcpu, err);
        if (r < 0)
                return r;
        if (args_text(args, "cpulist") && !one)
                return fail(err, VIR_ERR_INVALID_ARG, "vcpupin: Missing vCPU number in pin mode.");
        r = read_pinning(cli, args, &pinning, err);
        if (r >= 0 && !pinning.change)
                r = count_most(cli, &pinning, err);
        if (r < 0)
                return r;
        if (!pinning.change && vcpu >= pinning.query.count)
                return fail_vcpu(&pinning, vcpu, err);
        pinning.pin.vcpu = (unsigned)vcpu;
        if (pinning.change)
                return guest_pin_vcpu(cli->conn, pinning.guest, &pinning.pin, err);
        return print_vcpu_pins(cli, &pinning, one ? &vcpu : NULL, err);
}

static int cmd_emulatorpin(Cli *cli, const Args *args, Err *err) {
        g_auto(Pinning) pinning = {};
        g_autoptr(GPtrArray) maps = NULL;
        g_autofree char *cpus = NULL;
        int r;

        r = read_pinning(cli, args, &pinning, err);
        if (r < 0)
                return r;
        if (pinning.change)
                return guest_pin_emulator(cli->conn, pinning.guest, &pinning.pin, err);
        r = guest_emulator_pin(cli->conn, pinning.guest, &pinning.query, &maps, err);
        if (r < 0)
                return r;
        cli_say(cli, "emulator: CPU Affinity\n----------------------------------\n");
        if (maps->len > 0) {
                cpus = format_cpus(g_bytes_get_data(maps->pdata[0], NULL), pinning.query.cpus);
                printf("%s%s\n", cli->quiet ? "" : "       *: ", cpus);
        }
        return 0;
}

static void print_affinity(const uint8_t *map, unsigned cpus, bool pretty) {
        g_autofree char *list = format_cpus(map, cpus);

        printf("%-15s ", "CPU Affinity:");
        if (pretty)
                printf("%s (out of %u)", list, cpus);
        for (unsigned cpu = 0; !pretty && cpu < cpus; cpu++)
                putchar(has_cpu(map, cpu) ? 'y' : '-');
        putchar('\n');
}

static void print_vcpu(const GuestVcpu *vcpu, unsigned cpus, bool pretty) {
        static const char *const states[] = {"offline", "running", "blocked"};

        printf("%-15s %u\n", "VCPU:", vcpu->number);
        if (vcpu->cpu >= 0)
                printf("%-15s %d\n", "CPU:", vcpu->cpu);
        else
                printf("%-15s %s\n", "CPU:", "N/A");
        printf("%-15s %s\n", "State:",
               (unsigned)vcpu->state < G_N_ELEMENTS(states) ? states[vcpu->state] : "no state");
        if (vcpu->time > 0)
                printf("%-15s %.1lfs\n", "CPU time:", (double)vcpu->time / 1e9);
        print_affinity(vcpu->cpus.map, cpus, pretty);
}

static int print_vcpus(Cli *cli, const Guest *guest, unsigned cpus, bool pretty, Err *err) {
        g_autoptr(GPtrArray) vcpus = NULL;
        GuestInfo info;
        int r;

        r = guest_info(cli->conn, guest, &info, err);
        if (r >= 0)
                r = guest_vcpus(cli->conn, guest, info.vcpus, cpus, &vcpus, err);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < vcpus->len; i++) {
                if (i > 0)
                        putchar('\n');
                print_vcpu(vcpus->pdata[i], cpus, pretty);
        }
        return 0;
}

/* Of a guest that is off, where its processors may run. */
static int print_config_vcpus(Cli *cli, const GuestPinQuery *query, const Guest *guest, bool pretty,
                              Err *err) {
        g_autoptr(GPtrArray) maps = NULL;
        int r;

        r = guest_vcpu_pins(cli->conn, guest, query, &maps, err);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < maps->len; i++) {
                printf("%s%-15s %u\n", i > 0 ? "\n" : "", "VCPU:", i);
                printf("%-15s %s\n%-15s %s\n%-15s %s\n", "CPU:", "N/A", "State:", "N/A", "CPU time",
                       "N/A");
                print_affinity(g_bytes_get_data(maps->pdata[i], NULL), query->cpus, pretty);
        }
        return 0;
}

static int cmd_vcpuinfo(Cli *cli, const Args *args, Err *err) {
        bool pretty = args_flag(args, "pretty"), active;
        GuestPinQuery query = {.flags = GUEST_AFFECT_CONFIG};
        g_autoptr(Guest) guest = NULL;
        int r, count;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = host_cpu_count(cli->conn, &query.cpus, err);
        if (r >= 0)
                r = guest_ask(cli->conn, guest, GUEST_IS_ACTIVE, &active, err);
        if (r < 0)
                return r;
        if (active)
                return print_vcpus(cli, guest, query.cpus, pretty, err);
        r = guest_count_vcpus(cli->conn, guest, GUEST_AFFECT_CONFIG, &count, err);
        if (r < 0)
                return r;
        query.count = (unsigned)count;
        return print_config_vcpus(cli, &query, guest, pretty, err);
}

static int cmd_blockresize(Cli *cli, const Args *args, Err *err) {
        bool capacity = args_flag(args, "capacity");
        const char *disk = args_text(args, "path");
        unsigned flags = capacity ? GUEST_RESIZE_CAPACITY : 0;
        g_autoptr(Guest) guest = NULL;
        uint64_t size = 0;
        int r;

        r = args_exclusive(args, "size", "capacity", err);
        if (r >= 0)
                r = args_size(args, "size", KIB, &size, err);
        if (r < 0)
                return r;
        if (!capacity && !args_text(args, "size"))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "Either --size or --capacity must be provided");
        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        if (size % KIB == 0)
                size /= KIB;
        else
                flags |= GUEST_RESIZE_BYTES;
        r = guest_resize(cli->conn, guest, disk, size, flags, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to resize block device '%s'", disk);
        cli_say(cli, "Block device '%s' is resized", disk);
        return 0;
}

/* Both in the order of libvirt's numbers. */
static const char *const lifecycle_types[] = {"poweroff", "reboot", "crash", NULL};
static const char *const lifecycle_actions[] = {"destroy",  "restart",          "rename-restart",
                                                "preserve", "coredump-destroy", "coredump-restart",
                                                NULL};

/* The place of a word in a list; -EINVAL. */
static int index_of(const char *const *words, const char *word, unsigned *ret) {
        for (unsigned i = 0; words[i]; i++)
                if (g_str_equal(words[i], word)) {
                        *ret = i;
                        return 0;
                }
        return -EINVAL;
}

static int cmd_set_lifecycle_action(Cli *cli, const Args *args, Err *err) {
        const char *type = args_text(args, "type"), *action = args_text(args, "action");
        g_autoptr(Guest) guest = NULL;
        GuestLifecycle what = {};
        int r;

        r = read_affect(cli, args, &guest, &what.flags, err);
        if (r < 0)
                return r;
        if (index_of(lifecycle_types, type, &what.type) < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "Invalid lifecycle type '%s'.", type);
        if (index_of(lifecycle_actions, action, &what.action) < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "Invalid lifecycle action '%s'.", action);
        r = guest_set_lifecycle(cli->conn, guest, &what, err);
        if (r < 0)
                return cli_failed(cli, r, "Unable to change lifecycle action.");
        return 0;
}

#define OPT_CPULIST OPT_MAY("cpulist", CANDIDATES_NONE, "processors of the host: 0-2,4,^1; r: all")

static const Option options_memory[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_NEED("size", CANDIDATES_NONE, "how much: KiB, or with a unit"),
        OPT_AFFECT,
        OPT_END,
};
static const Option options_setvcpus[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_NEED_NUMBER("count", "how many processors"),
        OPT_FLAG("maximum", "the most there can be"),
        OPT_AFFECT,
        OPT_FLAG("guest", "by the agent: the guest lets them rest"),
        OPT_FLAG("hotpluggable", "added ones can be taken away again"),
        OPT_END,
};
static const Option options_vcpucount[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_FLAG("maximum", "the most there can be"),
        OPT_FLAG("active", "those that there are now"),
        OPT_AFFECT,
        OPT_FLAG("guest", "as the agent sees them"),
        OPT_END,
};
static const Option options_vcpupin[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        {.name = "vcpu",
         .kind = OPTION_NUMBER,
         .positional = true,
         .help = "number of the processor; 0 is the first"},
        OPT_CPULIST,
        OPT_AFFECT,
        OPT_END,
};
static const Option options_emulatorpin[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_CPULIST,
        OPT_AFFECT,
        OPT_END,
};
static const Option options_vcpuinfo[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_FLAG("pretty", "as a list of numbers"),
        OPT_END,
};
static const Option options_blockresize[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_NEED("path", CANDIDATES_GUEST_DISK, "the disk's target or source"),
        OPT_MAY("size", CANDIDATES_NONE, "how large: KiB, or with a unit"),
        OPT_FLAG("capacity", "as large as what is behind it"),
        OPT_END,
};
static const Option options_lifecycle[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        {.name = "type",
         .kind = OPTION_TEXT,
         .positional = true,
         .required = true,
         .candidates = CANDIDATES_WORDS,
         .words = lifecycle_types,
         .help = "what happens: poweroff|reboot|crash"},
        {.name = "action",
         .kind = OPTION_TEXT,
         .positional = true,
         .required = true,
         .candidates = CANDIDATES_WORDS,
         .words = lifecycle_actions,
         .help = "what becomes of the guest then"},
        OPT_AFFECT,
        OPT_END,
};

const Command commands_tune[] = {
        {"blockresize", "resize a disk of a running guest", NULL, options_blockresize,
         .run = cmd_blockresize},
        {"emulatorpin", "show or set where the emulator's own threads may run", NULL,
         options_emulatorpin, .run = cmd_emulatorpin},
        {"set-lifecycle-action", "set what becomes of a guest that powers off, reboots or crashes",
         NULL, options_lifecycle, .run = cmd_set_lifecycle_action},
        {"setmaxmem", "set the most memory that a guest can have", NULL, options_memory,
         .run = cmd_setmaxmem},
        {"setmem", "set how much memory a guest has", NULL, options_memory, .run = cmd_setmem},
        {"setvcpus", "set how many processors a guest has", NULL, options_setvcpus,
         .run = cmd_setvcpus},
        {"vcpucount", "count a guest's processors", NULL, options_vcpucount, .run = cmd_vcpucount},
        {"vcpuinfo", "show a guest's processors, one by one", NULL, options_vcpuinfo,
         .run = cmd_vcpuinfo},
        {"vcpupin", "show or set where a guest's processors may run", NULL, options_vcpupin,
         .run = cmd_vcpupin},
        {},
};
