/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/storage.h"

#include <string.h>

#include "client/conn.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_storage.h"

/* Of both directions. */
#define STREAM_SPARSE 1u

void storage_pool_free(StoragePool *pool) {
        if (!pool)
                return;
        g_free(pool->name);
        g_free(pool);
}

void storage_vol_free(StorageVol *vol) {
        if (!vol)
                return;
        g_free(vol->pool);
        g_free(vol->name);
        g_free(vol->key);
        g_free(vol);
}

static void pool_free_item(void *pool) {
        storage_pool_free(pool);
}

static void vol_free_item(void *vol) {
        storage_vol_free(vol);
}

/* XDR knows no const; a call does not change its arguments. */
static char *wire_text(const char *text) {
        return (char *)(uintptr_t)text;
}

static remote_storage_pool pool_handle(const StoragePool *pool) {
        remote_storage_pool handle = {.name = pool->name};

        memcpy(handle.uuid, pool->uuid, sizeof(pool->uuid));
        return handle;
}

static remote_storage_vol vol_handle(const StorageVol *vol) {
        return (remote_storage_vol){.pool = vol->pool, .name = vol->name, .key = vol->key};
}

static StoragePool *pool_new(const remote_storage_pool *handle) {
        StoragePool *pool = g_new0(StoragePool, 1);

        pool->name = g_strdup(handle->name);
        memcpy(pool->uuid, handle->uuid, sizeof(pool->uuid));
        return pool;
}

static StorageVol *vol_new(const remote_storage_vol *handle) {
        StorageVol *vol = g_new0(StorageVol, 1);

        vol->pool = g_strdup(handle->pool);
        vol->name = g_strdup(handle->name);
        vol->key = g_strdup(handle->key);
        return vol;
}

/* Makes a call that answers with a pool. */
static int call_for_pool(Conn *conn, ConnCall call, StoragePool **ret, Err *err) {
        remote_storage_pool_lookup_by_name_ret answer;
        int r;

        call.ret_xdr = (xdrproc_t)xdr_remote_storage_pool_lookup_by_name_ret;
        call.ret = &answer;
        call.ret_size = sizeof(answer);
        r = conn_call(conn, &call, err);
        if (r < 0)
                return r;
        *ret = pool_new(&answer.pool);
        xdr_free((xdrproc_t)xdr_remote_storage_pool_lookup_by_name_ret, &answer);
        return 0;
}

/* Makes a call that answers with a volume. */
static int call_for_vol(Conn *conn, ConnCall call, StorageVol **ret, Err *err) {
        remote_storage_vol_lookup_by_name_ret answer;
        int r;

        call.ret_xdr = (xdrproc_t)xdr_remote_storage_vol_lookup_by_name_ret;
        call.ret = &answer;
        call.ret_size = sizeof(answer);
        r = conn_call(conn, &call, err);
        if (r < 0)
                return r;
        *ret = vol_new(&answer.vol);
        xdr_free((xdrproc_t)xdr_remote_storage_vol_lookup_by_name_ret, &answer);
        return 0;
}

int storage_pool_lookup(Conn *conn, const char *name, StoragePool **ret, Err *err) {
        remote_storage_pool_lookup_by_name_args args = {.name = wire_text(name)};

        return call_for_pool(conn,
                             CONN_REMOTE(STORAGE_POOL_LOOKUP_BY_NAME,
                                         CONN_ARGS(remote_storage_pool_lookup_by_name_args, &args)),
                             ret, err);
}

