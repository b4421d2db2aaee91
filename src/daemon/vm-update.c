/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device that the guest has, changed: a medium, a link, a bridge, a password live; more in the
 * configuration. What else differs is refused by its name. */
#include "daemon/vm-tune.h"

#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/tap.h"
#include "daemon/vm-image.h"
#include "daemon/vm-stats.h"
#include "domain/device.h"
#include "layout/assign.h"
#include "qemu/args.h"
#include "qemu/caps.h"
#include "storage/image.h"

/* A guest that has locked its drive is asked to let go, and gets so long. */
#define TRAY_TRIES_MAX 20u /* of VM_TUNE_AGAIN_USEC */

/* The device as it is, and as it shall be. */
typedef struct Change {
        DomainDevice *old; /* in the definition */
        DomainDevice *new; /* by itself */
} Change;

static void change_clear(Change *change) {
        g_clear_pointer(&change->new, domain_device_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Change, change_clear)

/* ---- what differs ---- */

/* "cache" for "cache='none'", "serial" for "<serial>X</serial>". */
static char *name_of(const char *token) {
        const char *equals = strchr(token, '=');
        const char *begin = token + strspn(token, "</");

        if (equals)
                return g_strndup(token, (gsize)(equals - token));
        return g_strndup(begin, strcspn(begin, "/> "));
}

static GPtrArray *tokens_of(const DomainDevice *device) {
        g_autofree char *text = domain_device_format(device, DOMAIN_FORMAT_INACTIVE);
        g_auto(GStrv) words = g_strsplit_set(text, " \n", -1);
        GPtrArray *tokens = g_ptr_array_new_with_free_func(g_free);

        for (char **word = words; *word; word++) {
                g_strdelimit(*word, ">", '\0');
                if (g_str_has_suffix(*word, "/"))
                        (*word)[strlen(*word) - 1] = '\0';
                if (**word)
                        g_ptr_array_add(tokens, g_strdup(*word));
        }
        return tokens;
}

static const char *first_missing(const GPtrArray *of, const GPtrArray *in) {
        for (guint i = 0; i < of->len; i++)
                if (!g_ptr_array_find_with_equal_func((GPtrArray *)(uintptr_t)in, of->pdata[i],
                                                      g_str_equal, NULL))
                        return of->pdata[i];
        return NULL;
}

/* The name of something that one has and the other has not; NULL: they say the same. */
static char *find_difference(const DomainDevice *a, const DomainDevice *b) {
        g_autoptr(GPtrArray) first = tokens_of(a), second = tokens_of(b);
        const char *token = first_missing(second, first);

        if (!token)
                token = first_missing(first, second);
        return token ? name_of(token) : NULL;
}

static int refuse_difference(const DomainDevice *was, const DomainDevice *is, Err *err) {
        g_autofree char *field = find_difference(was, is);

        if (!field)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                              "cannot modify field '%s' of the %s while the guest runs", field,
                              domain_device_kind_to_string(was->kind)),
                         "change the configuration (--config): it counts from the next start");
}

/* ---- kinds ---- */

#define SWAP(a, b)                      \
        do {                            \
                __typeof__(a) _t = (a); \
                (a) = (b);              \
                (b) = _t;               \
        } while (0)

static void swap_media(DomainDisk *a, DomainDisk *b) {
        SWAP(a->type, b->type);
        SWAP(a->source, b->source);
        SWAP(a->driver.type, b->driver.type);
        SWAP(a->backing, b->backing);
        SWAP(a->target.tray, b->target.tray);
}

static bool has_same_source(const DomainDisk *a, const DomainDisk *b) {
        return g_strcmp0(vm_disk_path(a), vm_disk_path(b)) == 0 &&
               domain_disk_has_source(a) == domain_disk_has_source(b) &&
               g_strcmp0(a->source.name, b->source.name) == 0;
}

static int check_disk(const Change *change, Err *err) {
        g_autoptr(DomainDevice) same = domain_device_copy(change->old);
        DomainDisk *old = (DomainDisk *)change->old, *new = (DomainDisk *)change->new;
        int r;

        if (old->device == DISK_DEVICE_DISK && !has_same_source(old, new))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "disk source can be changed only in removable drives, and '%s' is none",
                            old->target.dev);
        if (!new->driver.name && old->driver.name) {
                new->driver.node.is_present = true;
                new->driver.name = g_strdup(old->driver.name);
        }
        swap_media((DomainDisk *)same, new);
        r = refuse_difference(&old->base, &new->base, err);
        swap_media((DomainDisk *)same, new);
        return r;
}

static void swap_net(DomainInterface *a, DomainInterface *b) {
        SWAP(a->link, b->link);
        SWAP(a->source.bridge, b->source.bridge);
        SWAP(a->target, b->target);
}

