/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "domain/kind.h"

/* TCP ports that clients count their displays from. */
#define PORT_MIN 5900

static const char *const graphics_types[] = {"vnc", "spice", "egl-headless", "dbus", NULL};
static const char *const listen_types[] = {"address", "socket", "none", "network", NULL};
const char *const domain_graphics_shares[] = {"allow-exclusive", "force-shared", "ignore", NULL};
const char *const domain_graphics_connecteds[] = {"fail", "disconnect", "keep", NULL};
static const char *const spice_modes[] = {"any", "secure", "insecure", NULL};
const char *const domain_spice_channels[] = {
        "main", "display", "inputs", "cursor", "playback", "record", "smartcard", "usbredir", NULL};
static const char *const spice_mice[] = {"server", "client", NULL};

const char *const domain_spice_images[] = {"auto_glz", "auto_lz", "quic", "glz", "lz", "off", NULL};
const char *const domain_spice_wans[] = {"auto", "never", "always", NULL};
const char *const domain_spice_streamings[] = {"filter", "all", "off", NULL};

const char *domain_graphics_type_to_string(GraphicsType type) {
        return graphics_types[type - 1];
}

/* ---- which fields a type has ---- */

static GraphicsType type_of(const void *object) {
        return ((const DomainGraphics *)object)->type;
}

static bool is_vnc(const void *object) {
        return type_of(object) == GRAPHICS_VNC;
}

static bool is_spice(const void *object) {
        return type_of(object) == GRAPHICS_SPICE;
}

static bool is_dbus(const void *object) {
        return type_of(object) == GRAPHICS_DBUS;
}

/* A server that clients log in to. */
static bool is_server(const void *object) {
        return is_vnc(object) || is_spice(object);
}

static bool has_audio(const void *object) {
        return is_vnc(object) || is_dbus(object);
}

static bool has_gl(const void *object) {
        return !is_vnc(object);
}

static bool has_gl_switch(const void *object) {
        return type_of(object) != GRAPHICS_EGL_HEADLESS && !is_vnc(object);
}

const DomainListen *domain_graphics_listen(const DomainGraphics *graphics) {
        return graphics->listens ? graphics->listens->pdata[0] : NULL;
}

bool domain_listen_is_tcp(const DomainListen *listen) {
        return listen->type == LISTEN_ADDRESS || listen->type == LISTEN_NETWORK;
}

/* Known once the children are: while parsing, every server takes a port. */
static bool is_tcp(const void *object) {
        const DomainListen *listen = domain_graphics_listen(object);

        return is_server(object) && (!listen || domain_listen_is_tcp(listen));
}

/* VNC shows -1 for a port that is not chosen yet. */
static bool has_vnc_port(const void *object) {
        const DomainGraphics *graphics = object;

        return is_vnc(object) && is_tcp(object) &&
               (!graphics->listens || graphics->port.is_set ||
                graphics->autoport == DOMAIN_SWITCH_ON);
}

static bool has_spice_port(const void *object) {
        const DomainGraphics *graphics = object;

        return is_spice(object) && is_tcp(object) && (!graphics->listens || graphics->port.is_set);
}

/* ---- the tables ---- */

static bool has_address(const void *object) {
        return domain_listen_is_tcp(object);
}

static bool has_socket(const void *object) {
        return ((const DomainListen *)object)->type == LISTEN_SOCKET;
}

static bool has_network(const void *object) {
        return ((const DomainListen *)object)->type == LISTEN_NETWORK;
}

static const DomainField listen_fields[] = {
        ATTR_ENUM(DomainListen, type, "type", listen_types, .is_required = true),
        ATTR_STRING(DomainListen, address, "address", .when = has_address),
        ATTR_STRING(DomainListen, socket, "socket", .when = has_socket),
        ATTR_STRING(DomainListen, network, "network", .is_required = true, .when = has_network),
        END,
};
static const DomainElement graphics_listen = ELEMENT(DomainListen, "listen", listen_fields);

static const DomainField spice_channel_fields[] = {
        ATTR_ENUM(DomainSpiceChannel, name, "name", domain_spice_channels, .is_required = true),
        ATTR_ENUM(DomainSpiceChannel, mode, "mode", spice_modes, .is_required = true),
        END,
};
static const DomainElement spice_channel =
        ELEMENT(DomainSpiceChannel, "channel", spice_channel_fields);

