/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/util.h"

#define TEMPORARY ".airlock-"

int file_sync_parent(const char *path) {
        g_autofree char *dir = g_path_get_dirname(path);
        _cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || fsync(fd) < 0)
                return neg_errno();
        return 0;
}

static int write_all(int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return neg_errno();
                data += n;
                size -= (size_t)n;
        }
        return 0;
}

/* Whose a new file is, and who may read it. */
typedef struct Dress {
        unsigned mode;
        bool as_before; /* as the file that is replaced, where there is one */
} Dress;

static int copy_label(const char *path, int fd) {
        char label[256];
        ssize_t n = lgetxattr(path, "security.selinux", label, sizeof(label));

        if (n > 0 && fsetxattr(fd, "security.selinux", label, (size_t)n, 0) < 0)
                return neg_errno();
        return 0;
}

static int dress_file(const char *path, int fd, Dress dress) {
        struct stat st;

        if (!dress.as_before || stat(path, &st) < 0)
                return fchmod(fd, dress.mode) < 0 ? neg_errno() : 0;
        if (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0)
                return neg_errno();
        return copy_label(path, fd);
}

/* ".grub.airlock-XXXXXX" beside "grub": nobody takes it for a file of that directory, or for one of
 * somebody else's. */
static char *temporary_name(const char *path) {
        g_autofree char *dir = g_path_get_dirname(path), *name = g_path_get_basename(path);

        return g_strdup_printf("%s/.%s" TEMPORARY "XXXXXX", dir, name);
}

static int replace_file(const char *path, const void *data, size_t size, Dress dress, Err *err) {
        g_autofree char *temporary = temporary_name(path);
        _cleanup_(closep) int fd = mkostemp(temporary, O_CLOEXEC);
        int r;

        if (fd < 0)
                return fail_errno(err, neg_errno(), "cannot write '%s'", path);
        r = write_all(fd, data, size);
        if (r == 0)
                r = dress_file(path, fd, dress);
        if (r == 0 && fsync(fd) < 0)
                r = neg_errno();
        if (r == 0 && rename(temporary, path) < 0)
                r = neg_errno();
        if (r < 0) {
                unlink(temporary);
                return fail_errno(err, r, "cannot write '%s'", path);
        }
        r = file_sync_parent(path);
        return r < 0 ? fail_errno(err, r, "cannot sync the directory of '%s'", path) : 0;
}

/* What mkostemp() makes of the end of such a name. */
static bool is_leftover(const char *entry, const char *name) {
        const char *rest = entry + 1 + strlen(name) + strlen(TEMPORARY);

        if (*entry != '.' || !g_str_has_prefix(entry + 1, name) ||
            !g_str_has_prefix(entry + 1 + strlen(name), TEMPORARY))
                return false;
        return strlen(rest) == 6 && strspn(rest, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS) == 6;
}

void file_remove_leftovers(const char *path) {
        g_autofree char *dir_path = g_path_get_dirname(path), *name = g_path_get_basename(path);
        g_autoptr(GDir) dir = g_dir_open(dir_path, 0, NULL);
        const char *entry;

        while (dir && (entry = g_dir_read_name(dir))) {
                g_autofree char *full = g_build_filename(dir_path, entry, NULL);

                if (is_leftover(entry, name) && g_file_test(full, G_FILE_TEST_IS_REGULAR) &&
                    !g_file_test(full, G_FILE_TEST_IS_SYMLINK))
                        unlink(full);
        }
}

int file_write_atomic(const char *path, const void *data, size_t size, Err *err) {
        return replace_file(path, data, size, (Dress){.mode = 0600}, err);
}

int file_replace_atomic(const char *path, const void *data, size_t size, unsigned mode, Err *err) {
        return replace_file(path, data, size, (Dress){mode, .as_before = true}, err);
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_size, Err *err) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        g_autofree char *data = NULL;
        size_t done = 0;
        struct stat st;

        if (fd < 0 && errno == ENOENT)
                return -ENOENT;
        if (fd < 0 || fstat(fd, &st) < 0)
                return fail_errno(err, neg_errno(), "cannot open '%s'", path);
        if ((uint64_t)st.st_size > max)
                return fail_errno(err, -EFBIG, "cannot read '%s' of more than %zu bytes", path,
                                  max);
        data = g_malloc((size_t)st.st_size + 1);
        while (done < (size_t)st.st_size) {
                ssize_t n = read(fd, data + done, (size_t)st.st_size - done);

                if (n < 0)
                        return fail_errno(err, neg_errno(), "cannot read '%s'", path);
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        data[done] = '\0';
        if (ret_size)
                *ret_size = done;
        *ret = g_steal_pointer(&data);
        return 0;
}

int file_remove(const char *path, Err *err) {
        if (unlink(path) < 0)
                return errno == ENOENT ? 0
                                       : fail_errno(err, neg_errno(), "cannot remove '%s'", path);
        file_sync_parent(path);
        return 0;
}

int file_mkdir_p(const char *path, unsigned mode, Err *err) {
        if (g_mkdir_with_parents(path, (int)(mode ? mode : 0755)) < 0)
                return fail_errno(err, neg_errno(), "cannot create the directory '%s'", path);
        return 0;
}