static int check_net(const Change *change, Err *err) {
        DomainInterface *old = (DomainInterface *)change->old;
        DomainInterface *new = (DomainInterface *)change->new;
        g_autoptr(DomainDevice) same = domain_device_copy(change->old);
        int r;

        if (old->type != new->type || !old->source.bridge != !new->source.bridge)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                                      "unable to change the type of interface %s while the guest "
                                      "runs",
                                      old->mac.address),
                                 "change the configuration (--config): it counts from the next "
                                 "start");
        swap_net((DomainInterface *)same, new);
        r = refuse_difference(&old->base, &new->base, err);
        swap_net((DomainInterface *)same, new);
        return r;
}

static void swap_display(DomainGraphics *a, DomainGraphics *b) {
        SWAP(a->passwd, b->passwd);
        SWAP(a->passwd_valid_to, b->passwd_valid_to);
        SWAP(a->connected, b->connected);
}

/* What is chosen at a start is no wish for another one. */
static int check_display(const Change *change, Err *err) {
        DomainGraphics *old = (DomainGraphics *)change->old;
        DomainGraphics *new = (DomainGraphics *)change->new;
        g_autoptr(DomainDevice) same = domain_device_copy(change->old);
        int r;

        if (new->port.is_set && old->port.is_set &&new->port.value != old->port.value)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                                      "cannot change port settings on graphics while the guest "
                                      "runs"),
                                 "change the configuration (--config): it counts from the next "
                                 "start");
        new->port = old->port;
        if (!new->autoport)
                new->autoport = old->autoport;
        swap_display((DomainGraphics *)same, new);
        r = refuse_difference(&old->base, &new->base, err);
        swap_display((DomainGraphics *)same, new);
        return r;
}

/* ---- telling QEMU ---- */

static void tell_all(VmTune *tune, json_t *commands) {
        json_t *command;
        size_t i;

        json_array_foreach(commands, i, command)
                vm_tune_tell(tune, json_string_value(json_object_get(command, "execute")),
                             json_incref(json_object_get(command, "arguments")));
}

static QemuRuntime runtime_of(const Vm *vm) {
        const QemuCaps *caps = manager_caps(vm->manager, vm->live->devices.emulator);

        return (QemuRuntime){.version = caps ? (unsigned)caps->version : QEMU_VERSION_MIN,
                             .qmp_fd = -1};
}

/* Into the open and empty drive: the image's nodes, and the drive closed. */
static int tell_insert(VmTune *tune, const DomainDisk *disk, const char *id, Err *err) {
        QemuRuntime runtime = runtime_of(tune->vm);
        json_t *nodes, *last;
        const char *node;
        int r = qemu_args_backend(tune->vm->live, &disk->base, &runtime, &nodes, err);

        if (r < 0)
                return r;
        tell_all(tune, nodes);
        last = json_array_get(nodes, json_array_size(nodes) - 1);
        node = json_string_value(json_object_get(json_object_get(last, "arguments"), "node-name"));
        vm_tune_tell(tune, "blockdev-insert-medium",
                     json_pack("{s:s, s:s}", "id", id, "node-name", node));
        vm_tune_tell(tune, "blockdev-close-tray", json_pack("{s:s}", "id", id));
        json_decref(nodes);
        return 0;
}

static int tell_disk(VmTune *tune, const Change *change, Err *err) {
        const DomainDisk *old = (const DomainDisk *)change->old;
        const DomainDisk *new = (const DomainDisk *)change->new;
        const char *id = old->base.alias.name;
        json_t *gone;

        if (has_same_source(old, new))
                return 0;
        vm_tune_tell(tune, "blockdev-open-tray",
                     json_pack("{s:s, s:b}", "id", id, "force", tune->index != 0));
        vm_tune_tell(tune, "blockdev-remove-medium", json_pack("{s:s}", "id", id));
        if (domain_disk_has_source(old)) {
                gone = qemu_args_unplug(tune->vm->live, &old->base);
                tell_all(tune, gone);
                json_decref(gone);
        }
        return domain_disk_has_source(new) ? tell_insert(tune, new, id, err) : 0;
}

static int tell_net(VmTune *tune, const Change *change, Err *err) {
        const DomainInterface *old = (const DomainInterface *)change->old;
        const DomainInterface *new = (const DomainInterface *)change->new;
        bool was_up = old->link.state != NET_LINK_DOWN, is_up = new->link.state != NET_LINK_DOWN;
        int r = 0;

        if (g_strcmp0(old->source.bridge, new->source.bridge) != 0 && old->target.dev)
                r = tap_change_bridge(old->target.dev, old->source.bridge, new->source.bridge, err);
        if (r == 0 && was_up != is_up)
                vm_tune_tell(tune, "set_link",
                             json_pack("{s:s, s:b}", "name", old->base.alias.name, "up", is_up));
        return r;
}

