/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/pool-def.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "domain/document.h"
#include "domain/fields.h"

#define MODE_MAX 07777

static const DomainField no_fields[] = {END};

/* ---- permissions ---- */

/* -1 stands for "as it is". */
static const DomainField permissions_fields[] = {
        LEAF_STRING(StoragePermissions, mode, "mode"),
        ATTR_(StoragePermissions, owner, "owner", FIELD_PORT, .place = PLACE_LEAF),
        ATTR_(StoragePermissions, group, "group", FIELD_PORT, .place = PLACE_LEAF),
        LEAF_STRING(StoragePermissions, label, "label"),
        END,
};
static const DomainElement permissions_element =
        ELEMENT(StoragePermissions, "permissions", permissions_fields);

unsigned storage_mode(const StoragePermissions *permissions, unsigned other) {
        unsigned mode = 0;

        if (!permissions->mode)
                return other;
        for (const char *digit = permissions->mode; *digit; digit++)
                mode = mode << 3 | (unsigned)(*digit - '0');
        return mode;
}

void storage_set_permissions(StoragePermissions *permissions, unsigned mode, unsigned owner,
                             unsigned group) {
        permissions->node.is_present = true;
        g_free(permissions->mode);
        permissions->mode = g_strdup_printf("%04o", mode & MODE_MAX);
        permissions->owner = DOMAIN_NUM(owner);
        permissions->group = DOMAIN_NUM(group);
}

static int check_permissions(const StoragePermissions *permissions, Err *err) {
        const char *mode = permissions->mode;

        if (!mode || (strlen(mode) <= 5 && strspn(mode, "01234567") == strlen(mode) && *mode &&
                      storage_mode(permissions, 0) <= MODE_MAX))
                return 0;
        return fail(err, VIR_ERR_XML_ERROR, "<mode>%s</mode> at line %u is no octal mode", mode,
                    permissions->node.line);
}

#define PARTIAL_DIGITS 8

char *volume_partial_name(const char *name) {
        /* Short enough for a file system whatever the volume's own name. */
        return g_strdup_printf(".%.200s" VOLUME_PARTIAL "%0*x", name, PARTIAL_DIGITS,
                               g_random_int());
}

bool volume_name_is_partial(const char *name) {
        const char *mark = g_strrstr(name, VOLUME_PARTIAL);
        const char *digits = mark ? mark + strlen(VOLUME_PARTIAL) : "";

        return name[0] == '.' && strlen(digits) == PARTIAL_DIGITS &&
               strspn(digits, "0123456789abcdef") == PARTIAL_DIGITS;
}

/* ---- pool ---- */

static const char *const pool_types[] = {"dir", NULL};

static const DomainField pool_target_fields[] = {
        LEAF_STRING(PoolDef, target.path, "path", .is_required = true),
        CHILD(PoolDef, target.permissions, "permissions", permissions_element),
        END,
};
static const DomainElement pool_target = PART_OF(PoolDef, target, "target", pool_target_fields);
static const DomainElement empty_source = ELEMENT(DomainFlag, "source", no_fields);

#define BYTES(T, f, xml) ATTR_(T, f, xml, FIELD_BYTES, .place = PLACE_LEAF)

static const DomainField pool_fields[] = {
        ATTR_ENUM(PoolDef, type, "type", pool_types, .is_required = true),
        LEAF_STRING(PoolDef, name, "name"),
        ATTR_(PoolDef, uuid, "uuid", FIELD_UUID, .place = PLACE_LEAF),
        BYTES(PoolDef, capacity, "capacity"),
        BYTES(PoolDef, allocation, "allocation"),
        BYTES(PoolDef, available, "available"),
        CHILD(PoolDef, source, "source", empty_source),
        PART("target", pool_target, .is_required = true),
        END,
};
static const DomainElement pool_element = ELEMENT(PoolDef, "pool", pool_fields);

void pool_def_free(PoolDef *def) {
        domain_element_free(&pool_element, def);
}

PoolDef *pool_def_copy(const PoolDef *def) {
        return domain_element_copy(&pool_element, def);
}

static int fill_path(PoolDef *def, Err *err) {
        char *path = def->target.path;

        if (path[0] != '/')
                return fail(err, VIR_ERR_XML_ERROR,
                            "the path '%s' of the pool's <target> is not absolute", path);
        for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
                path[n - 1] = 0;
        return 0;
}

/* Types of libvirt's pools that a directory cannot stand for. */
static int check_pool(const xmlNode *root, Err *err) {
        static const char *const others[] = {
                "fs",    "netfs", "logical",  "disk",    "iscsi", "iscsi-direct", "scsi",
                "mpath", "rbd",   "sheepdog", "gluster", "zfs",   "vstorage",     NULL};
        g_autofree char *type = xml_attr(root, "type");

        if (!type || !g_strv_contains(others, type))
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "storage pools of type '%s' are not served, but directories are",
                              type),
                         "mount it, and define a pool of type 'dir' there");
}

