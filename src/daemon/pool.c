/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/pool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/event.h"
#include "daemon/object-store.h"
#include "storage/directory.h"

#define DIRECTORY_MODE 0711 /* of a pool's directory that says nothing else */

/* ---- files ---- */

static int write_xml(char *path, const PoolDef *def, Err *err) {
        g_autofree char *owned = path;
        g_autofree char *xml = pool_def_format(def, true);

        return object_write_file(owned, xml, err);
}

static int write_config(const Pool *pool, const PoolDef *def, Err *err) {
        return write_xml(object_config_path(pool->manager, POOL_KIND, def->name), def, err);
}

/* ---- the object ---- */

void volume_free(Volume *volume) {
        g_free(volume->name);
        g_free(volume->path);
        g_free(volume->format);
        g_free(volume->xml);
        g_free(volume->backing);
        g_free(volume->partial);
        g_free(volume);
}

static void free_volume(void *volume) {
        volume_free(volume);
}

Pool *pool_ref(Pool *pool) {
        pool->refs++;
        return pool;
}

void pool_unref(Pool *pool) {
        if (!pool || --pool->refs > 0)
                return;
        g_hash_table_unref(pool->volumes);
        pool_def_free(pool->def);
        pool_def_free(pool->next);
        g_free(pool->uuid_text);
        g_free(pool);
}

static Pool *pool_new_consume(Manager *manager, PoolDef *def) {
        char text[DOMAIN_UUID_TEXT_MAX];
        Pool *pool = g_new0(Pool, 1);

        pool->refs = 1;
        pool->manager = manager;
        pool->def = def;
        pool->uuid_text = g_strdup(domain_uuid_format(def->uuid, text));
        pool->volumes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_volume);
        g_hash_table_insert(manager->pools, def->name, pool);
        return pool;
}

static void forget(Pool *pool) {
        g_hash_table_remove(pool->manager->pools, pool->def->name);
        pool_unref(pool);
}

/* The definition under which the pool is known; its name is the key of the table. */
static void replace_def(Pool *pool, PoolDef *def) {
        g_hash_table_remove(pool->manager->pools, pool->def->name);
        pool_def_free(pool->def);
        pool->def = def;
        pool->changes++;
        g_hash_table_insert(pool->manager->pools, pool->def->name, pool);
}

Pool *pool_find_by_name(Manager *manager, const char *name) {
        return g_hash_table_lookup(manager->pools, name);
}

Pool *pool_find_by_uuid(Manager *manager, const uint8_t uuid[16]) {
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->pools);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (memcmp(((Pool *)value)->def->uuid, uuid, 16) == 0)
                        return value;
        return NULL;
}

Pool *pool_find_by_path(Manager *manager, const char *path) {
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->pools);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (strcmp(((Pool *)value)->def->target.path, path) == 0)
                        return value;
        return NULL;
}

Volume *pool_find_volume(const Pool *pool, const char *name) {
        return g_hash_table_lookup(pool->volumes, name);
}

Volume *pools_find_volume(Manager *manager, const char *path) {
        g_autofree char *dir = g_path_get_dirname(path);
        g_autofree char *name = g_path_get_basename(path);
        const Pool *pool = pool_find_by_path(manager, dir);

        return pool ? pool_find_volume(pool, name) : NULL;
}

int pool_check_active(const Pool *pool, bool is_active, Err *err) {
        if (pool->is_active == is_active)
                return 0;
        return fail(err, VIR_ERR_OPERATION_INVALID,
                    is_active ? "storage pool '%s' is not active"
                              : "storage pool '%s' is already active",
                    pool->def->name);
}

static int check_idle(const Pool *pool, Err *err) {
        if (pool->errands == 0)
                return 0;
        return fail(err, VIR_ERR_INTERNAL_ERROR,
                    "pool '%s' has asynchronous jobs running: a volume is being made or read",
                    pool->def->name);
}

void pool_emit(Pool *pool, PoolEvent event) {
        event_pool_lifecycle(pool->manager, pool->def->name, pool->def->uuid, (int)event);
}

/* ---- define ---- */

