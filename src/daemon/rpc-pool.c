/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-storage.h"

#include <errno.h>
#include <string.h>

#include "daemon/dispatch.h"
#include "daemon/rpc-domain.h"
#include "daemon/rpc-list.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_storage.h"

/* virStoragePoolCreateFlags, -BuildFlags and -DefineFlags, as far as a directory has them. */
enum { CREATE_WITH_BUILD = 1, CREATE_BUILD_OVERWRITE = 2, CREATE_BUILD_NO_OVERWRITE = 4 };
enum { BUILD_NEW = 0, BUILD_REPAIR = 1, BUILD_OVERWRITE = 4, BUILD_NO_OVERWRITE = 8 };
enum { DEFINE_VALIDATE = 1, CREATE_XML_VALIDATE = 8 };
enum { DELETE_ZEROED = 1, XML_INACTIVE = 1 };

/* virStoragePoolState. */
enum { STATE_INACTIVE = 0, STATE_RUNNING = 2 };

int rpc_find_pool(Manager *manager, const remote_storage_pool *handle, Pool **ret, Err *err) {
        char text[DOMAIN_UUID_TEXT_MAX];
        Pool *pool = pool_find_by_uuid(manager, (const uint8_t *)handle->uuid);

        if (!pool) {
                fail(err, VIR_ERR_NO_STORAGE_POOL,
                     "no storage pool with matching uuid '%s' (%.200s)",
                     domain_uuid_format((const uint8_t *)handle->uuid, text), handle->name);
                return -ENOENT;
        }
        *ret = pool;
        return 0;
}

void rpc_fill_pool(const Pool *pool, remote_storage_pool *ret) {
        ret->name = rpc_text(pool->def->name);
        memcpy(ret->uuid, pool->def->uuid, sizeof(pool->def->uuid));
}

/* ---- lookups ---- */

static int lookup_by_name(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_lookup_by_name_args *args = data;
        remote_storage_pool_lookup_by_name_ret *ret = result;
        const Pool *pool = pool_find_by_name(manager, args->name);

        if (!pool)
                return fail(err, VIR_ERR_NO_STORAGE_POOL,
                            "no storage pool with matching name '%.200s'", args->name);
        rpc_fill_pool(pool, &ret->pool);
        return 0;
}

static int lookup_by_uuid(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_lookup_by_uuid_args *args = data;
        remote_storage_pool_lookup_by_uuid_ret *ret = result;
        char text[DOMAIN_UUID_TEXT_MAX];
        const Pool *pool = pool_find_by_uuid(manager, (const uint8_t *)args->uuid);

        if (!pool)
                return fail(err, VIR_ERR_NO_STORAGE_POOL, "no storage pool with matching uuid '%s'",
                            domain_uuid_format((const uint8_t *)args->uuid, text));
        rpc_fill_pool(pool, &ret->pool);
        return 0;
}

static int lookup_by_volume(Manager *manager, Call *call, const void *data, void *result,
                            Err *err) {
        const remote_storage_pool_lookup_by_volume_args *args = data;
        remote_storage_pool_lookup_by_volume_ret *ret = result;
        const Pool *pool = pool_find_by_name(manager, args->vol.pool);

        if (!pool)
                return fail(err, VIR_ERR_NO_STORAGE_POOL,
                            "no storage pool with matching name '%.200s'", args->vol.pool);
        rpc_fill_pool(pool, &ret->pool);
        return 0;
}

static int lookup_by_path(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_lookup_by_target_path_args *args = data;
        remote_storage_pool_lookup_by_target_path_ret *ret = result;
        g_autofree char *path = g_canonicalize_filename(args->path, "/");
        const Pool *pool = pool_find_by_path(manager, path);

        if (!pool || !pool->is_active)
                return fail(err, VIR_ERR_NO_STORAGE_POOL,
                            "no storage pool with matching target path '%.200s'", args->path);
        rpc_fill_pool(pool, &ret->pool);
        return 0;
}

/* ---- lists ---- */

/* virConnectListAllStoragePoolsFlags: a bit for each type of pool. */
enum { LIST_DIR = 1 << 6, LIST_TYPES = (1 << 20) - (1 << 6) };

static GHashTable *all_pools(const Manager *manager) {
        return manager->pools;
}

