/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/dispatch.h"
#include "daemon/errand.h"
#include "daemon/host.h"
#include "daemon/manager.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"

/* The host's pages: how many are free, and setting huge ones aside. */

#define ALLOC_SET  1u /* so many in all; without it: so many more */
#define COUNTS_MAX 1024
#define PAGES_MAX  (UINT64_C(1) << 40)

/* The cells that a call is about: start (-1: the whole host, as one) and how many. */
static int check_cells(const Sys *sys, int start, unsigned *count, Err *err) {
        g_autoptr(GArray) nodes = host_nodes(sys);
        unsigned n = MAX(nodes->len, 1);

        if (start < -1 || start >= (int)n)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "start cell %d out of range (0-%u)", start,
                            n - 1);
        *count = start < 0 ? 1 : MIN(*count, n - (unsigned)start);
        return 0;
}

/* The kernel's number of a cell; -1 also where it knows none. */
static int node_of(const Sys *sys, int cell) {
        g_autoptr(GArray) nodes = host_nodes(sys);

        return cell < 0 || (guint)cell >= nodes->len ? -1 : g_array_index(nodes, int, cell);
}

static int read_cell(const Sys *sys, int cell, const unsigned *sizes, size_t n, uint64_t *ret,
                     Err *err) {
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++)
                r = host_pages(sys, node_of(sys, cell), sizes[i], HOST_PAGES_FREE, &ret[i], err);
        return r;
}

static int get_free_pages(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_get_free_pages_args *a = args;
        remote_node_get_free_pages_ret *answer = ret;
        unsigned n = a->pages.pages_len, cells = a->cellCount;
        g_autofree uint64_t *counts = NULL;
        int r = flags_check(a->flags, 0, "virNodeGetFreePages", err);

        if (r == 0 && (n == 0 || cells == 0 || n > COUNTS_MAX / cells))
                r = fail(err, VIR_ERR_INVALID_ARG,
                         "%u sizes of pages on %u cells are no question of 1 to %u numbers", n,
                         cells, COUNTS_MAX);
        if (r == 0)
                r = check_cells(manager->sys, a->startCell, &cells, err);
        if (r < 0)
                return r;
        counts = g_new0(uint64_t, (gsize)n * cells);
        for (unsigned i = 0; i < cells && r == 0; i++)
                r = read_cell(manager->sys, a->startCell + (int)i, a->pages.pages_val, n,
                              counts + (size_t)i * n, err);
        if (r < 0)
                return r;
        answer->counts.counts_len = n * cells;
        answer->counts.counts_val = (void *)g_steal_pointer(&counts);
        return 0;
}

/* ---- setting huge pages aside ---- */

/* To make a huge page the kernel may move memory about for long: a child does it. */
typedef struct Change {
        char *path;
        uint64_t count;
        unsigned size;
} Change;

typedef struct Changes {
        const Sys *sys;
        Call *call;
        GArray *list; /* Change */
        bool is_total;
} Changes;

static void change_clear(void *data) {
        g_free(((Change *)data)->path);
}

static void changes_free(Changes *changes) {
        g_array_unref(changes->list);
        call_unref(changes->call);
        g_free(changes);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Changes, changes_free)

/* The kernel takes what it can get, and says no word of what it could not. */
static int apply(const Changes *changes, const Change *change, int out) {
        uint64_t before = 0, wanted, now = 0;
        g_autofree char *value = NULL;
        int r = sys_read_uint(changes->sys, change->path, 10, UINT64_MAX, &before);

        wanted = changes->is_total ? change->count : before + change->count;
        value = g_strdup_printf("%" G_GUINT64_FORMAT, wanted);
        if (r >= 0)
                r = sys_write(changes->sys, change->path, value);
        if (r >= 0)
                r = sys_read_uint(changes->sys, change->path, 10, UINT64_MAX, &now);
        if (r < 0)
                dprintf(out, "/%s cannot be changed: %s", change->path, g_strerror(-r));
        else if (now < wanted)
                dprintf(out,
                        "the kernel found memory for %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                        " pages of %u KiB in one piece",
                        now, wanted, change->size);
        return r < 0 ? r : now < wanted ? -ENOMEM : 0;
}

