/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

/* What a PC's firmware and QEMU's ISA devices know. */
#define ISA_SERIALS_MAX   4
#define ISA_PARALLELS_MAX 3

/* ---- XML: the stream ---- */

static const char *const char_types[] = {
        "pty",  "file", "unix",     "tcp",       "udp",  "dev",          "pipe",
        "null", "vc",   "spicevmc", "spiceport", "dbus", "qemu-vdagent", NULL,
};
static const char *const char_modes[] = {"bind", "connect", NULL};
static const char *const char_protocols[] = {"raw", "telnet", NULL};
static const char *const char_tls[] = {"no", NULL};
static const char *const char_mice[] = {"server", "client", NULL};

static bool has_type(const void *object, unsigned types) {
        return types >> ((const DomainChar *)object)->type & 1;
}

#define TYPE(what) (1u << CHAR_TYPE_##what)

static bool is_file(const void *object) {
        return has_type(object, TYPE(FILE));
}

static bool is_tcp(const void *object) {
        return has_type(object, TYPE(TCP));
}

static bool is_udp(const void *object) {
        return has_type(object, TYPE(UDP));
}

static bool is_not_udp(const void *object) {
        return !is_udp(object);
}

static bool is_vdagent(const void *object) {
        return has_type(object, TYPE(VDAGENT));
}

static bool has_mode(const void *object) {
        return has_type(object, TYPE(UNIX) | TYPE(TCP));
}

static bool has_path(const void *object) {
        return has_type(object, TYPE(PTY) | TYPE(FILE) | TYPE(UNIX) | TYPE(DEV) | TYPE(PIPE));
}

static bool has_channel(const void *object) {
        return has_type(object, TYPE(SPICEPORT) | TYPE(DBUS));
}

static const DomainField reconnect_fields[] = {
        ATTR_YES(DomainChar, source.reconnect.enabled, "enabled", .is_required = true),
        ATTR_NUM(DomainChar, source.reconnect.timeout, "timeout", .max = INT32_MAX / 1000),
        END,
};
static const DomainElement reconnect =
        PART_OF(DomainChar, source.reconnect, "reconnect", reconnect_fields);

static const DomainField clipboard_fields[] = {
        ATTR_YES(DomainChar, source.clipboard.copypaste, "copypaste", .is_required = true),
        END,
};
static const DomainElement clipboard =
        PART_OF(DomainChar, source.clipboard, "clipboard", clipboard_fields);

static const DomainField mouse_fields[] = {
        ATTR_ENUM(DomainChar, source.mouse.mode, "mode", char_mice, .is_required = true),
        END,
};
static const DomainElement mouse = PART_OF(DomainChar, source.mouse, "mouse", mouse_fields);

static const DomainField char_source_fields[] = {
        ATTR_ENUM(DomainChar, source.mode, "mode", char_modes, .when = has_mode),
        ATTR_STRING(DomainChar, source.path, "path", .when = has_path),
        ATTR_ON(DomainChar, source.append, "append", .when = is_file),
        ATTR_STRING(DomainChar, source.host, "host", .when = is_tcp),
        ATTR_STRING(DomainChar, source.service, "service", .when = is_tcp),
        ATTR_ENUM(DomainChar, source.tls, "tls", char_tls, .when = is_tcp),
        ATTR_STRING(DomainChar, source.channel, "channel", .when = has_channel),
        PART("reconnect", reconnect, .when = has_mode),
        PART("clipboard", clipboard, .when = is_vdagent),
        PART("mouse", mouse, .when = is_vdagent),
        END,
};
static const DomainElement char_source = PART_OF(DomainChar, source, "source", char_source_fields);

static const DomainField end_fields[] = {
        ATTR_ENUM(DomainCharEnd, mode, "mode", char_modes),
        ATTR_STRING(DomainCharEnd, host, "host"),
        ATTR_STRING(DomainCharEnd, service, "service"),
        END,
};
static const DomainElement end_element = ELEMENT(DomainCharEnd, "source", end_fields);

