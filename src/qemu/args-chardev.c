/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Character streams, as QEMU's qapi/char.json has them, and the devices that carry them. */
#include "qemu/args-part.h"

/* From here on the delay of a reconnection is in milliseconds. */
#define RECONNECT_MS QEMU_VERSION(9, 2, 0)

/* The port of the SPICE agent has this name everywhere. */
#define SPICE_AGENT "com.redhat.spice.0"

/* ---- character streams ---- */

static bool is_server(const DomainChar *chardev) {
        return chardev->source.mode != CHAR_MODE_CONNECT;
}

static json_t *inet_address(const char *host, const char *service) {
        return json_pack("{s:s, s:{s:s, s:s}}", "type", "inet", "data", "host", host, "port",
                         service);
}

static void set_reconnect(const QemuContext *context, const DomainChar *chardev, json_t *data) {
        uint64_t timeout = domain_num_or(chardev->source.reconnect.timeout, 0);

        if (chardev->source.reconnect.enabled != DOMAIN_SWITCH_ON)
                return;
        if (context->runtime->version >= RECONNECT_MS)
                SET_INT(data, "reconnect-ms", timeout * 1000);
        else
                SET_INT(data, "reconnect", timeout);
}

static json_t *socket_data(const QemuContext *context, const DomainChar *chardev) {
        bool is_tcp = chardev->type == CHAR_TYPE_TCP;
        json_t *address = is_tcp ? inet_address(chardev->source.host, chardev->source.service)
                                 : json_pack("{s:s, s:{s:s}}", "type", "unix", "data", "path",
                                             chardev->source.path);
        json_t *data = json_pack("{s:o}", "addr", address);

        if (chardev->protocol.type == CHAR_PROTOCOL_TELNET)
                SET_BOOL(data, "telnet", true);
        SET_BOOL(data, "server", is_server(chardev));
        if (is_server(chardev))
                SET_BOOL(data, "wait", false);
        set_reconnect(context, chardev, data);
        return data;
}

static json_t *udp_data(const DomainChar *chardev) {
        json_t *data = json_object();

        for (guint i = 0; chardev->ends && i < chardev->ends->len; i++) {
                const DomainCharEnd *end = chardev->ends->pdata[i];
                bool is_remote = end->mode == CHAR_MODE_CONNECT;
                const char *host = end->host ? end->host : is_remote ? "localhost" : "";

                json_object_set_new(data, is_remote ? "remote" : "local",
                                    inet_address(host, end->service ? end->service : "0"));
        }
        return data;
}

static json_t *file_data(const DomainChar *chardev) {
        json_t *data = json_pack("{s:s}", "out", chardev->source.path);

        if (chardev->source.append)
                SET_BOOL(data, "append", chardev->source.append == DOMAIN_SWITCH_ON);
        return data;
}

static json_t *agent_data(const DomainChar *chardev) {
        json_t *data = json_object();

        if (chardev->source.clipboard.copypaste)
                SET_BOOL(data, "clipboard",
                         chardev->source.clipboard.copypaste == DOMAIN_SWITCH_ON);
        if (chardev->source.mouse.mode)
                SET_BOOL(data, "mouse", chardev->source.mouse.mode == CHAR_MOUSE_CLIENT);
        return data;
}

static json_t *stream_data(const QemuContext *context, const DomainChar *chardev) {
        bool is_usb = chardev->base.kind == DOMAIN_REDIRDEV;

        switch (chardev->type) {
        case CHAR_TYPE_FILE:
                return file_data(chardev);
        case CHAR_TYPE_UNIX:
        case CHAR_TYPE_TCP:
                return socket_data(context, chardev);
        case CHAR_TYPE_UDP:
                return udp_data(chardev);
        case CHAR_TYPE_DEV:
        case CHAR_TYPE_PIPE:
                return json_pack("{s:s}", "device", chardev->source.path);
        case CHAR_TYPE_SPICEVMC:
                return json_pack("{s:s}", "type", is_usb ? "usbredir" : "vdagent");
        case CHAR_TYPE_SPICEPORT:
                return json_pack("{s:s}", "fqdn", chardev->source.channel);
        case CHAR_TYPE_DBUS:
                return json_pack("{s:s}", "name", chardev->source.channel);
        case CHAR_TYPE_VDAGENT:
                return agent_data(chardev);
        default:
                return json_object();
        }
}

static const char *backend_type(const DomainChar *chardev) {
        static const char *const types[] = {
                [CHAR_TYPE_PTY] = "pty",
                [CHAR_TYPE_FILE] = "file",
                [CHAR_TYPE_UNIX] = "socket",
                [CHAR_TYPE_TCP] = "socket",
                [CHAR_TYPE_UDP] = "udp",
                [CHAR_TYPE_DEV] = "serial",
                [CHAR_TYPE_PIPE] = "pipe",
                [CHAR_TYPE_NULL] = "null",
                [CHAR_TYPE_VC] = "vc",
                [CHAR_TYPE_SPICEVMC] = "spicevmc",
                [CHAR_TYPE_SPICEPORT] = "spiceport",
                [CHAR_TYPE_DBUS] = "dbus",
                [CHAR_TYPE_VDAGENT] = "qemu-vdagent",
        };

        if (chardev->type == CHAR_TYPE_DEV && chardev->base.kind == DOMAIN_PARALLEL)
                return "parallel";
        return types[chardev->type];
}

