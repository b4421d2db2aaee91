/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A storage pool and a volume in it as their XML describes them: plain values, read and written by
 * the same tables as a guest's definition (domain/element.h). Served are pools of type 'dir': a
 * directory whose files are the volumes. */

#include "domain/def.h"

#define POOL_NAME_MAX   200 /* bytes; it is a file's name too */
#define VOLUME_NAME_MAX 255 /* bytes; the same */

typedef struct StoragePermissions {
        DomainNode node;
        char *mode; /* octal digits */
        DomainNum owner, group;
        char *label; /* of a security module; kept */
} StoragePermissions;

typedef enum PoolType { POOL_TYPE_UNSET, POOL_TYPE_DIR } PoolType;

typedef struct PoolDef {
        DomainNode node;
        PoolType type;
        char *name;
        uint8_t uuid[16];
        DomainNum capacity, allocation, available; /* bytes of the file system; not configurable */
        DomainFlag source;
        struct {
                DomainNode node;
                char *path; /* absolute, without '/' at its end */
                StoragePermissions permissions;
        } target;
} PoolDef;

typedef enum VolumeType { VOLUME_TYPE_UNSET, VOLUME_TYPE_FILE, VOLUME_TYPE_DIR } VolumeType;
typedef enum VolumeFormat {
        VOLUME_FORMAT_UNSET,
        VOLUME_FORMAT_RAW,
        VOLUME_FORMAT_QCOW2,
        VOLUME_FORMAT_ISO, /* found by a scan; made as raw */
        VOLUME_FORMAT_DIR,
} VolumeFormat;

typedef struct VolumeTimes {
        DomainNode node;
        char *atime, *mtime, *ctime, *btime; /* "SECONDS.NANOSECONDS" */
} VolumeTimes;

typedef struct VolumeBacking {
        DomainNode node;
        char *path;
        struct {
                DomainNode node;
                char *type; /* as the image says: any word */
        } format;
        StoragePermissions permissions;
} VolumeBacking;

typedef struct VolumeFeatures {
        DomainNode node;
        DomainFlag lazy_refcounts, extended_l2;
} VolumeFeatures;

typedef struct VolumeDef {
        DomainNode node;
        VolumeType type;
        char *name;
        char *key; /* its path */
        DomainFlag source;
        DomainNum capacity, allocation, physical; /* bytes */
        struct {
                DomainNode node;
                char *path;
                struct {
                        DomainNode node;
                        VolumeFormat type;
                } format;
                StoragePermissions permissions;
                VolumeTimes timestamps;
                char *compat; /* qcow2: "0.10" or "1.1" */
                struct {
                        DomainNode node;
                        char *unit;
                        DomainNum bytes;
                } cluster_size;
                DomainFlag nocow;
                VolumeFeatures features; /* of qcow2 */
        } target;
        VolumeBacking backing;
} VolumeDef;

/* Parse, fill and check. A new pool gets its UUID here; warnings (char *) takes sentences about
 * what no schema knows and is kept; validate refuses that. */
int pool_def_parse(const char *text, bool validate, GPtrArray *warnings, PoolDef **ret, Err *err);
char *pool_def_format(const PoolDef *def, bool inactive);
PoolDef *pool_def_copy(const PoolDef *def);
void pool_def_free(PoolDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PoolDef, pool_def_free)

/* The path and key of a volume follow from its pool: what the XML says of them is dropped. */
int volume_def_parse(const char *text, const PoolDef *pool, bool validate, GPtrArray *warnings,
                     VolumeDef **ret, Err *err);
char *volume_def_format(const VolumeDef *def);
VolumeDef *volume_def_new(void);
void volume_def_free(VolumeDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VolumeDef, volume_def_free)

/* A volume grows under another name, ".NAME.partial-XXXXXXXX", until it is whole; a file of such a
 * name is no volume. The caller frees the name. */
#define VOLUME_PARTIAL ".partial-"
char *volume_partial_name(const char *name);
bool volume_name_is_partial(const char *name);

const char *volume_format_to_string(VolumeFormat format);

/* The permission bits of a mode, or other where it says none. */
unsigned storage_mode(const StoragePermissions *permissions, unsigned other);
void storage_set_permissions(StoragePermissions *permissions, unsigned mode, unsigned owner,
                             unsigned group);
