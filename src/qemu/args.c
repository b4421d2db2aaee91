/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* VNC counts its displays from here. */
#define VNC_PORT 5900

static void free_text(char **text) {
        free(*text);
}

void qemu_args_add(GPtrArray *args, const char *option, const char *value) {
        g_ptr_array_add(args, g_strdup(option));
        if (value)
                g_ptr_array_add(args, g_strdup(value));
}

void qemu_args_add_format(GPtrArray *args, const char *option, const char *format, ...) {
        va_list ap;

        g_ptr_array_add(args, g_strdup(option));
        va_start(ap, format);
        g_ptr_array_add(args, g_strdup_vprintf(format, ap));
        va_end(ap);
}

void qemu_args_add_json(GPtrArray *args, const char *option, json_t *consumed) {
        __attribute__((cleanup(free_text))) char *text = json_dumps(consumed, JSON_COMPACT);

        qemu_args_add(args, option, text);
        json_decref(consumed);
}

char *qemu_args_escape(const char *value) {
        g_auto(GStrv) parts = g_strsplit(value, ",", -1);

        return g_strjoinv(",,", parts);
}

bool qemu_args_is_mirror(const DomainDef *def, const DomainDevice *device) {
        return device->kind == DOMAIN_CONSOLE &&
               ((const DomainChar *)device)->target.type == CHAR_TARGET_SERIAL;
}

/* A part of the machine, or nothing that QEMU has as a device. */
static bool is_built_in(const DomainDef *def, const DomainDevice *device) {
        const DomainController *controller = (const DomainController *)device;

        switch (device->kind) {
        case DOMAIN_CONTROLLER:
                if (controller->type == CONTROLLER_SATA)
                        return controller->index.value == 0 && domain_def_is_q35(def);
                return controller->type == CONTROLLER_IDE || controller->model == PCI_MODEL_ROOT ||
                       controller->model == PCI_MODEL_PCIE_ROOT ||
                       controller->model == USB_MODEL_NONE;
        case DOMAIN_CONSOLE:
                return qemu_args_is_mirror(def, device);
        case DOMAIN_INPUT:
                return ((const DomainInput *)device)->bus == INPUT_BUS_PS2;
        case DOMAIN_VIDEO:
                return ((const DomainVideo *)device)->model.type == VIDEO_NONE;
        case DOMAIN_WATCHDOG:
                return ((const DomainWatchdog *)device)->model == WATCHDOG_ITCO;
        case DOMAIN_MEMBALLOON:
                return ((const DomainMemballoon *)device)->model == BALLOON_NONE;
        default:
                return false;
        }
}

/* ---- what stands before a device on the command line ---- */

typedef struct Build {
        GPtrArray *args;
        const DomainDef *def;
        const QemuRuntime *runtime;
} Build;

static int add_disk_backend(const Build *build, const DomainDevice *device, Err *err) {
        json_t *nodes = qemu_args_disk_nodes((const DomainDisk *)device);

        for (size_t i = 0; i < json_array_size(nodes); i++)
                qemu_args_add_json(build->args, "-blockdev", json_incref(json_array_get(nodes, i)));
        json_decref(nodes);
        return 0;
}

static int add_interface_backend(const Build *build, const DomainDevice *device, Err *err) {
        json_t *netdev = NULL;
        int r = qemu_args_netdev((const DomainInterface *)device, build->runtime, &netdev, err);

        if (r < 0)
                return r;
        qemu_args_add_json(build->args, "-netdev", netdev);
        return 0;
}

static int add_char_backend(const Build *build, const DomainDevice *device, Err *err) {
        g_autofree char *text = NULL;
        int r = qemu_args_chardev((const DomainChar *)device, &text, err);

        if (r < 0)
                return r;
        qemu_args_add(build->args, "-chardev", text);
        return 0;
}

static int add_rng_backend(const Build *build, const DomainDevice *device, Err *err) {
        qemu_args_add_json(build->args, "-object", qemu_args_rng_object((const DomainRng *)device));
        return 0;
}