int pool_def_parse(const char *text, bool validate, GPtrArray *warnings, PoolDef **ret, Err *err) {
        g_autoptr(PoolDef) def = domain_element_new(&pool_element);
        const DomainDocument document = {&pool_element, validate, warnings, check_pool};
        int r = domain_document_parse(text, &document, def, err);

        if (r == 0)
                r = fill_path(def, err);
        if (r < 0)
                return r;
        if (!def->name)
                return fail(err, VIR_ERR_XML_ERROR, "the pool has no <name>");
        r = domain_check_file_name(def->name, "pool", POOL_NAME_MAX, err);
        if (r == 0)
                r = check_permissions(&def->target.permissions, err);
        if (r < 0)
                return r;
        def->capacity = def->allocation = def->available = DOMAIN_NUM(0);
        def->source.node.is_present = true;
        domain_uuid_fill(def->uuid);
        *ret = g_steal_pointer(&def);
        return 0;
}

char *pool_def_format(const PoolDef *def, bool inactive) {
        g_autoptr(PoolDef) copy = NULL;

        if (!inactive)
                return domain_document_format(&pool_element, def);
        copy = pool_def_copy(def);
        copy->capacity = copy->allocation = copy->available = DOMAIN_NUM(0);
        return domain_document_format(&pool_element, copy);
}

/* ---- volume ---- */

static const char *const volume_types[] = {"file", "dir", NULL};
static const char *const volume_formats[] = {"raw", "qcow2", "iso", "dir", NULL};

const char *volume_format_to_string(VolumeFormat format) {
        return format ? volume_formats[format - 1] : "raw";
}

static const DomainField times_fields[] = {
        LEAF_STRING(VolumeTimes, atime, "atime"),
        LEAF_STRING(VolumeTimes, mtime, "mtime"),
        LEAF_STRING(VolumeTimes, ctime, "ctime"),
        LEAF_STRING(VolumeTimes, btime, "btime"),
        END,
};
static const DomainElement times_element = ELEMENT(VolumeTimes, "timestamps", times_fields);

static const DomainField format_fields[] = {
        ATTR_ENUM(VolumeDef, target.format.type, "type", volume_formats, .is_required = true),
        END,
};
static const DomainElement format_element =
        PART_OF(VolumeDef, target.format, "format", format_fields);

static const DomainField cluster_fields[] = {
        ATTR_STRING(VolumeDef, target.cluster_size.unit, "unit"),
        TEXT_NUM(VolumeDef, target.cluster_size.bytes, .max = 2u << 20),
        END,
};
static const DomainElement cluster_element =
        PART_OF(VolumeDef, target.cluster_size, "clusterSize", cluster_fields);

static const DomainElement nocow_element = ELEMENT(DomainFlag, "nocow", no_fields);
static const DomainElement lazy_element = ELEMENT(DomainFlag, "lazy_refcounts", no_fields);
static const DomainElement extended_element = ELEMENT(DomainFlag, "extended_l2", no_fields);

static const DomainField features_fields[] = {
        CHILD(VolumeFeatures, lazy_refcounts, "lazy_refcounts", lazy_element),
        CHILD(VolumeFeatures, extended_l2, "extended_l2", extended_element),
        END,
};
static const DomainElement features_element = ELEMENT(VolumeFeatures, "features", features_fields);

static const DomainField volume_target_fields[] = {
        LEAF_STRING(VolumeDef, target.path, "path"),
        PART("format", format_element),
        CHILD(VolumeDef, target.permissions, "permissions", permissions_element),
        CHILD(VolumeDef, target.timestamps, "timestamps", times_element),
        LEAF_STRING(VolumeDef, target.compat, "compat"),
        PART("clusterSize", cluster_element),
        CHILD(VolumeDef, target.nocow, "nocow", nocow_element),
        CHILD(VolumeDef, target.features, "features", features_element),
        END,
};
static const DomainElement volume_target =
        PART_OF(VolumeDef, target, "target", volume_target_fields);

static const DomainField backing_format_fields[] = {
        ATTR_STRING(VolumeBacking, format.type, "type", .is_required = true),
        END,
};
static const DomainElement backing_format =
        PART_OF(VolumeBacking, format, "format", backing_format_fields);

static const DomainField backing_fields[] = {
        LEAF_STRING(VolumeBacking, path, "path"),
        PART("format", backing_format),
        CHILD(VolumeBacking, permissions, "permissions", permissions_element),
        END,
};
static const DomainElement backing_element = ELEMENT(VolumeBacking, "backingStore", backing_fields);

