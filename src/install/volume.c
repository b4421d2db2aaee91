/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes the volumes of a guest, with progress, so that Ctrl-C leaves none in half: the call that
 * makes one waits on a connection of its own, in a thread, while this one looks how far it is. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "base/xml.h"
#include "client/conn.h"
#include "client/storage.h"
#include "install/interrupt.h"
#include "install/node.h"
#include "install/progress.h"
#include "install/run.h"

#define LOOK_EVERY   200 /* ms */
#define DELETE_TRIES 300 /* of LOOK_EVERY each: the daemon may have to end a helper first */

#define CREATE_PREALLOC_METADATA 1u

/* What the thread works on. */
typedef struct Maker {
        Conn *conn;
        const StoragePool *pool;
        char *xml;
        unsigned flags;
        GThread *thread;
        int done; /* eventfd */
        int r;
        Err err;
} Maker;

/* Stops a pool, which may have been made and never started, and does this to it. */
static int end_pool(Run *run, const char *name, StoragePoolAction action, Err *err) {
        g_autoptr(StoragePool) pool = NULL;
        int r = run_connect(run, err);

        if (r >= 0)
                r = storage_pool_lookup(run->cli.conn, name, &pool, err);
        if (r < 0)
                return r;
        (void)storage_pool_act(run->cli.conn, pool, STORAGE_POOL_STOP, 0, NULL);
        return storage_pool_act(run->cli.conn, pool, action, 0, err);
}

static int undo_pool(void *context, const char *name, Err *err) {
        return end_pool(context, name, STORAGE_POOL_UNDEFINE, err);
}

/* The directory that was made for the pool: it goes only if it is empty. */
static int undo_directory(void *context, const char *name, Err *err) {
        return end_pool(context, name, STORAGE_POOL_DELETE, err);
}

/* name: POOL/VOLUME. While the daemon still makes it, it cannot be deleted. */
static int undo_volume(void *context, const char *name, Err *err) {
        Run *run = context;
        g_auto(GStrv) names = g_strsplit(name, "/", 2);
        int r = run_connect(run, err);

        for (int i = 0; r >= 0 && i < DELETE_TRIES; i++) {
                g_autoptr(StoragePool) pool = NULL;
                g_autoptr(StorageVol) vol = NULL;
                g_auto(Err) gone = ERR_INIT;

                err_clear(err);
                r = storage_pool_lookup(run->cli.conn, names[0], &pool, err);
                if (r < 0)
                        return r;
                (void)storage_pool_act(run->cli.conn, pool, STORAGE_POOL_REFRESH, 0, &gone);
                if (storage_vol_lookup(run->cli.conn, pool, names[1], &vol, NULL) < 0)
                        return i > 0 ? 0 : 1;
                if (storage_vol_delete(run->cli.conn, vol, 0, err) == 0)
                        return 0;
                g_usleep((gulong)LOOK_EVERY * 1000);
        }
        return r < 0 ? r : fail(err, VIR_ERR_OPERATION_TIMEOUT, "the daemon does not let go of it");
}

static char *pool_xml(const char *name, const char *directory) {
        g_autoptr(XmlWriter) writer = xml_writer_new(0);

        xml_writer_open(writer, "pool");
        xml_writer_attr(writer, "type", "dir");
        xml_writer_leaf(writer, "name", name);
        xml_writer_open(writer, "target");
        xml_writer_leaf(writer, "path", directory);
        xml_writer_close(writer);
        xml_writer_close(writer);
        return xml_writer_finish(g_steal_pointer(&writer));
}

/* The pool whose volumes are in the directory; *ret NULL: there is none. */
static int find_pool(Run *run, const char *directory, StoragePool **ret, Err *err) {
        g_autoptr(GPtrArray) pools = NULL;
        int r;

        r = storage_pool_list(run->cli.conn, 0, &pools, err);
        if (r < 0)
                return r;
        *ret = NULL;
        for (unsigned i = 0; !*ret && i < pools->len; i++) {
                g_autofree char *text = NULL;
                g_autoptr(XmlDoc) doc = NULL;
                g_auto(Err) gone = ERR_INIT;

                if (storage_pool_xml(run->cli.conn, pools->pdata[i], 0, &text, &gone) < 0 ||
                    xml_doc_parse(text, strlen(text), "pool", &doc, &gone) < 0)
                        continue;
                if (node_is(xml_doc_root(doc), "target/path", directory))
                        *ret = g_ptr_array_steal_index(pools, i);
        }
        return 0;
}

