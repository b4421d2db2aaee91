/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "qemu/args-part.h"

/* VNC counts its displays from here. */
#define VNC_PORT 5900

/* A QEMU with SPICE has its display, too. */
#define SPICE_TYPE "qxl"

#define ANY_ADDRESS "127.0.0.1"

static void append_escaped(GString *out, const char *key, const char *value) {
        g_autofree char *text = value ? qemu_args_escape(value) : NULL;

        if (text)
                g_string_append_printf(out, ",%s=%s", key, text);
}

static void append_switch(GString *out, const char *key, DomainSwitch value) {
        if (value)
                g_string_append_printf(out, ",%s=%s", key,
                                       value == DOMAIN_SWITCH_ON ? "on" : "off");
}

static void append_choice(GString *out, const char *key, const char *const *names, int value) {
        if (value)
                g_string_append_printf(out, ",%s=%s", key, names[value - 1]);
}

static int fail_no_port(const DomainGraphics *graphics, Err *err) {
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "the %s graphics have no port, and autoport='no'",
                              domain_graphics_type_to_string(graphics->type)),
                         "give them a port, or autoport='yes'");
}

static int check_listen(const DomainGraphics *graphics, const DomainListen *listen, Err *err) {
        if (graphics->listens->len > 1)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "QEMU listens on one address: the %s graphics have %u",
                            domain_graphics_type_to_string(graphics->type), graphics->listens->len);
        if (listen->type == LISTEN_NETWORK && !listen->address)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "the graphics have no address yet");
        if (listen->type == LISTEN_SOCKET && !listen->socket && !graphics->socket)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "the graphics have no socket yet");
        return 0;
}

/* ---- vnc ---- */

static int append_vnc_address(const DomainGraphics *graphics, GString *out, Err *err) {
        const DomainListen *listen = domain_graphics_listen(graphics);
        const char *socket = listen->socket ? listen->socket : graphics->socket;
        g_autofree char *address =
                qemu_args_escape(listen->address ? listen->address : ANY_ADDRESS);
        g_autofree char *path = socket ? qemu_args_escape(socket) : NULL;
        int r = check_listen(graphics, listen, err);

        if (r < 0)
                return r;
        if (listen->type == LISTEN_NONE) {
                g_string_append(out, "none");
        } else if (listen->type == LISTEN_SOCKET) {
                g_string_append_printf(out, "unix:%s", path);
        } else if (!graphics->port.is_set) {
                return fail_no_port(graphics, err);
        } else {
                g_string_append_printf(out, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address,
                                       (unsigned)graphics->port.value - VNC_PORT);
        }
        return 0;
}

static const DomainAudio *graphics_audio(const DomainDef *def, const DomainGraphics *graphics) {
        const GPtrArray *audios = def->devices.list[DOMAIN_AUDIO];

        if (graphics->audio.node.is_present)
                return domain_def_find_audio(def, (unsigned)graphics->audio.id.value);
        return audios->len > 0 ? audios->pdata[0] : NULL;
}

static int add_vnc(const QemuContext *context, const DomainGraphics *graphics, GPtrArray *args,
                   Err *err) {
        const DomainAudio *audio = graphics_audio(context->def, graphics);
        g_autoptr(GString) out = g_string_new(NULL);
        int r = append_vnc_address(graphics, out, err);

        if (r < 0)
                return r;
        if (graphics->websocket.is_set && graphics->websocket.value == DOMAIN_PORT_AUTO)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "the graphics have no websocket yet");
        if (graphics->websocket.is_set)
                g_string_append_printf(out, ",websocket=%u", (unsigned)graphics->websocket.value);
        append_choice(out, "share", domain_graphics_shares, (int)graphics->share_policy);
        if (graphics->passwd)
                g_string_append(out, ",password=on");
        append_switch(out, "power-control", graphics->power_control);
        if (audio)
                g_string_append_printf(out, ",audiodev=audio%u", (unsigned)audio->id.value);
        qemu_args_add(args, "-vnc", out->str);
        return 0;
}

/* ---- spice ---- */

static int append_spice_address(const DomainGraphics *graphics, GString *out, Err *err) {
        const DomainListen *listen = domain_graphics_listen(graphics);
        int r = check_listen(graphics, listen, err);

        if (r < 0)
                return r;
        if (listen->type == LISTEN_NONE) {
                g_string_append(out, "port=0");
        } else if (listen->type == LISTEN_SOCKET) {
                g_string_append(out, "unix=on");
                append_escaped(out, "addr", listen->socket);
        } else if (!graphics->port.is_set) {
                return fail_no_port(graphics, err);
        } else {
                g_string_append_printf(out, "port=%u", (unsigned)graphics->port.value);
                append_escaped(out, "addr", listen->address ? listen->address : ANY_ADDRESS);
        }
        return 0;
}

static void append_spice_channels(const DomainGraphics *graphics, GString *out) {
        if (graphics->default_mode == SPICE_MODE_INSECURE)
                g_string_append(out, ",plaintext-channel=default");
        for (guint i = 0; graphics->channels && i < graphics->channels->len; i++) {
                const DomainSpiceChannel *channel = graphics->channels->pdata[i];

                append_choice(out, "plaintext-channel", domain_spice_channels, (int)channel->name);
        }
}

