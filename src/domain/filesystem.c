/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/util.h"
#include "domain/kind.h"

#define VIRTIOFS_TAG_MAX 36 /* virtio 1.2, 5.11.4 */
#define P9_TAG_MAX       31 /* of QEMU */
#define QUEUE_MAX        1024
#define THREADS_MAX      4096
#define ID_MAPS_MAX      16

/* ---- XML ---- */

static const char *const types[] = {"mount", NULL};
static const char *const drivers[] = {"path", "virtiofs", NULL};
static const char *const access_modes[] = {"passthrough", "mapped", "squash", NULL};
static const char *const multidevs[] = {"default", "remap", "forbid", "warn", NULL};
static const char *const write_policies[] = {"immediate", NULL};
static const char *const caches[] = {"none", "always", NULL};
static const char *const sandboxes[] = {"namespace", "chroot", NULL};

static const DomainField driver_fields[] = {
        ATTR_ENUM(DomainFilesystem, driver.type, "type", drivers),
        ATTR_ENUM(DomainFilesystem, driver.wrpolicy, "wrpolicy", write_policies),
        ATTR_NUM(DomainFilesystem, driver.queue, "queue", .max = QUEUE_MAX),
        ATTR_ON(DomainFilesystem, driver.virtio.iommu, "iommu"),
        ATTR_ON(DomainFilesystem, driver.virtio.ats, "ats"),
        ATTR_ON(DomainFilesystem, driver.virtio.packed, "packed"),
        ATTR_ON(DomainFilesystem, driver.virtio.page_per_vq, "page_per_vq"),
        END,
};
static const DomainElement driver = PART_OF(DomainFilesystem, driver, "driver", driver_fields);

static const DomainField cache_fields[] = {
        ATTR_ENUM(DomainFilesystem, binary.cache.mode, "mode", caches, .is_required = true),
        END,
};
static const DomainElement cache = PART_OF(DomainFilesystem, binary.cache, "cache", cache_fields);

static const DomainField sandbox_fields[] = {
        ATTR_ENUM(DomainFilesystem, binary.sandbox.mode, "mode", sandboxes, .is_required = true),
        END,
};
static const DomainElement sandbox =
        PART_OF(DomainFilesystem, binary.sandbox, "sandbox", sandbox_fields);

static const DomainField lock_fields[] = {
        ATTR_ON(DomainFilesystem, binary.lock.posix, "posix"),
        ATTR_ON(DomainFilesystem, binary.lock.flock, "flock"),
        END,
};
static const DomainElement lock = PART_OF(DomainFilesystem, binary.lock, "lock", lock_fields);

static const DomainField thread_pool_fields[] = {
        ATTR_NUM(DomainFilesystem, binary.thread_pool.size, "size", .is_required = true,
                 .max = THREADS_MAX),
        END,
};
static const DomainElement thread_pool =
        PART_OF(DomainFilesystem, binary.thread_pool, "thread_pool", thread_pool_fields);

static const DomainField openfiles_fields[] = {
        ATTR_NUM(DomainFilesystem, binary.openfiles.max, "max", .is_required = true),
        END,
};
static const DomainElement openfiles =
        PART_OF(DomainFilesystem, binary.openfiles, "openfiles", openfiles_fields);

static const DomainField binary_fields[] = {
        ATTR_STRING(DomainFilesystem, binary.path, "path"),
        ATTR_ON(DomainFilesystem, binary.xattr, "xattr"),
        PART("cache", cache),
        PART("sandbox", sandbox),
        PART("lock", lock),
        PART("thread_pool", thread_pool),
        PART("openfiles", openfiles),
        END,
};
static const DomainElement binary = PART_OF(DomainFilesystem, binary, "binary", binary_fields);

static const DomainField id_fields[] = {
        ATTR_NUM(FsIdMap, start, "start", .is_required = true),
        ATTR_NUM(FsIdMap, target, "target", .is_required = true),
        ATTR_NUM(FsIdMap, count, "count", .is_required = true),
        END,
};
static const DomainElement uid = ELEMENT(FsIdMap, "uid", id_fields);
static const DomainElement gid = ELEMENT(FsIdMap, "gid", id_fields);

static const DomainField idmap_fields[] = {
        LIST(DomainFilesystem, idmap.uids, "uid", uid),
        LIST(DomainFilesystem, idmap.gids, "gid", gid),
        END,
};
static const DomainElement idmap = PART_OF(DomainFilesystem, idmap, "idmap", idmap_fields);

