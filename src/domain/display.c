/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

#include <string.h>

/* ---- graphics ---- */

static const char *const graphics_types[] = {"vnc", NULL};
static const char *const listen_types[] = {"address", "socket", "none", NULL};

static bool has_address(const void *object) {
        return ((const DomainListen *)object)->type == LISTEN_ADDRESS;
}

static bool has_socket(const void *object) {
        return ((const DomainListen *)object)->type == LISTEN_SOCKET;
}

/* Known once the children are: while parsing, every graphics takes a port. */
static bool is_tcp(const void *object) {
        const DomainGraphics *graphics = object;
        const GPtrArray *listens = graphics->listens;

        return !listens || ((const DomainListen *)listens->pdata[0])->type == LISTEN_ADDRESS;
}

static const DomainField listen_fields[] = {
        ATTR_ENUM(DomainListen, type, "type", listen_types, .is_required = true),
        ATTR_STRING(DomainListen, address, "address", .when = has_address),
        ATTR_STRING(DomainListen, socket, "socket", .when = has_socket),
        END,
};
static const DomainElement graphics_listen = ELEMENT(DomainListen, "listen", listen_fields);

static const DomainField graphics_fields[] = {
        ATTR_ENUM(DomainGraphics, type, "type", graphics_types, .is_required = true),
        ATTR_STRING(DomainGraphics, socket, "socket"),
        ATTR_(DomainGraphics, port, "port", FIELD_PORT, .max = UINT16_MAX, .when = is_tcp),
        ATTR_YES(DomainGraphics, autoport, "autoport", .when = is_tcp),
        ATTR_STRING(DomainGraphics, listen_address, "listen", .when = is_tcp),
        ATTR_STRING(DomainGraphics, keymap, "keymap"),
        ATTR_STRING(DomainGraphics, passwd, "passwd", .is_secure = true),
        LIST(DomainGraphics, listens, "listen", graphics_listen),
        DEVICE_ALIAS,
        END,
};

static DomainListen *add_listen(DomainGraphics *graphics, ListenType type) {
        DomainListen *listen = g_new0(DomainListen, 1);

        listen->node.is_present = true;
        listen->type = type;
        graphics->listens = g_ptr_array_new();
        g_ptr_array_add(graphics->listens, listen);
        return listen;
}

/* The attributes listen and socket and the element <listen> say the same; each fills the other. */
static void fill_listen(DomainGraphics *graphics) {
        DomainListen *listen;

        if (!graphics->listens)
                add_listen(graphics, graphics->socket ? LISTEN_SOCKET : LISTEN_ADDRESS);
        listen = graphics->listens->pdata[0];
        if (listen->type == LISTEN_ADDRESS && graphics->listen_address)
                fill_text(&listen->address, graphics->listen_address);
        if (listen->type == LISTEN_SOCKET && graphics->socket)
                fill_text(&listen->socket, graphics->socket);
        if (listen->type == LISTEN_ADDRESS && listen->address)
                fill_text(&graphics->listen_address, listen->address);
        if (listen->type == LISTEN_SOCKET && listen->socket)
                fill_text(&graphics->socket, listen->socket);
}

static int fill_graphics(DomainDef *def, DomainDevice *device, Err *err) {
        DomainGraphics *graphics = (DomainGraphics *)device;

        fill_listen(graphics);
        if (((DomainListen *)graphics->listens->pdata[0])->type != LISTEN_ADDRESS)
                return 0;
        if (!graphics->port.is_set)
                graphics->autoport = DOMAIN_SWITCH_ON;
        FILL_ENUM(graphics->autoport, DOMAIN_SWITCH_OFF);
        return 0;
}

static int check_graphics(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainGraphics *graphics = (const DomainGraphics *)device;
        int r;

        if (graphics->listens->len > 1)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<graphics> at line %u listens on more than one address",
                            device->node.line);
        if (graphics->port.is_set && graphics->port.value < 5900)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<graphics> at line %u: VNC ports begin at 5900", device->node.line);
        r = domain_check_word(graphics->keymap, "graphics", device->node.line, err);
        if (r < 0)
                return r;
        /* The protocol's own limit (RFC 6143, 7.2.2). */
        if (graphics->passwd && strlen(graphics->passwd) > 8)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<graphics> at line %u: a VNC password has at most 8 characters",
                            device->node.line);
        return domain_check_path(graphics->socket, "graphics", device->node.line, err);
}

static void strip_graphics(DomainDevice *device) {
        DomainGraphics *graphics = (DomainGraphics *)device;

        if (graphics->autoport == DOMAIN_SWITCH_ON)
                graphics->port = (DomainNum){};
}

static char *graphics_key(const DomainDevice *device) {
        return g_strdup("<graphics>");
}

const DomainKind domain_graphics_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_GRAPHICS, DomainGraphics, "graphics", graphics_fields),
        .fill = fill_graphics,
        .check = check_graphics,
        .strip = strip_graphics,
        .key = graphics_key,
};

/* ---- video ---- */

static const char *const video_models[] = {"vga", "virtio", "bochs", "none", NULL};

static const DomainField video_model_fields[] = {
        ATTR_ENUM(DomainVideo, model.type, "type", video_models, .is_required = true),
        ATTR_NUM(DomainVideo, model.vram, "vram"),
        ATTR_NUM(DomainVideo, model.heads, "heads", .max = 16),
        ATTR_YES(DomainVideo, model.primary, "primary"),
        END,
};
static const DomainElement video_model = PART_OF(DomainVideo, model, "model", video_model_fields);

static const DomainField video_fields[] = {
        PART("model", video_model),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static int fill_video(DomainDef *def, DomainDevice *device, Err *err) {
        DomainVideo *video = (DomainVideo *)device;
        GPtrArray *videos = def->devices.list[DOMAIN_VIDEO];

        video->model.node.is_present = true;
        FILL_ENUM(video->model.type, VIDEO_VGA);
        if (video->model.type == VIDEO_NONE)
                return 0;
        if (video->model.type == VIDEO_VGA || video->model.type == VIDEO_BOCHS)
                fill_num(&video->model.vram, 16384);
        fill_num(&video->model.heads, 1);
        if (videos->len > 0 && videos->pdata[0] == device)
                FILL_ENUM(video->model.primary, DOMAIN_SWITCH_ON);
        return 0;
}

static int check_video(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainVideo *video = (const DomainVideo *)device;
        const GPtrArray *videos = def->devices.list[DOMAIN_VIDEO];

        if (video->model.type == VIDEO_NONE && videos->len > 1)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<video> at line %u: model 'none' stands beside another video device",
                            device->node.line);
        if (video->model.type == VIDEO_VGA && videos->len > 0 && videos->pdata[0] != device)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<video> at line %u: only the first can be 'vga'", device->node.line);
        return 0;
}

static bool is_same_video(const DomainDevice *device, const DomainDevice *wanted) {
        return ((const DomainVideo *)device)->model.type ==
               ((const DomainVideo *)wanted)->model.type;
}

static bool is_pci_video(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainVideo *)device)->model.type != VIDEO_NONE;
}

const DomainKind domain_video_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_VIDEO, DomainVideo, "video", video_fields),
        .alias = "video",
        .fill = fill_video,
        .check = check_video,
        .is_same = is_same_video,
        .is_pci = is_pci_video,
};
