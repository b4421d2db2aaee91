/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Storage pools and volumes as a client sees them. Both are the daemon's handles: copies of its
 * names at the time of the answer. Flags are libvirt's public ones. Errors are the daemon's. */

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/err.h"

typedef struct Conn Conn;

typedef struct StoragePool {
        char *name;
        uint8_t uuid[16];
} StoragePool;

typedef struct StorageVol {
        char *pool;
        char *name;
        char *key; /* of a file: its path */
} StorageVol;

typedef enum StoragePoolState {
        STORAGE_POOL_INACTIVE,
        STORAGE_POOL_BUILDING,
        STORAGE_POOL_RUNNING,
        STORAGE_POOL_DEGRADED,
        STORAGE_POOL_INACCESSIBLE,
} StoragePoolState;

typedef struct StoragePoolInfo {
        StoragePoolState state;
        uint64_t capacity; /* bytes, as the others */
        uint64_t allocation;
        uint64_t available;
} StoragePoolInfo;

typedef struct StorageVolInfo {
        int type;          /* 0: a file */
        uint64_t capacity; /* bytes, as the other */
        uint64_t allocation;
} StorageVolInfo;

/* What is done to a pool by a word. */
typedef enum StoragePoolAction {
        STORAGE_POOL_BUILD, /* flags: 0, or 8 no overwrite, 16 overwrite */
        STORAGE_POOL_START,
        STORAGE_POOL_STOP,   /* no flags, as the last */
        STORAGE_POOL_DELETE, /* what it stands on, not its definition */
        STORAGE_POOL_REFRESH,
        STORAGE_POOL_UNDEFINE,
        _STORAGE_POOL_ACTION_MAX,
} StoragePoolAction;

void storage_pool_free(StoragePool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoragePool, storage_pool_free)
void storage_vol_free(StorageVol *vol);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorageVol, storage_vol_free)

typedef enum StoragePoolQuestion {
        STORAGE_POOL_IS_ACTIVE,
        STORAGE_POOL_IS_PERSISTENT,
        STORAGE_POOL_HAS_AUTOSTART,
        _STORAGE_POOL_QUESTION_MAX,
} StoragePoolQuestion;

int storage_pool_lookup(Conn *conn, const char *name, StoragePool **ret, Err *err);
int storage_pool_lookup_uuid(Conn *conn, const uint8_t uuid[16], StoragePool **ret, Err *err);
int storage_pool_of_vol(Conn *conn, const StorageVol *vol, StoragePool **ret, Err *err);

/* flags: libvirt's, 0: all. *ret holds StoragePool * and frees them. */
int storage_pool_list(Conn *conn, unsigned flags, GPtrArray **ret, Err *err);

int storage_pool_define(Conn *conn, const char *xml, unsigned flags, StoragePool **ret, Err *err);
/* Makes one that is gone when it is stopped. flags: 1 build it first. */
int storage_pool_create(Conn *conn, const char *xml, unsigned flags, StoragePool **ret, Err *err);
int storage_pool_ask(Conn *conn, const StoragePool *pool, StoragePoolQuestion question, bool *ret,
                     Err *err);

/* *ret holds StorageVol * and frees them. */
int storage_pool_vols(Conn *conn, const StoragePool *pool, GPtrArray **ret, Err *err);

/* Of all types of pools, and of what could be a source of one, as XML. */
int storage_capabilities(Conn *conn, char **ret, Err *err);
int storage_find_sources(Conn *conn, const char *type, const char *spec, char **ret, Err *err);

int storage_pool_act(Conn *conn, const StoragePool *pool, StoragePoolAction action, unsigned flags,
                     Err *err);
int storage_pool_set_autostart(Conn *conn, const StoragePool *pool, bool on, Err *err);
int storage_pool_xml(Conn *conn, const StoragePool *pool, unsigned flags, char **ret, Err *err);
int storage_pool_info(Conn *conn, const StoragePool *pool, StoragePoolInfo *ret, Err *err);

int storage_vol_lookup(Conn *conn, const StoragePool *pool, const char *name, StorageVol **ret,
                       Err *err);
int storage_vol_lookup_path(Conn *conn, const char *path, StorageVol **ret, Err *err);

/* Returns when the volume is whole: that can take longer than conn_call() waits for silence, which
 * a daemon that is at work breaks by its pings. */
int storage_vol_create(Conn *conn, const StoragePool *pool, const char *xml, unsigned flags,
                       StorageVol **ret, Err *err);
int storage_vol_delete(Conn *conn, const StorageVol *vol, unsigned flags, Err *err);
int storage_vol_xml(Conn *conn, const StorageVol *vol, unsigned flags, char **ret, Err *err);
int storage_vol_path(Conn *conn, const StorageVol *vol, char **ret, Err *err);
int storage_vol_info(Conn *conn, const StorageVol *vol, StorageVolInfo *ret, Err *err);

int storage_vol_lookup_key(Conn *conn, const char *key, StorageVol **ret, Err *err);

/* A copy of vol under what xml says. */
int storage_vol_create_from(Conn *conn, const StoragePool *pool, const char *xml,
                            const StorageVol *vol, unsigned flags, StorageVol **ret, Err *err);

/* flags: 1 allocate, 2 capacity is a difference, 4 may shrink. */
int storage_vol_resize(Conn *conn, const StorageVol *vol, uint64_t capacity, unsigned flags,
                       Err *err);

/* algorithm: number of virStorageVolWipeAlgorithm. */
int storage_vol_wipe(Conn *conn, const StorageVol *vol, unsigned algorithm, Err *err);

/* With what takes its place as the capacity: the size of the file. */
int storage_vol_info_physical(Conn *conn, const StorageVol *vol, StorageVolInfo *ret, Err *err);

/* A part of a volume; length 0: to its end. */
typedef struct StorageRange {
        uint64_t offset, length;
        bool is_sparse; /* holes travel as holes: conn_stream_…_sparse(), …_hole() */
} StorageRange;

/* Open the connection's stream: the volume's bytes come or go by conn_stream_…(). */
int storage_vol_upload(Conn *conn, const StorageVol *vol, StorageRange range, Err *err);
int storage_vol_download(Conn *conn, const StorageVol *vol, StorageRange range, Err *err);
