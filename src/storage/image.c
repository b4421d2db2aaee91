/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/image.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define HEAD_BYTES     65536 /* in which all lies that is looked at */
#define BACKING_MAX    1023  /* bytes of a backing file's name, by the format */
#define CLUSTER_BITS   21    /* at most */
#define EXTENSIONS_MAX 64

/* Header of qcow2: big-endian numbers at these offsets. */
enum {
        QCOW2_VERSION = 4,
        QCOW2_BACKING_OFFSET = 8,
        QCOW2_BACKING_SIZE = 16,
        QCOW2_CLUSTER_BITS = 20,
        QCOW2_SIZE = 24,
        QCOW2_INCOMPATIBLE = 72,
        QCOW2_COMPATIBLE = 80,
        QCOW2_HEADER_LENGTH = 100,
        QCOW2_V2_LENGTH = 72,
        QCOW2_V3_LENGTH = 104,
};
#define QCOW2_MAGIC          "QFI\xfb"
#define QCOW2_BACKING_FORMAT 0xe2792acau
#define QCOW2_EXTENDED_L2    (UINT64_C(1) << 4)
#define QCOW2_LAZY           (UINT64_C(1) << 0)

#define ISO_MAGIC_AT 32769
#define ISO_MAGIC    "CD001"

typedef struct Bytes {
        uint8_t data[HEAD_BYTES];
        size_t size;
} Bytes;

void image_head_done(ImageHead *head) {
        g_clear_pointer(&head->backing, g_free);
        g_clear_pointer(&head->backing_format, g_free);
}

static uint64_t number_at(const Bytes *bytes, size_t offset, size_t size) {
        uint64_t number = 0;

        if (offset + size > bytes->size)
                return 0;
        for (size_t i = 0; i < size; i++)
                number = number << 8 | bytes->data[offset + i];
        return number;
}

static char *text_at(const Bytes *bytes, uint64_t offset, uint64_t size) {
        if (size == 0 || size > BACKING_MAX || offset > bytes->size ||
            offset + size > bytes->size || memchr(bytes->data + offset, 0, size))
                return NULL;
        return g_strndup((const char *)bytes->data + offset, size);
}

/* The extensions lie between the header and the first cluster's end. */
static char *find_backing_format(const Bytes *bytes, uint64_t offset) {
        for (unsigned i = 0; i < EXTENSIONS_MAX && offset + 8 <= bytes->size; i++) {
                uint64_t type = number_at(bytes, offset, 4), size = number_at(bytes, offset + 4, 4);

                if (type == 0)
                        return NULL;
                if (type == QCOW2_BACKING_FORMAT)
                        return text_at(bytes, offset + 8, size);
                offset += 8 + (size + 7) / 8 * 8;
        }
        return NULL;
}

static bool read_qcow2(const Bytes *bytes, ImageHead *head) {
        uint64_t version = number_at(bytes, QCOW2_VERSION, 4);
        uint64_t bits = number_at(bytes, QCOW2_CLUSTER_BITS, 4);
        uint64_t length = version >= 3 ? number_at(bytes, QCOW2_HEADER_LENGTH, 4) : QCOW2_V2_LENGTH;

        if (bytes->size < QCOW2_V3_LENGTH || memcmp(bytes->data, QCOW2_MAGIC, 4) != 0 ||
            version < 2 || version > 3 || bits < 9 || bits > CLUSTER_BITS)
                return false;
        head->format = VOLUME_FORMAT_QCOW2;
        head->version = (unsigned)version;
        head->capacity = number_at(bytes, QCOW2_SIZE, 8);
        head->cluster_size = 1u << bits;
        head->backing = text_at(bytes, number_at(bytes, QCOW2_BACKING_OFFSET, 8),
                                number_at(bytes, QCOW2_BACKING_SIZE, 4));
        if (head->backing)
                head->backing_format = find_backing_format(bytes, length);
        if (version >= 3) {
                head->extended_l2 = number_at(bytes, QCOW2_INCOMPATIBLE, 8) & QCOW2_EXTENDED_L2;
                head->lazy_refcounts = number_at(bytes, QCOW2_COMPATIBLE, 8) & QCOW2_LAZY;
        }
        return true;
}

static bool is_iso(const Bytes *bytes) {
        return bytes->size >= ISO_MAGIC_AT + strlen(ISO_MAGIC) &&
               memcmp(bytes->data + ISO_MAGIC_AT, ISO_MAGIC, strlen(ISO_MAGIC)) == 0;
}

int image_read_head(int fd, uint64_t size, ImageHead *ret) {
        g_autofree Bytes *bytes = g_new(Bytes, 1);
        ssize_t n = pread(fd, bytes->data, sizeof(bytes->data), 0);

        if (n < 0)
                return neg_errno();
        bytes->size = (size_t)n;
        *ret = (ImageHead){.format = VOLUME_FORMAT_RAW, .capacity = size};
        if (!read_qcow2(bytes, ret) && is_iso(bytes))
                ret->format = VOLUME_FORMAT_ISO;
        return 0;
}

char *image_backing_path(const ImageHead *head, const char *path) {
        g_autofree char *dir = NULL;
        const char *colon;

        if (!head->backing)
                return NULL;
        if (head->backing[0] == '/')
                return g_strdup(head->backing);
        colon = strchr(head->backing, ':');
        if (colon && !memchr(head->backing, '/', (size_t)(colon - head->backing)))
                return NULL;
        dir = g_path_get_dirname(path);
        return g_build_filename(dir, head->backing, NULL);
}

/* ---- qemu-img ---- */

/* -o key=value,…: a comma in a value is doubled. */
static void append_option(GString *options, const char *key, const char *value) {
        g_auto(GStrv) parts = g_strsplit(value, ",", -1);
        g_autofree char *escaped = g_strjoinv(",,", parts);

        g_string_append_printf(options, "%s%s=%s", options->len > 0 ? "," : "", key, escaped);
}

static char *qcow2_options(const VolumeDef *def) {
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
        return g_string_free(options, FALSE);
}

static void add(GPtrArray *args, const char *word) {
        g_ptr_array_add(args, g_strdup(word));
}

static char **finish(GPtrArray *args) {
        g_ptr_array_add(args, NULL);
        return (char **)g_ptr_array_free(args, FALSE);
}

static void add_format(GPtrArray *args, const char *option, const VolumeDef *def) {
        g_autofree char *options = NULL;

        add(args, option);
        add(args, volume_format_to_string(def->target.format.type));
        if (def->target.format.type != VOLUME_FORMAT_QCOW2)
                return;
        options = qcow2_options(def);
        add(args, "-o");
        add(args, options);
}

char **image_create_args(const VolumeDef *def) {
        GPtrArray *args = g_ptr_array_new();

        add(args, "create");
        add(args, "-q");
        add_format(args, "-f", def);
        return finish(args);
}

char **image_convert_args(const VolumeDef *def, VolumeFormat from) {
        GPtrArray *args = g_ptr_array_new();

        add(args, "convert");
        add(args, "-p");
        add(args, "-f");
        add(args, from == VOLUME_FORMAT_QCOW2 ? "qcow2" : "raw");
        add_format(args, "-O", def);
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
