/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/xml.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "client/host-stats.h"

/* The host's memory, and what its firmware says of it. */

#define CELLS_MAX     1024
#define PAGE_KIB_MAX  (UINT64_C(1) << 30)
#define PAGES_MAX     (UINT64_C(1) << 40)
#define PAGE_KIB_UNIT 1024

static int cmd_nodememstats(Cli *cli, const Args *args, Err *err) {
        g_autoptr(GArray) stats = NULL;
        uint64_t cell = UINT64_MAX;
        int r = args_count(args, "cell", CELLS_MAX, &cell, err);

        if (r == 0)
                r = host_memory_stats(cli->conn, cell == UINT64_MAX ? -1 : (int)cell, &stats, err);
        if (r != 0)
                return cli_failed(cli, r, "failed to get the memory's statistics");
        for (guint i = 0; i < stats->len; i++) {
                const HostStat *stat = &g_array_index(stats, HostStat, i);

                printf("%-7s: %20" PRIu64 " KiB\n", stat->name, stat->value);
        }
        return 0;
}

static int count_cells(Cli *cli, unsigned *ret, Err *err) {
        HostInfo info;
        int r = host_info(cli->conn, &info, err);

        if (r == 0)
                *ret = info.nodes > 0 ? (unsigned)info.nodes : 1;
        return r;
}

static int print_cells(Cli *cli, uint64_t only, Err *err) {
        g_autoptr(GArray) cells = NULL;
        unsigned n = 0;
        uint64_t total = 0;
        int r = count_cells(cli, &n, err);

        if (r == 0)
                r = host_cells_free_memory(cli->conn, n, &cells, err);
        if (r != 0)
                return cli_failed(cli, r, "failed to get the free memory of the cells");
        if (only != UINT64_MAX && only >= cells->len)
                return fail(err, VIR_ERR_INVALID_ARG, "there is no cell %" PRIu64, only);
        for (guint i = 0; i < cells->len; i++) {
                uint64_t kib = g_array_index(cells, uint64_t, i) / 1024;

                total += kib;
                if (only == UINT64_MAX || only == i)
                        printf("%5u: %10" PRIu64 " KiB\n", i, kib);
        }
        if (only == UINT64_MAX)
                printf("--------------------\nTotal: %10" PRIu64 " KiB\n", total);
        return 0;
}

static int cmd_freecell(Cli *cli, const Args *args, Err *err) {
        uint64_t cell = UINT64_MAX, bytes;
        int r = args_count(args, "cellno", CELLS_MAX, &cell, err);

        if (r < 0)
                return r;
        if (cell != UINT64_MAX || args_flag(args, "all"))
                return print_cells(cli, cell, err);
        r = host_free_memory(cli->conn, &bytes, err);
        if (r != 0)
                return cli_failed(cli, r, "failed to get the free memory");
        printf("Total: %" PRIu64 " KiB\n", bytes / 1024);
        return 0;
}

/* ---- pages ---- */

/* The sizes that the host's processor has, from its capabilities: KiB. */
static int read_sizes(Cli *cli, GArray **ret, Err *err) {
        g_autoptr(GArray) sizes = g_array_new(FALSE, FALSE, sizeof(unsigned));
        g_autoptr(XmlDoc) doc = NULL;
        g_autofree char *text = NULL;
        const xmlNode *node;
        int r = host_capabilities(cli->conn, &text, err);

        if (r == 0)
                r = xml_doc_parse(text, strlen(text), "capabilities", &doc, err);
        if (r < 0)
                return r;
        node = xml_child(xml_doc_root(doc), "host");
        node = node ? xml_child(node, "cpu") : NULL;
        for (xmlNode *child = node ? xml_first(node) : NULL; child; child = xml_next(child)) {
                uint64_t size = 0;
                unsigned kib;

                if (!g_str_equal(xml_name(child), "pages") ||
                    xml_attr_uint(child, "size", 10, PAGE_KIB_MAX, &size, err) < 0)
                        continue;
                kib = (unsigned)size;
                g_array_append_val(sizes, kib);
        }
        *ret = g_steal_pointer(&sizes);
        return 0;
}

static int print_pages(Cli *cli, int cell, const GArray *sizes, Err *err) {
        printf("Node %d:\n", cell);
        for (guint i = 0; i < sizes->len; i++) {
                unsigned size = g_array_index(sizes, unsigned, i);
                uint64_t count;
                int r = host_free_pages(cli->conn, cell, size, &count, err);

                if (r < 0)
                        return cli_failed(cli, r, "failed to get the free pages of cell %d", cell);
                printf("%uKiB: %" PRIu64 "\n", size, count);
        }
        putchar('\n');
        return 0;
}

