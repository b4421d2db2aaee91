/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "qemu/args-part.h"

/* ---- graphics ---- */

/* VNC counts its displays from here. */
#define VNC_PORT 5900

static int vnc_address(const DomainGraphics *graphics, GString *out, Err *err) {
        const DomainListen *listen = graphics->listens->pdata[0];
        g_autofree char *address =
                qemu_args_escape(listen->address ? listen->address : "127.0.0.1");
        g_autofree char *path = listen->socket ? qemu_args_escape(listen->socket) : NULL;
        bool is_v6 = strchr(address, ':') != NULL;

        if (listen->type == LISTEN_NONE) {
                g_string_append(out, "none");
                return 0;
        }
        if (listen->type == LISTEN_SOCKET && !path)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "the graphics have no socket yet");
        if (path) {
                g_string_append_printf(out, "unix:%s", path);
                return 0;
        }
        if (!graphics->port.is_set)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "the graphics have no port yet");
        g_string_append_printf(out, is_v6 ? "[%s]:%u" : "%s:%u", address,
                               (unsigned)graphics->port.value - VNC_PORT);
        return 0;
}

static int graphics_options(const QemuContext *context, const DomainDevice *device, GPtrArray *args,
                            Err *err) {
        const GPtrArray *audios = context->def->devices.list[DOMAIN_AUDIO];
        const DomainGraphics *graphics = (const DomainGraphics *)device;
        g_autoptr(GString) out = g_string_new(NULL);
        int r = vnc_address(graphics, out, err);

        if (r < 0)
                return r;
        if (graphics->passwd)
                g_string_append(out, ",password=on");
        if (audios->len > 0)
                g_string_append_printf(out, ",audiodev=audio%u",
                                       (unsigned)((const DomainAudio *)audios->pdata[0])->id.value);
        qemu_args_add(args, "-vnc", out->str);
        if (graphics->keymap)
                qemu_args_add(args, "-k", graphics->keymap);
        return 0;
}

static void graphics_ready(const DomainDevice *device, json_t *commands) {
        const DomainGraphics *graphics = (const DomainGraphics *)device;

        if (graphics->passwd)
                qemu_args_append_command(
                        commands, "set_password",
                        json_pack("{s:s, s:s}", "protocol", "vnc", "password", graphics->passwd));
}

const QemuKind qemu_graphics_kind = {
        .options = graphics_options,
        .ready = graphics_ready,
};

/* ---- video ---- */

static bool is_none(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainVideo *)device)->model.type == VIDEO_NONE;
}

static int fill_video(const QemuContext *context, const DomainDevice *device, json_t *object,
                      Err *err) {
        const DomainVideo *video = (const DomainVideo *)device;
        bool is_primary = context->def->devices.list[DOMAIN_VIDEO]->pdata[0] == device;

        switch (video->model.type) {
        case VIDEO_VGA:
                SET_STRING(object, "driver", "VGA");
                SET_INT(object, "vgamem_mb", MAX(video->model.vram.value / 1024, 1));
                break;
        case VIDEO_BOCHS:
                SET_STRING(object, "driver", "bochs-display");
                SET_INT(object, "vgamem", video->model.vram.value * 1024);
                break;
        default:
                SET_STRING(object, "driver", is_primary ? "virtio-vga" : "virtio-gpu-pci");
                SET_INT(object, "max_outputs", domain_num_or(video->model.heads, 1));
        }
        return 0;
}

const QemuKind qemu_video_kind = {
        .is_built_in = is_none,
        .device = fill_video,
};