/* Same name and same UUID, or neither; no other pool has its directory. */
static int find_same(Manager *manager, const PoolDef *def, Pool **ret, Err *err) {
        Pool *by_name = pool_find_by_name(manager, def->name);
        Pool *by_uuid = pool_find_by_uuid(manager, def->uuid);
        Pool *by_path = pool_find_by_path(manager, def->target.path);

        if (by_uuid && by_uuid != by_name)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "pool '%s' is already defined with uuid %s", by_uuid->def->name,
                            by_uuid->uuid_text);
        if (by_name && !by_uuid)
                return fail(err, VIR_ERR_OPERATION_FAILED, "pool '%s' already exists with uuid %s",
                            def->name, by_name->uuid_text);
        if (by_path && by_path != by_name)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "Storage source conflict with pool: '%s' has the directory '%s'",
                            by_path->def->name, def->target.path);
        if (!by_name && g_hash_table_size(manager->pools) >= POOLS_MAX)
                return fail(err, VIR_ERR_OPERATION_FAILED, "there are %d pools already", POOLS_MAX);
        *ret = by_name;
        return 0;
}

static int parse(const char *xml, bool validate, PoolDef **ret, Err *err) {
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
        int r = pool_def_parse(xml, validate, warnings, ret, err);

        for (guint i = 0; r == 0 && i < warnings->len; i++)
                log_warning("pool '%s': %s", (*ret)->name, (const char *)warnings->pdata[i]);
        return r;
}

int pool_define(Manager *manager, const char *xml, bool validate, Pool **ret, Err *err) {
        g_autoptr(PoolDef) def = NULL;
        Pool *pool = NULL;
        int r = parse(xml, validate, &def, err);

        if (r == 0)
                r = find_same(manager, def, &pool, err);
        if (r == 0 && pool && !pool->is_active) /* what is read now is of the directory it had */
                r = check_idle(pool, err);
        if (r < 0)
                return r;
        if (!pool)
                pool = pool_new_consume(manager, g_steal_pointer(&def));
        r = write_config(pool, def ? def : pool->def, err);
        if (r < 0) {
                if (!def)
                        forget(pool);
                return r;
        }
        if (def && pool->is_active) {
                pool_def_free(pool->next);
                pool->next = g_steal_pointer(&def);
        } else if (def) {
                replace_def(pool, g_steal_pointer(&def));
        }
        pool->is_persistent = true;
        pool_emit(pool, POOL_DEFINED);
        *ret = pool;
        return 0;
}

const PoolDef *pool_next_def(const Pool *pool) {
        return pool->next ? pool->next : pool->def;
}

/* One that is here already under another UUID, with the same directory: each host has its own
 * "default". */
static Pool *find_twin(Manager *manager, const PoolDef *def) {
        Pool *twin = pool_find_by_name(manager, def->name);
        g_autoptr(PoolDef) copy = NULL;
        g_autofree char *a = NULL, *b = NULL;

        if (!twin || pool_find_by_uuid(manager, def->uuid))
                return NULL;
        copy = pool_def_copy(def);
        memcpy(copy->uuid, twin->def->uuid, sizeof(copy->uuid));
        a = pool_def_format(copy, true);
        b = pool_def_format(pool_next_def(twin), true);
        return g_str_equal(a, b) ? twin : NULL;
}

int pool_try_define(Manager *manager, const char *xml, GPtrArray *warnings, PoolDef **ret,
                    Pool **ret_same, Err *err) {
        g_autoptr(PoolDef) def = NULL;
        Pool *same;
        int r = pool_def_parse(xml, false, warnings, &def, err);

        if (r < 0)
                return r;
        same = find_twin(manager, def);
        if (same) {
                *ret = pool_def_copy(pool_next_def(same));
                *ret_same = same;
                return 0;
        }
        r = find_same(manager, def, &same, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&def);
        *ret_same = same;
        return 0;
}

int pool_make_transient(Manager *manager, const char *xml, bool validate, Pool **ret, Err *err) {
        g_autoptr(PoolDef) def = NULL;
        Pool *pool = NULL;
        int r = parse(xml, validate, &def, err);

        if (r == 0)
                r = find_same(manager, def, &pool, err);
        if (r == 0 && pool)
                r = pool_check_active(pool, false, err);
        if (r == 0 && pool)
                r = check_idle(pool, err);
        if (r < 0)
                return r;
        if (pool && !pool->next) /* it comes back when this run ends */
                pool->next = pool_def_copy(pool->def);
        if (pool)
                replace_def(pool, g_steal_pointer(&def));
        else
                pool = pool_new_consume(manager, g_steal_pointer(&def));
        *ret = pool;
        return 0;
}