static int tell_display(VmTune *tune, const Change *change, Err *err) {
        const DomainGraphics *old = (const DomainGraphics *)change->old;
        const DomainGraphics *new = (const DomainGraphics *)change->new;

        json_t *commands;

        if (g_strcmp0(old->passwd, new->passwd) == 0 && old->connected == new->connected &&
            g_strcmp0(old->passwd_valid_to, new->passwd_valid_to) == 0)
                return 0;
        commands = qemu_args_ready_device(&new->base);
        tell_all(tune, commands);
        json_decref(commands);
        return 0;
}

/* ---- the running device afterwards ---- */

static void apply_disk(const Change *change) {
        DomainDisk *old = (DomainDisk *)change->old, *new = (DomainDisk *)change->new;

        if (has_same_source(old, new))
                return;
        new->target.tray = domain_disk_has_source(new) ? DISK_TRAY_UNSET : DISK_TRAY_OPEN;
        swap_media(old, new);
}

static void apply_net(const Change *change) {
        DomainInterface *old = (DomainInterface *)change->old;
        DomainInterface *new = (DomainInterface *)change->new;

        SWAP(old->link, new->link);
        SWAP(old->source.bridge, new->source.bridge);
}

static void apply_display(const Change *change) {
        swap_display((DomainGraphics *)change->old, (DomainGraphics *)change->new);
}

static const struct LiveUpdate {
        int (*check)(const Change *change, Err *err);
        int (*tell)(VmTune *tune, const Change *change, Err *err);
        void (*apply)(const Change *change);
} updates[_DOMAIN_DEVICE_MAX] = {
        [DOMAIN_DISK] = {check_disk, tell_disk, apply_disk},
        [DOMAIN_INTERFACE] = {check_net, tell_net, apply_net},
        [DOMAIN_GRAPHICS] = {check_display, tell_display, apply_display},
};

/* ---- finding it ---- */

/* A guest has one display of a kind, and its XML names no other key. */
static int find_display(const DomainDef *def, const DomainDevice *wanted, DomainDevice **ret,
                        Err *err) {
        DOMAIN_FOREACH(DomainGraphics, graphics, def, DOMAIN_GRAPHICS)
                if (graphics->type == ((const DomainGraphics *)wanted)->type) {
                        *ret = &graphics->base;
                        return 0;
                }
        return fail(err, VIR_ERR_INTERNAL_ERROR, "cannot find existing graphics device to modify");
}

static int find_old(const DomainDef *def, const DomainDevice *wanted, DomainDevice **ret,
                    Err *err) {
        if (wanted->kind == DOMAIN_GRAPHICS)
                return find_display(def, wanted, ret, err);
        if (wanted->kind == DOMAIN_DISK) { /* its target is its name, whatever the rest says */
                const char *target = ((const DomainDisk *)wanted)->target.dev;
                DomainDisk *disk = target ? vm_find_disk(def, target) : NULL;

                if (!disk)
                        return fail(err, VIR_ERR_INTERNAL_ERROR, "disk '%s' not found", target);
                *ret = &disk->base;
                return 0;
        }
        return domain_def_find_device(def, wanted, ret, err);
}

/* What a client leaves out and the guest has already stays as it is. */
static void keep_place(const DomainDevice *old, DomainDevice *new) {
        g_autoptr(DomainDevice) copy = domain_device_copy(old);

        if (!new->address.node.is_present)
                SWAP(new->address, copy->address);
        if (!new->alias.name)
                SWAP(new->alias, copy->alias);
        if (!new->boot.node.is_present)
                SWAP(new->boot, copy->boot);
}

/* A medium that comes; the one that is there stays as QEMU has it. */
static int fill_medium(const VmTune *tune, const DomainDef *def, const Change *change, Err *err) {
        DomainDisk *new = (DomainDisk *)change->new;

        if (has_same_source((const DomainDisk *)change->old, new))
                return 0;
        return vm_image_fill(def, new, tune->images, err);
}

