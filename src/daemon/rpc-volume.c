/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-storage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/dispatch.h"
#include "daemon/file-stream.h"
#include "daemon/rpc-domain.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_storage.h"

/* virStorageVolCreateFlags, -DeleteFlags, -ResizeFlags, -InfoFlags, -WipeAlgorithm. */
enum { CREATE_PREALLOC_METADATA = 1, CREATE_REFLINK = 2, CREATE_VALIDATE = 4 };
enum { DELETE_ZEROED = 1, DELETE_WITH_SNAPSHOTS = 2 };
enum { RESIZE_ALLOCATE = 1, RESIZE_DELTA = 2, RESIZE_SHRINK = 4 };
enum { INFO_GET_PHYSICAL = 1 };
enum { STREAM_SPARSE = 1 };
enum { WIPE_ZERO = 0, WIPE_TRIM = 9, WIPE_ALGORITHMS = 10 };

/* virStorageVolType. */
enum { TYPE_FILE = 0, TYPE_DIR = 2 };

void rpc_fill_volume(const Volume *volume, remote_storage_vol *ret) {
        ret->pool = rpc_text(volume->pool->def->name);
        ret->name = rpc_text(volume->name);
        ret->key = rpc_text(volume->path);
}

static int find_volume(Manager *manager, const remote_storage_vol *handle, Volume **ret, Err *err) {
        Pool *pool = pool_find_by_name(manager, handle->pool);
        Volume *volume;
        int r;

        if (!pool) {
                fail(err, VIR_ERR_NO_STORAGE_POOL, "no storage pool with matching name '%.200s'",
                     handle->pool);
                return -ENOENT;
        }
        r = pool_check_active(pool, true, err);
        if (r != 0)
                return r;
        volume = pool_find_volume(pool, handle->name);
        if (!volume) {
                fail(err, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching name '%.255s'",
                     handle->name);
                return -ENOENT;
        }
        *ret = volume;
        return 0;
}

/* ---- lookups and lists ---- */

static int lookup_by_name(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_lookup_by_name_args *args = data;
        remote_storage_vol_lookup_by_name_ret *ret = result;
        const Volume *volume;
        Pool *pool = NULL;
        int r = rpc_find_pool(manager, &args->pool, &pool, err);

        if (r == 0)
                r = pool_check_active(pool, true, err);
        if (r < 0)
                return r;
        volume = pool_find_volume(pool, args->name);
        if (!volume)
                return fail(err, VIR_ERR_NO_STORAGE_VOL,
                            "no storage vol with matching name '%.255s'", args->name);
        rpc_fill_volume(volume, &ret->vol);
        return 0;
}

static int lookup_by_key(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_lookup_by_key_args *args = data;
        const Volume *volume = pools_find_volume(manager, args->key);

        if (!volume)
                return fail(err, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching key %.4095s",
                            args->key);
        rpc_fill_volume(volume, &((remote_storage_vol_lookup_by_key_ret *)result)->vol);
        return 0;
}

static int lookup_by_path(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_lookup_by_path_args *args = data;
        g_autofree char *path = g_canonicalize_filename(args->path, "/");
        const Volume *volume = pools_find_volume(manager, path);

        /* Who asks by path is about to make the file where there is none: what was removed behind
         * the pool's back since it was read last is not there. */
        if (!volume || (access(path, F_OK) < 0 && errno == ENOENT))
                return fail(err, VIR_ERR_NO_STORAGE_VOL,
                            "no storage vol with matching path '%.4095s'", args->path);
        rpc_fill_volume(volume, &((remote_storage_vol_lookup_by_path_ret *)result)->vol);
        return 0;
}

static int compare_names(gconstpointer a, gconstpointer b) {
        return strcmp((*(Volume *const *)a)->name, (*(Volume *const *)b)->name);
}

/* The volumes of an active pool, by name. */
static int list(Manager *manager, const remote_storage_pool *handle, GPtrArray **ret, Err *err) {
        GHashTableIter iter;
        gpointer value;
        Pool *pool = NULL;
        int r = rpc_find_pool(manager, handle, &pool, err);

        if (r == 0)
                r = pool_check_active(pool, true, err);
        if (r < 0)
                return r;
        *ret = g_ptr_array_new();
        g_hash_table_iter_init(&iter, pool->volumes);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                g_ptr_array_add(*ret, value);
        g_ptr_array_sort(*ret, compare_names);
        return 0;
}