/* "images", or "images-1" where that is another pool's. */
static char *free_pool_name(Run *run, const NewVolume *volume) {
        g_autofree char *base =
                volume->pool ? g_strdup(volume->pool) : g_path_get_basename(volume->directory);
        char *name = g_str_equal(base, "/") ? g_strdup("root") : g_strdup(base);

        for (unsigned i = 1; i < 1000; i++) {
                g_autoptr(StoragePool) pool = NULL;

                if (storage_pool_lookup(run->cli.conn, name, &pool, NULL) < 0)
                        break;
                g_free(name);
                name = g_strdup_printf("%s-%u", base, i);
        }
        return name;
}

static int make_pool(Run *run, const NewVolume *volume, StoragePool **ret, Err *err) {
        g_autofree char *name = free_pool_name(run, volume);
        g_autofree char *xml = pool_xml(name, volume->directory);
        g_autoptr(StoragePool) pool = NULL;
        int r;

        r = storage_pool_define(run->cli.conn, xml, 0, &pool, err);
        if (r < 0)
                return r;
        undo_add(&run->undo, "the storage pool", name, undo_pool);
        if (!g_file_test(volume->directory, G_FILE_TEST_IS_DIR)) {
                r = storage_pool_act(run->cli.conn, pool, STORAGE_POOL_BUILD, 0, err);
                if (r >= 0)
                        undo_add(&run->undo, "the directory of storage pool", name, undo_directory);
        }
        if (r >= 0)
                r = storage_pool_act(run->cli.conn, pool, STORAGE_POOL_START, 0, err);
        if (r >= 0)
                r = storage_pool_set_autostart(run->cli.conn, pool, true, err);
        if (r < 0)
                return r;
        run_say(run, "Made storage pool '%s' of %s\n", name, volume->directory);
        *ret = g_steal_pointer(&pool);
        return 0;
}

static int ensure_pool(Run *run, const NewVolume *volume, StoragePool **ret, Err *err) {
        StoragePoolInfo info;
        int r;

        r = find_pool(run, volume->directory, ret, err);
        if (r < 0)
                return r;
        if (!*ret)
                return make_pool(run, volume, ret, err);
        r = storage_pool_info(run->cli.conn, *ret, &info, err);
        if (r >= 0 && info.state == STORAGE_POOL_INACTIVE)
                r = storage_pool_act(run->cli.conn, *ret, STORAGE_POOL_START, 0, err);
        return r;
}

static char *volume_xml(const NewVolume *volume) {
        g_autoptr(XmlWriter) writer = xml_writer_new(0);

        xml_writer_open(writer, "volume");
        xml_writer_leaf(writer, "name", volume->name);
        xml_writer_leaf_format(writer, "capacity", "%" G_GUINT64_FORMAT, volume->size);
        xml_writer_leaf_format(writer, "allocation", "%" G_GUINT64_FORMAT,
                               volume->whole ? volume->size : 0);
        xml_writer_open(writer, "target");
        xml_writer_open(writer, "format");
        xml_writer_attr(writer, "type", volume->format);
        xml_writer_close(writer);
        xml_writer_close(writer);
        if (volume->backing) {
                xml_writer_open(writer, "backingStore");
                xml_writer_leaf(writer, "path", volume->backing);
                xml_writer_open(writer, "format");
                xml_writer_attr(writer, "type", volume->backing_format);
                xml_writer_close(writer);
                xml_writer_close(writer);
        }
        xml_writer_close(writer);
        return xml_writer_finish(g_steal_pointer(&writer));
}

