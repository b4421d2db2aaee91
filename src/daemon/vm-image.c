/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The images of a guest's disks when it gets them: that they are there, and which images are below
 * them. QEMU would follow an image's header by itself, to whatever file the guest wrote into it:
 * here it is read first, bounded, and given to QEMU as nodes. */
#include "daemon/vm-image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/vm-kind.h"
#include "domain/device.h"
#include "storage/qcow2.h"

/* One image of a chain, a disk's own or one below. */
typedef struct Layer {
        const char *path; /* NULL: not on this host */
        DiskFormat format;
        GPtrArray **backing; /* what is told of the next */
} Layer;

/* ---- images below ---- */

static int read_head(const char *path, Qcow2Head *ret, Err *err) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        g_autofree uint8_t *bytes = g_malloc(QCOW2_HEAD_MAX);
        ssize_t n = fd >= 0 ? pread(fd, bytes, QCOW2_HEAD_MAX, 0) : -1;

        if (n < 0)
                return fail_errno(err, neg_errno(), "cannot read the image '%s'", path);
        return qcow2_parse(path, bytes, (size_t)n, ret, err);
}

static int check_head(const char *path, const Qcow2Head *head, Err *err) {
        if (head->has_data_file || head->is_encrypted)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "the image '%s' %s, which is not served", path,
                            head->is_encrypted ? "is encrypted" : "has an external data file");
        if (!head->backing || head->backing_format)
                return 0;
        return fail_hint(
                err,
                fail(err, VIR_ERR_OPERATION_INVALID,
                     "format of backing image '%s' of image '%s' was not specified in the image "
                     "metadata, and none is guessed",
                     head->backing, path),
                "write it there: qemu-img rebase -u -b '%s' -F FORMAT '%s'; or give the disk a "
                "<backingStore>",
                head->backing, path);
}

static int format_of(const char *path, const Qcow2Head *head, DiskFormat *ret, Err *err) {
        *ret = g_str_equal(head->backing_format, "qcow2") ? DISK_FORMAT_QCOW2
               : g_str_equal(head->backing_format, "raw") ? DISK_FORMAT_RAW
                                                          : DISK_FORMAT_UNSET;
        if (*ret)
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "the backing image '%s' of image '%s' has the format '%s', which is not served",
                    head->backing, path, head->backing_format);
}

static int check_there(const char *path, Err *err) {
        struct stat status;

        if (stat(path, &status) == 0)
                return 0;
        return fail_errno(err, neg_errno(), "Cannot access storage file '%s'", path);
}

/* NULL in ret: the image stands alone. */
static int find_below(const char *path, DomainBacking **ret, Err *err) {
        g_auto(Qcow2Head) head = {};
        g_autofree char *below = NULL;
        DiskFormat format = DISK_FORMAT_UNSET;
        struct stat status;
        int r = read_head(path, &head, err);

        if (r == 0)
                r = check_head(path, &head, err);
        if (r < 0 || !head.backing)
                return r;
        r = format_of(path, &head, &format, err);
        if (r < 0)
                return r;
        if (qcow2_backing_path(path, head.backing, &below) < 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "the backing image of '%s' is no file: '%s'", path,
                                      head.backing),
                                 "say in a <backingStore> of the disk where it is");
        if (stat(below, &status) < 0)
                return check_there(below, err);
        *ret = domain_backing_new();
        domain_backing_set_path(*ret, below, S_ISBLK(status.st_mode), format);
        return 0;
}

/* What the image says of the next, or the end of the chain. */
static int extend(const char *target, const Layer *layer, Err *err) {
        DomainBacking *below = NULL;
        int r = 0;

        if (layer->format == DISK_FORMAT_QCOW2 && !layer->path)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "disk %s: nothing tells which image is below the qcow2 image "
                                      "that comes over the network",
                                      target),
                                 "add <backingStore/> if there is none, else name it there");
        if (layer->format == DISK_FORMAT_QCOW2)
                r = find_below(layer->path, &below, err);
        if (r < 0)
                return r;
        *layer->backing = g_ptr_array_new();
        g_ptr_array_add(*layer->backing, below ? below : domain_backing_new());
        return 0;
}

/* Down the chain, from what the definition tells on by what the images say. */
static int fill_chain(DomainDisk *disk, Err *err) {
        Layer layer = {domain_source_path(&disk->source), disk->driver.type, &disk->backing};

        for (unsigned n = 0; n <= DOMAIN_CHAIN_MAX; n++) {
                DomainBacking *backing;
                int r = *layer.backing ? 0 : extend(disk->target.dev, &layer, err);

                if (r < 0)
                        return r;
                backing = domain_backing_of(*layer.backing);
                if (!backing)
                        return 0;
                layer = (Layer){domain_source_path(&backing->source), backing->format.type,
                                &backing->backing};
                r = layer.path ? check_there(layer.path, err) : 0;
                if (r < 0)
                        return r;
        }
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "disk %s: more than %d images are below it, or they go in a circle",
                    disk->target.dev, DOMAIN_CHAIN_MAX);
}

/* ---- numbers ---- */

static uint64_t highest_index(const DomainDef *live) {
        uint64_t highest = 0;

        DOMAIN_FOREACH(DomainDisk, disk, live, DOMAIN_DISK) {
                highest = MAX(highest, disk->source.index.value);
                for (const DomainBacking *at = domain_backing_of(disk->backing); at;
                     at = domain_backing_of(at->backing))
                        highest = MAX(highest, at->index.value);
        }
        return highest;
}

static void number_images(const DomainDef *live, DomainDisk *disk) {
        uint64_t index = highest_index(live);

        if (!disk->source.index.is_set)
                disk->source.index = DOMAIN_NUM(++index);
        for (DomainBacking *at = domain_backing_of(disk->backing); at;
             at = domain_backing_of(at->backing))
                if (!at->index.is_set)
                        at->index = DOMAIN_NUM(++index);
}

/* ---- the kind ---- */

static int fill(Vm *vm, DomainDef *live, DomainDevice *device, Err *err) {
        DomainDisk *disk = (DomainDisk *)device;
        const char *path = domain_source_path(&disk->source);
        int r;

        if (!domain_disk_has_source(disk))
                return 0;
        r = path ? check_there(path, err) : 0;
        if (r == 0)
                r = fill_chain(disk, err);
        if (r == 0)
                number_images(live, disk);
        return r;
}

const VmKind vm_disk_kind = {
        .fill = fill,
};

/* ---- images that may be missing ---- */

static bool is_missing(const DomainDisk *disk) {
        const char *path = domain_source_path(&disk->source);
        struct stat status;

        return disk->source.startup_policy == STARTUP_OPTIONAL && path && stat(path, &status) < 0;
}

void vm_image_drop_missing(const Vm *vm, DomainDef *live) {
        GPtrArray *disks = live->devices.list[DOMAIN_DISK];

        for (guint i = disks->len; i-- > 0;) {
                DomainDisk *disk = disks->pdata[i];

                if (!is_missing(disk))
                        continue;
                log_message(LOG_WARNING, vm_name(vm), NULL, "disk %s starts without its image '%s'",
                            disk->target.dev, domain_source_path(&disk->source));
                if (disk->device == DISK_DEVICE_DISK)
                        domain_device_free(domain_def_take_device(live, &disk->base));
                else
                        domain_disk_eject(disk);
        }
}
