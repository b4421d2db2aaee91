/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

#include <string.h>

/* ---- XML ---- */

static const char *const char_types[] = {"pty", "file", "unix", "null", NULL};
static const char *const char_modes[] = {"bind", "connect", NULL};
static const char *const char_targets[] = {"isa-serial", "serial", "virtio", NULL};
static const char *const char_states[] = {"connected", "disconnected", NULL};

static bool is_unix(const void *object) {
        return ((const DomainChar *)object)->type == CHAR_TYPE_UNIX;
}

static bool is_file(const void *object) {
        return ((const DomainChar *)object)->type == CHAR_TYPE_FILE;
}

static bool is_channel(const void *object) {
        return ((const DomainChar *)object)->base.kind == DOMAIN_CHANNEL;
}

static bool is_not_channel(const void *object) {
        return !is_channel(object);
}

static bool is_console(const void *object) {
        return ((const DomainChar *)object)->base.kind == DOMAIN_CONSOLE;
}

static bool is_serial(const void *object) {
        return ((const DomainChar *)object)->base.kind == DOMAIN_SERIAL;
}

static const DomainField char_source_fields[] = {
        ATTR_ENUM(DomainChar, source.mode, "mode", char_modes, .when = is_unix),
        ATTR_STRING(DomainChar, source.path, "path"),
        ATTR_ON(DomainChar, source.append, "append", .when = is_file),
        END,
};
static const DomainElement char_source = PART_OF(DomainChar, source, "source", char_source_fields);

static const DomainField char_target_fields[] = {
        ATTR_ENUM(DomainChar, target.type, "type", char_targets),
        ATTR_NUM(DomainChar, target.port, "port", .when = is_not_channel, .max = 3),
        ATTR_STRING(DomainChar, target.name, "name", .when = is_channel),
        ATTR_ENUM(DomainChar, target.state, "state", char_states, .when = is_channel),
        CHILD(DomainChar, target.model, "model", domain_text_model_element, .when = is_serial),
        END,
};
static const DomainElement char_target = PART_OF(DomainChar, target, "target", char_target_fields);

static const DomainField char_fields[] = {
        ATTR_ENUM(DomainChar, type, "type", char_types, .is_required = true),
        ATTR_STRING(DomainChar, tty, "tty", .when = is_console),
        PART("source", char_source),
        PART("target", char_target),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

/* ---- defaults ---- */

/* The lowest port that no other serial device has. */
static unsigned next_serial_port(const DomainDef *def) {
        unsigned port = 0;
        bool is_taken;

        do {
                is_taken = false;
                DOMAIN_FOREACH(DomainChar, serial, def, DOMAIN_SERIAL)
                        is_taken |= serial->target.port.is_set && serial->target.port.value == port;
                port += is_taken;
        } while (is_taken);
        return port;
}

static int fill_serial(DomainDef *def, DomainDevice *device, Err *err) {
        DomainChar *serial = (DomainChar *)device;

        serial->target.node.is_present = true;
        FILL_ENUM(serial->target.type, CHAR_TARGET_ISA_SERIAL);
        if (!serial->target.port.is_set)
                fill_num(&serial->target.port, next_serial_port(def));
        serial->target.model.node.is_present = true;
        fill_text(&serial->target.model.text, "isa-serial");
        return 0;
}

static int fill_console(DomainDef *def, DomainDevice *device, Err *err) {
        DomainChar *console = (DomainChar *)device;
        guint index = def->devices.list[DOMAIN_CONSOLE]->len;

        g_ptr_array_find(def->devices.list[DOMAIN_CONSOLE], device, &index);
        console->target.node.is_present = true;
        FILL_ENUM(console->target.type, CHAR_TARGET_SERIAL);
        /* Consoles are numbered through, whatever they say. */
        console->target.port = DOMAIN_NUM(index);
        return 0;
}

static int fill_channel(DomainDef *def, DomainDevice *device, Err *err) {
        DomainChar *channel = (DomainChar *)device;

        channel->target.node.is_present = true;
        FILL_ENUM(channel->target.type, CHAR_TARGET_VIRTIO);
        if (channel->type == CHAR_TYPE_UNIX) {
                channel->source.node.is_present = true;
                FILL_ENUM(channel->source.mode, CHAR_MODE_BIND);
        }
        return 0;
}

/* ---- checks ---- */

static int check_char_target(const DomainChar *chardev, Err *err) {
        static const struct {
                DomainDeviceKind kind;
                CharTarget allowed[2];
        } kinds[] = {
                {DOMAIN_SERIAL, {CHAR_TARGET_ISA_SERIAL}},
                {DOMAIN_CONSOLE, {CHAR_TARGET_SERIAL, CHAR_TARGET_VIRTIO}},
                {DOMAIN_CHANNEL, {CHAR_TARGET_VIRTIO}},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                if (kinds[i].kind == chardev->base.kind &&
                    (chardev->target.type == kinds[i].allowed[0] ||
                     chardev->target.type == kinds[i].allowed[1]))
                        return 0;
        }
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "<%s> at line %u has a target of another kind",
                    domain_device_kind_to_string(chardev->base.kind), chardev->base.node.line);
}

