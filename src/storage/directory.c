/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/util.h"
#include "storage/image.h"

static char *time_text(const struct statx_timestamp *time) {
        return g_strdup_printf("%" G_GINT64_FORMAT ".%09u", (gint64)time->tv_sec, time->tv_nsec);
}

static void fill_times(VolumeTimes *times, const struct statx *status) {
        times->node.is_present = true;
        times->atime = time_text(&status->stx_atime);
        times->mtime = time_text(&status->stx_mtime);
        times->ctime = time_text(&status->stx_ctime);
        if (status->stx_mask & STATX_BTIME)
                times->btime = time_text(&status->stx_btime);
}

static void fill_backing(VolumeDef *volume, const Qcow2Head *head) {
        VolumeBacking *backing = &volume->backing;
        struct stat status;

        if (!head->backing ||
            qcow2_backing_path(volume->target.path, head->backing, &backing->path) < 0)
                return;
        backing->node.is_present = true;
        backing->format.node.is_present = head->backing_format != NULL;
        backing->format.type = g_strdup(head->backing_format);
        if (stat(backing->path, &status) == 0)
                storage_set_permissions(&backing->permissions, status.st_mode, status.st_uid,
                                        status.st_gid);
}

static void fill_qcow2(VolumeDef *volume, const Qcow2Head *head) {
        volume->target.compat = g_strdup(head->version >= 3 ? "1.1" : "0.10");
        volume->target.cluster_size.node.is_present = true;
        volume->target.cluster_size.unit = g_strdup("B");
        volume->target.cluster_size.bytes = DOMAIN_NUM(head->cluster_size);
        volume->target.features.node.is_present = head->version >= 3;
        volume->target.features.lazy_refcounts.node.is_present = head->lazy_refcounts;
        volume->target.features.extended_l2.node.is_present = head->extended_l2;
        fill_backing(volume, head);
}

static int read_file(int dir, const char *name, VolumeDef *volume) {
        _cleanup_(closep) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        g_auto(ImageHead) head = {};
        int r;

        if (fd < 0)
                return neg_errno();
        r = image_read_head(fd, volume->physical.value, &head);
        if (r < 0)
                return r;
        volume->capacity = DOMAIN_NUM(head.capacity);
        volume->target.format.type = head.format;
        if (head.format == VOLUME_FORMAT_QCOW2)
                fill_qcow2(volume, &head.qcow2);
        return 0;
}

/* 1: it is a volume. */
static int read_entry(int dir, const char *path, const char *name, VolumeDef **ret) {
        g_autoptr(VolumeDef) volume = volume_def_new();
        struct statx status;
        int r = 0;

        if (statx(dir, name, 0, STATX_BASIC_STATS | STATX_BTIME, &status) < 0)
                return neg_errno();
        if (!S_ISREG(status.stx_mode) && !S_ISDIR(status.stx_mode))
                return 0;
        volume->type = S_ISDIR(status.stx_mode) ? VOLUME_TYPE_DIR : VOLUME_TYPE_FILE;
        volume->name = g_strdup(name);
        volume->target.path = g_build_filename(path, name, NULL);
        volume->key = g_strdup(volume->target.path);
        volume->capacity = volume->physical = DOMAIN_NUM(status.stx_size);
        volume->allocation = DOMAIN_NUM(status.stx_blocks * 512);
        volume->target.format.node.is_present = true;
        volume->target.format.type = VOLUME_FORMAT_DIR;
        storage_set_permissions(&volume->target.permissions, status.stx_mode, status.stx_uid,
                                status.stx_gid);
        fill_times(&volume->target.timestamps, &status);
        if (volume->type == VOLUME_TYPE_FILE)
                r = read_file(dir, name, volume);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&volume);
        return 1;
}

static int open_directory(const char *path, int *ret, Err *err) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return fail_errno(err, neg_errno(), "cannot open directory '%s'", path);
        *ret = fd;
        return 0;
}

int directory_read_volume(const char *path, const char *name, VolumeDef **ret, Err *err) {
        _cleanup_(closep) int dir = -1;
        int r = open_directory(path, &dir, err);

        if (r < 0)
                return r;
        r = volume_name_is_partial(name) || strchr(name, '/') ? 0
                                                              : read_entry(dir, path, name, ret);
        if (r > 0)
                return 0;
        fail(err, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'", name);
        return r < 0 ? r : -ENOENT;
}

static int compare_names(const void *a, const void *b) {
        return strcmp((*(VolumeDef *const *)a)->name, (*(VolumeDef *const *)b)->name);
}

static void free_volume(void *volume) {
        volume_def_free(volume);
}

/* A file that goes, or cannot be read, while the directory is, is none. */
int directory_scan(const char *path, GPtrArray **ret, Err *err) {
        g_autoptr(GPtrArray) volumes = g_ptr_array_new_with_free_func(free_volume);
        g_autoptr(GDir) names = g_dir_open(path, 0, NULL);
        _cleanup_(closep) int dir = -1;
        const char *name;
        int r = open_directory(path, &dir, err);

        if (r != 0)
                return r;
        while (names && (name = g_dir_read_name(names)) && volumes->len < DIRECTORY_VOLUMES_MAX) {
                VolumeDef *volume = NULL;

                if (!volume_name_is_partial(name) && read_entry(dir, path, name, &volume) > 0)
                        g_ptr_array_add(volumes, volume);
        }
        if (volumes->len > 1)
                qsort(volumes->pdata, volumes->len, sizeof(void *), compare_names);
        *ret = g_steal_pointer(&volumes);
        return 0;
}

void directory_remove_partial(const char *path) {
        g_autoptr(GDir) names = g_dir_open(path, 0, NULL);
        const char *name;

        while (names && (name = g_dir_read_name(names))) {
                g_autofree char *file = g_build_filename(path, name, NULL);
                struct stat status;

                if (volume_name_is_partial(name) && lstat(file, &status) == 0 &&
                    S_ISREG(status.st_mode))
                        unlink(file);
        }
}

int directory_read_space(PoolDef *pool, Err *err) {
        struct statvfs fs;

        if (statvfs(pool->target.path, &fs) < 0)
                return fail_errno(err, neg_errno(), "cannot read the file system of '%s'",
                                  pool->target.path);
        pool->capacity = DOMAIN_NUM((uint64_t)fs.f_frsize * fs.f_blocks);
        pool->available = DOMAIN_NUM((uint64_t)fs.f_frsize * fs.f_bfree);
        pool->allocation = DOMAIN_NUM(pool->capacity.value - pool->available.value);
        return 0;
}
