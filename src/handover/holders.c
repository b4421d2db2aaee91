/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/holders.h"

#include <string.h>

#include "base/util.h"
#include "handover/guard.h"

#define WALK_DEPTH  8  /* directories below a PCI function; USB storage needs the most */
#define HOLDERS_MAX 16 /* more says no more */

static void add_node(GHashTable *nodes, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void add_node(GHashTable *nodes, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        g_hash_table_add(nodes, g_strdup_vprintf(format, ap));
        va_end(ap);
}

/* The node that a directory of sysfs stands for: DEVNAME of its uevent. */
static void add_device_name(const Sys *sys, const char *dir, GHashTable *nodes) {
        g_autofree char *path = g_build_filename(dir, "uevent", NULL);
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        if (sys_read_text(sys, path, &text) < 0)
                return;
        lines = g_strsplit(text, "\n", 0);
        STRV_FOREACH(line, lines)
                if (g_str_has_prefix(line, "DEVNAME="))
                        add_node(nodes, "/dev/%s", line + strlen("DEVNAME="));
}

static void walk(const Sys *sys, const char *dir, unsigned depth, GHashTable *nodes) {
        g_auto(GStrv) names = NULL;

        if (depth == 0 || sys_list(sys, dir, &names) < 0)
                return;
        add_device_name(sys, dir, nodes);
        STRV_FOREACH(name, names) {
                g_autofree char *path = g_build_filename(dir, name, NULL);
                g_autofree char *target = NULL;

                if (sys_readlink(sys, path, &target) < 0) /* links lead back up */
                        walk(sys, path, depth - 1, nodes);
        }
}

GHashTable *holders_nodes(const Sys *sys, const PciDevice *dev) {
        GHashTable *nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autofree char *cdevs = g_build_filename(dev->path, "vfio-dev", NULL);
        g_autoptr(GPtrArray) blocks = NULL;
        g_auto(GStrv) names = NULL;

        walk(sys, dev->path, WALK_DEPTH, nodes);
        if (dev->iommu_group >= 0)
                add_node(nodes, "/dev/vfio/%d", dev->iommu_group);
        if (sys_list(sys, cdevs, &names) == 0)
                STRV_FOREACH(name, names)
                        add_node(nodes, "/dev/vfio/devices/%s", name);
        if (guard_block_devices(sys, dev, &blocks, NULL) == 0)
                for (unsigned i = 0; i < blocks->len; i++)
                        add_node(nodes, "/dev/%s", (const char *)blocks->pdata[i]);
        return nodes;
}

/* What the kernel puts behind the path of an open file that has none any more (proc_pid_fd(5)). */
static void drop_deleted(char *target) {
        static const char mark[] = " (deleted)";

        if (g_str_has_suffix(target, mark))
                target[strlen(target) - strlen(mark)] = '\0';
}

/* The first of the nodes that the process has open, or NULL; the caller's. */
static char *open_node(const Sys *sys, const char *pid, GHashTable *nodes) {
        g_autofree char *dir = g_build_filename("proc", pid, "fd", NULL);
        g_auto(GStrv) fds = NULL;

        if (sys_list(sys, dir, &fds) < 0)
                return NULL;
        STRV_FOREACH(fd, fds) {
                g_autofree char *path = g_build_filename(dir, fd, NULL);
                g_autofree char *target = NULL;

                if (sys_readlink(sys, path, &target) < 0)
                        continue;
                drop_deleted(target);
                if (g_hash_table_contains(nodes, target))
                        return g_steal_pointer(&target);
        }
        return NULL;
}

static char *holder_text(const Sys *sys, const char *pid, const char *node) {
        g_autofree char *path = g_build_filename("proc", pid, "comm", NULL);
        g_autofree char *name = NULL;

        sys_read_text(sys, path, &name);
        return g_strdup_printf("%s (pid %s, %s)", name ? name : "a process", pid, node);
}

char *holders_find(const Sys *sys, GHashTable *nodes) {
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        g_auto(GStrv) pids = NULL, holders = NULL;
        unsigned n = 0;

        if (sys_list(sys, "proc", &pids) < 0)
                return NULL;
        STRV_FOREACH(pid, pids) {
                g_autofree char *node = NULL, *text = NULL;

                if (!g_ascii_isdigit(*pid) || n == HOLDERS_MAX)
                        continue;
                node = open_node(sys, pid, nodes);
                text = node ? holder_text(sys, pid, node) : NULL;
                if (text)
                        g_strv_builder_add(builder, text);
                n += text != NULL;
        }
        holders = g_strv_builder_end(builder);
        return n > 0 ? strv_join_human(holders) : NULL;
}

char *holders_wait_channel(const Sys *sys, pid_t pid) {
        g_autofree char *wchan_path = g_strdup_printf("proc/%d/wchan", (int)pid);
        g_autofree char *stack_path = g_strdup_printf("proc/%d/stack", (int)pid);
        g_autofree char *wchan = NULL, *stack = NULL;

        if (sys_read_text(sys, wchan_path, &wchan) < 0 || strcmp(wchan, "0") == 0 || !*wchan)
                g_clear_pointer(&wchan, g_free);
        if (sys_read_text(sys, stack_path, &stack) == 0 && *stack) {
                g_strdelimit(stack, "\n", ' ');
                return g_strdup_printf("%s (stack: %s)", wchan ? wchan : "the kernel", stack);
        }
        return wchan ? g_steal_pointer(&wchan) : g_strdup("an unknown place");
}