static const DomainField protocol_fields[] = {
        ATTR_ENUM(DomainChar, protocol.type, "type", char_protocols),
        END,
};
static const DomainElement protocol = PART_OF(DomainChar, protocol, "protocol", protocol_fields);

static const DomainField log_fields[] = {
        ATTR_STRING(DomainChar, log.file, "file", .is_required = true),
        ATTR_ON(DomainChar, log.append, "append"),
        END,
};
static const DomainElement log_element = PART_OF(DomainChar, log, "log", log_fields);

#define STREAM                                                                 \
        PART("source", char_source, .when = is_not_udp),                       \
                LIST(DomainChar, ends, "source", end_element, .when = is_udp), \
                PART("protocol", protocol, .when = is_tcp), PART("log", log_element)

/* ---- XML: the device ---- */

static const char *const char_targets[] = {"isa-serial", "usb-serial", "pci-serial", "isa-debug",
                                           "serial",     "virtio",     "guestfwd",   NULL};
static const char *const char_states[] = {"connected", "disconnected", NULL};
static const char *const redir_buses[] = {"usb", NULL};

static bool is_kind(const void *object, DomainDeviceKind kind) {
        return ((const DomainChar *)object)->base.kind == kind;
}

static bool is_channel(const void *object) {
        return is_kind(object, DOMAIN_CHANNEL);
}

static bool is_guestfwd(const void *object) {
        return is_channel(object) &&
               ((const DomainChar *)object)->target.type == CHAR_TARGET_GUESTFWD;
}

static bool has_port(const void *object) {
        return !is_channel(object) || is_guestfwd(object);
}

static bool has_name(const void *object) {
        return is_channel(object) && !is_guestfwd(object);
}

static bool is_console(const void *object) {
        return is_kind(object, DOMAIN_CONSOLE);
}

static bool is_serial(const void *object) {
        return is_kind(object, DOMAIN_SERIAL);
}

static bool has_target_type(const void *object) {
        return !is_kind(object, DOMAIN_PARALLEL);
}

static const DomainField char_target_fields[] = {
        ATTR_ENUM(DomainChar, target.type, "type", char_targets, .when = has_target_type),
        ATTR_STRING(DomainChar, target.address, "address", .when = is_guestfwd),
        ATTR_NUM(DomainChar, target.port, "port", .when = has_port, .max = UINT16_MAX),
        ATTR_STRING(DomainChar, target.name, "name", .when = has_name),
        ATTR_ENUM(DomainChar, target.state, "state", char_states, .when = has_name),
        CHILD(DomainChar, target.model, "model", domain_text_model_element, .when = is_serial),
        END,
};
static const DomainElement char_target = PART_OF(DomainChar, target, "target", char_target_fields);

static const DomainField char_fields[] = {
        ATTR_ENUM(DomainChar, type, "type", char_types, .is_required = true),
        ATTR_STRING(DomainChar, tty, "tty", .when = is_console),
        STREAM,
        PART("target", char_target),
        DEVICE_ALIAS,
        DEVICE_ACPI,
        DEVICE_ADDRESS,
        END,
};