static int add_device(const Build *build, const DomainDevice *device, Err *err) {
        static int (*const backends[_DOMAIN_DEVICE_MAX])(const Build *, const DomainDevice *,
                                                         Err *) = {
                [DOMAIN_DISK] = add_disk_backend,    [DOMAIN_INTERFACE] = add_interface_backend,
                [DOMAIN_SERIAL] = add_char_backend,  [DOMAIN_CONSOLE] = add_char_backend,
                [DOMAIN_CHANNEL] = add_char_backend, [DOMAIN_RNG] = add_rng_backend,
        };
        json_t *object = NULL;
        int r;

        if (is_built_in(build->def, device))
                return 0;
        r = backends[device->kind] ? backends[device->kind](build, device, err) : 0;
        if (r < 0)
                return r;
        r = qemu_args_device(build->def, device, build->runtime, &object, err);
        if (r < 0)
                return r;
        qemu_args_add_json(build->args, "-device", object);
        return 0;
}

/* ---- kinds that need more than one device ---- */

static int compare_buses(gconstpointer a, gconstpointer b) {
        const DomainController *first = *(DomainController *const *)a;
        const DomainController *second = *(DomainController *const *)b;
        bool is_first = first->type == CONTROLLER_PCI, is_second = second->type == CONTROLLER_PCI;

        if (is_first != is_second)
                return is_second - is_first;
        /* Among ICH9's USB controllers the EHCI, which the others name, has the lowest model. */
        if (!is_first && first->type == second->type && first->index.value == second->index.value)
                return (int)first->model - (int)second->model;
        if (!is_first)
                return 0;
        return (first->index.value > second->index.value) -
               (first->index.value < second->index.value);
}

/* A bus stands before what sits on it; layout saw to it that its number is higher than that of the
 * bus that it is on itself. */
static int add_controllers(const Build *build, Err *err) {
        g_autoptr(GPtrArray) sorted = g_ptr_array_new();

        DOMAIN_FOREACH(DomainDevice, device, build->def, DOMAIN_CONTROLLER)
                g_ptr_array_add(sorted, device);
        g_ptr_array_sort(sorted, compare_buses);
        for (guint i = 0; i < sorted->len; i++) {
                int r = add_device(build, sorted->pdata[i], err);

                if (r < 0)
                        return r;
        }
        return 0;
}

static void add_codecs(const Build *build) {
        const GPtrArray *audios = build->def->devices.list[DOMAIN_AUDIO];

        DOMAIN_FOREACH(DomainSound, sound, build->def, DOMAIN_SOUND) {
                g_autofree char *id = g_strdup_printf("%s-codec0", sound->base.alias.name);
                g_autofree char *bus = g_strdup_printf("%s.0", sound->base.alias.name);
                json_t *codec;

                if (sound->model == SOUND_AC97)
                        continue;
                codec = json_pack("{s:s, s:s, s:s, s:i}", "driver", "hda-duplex", "id", id, "bus",
                                  bus, "cad", 0);
                if (audios->len > 0) {
                        const DomainAudio *audio = audios->pdata[0];

                        json_object_set_new(codec, "audiodev",
                                            json_sprintf("audio%u", (unsigned)audio->id.value));
                }
                qemu_args_add_json(build->args, "-device", codec);
        }
}

static void add_audio(const Build *build) {
        DOMAIN_FOREACH(DomainAudio, audio, build->def, DOMAIN_AUDIO) {
                json_t *id = json_sprintf("audio%u", (unsigned)audio->id.value);

                qemu_args_add_json(build->args, "-audiodev",
                                   json_pack("{s:o, s:s}", "id", id, "driver", "none"));
        }
}

static void add_watchdog(const Build *build) {
        static const char *const actions[] = {NULL,    "reset", "shutdown",  "poweroff",
                                              "pause", "none",  "inject-nmi"};

        DOMAIN_FOREACH(DomainWatchdog, watchdog, build->def, DOMAIN_WATCHDOG) {
                if (watchdog->model == WATCHDOG_ITCO)
                        qemu_args_add(build->args, "-global", "ICH9-LPC.noreboot=off");
                qemu_args_add_format(build->args, "-action", "watchdog=%s",
                                     actions[watchdog->action]);
        }
}

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