static RpcListState pool_state(const void *object) {
        const Pool *pool = object;

        return (RpcListState){pool->is_active, pool->is_persistent, pool->autostart, LIST_DIR};
}

static const uint8_t *pool_uuid(const void *object) {
        return ((const Pool *)object)->def->uuid;
}

static const char *pool_name(const void *object) {
        return ((const Pool *)object)->def->name;
}

static const RpcListClass pools = {.function = "virConnectListAllStoragePools",
                                   .more = LIST_TYPES,
                                   .objects = all_pools,
                                   .state = pool_state,
                                   .uuid = pool_uuid,
                                   .name = pool_name};

static int list_active(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_connect_list_storage_pools_args *args = data;

        rpc_list_names(manager, &pools, RPC_LIST_ACTIVE, args->maxnames, result);
        return 0;
}

static int list_defined(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_connect_list_defined_storage_pools_args *args = data;

        rpc_list_names(manager, &pools, RPC_LIST_INACTIVE, args->maxnames, result);
        return 0;
}

static int num_active(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        remote_connect_num_of_storage_pools_ret *ret = result;

        ret->num = rpc_list_count(manager, &pools, RPC_LIST_ACTIVE);
        return 0;
}

static int num_defined(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        remote_connect_num_of_defined_storage_pools_ret *ret = result;

        ret->num = rpc_list_count(manager, &pools, RPC_LIST_INACTIVE);
        return 0;
}

static int list_all(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        return rpc_list_all(manager, &pools, data, result, err);
}

/* ---- definition ---- */

static int define_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_define_xml_args *args = data;
        remote_storage_pool_define_xml_ret *ret = result;
        Pool *pool = NULL;
        int r = flags_check(args->flags, DEFINE_VALIDATE, "virStoragePoolDefineXML", err);

        if (r == 0)
                r = pool_define(manager, args->xml, args->flags & DEFINE_VALIDATE, &pool, err);
        if (r == 0)
                rpc_fill_pool(pool, &ret->pool);
        return r;
}

static void fill_create_xml(Call *call, Pool *pool) {
        remote_storage_pool_create_xml_ret *ret = call_ret(call);

        rpc_fill_pool(pool, &ret->pool);
}

static int create_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_create_xml_args *args = data;
        Pool *pool = NULL;
        int r = flags_check(args->flags,
                            CREATE_WITH_BUILD | CREATE_BUILD_OVERWRITE | CREATE_BUILD_NO_OVERWRITE |
                                    CREATE_XML_VALIDATE,
                            "virStoragePoolCreateXML", err);

        if (r == 0)
                r = pool_make_transient(manager, args->xml, args->flags & CREATE_XML_VALIDATE,
                                        &pool, err);
        if (r < 0)
                return r;
        return pool_start(pool, args->flags & CREATE_WITH_BUILD ? POOL_BUILD : POOL_NO_BUILD, call,
                          fill_create_xml, err);
}

static int undefine(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_undefine_args *args = data;
        Pool *pool = NULL;
        int r = rpc_find_pool(manager, &args->pool, &pool, err);

        return r < 0 ? r : pool_undefine(pool, err);
}

static int set_autostart(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_set_autostart_args *args = data;
        Pool *pool = NULL;
        int r = rpc_find_pool(manager, &args->pool, &pool, err);

        return r < 0 ? r : pool_set_autostart(pool, args->autostart != 0, err);
}

/* ---- the directory ---- */

static int create(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_create_args *args = data;
        Pool *pool = NULL;
        int r = flags_check(args->flags,
                            CREATE_WITH_BUILD | CREATE_BUILD_OVERWRITE | CREATE_BUILD_NO_OVERWRITE,
                            "virStoragePoolCreate", err);

        if (r == 0)
                r = rpc_find_pool(manager, &args->pool, &pool, err);
        if (r < 0)
                return r;
        return pool_start(pool, args->flags & CREATE_WITH_BUILD ? POOL_BUILD : POOL_NO_BUILD, call,
                          NULL, err);
}

static int build(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_build_args *args = data;
        Pool *pool = NULL;
        int r = flags_check(args->flags, BUILD_REPAIR | BUILD_OVERWRITE | BUILD_NO_OVERWRITE,
                            "virStoragePoolBuild", err);

        if (r == 0)
                r = rpc_find_pool(manager, &args->pool, &pool, err);
        return r < 0 ? r : pool_build(pool, call, err);
}

