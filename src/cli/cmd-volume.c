/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "base/xml.h"
#include "cli/object.h"
#include "cli/table.h"
#include "cli/volume.h"
#include "cli/xpath.h"
#include "client/object.h"

#define CHUNK 262144

enum { RESIZE_ALLOCATE = 1, RESIZE_DELTA = 2, RESIZE_SHRINK = 4 };

/* virStorageVolCreateFlags. */
static const ArgsBit create_bits[] = {
        {"prealloc-metadata", 1}, {"reflink", 2}, {"validate", 4}, {}};

/* A volume by its name in the pool, else by its key or path. */
static int find(Cli *cli, const char *name, const StoragePool *pool, StorageVol **ret, Err *err) {
        if (pool && storage_vol_lookup(cli->conn, pool, name, ret, NULL) >= 0)
                return 0;
        if (storage_vol_lookup_key(cli->conn, name, ret, NULL) >= 0)
                return 0;
        return storage_vol_lookup_path(cli->conn, name, ret, err);
}

/* The volume that option "vol" names, in the pool of option pool_option. */
static int volume_of(Cli *cli, const Args *args, const char *pool_option, StorageVol **ret,
                     Err *err) {
        const char *name = args_text(args, "vol"), *pool_name = args_text(args, pool_option);
        g_autoptr(StoragePool) pool = NULL;
        int r = pool_name ? cli_pool(cli, pool_name, &pool, err) : 0;

        if (r < 0)
                return r;
        r = find(cli, name, pool, ret, err);
        if (r >= 0)
                return 0;
        return pool ? cli_failed(cli, r, "failed to get vol '%s'", name)
                    : cli_failed(cli, r, "failed to get vol '%s', specifying --%s might help", name,
                                 pool_option);
}

/* ---- make ---- */

static int read_size(const Args *args, const char *name, uint64_t *ret, Err *err) {
        return args_size(args, name, 1, ret, err);
}

/* The path of what --backing-vol names. */
static int find_backing(Cli *cli, const Args *args, const StoragePool *pool, char **ret, Err *err) {
        const char *name = args_text(args, "backing-vol");
        g_autoptr(StorageVol) vol = NULL;
        int r;

        if (!name)
                return 0;
        r = find(cli, name, pool, &vol, err);
        if (r >= 0)
                r = storage_vol_path(cli->conn, vol, ret, err);
        return r < 0 ? cli_failed(cli, r, "failed to get vol '%s'", name) : 0;
}

static void write_target(XmlWriter *xml, const Args *args, const char *backing) {
        const char *format = args_text(args, "format");
        const char *backing_format = args_text(args, "backing-vol-format");

        if (format) {
                xml_writer_open(xml, "target");
                xml_writer_open(xml, "format");
                xml_writer_attr(xml, "type", format);
                xml_writer_close(xml);
                xml_writer_close(xml);
        }
        if (!backing)
                return;
        xml_writer_open(xml, "backingStore");
        xml_writer_leaf(xml, "path", backing);
        if (backing_format) {
                xml_writer_open(xml, "format");
                xml_writer_attr(xml, "type", backing_format);
                xml_writer_close(xml);
        }
        xml_writer_close(xml);
}

static int make_xml(Cli *cli, const Args *args, const StoragePool *pool, char **ret, Err *err) {
        g_autofree char *backing = NULL;
        uint64_t capacity = 0, allocation = 0;
        XmlWriter *xml;
        int r = read_size(args, "capacity", &capacity, err);

        if (r < 0)
                return cli_failed(cli, r, "Malformed size %s", args_text(args, "capacity"));
        r = read_size(args, "allocation", &allocation, err);
        if (r < 0)
                return cli_failed(cli, r, "Malformed size %s", args_text(args, "allocation"));
        r = find_backing(cli, args, pool, &backing, err);
        if (r < 0)
                return r;
        xml = xml_writer_new(0);
        xml_writer_open(xml, "volume");
        xml_writer_leaf(xml, "name", args_text(args, "name"));
        xml_writer_leaf_format(xml, "capacity", "%" PRIu64, capacity);
        if (args_text(args, "allocation"))
                xml_writer_leaf_format(xml, "allocation", "%" PRIu64, allocation);
        write_target(xml, args, backing);
        xml_writer_close(xml);
        *ret = xml_writer_finish(xml);
        return 0;
}

