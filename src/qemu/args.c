/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const QemuKind *const kinds[_DOMAIN_DEVICE_MAX] = {
        [DOMAIN_DISK] = &qemu_disk_kind,
        [DOMAIN_CONTROLLER] = &qemu_controller_kind,
        [DOMAIN_FILESYSTEM] = &qemu_filesystem_kind,
        [DOMAIN_INTERFACE] = &qemu_interface_kind,
        [DOMAIN_SERIAL] = &qemu_serial_kind,
        [DOMAIN_PARALLEL] = &qemu_parallel_kind,
        [DOMAIN_CONSOLE] = &qemu_console_kind,
        [DOMAIN_CHANNEL] = &qemu_channel_kind,
        [DOMAIN_INPUT] = &qemu_input_kind,
        [DOMAIN_TPM] = &qemu_tpm_kind,
        [DOMAIN_GRAPHICS] = &qemu_graphics_kind,
        [DOMAIN_SOUND] = &qemu_sound_kind,
        [DOMAIN_AUDIO] = &qemu_audio_kind,
        [DOMAIN_VIDEO] = &qemu_video_kind,
        [DOMAIN_HOSTDEV] = &qemu_hostdev_kind,
        [DOMAIN_REDIRDEV] = &qemu_redirdev_kind,
        [DOMAIN_HUB] = &qemu_hub_kind,
        [DOMAIN_WATCHDOG] = &qemu_watchdog_kind,
        [DOMAIN_MEMBALLOON] = &qemu_memballoon_kind,
        [DOMAIN_RNG] = &qemu_rng_kind,
        [DOMAIN_PANIC] = &qemu_panic_kind,
        [DOMAIN_SHMEM] = &qemu_shmem_kind,
        [DOMAIN_CRYPTO] = &qemu_crypto_kind,
        [DOMAIN_IOMMU] = &qemu_iommu_kind,
        [DOMAIN_VSOCK] = &qemu_vsock_kind,
        [DOMAIN_PSTORE] = &qemu_pstore_kind,
        [DOMAIN_MEMORY] = &qemu_memory_kind,
};

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

void qemu_args_append_command(json_t *commands, const char *name, json_t *arguments) {
        json_array_append_new(commands,
                              json_pack("{s:s, s:o}", "execute", name, "arguments", arguments));
}

bool qemu_kind_always(const DomainDef *def, const DomainDevice *device) {
        return true;
}

static bool is_built_in(const DomainDef *def, const DomainDevice *device) {
        const QemuKind *kind = kinds[device->kind];

        return kind->is_built_in && kind->is_built_in(def, device);
}

char *qemu_args_fd(const QemuRuntime *runtime, const char *name) {
        gpointer fd;

        if (runtime->fds && g_hash_table_lookup_extended(runtime->fds, name, NULL, &fd))
                return g_strdup_printf("%d", GPOINTER_TO_INT(fd));
        return g_strdup(name);
}

/* ---- what stands behind a device ---- */

/* Each way of making something, as an option and in QMP, and how it is taken back. */
static const struct Backend {
        const char *add, *option, *del, *key;
} backends[] = {
        {"blockdev-add", "-blockdev", "blockdev-del", "node-name"},
        {"netdev_add", "-netdev", "netdev_del", "id"},
        {"chardev-add", "-chardev", "chardev-remove", "id"},
        {"object-add", "-object", "object-del", "id"},
};

static const struct Backend *find_backend(const json_t *command) {
        const char *name = json_string_value(json_object_get(command, "execute"));

        for (size_t i = 0; i < G_N_ELEMENTS(backends); i++)
                if (g_str_equal(backends[i].add, name))
                        return &backends[i];
        g_assert_not_reached();
}

static int make_backend(const QemuContext *context, const DomainDevice *device, json_t **ret,
                        Err *err) {
        const QemuKind *kind = kinds[device->kind];
        json_t *commands = json_array();
        int r = kind->backend ? kind->backend(context, device, commands, err) : 0;

        if (r < 0)
                json_decref(commands);
        else
                *ret = commands;
        return r;
}

int qemu_args_backend(const DomainDef *def, const DomainDevice *device, const QemuRuntime *runtime,
                      json_t **ret, Err *err) {
        QemuContext context = {def, runtime};

        return make_backend(&context, device, ret, err);
}

json_t *qemu_args_ready_device(const DomainDevice *device) {
        const QemuKind *kind = kinds[device->kind];
        json_t *commands = json_array();

        if (kind->ready)
                kind->ready(device, commands);
        return commands;
}

/* The device's own object and those that sit on it. */
static int make_devices(const QemuContext *context, const DomainDevice *device, json_t **ret,
                        Err *err) {
        const QemuKind *kind = kinds[device->kind];
        json_t *objects, *object = NULL;
        int r = qemu_args_device(context->def, device, context->runtime, &object, err);

        if (r < 0)
                return r;
        objects = json_pack("[o]", object);
        if (kind->parts)
                kind->parts(context, device, objects);
        *ret = objects;
        return 0;
}

/* ---- the command line ---- */

