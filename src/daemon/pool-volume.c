/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/client.h"
#include "daemon/vm.h"
#include "storage/directory.h"
#include "storage/image.h"

#define QEMU_IMG    "/usr/bin/qemu-img"
#define VOLUME_MODE 0600 /* of a volume that says nothing else */
#define WIPE_CHUNK  (1u << 20)

/* Microseconds between two looks at whether the client is still there. */
#define WATCH_INTERVAL (500 * UINT64_C(1000))

/* ---- what the child does; each writes the volume as JSON, or why it failed ---- */

typedef struct VolumeTask {
        const VolumeDef *def; /* NULL: the volume is there */
        const char *pool, *name, *path, *partial, *format;
        const char *from, *from_format; /* NULL: no copy */
        VolumeResize resize;            /* capacity is absolute */
        bool trim, preallocate;
} VolumeTask;

static int tell_volume(int out, const VolumeTask *task) {
        g_autoptr(VolumeDef) def = NULL;
        g_auto(Err) err = ERR_INIT;
        json_t *json;
        int r = directory_read_volume(task->pool, task->name, &def, &err);

        if (r < 0) {
                dprintf(out, "%s", err.message);
                return r;
        }
        json = volume_to_json(def);
        r = json && json_dumpfd(json, out, JSON_COMPACT) == 0 ? 0 : -EIO;
        json_decref(json);
        return r;
}

static int fail_task(int out, const char *what, const char *path) {
        int r = neg_errno();

        dprintf(out, "cannot %s '%s': %s", what, path, g_strerror(-r));
        return r;
}

/* In the grandchild. What qemu-img complains of is the answer. */
static void exec_qemu_img(int out, char **argv, pid_t parent) {
        int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0 ||
            dup2(out, STDERR_FILENO) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
            getppid() != parent)
                _exit(127);
        execv(argv[0], argv);
        dprintf(out, "cannot execute '%s': %s; install it: apt install qemu-utils", argv[0],
                g_strerror(errno));
        _exit(127);
}

/* args is taken over; more is a NULL-terminated list of words that follow. */
static int qemu_img(int out, char **args, const char *const *more) {
        g_auto(GStrv) words = args;
        g_autoptr(GPtrArray) argv = g_ptr_array_new();
        pid_t parent = getpid(), pid;
        int status = 0;

        g_ptr_array_add(argv, (gpointer)(uintptr_t)QEMU_IMG);
        for (char **word = words; *word; word++)
                g_ptr_array_add(argv, *word);
        for (; *more; more++)
                g_ptr_array_add(argv, (gpointer)(uintptr_t)*more);
        g_ptr_array_add(argv, NULL);
        pid = fork();
        if (pid < 0)
                return fail_task(out, "fork for", QEMU_IMG);
        if (pid == 0)
                exec_qemu_img(out, (char **)argv->pdata, parent);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -EIO;
        return status == 0 ? 0 : -EIO;
}

static int create_raw(int out, const VolumeTask *task) {
        _cleanup_(closep) int fd =
                open(task->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, VOLUME_MODE);
        uint64_t capacity = task->def->capacity.value;
        uint64_t allocation = MIN(domain_num_or(task->def->allocation, capacity), capacity);

        if (fd < 0 || ftruncate(fd, (off_t)capacity) < 0)
                return fail_task(out, "make", task->partial);
        errno = allocation > 0 ? posix_fallocate(fd, 0, (off_t)allocation) : 0;
        return errno != 0 ? fail_task(out, "allocate", task->partial) : 0;
}

static int create_image(int out, const VolumeTask *task) {
        g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, task->def->capacity.value);
        const char *const sized[] = {task->partial, size, NULL};
        const char *const copied[] = {task->from, task->partial, NULL};
        bool is_qcow2 = g_strcmp0(task->from_format, "qcow2") == 0;
        VolumeFormat from = is_qcow2 ? VOLUME_FORMAT_QCOW2 : VOLUME_FORMAT_RAW;

        if (task->from)
                return qemu_img(out, image_convert_args(task->def, from, task->preallocate),
                                copied);
        if (task->def->target.format.type == VOLUME_FORMAT_RAW)
                return create_raw(out, task);
        return qemu_img(out, image_create_args(task->def, task->preallocate),
                        task->def->capacity.is_set ? sized : (const char *[]){task->partial, NULL});
}