static int char_backend(const QemuContext *context, const DomainDevice *device, json_t *commands,
                        Err *err) {
        const DomainChar *chardev = (const DomainChar *)device;
        g_autofree char *id = qemu_args_backend_name("char", device);
        json_t *data;

        if ((chardev->type == CHAR_TYPE_FILE || chardev->type == CHAR_TYPE_UNIX) &&
            !chardev->source.path)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "%s has no path yet", device->alias.name);
        data = stream_data(context, chardev);
        if (chardev->log.file) {
                SET_STRING(data, "logfile", chardev->log.file);
                if (chardev->log.append)
                        SET_BOOL(data, "logappend", chardev->log.append == DOMAIN_SWITCH_ON);
        }
        qemu_args_append_command(commands, "chardev-add",
                                 json_pack("{s:s, s:{s:s, s:o}}", "id", id, "backend", "type",
                                           backend_type(chardev), "data", data));
        return 0;
}

/* ---- the same on the command line, which takes no JSON for them ---- */

static void append_option(GString *out, const char *key, const json_t *value) {
        g_autofree char *text = NULL;

        if (json_is_boolean(value)) {
                g_string_append_printf(out, ",%s=%s", key, json_is_true(value) ? "on" : "off");
        } else if (json_is_integer(value)) {
                g_string_append_printf(out, ",%s=%" JSON_INTEGER_FORMAT, key,
                                       json_integer_value(value));
        } else if (json_is_string(value)) {
                text = qemu_args_escape(json_string_value(value));
                g_string_append_printf(out, ",%s=%s", key, text);
        }
}

/* host and port of an address, under the two names; "path" has one. */
static void append_address(GString *out, const json_t *address, const char *host,
                           const char *port) {
        const json_t *data = json_object_get(address, "data");

        append_option(out, "path", json_object_get(data, "path"));
        append_option(out, host, json_object_get(data, "host"));
        append_option(out, port, json_object_get(data, "port"));
}

char *qemu_args_chardev_option(const json_t *arguments) {
        /* Names that differ between the two. */
        static const char *const names[][2] = {
                {"out", "path"},
                {"device", "path"},
                {"fqdn", "name"},
                {"type", "name"},
        };
        const json_t *backend = json_object_get(arguments, "backend");
        json_t *data = json_object_get(backend, "data");
        GString *out = g_string_new(json_string_value(json_object_get(backend, "type")));
        const char *key;
        json_t *value;

        append_option(out, "id", json_object_get(arguments, "id"));
        append_address(out, json_object_get(data, "addr"), "host", "port");
        append_address(out, json_object_get(data, "remote"), "host", "port");
        append_address(out, json_object_get(data, "local"), "localaddr", "localport");
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

static void set_isa_address(const DomainDevice *device, json_t *object) {
        const DomainAddress *address = &device->address;

        if (address->type != DOMAIN_ADDRESS_ISA)
                return;
        if (address->iobase.is_set)
                SET_INT(object, "iobase", address->iobase.value);
        if (address->irq.is_set)
                SET_INT(object, "irq", address->irq.value);
}

static int fill_port(const QemuContext *context, const DomainDevice *device, json_t *object,
                     Err *err) {
        static const char *const drivers[] = {
                [CHAR_TARGET_ISA_SERIAL] = "isa-serial",
                [CHAR_TARGET_USB_SERIAL] = "usb-serial",
                [CHAR_TARGET_PCI_SERIAL] = "pci-serial",
                [CHAR_TARGET_ISA_DEBUG] = "isa-debugcon",
        };
        const DomainChar *chardev = (const DomainChar *)device;
        bool is_parallel = device->kind == DOMAIN_PARALLEL;
        g_autofree char *backend = qemu_args_backend_name("char", device);

        SET_STRING(object, "chardev", backend);
        SET_STRING(object, "driver", is_parallel ? "isa-parallel" : drivers[chardev->target.type]);
        if (is_parallel || chardev->target.type == CHAR_TARGET_ISA_SERIAL)
                SET_INT(object, "index", chardev->target.port.value);
        set_isa_address(device, object);
        return chardev->target.type == CHAR_TARGET_USB_SERIAL
                       ? qemu_args_set_usb_address(object, context->def, device, err)
                       : 0;
}

static const char *port_name(const DomainChar *chardev) {
        bool is_agent = chardev->type == CHAR_TYPE_SPICEVMC || chardev->type == CHAR_TYPE_VDAGENT;

        return is_agent && !chardev->target.name ? SPICE_AGENT : chardev->target.name;
}

/* A port of virtio-serial. */
static int fill_virtio(const QemuContext *context, const DomainDevice *device, json_t *object,
                       Err *err) {
        const DomainChar *chardev = (const DomainChar *)device;
        g_autofree char *backend = qemu_args_backend_name("char", device);
        bool is_console = device->kind == DOMAIN_CONSOLE;
        const DomainController *controller;
        g_autofree char *bus = NULL;

        SET_STRING(object, "chardev", backend);
        controller = domain_def_find_controller(context->def, CONTROLLER_VIRTIO_SERIAL,
                                                (unsigned)device->address.controller.value);
        if (!controller || !controller->base.alias.name || !device->address.port.is_set)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "%s has no virtio-serial port",
                            device->alias.name);
        bus = g_strdup_printf("%s.0", controller->base.alias.name);
        SET_STRING(object, "driver", is_console ? "virtconsole" : "virtserialport");
        SET_STRING(object, "bus", bus);
        SET_INT(object, "nr", device->address.port.value);
        if (!is_console && port_name(chardev))
                SET_STRING(object, "name", port_name(chardev));
        return 0;
}