static const DomainField redirdev_fields[] = {
        ATTR_ENUM(DomainChar, bus, "bus", redir_buses, .is_required = true),
        ATTR_ENUM(DomainChar, type, "type", char_types, .is_required = true),
        STREAM,
        DEVICE_BOOT,
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static const DomainField redir_rule_fields[] = {
        ATTR_HEX(DomainRedirRule, class, "class", 2, .max = UINT8_MAX),
        ATTR_HEX(DomainRedirRule, vendor, "vendor", 4, .max = UINT16_MAX),
        ATTR_HEX(DomainRedirRule, product, "product", 4, .max = UINT16_MAX),
        ATTR_STRING(DomainRedirRule, version, "version"),
        ATTR_YES(DomainRedirRule, allow, "allow", .is_required = true),
        END,
};
static const DomainElement redir_rule = ELEMENT(DomainRedirRule, "usbdev", redir_rule_fields);

static const DomainField redirfilter_fields[] = {
        LIST(DomainRedirFilter, rules, "usbdev", redir_rule),
        END,
};
const DomainElement domain_redirfilter_element =
        ELEMENT(DomainRedirFilter, "redirfilter", redirfilter_fields);

/* ---- defaults ---- */

void domain_char_copy_stream(DomainChar *to, const DomainChar *from) {
        DomainChar *copy = (DomainChar *)domain_device_copy(&from->base);
        DomainChar old = *to;

        to->type = copy->type;
        to->source = copy->source;
        to->ends = copy->ends;
        to->protocol = copy->protocol;
        to->log = copy->log;
        copy->source = old.source; /* and is freed with the copy */
        copy->ends = old.ends;
        copy->protocol = old.protocol;
        copy->log = old.log;
        domain_device_free(&copy->base);
}

static void fill_stream(DomainChar *chardev) {
        if (is_tcp(chardev)) {
                chardev->source.node.is_present = true;
                FILL_ENUM(chardev->source.mode, CHAR_MODE_CONNECT);
                chardev->protocol.node.is_present = true;
                FILL_ENUM(chardev->protocol.type, CHAR_PROTOCOL_RAW);
        }
        if (chardev->type == CHAR_TYPE_UNIX && chardev->source.path)
                FILL_ENUM(chardev->source.mode, CHAR_MODE_CONNECT);
        for (guint i = 0; chardev->ends && i < chardev->ends->len; i++)
                FILL_ENUM(((DomainCharEnd *)chardev->ends->pdata[i])->mode, CHAR_MODE_CONNECT);
}

/* The lowest port that no other device of the kind has. */
static unsigned next_port(const DomainDef *def, DomainDeviceKind kind) {
        unsigned port = 0;
        bool is_taken;

        do {
                is_taken = false;
                DOMAIN_FOREACH(DomainChar, other, def, kind)
                        is_taken |= other->target.port.is_set && other->target.port.value == port;
                port += is_taken;
        } while (is_taken);
        return port;
}

static void fill_port(const DomainDef *def, DomainChar *chardev) {
        chardev->target.node.is_present = true;
        if (!chardev->target.port.is_set)
                fill_num(&chardev->target.port, next_port(def, chardev->base.kind));
}

/* The one model of each way in which a serial port is connected. */
static const char *serial_model(CharTarget type) {
        static const char *const models[] = {
                [CHAR_TARGET_ISA_SERIAL] = "isa-serial",
                [CHAR_TARGET_USB_SERIAL] = "usb-serial",
                [CHAR_TARGET_PCI_SERIAL] = "pci-serial",
                [CHAR_TARGET_ISA_DEBUG] = "isa-debugcon",
        };

        return type < G_N_ELEMENTS(models) ? models[type] : NULL;
}

static int fill_serial(DomainDef *def, DomainDevice *device, Err *err) {
        DomainChar *serial = (DomainChar *)device;

        fill_stream(serial);
        fill_port(def, serial);
        FILL_ENUM(serial->target.type, CHAR_TARGET_ISA_SERIAL);
        serial->target.model.node.is_present = true;
        fill_text(&serial->target.model.text, serial_model(serial->target.type));
        return 0;
}

static int fill_parallel(DomainDef *def, DomainDevice *device, Err *err) {
        fill_stream((DomainChar *)device);
        fill_port(def, (DomainChar *)device);
        return 0;
}

static int fill_console(DomainDef *def, DomainDevice *device, Err *err) {
        DomainChar *console = (DomainChar *)device;
        const GPtrArray *serials = def->devices.list[DOMAIN_SERIAL];
        guint index = def->devices.list[DOMAIN_CONSOLE]->len;

        fill_stream(console);
        g_ptr_array_find(def->devices.list[DOMAIN_CONSOLE], device, &index);
        console->target.node.is_present = true;
        FILL_ENUM(console->target.type, CHAR_TARGET_SERIAL);
        /* Consoles are numbered through, whatever they say; a serial port keeps its number. */
        if (console->target.type == CHAR_TARGET_SERIAL && index == 0 && serials->len > 0)
                console->target.port = ((const DomainChar *)serials->pdata[0])->target.port;
        else
                console->target.port = DOMAIN_NUM(index);
        return 0;
}

static int fill_channel(DomainDef *def, DomainDevice *device, Err *err) {
        DomainChar *channel = (DomainChar *)device;

        fill_stream(channel);
        channel->target.node.is_present = true;
        FILL_ENUM(channel->target.type, CHAR_TARGET_VIRTIO);
        /* Without a path the socket is made at the start, and there is nothing to say before. */
        if (channel->type == CHAR_TYPE_UNIX && !channel->source.path) {
                channel->source.node.is_present = false;
                channel->source.mode = CHAR_MODE_UNSET;
        }
        return 0;
}

static int fill_redirdev(DomainDef *def, DomainDevice *device, Err *err) {
        fill_stream((DomainChar *)device);
        return 0;
}

/* ---- checks: the stream ---- */

static int fail_missing(const DomainDevice *device, const char *what, Err *err) {
        return fail(err, VIR_ERR_XML_ERROR, "<%s> at line %u has no <source %s=…>",
                    domain_device_kind_to_string(device->kind), device->node.line, what);
}

static bool needs_path(const DomainChar *chardev) {
        if (chardev->type == CHAR_TYPE_UNIX && is_channel(chardev))
                return false;
        return has_path(chardev) && chardev->type != CHAR_TYPE_PTY;
}

/* A host's name or address of either family, and a port's number or name. */
static int check_end(const DomainDevice *device, const char *host, const char *service, Err *err) {
        for (const char *s = host; s && *s; s++) {
                if (!g_ascii_isalnum(*s) && !strchr(".:-_%", *s))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<source host='%s'> of <%s> at line %u is no host", host,
                                    domain_device_kind_to_string(device->kind), device->node.line);
        }
        return domain_check_word(service, "source", device->node.line, err);
}