/* A copy is at least as large as it was asked to be. */
static int grow_copy(int out, const VolumeTask *task) {
        g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, task->def->capacity.value);
        const char *const more[] = {task->partial, size, NULL};
        _cleanup_(closep) int fd = open(task->partial, O_RDONLY | O_CLOEXEC);
        g_auto(ImageHead) head = {};
        struct stat status;

        if (fd < 0 || fstat(fd, &status) < 0 ||
            image_read_head(fd, (uint64_t)status.st_size, &head) < 0)
                return fail_task(out, "read", task->partial);
        if (!task->def->capacity.is_set || head.capacity >= task->def->capacity.value)
                return 0;
        return qemu_img(out, image_resize_args(task->def, task->def->capacity.value, false, false),
                        more);
}

static int set_owner(int out, const VolumeTask *task) {
        const StoragePermissions *permissions = &task->def->target.permissions;
        _cleanup_(closep) int fd = open(task->partial, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || fchmod(fd, storage_mode(permissions, VOLUME_MODE)) < 0)
                return fail_task(out, "set the mode of", task->partial);
        if ((permissions->owner.is_set || permissions->group.is_set) &&
            fchown(fd, (uid_t)domain_num_or(permissions->owner, UINT32_MAX),
                   (gid_t)domain_num_or(permissions->group, UINT32_MAX)) < 0)
                return fail_task(out, "set the owner of", task->partial);
        if (fsync(fd) < 0)
                return fail_task(out, "write", task->partial);
        return 0;
}

/* A volume that came to be there in the meantime stays. */
static int give_name(const VolumeTask *task) {
        if (renameat2(AT_FDCWD, task->partial, AT_FDCWD, task->path, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL)
                return -1;
        /* NFS and FUSE know no such renaming. */
        return link(task->partial, task->path) < 0 ? -1 : unlink(task->partial);
}

static int run_create(int out, void *data) {
        const VolumeTask *task = data;
        int r = create_image(out, task);

        if (r == 0 && task->from)
                r = grow_copy(out, task);
        if (r == 0)
                r = set_owner(out, task);
        if (r == 0 && give_name(task) < 0)
                r = fail_task(out, "give its name to", task->path);
        return r < 0 ? r : tell_volume(out, task);
}

static int run_delete(int out, void *data) {
        const VolumeTask *task = data;

        return unlink(task->path) < 0 ? fail_task(out, "delete", task->path) : 0;
}

static int resize_raw(int out, const VolumeTask *task) {
        _cleanup_(closep) int fd = open(task->path, O_RDWR | O_CLOEXEC);
        off_t capacity = (off_t)task->resize.capacity;

        if (fd < 0 || ftruncate(fd, capacity) < 0 ||
            (task->resize.allocate && fallocate(fd, 0, 0, capacity) < 0))
                return fail_task(out, "resize", task->path);
        return 0;
}

static int run_resize(int out, void *data) {
        const VolumeTask *task = data;
        g_autoptr(VolumeDef) def = volume_def_new();
        g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, task->resize.capacity);
        const char *const more[] = {task->path, size, NULL};
        int r;

        def->target.format.type = VOLUME_FORMAT_QCOW2;
        r = g_str_equal(task->format, "qcow2")
                    ? qemu_img(out,
                               image_resize_args(def, task->resize.capacity,
                                                 task->resize.may_shrink, task->resize.allocate),
                               more)
                    : resize_raw(out, task);
        return r < 0 ? r : tell_volume(out, task);
}

static int write_zeros(int fd, off_t size) {
        g_autofree char *zeros = g_malloc0(WIPE_CHUNK);

        for (off_t at = 0; at < size;) {
                ssize_t n = pwrite(fd, zeros, (size_t)MIN((off_t)WIPE_CHUNK, size - at), at);

                if (n < 0 && errno != EINTR)
                        return -1;
                at += MAX(n, 0);
        }
        return fsync(fd);
}