int storage_pool_list(Conn *conn, unsigned flags, GPtrArray **ret, Err *err) {
        remote_connect_list_all_storage_pools_args args = {.need_results = 1, .flags = flags};
        remote_connect_list_all_storage_pools_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(CONNECT_LIST_ALL_STORAGE_POOLS,
                                   CONN_ARGS(remote_connect_list_all_storage_pools_args, &args),
                                   CONN_RET(remote_connect_list_all_storage_pools_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = g_ptr_array_new_with_free_func(pool_free_item);
        for (unsigned i = 0; i < answer.pools.pools_len; i++)
                g_ptr_array_add(*ret, pool_new(&answer.pools.pools_val[i]));
        xdr_free((xdrproc_t)xdr_remote_connect_list_all_storage_pools_ret, &answer);
        return 0;
}

int storage_pool_define(Conn *conn, const char *xml, unsigned flags, StoragePool **ret, Err *err) {
        remote_storage_pool_define_xml_args args = {.xml = wire_text(xml), .flags = flags};

        return call_for_pool(conn,
                             CONN_REMOTE(STORAGE_POOL_DEFINE_XML,
                                         CONN_ARGS(remote_storage_pool_define_xml_args, &args)),
                             ret, err);
}

int storage_pool_act(Conn *conn, const StoragePool *pool, StoragePoolAction action, unsigned flags,
                     Err *err) {
        static const struct {
                int procedure;
                bool has_flags;
        } actions[_STORAGE_POOL_ACTION_MAX] = {
                [STORAGE_POOL_BUILD] = {REMOTE_PROC_STORAGE_POOL_BUILD, true},
                [STORAGE_POOL_START] = {REMOTE_PROC_STORAGE_POOL_CREATE, true},
                [STORAGE_POOL_STOP] = {REMOTE_PROC_STORAGE_POOL_DESTROY},
                [STORAGE_POOL_DELETE] = {REMOTE_PROC_STORAGE_POOL_DELETE, true},
                [STORAGE_POOL_REFRESH] = {REMOTE_PROC_STORAGE_POOL_REFRESH, true},
                [STORAGE_POOL_UNDEFINE] = {REMOTE_PROC_STORAGE_POOL_UNDEFINE},
        };
        /* A pool alone is the beginning of a pool with flags. */
        remote_storage_pool_build_args args = {.pool = pool_handle(pool), .flags = flags};
        ConnCall call = {
                .program = REMOTE_PROGRAM,
                .procedure = actions[action].procedure,
                .args_xdr = actions[action].has_flags
                                    ? (xdrproc_t)xdr_remote_storage_pool_build_args
                                    : (xdrproc_t)xdr_remote_storage_pool,
                .args = &args,
        };

        return conn_call(conn, &call, err);
}

int storage_pool_set_autostart(Conn *conn, const StoragePool *pool, bool on, Err *err) {
        remote_storage_pool_set_autostart_args args = {.pool = pool_handle(pool), .autostart = on};

        return conn_call(conn,
                         &CONN_REMOTE(STORAGE_POOL_SET_AUTOSTART,
                                      CONN_ARGS(remote_storage_pool_set_autostart_args, &args)),
                         err);
}

int storage_pool_xml(Conn *conn, const StoragePool *pool, unsigned flags, char **ret, Err *err) {
        remote_storage_pool_get_xml_desc_args args = {.pool = pool_handle(pool), .flags = flags};

        return conn_call_text(conn,
                              CONN_REMOTE(STORAGE_POOL_GET_XML_DESC,
                                          CONN_ARGS(remote_storage_pool_get_xml_desc_args, &args)),
                              ret, err);
}

int storage_pool_info(Conn *conn, const StoragePool *pool, StoragePoolInfo *ret, Err *err) {
        remote_storage_pool_get_info_args args = {.pool = pool_handle(pool)};
        remote_storage_pool_get_info_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(STORAGE_POOL_GET_INFO,
                                   CONN_ARGS(remote_storage_pool_get_info_args, &args),
                                   CONN_RET(remote_storage_pool_get_info_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = (StoragePoolInfo){
                .state = (StoragePoolState)answer.state,
                .capacity = answer.capacity,
                .allocation = answer.allocation,
                .available = answer.available,
        };
        return 0;
}

int storage_vol_lookup(Conn *conn, const StoragePool *pool, const char *name, StorageVol **ret,
                       Err *err) {
        remote_storage_vol_lookup_by_name_args args = {
                .pool = pool_handle(pool),
                .name = wire_text(name),
        };

        return call_for_vol(conn,
                            CONN_REMOTE(STORAGE_VOL_LOOKUP_BY_NAME,
                                        CONN_ARGS(remote_storage_vol_lookup_by_name_args, &args)),
                            ret, err);
}

int storage_vol_lookup_path(Conn *conn, const char *path, StorageVol **ret, Err *err) {
        remote_storage_vol_lookup_by_path_args args = {.path = wire_text(path)};

        return call_for_vol(conn,
                            CONN_REMOTE(STORAGE_VOL_LOOKUP_BY_PATH,
                                        CONN_ARGS(remote_storage_vol_lookup_by_path_args, &args)),
                            ret, err);
}

int storage_vol_create(Conn *conn, const StoragePool *pool, const char *xml, unsigned flags,
                       StorageVol **ret, Err *err) {
        remote_storage_vol_create_xml_args args = {
                .pool = pool_handle(pool),
                .xml = wire_text(xml),
                .flags = flags,
        };

        return call_for_vol(conn,
                            CONN_REMOTE(STORAGE_VOL_CREATE_XML,
                                        CONN_ARGS(remote_storage_vol_create_xml_args, &args)),
                            ret, err);
}

int storage_vol_delete(Conn *conn, const StorageVol *vol, unsigned flags, Err *err) {
        remote_storage_vol_delete_args args = {.vol = vol_handle(vol), .flags = flags};

        return conn_call(
                conn,
                &CONN_REMOTE(STORAGE_VOL_DELETE, CONN_ARGS(remote_storage_vol_delete_args, &args)),
                err);
}

int storage_vol_xml(Conn *conn, const StorageVol *vol, unsigned flags, char **ret, Err *err) {
        remote_storage_vol_get_xml_desc_args args = {.vol = vol_handle(vol), .flags = flags};

        return conn_call_text(conn,
                              CONN_REMOTE(STORAGE_VOL_GET_XML_DESC,
                                          CONN_ARGS(remote_storage_vol_get_xml_desc_args, &args)),
                              ret, err);
}

int storage_vol_path(Conn *conn, const StorageVol *vol, char **ret, Err *err) {
        remote_storage_vol_get_path_args args = {.vol = vol_handle(vol)};

        return conn_call_text(conn,
                              CONN_REMOTE(STORAGE_VOL_GET_PATH,
                                          CONN_ARGS(remote_storage_vol_get_path_args, &args)),
                              ret, err);
}

int storage_vol_info(Conn *conn, const StorageVol *vol, StorageVolInfo *ret, Err *err) {
        remote_storage_vol_get_info_args args = {.vol = vol_handle(vol)};
        remote_storage_vol_get_info_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(STORAGE_VOL_GET_INFO,
                                   CONN_ARGS(remote_storage_vol_get_info_args, &args),
                                   CONN_RET(remote_storage_vol_get_info_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = (StorageVolInfo){
                .type = answer.type,
                .capacity = answer.capacity,
                .allocation = answer.allocation,
        };
        return 0;
}

/* ---- more of pools ---- */

int storage_pool_lookup_uuid(Conn *conn, const uint8_t uuid[16], StoragePool **ret, Err *err) {
        remote_storage_pool_lookup_by_uuid_args args = {};

        memcpy(args.uuid, uuid, sizeof(args.uuid));
        return call_for_pool(conn,
                             CONN_REMOTE(STORAGE_POOL_LOOKUP_BY_UUID,
                                         CONN_ARGS(remote_storage_pool_lookup_by_uuid_args, &args)),
                             ret, err);
}

int storage_pool_of_vol(Conn *conn, const StorageVol *vol, StoragePool **ret, Err *err) {
        remote_storage_pool_lookup_by_volume_args args = {.vol = vol_handle(vol)};

        return call_for_pool(
                conn,
                CONN_REMOTE(STORAGE_POOL_LOOKUP_BY_VOLUME,
                            CONN_ARGS(remote_storage_pool_lookup_by_volume_args, &args)),
                ret, err);
}

int storage_pool_create(Conn *conn, const char *xml, unsigned flags, StoragePool **ret, Err *err) {
        remote_storage_pool_create_xml_args args = {.xml = wire_text(xml), .flags = flags};

        return call_for_pool(conn,
                             CONN_REMOTE(STORAGE_POOL_CREATE_XML,
                                         CONN_ARGS(remote_storage_pool_create_xml_args, &args)),
                             ret, err);
}

int storage_pool_ask(Conn *conn, const StoragePool *pool, StoragePoolQuestion question, bool *ret,
                     Err *err) {
        static const int procedures[_STORAGE_POOL_QUESTION_MAX] = {
                [STORAGE_POOL_IS_ACTIVE] = REMOTE_PROC_STORAGE_POOL_IS_ACTIVE,
                [STORAGE_POOL_IS_PERSISTENT] = REMOTE_PROC_STORAGE_POOL_IS_PERSISTENT,
                [STORAGE_POOL_HAS_AUTOSTART] = REMOTE_PROC_STORAGE_POOL_GET_AUTOSTART,
        };
        remote_storage_pool handle = pool_handle(pool);
        remote_storage_pool_get_autostart_ret answer;
        ConnCall call = {.program = REMOTE_PROGRAM,
                         .procedure = procedures[question],
                         CONN_ARGS(remote_storage_pool, &handle),
                         CONN_RET(remote_storage_pool_get_autostart_ret, &answer)};
        int r = conn_call(conn, &call, err);

        if (r < 0)
                return r;
        *ret = answer.autostart != 0;
        return 0;
}

int storage_pool_vols(Conn *conn, const StoragePool *pool, GPtrArray **ret, Err *err) {
        remote_storage_pool_list_all_volumes_args args = {.pool = pool_handle(pool),
                                                          .need_results = 1};
        remote_storage_pool_list_all_volumes_ret answer;
        int r = conn_call(conn,
                          &CONN_REMOTE(STORAGE_POOL_LIST_ALL_VOLUMES,
                                       CONN_ARGS(remote_storage_pool_list_all_volumes_args, &args),
                                       CONN_RET(remote_storage_pool_list_all_volumes_ret, &answer)),
                          err);

        if (r < 0)
                return r;
        *ret = g_ptr_array_new_with_free_func(vol_free_item);
        for (unsigned i = 0; i < answer.vols.vols_len; i++)
                g_ptr_array_add(*ret, vol_new(&answer.vols.vols_val[i]));
        xdr_free((xdrproc_t)xdr_remote_storage_pool_list_all_volumes_ret, &answer);
        return 0;
}

int storage_capabilities(Conn *conn, char **ret, Err *err) {
        remote_connect_get_storage_pool_capabilities_args args = {};

        return conn_call_text(
                conn,
                CONN_REMOTE(CONNECT_GET_STORAGE_POOL_CAPABILITIES,
                            CONN_ARGS(remote_connect_get_storage_pool_capabilities_args, &args)),
                ret, err);
}

int storage_find_sources(Conn *conn, const char *type, const char *spec, char **ret, Err *err) {
        char *text = wire_text(spec);
        remote_connect_find_storage_pool_sources_args args = {.type = wire_text(type),
                                                              .srcSpec = spec ? &text : NULL};

        return conn_call_text(
                conn,
                CONN_REMOTE(CONNECT_FIND_STORAGE_POOL_SOURCES,
                            CONN_ARGS(remote_connect_find_storage_pool_sources_args, &args)),
                ret, err);
}

/* ---- more of volumes ---- */

int storage_vol_lookup_key(Conn *conn, const char *key, StorageVol **ret, Err *err) {
        remote_storage_vol_lookup_by_key_args args = {.key = wire_text(key)};

        return call_for_vol(conn,
                            CONN_REMOTE(STORAGE_VOL_LOOKUP_BY_KEY,
                                        CONN_ARGS(remote_storage_vol_lookup_by_key_args, &args)),
                            ret, err);
}

int storage_vol_create_from(Conn *conn, const StoragePool *pool, const char *xml,
                            const StorageVol *vol, unsigned flags, StorageVol **ret, Err *err) {
        remote_storage_vol_create_xml_from_args args = {.pool = pool_handle(pool),
                                                        .xml = wire_text(xml),
                                                        .clonevol = vol_handle(vol),
                                                        .flags = flags};

        return call_for_vol(conn,
                            CONN_REMOTE(STORAGE_VOL_CREATE_XML_FROM,
                                        CONN_ARGS(remote_storage_vol_create_xml_from_args, &args)),
                            ret, err);
}

int storage_vol_resize(Conn *conn, const StorageVol *vol, uint64_t capacity, unsigned flags,
                       Err *err) {
        remote_storage_vol_resize_args args = {
                .vol = vol_handle(vol), .capacity = capacity, .flags = flags};

        return conn_call(
                conn,
                &CONN_REMOTE(STORAGE_VOL_RESIZE, CONN_ARGS(remote_storage_vol_resize_args, &args)),
                err);
}

int storage_vol_wipe(Conn *conn, const StorageVol *vol, unsigned algorithm, Err *err) {
        remote_storage_vol_wipe_pattern_args args = {.vol = vol_handle(vol),
                                                     .algorithm = algorithm};

        return conn_call(conn,
                         &CONN_REMOTE(STORAGE_VOL_WIPE_PATTERN,
                                      CONN_ARGS(remote_storage_vol_wipe_pattern_args, &args)),
                         err);
}

int storage_vol_info_physical(Conn *conn, const StorageVol *vol, StorageVolInfo *ret, Err *err) {
        remote_storage_vol_get_info_flags_args args = {.vol = vol_handle(vol), .flags = 1};
        remote_storage_vol_get_info_flags_ret answer;
        int r = conn_call(conn,
                          &CONN_REMOTE(STORAGE_VOL_GET_INFO_FLAGS,
                                       CONN_ARGS(remote_storage_vol_get_info_flags_args, &args),
                                       CONN_RET(remote_storage_vol_get_info_flags_ret, &answer)),
                          err);

        if (r < 0)
                return r;
        *ret = (StorageVolInfo){answer.type, answer.capacity, answer.allocation};
        return 0;
}

static int open_stream(Conn *conn, const ConnCall *call, StorageRange range, Err *err) {
        return range.is_sparse ? conn_stream_open_sparse(conn, call, err)
                               : conn_stream_open(conn, call, err);
}

int storage_vol_upload(Conn *conn, const StorageVol *vol, StorageRange range, Err *err) {
        remote_storage_vol_upload_args args = {
                .vol = vol_handle(vol),
                .offset = range.offset,
                .length = range.length,
                .flags = range.is_sparse ? STREAM_SPARSE : 0,
        };
        ConnCall call =
                CONN_REMOTE(STORAGE_VOL_UPLOAD, CONN_ARGS(remote_storage_vol_upload_args, &args));

        return open_stream(conn, &call, range, err);
}

int storage_vol_download(Conn *conn, const StorageVol *vol, StorageRange range, Err *err) {
        remote_storage_vol_download_args args = {
                .vol = vol_handle(vol),
                .offset = range.offset,
                .length = range.length,
                .flags = range.is_sparse ? STREAM_SPARSE : 0,
        };
        ConnCall call = CONN_REMOTE(STORAGE_VOL_DOWNLOAD,
                                    CONN_ARGS(remote_storage_vol_download_args, &args));

        return open_stream(conn, &call, range, err);
}