static int cmd_create_as(Cli *cli, const Args *args, Err *err) {
        g_autoptr(StoragePool) pool = NULL;
        g_autoptr(StorageVol) vol = NULL;
        g_autofree char *xml = NULL;
        int r = cli_pool(cli, args_text(args, "pool"), &pool, err);

        if (r >= 0)
                r = make_xml(cli, args, pool, &xml, err);
        if (r < 0)
                return r;
        if (args_flag(args, "print-xml")) {
                fputs(xml, stdout);
                return 0;
        }
        r = storage_vol_create(cli->conn, pool, xml, args_bits(args, create_bits), &vol, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to create vol %s", args_text(args, "name"));
        cli_say(cli, "Vol %s created\n", args_text(args, "name"));
        return 0;
}

static int cmd_create(Cli *cli, const Args *args, Err *err) {
        const char *file = args_text(args, "file");
        g_autoptr(StoragePool) pool = NULL;
        g_autoptr(StorageVol) vol = NULL;
        g_autofree char *xml = NULL;
        int r = cli_pool(cli, args_text(args, "pool"), &pool, err);

        if (r >= 0)
                r = cli_read_file(file, &xml, err);
        if (r < 0)
                return r;
        r = storage_vol_create(cli->conn, pool, xml, args_bits(args, create_bits), &vol, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to create vol from %s", file);
        cli_say(cli, "Vol %s created from %s\n", vol->name, file);
        return 0;
}

static int cmd_create_from(Cli *cli, const Args *args, Err *err) {
        g_autoptr(StoragePool) pool = NULL;
        g_autoptr(StorageVol) from = NULL, vol = NULL;
        g_autofree char *xml = NULL;
        int r = cli_pool(cli, args_text(args, "pool"), &pool, err);

        if (r >= 0)
                r = volume_of(cli, args, "inputpool", &from, err);
        if (r >= 0)
                r = cli_read_file(args_text(args, "file"), &xml, err);
        if (r < 0)
                return r;
        r = storage_vol_create_from(cli->conn, pool, xml, from, args_bits(args, create_bits), &vol,
                                    err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to create vol from %s", args_text(args, "file"));
        cli_say(cli, "Vol %s created from input vol %s\n", vol->name, from->name);
        return 0;
}

/* The original's XML under another name. */
static int rename_xml(const char *xml, const char *name, char **ret, Err *err) {
        g_autoptr(XmlDoc) doc = NULL;
        xmlNode *node;
        xmlBuffer *buffer;
        int r = xml_doc_parse(xml, strlen(xml), "volume", &doc, err);

        if (r < 0)
                return r;
        node = xml_first(xml_doc_root(doc));
        while (node && !g_str_equal(xml_name(node), "name"))
                node = xml_next(node);
        if (!node)
                return fail(err, VIR_ERR_XML_ERROR, "the volume's XML has no <name>");
        xmlNodeSetContent(node, NULL);
        xmlNodeAddContent(node, (const xmlChar *)name);
        buffer = xmlBufferCreate();
        xmlNodeDump(buffer, node->doc, xml_doc_root(doc), 0, 0);
        *ret = g_strdup((const char *)xmlBufferContent(buffer));
        xmlBufferFree(buffer);
        return 0;
}

static int cmd_clone(Cli *cli, const Args *args, Err *err) {
        g_autofree char *xml = NULL, *renamed = NULL;
        g_autoptr(StorageVol) from = NULL, vol = NULL;
        g_autoptr(StoragePool) pool = NULL;
        const char *name = args_text(args, "newname");
        int r = volume_of(cli, args, "pool", &from, err);

        if (r >= 0)
                r = storage_pool_of_vol(cli->conn, from, &pool, err);
        if (r >= 0)
                r = storage_vol_xml(cli->conn, from, 0, &xml, err);
        if (r >= 0)
                r = rename_xml(xml, name, &renamed, err);
        if (r < 0)
                return r;
        if (args_flag(args, "print-xml")) {
                fputs(renamed, stdout);
                return 0;
        }
        r = storage_vol_create_from(cli->conn, pool, renamed, from, args_bits(args, create_bits),
                                    &vol, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to clone vol from %s", from->name);
        cli_say(cli, "Vol %s cloned from %s\n", vol->name, from->name);
        return 0;
}

/* ---- change ---- */

static int cmd_delete(Cli *cli, const Args *args, Err *err) {
        static const ArgsBit bits[] = {{"delete-snapshots", 2}, {}};
        g_autoptr(StorageVol) vol = NULL;
        int r = volume_of(cli, args, "pool", &vol, err);

        if (r < 0)
                return r;
        r = storage_vol_delete(cli->conn, vol, args_bits(args, bits), err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to delete vol %s", args_text(args, "vol"));
        cli_say(cli, "Vol %s deleted\n", args_text(args, "vol"));
        return 0;
}

/* "-1G" is a difference, and *text begins with its number then. */
static int read_new_size(const char **text, unsigned *flags, uint64_t *ret, Err *err) {
        *text += strspn(*text, " ");
        if (**text == '-' && !(*flags & RESIZE_SHRINK))
                return fail(err, VIR_ERR_INVALID_ARG, "negative size requires --shrink");
        if (**text == '-') {
                *flags |= RESIZE_DELTA;
                (*text)++;
        }
        if (!args_parse_size(*text, 1, ret))
                return fail(err, VIR_ERR_INVALID_ARG, "Malformed size %s", *text);
        return 0;
}

static int cmd_resize(Cli *cli, const Args *args, Err *err) {
        static const ArgsBit bits[] = {{"allocate", RESIZE_ALLOCATE},
                                       {"delta", RESIZE_DELTA},
                                       {"shrink", RESIZE_SHRINK},
                                       {}};
        const char *text = args_text(args, "capacity");
        unsigned flags = args_bits(args, bits);
        g_autoptr(StorageVol) vol = NULL;
        uint64_t capacity = 0;
        int r = volume_of(cli, args, "pool", &vol, err);

        if (r >= 0)
                r = read_new_size(&text, &flags, &capacity, err);
        if (r < 0)
                return r;
        r = storage_vol_resize(cli->conn, vol, capacity, flags, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to change size of volume '%s' %s %s", vol->name,
                                  flags & RESIZE_DELTA ? "by" : "to", text);
        cli_say(cli, "Size of volume '%s' successfully changed %s %s\n", vol->name,
                flags & RESIZE_DELTA ? "by" : "to", text);
        return 0;
}

static int cmd_wipe(Cli *cli, const Args *args, Err *err) {
        static const char *const algorithms[] = {"zero",    "nnsa",     "dod",       "bsi",
                                                 "gutmann", "schneier", "pfitzner7", "pfitzner33",
                                                 "random",  "trim",     NULL};
        const char *name = args_text(args, "algorithm");
        g_autoptr(StorageVol) vol = NULL;
        unsigned algorithm = 0;
        int r = volume_of(cli, args, "pool", &vol, err);

        if (r < 0)
                return r;
        while (name && algorithms[algorithm] && !g_str_equal(algorithms[algorithm], name))
                algorithm++;
        if (!algorithms[algorithm])
                return fail(err, VIR_ERR_INVALID_ARG, "Unsupported algorithm '%s'", name);
        r = storage_vol_wipe(cli->conn, vol, algorithm, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to wipe vol %s", vol->name);
        cli_say(cli, "Vol %s wiped\n", vol->name);
        return 0;
}

/* ---- show ---- */

static const char *type_text(int type) {
        static const char *const types[] = {"file", "block", "dir", "net", "netdir", "ploop"};

        return type >= 0 && (size_t)type < G_N_ELEMENTS(types) ? types[type] : "unknown";
}

static int add_row(Cli *cli, Table *table, const StorageVol *vol, bool details, Err *err) {
        g_autofree char *path = NULL, *capacity = NULL, *allocation = NULL;
        StorageVolInfo info = {};
        int r = storage_vol_path(cli->conn, vol, &path, err);

        if (r >= 0 && details)
                r = storage_vol_info(cli->conn, vol, &info, err);
        if (r < 0)
                return r;
        capacity = object_size(info.capacity);
        allocation = object_size(info.allocation);
        table_add(table, (const char *const[]){vol->name, path, type_text(info.type), capacity,
                                               allocation});
        return 0;
}

static int compare_names(const void *a, const void *b) {
        return strcmp((*(StorageVol *const *)a)->name, (*(StorageVol *const *)b)->name);
}

static int cmd_list(Cli *cli, const Args *args, Err *err) {
        static const char *const plain[] = {"Name", "Path", NULL};
        static const char *const detailed[] = {"Name",     "Path",       "Type",
                                               "Capacity", "Allocation", NULL};
        bool details = args_flag(args, "details");
        g_autoptr(Table) table = table_new(details ? detailed : plain);
        g_autoptr(StoragePool) pool = NULL;
        g_autoptr(GPtrArray) vols = NULL;
        g_autofree char *text = NULL;
        int r = cli_pool(cli, args_text(args, "pool"), &pool, err);

        if (r < 0)
                return r;
        r = storage_pool_vols(cli->conn, pool, &vols, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to list volumes");
        g_ptr_array_sort(vols, compare_names);
        for (guint i = 0; i < vols->len && r >= 0; i++)
                r = add_row(cli, table, vols->pdata[i], details, err);
        if (r < 0)
                return r;
        text = table_format(table, !cli->quiet, table_terminal_width());
        fputs(text, stdout);
        return 0;
}

static int cmd_info(Cli *cli, const Args *args, Err *err) {
        bool bare = args_flag(args, "bytes"), physical = args_flag(args, "physical");
        g_autoptr(StorageVol) vol = NULL;
        StorageVolInfo info = {};
        int r = volume_of(cli, args, "pool", &vol, err);

        if (r >= 0)
                r = physical ? storage_vol_info_physical(cli->conn, vol, &info, err)
                             : storage_vol_info(cli->conn, vol, &info, err);
        if (r < 0)
                return r;
        object_info("Name:", vol->name);
        object_info("Type:", type_text(info.type));
        object_info_size("Capacity:", info.capacity, bare, " bytes");
        object_info_size(physical ? "Physical:" : "Allocation:", info.allocation, bare, " bytes");
        return 0;
}

static int cmd_dumpxml(Cli *cli, const Args *args, Err *err) {
        g_autoptr(StorageVol) vol = NULL;
        g_autofree char *xml = NULL;
        int r = volume_of(cli, args, "pool", &vol, err);

        if (r >= 0)
                r = storage_vol_xml(cli->conn, vol, 0, &xml, err);
        return r < 0 ? r : xpath_print(args, xml, err);
}

static int cmd_path(Cli *cli, const Args *args, Err *err) {
        g_autoptr(StorageVol) vol = NULL;
        g_autofree char *path = NULL;
        int r = volume_of(cli, args, "pool", &vol, err);

        if (r >= 0)
                r = storage_vol_path(cli->conn, vol, &path, err);
        if (r < 0)
                return r;
        puts(path);
        return 0;
}

static int cmd_key(Cli *cli, const Args *args, Err *err) {
        g_autoptr(StorageVol) vol = NULL;
        int r = volume_of(cli, args, "pool", &vol, err);

        if (r < 0)
                return r;
        puts(vol->key);
        return 0;
}

/* By its key or path alone: its name is what is asked for. */
static int find_alone(Cli *cli, const Args *args, StorageVol **ret, Err *err) {
        int r = find(cli, args_text(args, "vol"), NULL, ret, err);

        return r < 0 ? cli_failed(cli, r, "failed to get vol '%s'", args_text(args, "vol")) : 0;
}

static int cmd_name(Cli *cli, const Args *args, Err *err) {
        g_autoptr(StorageVol) vol = NULL;
        int r = find_alone(cli, args, &vol, err);

        if (r < 0)
                return r;
        puts(vol->name);
        return 0;
}

static int cmd_pool(Cli *cli, const Args *args, Err *err) {
        g_autoptr(StoragePool) pool = NULL;
        g_autoptr(StorageVol) vol = NULL;
        g_autofree char *uuid = NULL;
        int r = find_alone(cli, args, &vol, err);

        if (r >= 0)
                r = storage_pool_of_vol(cli->conn, vol, &pool, err);
        if (r < 0)
                return r;
        uuid = object_uuid_text(pool->uuid);
        puts(args_flag(args, "uuid") ? uuid : pool->name);
        return 0;
}

/* ---- what it holds ---- */

/* How far a transfer is, for whoever looks at a terminal. */
typedef struct Progress {
        const char *verb;
        uint64_t done, total; /* bytes; total 0: not known */
        int percent;
} Progress;

static void show_progress(Progress *progress, uint64_t more) {
        int percent;

        progress->done += more;
        if (progress->total == 0 || !isatty(STDERR_FILENO))
                return;
        percent = (int)((double)progress->done * 100 / (double)progress->total);
        if (percent == progress->percent)
                return;
        progress->percent = percent;
        fprintf(stderr, "\r%s: %3d %%%s", progress->verb, percent, percent >= 100 ? "\n" : "");
}

static int read_range(const Args *args, StorageRange *ret, Err *err) {
        int r = read_size(args, "offset", &ret->offset, err);

        ret->is_sparse = args_flag(args, "sparse");
        return r >= 0 ? read_size(args, "length", &ret->length, err) : r;
}

/* A file or device that is sent or received, open where the next byte is. */
typedef struct Transfer {
        Conn *conn;
        const char *path;
        int fd;
        Progress progress;
} Transfer;

/* Up to the byte end of what is sent, or to the end of the file. */
static int send_data(Transfer *t, uint64_t end, Err *err) {
        g_autofree char *data = g_malloc(CHUNK);

        while (t->progress.done < end) {
                ssize_t n = read(t->fd, data, (size_t)MIN(end - t->progress.done, CHUNK));
                int r;

                if (n < 0)
                        return fail_errno(err, neg_errno(), "cannot read %s", t->path);
                if (n == 0)
                        return 0;
                r = conn_stream_send(t->conn, data, (size_t)n, err);
                if (r < 0)
                        return r;
                show_progress(&t->progress, (uint64_t)n);
        }
        return 0;
}

static int send_hole(Transfer *t, uint64_t length, Err *err) {
        int r = length > 0 ? conn_stream_send_hole(t->conn, length, err) : 0;

        if (r >= 0)
                show_progress(&t->progress, length);
        return r;
}

/* Where the file has no blocks, nothing is read. */
static int send_sparse(Transfer *t, off_t end, Err *err) {
        while ((off_t)t->progress.done < end) {
                off_t at = (off_t)t->progress.done, from = lseek(t->fd, at, SEEK_DATA), to;
                int r;

                if (from < 0 && errno != ENXIO)
                        return fail_errno(err, neg_errno(), "cannot find the holes of %s", t->path);
                from = from < 0 ? end : MIN(from, end);
                to = from < end ? lseek(t->fd, from, SEEK_HOLE) : end;
                if (to < 0 || lseek(t->fd, from, SEEK_SET) < 0)
                        return fail_errno(err, neg_errno(), "cannot find the holes of %s", t->path);
                r = send_hole(t, (uint64_t)(from - at), err);
                if (r >= 0)
                        r = send_data(t, (uint64_t)MIN(to, end), err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int upload(Cli *cli, const StorageVol *vol, StorageRange range, Transfer *t, Err *err) {
        off_t size = lseek(t->fd, 0, SEEK_END); /* of a pipe: not known */
        uint64_t end = range.length > 0 ? range.length : UINT64_MAX;
        int r;

        if (size >= 0 && lseek(t->fd, 0, SEEK_SET) < 0)
                return fail_errno(err, neg_errno(), "cannot read %s", t->path);
        t->progress.total = MIN((uint64_t)MAX(size, 0), end);
        r = storage_vol_upload(cli->conn, vol, range, err);
        if (r < 0)
                return cli_failed(cli, r, "cannot upload to volume %s", vol->name);
        r = range.is_sparse && size >= 0 ? send_sparse(t, (off_t)t->progress.total, err)
                                         : send_data(t, end, err);
        if (r < 0)
                return cli_failed(cli, r, "cannot send data to volume %s", vol->name);
        r = conn_stream_close(cli->conn, err);
        return r < 0 ? cli_failed(cli, r, "cannot close volume %s", vol->name) : 0;
}

static int cmd_upload(Cli *cli, const Args *args, Err *err) {
        const char *file = args_text(args, "file");
        _cleanup_(closep) int fd = -1;
        g_autoptr(StorageVol) vol = NULL;
        StorageRange range = {};
        int r = read_range(args, &range, err);

        if (r >= 0)
                r = volume_of(cli, args, "pool", &vol, err);
        if (r < 0)
                return r;
        fd = open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return fail(err, VIR_ERR_SYSTEM_ERROR, "cannot read %s", file);
        return upload(cli, vol, range,
                      &(Transfer){.conn = cli->conn,
                                  .path = file,
                                  .fd = fd,
                                  .progress = {.verb = "Uploading", .percent = -1}},
                      err);
}

static int write_data(Transfer *t, const uint8_t *data, size_t size, Err *err) {
        for (size_t done = 0; done < size;) {
                ssize_t n = write(t->fd, data + done, size - done);

                if (n < 0 && errno != EINTR)
                        return fail_errno(err, neg_errno(), "cannot write %s", t->path);
                done += (size_t)MAX(n, 0);
        }
        show_progress(&t->progress, size);
        return 0;
}

/* The file is new: what was never written is a hole, and the last one is the end that it gets. */
static int write_hole(Transfer *t, uint64_t length, Err *err) {
        off_t end = lseek(t->fd, (off_t)length, SEEK_CUR);

        if (end < 0 || ftruncate(t->fd, end) < 0)
                return fail_errno(err, neg_errno(), "cannot leave a hole in %s", t->path);
        show_progress(&t->progress, length);
        return 0;
}

/* Returns whether anything had come. */
static int receive_part(Transfer *t, bool is_sparse, Err *err) {
        g_autoptr(GArray) holes = NULL;
        g_autoptr(GByteArray) data =
                is_sparse ? conn_stream_take_sparse(t->conn, &holes) : conn_stream_take(t->conn);
        guint n = holes ? holes->len : 0;
        size_t done = 0;
        int r = 0;

        for (guint i = 0; i < n && r >= 0; i++) {
                const ConnHole *hole = &g_array_index(holes, ConnHole, i);

                r = write_data(t, data->data + done, hole->at - done, err);
                if (r >= 0)
                        r = write_hole(t, hole->length, err);
                done = hole->at;
        }
        if (r >= 0)
                r = write_data(t, data->data + done, data->len - done, err);
        return r < 0 ? r : data->len > 0 || n > 0;
}

static int receive_file(Transfer *t, bool is_sparse, Err *err) {
        for (;;) {
                bool is_ended = conn_stream_is_ended(t->conn);
                struct pollfd p = {.fd = conn_fd(t->conn), .events = POLLIN};
                int r = receive_part(t, is_sparse, err);

                if (r < 0 || (r == 0 && is_ended))
                        return r;
                if (r > 0 || is_ended)
                        continue;
                if (poll(&p, 1, -1) < 0 && errno != EINTR)
                        return fail_errno(err, neg_errno(), "cannot wait for the daemon");
                r = conn_process(t->conn, err);
                if (r < 0)
                        return r;
        }
}

static int download(Cli *cli, const StorageVol *vol, StorageRange range, const char *file,
                    Err *err) {
        _cleanup_(closep) int fd =
                open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR | S_IRGRP);
        Transfer t = {
                .conn = cli->conn,
                .path = file,
                .fd = fd,
                .progress = {.verb = "Downloading", .total = range.length, .percent = -1},
        };
        StorageVolInfo info = {};
        int r;

        if (fd < 0)
                return fail(err, VIR_ERR_SYSTEM_ERROR, "cannot create %s", file);
        if (range.length == 0 && storage_vol_info_physical(cli->conn, vol, &info, NULL) >= 0)
                t.progress.total = info.allocation - MIN(range.offset, info.allocation);
        r = storage_vol_download(cli->conn, vol, range, err);
        if (r < 0)
                return cli_failed(cli, r, "cannot download from volume %s", vol->name);
        r = receive_file(&t, range.is_sparse, err);
        if (r < 0)
                return cli_failed(cli, r, "cannot receive data from volume %s", vol->name);
        r = conn_stream_close(cli->conn, err);
        return r < 0 ? cli_failed(cli, r, "cannot close volume %s", vol->name) : 0;
}

static int cmd_download(Cli *cli, const Args *args, Err *err) {
        const char *file = args_text(args, "file");
        g_autoptr(StorageVol) vol = NULL;
        StorageRange range = {};
        bool was_there;
        int r = read_range(args, &range, err);

        if (r >= 0)
                r = volume_of(cli, args, "pool", &vol, err);
        if (r < 0)
                return r;
        was_there = access(file, F_OK) == 0;
        r = download(cli, vol, range, file, err);
        if (r < 0 && !was_there)
                unlink(file);
        return r;
}

/* ---- the table ---- */

#define OPT_VOLUME   OPT_NEED("vol", CANDIDATES_VOLUME, "name, key or path of the volume")
#define OPT_IN_POOL  OPT_MAY("pool", CANDIDATES_POOL, "pool name or uuid")
#define OPT_POOL     OPT_NEED("pool", CANDIDATES_POOL, "pool name or uuid")
#define OPT_PREALLOC OPT_FLAG("prealloc-metadata", "make the tables of a qcow2 image at once")
#define OPT_REFLINK  OPT_FLAG("reflink", "share blocks where the file system can")
#define OPT_VALIDATE OPT_FLAG("validate", "refuse what the schema does not know")
#define OPT_RANGE                                                     \
        OPT_TEXT("offset", "where in the volume to begin, in bytes"), \
                OPT_TEXT("length", "how many bytes"),                 \
                OPT_FLAG("sparse", "holes travel as holes, and stay holes")

static const Option options_one[] = {OPT_VOLUME, OPT_IN_POOL, OPT_END};
static const Option options_alone[] = {OPT_VOLUME, OPT_END};
static const Option options_pool[] = {
        OPT_VOLUME, OPT_FLAG("uuid", "print its UUID instead of its name"), OPT_END};
static const Option options_list[] = {OPT_POOL, OPT_FLAG("details", "print their sizes, too"),
                                      OPT_END};
static const Option options_create[] = {OPT_POOL, OPT_FILE("file with the volume's XML"),
                                        OPT_PREALLOC, OPT_VALIDATE, OPT_END};
static const Option options_create_as[] = {
        OPT_POOL,
        OPT_NEED("name", CANDIDATES_NONE, "name of the volume"),
        OPT_NEED("capacity", CANDIDATES_NONE, "its size: 10G; without a unit, bytes"),
        OPT_TEXT("allocation", "what of it to allocate at once"),
        OPT_TEXT("format", "raw or qcow2"),
        OPT_NAMED("backing-vol", CANDIDATES_VOLUME, "volume that holds what this one does not"),
        OPT_TEXT("backing-vol-format", "format of that"),
        OPT_PREALLOC,
        OPT_FLAG("print-xml", "print the XML, do nothing"),
        OPT_END,
};
static const Option options_create_from[] = {
        OPT_POOL,     OPT_FILE("file with the volume's XML"),
        OPT_VOLUME,   OPT_NAMED("inputpool", CANDIDATES_POOL, "pool of the volume that is copied"),
        OPT_PREALLOC, OPT_REFLINK,
        OPT_VALIDATE, OPT_END,
};
static const Option options_clone[] = {
        OPT_VOLUME,  OPT_NEED("newname", CANDIDATES_NONE, "name of the copy"),
        OPT_IN_POOL, OPT_PREALLOC,
        OPT_REFLINK, OPT_FLAG("print-xml", "print the XML, do nothing"),
        OPT_END,
};
static const Option options_resize[] = {
        OPT_VOLUME,
        OPT_NEED("capacity", CANDIDATES_NONE, "new size: 10G; without a unit, bytes"),
        OPT_IN_POOL,
        OPT_FLAG("allocate", "allocate what is new"),
        OPT_FLAG("delta", "the size is by how much it changes"),
        OPT_FLAG("shrink", "let it become smaller"),
        OPT_END,
};
static const Option options_wipe[] = {OPT_VOLUME, OPT_IN_POOL,
                                      OPT_TEXT("algorithm", "zero or trim"), OPT_END};
static const Option options_delete[] = {
        OPT_VOLUME, OPT_IN_POOL, OPT_FLAG("delete-snapshots", "with its snapshots"), OPT_END};
static const Option options_info[] = {
        OPT_VOLUME,
        OPT_IN_POOL,
        OPT_FLAG("bytes", "sizes in bytes"),
        OPT_FLAG("physical", "the size of its file"),
        OPT_END,
};
static const Option options_dumpxml[] = {OPT_VOLUME, OPT_IN_POOL, OPT_XPATH, OPT_END};
static const Option options_transfer[] = {OPT_VOLUME, OPT_FILE("file on this side"), OPT_IN_POOL,
                                          OPT_RANGE, OPT_END};

static const Command commands[] = {
        {"vol-clone", "copy a volume within its pool", NULL, options_clone, .run = cmd_clone},
        {"vol-create", "make a volume from a file with its XML", NULL, options_create,
         .run = cmd_create},
        {"vol-create-as", "make a volume from options", NULL, options_create_as,
         .run = cmd_create_as, .examples = "vol-create-as default guest1.qcow2 20G --format qcow2"},
        {"vol-create-from", "make a volume that holds what another does", NULL, options_create_from,
         .run = cmd_create_from},
        {"vol-delete", "delete a volume", NULL, options_delete, .run = cmd_delete},
        {"vol-download", "copy what a volume holds to a file", NULL, options_transfer,
         .run = cmd_download},
        {"vol-dumpxml", "show the XML of a volume", NULL, options_dumpxml, .run = cmd_dumpxml},
        {"vol-info", "show what a volume is", NULL, options_info, .run = cmd_info},
        {"vol-key", "print the key of a volume", NULL, options_one, .run = cmd_key},
        {"vol-list", "list the volumes of a pool", NULL, options_list, .run = cmd_list},
        {"vol-name", "print the name of a volume by its key or path", NULL, options_alone,
         .run = cmd_name},
        {"vol-path", "print the path of a volume", NULL, options_one, .run = cmd_path},
        {"vol-pool", "print the pool of a volume", NULL, options_pool, .run = cmd_pool},
        {"vol-resize", "change the size of a volume", NULL, options_resize, .run = cmd_resize},
        {"vol-upload", "copy a file into a volume", NULL, options_transfer, .run = cmd_upload},
        {"vol-wipe", "overwrite what a volume holds", NULL, options_wipe, .run = cmd_wipe},
        {},
};

const CommandGroup group_volume = {
        "volume",
        "Storage Volume",
        (const Command *const[]){commands, NULL},
};