#define CHOICE(xml, attr, names)                                                       \
        static const DomainField xml##_fields[] = {                                    \
                ATTR_ENUM(DomainSpiceChoice, value, attr, names, .is_required = true), \
                END,                                                                   \
        };                                                                             \
        static const DomainElement spice_##xml = ELEMENT(DomainSpiceChoice, #xml, xml##_fields)

CHOICE(image, "compression", domain_spice_images);
CHOICE(jpeg, "compression", domain_spice_wans);
CHOICE(zlib, "compression", domain_spice_wans);
CHOICE(streaming, "mode", domain_spice_streamings);
CHOICE(mouse, "mode", spice_mice);

#define SWITCH(xml, attr, names)                                                        \
        static const DomainField xml##_fields[] = {                                     \
                ATTR_ENUM(DomainGraphics, xml.value, attr, names, .is_required = true), \
                END,                                                                    \
        };                                                                              \
        static const DomainElement spice_##xml = PART_OF(DomainGraphics, xml, #xml, xml##_fields)

SWITCH(playback, "compression", domain_on_off);
SWITCH(clipboard, "copypaste", domain_yes_no);
SWITCH(filetransfer, "enable", domain_yes_no);

static const DomainField gl_fields[] = {
        ATTR_YES(DomainGraphics, gl.enable, "enable", .when = has_gl_switch),
        ATTR_STRING(DomainGraphics, gl.rendernode, "rendernode"),
        END,
};
static const DomainElement graphics_gl = PART_OF(DomainGraphics, gl, "gl", gl_fields);

#define SPICE(f, element) CHILD(DomainGraphics, f, #f, element, .when = is_spice)

static const DomainField graphics_fields[] = {
        ATTR_ENUM(DomainGraphics, type, "type", graphics_types, .is_required = true),
        ATTR_STRING(DomainGraphics, socket, "socket", .when = is_vnc),
        ATTR_(DomainGraphics, port, "port", FIELD_PORT, .max = UINT16_MAX, .when = has_vnc_port),
        ATTR_(DomainGraphics, port, "port", FIELD_PORT, .max = UINT16_MAX, .when = has_spice_port),
        ATTR_(DomainGraphics, tls_port, "tlsPort", FIELD_AUTO_PORT, .max = UINT16_MAX,
              .when = is_spice),
        ATTR_YES(DomainGraphics, autoport, "autoport", .when = is_tcp),
        ATTR_(DomainGraphics, websocket, "websocket", FIELD_AUTO_PORT, .max = UINT16_MAX,
              .when = is_vnc),
        ATTR_STRING(DomainGraphics, listen_address, "listen", .when = is_tcp),
        ATTR_STRING(DomainGraphics, keymap, "keymap", .when = is_server),
        ATTR_ENUM(DomainGraphics, share_policy, "sharePolicy", domain_graphics_shares,
                  .when = is_vnc),
        ATTR_YES(DomainGraphics, power_control, "powerControl", .when = is_vnc),
        ATTR_ENUM(DomainGraphics, default_mode, "defaultMode", spice_modes, .when = is_spice),
        ATTR_STRING(DomainGraphics, passwd, "passwd", .is_secure = true, .when = is_server),
        ATTR_STRING(DomainGraphics, passwd_valid_to, "passwdValidTo", .when = is_server),
        ATTR_ENUM(DomainGraphics, connected, "connected", domain_graphics_connecteds,
                  .when = is_server),
        ATTR_YES(DomainGraphics, p2p, "p2p", .when = is_dbus),
        ATTR_STRING(DomainGraphics, dbus_address, "address", .when = is_dbus),
        LIST(DomainGraphics, listens, "listen", graphics_listen, .when = is_server),
        LIST(DomainGraphics, channels, "channel", spice_channel, .when = is_spice),
        SPICE(image, spice_image),
        SPICE(jpeg, spice_jpeg),
        SPICE(zlib, spice_zlib),
        PART("playback", spice_playback, .when = is_spice),
        SPICE(streaming, spice_streaming),
        SPICE(mouse, spice_mouse),
        PART("clipboard", spice_clipboard, .when = is_spice),
        PART("filetransfer", spice_filetransfer, .when = is_spice),
        PART("gl", graphics_gl, .when = has_gl),
        CHILD(DomainGraphics, audio, "audio", domain_audio_ref_element, .when = has_audio),
        DEVICE_ALIAS,
        END,
};