int pool_undefine(Pool *pool, Err *err) {
        g_autofree char *path = object_config_path(pool->manager, POOL_KIND, pool->def->name);
        int r;

        if (pool->is_active)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "storage pool '%s' is still active", pool->def->name),
                                 "stop it first: pool-destroy %s (its files stay)",
                                 pool->def->name);
        r = check_idle(pool, err);
        if (r == 0)
                r = pool_set_autostart(pool, false, err);
        if (r == 0)
                r = file_remove(path, err);
        if (r < 0)
                return r;
        pool_emit(pool, POOL_UNDEFINED);
        forget(pool);
        return 0;
}

int pool_set_autostart(Pool *pool, bool autostart, Err *err) {
        int r;

        if (!pool->is_persistent && autostart)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "pool '%s' has no configuration file",
                            pool->def->name);
        r = object_set_autostart(pool->manager, POOL_KIND, pool->def->name, autostart, err);
        if (r == 0)
                pool->autostart = autostart;
        return r;
}

/* ---- reading the directory ---- */

typedef struct Scan {
        Pool *pool;
        unsigned changes; /* of the pool when it began */
        PoolScanned done;
        void *userdata;
} Scan;

json_t *volume_to_json(const VolumeDef *def) {
        g_autofree char *xml = volume_def_format(def);

        return json_pack("{s:s, s:s, s:s*, s:b, s:I, s:I, s:I, s:s}", "name", def->name, "format",
                         volume_format_to_string(def->target.format.type), "backing",
                         def->backing.path, "dir", def->type == VOLUME_TYPE_DIR, "capacity",
                         (json_int_t)def->capacity.value, "allocation",
                         (json_int_t)def->allocation.value, "physical",
                         (json_int_t)def->physical.value, "xml", xml);
}

/* In the child: a name that is no UTF-8 cannot be told, and is no volume. */
static int scan_directory(int out, void *data) {
        Pool *pool = data;
        g_autoptr(GPtrArray) volumes = NULL;
        g_auto(Err) err = ERR_INIT;
        json_t *list = json_array();
        int r;

        if (!pool->is_active) /* no volume is being made: a daemon before this one left it */
                directory_remove_partial(pool->def->target.path);
        r = directory_scan(pool->def->target.path, &volumes, &err);

        if (r == 0)
                r = directory_read_space(pool->def, &err);
        if (r < 0) {
                dprintf(out, "%s", err.message);
                return r;
        }
        for (guint i = 0; i < volumes->len; i++) {
                json_t *volume = volume_to_json(volumes->pdata[i]);

                if (volume)
                        json_array_append_new(list, volume);
        }
        list = json_pack("{s:I, s:I, s:o}", "capacity", (json_int_t)pool->def->capacity.value,
                         "available", (json_int_t)pool->def->available.value, "volumes", list);
        return json_dumpfd(list, out, JSON_COMPACT) < 0 ? -EIO : 0;
}

Volume *volume_from_json(Pool *pool, json_t *json) {
        Volume *volume = g_new0(Volume, 1);
        const char *name = NULL, *format = NULL, *backing = NULL, *xml = NULL;
        json_int_t capacity = 0, allocation = 0, physical = 0;
        int is_dir = 0;

        json_unpack(json, "{s:s, s:s, s?s, s:b, s:I, s:I, s:I, s:s}", "name", &name, "format",
                    &format, "backing", &backing, "dir", &is_dir, "capacity", &capacity,
                    "allocation", &allocation, "physical", &physical, "xml", &xml);
        *volume = (Volume){
                .pool = pool,
                .name = g_strdup(name),
                .path = g_build_filename(pool->def->target.path, name, NULL),
                .format = g_strdup(format),
                .xml = g_strdup(xml),
                .backing = g_strdup(backing),
                .is_dir = is_dir,
                .capacity = (uint64_t)capacity,
                .allocation = (uint64_t)allocation,
                .physical = (uint64_t)physical,
        };
        return volume;
}

