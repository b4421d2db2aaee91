/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-image.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/errand.h"
#include "domain/device.h"
#include "storage/qcow2.h"

/* One image of a chain, a disk's own or one below. */
typedef struct Layer {
        const char *path; /* NULL: not on this host */
        DiskFormat format;
        GPtrArray **backing; /* what is told of the next */
} Layer;

/* ---- images below ---- */

/* What nobody has looked at was put there while the look went on. */
static int get_fact(ImageFacts *facts, const char *path, const ImageFact **ret, Err *err) {
        *ret = facts ? image_facts_get(facts, path) : NULL;
        if (*ret)
                return 0;
        fail_hint(err,
                  fail(err, VIR_ERR_OPERATION_FAILED,
                       "the image '%s' was not there when the disks were looked at", path),
                  "try again");
        return -EIO;
}

static int check_there(ImageFacts *facts, const char *path, const ImageFact **ret, Err *err) {
        int r = get_fact(facts, path, ret, err);

        if (r < 0 || (*ret)->errnum == 0)
                return r;
        return fail_errno(err, -(*ret)->errnum, "Cannot access storage file '%s'", path);
}

static int read_head(const char *path, const ImageFact *fact, Qcow2Head *ret, Err *err) {
        g_autofree uint8_t *bytes = g_malloc0(QCOW2_HEAD_MAX);
        const void *head;
        gsize size;

        if (!fact->head)
                return fail_errno(err, -fact->head_errnum, "cannot read the image '%s'", path);
        head = g_bytes_get_data(fact->head, &size);
        if (size > 0)
                memcpy(bytes, head, size);
        return qcow2_parse(path, bytes, QCOW2_HEAD_MAX, ret, err);
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

/* NULL in ret: the image stands alone. */
static int find_below(ImageFacts *facts, const char *path, DomainBacking **ret, Err *err) {
        g_auto(Qcow2Head) head = {};
        g_autofree char *below = NULL;
        const ImageFact *fact;
        DiskFormat format = DISK_FORMAT_UNSET;
        int r = check_there(facts, path, &fact, err);

        if (r == 0)
                r = read_head(path, fact, &head, err);
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
        r = check_there(facts, below, &fact, err);
        if (r < 0)
                return r;
        *ret = domain_backing_new();
        domain_backing_set_path(*ret, below, fact->is_block, format);
        return 0;
}

/* What the image says of the next, or the end of the chain. */
static int extend(ImageFacts *facts, const char *target, const Layer *layer, Err *err) {
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
                r = find_below(facts, layer->path, &below, err);
        if (r < 0)
                return r;
        *layer->backing = g_ptr_array_new();
        g_ptr_array_add(*layer->backing, below ? below : domain_backing_new());
        return 0;
}

/* Down the chain, from what the definition tells on by what the images say. */
static int fill_chain(ImageFacts *facts, DomainDisk *disk, Err *err) {
        Layer layer = {domain_source_path(&disk->source), disk->driver.type, &disk->backing};

        for (unsigned n = 0; n <= DOMAIN_CHAIN_MAX; n++) {
                const ImageFact *fact;
                DomainBacking *backing;
                int r = layer.path ? check_there(facts, layer.path, &fact, err) : 0;

                if (r == 0 && !*layer.backing)
                        r = extend(facts, disk->target.dev, &layer, err);
                if (r < 0)
                        return r;
                backing = domain_backing_of(*layer.backing);
                if (!backing)
                        return 0;
                layer = (Layer){domain_source_path(&backing->source), backing->format.type,
                                &backing->backing};
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

int vm_image_fill(const DomainDef *live, DomainDisk *disk, ImageFacts *facts, Err *err) {
        int r;

        if (!domain_disk_has_source(disk))
                return 0;
        r = fill_chain(facts, disk, err);
        if (r == 0)
                number_images(live, disk);
        return r;
}

/* ---- images that may be missing ---- */

static bool is_missing(const DomainDisk *disk, ImageFacts *facts) {
        const char *path = domain_source_path(&disk->source);
        const ImageFact *fact = facts && path ? image_facts_get(facts, path) : NULL;

        return disk->source.startup_policy == STARTUP_OPTIONAL && fact && fact->errnum != 0;
}

static void drop_missing(const Vm *vm, DomainDef *live, ImageFacts *facts) {
        GPtrArray *disks = live->devices.list[DOMAIN_DISK];

        for (guint i = disks->len; i-- > 0;) {
                DomainDisk *disk = disks->pdata[i];

                if (!is_missing(disk, facts))
                        continue;
                log_message(LOG_WARNING, vm_name(vm), NULL, "disk %s starts without its image '%s'",
                            disk->target.dev, domain_source_path(&disk->source));
                if (disk->device == DISK_DEVICE_DISK)
                        domain_device_free(domain_def_take_device(live, &disk->base));
                else
                        domain_disk_eject(disk);
        }
}

int vm_image_fill_all(const Vm *vm, DomainDef *live, ImageFacts *facts, Err *err) {
        drop_missing(vm, live, facts);
        DOMAIN_FOREACH(DomainDisk, disk, live, DOMAIN_DISK) {
                int r = vm_image_fill(live, disk, facts, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the look ---- */

typedef struct Look {
        char *guest;
        VmImageLooked done;
        void *userdata;
} Look;

/* In the child: the way down each chain is what the daemon goes afterwards, where its errors are
 * told. */
static int look_at_disks(int out, void *data) {
        const GPtrArray *disks = data;
        g_autoptr(ImageFacts) facts = image_facts_new(out);

        for (guint i = 0; i < disks->len; i++) {
                const DomainDevice *device = disks->pdata[i];
                g_autoptr(DomainDevice) copy =
                        device->kind == DOMAIN_DISK ? domain_device_copy(device) : NULL;

                if (copy)
                        fill_chain(facts, (DomainDisk *)copy, NULL);
        }
        return 0;
}

static void fail_stuck(const Look *look, const char *stuck, Err *err) {
        fail_hint(err,
                  fail(err, VIR_ERR_OPERATION_TIMEOUT,
                       "guest '%s': the image '%s' cannot be looked at: its file system has not "
                       "answered for %d s",
                       look->guest, stuck ? stuck : "?", VM_IMAGE_LOOK_SECONDS),
                  "see that the server of the mount answers: findmnt --target '%s'",
                  stuck ? stuck : "?");
}

static void on_looked(int r, const char *output, size_t size, void *userdata) {
        Look *look = userdata;
        g_autofree char *stuck = NULL;
        g_autoptr(ImageFacts) facts = image_facts_read(output, &stuck);
        g_auto(Err) err = ERR_INIT;

        if (r == -ETIMEDOUT)
                fail_stuck(look, stuck, &err);
        else if (r < 0)
                fail_errno(&err, r, "the images of guest '%s' cannot be looked at", look->guest);
        if (r < 0)
                look->done(NULL, &err, look->userdata);
        else
                look->done(g_steal_pointer(&facts), NULL, look->userdata);
        g_free(look->guest);
        g_free(look);
}

static bool is_on_this_host(const DomainDisk *disk) {
        if (domain_source_path(&disk->source))
                return true;
        for (const DomainBacking *at = domain_backing_of(disk->backing); at;
             at = domain_backing_of(at->backing))
                if (domain_source_path(&at->source))
                        return true;
        return false;
}

static bool has_images(const GPtrArray *disks) {
        for (guint i = 0; i < disks->len; i++) {
                const DomainDevice *device = disks->pdata[i];

                if (device->kind == DOMAIN_DISK && is_on_this_host((const DomainDisk *)device))
                        return true;
        }
        return false;
}

int vm_image_look(const Vm *vm, const GPtrArray *disks, VmImageLooked done, void *userdata,
                  Err *err) {
        Look *look;
        int r;

        if (!has_images(disks))
                return 0;
        look = g_new(Look, 1);
        *look = (Look){g_strdup(vm_name(vm)), done, userdata};
        r = errand_run(vm->manager->event,
                       &(ErrandSpec){.func = look_at_disks,
                                     .data = (void *)(uintptr_t)disks,
                                     .deadline = VM_IMAGE_LOOK_SECONDS * UINT64_C(1000000),
                                     .done = on_looked,
                                     .userdata = look},
                       NULL, err);
        if (r == 0)
                return VM_IMAGE_LATER;
        g_free(look->guest);
        g_free(look);
        return r;
}

int vm_image_look_at(const Vm *vm, const char *xml, VmImageLooked done, void *userdata, Err *err) {
        g_autoptr(DomainDef) scratch = domain_def_copy(vm->live);
        g_autoptr(DomainDevice) device = NULL;
        g_autoptr(GPtrArray) disks = g_ptr_array_new();

        if (domain_device_parse(scratch, xml, strlen(xml), DOMAIN_PARSE_LIVE, &device, NULL) < 0)
                return 0;
        g_ptr_array_add(disks, device);
        return vm_image_look(vm, disks, done, userdata, err);
}
