/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/qcow2.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

#define MAGIC            0x514649fbu /* "QFI\xfb" */
#define HEADER_V2        72
#define HEADER_V3        104
#define BACKING_MAX      1023
#define FORMAT_MAX       32
#define FEATURE_DATA     (UINT64_C(1) << 2) /* incompatible features: external data file, */
#define FEATURE_L2       (UINT64_C(1) << 4) /* extended L2 entries; */
#define FEATURE_LAZY     (UINT64_C(1) << 0) /* compatible: lazy reference counts */
#define CLUSTER_BITS_MIN 9
#define CLUSTER_BITS_MAX 21
#define EXT_END          0u
#define EXT_FORMAT       0xe2792acau
#define EXTENSIONS_AT    100 /* header_length of version 3 */

enum {
        AT_VERSION = 4,
        AT_BACKING = 8,
        AT_BACKING_SIZE = 16,
        AT_CLUSTER_BITS = 20,
        AT_CAPACITY = 24,
        AT_CRYPT = 32,
        AT_INCOMPATIBLE = 72,
        AT_COMPATIBLE = 80,
};

static uint32_t read_u32(const uint8_t *at) {
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t read_u64(const uint8_t *at) {
        return (uint64_t)read_u32(at) << 32 | read_u32(at + 4);
}

void qcow2_clear(Qcow2Head *head) {
        g_free(head->backing);
        g_free(head->backing_format);
        *head = (Qcow2Head){};
}

static int fail_head(const char *name, const char *what, Err *err) {
        return fail(err, VIR_ERR_OPERATION_INVALID, "the image '%s' %s", name, what);
}

/* A text without a NUL inside; NULL: it has one, or lies outside. */
static char *read_text(const uint8_t *bytes, size_t size, uint64_t offset, uint64_t length) {
        if (offset > size || length > size - offset || memchr(bytes + offset, 0, length))
                return NULL;
        return g_strndup((const char *)bytes + offset, length);
}

static int read_backing(const char *name, const uint8_t *bytes, size_t size, Qcow2Head *ret,
                        Err *err) {
        uint64_t offset = read_u64(bytes + AT_BACKING);
        uint32_t length = read_u32(bytes + AT_BACKING_SIZE);

        if (offset == 0 || length == 0)
                return 0;
        ret->backing = length <= BACKING_MAX ? read_text(bytes, size, offset, length) : NULL;
        return ret->backing ? 0 : fail_head(name, "has a broken name of a backing file", err);
}

/* Extensions are type, length and data, filled up to a multiple of 8. */
static int read_extensions(const char *name, const uint8_t *bytes, size_t size, size_t at,
                           Qcow2Head *ret, Err *err) {
        while (at + 8 <= size) {
                uint32_t type = read_u32(bytes + at), length = read_u32(bytes + at + 4);

                at += 8;
                if (type == EXT_END)
                        return 0;
                if (length > size - at)
                        break;
                if (type == EXT_FORMAT) {
                        g_free(ret->backing_format);
                        ret->backing_format =
                                length <= FORMAT_MAX ? read_text(bytes, size, at, length) : NULL;
                        if (!ret->backing_format)
                                break;
                }
                at += (length + 7u) & ~(size_t)7;
        }
        return fail_head(name, "has a header whose extensions do not end", err);
}

/* Size of the header; 0: it cannot be. */
static size_t header_size(const uint8_t *bytes, size_t size) {
        uint32_t version = read_u32(bytes + AT_VERSION), length;

        if (version == 2)
                return HEADER_V2;
        if (version != 3 || size < HEADER_V3)
                return 0;
        length = read_u32(bytes + EXTENSIONS_AT);
        return length >= HEADER_V3 && length <= size ? length : 0;
}

static int parse(const char *name, const uint8_t *bytes, size_t size, Qcow2Head *ret, Err *err) {
        uint32_t bits;
        size_t header;
        int r;

        if (size < HEADER_V2 || read_u32(bytes) != MAGIC)
                return fail_head(name, "is no qcow2 image", err);
        header = header_size(bytes, size);
        if (header == 0)
                return fail_head(name, "has no header of qcow2, version 2 or 3", err);
        bits = read_u32(bytes + AT_CLUSTER_BITS);
        ret->capacity = read_u64(bytes + AT_CAPACITY);
        ret->version = read_u32(bytes + AT_VERSION);
        if (bits < CLUSTER_BITS_MIN || bits > CLUSTER_BITS_MAX)
                return fail_head(name, "has clusters of a size that cannot be", err);
        ret->cluster_size = 1u << bits;
        ret->is_encrypted = read_u32(bytes + AT_CRYPT) != 0;
        if (header > HEADER_V2) {
                uint64_t features = read_u64(bytes + AT_INCOMPATIBLE);

                ret->has_data_file = features & FEATURE_DATA;
                ret->extended_l2 = features & FEATURE_L2;
                ret->lazy_refcounts = read_u64(bytes + AT_COMPATIBLE) & FEATURE_LAZY;
        }
        r = read_backing(name, bytes, size, ret, err);
        return r < 0 ? r : read_extensions(name, bytes, size, header, ret, err);
}

int qcow2_parse(const char *name, const uint8_t *bytes, size_t size, Qcow2Head *ret, Err *err) {
        g_auto(Qcow2Head) head = {};
        int r = parse(name, bytes, size, &head, err);

        if (r < 0)
                return r;
        *ret = head;
        head = (Qcow2Head){};
        return 0;
}

int qcow2_backing_path(const char *image, const char *backing, char **ret) {
        const char *colon = strchr(backing, ':'), *slash = strchr(backing, '/');
        g_autofree char *directory = NULL;

        if (colon && (!slash || colon < slash))
                return -EINVAL;
        if (backing[0] == '/') {
                *ret = g_strdup(backing);
                return 0;
        }
        directory = g_path_get_dirname(image);
        *ret = g_build_filename(directory, backing, NULL);
        return 0;
}