/* Volumes that are made or used now stay as they are: who works on them knows better. */
static gboolean is_at_rest(gpointer name, gpointer value, gpointer data) {
        const Volume *volume = value;

        return !volume->partial && volume->users == 0;
}

static void take_volumes(Pool *pool, json_t *answer) {
        json_int_t capacity = 0, available = 0;
        json_t *list = NULL, *item;
        size_t i;

        json_unpack(answer, "{s:I, s:I, s:o}", "capacity", &capacity, "available", &available,
                    "volumes", &list);
        pool->def->capacity = DOMAIN_NUM((uint64_t)capacity);
        pool->def->available = DOMAIN_NUM((uint64_t)available);
        pool->def->allocation = DOMAIN_NUM((uint64_t)(capacity - available));
        g_hash_table_foreach_remove(pool->volumes, is_at_rest, NULL);
        json_array_foreach(list, i, item) {
                Volume *volume = volume_from_json(pool, item);

                if (g_hash_table_contains(pool->volumes, volume->name))
                        volume_free(volume);
                else
                        g_hash_table_insert(pool->volumes, volume->name, volume);
        }
}

static void on_scanned(int r, const char *output, size_t size, void *userdata) {
        g_autofree Scan *scan = userdata;
        g_autoptr(Pool) pool = scan->pool;
        g_auto(Err) err = ERR_INIT;
        json_t *answer = r == 0 ? json_loadb(output, size, 0, NULL) : NULL;

        if (scan->done)
                pool->errands--;
        else if (!pool->is_active)
                r = -ECANCELED;
        if (r == 0 && scan->changes != pool->changes &&
            pool_scan(pool, scan->done, scan->userdata, NULL) == 0) {
                json_decref(answer);
                return;
        }
        if (r < 0)
                fail(&err, VIR_ERR_SYSTEM_ERROR, "%.*s", (int)MIN(size, 4096),
                     size > 0 ? output : "the pool's directory cannot be read");
        else if (!answer)
                fail(&err, VIR_ERR_INTERNAL_ERROR, "what pool '%s' holds cannot be read",
                     pool->def->name);
        else
                take_volumes(pool, answer);
        json_decref(answer);
        if (scan->done)
                scan->done(pool, &err, scan->userdata);
}

int pool_scan(Pool *pool, PoolScanned done, void *userdata, Err *err) {
        Scan *scan = g_new0(Scan, 1);
        int r;

        *scan = (Scan){pool_ref(pool), pool->changes, done, userdata};
        r = errand_run(
                pool->manager->event,
                &(ErrandSpec){
                        .func = scan_directory, .data = pool, .done = on_scanned, .userdata = scan},
                NULL, err);
        if (r < 0) {
                pool_unref(pool);
                g_free(scan);
                return r;
        }
        if (done)
                pool->errands++;
        return 0;
}

/* ---- start, build, refresh, stop, delete ---- */

/* A call that waits for work on the directory. */
typedef struct Work {
        Pool *pool;
        Call *call; /* NULL: nobody waits */
        PoolFunc done;
        bool is_start;
} Work;

static Work *work_new(Pool *pool, Call *call, PoolFunc done) {
        Work *work = g_new0(Work, 1);

        *work = (Work){.pool = pool_ref(pool), .call = call ? call_ref(call) : NULL, .done = done};
        return work;
}

/* Answers the call; work is gone after. */
static void work_end(Work *work, const Err *err) {
        if (work->call && !err && work->done)
                work->done(work->call, work->pool);
        if (work->call)
                call_finish(work->call, err);
        else if (err)
                log_err(err, "pool '%s'", work->pool->def->name);
        pool_unref(work->pool);
        g_free(work);
}

static void work_drop(Work *work) {
        if (work->call)
                call_unref(work->call);
        pool_unref(work->pool);
        g_free(work);
}

static void become_active(Pool *pool) {
        g_auto(Err) err = ERR_INIT;

        pool->is_active = true;
        if (write_xml(object_run_path(pool->manager, POOL_KIND, pool->def->name, "xml"), pool->def,
                      &err) < 0)
                log_err(&err, "a later airlockd does not know that pool '%s' is active",
                        pool->def->name);
        pool_emit(pool, POOL_STARTED);
}