static int add_graphics(const Build *build, Err *err) {
        const GPtrArray *audios = build->def->devices.list[DOMAIN_AUDIO];

        DOMAIN_FOREACH(DomainGraphics, graphics, build->def, DOMAIN_GRAPHICS) {
                g_autoptr(GString) out = g_string_new(NULL);
                int r = vnc_address(graphics, out, err);

                if (r < 0)
                        return r;
                if (graphics->passwd)
                        g_string_append(out, ",password=on");
                if (audios->len > 0)
                        g_string_append_printf(
                                out, ",audiodev=audio%u",
                                (unsigned)((const DomainAudio *)audios->pdata[0])->id.value);
                qemu_args_add(build->args, "-vnc", out->str);
                if (graphics->keymap)
                        qemu_args_add(build->args, "-k", graphics->keymap);
        }
        return 0;
}

static int add_kind(const Build *build, DomainDeviceKind kind, Err *err) {
        if (kind == DOMAIN_CONTROLLER)
                return add_controllers(build, err);
        if (kind == DOMAIN_GRAPHICS)
                return add_graphics(build, err);
        if (kind == DOMAIN_AUDIO)
                return 0;
        DOMAIN_FOREACH(DomainDevice, device, build->def, kind) {
                int r = add_device(build, device, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_devices(const Build *build, Err *err) {
        /* Controllers before what is behind them. */
        int r = add_kind(build, DOMAIN_CONTROLLER, err);

        add_audio(build);
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX && r == 0; kind++) {
                if (kind != DOMAIN_CONTROLLER)
                        r = add_kind(build, kind, err);
                if (kind == DOMAIN_SOUND)
                        add_codecs(build);
        }
        add_watchdog(build);
        return r;
}

int qemu_args_build(const DomainDef *def, const QemuRuntime *runtime, GPtrArray **ret, Err *err) {
        g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
        const Build build = {.args = args, .def = def, .runtime = runtime};
        int r;

        qemu_args_add(args, def->devices.emulator, NULL);
        r = qemu_args_machine(args, def, runtime, err);
        if (r < 0)
                return r;
        r = add_devices(&build, err);
        if (r < 0)
                return r;
        g_ptr_array_add(args, NULL);
        *ret = g_steal_pointer(&args);
        return 0;
}

/* ---- QMP ---- */

static void append_command(json_t *commands, const char *name, json_t *arguments) {
        json_array_append_new(commands,
                              json_pack("{s:s, s:o}", "execute", name, "arguments", arguments));
}

static int plug_backend(const DomainDevice *device, const QemuRuntime *runtime, json_t *commands,
                        Err *err) {
        json_t *object = NULL, *nodes;
        int r = 0;

        switch (device->kind) {
        case DOMAIN_DISK:
                nodes = qemu_args_disk_nodes((const DomainDisk *)device);
                for (size_t i = 0; i < json_array_size(nodes); i++)
                        append_command(commands, "blockdev-add",
                                       json_incref(json_array_get(nodes, i)));
                json_decref(nodes);
                return 0;
        case DOMAIN_INTERFACE:
                r = qemu_args_netdev((const DomainInterface *)device, runtime, &object, err);
                if (r == 0)
                        append_command(commands, "netdev_add", object);
                return r;
        case DOMAIN_CONSOLE:
        case DOMAIN_CHANNEL:
                r = qemu_args_chardev_add((const DomainChar *)device, &object, err);
                if (r == 0)
                        append_command(commands, "chardev-add", object);
                return r;
        case DOMAIN_RNG:
                append_command(commands, "object-add",
                               qemu_args_rng_object((const DomainRng *)device));
                return 0;
        default:
                return 0;
        }
}

/* What QEMU can take while the guest runs. */
static int check_plug(const DomainDef *def, const DomainDevice *device, Err *err) {
        static const bool can_plug[_DOMAIN_DEVICE_MAX] = {
                [DOMAIN_DISK] = true,     [DOMAIN_INTERFACE] = true, [DOMAIN_CHANNEL] = true,
                [DOMAIN_INPUT] = true,    [DOMAIN_HOSTDEV] = true,   [DOMAIN_RNG] = true,
                [DOMAIN_WATCHDOG] = true,
        };
        g_autofree char *what = domain_device_describe(device);

        if (can_plug[device->kind] && !is_built_in(def, device) &&
            (device->kind != DOMAIN_DISK ||
             ((const DomainDisk *)device)->target.bus == DISK_BUS_VIRTIO))
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                              "%s cannot be plugged into a running guest", what),
                         "change the configuration (--config): it counts from the next start");
}