static int destroy(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_destroy_args *args = data;
        Pool *pool = NULL;
        int r = rpc_find_pool(manager, &args->pool, &pool, err);

        return r < 0 ? r : pool_stop(pool, err);
}

static int delete (Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_delete_args *args = data;
        Pool *pool = NULL;
        int r = flags_check(args->flags, DELETE_ZEROED, "virStoragePoolDelete", err);

        if (r == 0)
                r = rpc_find_pool(manager, &args->pool, &pool, err);
        return r < 0 ? r : pool_delete(pool, call, err);
}

static int refresh(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_refresh_args *args = data;
        Pool *pool = NULL;
        int r = flags_check(args->flags, 0, "virStoragePoolRefresh", err);

        if (r == 0)
                r = rpc_find_pool(manager, &args->pool, &pool, err);
        return r < 0 ? r : pool_refresh(pool, call, err);
}

/* ---- reading ---- */

static int get_info(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_get_info_args *args = data;
        remote_storage_pool_get_info_ret *ret = result;
        Pool *pool = NULL;
        int r = rpc_find_pool(manager, &args->pool, &pool, err);

        if (r != 0)
                return r;
        ret->state = pool->is_active ? STATE_RUNNING : STATE_INACTIVE;
        ret->capacity = pool->def->capacity.value;
        ret->allocation = pool->def->allocation.value;
        ret->available = pool->def->available.value;
        return 0;
}

static int get_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_get_xml_desc_args *args = data;
        remote_storage_pool_get_xml_desc_ret *ret = result;
        g_autofree char *xml = NULL;
        Pool *pool = NULL;
        int r = flags_check(args->flags, XML_INACTIVE, "virStoragePoolGetXMLDesc", err);

        if (r == 0)
                r = rpc_find_pool(manager, &args->pool, &pool, err);
        if (r != 0)
                return r;
        xml = pool_def_format(args->flags & XML_INACTIVE && pool->next ? pool->next : pool->def,
                              args->flags & XML_INACTIVE || !pool->is_active);
        ret->xml = rpc_text(xml);
        return 0;
}

static int get_autostart(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_get_autostart_args *args = data;
        Pool *pool = NULL;
        int r = rpc_find_pool(manager, &args->pool, &pool, err);

        if (r != 0)
                return r;
        ((remote_storage_pool_get_autostart_ret *)result)->autostart = pool->autostart;
        return 0;
}

static int is_active(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_is_active_args *args = data;
        Pool *pool = NULL;
        int r = rpc_find_pool(manager, &args->pool, &pool, err);

        if (r != 0)
                return r;
        ((remote_storage_pool_is_active_ret *)result)->active = pool->is_active;
        return 0;
}

static int is_persistent(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_is_persistent_args *args = data;
        Pool *pool = NULL;
        int r = rpc_find_pool(manager, &args->pool, &pool, err);

        if (r != 0)
                return r;
        ((remote_storage_pool_is_persistent_ret *)result)->persistent = pool->is_persistent;
        return 0;
}

/* A directory is found by whoever knows its path; there is nothing to discover. */
static int find_sources(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_connect_find_storage_pool_sources_args *args = data;

        return fail(err, VIR_ERR_NO_SUPPORT, "pool type '%.80s' does not support source discovery",
                    args->type);
}

static int get_capabilities(Manager *manager, Call *call, const void *data, void *result,
                            Err *err) {
        const remote_connect_get_storage_pool_capabilities_args *args = data;
        remote_connect_get_storage_pool_capabilities_ret *ret = result;
        int r = flags_check(args->flags, 0, "virConnectGetStoragePoolCapabilities", err);

        if (r == 0)
                ret->capabilities = rpc_text("<storagepoolCapabilities>\n"
                                             "  <pool type='dir' supported='yes'>\n"
                                             "    <volOptions>\n"
                                             "      <defaultFormat type='raw'/>\n"
                                             "      <enum name='targetFormatType'>\n"
                                             "        <value>raw</value>\n"
                                             "        <value>qcow2</value>\n"
                                             "      </enum>\n"
                                             "    </volOptions>\n"
                                             "  </pool>\n"
                                             "</storagepoolCapabilities>\n");
        return r;
}

/* ---- the table ---- */