/* The pool is what it was before somebody tried; it may be gone. */
static void give_up_start(Pool *pool) {
        if (!pool->is_persistent)
                forget(pool);
        else if (pool->next)
                replace_def(pool, g_steal_pointer(&pool->next));
}

static void on_work_scanned(Pool *pool, const Err *err, void *userdata) {
        Work *work = userdata;
        bool is_bad = err_is_set(err);

        if (is_bad && work->is_start)
                give_up_start(pool);
        if (is_bad && !work->is_start && pool->is_active)
                pool_stop(pool, NULL); /* its directory has gone */
        if (!is_bad && work->is_start)
                become_active(pool);
        else if (!is_bad)
                event_pool_refresh(pool->manager, pool->def->name, pool->def->uuid);
        work_end(work, is_bad ? err : NULL);
}

/* In a handler, which answers a failure itself. */
static int scan_for(Work *work, Err *err) {
        int r = pool_scan(work->pool, on_work_scanned, work, err);

        if (r < 0)
                work_drop(work);
        return r < 0 ? r : CALL_LATER;
}

/* In the child. */
static int make_directory(int out, void *data) {
        const PoolDef *def = ((Pool *)data)->def;
        const StoragePermissions *permissions = &def->target.permissions;
        g_auto(Err) err = ERR_INIT;
        unsigned mode = storage_mode(permissions, DIRECTORY_MODE);
        int r = file_mkdir_p(def->target.path, mode, &err);

        if (r == 0 && permissions->mode && chmod(def->target.path, mode) < 0)
                r = fail_errno(&err, neg_errno(), "cannot set the mode of '%s'", def->target.path);
        if (r == 0 && (permissions->owner.is_set || permissions->group.is_set) &&
            chown(def->target.path, (uid_t)domain_num_or(permissions->owner, UINT32_MAX),
                  (gid_t)domain_num_or(permissions->group, UINT32_MAX)) < 0)
                r = fail_errno(&err, neg_errno(), "cannot set the owner of '%s'", def->target.path);
        if (r < 0)
                dprintf(out, "%s", err.message);
        return r;
}

static int remove_directory(int out, void *data) {
        const char *path = ((Pool *)data)->def->target.path;

        if (rmdir(path) == 0)
                return 0;
        dprintf(out, "failed to remove pool '%s': %s", path, g_strerror(errno));
        return -EIO;
}

static int run_work(Work *work, ErrandFunc func, ErrandDone done, Err *err) {
        Pool *pool = work->pool;
        int r = errand_run(
                pool->manager->event,
                &(ErrandSpec){.func = func, .data = pool, .done = done, .userdata = work}, NULL,
                err);

        if (r < 0) {
                work_drop(work);
                return r;
        }
        pool->errands++;
        return CALL_LATER;
}

static int take_result(Work *work, int r, const char *output, Err *err) {
        work->pool->errands--;
        return r < 0 ? fail(err, VIR_ERR_INTERNAL_ERROR, "%.4096s", output) : 0;
}

static void on_built(int r, const char *output, size_t size, void *userdata) {
        Work *work = userdata;
        g_auto(Err) err = ERR_INIT;

        r = take_result(work, r, output, &err);
        if (r == 0)
                pool_emit(work->pool, POOL_CREATED);
        if (r == 0 && work->is_start)
                r = pool_scan(work->pool, on_work_scanned, work, &err);
        if (r < 0 && work->is_start)
                give_up_start(work->pool);
        if (r < 0 || !work->is_start)
                work_end(work, r < 0 ? &err : NULL);
}

static void on_deleted(int r, const char *output, size_t size, void *userdata) {
        Work *work = userdata;
        g_auto(Err) err = ERR_INIT;

        r = take_result(work, r, output, &err);
        if (r == 0)
                pool_emit(work->pool, POOL_DELETED);
        work_end(work, r < 0 ? &err : NULL);
}

