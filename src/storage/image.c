/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/image.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define ISO_MAGIC_AT 32769
#define ISO_MAGIC    "CD001"

void image_head_done(ImageHead *head) {
        qcow2_clear(&head->qcow2);
}

static bool is_iso(const uint8_t *bytes, size_t size) {
        return size >= ISO_MAGIC_AT + strlen(ISO_MAGIC) &&
               memcmp(bytes + ISO_MAGIC_AT, ISO_MAGIC, strlen(ISO_MAGIC)) == 0;
}

int image_read_head(int fd, uint64_t size, ImageHead *ret) {
        g_autofree uint8_t *bytes = g_malloc(QCOW2_HEAD_MAX);
        ssize_t n = pread(fd, bytes, QCOW2_HEAD_MAX, 0);

        if (n < 0)
                return neg_errno();
        *ret = (ImageHead){.format = VOLUME_FORMAT_RAW, .capacity = size};
        if (qcow2_parse("", bytes, (size_t)n, &ret->qcow2, NULL) == 0) {
                ret->format = VOLUME_FORMAT_QCOW2;
                ret->capacity = ret->qcow2.capacity;
        } else if (is_iso(bytes, (size_t)n)) {
                ret->format = VOLUME_FORMAT_ISO;
        }
        return 0;
}

static int read_qcow2_capacity(int fd, const char *path, uint64_t *ret, Err *err) {
        g_autofree uint8_t *bytes = g_malloc(QCOW2_HEAD_MAX);
        ssize_t n = pread(fd, bytes, QCOW2_HEAD_MAX, 0);
        g_auto(Qcow2Head) head = {};
        int r;

        if (n < 0)
                return fail_errno(err, neg_errno(), "cannot read the image '%s'", path);
        r = qcow2_parse(path, bytes, (size_t)n, &head, err);
        if (r == 0)
                *ret = head.capacity;
        return r;
}

int image_read_info(const char *path, bool is_qcow2, ImageInfo *ret, Err *err) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat status;
        off_t end;

        if (fd < 0 || fstat(fd, &status) < 0)
                return fail_errno(err, neg_errno(), "cannot open the image '%s'", path);
        end = lseek(fd, 0, SEEK_END); /* of a block device too */
        ret->size = ret->capacity = end > 0 ? (uint64_t)end : 0;
        ret->allocated = S_ISBLK(status.st_mode) ? ret->size : (uint64_t)status.st_blocks * 512;
        return is_qcow2 ? read_qcow2_capacity(fd, path, &ret->capacity, err) : 0;
}

/* ---- qemu-img ---- */

/* -o key=value,…: a comma in a value is doubled. */
static void append_option(GString *options, const char *key, const char *value) {
        g_auto(GStrv) parts = g_strsplit(value, ",", -1);
        g_autofree char *escaped = g_strjoinv(",,", parts);

        g_string_append_printf(options, "%s%s=%s", options->len > 0 ? "," : "", key, escaped);
}

/* An image that is to take all of its space gets it at once. */
static const char *preallocation(const VolumeDef *def, bool preallocate) {
        if (preallocate)
                return "metadata";
        if (def->capacity.is_set && def->capacity.value > 0 && def->allocation.is_set &&
            def->allocation.value >= def->capacity.value && !def->backing.path)
                return "falloc";
        return NULL;
}

static char *qcow2_options(const VolumeDef *def, bool preallocate) {
        const char *mode = preallocation(def, preallocate);
        g_autofree char *cluster =
                g_strdup_printf("%" G_GUINT64_FORMAT, def->target.cluster_size.bytes.value);
        GString *options = g_string_new(NULL);

        append_option(options, "compat", def->target.compat ? def->target.compat : "1.1");
        if (def->backing.path) {
                append_option(options, "backing_file", def->backing.path);
                append_option(options, "backing_fmt", def->backing.format.type);
        }
        if (def->target.cluster_size.bytes.is_set)
                append_option(options, "cluster_size", cluster);
        if (def->target.features.lazy_refcounts.node.is_present)
                append_option(options, "lazy_refcounts", "on");
        if (def->target.features.extended_l2.node.is_present)
                append_option(options, "extended_l2", "on");
        if (def->target.nocow.node.is_present)
                append_option(options, "nocow", "on");
        if (mode)
                append_option(options, "preallocation", mode);
        return g_string_free(options, FALSE);
}

static void add(GPtrArray *args, const char *word) {
        g_ptr_array_add(args, g_strdup(word));
}

static char **finish(GPtrArray *args) {
        g_ptr_array_add(args, NULL);
        return (char **)g_ptr_array_free(args, FALSE);
}

static void add_format(GPtrArray *args, const char *option, const VolumeDef *def,
                       bool preallocate) {
        g_autofree char *options = NULL;

        add(args, option);
        add(args, volume_format_to_string(def->target.format.type));
        if (def->target.format.type != VOLUME_FORMAT_QCOW2)
                return;
        options = qcow2_options(def, preallocate);
        add(args, "-o");
        add(args, options);
}

char **image_create_args(const VolumeDef *def, bool preallocate) {
        GPtrArray *args = g_ptr_array_new();

        add(args, "create");
        add(args, "-q");
        add_format(args, "-f", def, preallocate);
        return finish(args);
}

char **image_convert_args(const VolumeDef *def, VolumeFormat from, bool preallocate) {
        GPtrArray *args = g_ptr_array_new();

        add(args, "convert");
        add(args, "-p");
        add(args, "-f");
        add(args, from == VOLUME_FORMAT_QCOW2 ? "qcow2" : "raw");
        add_format(args, "-O", def, preallocate);
        return finish(args);
}

char **image_resize_args(const VolumeDef *def, uint64_t capacity, bool shrink, bool preallocate) {
        GPtrArray *args = g_ptr_array_new();

        add(args, "resize");
        add(args, "-q");
        add(args, "-f");
        add(args, volume_format_to_string(def->target.format.type));
        if (shrink)
                add(args, "--shrink");
        if (preallocate)
                add(args, "--preallocation=falloc");
        return finish(args);
}
