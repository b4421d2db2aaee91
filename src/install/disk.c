/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --disk: an image that is there, a volume, or one that is to be made. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "base/xml.h"
#include "client/guest.h"
#include "client/storage.h"
#include "install/check.h"
#include "install/grammar.h"
#include "install/guest.h"
#include "install/node.h"
#include "install/option.h"
#include "install/os.h"

#define DEFAULT_POOL      "default"
#define DEFAULT_DIRECTORY "/var/lib/airlock/images"
#define DEFAULT_FORMAT    "qcow2"

#define GIB          (1024.0 * 1024 * 1024)
#define SIZE_MAX_GIB (1024.0 * 1024)

/* Volumes that a name is tried for. */
#define NAMES_MAX 1000

/* What was typed of where the disk's data is. */
typedef struct Wanted {
        char *path;
        char *pool, *vol;
        char *size, *format, *sparse;
        char *backing, *backing_format;
        char *perms;
} Wanted;

static void wanted_done(Wanted *wanted) {
        g_free(wanted->path);
        g_free(wanted->pool);
        g_free(wanted->vol);
        g_free(wanted->size);
        g_free(wanted->format);
        g_free(wanted->sparse);
        g_free(wanted->backing);
        g_free(wanted->backing_format);
        g_free(wanted->perms);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wanted, wanted_done)

static void take_wanted(SubValues *values, Wanted *wanted) {
        *wanted = (Wanted){
                .path = sub_take(values, "path"),
                .pool = sub_take(values, "pool"),
                .vol = sub_take(values, "vol"),
                .size = sub_take(values, "size"),
                .format = sub_take(values, "format"),
                .sparse = sub_take(values, "sparse"),
                .backing = sub_take(values, "backing_store"),
                .backing_format = sub_take(values, "backing_format"),
                .perms = sub_take(values, "perms"),
        };
}

static bool is_kind(const xmlNode *disk, const char *kind) {
        return node_is(disk, "@device", kind);
}

static bool is_plain(const xmlNode *disk) {
        return is_kind(disk, "disk") || is_kind(disk, "lun");
}

static int parse_size(const char *text, uint64_t *ret, Err *err) {
        char *end;
        double gib = g_ascii_strtod(text, &end);

        if (end == text || *end || !(gib > 0) || gib > SIZE_MAX_GIB)
                return fail(err, VIR_ERR_INVALID_ARG, "--disk size=%s: a number of GiB is wanted",
                            text);
        *ret = (uint64_t)(gib * GIB);
        return 0;
}

/* The format of an image: what the daemon says of the volume, else what its first bytes say. */
static char *image_format(GuestDef *def, const char *path) {
        g_autoptr(StorageVol) vol = NULL;
        g_auto(Err) reason = ERR_INIT;
        g_autofree char *text = NULL;
        g_autoptr(XmlDoc) doc = NULL;
        char magic[4] = {};
        FILE *file;

        if (def->conn && storage_vol_lookup_path(def->conn, path, &vol, &reason) == 0 &&
            storage_vol_xml(def->conn, vol, 0, &text, &reason) == 0 &&
            xml_doc_parse(text, strlen(text), "volume", &doc, &reason) == 0) {
                char *format = node_get(xml_doc_root(doc), "target/format/@type");

                if (format && !g_str_equal(format, "iso"))
                        return format;
                g_free(format);
                return g_strdup("raw");
        }
        file = fopen(path, "re");
        if (!file)
                return g_strdup("raw");
        if (fread(magic, 1, sizeof(magic), file) != sizeof(magic))
                magic[0] = '\0';
        fclose(file);
        return g_strdup(memcmp(magic, "QFI\xfb", sizeof(magic)) == 0 ? "qcow2" : "raw");
}

/* Writes the source of an image that is there. */
static void set_source(GuestDef *def, xmlNode *disk, const char *path) {
        g_autofree char *format = NULL;
        struct stat st;
        bool block = stat(path, &st) == 0 && S_ISBLK(st.st_mode);

        node_set(disk, "@type", block ? "block" : "file");
        node_set(disk, block ? "source/@dev" : "source/@file", path);
        format = block || !is_plain(disk) ? g_strdup("raw") : image_format(def, path);
        node_default(disk, "driver/@type", format);
}

static int use_volume(GuestDef *def, const Wanted *wanted, xmlNode *disk, Err *err) {
        g_auto(GStrv) names = g_strsplit(wanted->vol, "/", 2);
        g_autoptr(StoragePool) pool = NULL;
        g_autoptr(StorageVol) vol = NULL;
        g_autofree char *path = NULL;
        int r;

        if (g_strv_length(names) != 2)
                return fail(err, VIR_ERR_INVALID_ARG, "--disk vol=%s: POOL/VOLUME is wanted",
                            wanted->vol);
        r = storage_pool_lookup(def->conn, names[0], &pool, err);
        if (r >= 0)
                r = storage_vol_lookup(def->conn, pool, names[1], &vol, err);
        if (r >= 0)
                r = storage_vol_path(def->conn, vol, &path, err);
        if (r < 0)
                return r;
        set_source(def, disk, path);
        return check_path_in_use(def, disk, path, err);
}