static void append_spice_quality(const DomainGraphics *graphics, GString *out) {
        append_choice(out, "image-compression", domain_spice_images, graphics->image.value);
        append_choice(out, "jpeg-wan-compression", domain_spice_wans, graphics->jpeg.value);
        append_choice(out, "zlib-glz-wan-compression", domain_spice_wans, graphics->zlib.value);
        append_switch(out, "playback-compression", graphics->playback.value);
        append_choice(out, "streaming-video", domain_spice_streamings, graphics->streaming.value);
}

static void append_gl(const DomainGraphics *graphics, GString *out) {
        if (graphics->gl.enable != DOMAIN_SWITCH_ON)
                return;
        g_string_append(out, ",gl=on");
        append_escaped(out, "rendernode", graphics->gl.rendernode);
}

static int add_spice(const QemuContext *context, const DomainGraphics *graphics, GPtrArray *args,
                     Err *err) {
        static const char *const agent_mouse[] = {"off", "on"}; /* server, client */
        g_autoptr(GString) out = g_string_new(NULL);
        int r = qemu_args_check_type(context->runtime, SPICE_TYPE, "<graphics type='spice'>", err);

        if (r == 0)
                r = append_spice_address(graphics, out, err);
        if (r < 0)
                return r;
        append_choice(out, "agent-mouse", agent_mouse, graphics->mouse.value);
        if (!graphics->passwd)
                g_string_append(out, ",disable-ticketing=on");
        append_spice_channels(graphics, out);
        append_spice_quality(graphics, out);
        if (graphics->clipboard.value == DOMAIN_SWITCH_OFF)
                g_string_append(out, ",disable-copy-paste=on");
        if (graphics->filetransfer.value == DOMAIN_SWITCH_OFF)
                g_string_append(out, ",disable-agent-file-xfer=on");
        append_gl(graphics, out);
        qemu_args_add(args, "-spice", out->str);
        return 0;
}

/* ---- displays without a server of their own ---- */

static int add_egl_headless(const QemuContext *context, const DomainGraphics *graphics,
                            GPtrArray *args, Err *err) {
        g_autoptr(GString) out = g_string_new("egl-headless");

        append_escaped(out, "rendernode", graphics->gl.rendernode);
        qemu_args_add(args, "-display", out->str);
        return 0;
}

static int add_dbus(const QemuContext *context, const DomainGraphics *graphics, GPtrArray *args,
                    Err *err) {
        g_autoptr(GString) out = g_string_new("dbus");

        if (graphics->p2p == DOMAIN_SWITCH_ON)
                g_string_append(out, ",p2p=on");
        else if (!graphics->dbus_address)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "the D-Bus graphics have no bus: Airlock runs none"),
                                 "give them the address of one, or p2p='yes'");
        append_escaped(out, "addr", graphics->dbus_address);
        append_gl(graphics, out);
        if (graphics->audio.node.is_present)
                g_string_append_printf(out, ",audiodev=audio%u",
                                       (unsigned)graphics->audio.id.value);
        qemu_args_add(args, "-display", out->str);
        return 0;
}

/* ---- all ---- */

static int graphics_options(const QemuContext *context, const DomainDevice *device, GPtrArray *args,
                            Err *err) {
        static int (*const adds[_GRAPHICS_MAX])(const QemuContext *, const DomainGraphics *,
                                                GPtrArray *, Err *) = {
                [GRAPHICS_VNC] = add_vnc,
                [GRAPHICS_SPICE] = add_spice,
                [GRAPHICS_EGL_HEADLESS] = add_egl_headless,
                [GRAPHICS_DBUS] = add_dbus,
        };
        const DomainGraphics *graphics = (const DomainGraphics *)device;
        int r = adds[graphics->type](context, graphics, args, err);

        if (r == 0 && graphics->keymap)
                qemu_args_add(args, "-k", graphics->keymap);
        return r;
}

static json_t *expire_password(const DomainGraphics *graphics) {
        g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
        g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(graphics->passwd_valid_to, utc);

        return json_pack("{s:s, s:o}", "protocol", domain_graphics_type_to_string(graphics->type),
                         "time", json_sprintf("%" G_GINT64_FORMAT, g_date_time_to_unix(time)));
}

static void graphics_ready(const DomainDevice *device, json_t *commands) {
        const DomainGraphics *graphics = (const DomainGraphics *)device;
        json_t *arguments;

        if (!graphics->passwd)
                return;
        arguments =
                json_pack("{s:s, s:s}", "protocol", domain_graphics_type_to_string(graphics->type),
                          "password", graphics->passwd);
        if (graphics->connected)
                SET_STRING(arguments, "connected",
                           domain_graphics_connecteds[graphics->connected - 1]);
        qemu_args_append_command(commands, "set_password", arguments);
        if (graphics->passwd_valid_to)
                qemu_args_append_command(commands, "expire_password", expire_password(graphics));
}

const QemuKind qemu_graphics_kind = {
        .options = graphics_options,
        .ready = graphics_ready,
};