static int num_of_volumes(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_num_of_volumes_args *args = data;
        g_autoptr(GPtrArray) volumes = NULL;
        int r = list(manager, &args->pool, &volumes, err);

        if (r < 0)
                return r;
        ((remote_storage_pool_num_of_volumes_ret *)result)->num = (int)volumes->len;
        return 0;
}

static int list_volumes(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_list_volumes_args *args = data;
        remote_storage_pool_list_volumes_ret *ret = result;
        g_autoptr(GPtrArray) volumes = NULL;
        int r = list(manager, &args->pool, &volumes, err);
        guint n;

        if (r < 0)
                return r;
        n = MIN(volumes->len, (guint)MAX(args->maxnames, 0));
        ret->names.names_val = calloc(n + 1, sizeof(remote_string));
        ret->names.names_len = n;
        for (guint i = 0; i < n; i++)
                ret->names.names_val[i] = rpc_text(((Volume *)volumes->pdata[i])->name);
        return 0;
}

static int list_all(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_pool_list_all_volumes_args *args = data;
        remote_storage_pool_list_all_volumes_ret *ret = result;
        g_autoptr(GPtrArray) volumes = NULL;
        int r = flags_check(args->flags, 0, "virStoragePoolListAllVolumes", err);

        if (r == 0)
                r = list(manager, &args->pool, &volumes, err);
        if (r != 0)
                return r;
        ret->ret = volumes->len;
        if (!args->need_results)
                return 0;
        ret->vols.vols_val = calloc(volumes->len + 1, sizeof(remote_storage_vol));
        ret->vols.vols_len = volumes->len;
        for (guint i = 0; i < volumes->len; i++)
                rpc_fill_volume(volumes->pdata[i], &ret->vols.vols_val[i]);
        return 0;
}

/* ---- reading ---- */

static int get_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_get_xml_desc_args *args = data;
        Volume *volume = NULL;
        int r = flags_check(args->flags, 0, "virStorageVolGetXMLDesc", err);

        if (r == 0)
                r = find_volume(manager, &args->vol, &volume, err);
        if (r != 0)
                return r;
        ((remote_storage_vol_get_xml_desc_ret *)result)->xml = rpc_text(volume->xml);
        return 0;
}

static int get_path(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_get_path_args *args = data;
        Volume *volume = NULL;
        int r = find_volume(manager, &args->vol, &volume, err);

        if (r != 0)
                return r;
        ((remote_storage_vol_get_path_ret *)result)->name = rpc_text(volume->path);
        return 0;
}

static int fill_info(Manager *manager, const remote_storage_vol *handle, bool physical,
                     remote_storage_vol_get_info_ret *ret, Err *err) {
        Volume *volume = NULL;
        int r = find_volume(manager, handle, &volume, err);

        if (r != 0)
                return r;
        volume_read_size(volume);
        ret->type = volume->is_dir ? TYPE_DIR : TYPE_FILE;
        ret->capacity = volume->capacity;
        ret->allocation = physical ? volume->physical : volume->allocation;
        return 0;
}

static int get_info(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_get_info_args *args = data;

        return fill_info(manager, &args->vol, false, result, err);
}

static int get_info_flags(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_get_info_flags_args *args = data;
        remote_storage_vol_get_info_flags_ret *ret = result;
        remote_storage_vol_get_info_ret info = {};
        int r = flags_check(args->flags, INFO_GET_PHYSICAL, "virStorageVolGetInfoFlags", err);

        if (r == 0)
                r = fill_info(manager, &args->vol, args->flags & INFO_GET_PHYSICAL, &info, err);
        if (r < 0)
                return r;
        ret->type = info.type;
        ret->capacity = info.capacity;
        ret->allocation = info.allocation;
        return 0;
}

/* ---- changes ---- */

static void fill_created(Call *call, Volume *volume) {
        rpc_fill_volume(volume, &((remote_storage_vol_create_xml_ret *)call_ret(call))->vol);
}

static int create_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_create_xml_args *args = data;
        Pool *pool = NULL;
        int r = flags_check(args->flags, CREATE_PREALLOC_METADATA | CREATE_VALIDATE,
                            "virStorageVolCreateXML", err);

        if (r == 0)
                r = rpc_find_pool(manager, &args->pool, &pool, err);
        if (r < 0)
                return r;
        return volume_create(pool,
                             &(VolumeCreate){.xml = args->xml,
                                             .validate = args->flags & CREATE_VALIDATE,
                                             .preallocate = args->flags & CREATE_PREALLOC_METADATA},
                             call, fill_created, err);
}

