/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

#define READ_FIRST ((size_t)4096) /* an attribute of sysfs is at most a page */

#define OPEN_TRIES 1000 /* each takes microseconds */

struct Sys {
        const Sys *parent; /* NULL: it counts its calls itself */
        int root;
        char *root_path; /* canonical, no trailing slash: "" for the machine */
        unsigned fail_in;
        int fail_error;
};

int sys_new(const char *root, Sys **ret) {
        g_autoptr(Sys) sys = g_new0(Sys, 1);
        g_autofree char *canonical = NULL;
        char *real = realpath(root ? root : "/", NULL);

        sys->root = -1;
        if (!real)
                return neg_errno();
        canonical = g_strdup(strcmp(real, "/") == 0 ? "" : real);
        free(real);
        sys->root = open(*canonical ? canonical : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (sys->root < 0)
                return neg_errno();
        sys->root_path = g_steal_pointer(&canonical);
        *ret = g_steal_pointer(&sys);
        return 0;
}

void sys_free(Sys *sys) {
        if (!sys)
                return;
        closep(&sys->root);
        g_free(sys->root_path);
        g_free(sys);
}

bool sys_is_live(const Sys *sys) {
        return !*(sys->parent ? sys->parent : sys)->root_path;
}

int sys_root_fd(const Sys *sys) {
        return sys->root;
}

void sys_fail_at(Sys *sys, unsigned nth, int error) {
        sys->fail_in = nth;
        sys->fail_error = error;
}

/* The test hook: counts every entry into the tree, through const handles too. */
static int sys_enter(const Sys *sys) {
        Sys *counter = (Sys *)(uintptr_t)(sys->parent ? sys->parent : sys);

        if (counter->fail_in == 0 || --counter->fail_in > 0)
                return 0;
        return counter->fail_error;
}

static int sys_openat(const Sys *sys, const char *path, int flags) {
        struct open_how how = {
                .flags = (uint64_t)flags | O_CLOEXEC,
                .resolve = RESOLVE_IN_ROOT,
        };
        unsigned tries = OPEN_TRIES;
        int fd;

        g_assert(path[0] != '/');
        do /* EAGAIN: a rename anywhere, as udev's of an interface, made ".." uncertain */
                fd = (int)syscall(SYS_openat2, sys->root, path, &how, sizeof(how));
        while (fd < 0 && errno == EAGAIN && --tries > 0);
        return fd < 0 ? neg_errno() : fd;
}

/* The text that a link of the kernel's or an open descriptor stands for. */
static int read_link_at(int fd, const char *name, char **ret) {
        char target[4096];
        ssize_t n = readlinkat(fd, name, target, sizeof(target) - 1);

        if (n < 0)
                return neg_errno();
        *ret = g_strndup(target, (size_t)n);
        return 0;
}

int sys_new_below(const Sys *parent, const char *path, Sys **ret) {
        g_autoptr(Sys) sys = g_new0(Sys, 1);

        sys->parent = parent->parent ? parent->parent : parent;
        sys->root = sys_open(parent, path, O_PATH | O_DIRECTORY);
        if (sys->root < 0)
                return sys->root;
        sys->root_path = g_strdup_printf("%s/%s", parent->root_path, path);
        *ret = g_steal_pointer(&sys);
        return 0;
}

int sys_open(const Sys *sys, const char *path, int flags) {
        int r = sys_enter(sys);

        return r < 0 ? r : sys_openat(sys, path, flags);
}

int sys_read(const Sys *sys, const char *path, char **ret, size_t *ret_size) {
        _cleanup_(closep) int fd = sys_open(sys, path, O_RDONLY);
        g_autofree char *data = NULL;
        size_t size = 0, room = 0;
        ssize_t n;

        if (fd < 0)
                return fd;
        do {
                if (size == room) {
                        room = MAX(2 * room, READ_FIRST);
                        data = g_realloc(data, room + 1);
                }
                n = read(fd, data + size, room - size);
                if (n < 0)
                        return neg_errno();
                size += (size_t)n;
                if (size > SYS_FILE_MAX)
                        return -EFBIG;
        } while (n > 0);
        data[size] = '\0';
        *ret = g_realloc(g_steal_pointer(&data), size + 1);
        if (ret_size)
                *ret_size = size;
        return 0;
}

int sys_read_text(const Sys *sys, const char *path, char **ret) {
        char *text = NULL;
        int r = sys_read(sys, path, &text, NULL);

        if (r < 0)
                return r;
        *ret = g_strstrip(text);
        return 0;
}

int sys_read_uint(const Sys *sys, const char *path, unsigned base, uint64_t max, uint64_t *ret) {
        g_autofree char *text = NULL;
        int r = sys_read_text(sys, path, &text);

        return r < 0 ? r : str_to_uint(text, base, max, ret);
}

int sys_write(const Sys *sys, const char *path, const char *value) {
        _cleanup_(closep) int fd = sys_open(sys, path, O_WRONLY);
        size_t size = strlen(value);
        ssize_t n;

        if (fd < 0)
                return fd;
        n = write(fd, value, size);
        if (n < 0)
                return neg_errno();
        return (size_t)n == size ? 0 : -EIO;
}

int sys_readlink(const Sys *sys, const char *path, char **ret) {
        _cleanup_(closep) int fd = -1;
        int r;

        if (!strchr(path, '/')) { /* nothing to be led astray by */
                r = sys_enter(sys);
                return r < 0 ? r : read_link_at(sys->root, path, ret);
        }
        fd = sys_open(sys, path, O_PATH | O_NOFOLLOW);
        if (fd < 0)
                return fd;
        r = read_link_at(fd, "", ret);
        return r == -ENOENT ? -EINVAL : r; /* ENOENT: a file, not a link */
}

int sys_readlink_name(const Sys *sys, const char *path, char **ret) {
        g_autofree char *target = NULL;
        int r = sys_readlink(sys, path, &target);

        if (r < 0)
                return r;
        *ret = g_path_get_basename(target);
        return 0;
}

static int path_of_fd(int fd, char **ret) {
        char link[64];

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        return read_link_at(AT_FDCWD, link, ret);
}

int sys_realpath(const Sys *sys, const char *path, char **ret) {
        _cleanup_(closep) int fd = sys_open(sys, path, O_PATH);
        size_t skip = strlen(sys->root_path) + 1;
        g_autofree char *whole = NULL;
        int r;

        if (fd < 0)
                return fd;
        r = path_of_fd(fd, &whole);
        if (!whole)
                return r;
        *ret = g_strdup(strlen(whole) > skip ? whole + skip : "");
        return 0;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

int sys_list(const Sys *sys, const char *path, char ***ret) {
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        int fd = sys_open(sys, path, O_RDONLY | O_DIRECTORY);
        const struct dirent *entry;
        DIR *dir;

        if (fd < 0)
                return fd;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return neg_errno();
        }
        while ((entry = readdir(dir)))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        g_ptr_array_add(names, g_strdup(entry->d_name));
        closedir(dir);
        if (names->len > 1)
                qsort(names->pdata, names->len, sizeof(char *), compare_names);
        g_ptr_array_add(names, NULL);
        *ret = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
        return 0;
}

bool sys_exists(const Sys *sys, const char *path) {
        _cleanup_(closep) int fd = sys_openat(sys, path, O_PATH);

        return fd >= 0;
}