static int check_char(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainChar *chardev = (const DomainChar *)device;
        const char *name = domain_device_kind_to_string(device->kind);
        bool needs_path = chardev->type == CHAR_TYPE_FILE ||
                          (chardev->type == CHAR_TYPE_UNIX && device->kind != DOMAIN_CHANNEL);
        const GPtrArray *consoles = def->devices.list[DOMAIN_CONSOLE];
        int r;

        r = check_char_target(chardev, err);
        if (r < 0)
                return r;
        if (needs_path && !chardev->source.path)
                return fail(err, VIR_ERR_XML_ERROR, "<%s> at line %u has no <source path=…>", name,
                            device->node.line);
        if (device->kind == DOMAIN_CHANNEL && !chardev->target.name)
                return fail(err, VIR_ERR_XML_ERROR, "<channel> at line %u has no <target name=…>",
                            device->node.line);
        if (device->kind == DOMAIN_CONSOLE && chardev->target.type == CHAR_TARGET_SERIAL &&
            consoles->len > 0 && consoles->pdata[0] != device)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<console> at line %u: only the first one can be the serial "
                                      "port",
                                      device->node.line),
                                 "give it <target type='virtio'/>");
        return domain_check_path(chardev->source.path, "source", chardev->source.node.line, err);
}

/* ---- the kinds ---- */

static void strip_char(DomainDevice *device) {
        DomainChar *chardev = (DomainChar *)device;
        g_autofree char *base = NULL;

        g_clear_pointer(&chardev->tty, g_free);
        chardev->target.state = CHAR_STATE_UNSET;
        if (chardev->source.path)
                base = g_path_get_basename(chardev->source.path);
        /* A channel's socket is made below the guest's own directory, by the channel's name. */
        if (chardev->type == CHAR_TYPE_PTY ||
            (chardev->target.name && g_strcmp0(base, chardev->target.name) == 0))
                g_clear_pointer(&chardev->source.path, g_free);
        if (chardev->type == CHAR_TYPE_PTY)
                chardev->source.node.is_present = false;
}

static char *serial_key(const DomainDevice *device) {
        return g_strdup_printf("serial port %u",
                               (unsigned)((const DomainChar *)device)->target.port.value);
}

static char *channel_key(const DomainDevice *device) {
        return g_strdup_printf("channel '%s'", ((const DomainChar *)device)->target.name);
}

static bool is_same_char(const DomainDevice *device, const DomainDevice *wanted) {
        const DomainChar *a = (const DomainChar *)device, *b = (const DomainChar *)wanted;

        return a->type == b->type && a->target.type == b->target.type &&
               (!b->target.name || g_strcmp0(a->target.name, b->target.name) == 0) &&
               (!b->source.path || g_strcmp0(a->source.path, b->source.path) == 0);
}

/* The first console is the first serial port, under its name. */
static char *console_name(const DomainDef *def, const DomainDevice *device) {
        const DomainChar *console = (const DomainChar *)device;
        const GPtrArray *serials = def->devices.list[DOMAIN_SERIAL];

        if (console->target.type == CHAR_TARGET_SERIAL && serials->len > 0)
                return g_strdup(((const DomainDevice *)serials->pdata[0])->alias.name);
        return domain_def_next_alias(def, device, "console");
}

const DomainKind domain_serial_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_SERIAL, DomainChar, "serial", char_fields),
        .alias = "serial",
        .fill = fill_serial,
        .check = check_char,
        .strip = strip_char,
        .key = serial_key,
        .is_same = is_same_char,
};

const DomainKind domain_console_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_CONSOLE, DomainChar, "console", char_fields),
        .name = console_name,
        .fill = fill_console,
        .check = check_char,
        .strip = strip_char,
        .is_same = is_same_char,
};

const DomainKind domain_channel_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_CHANNEL, DomainChar, "channel", char_fields),
        .alias = "channel",
        .fill = fill_channel,
        .check = check_char,
        .strip = strip_char,
        .key = channel_key,
        .is_same = is_same_char,
};