static bool volume_is_planned(const GuestDef *def, const char *name) {
        for (unsigned i = 0; i < def->volumes->len; i++) {
                const NewVolume *volume = def->volumes->pdata[i];

                if (g_strcmp0(volume->name, name) == 0)
                        return true;
        }
        return false;
}

static bool volume_exists(GuestDef *def, const char *pool_name, const char *name) {
        g_autoptr(StoragePool) pool = NULL;
        g_autoptr(StorageVol) vol = NULL;
        g_auto(Err) reason = ERR_INIT;

        return storage_pool_lookup(def->conn, pool_name, &pool, &reason) == 0 &&
               storage_vol_lookup(def->conn, pool, name, &vol, &reason) == 0;
}

/* "guest1.qcow2", "guest1-1.qcow2", … */
static char *free_name(GuestDef *def, const char *pool, const char *format) {
        const char *suffix = g_str_equal(format, "raw") ? "img" : format;
        char *name = g_strdup_printf("%s.%s", guest_def_name(def), suffix);

        for (unsigned i = 1;
             i < NAMES_MAX && (volume_is_planned(def, name) || volume_exists(def, pool, name));
             i++) {
                g_free(name);
                name = g_strdup_printf("%s-%u.%s", guest_def_name(def), i, suffix);
        }
        return name;
}

/* Where the pool keeps its volumes; NULL: it is not there, or has no such place. */
static char *pool_directory(GuestDef *def, const char *name) {
        g_autoptr(StoragePool) pool = NULL;
        g_autofree char *text = NULL;
        g_autoptr(XmlDoc) doc = NULL;
        g_auto(Err) reason = ERR_INIT;

        if (storage_pool_lookup(def->conn, name, &pool, &reason) < 0 ||
            storage_pool_xml(def->conn, pool, 0, &text, &reason) < 0 ||
            xml_doc_parse(text, strlen(text), "pool", &doc, &reason) < 0)
                return NULL;
        return node_get(xml_doc_root(doc), "target/path");
}

/* Where a volume goes that is to be made. */
static int place_volume(GuestDef *def, const Wanted *wanted, NewVolume *volume, Err *err) {
        if (wanted->path) {
                volume->path = g_canonicalize_filename(wanted->path, NULL);
                volume->directory = g_path_get_dirname(volume->path);
                volume->name = g_path_get_basename(volume->path);
                return 0;
        }
        volume->pool = g_strdup(wanted->pool ?: DEFAULT_POOL);
        volume->directory = pool_directory(def, volume->pool);
        if (!volume->directory && !g_str_equal(volume->pool, DEFAULT_POOL))
                return fail_hint(err,
                                 fail(err, VIR_ERR_NO_STORAGE_POOL, "there is no storage pool '%s'",
                                      volume->pool),
                                 "airlock pool-list --all shows which there are");
        if (!volume->directory)
                volume->directory = g_strdup(DEFAULT_DIRECTORY);
        volume->name = free_name(def, volume->pool, volume->format);
        volume->path = g_build_filename(volume->directory, volume->name, NULL);
        return 0;
}

static int plan_volume(GuestDef *def, const Wanted *wanted, xmlNode *disk, Err *err) {
        NewVolume *volume = g_new0(NewVolume, 1);
        bool sparse = true;
        int r = 0;

        g_ptr_array_add(def->volumes, volume);
        volume->disk = disk;
        volume->format = g_strdup(wanted->format ?: DEFAULT_FORMAT);
        volume->backing = wanted->backing ? g_canonicalize_filename(wanted->backing, NULL) : NULL;
        if (volume->backing)
                volume->backing_format = wanted->backing_format
                                                 ? g_strdup(wanted->backing_format)
                                                 : image_format(def, volume->backing);
        if (wanted->size)
                r = parse_size(wanted->size, &volume->size, err);
        if (r >= 0 && wanted->sparse && sub_truth(wanted->sparse, &sparse) < 0)
                r = fail(err, VIR_ERR_INVALID_ARG, "--disk sparse=%s: yes or no is wanted",
                         wanted->sparse);
        if (r >= 0)
                r = place_volume(def, wanted, volume, err);
        if (r < 0)
                return r;
        volume->whole = !sparse;
        node_set(disk, "@type", "file");
        node_set(disk, "source/@file", volume->path);
        node_default(disk, "driver/@type", volume->format);
        if (sparse && is_plain(disk))
                node_default(disk, "driver/@discard", "unmap");
        return 0;
}

static bool has_source(const xmlNode *disk) {
        return node_find(disk, "source") != NULL;
}