static int check_tcp(const DomainChar *chardev, Err *err) {
        if (!chardev->source.host)
                return fail_missing(&chardev->base, "host", err);
        if (!chardev->source.service)
                return fail_missing(&chardev->base, "service", err);
        return check_end(&chardev->base, chardev->source.host, chardev->source.service, err);
}

/* At most one end each way, and one to send to. */
static int check_udp(const DomainChar *chardev, Err *err) {
        guint count = chardev->ends ? chardev->ends->len : 0;
        unsigned modes = 0;

        for (guint i = 0; i < count; i++) {
                const DomainCharEnd *end = chardev->ends->pdata[i];
                int r = check_end(&chardev->base, end->host, end->service, err);

                if (r < 0)
                        return r;
                if (modes >> end->mode & 1)
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<source mode='%s'> at line %u is there twice",
                                    char_modes[end->mode - 1], end->node.line);
                modes |= 1u << end->mode;
                if (end->mode == CHAR_MODE_CONNECT && !end->service)
                        return fail_missing(&chardev->base, "service", err);
        }
        return modes >> CHAR_MODE_CONNECT & 1
                       ? 0
                       : fail_missing(&chardev->base, "mode='connect' service", err);
}

static int check_reconnect(const DomainChar *chardev, Err *err) {
        const DomainNode *node = &chardev->source.reconnect.node;

        if (chardev->source.reconnect.enabled != DOMAIN_SWITCH_ON)
                return 0;
        if (chardev->source.mode != CHAR_MODE_CONNECT)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<reconnect> at line %u: only mode='connect' can connect again",
                            node->line);
        if (domain_num_or(chardev->source.reconnect.timeout, 0) == 0)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<reconnect enabled='yes'> at line %u has no timeout of 1 second or "
                            "more",
                            node->line);
        return 0;
}

/* Streams that go through the display's protocol. */
static int check_display(const DomainDef *def, const DomainChar *chardev, Err *err) {
        if (!has_type(chardev, TYPE(SPICEVMC) | TYPE(SPICEPORT)))
                return 0;
        DOMAIN_FOREACH(DomainGraphics, graphics, def, DOMAIN_GRAPHICS)
                if (graphics->type == GRAPHICS_SPICE)
                        return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "<%s type='%s'> at line %u needs a SPICE display",
                              domain_device_kind_to_string(chardev->base.kind),
                              char_types[chardev->type - 1], chardev->base.node.line),
                         "add <graphics type='spice'/>");
}

