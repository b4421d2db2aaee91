/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/util.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void closep(int *fd) {
        int saved = errno;

        if (*fd >= 0)
                close(*fd);
        errno = saved;
}

void close_all_but(int fd, int other) {
        unsigned first = (unsigned)MAX(MIN(fd, other), STDERR_FILENO);
        unsigned second = (unsigned)MAX(MAX(fd, other), STDERR_FILENO);

        if (first > STDERR_FILENO + 1)
                close_range(STDERR_FILENO + 1, first - 1, 0);
        if (second > first + 1)
                close_range(first + 1, second - 1, 0);
        close_range(second + 1, UINT_MAX, 0);
}

int neg_errno(void) {
        return errno > 0 ? -errno : -EIO;
}

int str_to_uint(const char *s, unsigned base, uint64_t max, uint64_t *ret) {
        uint64_t value = 0;
        bool has_prefix;

        if (!s)
                return -EINVAL;
        has_prefix = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
        if (has_prefix && base != 10)
                s += 2;
        if (base == 0)
                base = has_prefix ? 16 : 10;
        if (!*s)
                return -EINVAL;
        for (; *s; s++) {
                int digit = g_ascii_xdigit_value(*s);

                if (digit < 0 || (unsigned)digit >= base)
                        return -EINVAL;
                if (value > (UINT64_MAX - (unsigned)digit) / base)
                        return -ERANGE;
                value = value * base + (unsigned)digit;
        }
        if (value > max)
                return -ERANGE;
        *ret = value;
        return 0;
}

char *strv_join_human(char *const *strv) {
        g_autoptr(GString) out = g_string_new(NULL);

        for (size_t i = 0; strv && strv[i]; i++) {
                if (i > 0)
                        g_string_append(out, strv[i + 1] ? ", " : " and ");
                g_string_append(out, strv[i]);
        }
        return g_string_free(g_steal_pointer(&out), FALSE);
}

int fork_detached(void) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
                pid = fork();
                if (pid == 0)
                        return 0;
                _exit(pid < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
        }
        if (pid < 0)
                return neg_errno();
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                continue;
        return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? 1 : -EAGAIN;
}