static const DomainField volume_fields[] = {
        ATTR_ENUM(VolumeDef, type, "type", volume_types),
        LEAF_STRING(VolumeDef, name, "name", .is_required = true),
        LEAF_STRING(VolumeDef, key, "key"),
        CHILD(VolumeDef, source, "source", empty_source),
        BYTES(VolumeDef, capacity, "capacity"),
        BYTES(VolumeDef, allocation, "allocation"),
        BYTES(VolumeDef, physical, "physical"),
        PART("target", volume_target),
        CHILD(VolumeDef, backing, "backingStore", backing_element),
        END,
};
static const DomainElement volume_element = ELEMENT(VolumeDef, "volume", volume_fields);

VolumeDef *volume_def_new(void) {
        VolumeDef *def = domain_element_new(&volume_element);

        def->node.is_present = def->source.node.is_present = def->target.node.is_present = true;
        return def;
}

void volume_def_free(VolumeDef *def) {
        domain_element_free(&volume_element, def);
}

static int check_backing(const VolumeDef *def, Err *err) {
        if (!def->backing.node.is_present || !def->backing.path)
                return 0;
        if (def->target.format.type != VOLUME_FORMAT_QCOW2)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "volume '%s': only a qcow2 image has a <backingStore>", def->name);
        if (def->backing.path[0] != '/')
                return fail(err, VIR_ERR_XML_ERROR,
                            "the path '%s' of <backingStore> at line %u is not absolute",
                            def->backing.path, def->backing.node.line);
        /* QEMU would have to guess, and whoever writes the backing file could make it guess wrong.
         */
        if (!def->backing.format.type)
                return fail_hint(err,
                                 fail(err, VIR_ERR_XML_ERROR,
                                      "<backingStore> at line %u does not say its format",
                                      def->backing.node.line),
                                 "add <format type='qcow2'/> or <format type='raw'/>");
        return 0;
}

static int check_volume(const VolumeDef *def, Err *err) {
        int r = domain_check_file_name(def->name, "volume", VOLUME_NAME_MAX, err);

        if (r == 0 && volume_name_is_partial(def->name))
                r = fail(err, VIR_ERR_XML_ERROR, "'%s' is the name of a half-made volume",
                         def->name);

        if (r == 0)
                r = check_permissions(&def->target.permissions, err);
        if (r < 0)
                return r;
        if (def->target.format.type > VOLUME_FORMAT_QCOW2)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "a volume of format '%s' cannot be made",
                            volume_format_to_string(def->target.format.type));
        if (def->target.compat && !g_str_equal(def->target.compat, "0.10") &&
            !g_str_equal(def->target.compat, "1.1"))
                return fail(err, VIR_ERR_XML_ERROR, "<compat>%s</compat> is neither 0.10 nor 1.1",
                            def->target.compat);
        if (!def->capacity.is_set && !def->backing.path)
                return fail(err, VIR_ERR_XML_ERROR, "volume '%s' has no <capacity>", def->name);
        return check_backing(def, err);
}

/* A volume that is to be secret must not be made as one that is not. */
static int check_secrets(const xmlNode *node, Err *err) {
        int r = 0;

        if (g_str_equal(xml_name(node), "encryption"))
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<encryption> at line %u: encrypted volumes are not served",
                                      xml_line(node)),
                                 "encrypt inside the guest, or the file system below the pool");
        for (xmlNode *child = xml_first(node); child && r == 0; child = xml_next(child))
                r = check_secrets(child, err);
        return r;
}

int volume_def_parse(const char *text, const PoolDef *pool, bool validate, GPtrArray *warnings,
                     VolumeDef **ret, Err *err) {
        g_autoptr(VolumeDef) def = volume_def_new();
        const DomainDocument document = {&volume_element, validate, warnings, check_secrets};
        int r = domain_document_parse(text, &document, def, err);

        if (r < 0)
                return r;
        def->source.node.is_present = def->target.node.is_present = true;
        def->type = VOLUME_TYPE_FILE;
        if (!def->target.format.type)
                def->target.format.type = VOLUME_FORMAT_RAW;
        def->target.format.node.is_present = true;
        r = check_volume(def, err);
        if (r < 0)
                return r;
        g_free(def->target.path);
        def->target.path = g_build_filename(pool->target.path, def->name, NULL);
        g_free(def->key);
        def->key = g_strdup(def->target.path);
        *ret = g_steal_pointer(&def);
        return 0;
}

char *volume_def_format(const VolumeDef *def) {
        return domain_document_format(&volume_element, def);
}