/* A sparse file is wiped by giving its blocks back, as any is that is to be trimmed. */
static int run_wipe(int out, void *data) {
        const VolumeTask *task = data;
        _cleanup_(closep) int fd = open(task->path, O_RDWR | O_CLOEXEC);
        struct stat status;
        bool is_sparse;
        int r;

        if (fd < 0 || fstat(fd, &status) < 0)
                return fail_task(out, "open", task->path);
        is_sparse = (off_t)status.st_blocks * 512 < status.st_size;
        r = is_sparse || task->trim ? ftruncate(fd, 0) < 0 ? -1 : ftruncate(fd, status.st_size)
                                    : write_zeros(fd, status.st_size);
        return r < 0 ? fail_task(out, "wipe", task->path) : tell_volume(out, task);
}

/* ---- the errand behind a call ---- */

typedef struct VolumeWork {
        Pool *pool;
        char *name, *from_pool, *from; /* names of volumes; from NULL: no copy */
        Call *call;
        VolumeFunc done;
        bool is_delete;

        Errand *errand;
        sd_event_source *watch; /* of a volume that is made: whether somebody waits for it still */
} VolumeWork;

static void work_free(VolumeWork *work) {
        sd_event_source_disable_unref(work->watch);
        pool_unref(work->pool);
        g_free(work->name);
        g_free(work->from_pool);
        g_free(work->from);
        g_free(work);
}

static void leave(Manager *manager, const char *pool_name, const char *name) {
        Pool *pool = pool_find_by_name(manager, pool_name);
        Volume *volume = pool ? pool_find_volume(pool, name) : NULL;

        if (volume && volume->users > 0)
                volume->users--;
        if (pool)
                pool->errands--;
}

static void remove_volume(Pool *pool, Volume *volume) {
        if (volume->partial)
                unlink(volume->partial);
        g_hash_table_remove(pool->volumes, volume->name);
}

/* What the child says takes the place of what was known. */
static Volume *take_answer(VolumeWork *work, int r, const char *output, size_t size, Err *err) {
        Volume *old = pool_find_volume(work->pool, work->name);
        json_t *json = r == 0 && !work->is_delete ? json_loadb(output, size, 0, NULL) : NULL;
        unsigned users = old ? old->users : 0; /* who began to read it meanwhile */
        Volume *fresh = NULL;

        work->pool->changes++;
        if (r < 0 || (!json && !work->is_delete))
                fail(err, VIR_ERR_INTERNAL_ERROR, "%.4096s",
                     size > 0 ? g_strstrip((char *)(uintptr_t)output) : "the work was cut off");
        if (old && (old->partial || (r == 0 && (json || work->is_delete))))
                remove_volume(work->pool, old);
        if (json) {
                fresh = volume_from_json(work->pool, json);
                fresh->users = users;
                g_hash_table_replace(work->pool->volumes, fresh->name, fresh);
        }
        json_decref(json);
        return fresh;
}

static void on_done(int r, const char *output, size_t size, void *userdata) {
        VolumeWork *work = userdata;
        Pool *pool = work->pool;
        g_auto(Err) err = ERR_INIT;
        Volume *volume;

        if (work->from)
                leave(pool->manager, work->from_pool, work->from);
        leave(pool->manager, pool->def->name, work->name);
        volume = take_answer(work, r, output, size, &err);
        if (!err_is_set(&err) && volume && work->done)
                work->done(work->call, volume);
        call_finish(work->call, err_is_set(&err) ? &err : NULL);
        work_free(work);
}

static int run_task(VolumeWork *work, ErrandFunc func, VolumeTask *task, Err *err) {
        Pool *pool = work->pool;
        int r;

        task->pool = pool->def->target.path;
        task->name = work->name;
        r = errand_run(pool->manager->event,
                       &(ErrandSpec){.func = func, .data = task, .done = on_done, .userdata = work},
                       &work->errand, err);
        if (r < 0) {
                call_unref(work->call);
                work_free(work);
                return r;
        }
        pool->errands++;
        return CALL_LATER;
}