/* ---- defaults ---- */

static void add_listen(DomainGraphics *graphics, ListenType type) {
        DomainListen *listen = g_new0(DomainListen, 1);

        listen->node.is_present = true;
        listen->type = type;
        graphics->listens = g_ptr_array_new();
        g_ptr_array_add(graphics->listens, listen);
}

/* Without a port, spice is reached over the daemon alone. */
static ListenType usual_listen(const DomainGraphics *graphics) {
        bool has_port = graphics->port.is_set || graphics->tls_port.is_set ||
                        graphics->autoport == DOMAIN_SWITCH_ON;

        if (graphics->socket)
                return LISTEN_SOCKET;
        return graphics->type == GRAPHICS_SPICE && !has_port ? LISTEN_NONE : LISTEN_ADDRESS;
}

/* The attributes listen and socket and the element <listen> say the same; each fills the other. */
static void fill_listen(DomainGraphics *graphics) {
        DomainListen *listen;

        if (!graphics->listens)
                add_listen(graphics, usual_listen(graphics));
        listen = graphics->listens->pdata[0];
        if (listen->type == LISTEN_ADDRESS && graphics->listen_address)
                fill_text(&listen->address, graphics->listen_address);
        if (listen->type == LISTEN_SOCKET && graphics->socket)
                fill_text(&listen->socket, graphics->socket);
        if (listen->type == LISTEN_ADDRESS && listen->address)
                fill_text(&graphics->listen_address, listen->address);
        if (listen->type == LISTEN_SOCKET && listen->socket && graphics->type == GRAPHICS_VNC)
                fill_text(&graphics->socket, listen->socket);
}

/* What says nothing more than that it says nothing. */
static void drop_any_channels(DomainGraphics *graphics) {
        for (guint i = 0; graphics->channels && i < graphics->channels->len;) {
                DomainSpiceChannel *channel = graphics->channels->pdata[i];

                if (channel->mode == SPICE_MODE_ANY)
                        domain_element_free(&spice_channel,
                                            g_ptr_array_remove_index(graphics->channels, i));
                else
                        i++;
        }
}

static void fill_port(DomainGraphics *graphics) {
        if (graphics->type == GRAPHICS_VNC && !graphics->port.is_set)
                FILL_ENUM(graphics->autoport, DOMAIN_SWITCH_ON);
        FILL_ENUM(graphics->autoport, DOMAIN_SWITCH_OFF);
        /* Clients of old ask for a port with TLS where there is one. */
        if (graphics->autoport == DOMAIN_SWITCH_ON)
                graphics->tls_port = (DomainNum){};
}

static int fill_graphics(DomainDef *def, DomainDevice *device, Err *err) {
        DomainGraphics *graphics = (DomainGraphics *)device;
        const DomainListen *listen;

        if (graphics->default_mode == SPICE_MODE_ANY)
                graphics->default_mode = SPICE_MODE_UNSET;
        drop_any_channels(graphics);
        if (!is_server(graphics))
                return 0;
        fill_listen(graphics);
        listen = domain_graphics_listen(graphics);
        if (listen && domain_listen_is_tcp(listen))
                fill_port(graphics);
        return 0;
}

/* ---- checks ---- */

static int check_ports(const DomainGraphics *graphics, Err *err) {
        unsigned line = graphics->base.node.line;

        if (graphics->type == GRAPHICS_VNC && graphics->port.is_set &&
            graphics->port.value < PORT_MIN)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<graphics> at line %u: VNC ports begin at %d", line, PORT_MIN);
        if (graphics->port.is_set && graphics->port.value == 0)
                return fail(err, VIR_ERR_XML_ERROR, "<graphics port='0'> at line %u is no port",
                            line);
        if (graphics->tls_port.is_set)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<graphics tlsPort=…> at line %u: TLS is not served yet", line);
        return 0;
}

static int check_spice(const DomainGraphics *graphics, Err *err) {
        bool is_secure = graphics->default_mode == SPICE_MODE_SECURE;

        for (guint i = 0; graphics->channels && i < graphics->channels->len; i++)
                is_secure |= ((const DomainSpiceChannel *)graphics->channels->pdata[i])->mode ==
                             SPICE_MODE_SECURE;
        if (is_secure)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<graphics> at line %u asks for secure channels: TLS is not served yet",
                            graphics->base.node.line);
        return 0;
}