static int apply_all(int out, void *data) {
        const Changes *changes = data;
        int r = 0;

        for (guint i = 0; i < changes->list->len && r == 0; i++)
                r = apply(changes, &g_array_index(changes->list, Change, i), out);
        return r;
}

static void on_applied(int r, const char *output, size_t size, void *userdata) {
        g_autoptr(Changes) changes = userdata;
        remote_node_alloc_pages_ret *answer = call_ret(changes->call);
        g_auto(Err) err = ERR_INIT;

        if (r < 0)
                fail(&err, VIR_ERR_OPERATION_FAILED, "cannot set huge pages aside: %s", output);
        else
                answer->ret = (int)changes->list->len;
        call_finish(call_ref(changes->call), &err);
}

static int add_cell(Changes *changes, int cell, const remote_node_alloc_pages_args *a, Err *err) {
        for (unsigned i = 0; i < a->pageSizes.pageSizes_len; i++) {
                Change change = {
                        .count = a->pageCounts.pageCounts_val[i],
                        .size = a->pageSizes.pageSizes_val[i],
                };
                int r;

                if (change.count > PAGES_MAX)
                        return fail(err, VIR_ERR_INVALID_ARG,
                                    "no host has %" G_GUINT64_FORMAT " pages", change.count);
                r = host_pages_path(changes->sys, node_of(changes->sys, cell), change.size,
                                    &change.path, err);
                if (r < 0)
                        return r;
                g_array_append_val(changes->list, change);
        }
        return 0;
}

static int alloc_pages(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_node_alloc_pages_args *a = args;
        unsigned cells = a->cellCount;
        g_autoptr(Changes) changes = NULL;
        int r = flags_check(a->flags, ALLOC_SET, "virNodeAllocPages", err);

        if (r == 0 && (a->pageSizes.pageSizes_len == 0 ||
                       a->pageSizes.pageSizes_len != a->pageCounts.pageCounts_len || cells == 0))
                r = fail(err, VIR_ERR_INVALID_ARG, "each size of page has its own count");
        if (r == 0)
                r = check_cells(manager->sys, a->startCell, &cells, err);
        if (r < 0)
                return r;
        changes = g_new0(Changes, 1);
        changes->sys = manager->sys;
        changes->call = call_ref(call);
        changes->list = g_array_new(FALSE, FALSE, sizeof(Change));
        changes->is_total = a->flags & ALLOC_SET;
        g_array_set_clear_func(changes->list, change_clear);
        for (unsigned i = 0; i < cells && r == 0; i++)
                r = add_cell(changes, a->startCell + (int)i, a, err);
        if (r == 0)
                r = errand_run(manager->event,
                               &(ErrandSpec){.func = apply_all,
                                             .data = changes,
                                             .keep_fd = sys_root_fd(manager->sys),
                                             .done = on_applied,
                                             .userdata = changes},
                               NULL, err);
        if (r < 0)
                return r;
        g_steal_pointer(&changes);
        return CALL_LATER;
}

static const Procedure procedures[] = {
        {.number = REMOTE_PROC_NODE_GET_FREE_PAGES,
         .name = "virNodeGetFreePages",
         PROC_ARGS(remote_node_get_free_pages_args),
         PROC_RET(remote_node_get_free_pages_ret),
         .read_only = true,
         .run = get_free_pages},
        {.number = REMOTE_PROC_NODE_ALLOC_PAGES,
         .name = "virNodeAllocPages",
         PROC_ARGS(remote_node_alloc_pages_args),
         PROC_RET(remote_node_alloc_pages_ret),
         .run = alloc_pages},
};

const ProcedureTable rpc_host_pages_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