static bool is_on_virtio(const DomainChar *chardev) {
        return chardev->base.kind == DOMAIN_CHANNEL || chardev->base.kind == DOMAIN_REDIRDEV ||
               chardev->target.type == CHAR_TARGET_VIRTIO;
}

static int check_stream(const DomainDef *def, const DomainChar *chardev, Err *err) {
        int r;

        if (needs_path(chardev) && !chardev->source.path)
                return fail_missing(&chardev->base, "path", err);
        if (has_channel(chardev) && !chardev->source.channel)
                return fail_missing(&chardev->base, "channel", err);
        if (chardev->type == CHAR_TYPE_SPICEVMC && !is_on_virtio(chardev))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<%s type='spicevmc'> at line %u: spicevmc goes over virtio only",
                            domain_device_kind_to_string(chardev->base.kind),
                            chardev->base.node.line);
        r = check_display(def, chardev, err);
        if (r == 0 && is_tcp(chardev))
                r = check_tcp(chardev, err);
        else if (r == 0 && is_udp(chardev))
                r = check_udp(chardev, err);
        if (r == 0)
                r = check_reconnect(chardev, err);
        if (r == 0)
                r = domain_check_word(chardev->source.channel, "source", chardev->source.node.line,
                                      err);
        if (r == 0)
                r = domain_check_path(chardev->source.path, "source", chardev->source.node.line,
                                      err);
        return r < 0 ? r : domain_check_path(chardev->log.file, "log", chardev->log.node.line, err);
}

/* ---- checks: the device ---- */

static int check_char_target(const DomainChar *chardev, Err *err) {
        static const struct {
                DomainDeviceKind kind;
                unsigned allowed;
        } kinds[] = {
                {DOMAIN_SERIAL, 1u << CHAR_TARGET_ISA_SERIAL | 1u << CHAR_TARGET_USB_SERIAL |
                                        1u << CHAR_TARGET_PCI_SERIAL | 1u << CHAR_TARGET_ISA_DEBUG},
                {DOMAIN_PARALLEL, 1u << CHAR_TARGET_UNSET},
                {DOMAIN_CONSOLE, 1u << CHAR_TARGET_SERIAL | 1u << CHAR_TARGET_VIRTIO},
                {DOMAIN_CHANNEL, 1u << CHAR_TARGET_VIRTIO | 1u << CHAR_TARGET_GUESTFWD},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                if (kinds[i].kind == chardev->base.kind &&
                    kinds[i].allowed >> chardev->target.type & 1)
                        return 0;
        }
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "<%s> at line %u has a target of another kind",
                    domain_device_kind_to_string(chardev->base.kind), chardev->base.node.line);
}

static int check_char(const DomainDef *def, const DomainChar *chardev, Err *err) {
        int r = check_char_target(chardev, err);

        return r < 0 ? r : check_stream(def, chardev, err);
}

static int check_port(const DomainChar *chardev, unsigned max, const char *what, Err *err) {
        if (chardev->target.port.value < max)
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "<%s> at line %u: a PC has %u %s ports, there is no port %u",
                    domain_device_kind_to_string(chardev->base.kind), chardev->base.node.line, max,
                    what, (unsigned)chardev->target.port.value);
}

static int check_serial(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainChar *serial = (const DomainChar *)device;
        const char *model = serial_model(serial->target.type);
        int r = check_char(def, serial, err);

        if (r < 0)
                return r;
        if (!g_str_equal(serial->target.model.text, model))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<model name='%s'> at line %u: the model of this target is '%s'",
                            serial->target.model.text, serial->target.model.node.line, model);
        return serial->target.type == CHAR_TARGET_ISA_SERIAL
                       ? check_port(serial, ISA_SERIALS_MAX, "serial", err)
                       : 0;
}

static int check_parallel(const DomainDef *def, const DomainDevice *device, Err *err) {
        int r = check_char(def, (const DomainChar *)device, err);

        return r < 0 ? r
                     : check_port((const DomainChar *)device, ISA_PARALLELS_MAX, "parallel", err);
}