static int check_password(const DomainGraphics *graphics, Err *err) {
        unsigned line = graphics->base.node.line;
        const char *until = graphics->passwd_valid_to;
        g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
        g_autoptr(GDateTime) time = until ? g_date_time_new_from_iso8601(until, utc) : NULL;

        /* The protocol's own limit (RFC 6143, 7.2.2). */
        if (graphics->type == GRAPHICS_VNC && graphics->passwd && strlen(graphics->passwd) > 8)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<graphics> at line %u: a VNC password has at most 8 characters", line);
        if (until && !time)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<graphics passwdValidTo='%s'> at line %u is no time", until, line);
        if (graphics->type == GRAPHICS_VNC && graphics->connected &&
            graphics->connected != GRAPHICS_CONNECTED_KEEP)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<graphics> at line %u: VNC has connected='keep' only", line);
        return 0;
}

static int check_listen(const DomainGraphics *graphics, const DomainListen *listen, Err *err) {
        if (listen->type == LISTEN_ADDRESS && graphics->listen_address &&
            listen == graphics->listens->pdata[0] &&
            g_strcmp0(listen->address, graphics->listen_address) != 0)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<graphics listen='%s'> at line %u disagrees with its first <listen "
                            "address='%s'>",
                            graphics->listen_address, graphics->base.node.line, listen->address);
        return domain_check_path(listen->socket, "listen", listen->node.line, err);
}

static int check_listens(const DomainGraphics *graphics, Err *err) {
        for (guint i = 0; graphics->listens && i < graphics->listens->len; i++) {
                int r = check_listen(graphics, graphics->listens->pdata[i], err);

                if (r < 0)
                        return r;
        }
        return domain_check_path(graphics->socket, "graphics", graphics->base.node.line, err);
}

static int check_graphics(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainGraphics *graphics = (const DomainGraphics *)device;
        static int (*const checks[])(const DomainGraphics *, Err *) = {
                check_ports,
                check_spice,
                check_password,
                check_listens,
        };
        int r;

        for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
                r = checks[i](graphics, err);
                if (r < 0)
                        return r;
        }
        r = domain_check_word(graphics->keymap, "graphics", device->node.line, err);
        if (r < 0)
                return r;
        r = domain_check_path(graphics->gl.rendernode, "gl", graphics->gl.node.line, err);
        return r < 0 ? r : domain_check_audio_ref(def, &graphics->audio, err);
}

bool domain_graphics_uses_gl(const DomainGraphics *graphics) {
        return graphics->type == GRAPHICS_EGL_HEADLESS || graphics->gl.enable == DOMAIN_SWITCH_ON;
}

/* ---- the live one, and which is meant ---- */

static bool is_ours(const char *path) {
        return path && (g_str_has_suffix(path, "/" GRAPHICS_VNC_SOCKET) ||
                        g_str_has_suffix(path, "/" GRAPHICS_SPICE_SOCKET));
}

static void strip_graphics(DomainDevice *device) {
        DomainGraphics *graphics = (DomainGraphics *)device;

        if (graphics->autoport == DOMAIN_SWITCH_ON)
                graphics->port = (DomainNum){};
        if (is_ours(graphics->socket))
                g_clear_pointer(&graphics->socket, g_free);
        for (guint i = 0; graphics->listens && i < graphics->listens->len; i++) {
                DomainListen *listen = graphics->listens->pdata[i];

                if (is_ours(listen->socket))
                        g_clear_pointer(&listen->socket, g_free);
        }
}

static char *graphics_key(const DomainDevice *device) {
        return g_strdup_printf("<graphics type='%s'>",
                               domain_graphics_type_to_string(type_of(device)));
}

static bool is_same_graphics(const DomainDevice *device, const DomainDevice *wanted) {
        return type_of(device) == type_of(wanted);
}

const DomainKind domain_graphics_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_GRAPHICS, DomainGraphics, "graphics", graphics_fields),
        .fill = fill_graphics,
        .check = check_graphics,
        .strip = strip_graphics,
        .key = graphics_key,
        .is_same = is_same_graphics,
};
