/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

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

static int char_backend(const QemuContext *context, const DomainDevice *device, json_t *commands,
                        Err *err) {
        const DomainChar *chardev = (const DomainChar *)device;
        g_autofree char *id = qemu_args_backend_name("char", device);
        int r = check_chardev(chardev, err);

        if (r == 0)
                qemu_args_append_command(
                        commands, "chardev-add",
                        json_pack("{s:s, s:o}", "id", id, "backend", chardev_backend(chardev)));
        return r;
}

/* ---- the same on the command line, which takes no JSON for them ---- */

static void append_option(GString *out, const char *key, const json_t *value) {
        g_autofree char *text = NULL;

        if (json_is_boolean(value)) {
                g_string_append_printf(out, ",%s=%s", key, json_is_true(value) ? "on" : "off");
        } else if (json_is_string(value)) {
                text = qemu_args_escape(json_string_value(value));
                g_string_append_printf(out, ",%s=%s", key, text);
        }
}

char *qemu_args_chardev_option(const json_t *arguments) {
        /* Names that differ between the two. */
        static const char *const names[][2] = {{"out", "path"}};
        const json_t *backend = json_object_get(arguments, "backend");
        json_t *data = json_object_get(backend, "data");
        const json_t *address = json_object_get(data, "addr");
        GString *out = g_string_new(json_string_value(json_object_get(backend, "type")));
        const char *key;
        json_t *value;

        append_option(out, "id", json_object_get(arguments, "id"));
        json_object_foreach(json_object_get(address, "data"), key, value)
                append_option(out, key, value);
        json_object_foreach(data, key, value) {
                const char *name = key;

                for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                        if (g_str_equal(names[i][0], key))
                                name = names[i][1];
                append_option(out, name, value);
        }
        return g_string_free(out, FALSE);
}

/* ---- the device ---- */

static int fill_char(const QemuContext *context, const DomainDevice *device, json_t *object,
                     Err *err) {
        const DomainChar *chardev = (const DomainChar *)device;
        g_autofree char *backend = qemu_args_backend_name("char", device);
        const DomainController *controller;
        g_autofree char *bus = NULL;

        SET_STRING(object, "chardev", backend);
        if (chardev->target.type == CHAR_TARGET_ISA_SERIAL) {
                SET_STRING(object, "driver", "isa-serial");
                SET_INT(object, "index", chardev->target.port.value);
                return 0;
        }
        controller = domain_def_find_controller(context->def, CONTROLLER_VIRTIO_SERIAL,
                                                (unsigned)device->address.controller.value);
        if (!controller || !controller->base.alias.name || !device->address.port.is_set)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "%s has no virtio-serial port",
                            device->alias.name);
        bus = g_strdup_printf("%s.0", controller->base.alias.name);
        SET_STRING(object, "driver",
                   device->kind == DOMAIN_CONSOLE ? "virtconsole" : "virtserialport");
        SET_STRING(object, "bus", bus);
        SET_INT(object, "nr", device->address.port.value);
        if (chardev->target.name)
                SET_STRING(object, "name", chardev->target.name);
        return 0;
}

/* The first console is the first serial port. */
static bool is_mirror(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainChar *)device)->target.type == CHAR_TARGET_SERIAL;
}

const QemuKind qemu_serial_kind = {
        .backend = char_backend,
        .device = fill_char,
};

const QemuKind qemu_console_kind = {
        .is_built_in = is_mirror,
        .backend = char_backend,
        .device = fill_char,
};

const QemuKind qemu_channel_kind = {
        .backend = char_backend,
        .device = fill_char,
        .can_plug = qemu_kind_always,
};