static int check_console(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainChar *console = (const DomainChar *)device;
        const GPtrArray *consoles = def->devices.list[DOMAIN_CONSOLE];
        int r = check_char(def, console, err);

        if (r < 0)
                return r;
        if (console->target.type == CHAR_TARGET_SERIAL && consoles->len > 0 &&
            consoles->pdata[0] != device)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<console> at line %u: only the first one can be the serial "
                                      "port",
                                      device->node.line),
                                 "give it <target type='virtio'/>");
        return 0;
}

static bool has_slirp(const DomainDef *def) {
        DOMAIN_FOREACH(DomainInterface, net, def, DOMAIN_INTERFACE) {
                if (net->type == NET_TYPE_USER && net->backend.type != NET_BACKEND_PASST)
                        return true;
        }
        return false;
}

static int check_guestfwd(const DomainDef *def, const DomainChar *channel, Err *err) {
        unsigned line = channel->target.node.line;

        if (!channel->target.address || !channel->target.port.is_set)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<target type='guestfwd'> at line %u needs an address and a port",
                            line);
        if (!g_hostname_is_ip_address(channel->target.address) ||
            strchr(channel->target.address, ':'))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<target address='%s'> at line %u is no IPv4 address",
                            channel->target.address, line);
        if (!has_slirp(def))
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<target type='guestfwd'> at line %u needs a user network",
                                      line),
                                 "add <interface type='user'/>");
        return 0;
}

static int check_channel(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainChar *channel = (const DomainChar *)device;
        int r = check_char(def, channel, err);

        if (r < 0)
                return r;
        if (is_guestfwd(channel))
                return check_guestfwd(def, channel, err);
        if (channel->type == CHAR_TYPE_UNIX && !channel->source.path && !channel->target.name)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<channel> at line %u has neither a <source path=…> nor a <target "
                            "name=…> after which its socket could be called",
                            device->node.line);
        return domain_check_word(channel->target.name, "target", channel->target.node.line, err);
}

int domain_redir_version(const char *text, unsigned *ret) {
        g_auto(GStrv) parts = g_strsplit(text, ".", 2);
        uint64_t major, minor;

        if (g_strv_length(parts) != 2 || str_to_uint(parts[0], 10, 99, &major) < 0 ||
            str_to_uint(parts[1], 10, 99, &minor) < 0)
                return -EINVAL;
        *ret = (unsigned)(major / 10 << 12 | major % 10 << 8 | minor / 10 << 4 | minor % 10);
        return 0;
}

static int check_redirfilter(const DomainDef *def, Err *err) {
        const GPtrArray *rules = def->devices.redirfilter.rules;
        unsigned version;

        for (guint i = 0; rules && i < rules->len; i++) {
                const DomainRedirRule *rule = rules->pdata[i];

                if (rule->version && domain_redir_version(rule->version, &version) < 0)
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<usbdev version='%s'> at line %u is no version as '2.00'",
                                    rule->version, rule->node.line);
        }
        return 0;
}

static int check_redirdev(const DomainDef *def, const DomainDevice *device, Err *err) {
        int r = check_stream(def, (const DomainChar *)device, err);

        if (r < 0)
                return r;
        if (!domain_def_has_usb(def))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<redirdev> at line %u needs a USB controller", device->node.line);
        return check_redirfilter(def, err);
}

/* ---- the kinds ---- */

/* A channel's socket is made below the guest's own directory (guests/NAME), by the channel's name;
 * libvirt's are below a directory "channel". */
static bool is_made_socket(const DomainChar *chardev) {
        const char *path = chardev->source.path;
        g_auto(GStrv) parts = path ? g_strsplit(path, "/", -1) : NULL;
        guint n = parts ? g_strv_length(parts) : 0;

        if (chardev->type != CHAR_TYPE_UNIX || !chardev->target.name || n < 4 ||
            !g_str_equal(parts[n - 1], chardev->target.name))
                return false;
        return g_str_equal(parts[n - 3], "guests") || strstr(path, "/qemu/channel/") != NULL;
}