/* A volume that nobody waits for any more is not made: what there is of it goes in on_done(). */
static int on_watch(sd_event_source *source, uint64_t now, void *userdata) {
        VolumeWork *work = userdata;
        const Client *client = call_client(work->call);

        if (!client || client_is_closed(client)) {
                log_message(LOG_NOTICE, NULL, NULL,
                            "volume '%s' of pool '%s' is not made: its client has gone", work->name,
                            work->pool->def->name);
                errand_cancel(work->errand);
                return 0;
        }
        sd_event_source_set_time(source, now + WATCH_INTERVAL);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void watch_client(VolumeWork *work) {
        int r = sd_event_add_time_relative(work->pool->manager->event, &work->watch,
                                           CLOCK_MONOTONIC, WATCH_INTERVAL, 0, on_watch, work);

        if (r < 0)
                log_warning("volume '%s' is made even if its client goes: %s", work->name,
                            g_strerror(-r));
}

static VolumeWork *work_new(Pool *pool, const char *name, Call *call, VolumeFunc done) {
        VolumeWork *work = g_new0(VolumeWork, 1);

        *work = (VolumeWork){.pool = pool_ref(pool),
                             .name = g_strdup(name),
                             .call = call_ref(call),
                             .done = done};
        return work;
}

/* ---- who has it ---- */

static const Vm *find_user(Manager *manager, const char *path) {
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->vms_by_id);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                DOMAIN_FOREACH(DomainDisk, disk, ((Vm *)value)->live, DOMAIN_DISK)
                        if (g_strcmp0(disk->source.file, path) == 0)
                                return value;
        return NULL;
}

int volume_check_free(const Volume *volume, Err *err) {
        const Vm *vm = find_user(volume->pool->manager, volume->path);

        if (volume->partial)
                return fail(err, VIR_ERR_OPERATION_INVALID, "volume '%s' is still being allocated.",
                            volume->name);
        if (volume->users > 0)
                return fail(err, VIR_ERR_OPERATION_INVALID, "volume '%s' is still in use.",
                            volume->name);
        if (vm)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "volume '%s' is a disk of guest '%s', which runs",
                                      volume->path, vm_name(vm)),
                                 "shut the guest down, or detach the disk first");
        if (volume->is_dir)
                return fail(err, VIR_ERR_OPERATION_INVALID, "volume '%s' is a directory",
                            volume->path);
        return 0;
}

void volume_read_size(Volume *volume) {
        struct stat status;

        if (volume->is_dir || stat(volume->partial ? volume->partial : volume->path, &status) < 0)
                return;
        volume->physical = (uint64_t)status.st_size;
        volume->allocation = (uint64_t)status.st_blocks * 512;
        if (g_str_equal(volume->format, "raw") && !volume->partial)
                volume->capacity = volume->physical;
}

/* ---- verbs ---- */

/* The volume that clients see while it is made: it grows under a name of ours. */
static Volume *add_partial(Pool *pool, const VolumeDef *def) {
        g_autofree char *partial = volume_partial_name(def->name);
        Volume *volume = g_new0(Volume, 1);

        *volume = (Volume){
                .pool = pool,
                .name = g_strdup(def->name),
                .path = g_strdup(def->target.path),
                .format = g_strdup(volume_format_to_string(def->target.format.type)),
                .xml = volume_def_format(def),
                .capacity = def->capacity.value,
                .partial = g_build_filename(pool->def->target.path, partial, NULL),
                .users = 1,
        };
        g_hash_table_insert(pool->volumes, volume->name, volume);
        return volume;
}

static int parse_volume(Pool *pool, const char *xml, bool validate, VolumeDef **ret, Err *err) {
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
        int r = volume_def_parse(xml, pool->def, validate, warnings, ret, err);

        for (guint i = 0; r == 0 && i < warnings->len; i++)
                log_warning("volume '%s': %s", (*ret)->name, (const char *)warnings->pdata[i]);
        if (r == 0 && pool_find_volume(pool, (*ret)->name))
                return fail(err, VIR_ERR_STORAGE_VOL_EXIST,
                            "storage volume name '%s' already in use.", (*ret)->name);
        return r;
}