static void *make_in_thread(void *data) {
        Maker *maker = data;
        g_autoptr(StorageVol) vol = NULL;

        maker->r = storage_vol_create(maker->conn, maker->pool, maker->xml, maker->flags, &vol,
                                      &maker->err);
        (void)eventfd_write(maker->done, 1);
        return NULL;
}

static bool is_done(const Maker *maker) {
        return interrupt_is_set(maker->done);
}

/* Bytes that the volume has by now; 0: it is not to be seen yet. */
static uint64_t volume_so_far(Run *run, const Maker *maker, const char *name) {
        g_autoptr(StorageVol) vol = NULL;
        StorageVolInfo info;

        if (storage_vol_lookup(run->cli.conn, maker->pool, name, &vol, NULL) < 0 ||
            storage_vol_info(run->cli.conn, vol, &info, NULL) < 0)
                return 0;
        return info.allocation;
}

/* Shows the progress until the thread is done or somebody presses Ctrl-C. */
static void watch(Run *run, const Maker *maker, const NewVolume *volume) {
        Progress progress;
        uint64_t so_far = 0;

        progress_begin(&progress, volume->name, 0, run->quiet);
        while (!is_done(maker) && !interrupt_is_set(run->interrupt)) {
                interrupt_wait(run->interrupt, maker->done, LOOK_EVERY);
                if (is_done(maker) || interrupt_is_set(run->interrupt))
                        break;
                so_far = volume_so_far(run, maker, volume->name);
                progress_show(&progress, so_far, volume->whole ? volume->size : 0);
        }
        progress_end(&progress, is_done(maker) ? volume_so_far(run, maker, volume->name) : so_far,
                     !is_done(maker) ? "interrupted"
                     : maker->r < 0  ? "failed"
                                     : "made");
}

static int make_watched(Run *run, Maker *maker, const NewVolume *volume, Err *err) {
        int r;

        maker->thread = g_thread_new("volume", make_in_thread, maker);
        watch(run, maker, volume);
        if (!is_done(maker))
                (void)shutdown(conn_fd(maker->conn), SHUT_RDWR);
        g_thread_join(maker->thread);
        if (interrupt_is_set(run->interrupt))
                r = interrupt_fail(err);
        else
                r = maker->r;
        err_move(err, &maker->err);
        return r;
}

static int make_volume(Run *run, NewVolume *volume, Err *err) {
        g_autoptr(StoragePool) pool = NULL;
        g_autoptr(StorageVol) other = NULL;
        g_autofree char *full_name = NULL;
        _cleanup_(closep) int done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        Maker maker = {.done = done, .err = ERR_INIT};
        int r;

        r = ensure_pool(run, volume, &pool, err);
        if (r < 0)
                return r;
        /* Somebody may have put a file of that name there, and that is not ours to delete. */
        (void)storage_pool_act(run->cli.conn, pool, STORAGE_POOL_REFRESH, 0, NULL);
        if (storage_vol_lookup(run->cli.conn, pool, volume->name, &other, NULL) == 0)
                return fail(err, VIR_ERR_STORAGE_VOL_EXIST, "there is a volume '%s' in pool '%s'",
                            volume->name, pool->name);
        r = conn_open(run->cli.uri, false, &maker.conn, err);
        if (r < 0)
                return r;
        full_name = g_strdup_printf("%s/%s", pool->name, volume->name);
        undo_add(&run->undo, "the volume", full_name, undo_volume);
        maker.pool = pool;
        maker.xml = volume_xml(volume);
        maker.flags = volume->whole && g_str_equal(volume->format, "qcow2")
                              ? CREATE_PREALLOC_METADATA
                              : 0;
        r = make_watched(run, &maker, volume, err);
        if (maker.r < 0 && !conn_is_lost(maker.conn))
                undo_drop_last(&run->undo);
        conn_free(maker.conn);
        g_free(maker.xml);
        err_clear(&maker.err);
        return r;
}

int run_make_volumes(Run *run, Err *err) {
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < run->def->volumes->len; i++)
                r = make_volume(run, run->def->volumes->pdata[i], err);
        return r;
}