static int create_xml_from(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_create_xml_from_args *args = data;
        Volume *from = NULL;
        Pool *pool = NULL;
        int r = flags_check(args->flags,
                            CREATE_PREALLOC_METADATA | CREATE_REFLINK | CREATE_VALIDATE,
                            "virStorageVolCreateXMLFrom", err);

        if (r == 0)
                r = rpc_find_pool(manager, &args->pool, &pool, err);
        if (r == 0)
                r = find_volume(manager, &args->clonevol, &from, err);
        if (r < 0)
                return r;
        return volume_create(pool,
                             &(VolumeCreate){.xml = args->xml,
                                             .from = from,
                                             .validate = args->flags & CREATE_VALIDATE,
                                             .preallocate = args->flags & CREATE_PREALLOC_METADATA},
                             call, fill_created, err);
}

static int delete (Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_delete_args *args = data;
        Volume *volume = NULL;
        int r = flags_check(args->flags, DELETE_ZEROED | DELETE_WITH_SNAPSHOTS,
                            "virStorageVolDelete", err);

        if (r == 0)
                r = find_volume(manager, &args->vol, &volume, err);
        return r < 0 ? r : volume_delete(volume, call, err);
}

static int resize(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_resize_args *args = data;
        VolumeResize change = {.capacity = args->capacity,
                               .is_delta = args->flags & RESIZE_DELTA,
                               .may_shrink = args->flags & RESIZE_SHRINK,
                               .allocate = args->flags & RESIZE_ALLOCATE};
        Volume *volume = NULL;
        int r = flags_check(args->flags, RESIZE_ALLOCATE | RESIZE_DELTA | RESIZE_SHRINK,
                            "virStorageVolResize", err);

        if (r == 0)
                r = find_volume(manager, &args->vol, &volume, err);
        return r < 0 ? r : volume_resize(volume, &change, call, err);
}

static int wipe_by(Manager *manager, Call *call, const remote_storage_vol *handle,
                   unsigned algorithm, Err *err) {
        Volume *volume = NULL;
        int r;

        if (algorithm >= WIPE_ALGORITHMS)
                return fail(err, VIR_ERR_INVALID_ARG, "wiping algorithm %u not supported",
                            algorithm);
        if (algorithm != WIPE_ZERO && algorithm != WIPE_TRIM)
                return fail_hint(err,
                                 fail(err, VIR_ERR_ARGUMENT_UNSUPPORTED,
                                      "a volume is wiped with zeros or trimmed, not by patterns, "
                                      "which no file system keeps in their place"),
                                 "--algorithm zero, or trim");
        r = find_volume(manager, handle, &volume, err);
        return r < 0 ? r : volume_wipe(volume, algorithm == WIPE_TRIM, call, err);
}

static int wipe(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_wipe_args *args = data;
        int r = flags_check(args->flags, 0, "virStorageVolWipe", err);

        return r < 0 ? r : wipe_by(manager, call, &args->vol, WIPE_ZERO, err);
}

static int wipe_pattern(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_wipe_pattern_args *args = data;
        int r = flags_check(args->flags, 0, "virStorageVolWipePattern", err);

        return r < 0 ? r : wipe_by(manager, call, &args->vol, args->algorithm, err);
}

/* ---- what it holds, as a stream ---- */

/* The volume while a client reads or writes it. Names, because the pool may be gone by its end. */
typedef struct VolumeUse {
        Manager *manager;
        char *pool, *name;
        bool is_upload;
} VolumeUse;

static void on_stream_ended(void *userdata) {
        VolumeUse *use = userdata;
        Pool *pool = pool_find_by_name(use->manager, use->pool);
        Volume *volume = pool ? pool_find_volume(pool, use->name) : NULL;

        if (volume && volume->users > 0)
                volume->users--;
        if (pool)
                pool->errands--;
        if (pool && pool->is_active && use->is_upload)
                pool_scan(pool, NULL, NULL, NULL);
        g_free(use->pool);
        g_free(use->name);
        g_free(use);
}

static int open_stream(Manager *manager, Call *call, Volume *volume, FileStream *file, Err *err) {
        VolumeUse *use = g_new0(VolumeUse, 1);
        int r;

        *use = (VolumeUse){manager, g_strdup(volume->pool->def->name), g_strdup(volume->name),
                           file->is_upload};
        file->path = volume->path;
        volume->users++;
        volume->pool->errands++;
        r = file_stream_open(call, file, on_stream_ended, use, err);
        if (r != 0)
                on_stream_ended(use);
        return r;
}