static const DomainField source_fields[] = {
        ATTR_STRING(DomainFilesystem, source.dir, "dir"),
        ATTR_STRING(DomainFilesystem, source.socket, "socket"),
        END,
};
static const DomainElement source = PART_OF(DomainFilesystem, source, "source", source_fields);

static const DomainField target_fields[] = {
        ATTR_STRING(DomainFilesystem, target.dir, "dir", .is_required = true),
        END,
};
static const DomainElement target = PART_OF(DomainFilesystem, target, "target", target_fields);

static const DomainElement readonly_flag = ELEMENT(DomainFlag, "readonly", domain_no_fields);

static const DomainField filesystem_fields[] = {
        ATTR_ENUM(DomainFilesystem, type, "type", types),
        ATTR_ENUM(DomainFilesystem, accessmode, "accessmode", access_modes),
        ATTR_ENUM(DomainFilesystem, model, "model", domain_virtio_forms),
        ATTR_ENUM(DomainFilesystem, multidevs, "multidevs", multidevs),
        ATTR_STRING(DomainFilesystem, fmode, "fmode"),
        ATTR_STRING(DomainFilesystem, dmode, "dmode"),
        PART("driver", driver),
        PART("binary", binary),
        PART("idmap", idmap),
        PART("source", source),
        PART("target", target, .is_required = true),
        CHILD(DomainFilesystem, readonly, "readonly", readonly_flag),
        DEVICE_BOOT,
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

/* ---- defaults ---- */

static bool is_virtiofs(const DomainFilesystem *fs) {
        return fs->driver.type == FS_DRIVER_VIRTIOFS;
}

/* Four digits, where it is a mode at all. */
static void fill_mode(char **mode) {
        uint64_t value;

        if (!*mode || str_to_uint(*mode, 8, 0777, &value) < 0)
                return;
        g_free(*mode);
        *mode = g_strdup_printf("%04o", (unsigned)value);
}

static int fill_filesystem(DomainDef *def, DomainDevice *device, Err *err) {
        DomainFilesystem *fs = (DomainFilesystem *)device;

        FILL_ENUM(fs->type, FS_TYPE_MOUNT);
        if (!is_virtiofs(fs))
                FILL_ENUM(fs->accessmode, FS_ACCESS_PASSTHROUGH);
        fill_mode(&fs->fmode);
        fill_mode(&fs->dmode);
        return 0;
}

/* ---- checks ---- */

/* A mount tag is a word of the guest's; it may look like a path. */
static int check_tag(const DomainFilesystem *fs, Err *err) {
        size_t max = is_virtiofs(fs) ? VIRTIOFS_TAG_MAX : P9_TAG_MAX;
        const char *tag = fs->target.dir;

        for (const char *s = tag; *s; s++)
                if (*s < ' ' || *s > '~')
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<target dir=…> at line %u of <filesystem> is no plain text",
                                    fs->target.node.line);
        if (*tag && strlen(tag) <= max)
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "<target dir='%s'> at line %u of <filesystem>: the guest mounts it by a name "
                    "of 1 to %zu bytes",
                    tag, fs->target.node.line, max);
}

static bool is_cell_shared(const DomainDef *def, const DomainCell *cell) {
        MemoryAccess mode = cell->access ? cell->access : def->memory_backing.access.mode;

        return mode == MEMORY_SHARED;
}

/* The program beside QEMU maps all of the guest's memory. */
bool domain_memory_is_shared(const DomainDef *def) {
        const GPtrArray *cells = def->cpu.numa.cells;

        for (guint i = 0; cells && i < cells->len; i++)
                if (!is_cell_shared(def, cells->pdata[i]))
                        return false;
        return (cells && cells->len > 0) || def->memory_backing.access.mode == MEMORY_SHARED;
}

static bool are_ids_good(const GPtrArray *maps) {
        for (guint i = 0; maps && i < maps->len; i++) {
                const FsIdMap *map = maps->pdata[i];

                if (map->count.value == 0 || map->start.value + map->count.value > UINT32_MAX ||
                    map->target.value + map->count.value > UINT32_MAX)
                        return false;
        }
        return !maps || maps->len <= ID_MAPS_MAX;
}