static int check_source(const Volume *from, Err *err) {
        if (!from->partial && !from->is_dir)
                return 0;
        return fail(err, VIR_ERR_OPERATION_INVALID,
                    from->is_dir ? "volume '%s' is a directory"
                                 : "volume '%s' is still being allocated.",
                    from->name);
}

static int check_preallocate(const VolumeDef *def, Err *err) {
        if (def->target.format.type != VOLUME_FORMAT_QCOW2)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "volume '%s': metadata preallocation is for qcow2 alone", def->name);
        if (def->backing.path)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "volume '%s': metadata preallocation conflicts with a backing file",
                            def->name);
        return 0;
}

static int check_create(Pool *pool, const VolumeCreate *create, VolumeDef **ret, Err *err) {
        int r = pool_check_active(pool, true, err);

        if (r == 0 && create->from)
                r = check_source(create->from, err);
        if (r == 0)
                r = parse_volume(pool, create->xml, create->validate, ret, err);
        return r == 0 && create->preallocate ? check_preallocate(*ret, err) : r;
}

/* The source is not deleted or written meanwhile. */
static void use_source(VolumeWork *work, VolumeTask *task, const Volume *from) {
        Volume *source = (Volume *)(uintptr_t)from;

        task->from = from->path;
        task->from_format = from->format;
        work->from = g_strdup(from->name);
        work->from_pool = g_strdup(from->pool->def->name);
        source->users++;
        source->pool->errands++;
}

int volume_create(Pool *pool, const VolumeCreate *create, Call *call, VolumeFunc done, Err *err) {
        g_autoptr(VolumeDef) def = NULL;
        VolumeTask task = {};
        VolumeWork *work;
        Volume *volume;
        int r = check_create(pool, create, &def, err);

        if (r != 0)
                return r;
        volume = add_partial(pool, def);
        work = work_new(pool, def->name, call, done);
        task = (VolumeTask){.def = def,
                            .path = volume->path,
                            .partial = volume->partial,
                            .preallocate = create->preallocate};
        if (create->from)
                use_source(work, &task, create->from);
        r = run_task(work, run_create, &task, err);
        if (r < 0)
                remove_volume(pool, volume);
        else
                watch_client(work);
        return r;
}

/* A change of a volume that is there. */
static int change(Volume *volume, ErrandFunc func, VolumeTask *task, VolumeWork *work, Err *err) {
        int r;

        volume->users++;
        task->path = volume->path;
        task->format = volume->format;
        r = run_task(work, func, task, err);
        if (r < 0)
                volume->users--;
        return r;
}

int volume_delete(Volume *volume, Call *call, Err *err) {
        VolumeTask task = {};
        VolumeWork *work;
        int r = volume_check_free(volume, err);

        if (r < 0)
                return r;
        work = work_new(volume->pool, volume->name, call, NULL);
        work->is_delete = true;
        return change(volume, run_delete, &task, work, err);
}

int volume_resize(Volume *volume, const VolumeResize *resize, Call *call, Err *err) {
        VolumeTask task = {.resize = *resize};
        int r = volume_check_free(volume, err);

        if (r < 0)
                return r;
        if (resize->is_delta)
                task.resize.capacity = resize->may_shrink ? volume->capacity - MIN(resize->capacity,
                                                                                   volume->capacity)
                                                          : volume->capacity + resize->capacity;
        if (task.resize.capacity < volume->capacity && !resize->may_shrink)
                return fail_hint(err,
                                 fail(err, VIR_ERR_INVALID_ARG,
                                      "Can't shrink capacity below current capacity unless shrink "
                                      "flag explicitly specified"),
                                 "--shrink does it; what lies beyond the new end is lost");
        if (task.resize.capacity == 0)
                return fail(err, VIR_ERR_INVALID_ARG, "a volume has at least 1 byte");
        return change(volume, run_resize, &task, work_new(volume->pool, volume->name, call, NULL),
                      err);
}

int volume_wipe(Volume *volume, bool trim, Call *call, Err *err) {
        VolumeTask task = {.trim = trim};
        int r = volume_check_free(volume, err);

        return r < 0 ? r
                     : change(volume, run_wipe, &task,
                              work_new(volume->pool, volume->name, call, NULL), err);
}