#define COUNT(proc, function, type, func)                                               \
        {                                                                               \
                .number = REMOTE_PROC_##proc, .name = (function), PROC_RET(type##_ret), \
                .read_only = true, .run = (func)                                        \
        }

static const Procedure procedures[] = {
        COUNT(CONNECT_NUM_OF_STORAGE_POOLS, "virConnectNumOfStoragePools",
              remote_connect_num_of_storage_pools, num_active),
        READS(CONNECT_LIST_STORAGE_POOLS, "virConnectListStoragePools",
              remote_connect_list_storage_pools, list_active),
        COUNT(CONNECT_NUM_OF_DEFINED_STORAGE_POOLS, "virConnectNumOfDefinedStoragePools",
              remote_connect_num_of_defined_storage_pools, num_defined),
        READS(CONNECT_LIST_DEFINED_STORAGE_POOLS, "virConnectListDefinedStoragePools",
              remote_connect_list_defined_storage_pools, list_defined),
        READS(CONNECT_LIST_ALL_STORAGE_POOLS, "virConnectListAllStoragePools",
              remote_connect_list_all_storage_pools, list_all),
        READS(CONNECT_GET_STORAGE_POOL_CAPABILITIES, "virConnectGetStoragePoolCapabilities",
              remote_connect_get_storage_pool_capabilities, get_capabilities),
        GIVES(CONNECT_FIND_STORAGE_POOL_SOURCES, "virConnectFindStoragePoolSources",
              remote_connect_find_storage_pool_sources, find_sources),
        READS(STORAGE_POOL_LOOKUP_BY_NAME, "virStoragePoolLookupByName",
              remote_storage_pool_lookup_by_name, lookup_by_name),
        READS(STORAGE_POOL_LOOKUP_BY_UUID, "virStoragePoolLookupByUUID",
              remote_storage_pool_lookup_by_uuid, lookup_by_uuid),
        READS(STORAGE_POOL_LOOKUP_BY_VOLUME, "virStoragePoolLookupByVolume",
              remote_storage_pool_lookup_by_volume, lookup_by_volume),
        READS(STORAGE_POOL_LOOKUP_BY_TARGET_PATH, "virStoragePoolLookupByTargetPath",
              remote_storage_pool_lookup_by_target_path, lookup_by_path),
        GIVES(STORAGE_POOL_DEFINE_XML, "virStoragePoolDefineXML", remote_storage_pool_define_xml,
              define_xml),
        GIVES(STORAGE_POOL_CREATE_XML, "virStoragePoolCreateXML", remote_storage_pool_create_xml,
              create_xml),
        DOES(STORAGE_POOL_UNDEFINE, "virStoragePoolUndefine", remote_storage_pool_undefine,
             undefine),
        DOES(STORAGE_POOL_CREATE, "virStoragePoolCreate", remote_storage_pool_create, create),
        DOES(STORAGE_POOL_BUILD, "virStoragePoolBuild", remote_storage_pool_build, build),
        DOES(STORAGE_POOL_DESTROY, "virStoragePoolDestroy", remote_storage_pool_destroy, destroy),
        DOES(STORAGE_POOL_DELETE, "virStoragePoolDelete", remote_storage_pool_delete, delete),
        DOES(STORAGE_POOL_REFRESH, "virStoragePoolRefresh", remote_storage_pool_refresh, refresh),
        DOES(STORAGE_POOL_SET_AUTOSTART, "virStoragePoolSetAutostart",
             remote_storage_pool_set_autostart, set_autostart),
        READS(STORAGE_POOL_GET_AUTOSTART, "virStoragePoolGetAutostart",
              remote_storage_pool_get_autostart, get_autostart),
        READS(STORAGE_POOL_GET_INFO, "virStoragePoolGetInfo", remote_storage_pool_get_info,
              get_info),
        READS(STORAGE_POOL_GET_XML_DESC, "virStoragePoolGetXMLDesc",
              remote_storage_pool_get_xml_desc, get_xml),
        READS(STORAGE_POOL_IS_ACTIVE, "virStoragePoolIsActive", remote_storage_pool_is_active,
              is_active),
        READS(STORAGE_POOL_IS_PERSISTENT, "virStoragePoolIsPersistent",
              remote_storage_pool_is_persistent, is_persistent),
};

const ProcedureTable rpc_pool_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
