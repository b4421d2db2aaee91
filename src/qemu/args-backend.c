/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands behind devices on the host: files, network, character streams, random numbers. */
#include "qemu/args-part.h"

#include <string.h>

char *qemu_args_backend_name(const char *prefix, const DomainDevice *device) {
        return g_strdup_printf("%s%s", prefix, device->alias.name);
}

/* ---- block nodes ---- */

char *qemu_args_disk_node_name(const DomainDisk *disk) {
        return g_strdup_printf("node-%s", disk->target.dev);
}

/* How the host's cache is used; NULL: as QEMU does by itself (writeback). */
static json_t *cache_options(DiskCache cache) {
        bool is_direct = cache == DISK_CACHE_NONE || cache == DISK_CACHE_DIRECTSYNC;

        if (cache <= DISK_CACHE_DEFAULT)
                return NULL;
        return json_pack("{s:b, s:b}", "direct", is_direct, "no-flush", cache == DISK_CACHE_UNSAFE);
}

/* Sets key unless value is NULL; value is taken over. */
static void set_optional(json_t *object, const char *key, json_t *value) {
        if (value)
                json_object_set_new(object, key, value);
}

static json_t *file_node(const char *name, const char *path) {
        return json_pack("{s:s, s:s, s:s, s:b, s:s}", "driver", "file", "filename", path,
                         "node-name", name, "auto-read-only", true, "discard", "unmap");
}

static json_t *format_node(const char *name, const char *file, bool is_qcow2, bool is_read_only) {
        return json_pack("{s:s, s:s, s:s, s:b}", "driver", is_qcow2 ? "qcow2" : "raw", "file", file,
                         "node-name", name, "read-only", is_read_only);
}

json_t *qemu_args_disk_nodes(const DomainDisk *disk) {
        static const char *const ios[] = {NULL, "threads", "native", "io_uring"};
        static const char *const discards[] = {NULL, "unmap", "ignore"};
        static const char *const zeroes[] = {NULL, "off", "on", "unmap"};
        g_autofree char *name = qemu_args_disk_node_name(disk);
        g_autofree char *file_name = g_strdup_printf("file-%s", disk->target.dev);
        json_t *file, *format;

        if (!disk->source.file)
                return json_array();
        file = file_node(file_name, disk->source.file);
        set_optional(file, "aio", json_string(ios[disk->driver.io]));
        set_optional(file, "cache", cache_options(disk->driver.cache));
        format = format_node(name, file_name, disk->driver.type == DISK_FORMAT_QCOW2,
                             disk->readonly.node.is_present);
        set_optional(format, "discard", json_string(discards[disk->driver.discard]));
        set_optional(format, "detect-zeroes", json_string(zeroes[disk->driver.detect_zeroes]));
        set_optional(format, "cache", cache_options(disk->driver.cache));
        return json_pack("[o, o]", file, format);
}

/* The file's node stands inside: nobody asks for it by name. */
json_t *qemu_args_flash_node(const char *name, const char *path, FlashFormat format,
                             bool is_read_only) {
        return json_pack("{s:s, s:s, s:b, s:{s:s, s:s}}", "driver",
                         format == FLASH_QCOW2 ? "qcow2" : "raw", "node-name", name, "read-only",
                         is_read_only, "file", "driver", "file", "filename", path);
}

/* ---- network ---- */

int qemu_args_netdev(const DomainInterface *net, const QemuRuntime *runtime, json_t **ret,
                     Err *err) {
        g_autofree char *id = qemu_args_backend_name("host", &net->base);
        json_t *netdev;

        if (net->type == NET_TYPE_USER) {
                *ret = json_pack("{s:s, s:s}", "type", "user", "id", id);
                return 0;
        }
        if (!net->target.dev)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "interface %s has no tap device yet",
                            net->mac.address);
        netdev = json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "tap", "id", id, "ifname",
                           net->target.dev, "script", "no", "downscript", "no");
        if (runtime->has_vhost_net && net->model.type == NET_MODEL_VIRTIO)
                json_object_set_new(netdev, "vhost", json_true());
        *ret = netdev;
        return 0;
}

/* ---- character streams ---- */

static int check_chardev(const DomainChar *chardev, Err *err) {
        if ((chardev->type == CHAR_TYPE_FILE || chardev->type == CHAR_TYPE_UNIX) &&
            !chardev->source.path)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "%s has no path yet",
                            chardev->base.alias.name);
        return 0;
}

static bool is_server(const DomainChar *chardev) {
        return chardev->source.mode != CHAR_MODE_CONNECT;
}

int qemu_args_chardev(const DomainChar *chardev, char **ret, Err *err) {
        static const char *const types[] = {NULL, "pty", "file", "socket", "null"};
        g_autofree char *path = NULL;
        g_autoptr(GString) out = g_string_new(types[chardev->type]);
        int r = check_chardev(chardev, err);

        if (r < 0)
                return r;
        g_string_append_printf(out, ",id=char%s", chardev->base.alias.name);
        if (chardev->type == CHAR_TYPE_FILE || chardev->type == CHAR_TYPE_UNIX) {
                path = qemu_args_escape(chardev->source.path);
                g_string_append_printf(out, ",path=%s", path);
        }
        if (chardev->type == CHAR_TYPE_FILE && chardev->source.append)
                g_string_append_printf(out, ",append=%s",
                                       chardev->source.append == DOMAIN_SWITCH_ON ? "on" : "off");
        if (chardev->type == CHAR_TYPE_UNIX && is_server(chardev))
                g_string_append(out, ",server=on,wait=off");
        *ret = g_string_free(g_steal_pointer(&out), FALSE);
        return 0;
}

static json_t *chardev_backend(const DomainChar *chardev) {
        json_t *data;

        switch (chardev->type) {
        case CHAR_TYPE_FILE:
                data = json_pack("{s:s}", "out", chardev->source.path);
                if (chardev->source.append)
                        json_object_set_new(
                                data, "append",
                                json_boolean(chardev->source.append == DOMAIN_SWITCH_ON));
                return json_pack("{s:s, s:o}", "type", "file", "data", data);
        case CHAR_TYPE_UNIX:
                data = json_pack("{s:{s:s, s:{s:s}}, s:b}", "addr", "type", "unix", "data", "path",
                                 chardev->source.path, "server", is_server(chardev));
                if (is_server(chardev))
                        json_object_set_new(data, "wait", json_false());
                return json_pack("{s:s, s:o}", "type", "socket", "data", data);
        default:
                return json_pack("{s:s, s:{}}", "type",
                                 chardev->type == CHAR_TYPE_PTY ? "pty" : "null", "data");
        }
}

int qemu_args_chardev_add(const DomainChar *chardev, json_t **ret, Err *err) {
        g_autofree char *id = qemu_args_backend_name("char", &chardev->base);
        int r = check_chardev(chardev, err);

        if (r < 0)
                return r;
        *ret = json_pack("{s:s, s:o}", "id", id, "backend", chardev_backend(chardev));
        return 0;
}

/* ---- random numbers ---- */

json_t *qemu_args_rng_object(const DomainRng *rng) {
        g_autofree char *id = qemu_args_backend_name("obj", &rng->base);

        return json_pack("{s:s, s:s, s:s}", "qom-type", "rng-random", "id", id, "filename",
                         rng->backend.path);
}