/* What virtiofs does not have; NULL: all is well. */
static const char *virtiofs_fault(const DomainFilesystem *fs) {
        const struct {
                bool is_bad;
                const char *what;
        } rules[] = {
                {fs->accessmode > FS_ACCESS_PASSTHROUGH, "has accessmode='passthrough' only"},
                {fs->driver.wrpolicy != 0, "has no wrpolicy"},
                {fs->readonly.node.is_present, "has no <readonly/>"},
                {fs->multidevs || fs->fmode || fs->dmode, "has no multidevs, fmode and dmode"},
                {fs->model > VIRTIO_FORM_PLAIN, "has one form only: leave out the model"},
                {fs->source.socket && (fs->source.dir || fs->binary.node.is_present ||
                                       fs->idmap.node.is_present),
                 "with a socket has neither dir, <binary> nor <idmap>: they are for who serves it"},
                {!fs->source.socket && !fs->source.dir, "needs a <source> with dir or socket"},
                {fs->source.dir && strpbrk(fs->source.dir, ",\n"),
                 "cannot serve a directory with ',' in its path"},
                {fs->driver.queue.is_set &&
                         (fs->driver.queue.value < 2 ||
                          (fs->driver.queue.value & (fs->driver.queue.value - 1)) != 0),
                 "has a queue whose size is a power of 2, from 2 to 1024"},
                {!are_ids_good(fs->idmap.uids) || !are_ids_good(fs->idmap.gids),
                 "has an <idmap> of more than 16 ranges, or one that is empty or goes too far"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
                if (rules[i].is_bad)
                        return rules[i].what;
        return NULL;
}

static int check_virtiofs(const DomainDef *def, const DomainFilesystem *fs, Err *err) {
        const char *fault = virtiofs_fault(fs);

        if (fault)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<filesystem> at line %u: driver 'virtiofs' %s", fs->base.node.line,
                            fault);
        if (domain_memory_is_shared(def))
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "<filesystem> at line %u: virtiofs needs the guest's memory to be "
                              "shared",
                              fs->base.node.line),
                         "add <memoryBacking><source type='memfd'/><access mode='shared'/>"
                         "</memoryBacking>");
}

static bool is_mode(const char *mode) {
        uint64_t value;

        return !mode || str_to_uint(mode, 8, 0777, &value) == 0;
}

static int check_9p(const DomainFilesystem *fs, Err *err) {
        const struct {
                bool is_bad;
                const char *what;
        } rules[] = {
                {fs->source.socket || fs->binary.node.is_present || fs->idmap.node.is_present ||
                         fs->driver.queue.is_set,
                 "socket, <binary>, <idmap> and queue are for driver 'virtiofs'"},
                {!fs->source.dir, "it needs a <source dir=…>"},
                {(fs->fmode || fs->dmode) && fs->accessmode != FS_ACCESS_MAPPED,
                 "fmode and dmode are for accessmode='mapped'"},
                {!is_mode(fs->fmode) || !is_mode(fs->dmode),
                 "fmode and dmode are octal numbers up to 0777"},
                {fs->base.boot.node.is_present, "nothing boots from 9p"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
                if (rules[i].is_bad)
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "<filesystem> at line %u: %s",
                                    fs->base.node.line, rules[i].what);
        return 0;
}

static int check_filesystem(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainFilesystem *fs = (const DomainFilesystem *)device;
        const struct {
                const char *path, *what;
                unsigned line;
        } paths[] = {
                {fs->source.dir, "source", fs->source.node.line},
                {fs->source.socket, "source", fs->source.node.line},
                {fs->binary.path, "binary", fs->binary.node.line},
        };
        int r = check_tag(fs, err);

        for (size_t i = 0; i < G_N_ELEMENTS(paths) && r == 0; i++)
                r = domain_check_path(paths[i].path, paths[i].what, paths[i].line, err);
        if (r < 0)
                return r;
        return is_virtiofs(fs) ? check_virtiofs(def, fs, err) : check_9p(fs, err);
}

/* ---- the kind ---- */

static char *filesystem_key(const DomainDevice *device) {
        return g_strdup_printf("file system target '%s'",
                               ((const DomainFilesystem *)device)->target.dir);
}

static char *describe_filesystem(const DomainDevice *device) {
        return g_strdup_printf("filesystem %s", ((const DomainFilesystem *)device)->target.dir);
}

static bool is_same_filesystem(const DomainDevice *device, const DomainDevice *wanted) {
        return g_str_equal(((const DomainFilesystem *)device)->target.dir,
                           ((const DomainFilesystem *)wanted)->target.dir);
}

const DomainKind domain_filesystem_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_FILESYSTEM, DomainFilesystem, "filesystem",
                                  filesystem_fields),
        .alias = "fs",
        .fill = fill_filesystem,
        .check = check_filesystem,
        .key = filesystem_key,
        .describe = describe_filesystem,
        .is_same = is_same_filesystem,
        .is_pci = domain_kind_always_pci,
};