static int read_change(const VmTune *tune, const DomainDef *def, bool is_live, Change *ret,
                       Err *err) {
        g_autoptr(DomainDef) scratch = domain_def_copy(def);
        int r = domain_device_parse(scratch, tune->text, strlen(tune->text),
                                    is_live ? DOMAIN_PARSE_LIVE : 0, &ret->new, err);

        if (r < 0)
                return r;
        if (!updates[ret->new->kind].check)
                return fail_hint(
                        err,
                        fail(err,
                             is_live ? VIR_ERR_CONFIG_UNSUPPORTED : VIR_ERR_OPERATION_UNSUPPORTED,
                             "%s update of device '%s' is not supported",
                             is_live ? "live" : "persistent",
                             domain_device_kind_to_string(ret->new->kind)),
                        "detach it and attach it as it shall be");
        r = find_old(def, ret->new, &ret->old, err);
        if (r == 0)
                keep_place(ret->old, ret->new);
        if (r == 0 && is_live && ret->new->kind == DOMAIN_DISK)
                r = fill_medium(tune, def, ret, err);
        return r;
}

/* ---- the configuration ---- */

static void keep_order(GPtrArray *list, DomainDevice *device, guint place) {
        guint now;

        if (!g_ptr_array_find(list, device, &now))
                return;
        for (; now > place; now--)
                SWAP(list->pdata[now], list->pdata[now - 1]);
}

static int replace(DomainDef *def, Manager *manager, Change *change, Err *err) {
        DomainDefaults defaults = manager_domain_defaults(manager);
        GPtrArray *list = def->devices.list[change->old->kind];
        DomainDevice *new;
        guint place = 0;
        int r;

        g_ptr_array_find(list, change->old, &place);
        domain_device_free(domain_def_take_device(def, change->old));
        r = domain_def_add_device(def, &defaults, change->new, err);
        if (r < 0)
                return r;
        new = g_steal_pointer(&change->new);
        keep_order(list, new, place);
        r = layout_assign(def, NULL, err);
        return r < 0 ? fail_hint(err, r, "%s keeps its place", new->alias.name) : 0;
}

static int check_stored(const VmTune *tune, const DomainDef *def, Err *err) {
        g_autoptr(DomainDef) next = domain_def_copy(def);
        g_auto(Change) change = {};
        int r = read_change(tune, next, false, &change, err);

        return r < 0 ? r : replace(next, tune->vm->manager, &change, err);
}

/* ---- the kind ---- */

static void on_images(ImageFacts *facts, const Err *err, void *userdata) {
        VmTune *tune = userdata;

        tune->images = facts;
        if (err)
                vm_tune_fail(tune, err);
        else
                vm_tune_checks(tune);
}

static int look_at_medium(VmTune *tune, Err *err) {
        int r = vm_image_look_at(tune->vm, tune->text, on_images, tune, err);

        return r == VM_IMAGE_LATER ? VM_TUNE_WAIT : r;
}

static int check_device(const VmTune *tune, const DomainDef *def, bool is_live, Err *err) {
        g_auto(Change) change = {};
        int r;

        if (!is_live)
                return check_stored(tune, def, err);
        r = read_change(tune, def, true, &change, err);
        return r < 0 ? r : updates[change.new->kind].check(&change, err);
}

static int begin_device(VmTune *tune, Err *err) {
        g_auto(Change) change = {};
        int r = read_change(tune, tune->vm->live, true, &change, err);

        return r < 0 ? r : updates[change.new->kind].tell(tune, &change, err);
}

/* The drive's tray is opened by the guest, when it has let go of its medium. */
static bool device_again(VmTune *tune, const Err *err) {
        return strstr(err->message, "is not open") && tune->tries++ < TRAY_TRIES_MAX;
}

/* The drive as it was, after a medium that QEMU does not take. */
static void device_failed(VmTune *tune) {
        g_auto(Change) change = {};
        g_auto(Err) err = ERR_INIT;
        json_t *gone;
        int r;

        if (!tune->vm->live || read_change(tune, tune->vm->live, true, &change, NULL) < 0 ||
            change.new->kind != DOMAIN_DISK || tune->next < 3)
                return;
        gone = qemu_args_unplug(tune->vm->live, change.new);
        tell_all(tune, gone);
        json_decref(gone);
        r = domain_disk_has_source((DomainDisk *)change.old)
                    ? tell_insert(tune, (DomainDisk *)change.old, change.old->alias.name, &err)
                    : 0;
        if (r < 0)
                log_err(&err, "drive '%s' of guest '%s' stays empty", change.old->alias.name,
                        vm_name(tune->vm));
}

static void apply_device(const VmTune *tune, DomainDef *def, bool is_live) {
        g_auto(Change) change = {};
        g_auto(Err) err = ERR_INIT;

        if (read_change(tune, def, is_live, &change, &err) < 0)
                return;
        if (is_live)
                updates[change.new->kind].apply(&change);
        else
                replace(def, tune->vm->manager, &change, &err);
}

const VmTuneKind vm_tune_device = {
        .name = "update device",
        .look = look_at_medium,
        .check = check_device,
        .begin = begin_device,
        .again = device_again,
        .failed = device_failed,
        .apply = apply_device,
};