int qemu_args_plug(const DomainDef *def, const DomainDevice *device, const QemuRuntime *runtime,
                   json_t **ret, Err *err) {
        json_t *commands, *object = NULL;
        int r;

        r = check_plug(def, device, err);
        if (r < 0)
                return r;
        commands = json_array();
        r = plug_backend(device, runtime, commands, err);
        if (r == 0)
                r = qemu_args_device(def, device, runtime, &object, err);
        if (r < 0) {
                json_decref(commands);
                return r;
        }
        append_command(commands, "device_add", object);
        *ret = commands;
        return 0;
}

json_t *qemu_args_unplug(const DomainDevice *device) {
        const DomainDisk *disk = (const DomainDisk *)device;
        const char *alias = device->alias.name;
        json_t *commands = json_array();

        switch (device->kind) {
        case DOMAIN_DISK:
                if (!disk->source.file)
                        break;
                append_command(
                        commands, "blockdev-del",
                        json_pack("{s:o}", "node-name", json_sprintf("node-%s", disk->target.dev)));
                append_command(
                        commands, "blockdev-del",
                        json_pack("{s:o}", "node-name", json_sprintf("file-%s", disk->target.dev)));
                break;
        case DOMAIN_INTERFACE:
                append_command(commands, "netdev_del",
                               json_pack("{s:o}", "id", json_sprintf("host%s", alias)));
                break;
        case DOMAIN_CONSOLE:
        case DOMAIN_CHANNEL:
                append_command(commands, "chardev-remove",
                               json_pack("{s:o}", "id", json_sprintf("char%s", alias)));
                break;
        case DOMAIN_RNG:
                append_command(commands, "object-del",
                               json_pack("{s:o}", "id", json_sprintf("obj%s", alias)));
                break;
        default:
                break;
        }
        return commands;
}

static void append_balloon(json_t *commands, const DomainDef *def) {
        DOMAIN_FOREACH(DomainMemballoon, balloon, def, DOMAIN_MEMBALLOON) {
                if (balloon->model == BALLOON_NONE)
                        continue;
                if (def->current_memory < def->memory)
                        append_command(commands, "balloon",
                                       json_pack("{s:I}", "value",
                                                 (json_int_t)def->current_memory * 1024));
                if (balloon->stats.node.is_present)
                        append_command(commands, "qom-set",
                                       json_pack("{s:o, s:s, s:i}", "path",
                                                 json_sprintf("/machine/peripheral/%s",
                                                              balloon->base.alias.name),
                                                 "property", "guest-stats-polling-interval",
                                                 "value", (int)balloon->stats.period.value));
        }
}

json_t *qemu_args_ready(const DomainDef *def) {
        json_t *commands = json_array();

        DOMAIN_FOREACH(DomainGraphics, graphics, def, DOMAIN_GRAPHICS) {
                if (graphics->passwd)
                        append_command(commands, "set_password",
                                       json_pack("{s:s, s:s}", "protocol", "vnc", "password",
                                                 graphics->passwd));
        }
        DOMAIN_FOREACH(DomainInterface, net, def, DOMAIN_INTERFACE) {
                if (net->link.state == NET_LINK_DOWN)
                        append_command(
                                commands, "set_link",
                                json_pack("{s:s, s:b}", "name", net->base.alias.name, "up", false));
        }
        append_balloon(commands, def);
        return commands;
}