static void strip_char(DomainDevice *device) {
        DomainChar *chardev = (DomainChar *)device;

        g_clear_pointer(&chardev->tty, g_free);
        chardev->target.state = CHAR_STATE_UNSET;
        if (chardev->type != CHAR_TYPE_PTY && !is_made_socket(chardev))
                return;
        g_clear_pointer(&chardev->source.path, g_free);
        chardev->source.mode = CHAR_MODE_UNSET;
        chardev->source.node.is_present = false;
}

static char *port_key(const DomainDevice *device) {
        return g_strdup_printf("%s port %u", domain_device_kind_to_string(device->kind),
                               (unsigned)((const DomainChar *)device)->target.port.value);
}

static char *channel_key(const DomainDevice *device) {
        const DomainChar *channel = (const DomainChar *)device;

        if (is_guestfwd(channel))
                return g_strdup_printf("guestfwd %s:%u", channel->target.address,
                                       (unsigned)channel->target.port.value);
        return channel->target.name ? g_strdup_printf("channel '%s'", channel->target.name) : NULL;
}

static bool is_unsaid_or_same(const char *wanted, const char *text) {
        return !wanted || g_strcmp0(wanted, text) == 0;
}

static bool is_same_char(const DomainDevice *device, const DomainDevice *wanted) {
        const DomainChar *a = (const DomainChar *)device, *b = (const DomainChar *)wanted;

        return a->type == b->type && a->target.type == b->target.type &&
               is_unsaid_or_same(b->target.name, a->target.name) &&
               is_unsaid_or_same(b->source.path, a->source.path) &&
               is_unsaid_or_same(b->source.host, a->source.host) &&
               is_unsaid_or_same(b->source.service, a->source.service) &&
               is_unsaid_or_same(b->source.channel, a->source.channel) &&
               is_unsaid_or_same(b->base.address.usb_port, a->base.address.usb_port);
}

static bool is_pci_char(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainChar *)device)->target.type == CHAR_TARGET_PCI_SERIAL;
}

/* The first console is the first serial port, under its name. */
static char *console_name(const DomainDef *def, const DomainDevice *device) {
        const DomainChar *console = (const DomainChar *)device;
        const GPtrArray *serials = def->devices.list[DOMAIN_SERIAL];

        if (console->target.type == CHAR_TARGET_SERIAL && serials->len > 0)
                return g_strdup(((const DomainDevice *)serials->pdata[0])->alias.name);
        return domain_def_next_alias(def, device, "console");
}

static bool is_usb_serial(const DomainDevice *device) {
        return ((const DomainChar *)device)->target.type == CHAR_TARGET_USB_SERIAL;
}

const DomainKind domain_serial_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_SERIAL, DomainChar, "serial", char_fields),
        .alias = "serial",
        .fill = fill_serial,
        .check = check_serial,
        .strip = strip_char,
        .key = port_key,
        .is_same = is_same_char,
        .is_pci = is_pci_char,
        .is_usb = is_usb_serial,
};

const DomainKind domain_parallel_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_PARALLEL, DomainChar, "parallel", char_fields),
        .alias = "parallel",
        .fill = fill_parallel,
        .check = check_parallel,
        .strip = strip_char,
        .key = port_key,
        .is_same = is_same_char,
};

const DomainKind domain_console_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_CONSOLE, DomainChar, "console", char_fields),
        .name = console_name,
        .fill = fill_console,
        .check = check_console,
        .strip = strip_char,
        .is_same = is_same_char,
};

const DomainKind domain_channel_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_CHANNEL, DomainChar, "channel", char_fields),
        .alias = "channel",
        .fill = fill_channel,
        .check = check_channel,
        .strip = strip_char,
        .key = channel_key,
        .is_same = is_same_char,
};

static bool is_usb_redirdev(const DomainDevice *device) {
        return true;
}

const DomainKind domain_redirdev_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_REDIRDEV, DomainChar, "redirdev", redirdev_fields),
        .alias = "redir",
        .fill = fill_redirdev,
        .check = check_redirdev,
        .strip = strip_char,
        .is_same = is_same_char,
        .is_usb = is_usb_redirdev,
};
