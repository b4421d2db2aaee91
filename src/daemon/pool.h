/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A storage pool as the daemon sees it: its definition, whether it is active, and the volumes that
 * lay in its directory when it was read last. How clients see it stands in rpc-pool.c and
 * rpc-volume.c. What touches the directory runs as an errand; reading calls answer from memory.
 *
 * CONFIG/pools/NAME.xml (+ autostart/NAME.xml) is the definition; RUN/pools/NAME.xml stands for a
 * pool that is active, and is how a later daemon knows. */

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "daemon/call.h"
#include "daemon/errand.h"
#include "daemon/manager.h"
#include "storage/pool-def.h"

#define POOLS_MAX 4096
#define POOL_KIND "pools" /* daemon/object-store.h */

typedef struct Pool Pool;

/* A file of the pool. */
typedef struct Volume {
        Pool *pool; /* owns it */
        char *name, *path, *format, *xml;
        char *backing; /* path; NULL: none */
        bool is_dir;
        uint64_t capacity, allocation, physical; /* bytes */

        /* Being made: the file that grows, under a name that no volume has. NULL: it is whole. */
        char *partial;
        unsigned users; /* streams and copies that read or write it */
} Volume;

struct Pool {
        Manager *manager;
        unsigned refs;
        PoolDef *def;
        PoolDef *next; /* defined while it is active: what the next start takes; NULL: def */
        char *uuid_text;
        bool is_active, is_persistent, autostart;
        GHashTable *volumes; /* name → Volume; empty while inactive */
        unsigned errands;    /* under way: the pool is neither stopped nor deleted meanwhile */
        unsigned changes;    /* of its volumes: what was read before the last one is out of date */
};

/* virStoragePoolEventLifecycleType. */
typedef enum PoolEvent {
        POOL_DEFINED,
        POOL_UNDEFINED,
        POOL_STARTED,
        POOL_STOPPED,
        POOL_CREATED,
        POOL_DELETED,
} PoolEvent;

/* Reads what is stored, and starts the pools that were active, or are to be at the host's boot. */
void pools_load(Manager *manager);
void pools_autostart(Manager *manager);
void pools_free(Manager *manager);

Pool *pool_find_by_name(Manager *manager, const char *name);
Pool *pool_find_by_uuid(Manager *manager, const uint8_t uuid[16]);
Pool *pool_find_by_path(Manager *manager, const char *path);
Volume *pool_find_volume(const Pool *pool, const char *name);
/* Among the volumes of every active pool; also the key. */
Volume *pools_find_volume(Manager *manager, const char *path);

Pool *pool_ref(Pool *pool);
void pool_unref(Pool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pool, pool_unref)

/* Defines (keeping, *ret may exist already) or makes a transient pool that is not active yet. */
int pool_define(Manager *manager, const char *xml, bool validate, Pool **ret, Err *err);
/* What the next start of the pool takes; the pool's. */
const PoolDef *pool_next_def(const Pool *pool);
/* What pool_define() would store (*ret) and in whose place (*ret_same; NULL: a new one), and
 * changes nothing. warnings takes sentences about what is kept and not served. */
int pool_try_define(Manager *manager, const char *xml, GPtrArray *warnings, PoolDef **ret,
                    Pool **ret_same, Err *err);
int pool_make_transient(Manager *manager, const char *xml, bool validate, Pool **ret, Err *err);
int pool_undefine(Pool *pool, Err *err);
int pool_set_autostart(Pool *pool, bool autostart, Err *err);

/* Fails unless the pool is active (or is not). */
int pool_check_active(const Pool *pool, bool is_active, Err *err);

/* ---- work on the directory; each answers the call at its end, and returns CALL_LATER ---- */

typedef enum PoolBuild { POOL_NO_BUILD, POOL_BUILD } PoolBuild;

/* done (may be NULL) fills the result before the answer. */
typedef void (*PoolFunc)(Call *call, Pool *pool);
int pool_start(Pool *pool, PoolBuild build, Call *call, PoolFunc done, Err *err);
int pool_build(Pool *pool, Call *call, Err *err);
int pool_delete(Pool *pool, Call *call, Err *err);
int pool_refresh(Pool *pool, Call *call, Err *err);
int pool_stop(Pool *pool, Err *err);

/* Reads the directory again and then calls done with the failure, or without (err not set). Without
 * done, nobody waits: the pool may be stopped meanwhile, and a failure is nobody's. */
typedef void (*PoolScanned)(Pool *pool, const Err *err, void *userdata);
int pool_scan(Pool *pool, PoolScanned done, void *userdata, Err *err);

void pool_emit(Pool *pool, PoolEvent event);

/* ---- volumes (pool-volume.c) ---- */

void volume_free(Volume *volume);

/* What a child tells of a volume. */
json_t *volume_to_json(const VolumeDef *def);
Volume *volume_from_json(Pool *pool, json_t *json);

typedef void (*VolumeFunc)(Call *call, Volume *volume);

typedef struct VolumeCreate {
        const char *xml;
        const Volume *from; /* NULL: a new one; else a copy of it */
        bool validate;
        bool preallocate; /* the tables of a qcow2 image */
} VolumeCreate;

/* Nothing is left of one that fails, or whose client goes before it is whole. */
int volume_create(Pool *pool, const VolumeCreate *create, Call *call, VolumeFunc done, Err *err);
int volume_delete(Volume *volume, Call *call, Err *err);

typedef struct VolumeResize {
        uint64_t capacity; /* bytes; a difference with is_delta */
        bool is_delta, may_shrink, allocate;
} VolumeResize;
int volume_resize(Volume *volume, const VolumeResize *resize, Call *call, Err *err);

/* Overwrites it with zeros, or gives its blocks back (trim). */
int volume_wipe(Volume *volume, bool trim, Call *call, Err *err);

/* Fails while it is made, read or written by somebody, or a guest that runs has it. */
int volume_check_free(const Volume *volume, Err *err);

/* What is known now: of a volume that is being made, its growing file is asked. */
void volume_read_size(Volume *volume);