static int check_offset(const Volume *volume, const FileStream *file, Err *err) {
        if (file->offset <= INT64_MAX && file->length <= INT64_MAX - file->offset)
                return 0;
        return fail(err, VIR_ERR_INVALID_ARG, "offset and length are beyond the end of volume '%s'",
                    volume->name);
}

static int upload(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_upload_args *args = data;
        FileStream file = {.offset = args->offset,
                           .length = args->length,
                           .is_upload = true,
                           .is_sparse = args->flags & STREAM_SPARSE};
        Volume *volume = NULL;
        int r = flags_check(args->flags, STREAM_SPARSE, "virStorageVolUpload", err);

        if (r == 0)
                r = find_volume(manager, &args->vol, &volume, err);
        if (r != 0)
                return r;
        r = volume_check_free(volume, err);
        if (r == 0)
                r = check_offset(volume, &file, err);
        return r < 0 ? r : open_stream(manager, call, volume, &file, err);
}

static int download(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_storage_vol_download_args *args = data;
        FileStream file = {.offset = args->offset,
                           .length = args->length,
                           .is_sparse = args->flags & STREAM_SPARSE};
        Volume *volume = NULL;
        int r = flags_check(args->flags, STREAM_SPARSE, "virStorageVolDownload", err);

        if (r == 0)
                r = find_volume(manager, &args->vol, &volume, err);
        if (r != 0)
                return r;
        if (volume->partial)
                r = volume_check_free(volume, err);
        if (r == 0)
                r = check_offset(volume, &file, err);
        return r < 0 ? r : open_stream(manager, call, volume, &file, err);
}

static const Procedure procedures[] = {
        READS(STORAGE_VOL_LOOKUP_BY_NAME, "virStorageVolLookupByName",
              remote_storage_vol_lookup_by_name, lookup_by_name),
        READS(STORAGE_VOL_LOOKUP_BY_KEY, "virStorageVolLookupByKey",
              remote_storage_vol_lookup_by_key, lookup_by_key),
        READS(STORAGE_VOL_LOOKUP_BY_PATH, "virStorageVolLookupByPath",
              remote_storage_vol_lookup_by_path, lookup_by_path),
        READS(STORAGE_POOL_NUM_OF_VOLUMES, "virStoragePoolNumOfVolumes",
              remote_storage_pool_num_of_volumes, num_of_volumes),
        READS(STORAGE_POOL_LIST_VOLUMES, "virStoragePoolListVolumes",
              remote_storage_pool_list_volumes, list_volumes),
        READS(STORAGE_POOL_LIST_ALL_VOLUMES, "virStoragePoolListAllVolumes",
              remote_storage_pool_list_all_volumes, list_all),
        READS(STORAGE_VOL_GET_XML_DESC, "virStorageVolGetXMLDesc", remote_storage_vol_get_xml_desc,
              get_xml),
        READS(STORAGE_VOL_GET_PATH, "virStorageVolGetPath", remote_storage_vol_get_path, get_path),
        READS(STORAGE_VOL_GET_INFO, "virStorageVolGetInfo", remote_storage_vol_get_info, get_info),
        READS(STORAGE_VOL_GET_INFO_FLAGS, "virStorageVolGetInfoFlags",
              remote_storage_vol_get_info_flags, get_info_flags),
        GIVES(STORAGE_VOL_CREATE_XML, "virStorageVolCreateXML", remote_storage_vol_create_xml,
              create_xml),
        GIVES(STORAGE_VOL_CREATE_XML_FROM, "virStorageVolCreateXMLFrom",
              remote_storage_vol_create_xml_from, create_xml_from),
        DOES(STORAGE_VOL_DELETE, "virStorageVolDelete", remote_storage_vol_delete, delete),
        DOES(STORAGE_VOL_RESIZE, "virStorageVolResize", remote_storage_vol_resize, resize),
        DOES(STORAGE_VOL_UPLOAD, "virStorageVolUpload", remote_storage_vol_upload, upload),
        DOES(STORAGE_VOL_DOWNLOAD, "virStorageVolDownload", remote_storage_vol_download, download),
        DOES(STORAGE_VOL_WIPE, "virStorageVolWipe", remote_storage_vol_wipe, wipe),
        DOES(STORAGE_VOL_WIPE_PATTERN, "virStorageVolWipePattern", remote_storage_vol_wipe_pattern,
             wipe_pattern),
};

const ProcedureTable rpc_volume_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