static void add_backend(GPtrArray *args, const json_t *commands) {
        json_t *command;
        size_t i;

        json_array_foreach(commands, i, command) {
                json_t *arguments = json_object_get(command, "arguments");
                const char *option = find_backend(command)->option;
                g_autofree char *text = NULL;

                if (!g_str_equal(option, "-chardev")) {
                        qemu_args_add_json(args, option, json_incref(arguments));
                        continue;
                }
                text = qemu_args_chardev_option(arguments);
                qemu_args_add(args, option, text);
        }
}

static int add_device(const QemuContext *context, const DomainDevice *device, GPtrArray *args,
                      Err *err) {
        const QemuKind *kind = kinds[device->kind];
        json_t *commands = NULL, *objects = NULL, *object;
        size_t i;
        int r;

        if (kind->options) {
                r = kind->options(context, device, args, err);
                if (r < 0)
                        return r;
        }
        if (is_built_in(context->def, device) || !kind->device ||
            qemu_args_is_late(context->def, device))
                return 0;
        r = make_backend(context, device, &commands, err);
        if (r < 0)
                return r;
        add_backend(args, commands);
        json_decref(commands);
        r = make_devices(context, device, &objects, err);
        if (r < 0)
                return r;
        json_array_foreach(objects, i, object)
                qemu_args_add_json(args, "-device", json_incref(object));
        json_decref(objects);
        return 0;
}

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
static int add_controllers(const QemuContext *context, GPtrArray *args, Err *err) {
        g_autoptr(GPtrArray) sorted = g_ptr_array_new();

        DOMAIN_FOREACH(DomainDevice, device, context->def, DOMAIN_CONTROLLER)
                g_ptr_array_add(sorted, device);
        g_ptr_array_sort(sorted, compare_buses);
        for (guint i = 0; i < sorted->len; i++) {
                int r = add_device(context, sorted->pdata[i], args, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_kind(const QemuContext *context, DomainDeviceKind kind, GPtrArray *args, Err *err) {
        DOMAIN_FOREACH(DomainDevice, device, context->def, kind) {
                int r = add_device(context, device, args, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int compare_ports(gconstpointer a, gconstpointer b) {
        const DomainDevice *first = *(DomainDevice *const *)a, *second = *(DomainDevice *const *)b;
        size_t n = first->address.usb_port ? strlen(first->address.usb_port) : 0;
        size_t m = second->address.usb_port ? strlen(second->address.usb_port) : 0;

        return (n > m) - (n < m);
}

/* A hub stands before what is plugged into it, as another hub: its port is a longer path. */
static int add_hubs(const QemuContext *context, GPtrArray *args, Err *err) {
        g_autoptr(GPtrArray) sorted = g_ptr_array_new();
        int r = 0;

        DOMAIN_FOREACH(DomainDevice, device, context->def, DOMAIN_HUB)
                g_ptr_array_add(sorted, device);
        g_ptr_array_sort(sorted, compare_ports);
        for (guint i = 0; i < sorted->len && r == 0; i++)
                r = add_device(context, sorted->pdata[i], args, err);
        return r;
}

/* Kinds that others need come before all others: the IOMMU of all that is on PCI, the buses, what
 * plays sound. */
static int add_devices(const QemuContext *context, GPtrArray *args, Err *err) {
        int r = add_kind(context, DOMAIN_IOMMU, args, err);

        if (r == 0)
                r = add_controllers(context, args, err);
        if (r == 0)
                r = add_kind(context, DOMAIN_AUDIO, args, err);
        if (r == 0)
                r = add_hubs(context, args, err);
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX && r == 0; kind++) {
                if (kind != DOMAIN_IOMMU && kind != DOMAIN_CONTROLLER && kind != DOMAIN_AUDIO &&
                    kind != DOMAIN_HUB)
                        r = add_kind(context, kind, args, err);
        }
        return r;
}

int qemu_args_build(const DomainDef *def, const QemuRuntime *runtime, GPtrArray **ret, Err *err) {
        g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
        const QemuContext context = {def, runtime};
        int r;

        r = qemu_args_check_crowd(def, err);
        if (r < 0)
                return r;
        qemu_args_add(args, def->devices.emulator, NULL);
        r = qemu_args_machine(args, &context, err);
        if (r < 0)
                return r;
        r = add_devices(&context, args, err);
        if (r < 0)
                return r;
        qemu_args_own(args, def);
        g_ptr_array_add(args, NULL);
        *ret = g_steal_pointer(&args);
        return 0;
}

/* What is a package of its own in some systems. */
static const char *find_package(const char *driver) {
        if (g_str_has_prefix(driver, "qxl"))
                return "qemu-system-modules-spice";
        if (strstr(driver, "-gl"))
                return "qemu-system-modules-opengl";
        return NULL;
}

int qemu_args_check_type(const QemuRuntime *runtime, const char *type, const char *what, Err *err) {
        const char *package = find_package(type);
        int r;

        if (!runtime->devices || g_hash_table_contains(runtime->devices, type))
                return 0;
        r = fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s needs '%s', which this QEMU %u.%u has not",
                 what, type, runtime->version / 1000000, runtime->version / 1000 % 1000);
        return package ? fail_hint(err, r, "install it: apt install %s", package) : r;
}

static int check_driver(const QemuRuntime *runtime, const DomainDevice *device,
                        const json_t *object, Err *err) {
        g_autofree char *what = domain_device_describe(device);

        return qemu_args_check_type(runtime, json_string_value(json_object_get(object, "driver")),
                                    what, err);
}

int qemu_args_device(const DomainDef *def, const DomainDevice *device, const QemuRuntime *runtime,
                     json_t **ret, Err *err) {
        const QemuContext context = {.def = def, .runtime = runtime};
        json_t *object;
        int r;

        if (!kinds[device->kind]->device || !device->alias.name)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "<%s> is no device of QEMU",
                            domain_device_kind_to_string(device->kind));
        object = json_object();
        r = kinds[device->kind]->device(&context, device, object, err);
        if (r == 0)
                r = check_driver(runtime, device, object, err);
        if (r == 0) {
                SET_STRING(object, "id", device->alias.name);
                if (domain_device_is_pci(def, device)) {
                        r = qemu_args_set_pci_address(object, def, device, err);
                        qemu_args_suit_crowd(def, device, object);
                }
        }
        if (r < 0) {
                json_decref(object);
                return r;
        }
        *ret = object;
        return 0;
}

/* ---- QMP ---- */

/* What QEMU can take while the guest runs. */
int qemu_args_check_plug(const DomainDef *def, const DomainDevice *device, Err *err) {
        const QemuKind *kind = kinds[device->kind];
        g_autofree char *what = domain_device_describe(device);

        if (kind->can_plug && kind->can_plug(def, device) && !is_built_in(def, device))
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                              "%s cannot be plugged into a running guest", what),
                         "change the configuration (--config): it counts from the next start");
}

int qemu_args_plug(const DomainDef *def, const DomainDevice *device, const QemuRuntime *runtime,
                   json_t **ret, Err *err) {
        const QemuContext context = {def, runtime};
        json_t *commands = NULL, *objects = NULL, *object;
        size_t i;
        int r;

        r = qemu_args_check_plug(def, device, err);
        if (r < 0)
                return r;
        r = make_backend(&context, device, &commands, err);
        if (r < 0)
                return r;
        r = make_devices(&context, device, &objects, err);
        if (r < 0) {
                json_decref(commands);
                return r;
        }
        json_array_foreach(objects, i, object)
                qemu_args_append_command(commands, "device_add", json_incref(object));
        json_decref(objects);
        if (kinds[device->kind]->ready)
                kinds[device->kind]->ready(device, commands);
        *ret = commands;
        return 0;
}

/* Names do not hang on the runtime. */
json_t *qemu_args_unplug(const DomainDef *def, const DomainDevice *device) {
        static const QemuRuntime runtime = {.version = QEMU_VERSION_MIN, .qmp_fd = -1};
        const QemuContext context = {def, &runtime};
        json_t *made = NULL, *commands = json_array();

        if (make_backend(&context, device, &made, NULL) < 0)
                return commands;
        for (size_t i = json_array_size(made); i-- > 0;) {
                json_t *command = json_array_get(made, i);
                const struct Backend *backend = find_backend(command);
                json_t *name = json_object_get(json_object_get(command, "arguments"), backend->key);

                qemu_args_append_command(commands, backend->del,
                                         json_pack("{s:O}", backend->key, name));
        }
        json_decref(made);
        return commands;
}

static bool has_balloon(const DomainDef *def) {
        DOMAIN_FOREACH(DomainMemballoon, balloon, def, DOMAIN_MEMBALLOON)
                return balloon->model != BALLOON_NONE;
        return false;
}

/* The commands of those devices that are not on the command line. */
static int append_late(const DomainDef *def, const QemuRuntime *runtime, json_t *commands,
                       Err *err) {
        size_t before = json_array_size(commands);

        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        json_t *plug = NULL;
                        int r;

                        if (!qemu_args_is_late(def, device))
                                continue;
                        r = qemu_args_plug(def, device, runtime, &plug, err);
                        if (r < 0)
                                return r;
                        json_array_extend(commands, plug);
                        json_decref(plug);
                }
        }
        if (json_array_size(commands) > before)
                qemu_args_end_late(def, commands);
        return 0;
}

int qemu_args_ready(const DomainDef *def, const QemuRuntime *runtime, json_t **ret, Err *err) {
        json_t *commands = json_array();
        int r = append_late(def, runtime, commands, err);

        if (r < 0) {
                json_decref(commands);
                return r;
        }
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++)
                DOMAIN_FOREACH(DomainDevice, device, def, kind)
                        if (kinds[kind]->ready)
                                kinds[kind]->ready(device, commands);
        if (def->current_memory < def->memory && has_balloon(def))
                qemu_args_append_command(
                        commands, "balloon",
                        json_pack("{s:I}", "value", (json_int_t)def->current_memory * 1024));
        *ret = commands;
        return 0;
}