static int wanted_sizes(Cli *cli, const Args *args, GArray **ret, Err *err) {
        uint64_t bytes = 0;
        unsigned size;
        int r = args_size(args, "pagesize", PAGE_KIB_UNIT, &bytes, err);

        if (r < 0)
                return r;
        if (bytes == 0)
                return read_sizes(cli, ret, err);
        size = (unsigned)(MIN(bytes / 1024, PAGE_KIB_MAX));
        *ret = g_array_new(FALSE, FALSE, sizeof(unsigned));
        g_array_append_val(*ret, size);
        return 0;
}

static int cmd_freepages(Cli *cli, const Args *args, Err *err) {
        g_autoptr(GArray) sizes = NULL;
        uint64_t cell = UINT64_MAX;
        unsigned n = 1;
        int r = args_count(args, "cellno", CELLS_MAX, &cell, err);

        if (r == 0)
                r = wanted_sizes(cli, args, &sizes, err);
        if (r == 0 && cell == UINT64_MAX)
                r = count_cells(cli, &n, err);
        for (unsigned i = 0; i < n && r == 0; i++)
                r = print_pages(cli, cell == UINT64_MAX ? (int)i : (int)cell, sizes, err);
        return r;
}

static int cmd_allocpages(Cli *cli, const Args *args, Err *err) {
        HostPages pages = {.cells = 1, .cell = -1, .is_more = args_flag(args, "add")};
        uint64_t bytes = 0, cell = UINT64_MAX;
        int r = args_size(args, "pagesize", PAGE_KIB_UNIT, &bytes, err);

        if (r == 0)
                r = args_count(args, "pagecount", PAGES_MAX, &pages.count, err);
        if (r == 0)
                r = args_count(args, "cellno", CELLS_MAX, &cell, err);
        if (r == 0 && args_flag(args, "all"))
                r = count_cells(cli, &pages.cells, err);
        if (r < 0)
                return r;
        if (args_flag(args, "all"))
                pages.cell = 0;
        else if (cell != UINT64_MAX)
                pages.cell = (int)cell;
        pages.size = (unsigned)MIN(bytes / 1024, PAGE_KIB_MAX);
        r = host_alloc_pages(cli->conn, &pages, err);
        return r < 0 ? cli_failed(cli, r, "failed to set pages aside") : 0;
}

static int cmd_sysinfo(Cli *cli, const Args *args, Err *err) {
        g_autofree char *xml = NULL;
        int r = host_sysinfo(cli->conn, &xml, err);

        if (r != 0)
                return cli_failed(cli, r, "failed to get sysinfo");
        fputs(xml, stdout);
        return 0;
}

static const Option options_memstats[] = {
        {.name = "cell",
         .kind = OPTION_NUMBER,
         .positional = true,
         .help = "number of a NUMA cell"},
        OPT_END,
};
static const Option options_freecell[] = {
        {.name = "cellno",
         .kind = OPTION_NUMBER,
         .positional = true,
         .help = "number of a NUMA cell"},
        OPT_FLAG("all", "each cell by itself"),
        OPT_END,
};
static const Option options_freepages[] = {
        {.name = "cellno",
         .kind = OPTION_NUMBER,
         .positional = true,
         .help = "number of a NUMA cell"},
        OPT_TEXT("pagesize", "one size; a bare number is KiB"),
        OPT_FLAG("all", "every cell and size, as without options"),
        OPT_END,
};
static const Option options_allocpages[] = {
        OPT_NEED("pagesize", CANDIDATES_NONE, "size of the pages; a bare number is KiB"),
        OPT_NEED_NUMBER("pagecount", "how many pages"),
        {.name = "cellno",
         .kind = OPTION_NUMBER,
         .positional = true,
         .help = "number of a NUMA cell"},
        OPT_FLAG("add", "so many more, instead of so many in all"),
        OPT_FLAG("all", "on every cell"),
        OPT_END,
};

const Command commands_host_memory[] = {
        {"allocpages", "set huge pages of the host's memory aside", NULL, options_allocpages,
         .run = cmd_allocpages},
        {"freecell", "show the free memory of the host", NULL, options_freecell,
         .run = cmd_freecell},
        {"freepages", "show the free pages of the host's memory", NULL, options_freepages,
         .run = cmd_freepages},
        {"nodememstats", "show what the host's memory is used for", NULL, options_memstats,
         .run = cmd_nodememstats},
        {"sysinfo", "show what the host's firmware tells of it, in XML", .run = cmd_sysinfo},
        {},
};
