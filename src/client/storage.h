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

int storage_pool_lookup(Conn *conn, const char *name, StoragePool **ret, Err *err);

/* flags: libvirt's, 0: all. *ret holds StoragePool * and frees them. */
int storage_pool_list(Conn *conn, unsigned flags, GPtrArray **ret, Err *err);

int storage_pool_define(Conn *conn, const char *xml, unsigned flags, StoragePool **ret, Err *err);
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
