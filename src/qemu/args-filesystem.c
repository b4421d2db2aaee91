/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

static bool is_virtiofs(const DomainDevice *device) {
        return ((const DomainFilesystem *)device)->driver.type == FS_DRIVER_VIRTIOFS;
}

/* ---- virtiofs ---- */

/* Where the program that serves it listens: ours in the guest's run directory, or another's. */
static char *socket_path(const QemuContext *context, const DomainFilesystem *fs) {
        const char *run_dir = context->runtime->run_dir;

        return fs->source.socket
                       ? g_strdup(fs->source.socket)
                       : g_strdup_printf("%s/%s.sock", run_dir ? run_dir : "", fs->base.alias.name);
}

static int filesystem_backend(const QemuContext *context, const DomainDevice *device,
                              json_t *commands, Err *err) {
        g_autofree char *name = qemu_args_backend_name("char", device);
        g_autofree char *path = NULL;

        if (!is_virtiofs(device))
                return 0;
        path = socket_path(context, (const DomainFilesystem *)device);
        qemu_args_append_command(commands, "chardev-add",
                                 json_pack("{s:s, s:{s:s, s:{s:{s:s, s:{s:s}}, s:b}}}", "id", name,
                                           "backend", "type", "socket", "data", "addr", "type",
                                           "unix", "data", "path", path, "server", false));
        return 0;
}

/* ---- 9p ---- */

/* QEMU has no monitor command for -fsdev. */
static int filesystem_options(const QemuContext *context, const DomainDevice *device,
                              GPtrArray *args, Err *err) {
        static const char *const models[] = {NULL, "passthrough", "mapped", "none"};
        static const char *const multidevs[] = {NULL, NULL, "remap", "forbid", "warn"};
        const DomainFilesystem *fs = (const DomainFilesystem *)device;
        g_autofree char *path = NULL;
        GString *text;

        if (is_virtiofs(device))
                return 0;
        path = qemu_args_escape(fs->source.dir);
        text = g_string_new(NULL);
        g_string_append_printf(text, "local,id=fsdev-%s,path=%s,security_model=%s",
                               device->alias.name, path, models[fs->accessmode]);
        if (multidevs[fs->multidevs])
                g_string_append_printf(text, ",multidevs=%s", multidevs[fs->multidevs]);
        if (fs->fmode)
                g_string_append_printf(text, ",fmode=%s", fs->fmode);
        if (fs->dmode)
                g_string_append_printf(text, ",dmode=%s", fs->dmode);
        if (fs->driver.wrpolicy)
                g_string_append(text, ",writeout=immediate");
        if (fs->readonly.node.is_present)
                g_string_append(text, ",readonly=on");
        qemu_args_add(args, "-fsdev", text->str);
        g_string_free(text, TRUE);
        return 0;
}

/* ---- the device ---- */

static void fill_virtiofs(const DomainFilesystem *fs, json_t *object) {
        g_autofree char *chardev = qemu_args_backend_name("char", &fs->base);

        SET_STRING(object, "driver", "vhost-user-fs-pci");
        SET_STRING(object, "chardev", chardev);
        if (fs->driver.queue.is_set)
                SET_INT(object, "queue-size", fs->driver.queue.value);
        SET_STRING(object, "tag", fs->target.dir);
}

static void fill_9p(const DomainFilesystem *fs, json_t *object) {
        g_autofree char *fsdev = qemu_args_backend_name("fsdev-", &fs->base);

        qemu_args_set_virtio_driver(object, "virtio-9p", fs->model);
        SET_STRING(object, "fsdev", fsdev);
        SET_STRING(object, "mount_tag", fs->target.dir);
}

static int fill_filesystem(const QemuContext *context, const DomainDevice *device, json_t *object,
                           Err *err) {
        const DomainFilesystem *fs = (const DomainFilesystem *)device;

        if (is_virtiofs(device))
                fill_virtiofs(fs, object);
        else
                fill_9p(fs, object);
        qemu_args_set_virtio(object, &fs->driver.virtio);
        qemu_args_set_boot(object, context->def, device);
        return 0;
}

static bool can_plug(const DomainDef *def, const DomainDevice *device) {
        return is_virtiofs(device);
}

const QemuKind qemu_filesystem_kind = {
        .backend = filesystem_backend,
        .device = fill_filesystem,
        .options = filesystem_options,
        .can_plug = can_plug,
};
