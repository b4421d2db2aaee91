/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"

#define WIDTH_DEFAULT 80
#define NAME_WIDTH    20
#define BAR_MIN       10
#define DRAW_EVERY    100000 /* µs */

char *progress_time(uint64_t seconds) {
        if (seconds < 60)
                return g_strdup_printf("%u s", (unsigned)seconds);
        if (seconds < 3600)
                return g_strdup_printf("%u min %02u s", (unsigned)(seconds / 60),
                                       (unsigned)(seconds % 60));
        return g_strdup_printf("%" G_GUINT64_FORMAT " h %02u min", seconds / 3600,
                               (unsigned)(seconds % 3600 / 60));
}

static char *bar(uint64_t done, uint64_t total, size_t width) {
        size_t full = (size_t)((double)width * (double)MIN(done, total) / (double)total);
        char *text = g_malloc(width + 1);

        memset(text, '=', full);
        memset(text + full, ' ', width - full);
        if (full > 0 && full < width)
                text[full - 1] = '>';
        text[width] = '\0';
        return text;
}

char *progress_line(const char *what, uint64_t done, uint64_t total, double rate, unsigned width) {
        const char *unit, *rate_unit;
        double size = cli_human_size(done, &unit);
        double speed = cli_human_size((uint64_t)rate, &rate_unit);
        g_autofree char *amount =
                g_strdup_printf("%7.1f %-3s %6.1f %s/s", size, unit, speed, rate_unit);
        g_autofree char *left = NULL, *drawn = NULL;
        size_t used;

        if (total == 0)
                return g_strdup_printf("%-*.*s %s", NAME_WIDTH, NAME_WIDTH, what, amount);
        if (rate >= 1 && done <= total)
                left = progress_time((uint64_t)((double)(total - done) / rate));
        used = NAME_WIDTH + strlen(amount) + strlen(" 100% []   --") + (left ? strlen(left) : 0);
        drawn = bar(done, total, used + BAR_MIN < width ? width - used : BAR_MIN);
        return g_strdup_printf("%-*.*s %3u%% [%s] %s  %s", NAME_WIDTH, NAME_WIDTH, what,
                               (unsigned)(MIN(done, total) * 100.0 / (double)total), drawn, amount,
                               left ?: "--");
}

void progress_begin(Progress *progress, const char *what, uint64_t already, bool quiet) {
        *progress = (Progress){
                .what = what,
                .quiet = quiet,
                .terminal = isatty(STDOUT_FILENO),
                .begun_at = already,
                .started = g_get_monotonic_time(),
        };
        if (quiet || progress->terminal)
                return;
        printf("%s ...\n", what);
        fflush(stdout);
}

static double rate_of(const Progress *progress, uint64_t done) {
        double seconds = (double)(g_get_monotonic_time() - progress->started) / G_USEC_PER_SEC;

        return seconds > 0 && done > progress->begun_at
                       ? (double)(done - progress->begun_at) / seconds
                       : 0;
}

static unsigned terminal_width(void) {
        struct winsize size = {};

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                return WIDTH_DEFAULT;
        return size.ws_col;
}

void progress_show(Progress *progress, uint64_t done, uint64_t total) {
        gint64 now = g_get_monotonic_time();
        g_autofree char *line = NULL;

        if (progress->quiet || !progress->terminal || now - progress->drawn < DRAW_EVERY)
                return;
        progress->drawn = now;
        line = progress_line(progress->what, done, total, rate_of(progress, done),
                             terminal_width() - 1);
        printf("\r\033[K%s", line);
        fflush(stdout);
}

void progress_end(Progress *progress, uint64_t done, const char *text) {
        gint64 took = (g_get_monotonic_time() - progress->started) / G_USEC_PER_SEC;
        g_autofree char *time = progress_time((uint64_t)took);
        const char *unit;
        double size = cli_human_size(done, &unit);

        if (progress->quiet)
                return;
        printf("%s%s: %s, %.1f %s in %s\n", progress->terminal ? "\r\033[K" : "", progress->what,
               text, size, unit, time);
        fflush(stdout);
}
