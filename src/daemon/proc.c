/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/proc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

/* Positions in /proc/PID/stat, counted from the state, which follows the name in parentheses. */
enum { STAT_STATE = 0, STAT_UTIME = 11, STAT_STIME = 12, STAT_PROCESSOR = 36 };

#define NS_PER_SEC UINT64_C(1000000000)

static uint64_t number_at(char **words, size_t n, size_t index) {
        uint64_t value = 0;

        if (index >= n || str_to_uint(words[index], 10, UINT64_MAX, &value) < 0)
                return 0;
        return value;
}

static uint64_t ticks_to_ns(uint64_t ticks) {
        return ticks * (NS_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void read_stat(const Sys *sys, const char *dir, ProcTask *task) {
        g_autofree char *path = g_strdup_printf("%s/stat", dir), *text = NULL;
        g_auto(GStrv) words = NULL;
        const char *end;
        size_t n;

        if (sys_read_text(sys, path, &text) < 0 || !(end = strrchr(text, ')')) || !end[1])
                return;
        words = g_strsplit(end + 2, " ", -1);
        n = g_strv_length(words);
        task->state = words[STAT_STATE] ? words[STAT_STATE][0] : 0;
        task->user = ticks_to_ns(number_at(words, n, STAT_UTIME));
        task->system = ticks_to_ns(number_at(words, n, STAT_STIME));
        task->cpu = (int)number_at(words, n, STAT_PROCESSOR);
}

/* "se.statistics.wait_sum : 12.345678": milliseconds with six places. */
static uint64_t sum_of_waits(const char *text) {
        const char *line = strstr(text, "wait_sum");
        const char *value = line ? strchr(line, ':') : NULL;

        return value ? (uint64_t)(g_ascii_strtod(value + 1, NULL) * 1000000) : 0;
}

static void read_scheduling(const Sys *sys, const char *dir, ProcTask *task) {
        g_autofree char *sched_path = g_strdup_printf("%s/sched", dir), *sched = NULL;
        g_autofree char *stat_path = g_strdup_printf("%s/schedstat", dir), *stat = NULL;
        g_auto(GStrv) words = NULL;

        if (sys_read_text(sys, sched_path, &sched) >= 0)
                task->wait = sum_of_waits(sched);
        if (sys_read_text(sys, stat_path, &stat) < 0)
                return;
        words = g_strsplit(stat, " ", -1);
        task->delay = number_at(words, g_strv_length(words), 1);
}

ProcTask proc_read_task(const Sys *sys, pid_t pid, pid_t tid) {
        g_autofree char *dir = tid ? g_strdup_printf("proc/%d/task/%d", (int)pid, (int)tid)
                                   : g_strdup_printf("proc/%d", (int)pid);
        ProcTask task = {};

        read_stat(sys, dir, &task);
        if (tid && task.state)
                read_scheduling(sys, dir, &task);
        return task;
}

uint64_t proc_read_rss(const Sys *sys, pid_t pid) {
        g_autofree char *path = g_strdup_printf("proc/%d/statm", (int)pid), *text = NULL;
        g_auto(GStrv) words = NULL;

        if (sys_read_text(sys, path, &text) < 0)
                return 0;
        words = g_strsplit(text, " ", -1);
        return number_at(words, g_strv_length(words), 1) * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* The numbers of a line of /proc/net/dev behind "name:": eight for what came in, eight for what
 * went out. */
static void parse_net(const char *text, ProcNet *ret) {
        uint64_t *const fields[] = {
                &ret->rx_bytes,
                &ret->rx_packets,
                &ret->rx_errors,
                &ret->rx_drops,
                NULL,
                NULL,
                NULL,
                NULL,
                &ret->tx_bytes,
                &ret->tx_packets,
                &ret->tx_errors,
                &ret->tx_drops,
        };
        char *at = (char *)(uintptr_t)text;

        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
                uint64_t value = g_ascii_strtoull(at, &at, 10);

                if (fields[i])
                        *fields[i] = value;
        }
}

int proc_read_net(const Sys *sys, const char *device, ProcNet *ret) {
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;
        size_t size = strlen(device);
        int r = sys_read_text(sys, "proc/net/dev", &text);

        if (r < 0)
                return r;
        lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++) {
                const char *name = *line + strspn(*line, " ");

                if (strncmp(name, device, size) != 0 || name[size] != ':')
                        continue;
                *ret = (ProcNet){};
                parse_net(name + size + 1, ret);
                return 0;
        }
        return -ENOENT;
}