/* Finds out which of the forms it is. */
static int read_source(GuestDef *def, const Wanted *wanted, xmlNode *disk, Err *err) {
        g_autofree char *path = wanted->path ? g_canonicalize_filename(wanted->path, NULL) : NULL;
        bool is_there = path && g_file_test(path, G_FILE_TEST_EXISTS);

        if (wanted->vol)
                return use_volume(def, wanted, disk, err);
        if (is_there && g_file_test(path, G_FILE_TEST_IS_DIR))
                return fail(err, VIR_ERR_INVALID_ARG, "--disk %s: it is a directory", path);
        if (is_there) {
                set_source(def, disk, path);
                return check_path_in_use(def, disk, path, err);
        }
        if (wanted->size || (wanted->backing && (path || wanted->pool)))
                return plan_volume(def, wanted, disk, err);
        if (path)
                return fail_hint(err,
                                 fail(err, VIR_ERR_INVALID_ARG, "there is no image '%s'", path),
                                 "to make one, say how large: --disk %s,size=GIB", path);
        if (is_plain(disk) && !has_source(disk))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--disk: a path, a volume or a size is wanted");
        return 0;
}

/* ro, sh, rw: what older tools said. */
static int read_perms(xmlNode *disk, const char *perms, Err *err) {
        if (g_str_equal(perms, "ro"))
                node_set(disk, "readonly", "");
        else if (g_str_equal(perms, "sh"))
                node_set(disk, "shareable", "");
        else if (!g_str_equal(perms, "rw"))
                return fail(err, VIR_ERR_INVALID_ARG, "--disk perms=%s: ro, sh or rw is wanted",
                            perms);
        return 0;
}

int guest_def_read_disk(GuestDef *def, const char *text, Err *err) {
        const Grammar *grammar = grammar_find("disk");
        g_autoptr(GPtrArray) values = NULL;
        g_auto(Wanted) wanted = {};
        xmlNode *disk;
        int r;

        r = sub_parse(grammar, text, false, &values, err);
        if (r < 0)
                return r;
        take_wanted(values, &wanted);
        disk = guest_def_add_device(def, "disk");
        r = sub_apply(grammar, values, disk, err);
        if (r >= 0 && wanted.perms)
                r = read_perms(disk, wanted.perms, err);
        if (r < 0)
                return r;
        node_default(disk, "@device", "disk");
        return read_source(def, &wanted, disk, err);
}

static const char *default_bus(const GuestDef *def, const xmlNode *disk) {
        if (is_kind(disk, "floppy"))
                return "fdc";
        if (is_plain(disk) && os_supports(def->os, OS_VIRTIO_DISK))
                return "virtio";
        return guest_def_is_q35(def) ? "sata" : "ide";
}

static bool target_is_taken(const GuestDef *def, const char *target) {
        xmlNode *disk;

        for (unsigned i = 0; (disk = guest_def_device(def, "disk", i)); i++)
                if (node_is(disk, "target/@dev", target))
                        return true;
        return false;
}

/* "vda", "vdb" … "vdaa": the first that is free. */
static char *free_target(const GuestDef *def, const char *prefix) {
        char *target = NULL;

        for (unsigned n = 0; n < NAMES_MAX; n++) {
                char letters[3] = {};

                if (n >= 26)
                        letters[0] = (char)('a' + n / 26 - 1);
                letters[strlen(letters)] = (char)('a' + n % 26);
                g_free(target);
                target = g_strconcat(prefix, letters, NULL);
                if (!target_is_taken(def, target))
                        break;
        }
        return target;
}

static void default_target(GuestDef *def, xmlNode *disk) {
        static const char *const prefixes[][2] = {
                {"virtio", "vd"},
                {"fdc", "fd"},
                {"ide", "hd"},
                {"xen", "xvd"},
        };
        g_autofree char *bus = node_get(disk, "target/@bus");
        g_autofree char *target = NULL;
        const char *prefix = "sd";

        for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
                if (g_strcmp0(bus, prefixes[i][0]) == 0)
                        prefix = prefixes[i][1];
        target = free_target(def, prefix);
        node_default(disk, "target/@dev", target);
}

int guest_def_default_disk(GuestDef *def, xmlNode *disk, Err *err) {
        node_default(disk, "@device", "disk");
        node_default(disk, "@type", "file");
        /* An empty drive has nothing to drive. */
        if (has_source(disk))
                node_default(disk, "driver/@name", "qemu");
        if (node_is(disk, "@type", "block") && is_plain(disk)) {
                node_default(disk, "driver/@cache", "none");
                node_default(disk, "driver/@io", "native");
                node_default(disk, "driver/@discard", "unmap");
        }
        node_default(disk, "target/@bus", default_bus(def, disk));
        if (is_kind(disk, "cdrom"))
                node_default(disk, "readonly", "");
        default_target(def, disk);
        return 0;
}

void guest_def_add_cdrom(GuestDef *def, const char *path) {
        xmlNode *disk = guest_def_add_device(def, "disk");
        xmlNode *other;

        node_set(disk, "@type", "file");
        node_set(disk, "@device", "cdrom");
        node_set(disk, "driver/@type", "raw");
        node_set(disk, "source/@file", path);
        /* What boots from "cdrom" takes the first. */
        for (unsigned i = 0; (other = guest_def_device(def, "disk", i)) && other != disk; i++)
                if (is_kind(other, "cdrom")) {
                        xmlAddPrevSibling(other, disk);
                        return;
                }
}