/* "class:vendor:product:version:allow|…" (usbredirfilter.h), -1 for any. */
static char *filter_text(const DomainRedirFilter *filter) {
        GString *out = g_string_new(NULL);

        for (guint i = 0; filter->rules && i < filter->rules->len; i++) {
                const DomainRedirRule *rule = filter->rules->pdata[i];
                const DomainNum numbers[] = {rule->class, rule->vendor, rule->product};
                unsigned version;

                g_string_append(out, i > 0 ? "|" : "");
                for (size_t k = 0; k < G_N_ELEMENTS(numbers); k++) {
                        if (numbers[k].is_set)
                                g_string_append_printf(out, "0x%0*X:", k == 0 ? 2 : 4,
                                                       (unsigned)numbers[k].value);
                        else
                                g_string_append(out, "-1:");
                }
                if (rule->version && domain_redir_version(rule->version, &version) == 0)
                        g_string_append_printf(out, "0x%04X:", version);
                else
                        g_string_append(out, "-1:");
                g_string_append_c(out, rule->allow == DOMAIN_SWITCH_ON ? '1' : '0');
        }
        return g_string_free(out, FALSE);
}

static int fill_redirdev(const QemuContext *context, const DomainDevice *device, json_t *object,
                         Err *err) {
        const DomainRedirFilter *filter = &context->def->devices.redirfilter;
        g_autofree char *backend = qemu_args_backend_name("char", device);
        g_autofree char *rules = filter_text(filter);

        SET_STRING(object, "driver", "usb-redir");
        SET_STRING(object, "chardev", backend);
        if (*rules)
                SET_STRING(object, "filter", rules);
        qemu_args_set_boot(object, context->def, device);
        return qemu_args_set_usb_address(object, context->def, device, err);
}

/* The first console is the first serial port. */
static bool is_mirror(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainChar *)device)->target.type == CHAR_TARGET_SERIAL;
}

/* A guest forward is a stream without a device: the user network leads to it. */
static bool is_guestfwd(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainChar *)device)->target.type == CHAR_TARGET_GUESTFWD;
}

static int guestfwd_options(const QemuContext *context, const DomainDevice *device, GPtrArray *args,
                            Err *err) {
        json_t *commands = json_array();
        g_autofree char *text = NULL;
        int r = 0;

        if (is_guestfwd(context->def, device))
                r = char_backend(context, device, commands, err);
        if (r == 0 && json_array_size(commands) > 0) {
                text = qemu_args_chardev_option(
                        json_object_get(json_array_get(commands, 0), "arguments"));
                qemu_args_add(args, "-chardev", text);
        }
        json_decref(commands);
        return r;
}

/* On a bus that takes devices while the guest runs. */
static bool can_plug_serial(const DomainDef *def, const DomainDevice *device) {
        CharTarget type = ((const DomainChar *)device)->target.type;

        return type == CHAR_TARGET_USB_SERIAL || type == CHAR_TARGET_PCI_SERIAL;
}

const QemuKind qemu_serial_kind = {
        .backend = char_backend,
        .device = fill_port,
        .can_plug = can_plug_serial,
};

const QemuKind qemu_parallel_kind = {
        .backend = char_backend,
        .device = fill_port,
};

const QemuKind qemu_console_kind = {
        .is_built_in = is_mirror,
        .backend = char_backend,
        .device = fill_virtio,
        .can_plug = qemu_kind_always,
};

const QemuKind qemu_channel_kind = {
        .is_built_in = is_guestfwd,
        .backend = char_backend,
        .device = fill_virtio,
        .options = guestfwd_options,
        .can_plug = qemu_kind_always,
};

const QemuKind qemu_redirdev_kind = {
        .backend = char_backend,
        .device = fill_redirdev,
        .can_plug = qemu_kind_always,
};