int pool_start(Pool *pool, PoolBuild build, Call *call, PoolFunc done, Err *err) {
        Work *work;
        int r = pool_check_active(pool, false, err);

        if (r == 0)
                r = check_idle(pool, err);
        if (r < 0)
                return r;
        work = work_new(pool, call, done);
        work->is_start = true;
        r = build == POOL_BUILD ? run_work(work, make_directory, on_built, err)
                                : scan_for(work, err);
        if (r < 0)
                give_up_start(pool);
        return r;
}

int pool_build(Pool *pool, Call *call, Err *err) {
        int r = pool_check_active(pool, false, err);

        if (r == 0)
                r = check_idle(pool, err);
        return r < 0 ? r : run_work(work_new(pool, call, NULL), make_directory, on_built, err);
}

int pool_delete(Pool *pool, Call *call, Err *err) {
        int r = pool_check_active(pool, false, err);

        if (r == 0)
                r = check_idle(pool, err);
        return r < 0 ? r : run_work(work_new(pool, call, NULL), remove_directory, on_deleted, err);
}

int pool_refresh(Pool *pool, Call *call, Err *err) {
        int r = pool_check_active(pool, true, err);

        return r < 0 ? r : scan_for(work_new(pool, call, NULL), err);
}

int pool_stop(Pool *pool, Err *err) {
        g_autofree char *path = object_run_path(pool->manager, POOL_KIND, pool->def->name, "xml");
        int r = pool_check_active(pool, true, err);

        if (r == 0)
                r = check_idle(pool, err);
        if (r == 0)
                r = file_remove(path, err);
        if (r < 0)
                return r;
        pool->is_active = false;
        g_hash_table_remove_all(pool->volumes);
        pool->def->capacity = pool->def->allocation = pool->def->available = DOMAIN_NUM(0);
        if (pool->next)
                replace_def(pool, g_steal_pointer(&pool->next));
        pool_emit(pool, POOL_STOPPED);
        if (!pool->is_persistent)
                forget(pool);
        return 0;
}

/* ---- all of them ---- */

static void load_file(Manager *manager, const char *path, bool is_run) {
        g_autofree char *text = NULL;
        g_autoptr(PoolDef) def = NULL;
        g_auto(Err) err = ERR_INIT;
        Pool *pool = NULL;
        int r = file_read(path, OBJECT_FILE_MAX, &text, NULL, &err);

        if (r == 0)
                r = parse(text, false, &def, &err);
        if (r == 0)
                r = find_same(manager, def, &pool, &err);
        if (r < 0) {
                log_err(&err, "cannot load the pool of '%s'; its file is kept", path);
                return;
        }
        if (!pool)
                pool = pool_new_consume(manager, g_steal_pointer(&def));
        pool->is_persistent |= !is_run;
        pool->autostart = object_has_autostart(manager, POOL_KIND, pool->def->name);
        if (is_run)
                pool_start(pool, POOL_NO_BUILD, NULL, NULL, &err);
        if (err_is_set(&err))
                log_err(&err, "cannot start the pool of '%s'", path);
}

static void load_config(Manager *manager, const char *path) {
        load_file(manager, path, false);
}

static void load_run(Manager *manager, const char *path) {
        load_file(manager, path, true);
}

void pools_load(Manager *manager) {
        manager->pools = g_hash_table_new(g_str_hash, g_str_equal);
        object_each_file(manager, manager->paths.config_dir, POOL_KIND, load_config);
        object_each_file(manager, manager->paths.run_dir, POOL_KIND, load_run);
}

void pools_autostart(Manager *manager) {
        g_autoptr(GList) pools = g_hash_table_get_values(manager->pools);

        for (GList *l = pools; l; l = l->next) {
                g_auto(Err) err = ERR_INIT;
                Pool *pool = l->data;

                if (pool->autostart && !pool->is_active && pool->errands == 0 &&
                    pool_start(pool, POOL_NO_BUILD, NULL, NULL, &err) < 0)
                        log_err(&err, "cannot start pool '%s'", pool->def->name);
        }
}

void pools_free(Manager *manager) {
        g_autoptr(GList) pools = manager->pools ? g_hash_table_get_values(manager->pools) : NULL;

        for (GList *l = pools; l; l = l->next)
                forget(l->data);
        g_clear_pointer(&manager->pools, g_hash_table_unref);
}
